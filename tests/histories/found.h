/* Histories that have shown a defect once, of an engine or of a deliberately wrong one, and are played for ever. */
#ifndef LESSON_STORE_TESTS_FOUND_H
#define LESSON_STORE_TESTS_FOUND_H

#include <stddef.h>

#include "model.h"

typedef struct found_history {
    const char *name;
    const model_call *calls;
    size_t count;
} found_history;

/* Closed by one without a name. */
extern const found_history found_histories[];

#endif
