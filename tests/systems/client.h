/* A thread that makes random calls on the store of a stage, and judges the answers. Each has its share of the users and
 * lessons, so each has a judge of its own. */
#ifndef LESSON_STORE_TESTS_CLIENT_H
#define LESSON_STORE_TESTS_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "dice.h"
#include "judge.h"
#include "listing.h"
#include "share.h"

enum { CLIENT_CALLS_MAX = 12 };

typedef struct stage_client {
    struct trouble_stage *stage;
    pthread_t thread;
    model_share share;
    judge_case *judge;
    dice_state dice;
    atomic_uint done;      /* calls of the library */
    atomic_uint failed_at; /* the number of the latest one that failed */
    atomic_bool is_gone;
    unsigned unknown; /* batches with unknown outcomes that the judge still considers */
    uint64_t operations;
    uint32_t codes; /* the failures seen: JUDGE_CODE(...) */

    /* The current call. */
    enum client_progress { CLIENT_IDLE, CLIENT_ASKED, CLIENT_HEARD } progress;
    bool lists;
    size_t count;
    model_call calls[CLIENT_CALLS_MAX];
    model_answer answers[CLIENT_CALLS_MAX];
    listing listed;
    int8_t listed_lesson;
    int code;
    unsigned began_in; /* phases of the stage */
    unsigned ended_in;
} stage_client;

/* Starts the thread. It ends when the stage ends, or when it is cancelled; `is_gone` is then true. */
bool client_start(stage_client *self);

/* Cancels the thread, waits until it has ended, judges what it had begun, and starts another one in its place. */
void client_replace(stage_client *self);

#endif
