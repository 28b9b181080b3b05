/*
 * The engine that a test runs on: the program's argument, "memory", "sqlite" or "redis", so that one program tests all
 * three. A test has one place for data at a time, new and empty; several stores may be open on it.
 */
#ifndef LESSON_STORE_TESTS_ENGINE_H
#define LESSON_STORE_TESTS_ENGINE_H

#include <stdbool.h>

#include <lessonstore/lessonstore.h>

/* False with a message on stderr if there is no such engine. Redis is that of with_redis. */
bool engine_choose(const char *name);
const char *engine_name(void);

/* False for memory, whose data belongs to one store of one process. */
bool engine_is_shared(void);

/* Makes a new and empty place, and tells the location of it, to which "?option=value" can be added. It is valid until
 * engine_remove, which removes the place and all that is in it; no store may be open on it then. */
const char *engine_make(void);
void engine_remove(void);

/* The location that engine_make told last. */
const char *engine_location(void);

/* Opens a store on the present place, with "?option=value" or "" behind the location; the test fails if it cannot. */
lesson_store *engine_open_store(const char *options);

/* engine_make and the one store on it, closed and removed together. */
lesson_store *engine_open(void);
void engine_close(lesson_store *store);

#endif
