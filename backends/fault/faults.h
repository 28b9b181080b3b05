/*
 * Faults for tests (lessonstore/fault.h), as a backend that is a prefix to another one:
 *
 *   fault.c     the backend, which asks strikes.c about every call; the public calls
 *   strikes.c   the fault that is set for a store: which calls it strikes, and the waiting
 *   options.c   the options of a location, and the names in them
 */
#ifndef LESSON_STORE_FAULTS_H
#define LESSON_STORE_FAULTS_H

#include <pthread.h>

#include <lessonstore/backend.h>
#include <lessonstore/fault.h>

/* One for each store, shared by its instances. */
typedef struct fault_state {
    const char *shown; /* the store's location */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* the fault was set or cleared */
    unsigned instances;
    lesson_store_fault fault;
    bool is_set;
    uint64_t changes;
    uint64_t watched; /* operations and calls since the fault was set */
    uint64_t struck;
} fault_state;

/* ---- options.c */

extern const lesson_store_option fault_options[];

/* The codes that a fault can have, ended by OK. */
extern const int fault_codes[];

/* Sets the fault that the location's options describe, if any. */
int fault_state_set_by_location(fault_state *faults, const lesson_store_location *location);

/* Describes a fault for a person, such as "UNREACHABLE on join,quit at 3". */
void fault_describe(char *text, size_t size, const lesson_store_fault *fault);

/* ---- strikes.c */

/* Makes the state of a new store, used by one instance. */
int fault_state_open(fault_state **out, const char *shown);

/* Add one instance, and remove one. Removing the last one frees the state. */
fault_state *fault_state_share(fault_state *faults);
void fault_state_release(fault_state *faults);

int fault_state_set(fault_state *faults, const lesson_store_fault *asked);
void fault_state_clear(fault_state *faults);
uint64_t fault_state_struck(fault_state *faults);

/* A call or operation that may be struck. */
typedef struct fault_target {
    uint64_t on; /* the one bit of its kind */
    bool writes;
} fault_target;

/* A strike; no strike if `struck` is false. Another fault may be set by the time it takes effect. */
typedef struct fault_strike {
    bool struck;
    int code;      /* OK if it only delays */
    uint64_t made; /* its number */
    lesson_store_fault fault;
    uint64_t changes;
} fault_strike;

fault_strike fault_watch(fault_state *faults, fault_target target);

/* Counts the operations of a batch. Sets the codes of those that are struck alone. `*at` becomes the first operation
 * that is struck and does not fail alone, or `count`. */
fault_strike fault_watch_batch(fault_state *faults, lesson_store_operation *operations, size_t count, size_t *at);

/* Waits as long as the fault states, or until it is cleared or replaced. */
void fault_wait(fault_state *faults, const fault_strike *strike);

/* Sets the message, and returns the code. */
int fault_announce(const fault_state *faults, const fault_strike *strike);

#endif
