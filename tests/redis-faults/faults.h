/* The faults that are tried: how each is made and repaired, and what may be answered meanwhile. */
#ifndef LESSON_STORE_TESTS_FAULTS_H
#define LESSON_STORE_TESTS_FAULTS_H

#include "bench.h"

typedef struct fault_kind {
    const char *name;
    int code;         /* what it is answered by; OK: by nothing, since nothing fails */
    const char *says; /* what the message of that holds; NULL: anything */
    judge_rules rules;
    bench_wish wish;
    bool is_timed; /* the store's time is so short that calls may fail before and after it, too */
    /* Each may be NULL. */
    void (*strike)(fault_bench *bench); /* before the calls that shall meet it */
    void *(*beside)(void *bench);       /* while they run, in a thread */
    void (*repair)(fault_bench *bench); /* behind them */
    bool loses_data;                    /* what was acknowledged may be gone with the server */
} fault_kind;

/* Closed by one without a name. */
extern const fault_kind faults_of_refusals[]; /* servers that refuse */
extern const fault_kind faults_of_servers[];  /* servers that stop, die, and are replaced */
extern const fault_kind faults_of_bytes[];    /* connections that break, stall and garble */

enum { FAULT_LONG_MS = 60000, FAULT_SHORT_MS = 60 };

/* All of them, one list after the other; NULL beyond the last. */
const fault_kind *fault_at(size_t index);

/* A pause by chance, for what shall happen somewhere in the middle of a call. */
void fault_pause(fault_bench *bench);

#endif
