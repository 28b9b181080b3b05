/*
 * A round: clients make random calls on a store, a trouble is made and taken back, and at the end of it nothing is
 * wrong. The calls of the main thread:
 *
 *   stage_play     the whole round
 *   the others     for the troubles and the grounds
 */
#ifndef LESSON_STORE_TESTS_STAGE_H
#define LESSON_STORE_TESTS_STAGE_H

#include <lessonstore/backend.h>

#include "client.h"
#include "ground.h"
#include "soak.h"
#include "trouble.h"

enum { STAGE_CLIENTS = 3, STAGE_TEXT_SIZE = 2000 };

/* The number of a phase, modulo STAGE_PHASES, says how the round stands. It only grows. */
enum { STAGE_CALM, STAGE_MAKING, STAGE_TROUBLED, STAGE_TAKING_BACK, STAGE_PHASES };

struct trouble_stage {
    const trouble_kind *trouble;
    const ground_kind *ground;
    const lesson_store_backend *backend; /* NULL: the backend of the location */
    dice_state dice;
    unsigned patience_s; /* what takes longer never ends */

    char location[1024];
    lesson_store *store;
    int pool;
    int files; /* descriptors that were open before the store */
    stage_client clients[STAGE_CLIENTS];
    atomic_uint phase;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_paused;
    bool is_ending;
    int inside;             /* clients in a call */
    atomic_bool has_failed; /* then `text` says why */
    char text[STAGE_TEXT_SIZE];

    uint64_t kills; /* of threads, children, servers */
    uint64_t times; /* how often the trouble was made */
    uint64_t operations;
    uint32_t codes; /* the failures seen: JUDGE_CODE(...) */
};

/* Plays a round. The trouble, the ground, the backend, the dice and the patience are set, and all else is zero. If it
 * fails, `text` says why, and threads may be left in calls that never return. */
bool stage_play(trouble_stage *stage);

/* Keeps the first failure. Any thread. */
void stage_fail(trouble_stage *stage, const char *format, ...) LESSON_STORE_PRINTF(2, 3);

/* Waits for a condition. False, with a failure of these words, if it does not come true. */
bool stage_wait(trouble_stage *stage, bool (*condition)(trouble_stage *stage), const char *otherwise);
bool stage_wait_for(trouble_stage *stage, const atomic_bool *flag, const char *otherwise);
bool stage_wait_for_child(trouble_stage *stage, pid_t child, int *status); /* kills it otherwise */

/* Waits until each client has made so many more calls. */
void stage_let_work(trouble_stage *stage, unsigned calls);

/* A random time of up to some milliseconds: so troubles come at any moment of a call. */
void stage_pause_at_random(trouble_stage *stage);

/* Between two calls of all clients. Each pause is followed by a resume. */
void stage_pause(trouble_stage *stage);
void stage_resume(trouble_stage *stage);

/* Closes the store and opens it again, with these options behind the others ("" or "&option=value"). */
void stage_reopen(trouble_stage *stage, const char *options);

/* Opens the location with these options. Returns the code. */
int stage_open_another(trouble_stage *stage, const char *options, lesson_store **out);

/* For the clients. The first is false if the round ends. */
bool stage_enter_call(trouble_stage *stage, unsigned *phase);
void stage_leave_call(trouble_stage *stage);
unsigned stage_phase(trouble_stage *stage);

#endif
