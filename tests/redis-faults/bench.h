/*
 * Where faults are tried: servers, a store on one of them, calls by chance, and a judge of what they are answered.
 * What does not fit fails the test with the round's seed.
 */
#ifndef LESSON_STORE_TESTS_BENCH_H
#define LESSON_STORE_TESTS_BENCH_H

#include <pthread.h>

#include "draw.h"
#include "judge.h"
#include "raw.h"
#include "soak.h"

#include <lessonstore/backend.h>

/* The servers that faults need; each is started when the first of them comes. */
typedef enum bench_place { PLACE_MAIN, PLACE_DURABLE, PLACE_PAIR, PLACE_SECOND_OF_PAIR, PLACES } bench_place;

typedef struct fault_bench fault_bench;
struct fault_bench {
    raw_server places[PLACES]; /* their `store` is not used */
    raw_server *at;            /* the one of the present round; faults may change it */
    false_server *between;     /* NULL: the store talks to the server itself */
    lesson_store *store;       /* pool=1 */
    judge_case *judge;
    judge_rules rules; /* of this moment */
    dice_state dice;
    soak_run *soak;
    const char *fault; /* its name, for messages */
    int code;          /* the failure that is its own */
    const char *says;  /* what each message of that holds; NULL: anything */
    int timeout_ms;
    uint32_t codes; /* the failures that were seen in this round: JUDGE_CODE(...) */
    int files;      /* that were open before the round */

    /* What a fault keeps for itself. */
    pthread_t beside;
    redisContext *other;
    int8_t damaged; /* the number of a user or a lesson */
};

/* Starts the server if it is not there yet. */
raw_server *bench_place_of(fault_bench *bench, bench_place which);
void bench_end(fault_bench *bench);

/* A round: an empty server and a store on it, with this user and password ("" or "user:password@"). */
typedef struct bench_wish {
    bench_place place;
    bool behind; /* a false server */
    int timeout_ms;
    bool pages; /* members come in pages; else by chance */
    const char *account;
    const lesson_store_backend *backend; /* NULL: that of the location */
    void (*prepare)(fault_bench *bench); /* NULL: nothing; before the server is emptied */
} bench_wish;
void bench_open(fault_bench *bench, const bench_wish *wish);

/* The end of one: the store works, the server has done all that it was sent, and what it holds is possible, agrees, and
 * is told alike by this store and by a new one; and no file is left open. */
void bench_close(fault_bench *bench);

/* The steps of that: the store is closed and the server has done all; what is there is possible, else `text` says why.
 */
void bench_put_away(fault_bench *bench);
bool bench_state_fits(fault_bench *bench, char text[VOCABULARY_TEXT_SIZE]);

/* Calls by chance, under the rules of the moment. */
void bench_work(fault_bench *bench);
void bench_small_batch(fault_bench *bench);
void bench_large_batch(fault_bench *bench);
void bench_run(fault_bench *bench, const model_call *calls, size_t count);
void bench_list(fault_bench *bench, int8_t lesson); /* its members; MODEL_NONE: all users */

/* Runs calls as one batch, returns its code, and puts the answers beside them. */
int bench_ask(lesson_store *store, const model_call *calls, model_answer *answers, size_t count);

/* As the two before, false where these fail the test. */
bool bench_try(fault_bench *bench, const model_call *calls, size_t count);
bool bench_try_list(fault_bench *bench, int8_t lesson);

/* Draws calls; a large batch has several requests under way. Returns how many. */
size_t bench_draw(dice_state *dice, model_call *calls, size_t most, unsigned wrong_in);

/* Works, in quiet, until a whole batch was answered. */
void bench_recover(fault_bench *bench);

/* Waits until the server has no other connections than these. */
void bench_wait_for_clients(fault_bench *bench, int count);

/* A field of INFO, as "role:", into `text`. */
void bench_info(raw_server *raw, const char *section, const char *field, char *text, size_t size);

#define bench_fail(bench, format, ...) \
    fail_msg("%s: " format SOAK_SEED, (bench)->fault, __VA_ARGS__, (bench)->soak->seed)

#endif
