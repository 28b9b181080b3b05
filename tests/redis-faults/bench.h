/*
 * Where faults are tried: servers, a store on one of them, random calls, and a judge of the answers. A wrong answer
 * fails the test with the seed of the round.
 */
#ifndef LESSON_STORE_TESTS_BENCH_H
#define LESSON_STORE_TESTS_BENCH_H

#include <pthread.h>

#include "draw.h"
#include "judge.h"
#include "raw.h"
#include "soak.h"

#include <lessonstore/backend.h>

/* The servers that faults need. Each starts when the first fault needs it. */
typedef enum bench_place { PLACE_MAIN, PLACE_DURABLE, PLACE_PAIR, PLACE_SECOND_OF_PAIR, PLACES } bench_place;

typedef struct fault_bench fault_bench;
struct fault_bench {
    raw_server places[PLACES]; /* their `store` is not used */
    bool over_tls;             /* see bench_use_tls */
    certificates made;         /* then */
    raw_server *at;            /* the one of the current round; faults may change it */
    false_server *between;     /* NULL: the store uses the server directly */
    lesson_store *store;       /* pool=1 */
    judge_case *judge;
    judge_rules rules; /* the current rules */
    dice_state dice;
    soak_run *soak;
    const char *fault; /* its name, for messages */
    int code;          /* the code that the fault itself causes */
    const char *says;  /* every message of that code contains it; NULL: anything */
    int timeout_ms;
    uint32_t codes; /* the failures seen in this round: JUDGE_CODE(...) */
    int files;      /* files that were open before the round */

    /* Private data of a fault. */
    pthread_t beside;
    redisContext *other;
    int8_t damaged; /* the number of a user or a lesson */
};

/* Before anything else: stores and false servers use the servers over TLS. */
void bench_use_tls(fault_bench *bench);

/* Where a false server reaches the server of this place. */
const char *bench_door(const fault_bench *bench, bench_place which);

/* Starts the server if it is not running yet. */
raw_server *bench_place_of(fault_bench *bench, bench_place which);
void bench_end(fault_bench *bench);

/* A round: an empty server and a store on it, with this user and password ("" or "user:password@"). */
typedef struct bench_wish {
    bench_place place;
    bool behind; /* a false server */
    int timeout_ms;
    bool pages; /* members come in pages; otherwise at random */
    const char *account;
    const lesson_store_backend *backend; /* NULL: the backend of the location */
    void (*prepare)(fault_bench *bench); /* runs before the server is emptied; NULL: nothing */
} bench_wish;
void bench_open(fault_bench *bench, const bench_wish *wish);

/* The end of a round. The store works, and the server has executed everything that was sent. Its data is a possible
 * state, is consistent, and reads the same through this store and a new one. No file is left open. */
void bench_close(fault_bench *bench);

/* Its steps: the first closes the store and waits until the server has executed everything. The second is false, with
 * the reason in `text`, if the data is no possible state. */
void bench_put_away(fault_bench *bench);
bool bench_state_fits(fault_bench *bench, char text[VOCABULARY_TEXT_SIZE]);

/* Random calls, under the current rules. */
void bench_work(fault_bench *bench);
void bench_small_batch(fault_bench *bench);
void bench_large_batch(fault_bench *bench);
void bench_run(fault_bench *bench, const model_call *calls, size_t count);
void bench_list(fault_bench *bench, int8_t lesson); /* its members; MODEL_NONE: all users */

/* Runs calls as one batch, stores the answers, and returns its code. */
int bench_ask(lesson_store *store, const model_call *calls, model_answer *answers, size_t count);

/* Like the two before, but false instead of failing the test. */
bool bench_try(fault_bench *bench, const model_call *calls, size_t count);
bool bench_try_list(fault_bench *bench, int8_t lesson);

/* Draws calls; a large batch has several requests under way. Returns their number. */
size_t bench_draw(dice_state *dice, model_call *calls, size_t most, unsigned wrong_in);

/* Runs batches until one has no failure. By then every request was executed or lost, and the judge is settled. */
void bench_recover(fault_bench *bench);

/* Waits until the server has exactly this number of connections. */
void bench_wait_for_clients(fault_bench *bench, int count);

/* Copies a field of INFO, such as "role:", into `text`. */
void bench_info(raw_server *raw, const char *section, const char *field, char *text, size_t size);

#define bench_fail(bench, format, ...) \
    fail_msg("%s: " format SOAK_SEED, (bench)->fault, __VA_ARGS__, (bench)->soak->seed)

#endif
