/* Backends that each break one promise, and descriptions that do not fit their backends. */
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

/* A backend and a description that disagree: the run ends before its first test. */
typedef struct wrong_description {
    wrong_backend backend; /* without clauses */
    const char *line;      /* what the run says, behind the name, and nothing else */
} wrong_description;

/* Each list is closed by one without a name. */
extern const wrong_backend wrong_operations[], wrong_streams[], wrong_claims[], wrong_pages[], wrong_sharing[];
extern const wrong_description wrong_descriptions[];

/* wrong_descriptions.c: alterations that other lists need too. */
void no_stay_table(lesson_store_backend *table);
void describe_no_stay(lesson_store_conformance_backend *description);
void describe_shared(lesson_store_conformance_backend *description);

#endif
