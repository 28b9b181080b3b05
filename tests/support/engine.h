/*
 * The engine that a test runs on: the program's argument, "memory", "sqlite", "redis" or "redis-tls", so that one
 * program tests all of them. A test has one location at a time, new and empty. Several stores may be open at it.
 */
#ifndef LESSON_STORE_TESTS_ENGINE_H
#define LESSON_STORE_TESTS_ENGINE_H

#include <stdbool.h>

#include <lessonstore/lessonstore.h>

/* False, with a message on stderr, if there is no such engine. Redis is what with_redis started. */
bool engine_choose(const char *name);
const char *engine_name(void);

/* False for memory, whose data belongs to one store of one process. */
bool engine_is_shared(void);

/* Makes a new and empty location and returns it. It may have options already, so append others by engine_add_options.
 * It is valid until engine_remove, which removes it with all its data, or leaves them where nothing else finds them. No
 * store may be open then. */
const char *engine_make(void);
void engine_remove(void);

/* The location that engine_make returned last. */
const char *engine_location(void);

/* Appends "?option=value..." to a location, or nothing if it is "". If the location has options already, a prefix that
 * comes first in the new ones continues the prefix that ends them. */
void engine_add_options(char *out, size_t size, const char *location, const char *options);

/* Opens a store at the current location, followed by "?option=value" or "". The test fails if it cannot. */
lesson_store *engine_open_store(const char *options);

/* The promises that a store at the current location does not keep: LESSON_STORE_EXCEPT_... */
uint64_t engine_exceptions(void);

/* engine_make with a single store, closed and removed together. */
lesson_store *engine_open(void);
void engine_close(lesson_store *store);

#endif
