/* The engine that the tests of this folder run on: the program's argument, "memory", "sqlite" or "redis". */
#ifndef LESSON_STORE_TESTS_ENGINE_H
#define LESSON_STORE_TESTS_ENGINE_H

#include <stdbool.h>

#include <lessonstore/lessonstore.h>

/* False with a message on stderr if there is no such engine. Redis is that of with_redis. */
bool engine_choose(const char *name);

/* Opens a new and empty store; the test fails if it cannot. */
lesson_store *engine_open(void);

/* Closes it, and removes what it kept. */
void engine_close(lesson_store *store);

#endif
