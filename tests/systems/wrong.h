/* Backends with one defect that a trouble brings to light. */
#ifndef LESSON_STORE_TESTS_WRONG_H
#define LESSON_STORE_TESTS_WRONG_H

#include <lessonstore/backend.h>

typedef struct wrong_backend {
    const char *name;
    const char *engine;  /* the engine that it passes everything on to */
    const char *trouble; /* the one that must show it */
    int (*run)(lesson_store_instance *instance, lesson_store_operation *operations, size_t count); /* NULL: right */
} wrong_backend;

/* Ended by an entry without a name. */
extern const wrong_backend wrong_backends[];

/* Fills in the table, which passes everything else on. False if this build has no such engine. One at a time. */
bool wrong_make(lesson_store_backend *out, const wrong_backend *wrong);

#endif
