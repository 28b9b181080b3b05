/* The redis backend with a defect. Each must be rejected by the part that is to catch it. */
#ifndef LESSON_STORE_TESTS_WRONG_REDIS_BACKENDS_H
#define LESSON_STORE_TESTS_WRONG_REDIS_BACKENDS_H

#include <lessonstore/backend.h>

typedef enum wrong_way {
    WRONG_NOT_AT_ALL,
    /* Detected when something fails. */
    ERROR_IS_NOT_FOUND,
    ERROR_IS_OK,
    ERROR_IS_AN_EMPTY_LIST,
    ERROR_OF_ONE_OPERATION_IS_OK,
    UNKNOWN_IS_UNREACHABLE,
    UNKNOWN_IS_SENT_AGAIN,
    READ_IS_UNKNOWN,
    /* Detected when the client is killed. It kills itself. */
    DIES_BEFORE_IT_HEARS, /* this one is correct */
    BATCH_IS_ONE_BY_ONE,
    JOIN_IS_QUIT_AND_JOIN,
    JOIN_IS_RECORD_AND_MEMBER
} wrong_way;

/* Returns the backend with this defect. Only one at a time in a process. */
const lesson_store_backend *wrong_backend(wrong_way way);

#endif
