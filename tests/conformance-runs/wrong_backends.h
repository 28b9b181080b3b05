/* Backends that each break one promise, and descriptions that do not fit their backends. */
#ifndef LESSON_STORE_TESTS_WRONG_BACKENDS_H
#define LESSON_STORE_TESTS_WRONG_BACKENDS_H

#include <lessonstore/conformance.h>

typedef struct wrong_backend {
    const char *name;
    const char *must_fail; /* clauses of the broken promise, separated by spaces */
    const char *may_fail;  /* other clauses whose tests this backend cannot pass; "JOIN-*": all of JOIN */
    void (*alter)(lesson_store_backend *table);                      /* NULL: the table is correct */
    void (*describe)(lesson_store_conformance_backend *description); /* NULL: the description is correct */
} wrong_backend;

/* A backend and a description that disagree. The run stops before its first test. */
typedef struct wrong_description {
    wrong_backend backend; /* without clauses */
    const char *line;      /* all that the run prints after the name */
} wrong_description;

/* Each list is ended by an entry without a name. */
extern const wrong_backend wrong_operations[], wrong_streams[], wrong_claims[], wrong_pages[], wrong_filters[],
    wrong_sharing[], wrong_feeds[], wrong_bans[], wrong_exceptions[];
extern const wrong_description wrong_descriptions[];

/* Changes that other lists use too: of wrong_descriptions.c, wrong_sharing.c and wrong_exceptions.c. */
void no_stay_table(lesson_store_backend *table);
void describe_no_stay(lesson_store_conformance_backend *description);
void describe_shared(lesson_store_conformance_backend *description);
void describe_exceptions(lesson_store_conformance_backend *description);
int join_quits_first(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);

#endif
