/* The faults: how each is made and repaired, and which answers it allows. */
#ifndef LESSON_STORE_TESTS_FAULTS_H
#define LESSON_STORE_TESTS_FAULTS_H

#include "bench.h"

typedef struct fault_kind {
    const char *name;
    int code;         /* the code that it causes; OK: none, because nothing fails */
    const char *says; /* the message of that code contains it; NULL: anything */
    judge_rules rules;
    bench_wish wish;
    bool is_timed; /* the store's timeout is so short that calls may also fail before and after the fault */
    /* Each may be NULL. */
    void (*strike)(fault_bench *bench); /* before the calls that are to meet the fault */
    void *(*beside)(void *bench);       /* while they run, in a thread */
    void (*repair)(fault_bench *bench); /* after them */
    bool loses_data;                    /* acknowledged changes may be lost with the server */
} fault_kind;

/* Each list is ended by an entry without a name. */
extern const fault_kind faults_of_refusals[]; /* servers that refuse */
extern const fault_kind faults_of_servers[];  /* servers that stop, die, and are replaced */
extern const fault_kind faults_of_bytes[];    /* connections that break, stall and garble */

enum { FAULT_LONG_MS = 60000, FAULT_SHORT_MS = 60 };

/* All of them, one list after another. NULL after the last. */
const fault_kind *fault_at(size_t index);

/* A random pause, for an event that is to happen in the middle of a call. */
void fault_pause(fault_bench *bench);

#endif
