#include "found.h"

#include <lessonstore/lessonstore.h>

/* For a quit that ignores one of its two expectations. */
static const model_call fenced_quit[] = {
    MODEL_JOIN(0, 0, 0, 0, 0, 0, 0),
    MODEL_QUIT(0, 1, 0, 0, 0),
    MODEL_QUIT(0, 0, 1, 0, 0),
    MODEL_QUIT(0, 0, 0, 0, 0),
};

/* A lesson whose record alone was ended, and a lesson with members and without a record: both exist. */
static const model_call record_only[] = {
    MODEL_CREATE(0, 0, 1, 0),
    MODEL_JOIN(0, 0, 0, MODEL_NONE, LESSON_STORE_JOIN_IF_OPEN, 1, 0),
    MODEL_END(0, LESSON_STORE_END_RECORD_ONLY, 1, 0),
    MODEL_JOIN(1, 0, 0, MODEL_NONE, LESSON_STORE_JOIN_IF_EXISTS, 1, 0),
    MODEL_GET_LESSON(0, 1, 0),
    MODEL_END(0, 0, 1, 0),
    MODEL_END(0, 0, 0, 0),
};

#define FOUND(calls) \
    { #calls, calls, sizeof calls / sizeof *calls }

const found_history found_histories[] = {
    FOUND(fenced_quit),
    FOUND(record_only),
    {NULL, NULL, 0},
};
