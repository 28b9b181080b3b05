/* Backends that each break one promise, and the clauses that must and may then fail. */
#ifndef LESSON_STORE_TESTS_WRONG_BACKENDS_H
#define LESSON_STORE_TESTS_WRONG_BACKENDS_H

#include <lessonstore/conformance.h>

typedef struct wrong_backend {
    const char *name;
    const char *must_fail; /* clauses, separated by spaces: the promise that is broken */
    const char *may_fail;  /* clauses whose tests such a backend cannot pass either; "JOIN-*" means all of JOIN */
    void (*alter)(lesson_store_backend *table);                      /* NULL: the table is right */
    void (*describe)(lesson_store_conformance_backend *description); /* NULL: the description is right */
} wrong_backend;

/* Each list is closed by one without a name. */
extern const wrong_backend wrong_operations[], wrong_streams[], wrong_claims[], wrong_sharing[];

#endif
