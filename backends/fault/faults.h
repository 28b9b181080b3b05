/*
 * Faults made on purpose (lessonstore/fault.h), as a backend that stands before another one:
 *
 *   fault.c     the backend: asks strikes.c about every call; and the public calls
 *   strikes.c   the fault that is set over a store: which calls it strikes, and the waiting
 *   options.c   the options of a location, and the names in them
 */
#ifndef LESSON_STORE_FAULTS_H
#define LESSON_STORE_FAULTS_H

#include <pthread.h>

#include <lessonstore/backend.h>
#include <lessonstore/fault.h>

/* One for a store, shared by its instances. */
typedef struct fault_state {
    const char *shown; /* the store's location */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* the fault was set or cleared */
    unsigned instances;
    lesson_store_fault fault;
    bool is_set;
    uint64_t changes;
    uint64_t watched; /* since the fault was set */
    uint64_t struck;
} fault_state;

/* ---- options.c */

extern const lesson_store_option fault_options[];

/* The codes that a fault can have, terminated by OK. */
extern const int fault_codes[];

/* Sets the fault that the options of the location describe, if there are any. */
int fault_state_set_by_location(fault_state *faults, const lesson_store_location *location);

/* What is set, such as "UNREACHABLE on join,quit at 3": for a person. */
void fault_describe(char *text, size_t size, const lesson_store_fault *fault);

/* ---- strikes.c */

/* Makes the state of a new store, for one instance. */
int fault_state_open(fault_state **out, const char *shown);

/* One more instance, and one less. The last one frees the state. */
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

/* A strike, or `struck` false. When it takes effect, another fault may be set already. */
typedef struct fault_strike {
    bool struck;
    int code;      /* OK if it only slows */
    uint64_t made; /* its number */
    lesson_store_fault fault;
    uint64_t changes;
} fault_strike;

fault_strike fault_watch(fault_state *faults, fault_target target);

/* Watches the operations of a batch. Those that are struck alone are answered. `*at` becomes the first that is struck
 * otherwise, or `count`. */
fault_strike fault_watch_batch(fault_state *faults, lesson_store_operation *operations, size_t count, size_t *at);

/* Waits for as long as the fault says, or until it is cleared or another one is set. */
void fault_wait(fault_state *faults, const fault_strike *strike);

/* Sets the message, and returns the code. */
int fault_announce(const fault_state *faults, const fault_strike *strike);

#endif
