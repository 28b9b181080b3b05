/* Backends that each break one promise, and the clauses that must and may then fail. */
#ifndef LESSON_STORE_TESTS_WRONG_BACKENDS_H
#define LESSON_STORE_TESTS_WRONG_BACKENDS_H

#include <lessonstore/conformance.h>

typedef struct wrong_backend {
    const char *name;
    const char *must_fail;                      /* clauses, separated by spaces: the promise that is broken */
    const char *may_fail;                       /* clauses whose tests cannot be passed by such a backend either */
    void (*alter)(lesson_store_backend *table); /* NULL: the table is right */
    void (*describe)(lesson_store_conformance_backend *description); /* NULL: the description is right */
} wrong_backend;

extern const wrong_backend wrong_backends[]; /* closed by one without a name */

#endif
