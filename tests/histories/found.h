/* Histories that once showed a defect, of an engine or of a deliberately wrong one. They are played in every run. */
#ifndef LESSON_STORE_TESTS_FOUND_H
#define LESSON_STORE_TESTS_FOUND_H

#include <stddef.h>

#include "model.h"

typedef struct found_history {
    const char *name;
    const model_call *calls;
    size_t count;
} found_history;

/* Ended by an entry without a name. */
extern const found_history found_histories[];

#endif
