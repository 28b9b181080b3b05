/* The redis backend with a defect. Each must be rejected by the part that is meant to catch it. */
#ifndef LESSON_STORE_TESTS_WRONG_REDIS_BACKENDS_H
#define LESSON_STORE_TESTS_WRONG_REDIS_BACKENDS_H

#include <lessonstore/backend.h>

typedef enum wrong_way {
    WRONG_NOT_AT_ALL,
    /* Seen when something fails. */
    ERROR_IS_NOT_FOUND,
    ERROR_IS_OK,
    ERROR_IS_AN_EMPTY_LIST,
    ERROR_OF_ONE_OPERATION_IS_OK,
    UNKNOWN_IS_UNREACHABLE,
    UNKNOWN_IS_SENT_AGAIN,
    READ_IS_UNKNOWN,
    /* Seen when the client is killed, which it does itself. */
    DIES_BEFORE_IT_HEARS, /* and this one is right */
    BATCH_IS_ONE_BY_ONE,
    JOIN_IS_QUIT_AND_JOIN,
    JOIN_IS_RECORD_AND_MEMBER
} wrong_way;

/* The backend that is wrong in this way; one at a time in a process. */
const lesson_store_backend *wrong_backend(wrong_way way);

#endif
