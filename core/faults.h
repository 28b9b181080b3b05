/*
 * How faults made on purpose (lessonstore/fault.h) come into a store:
 *
 *   location.c        takes fault+ off the scheme and lets the location have the options of faults
 *   fault_options.c   what these options are, and the names in them
 *   fault.c           the fault that is set over a store: whom it strikes, and the waiting
 *   fault_backend.c   the backend that stands before the store's own: asks fault.c of every call
 */
#ifndef LESSON_STORE_FAULTS_H
#define LESSON_STORE_FAULTS_H

#include <lessonstore/fault.h>

#include "core.h"

/* One for a store, shared by its instances. */
struct lesson_store_faults {
    lesson_store_backend inner; /* the store's own backend, completed */
    const char *shown;          /* the store's location */
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* the fault was set or cleared */
    lesson_store_fault fault;
    bool is_set;
    uint64_t changes;
    uint64_t watched; /* since the fault was set */
    uint64_t struck;
};

/* ---- fault_options.c */

extern const lesson_store_option lesson_store_fault_options[];

/* The codes that a fault can have, closed by OK. */
extern const int lesson_store_fault_codes[];

/* Sets the fault that the location's options speak of, if there are any. */
int lesson_store_faults_set_by_location(lesson_store_faults *faults, const lesson_store_location *location);

/* What is set, as "UNREACHABLE on join,quit at 3": for a person. */
void lesson_store_fault_describe(char *text, size_t size, const lesson_store_fault *fault);

/* ---- fault.c */

int lesson_store_faults_open(lesson_store_faults **out, const lesson_store_backend *inner, const char *shown);
void lesson_store_faults_close(lesson_store_faults *faults); /* NULL is allowed */
int lesson_store_faults_set(lesson_store_faults *faults, const lesson_store_fault *fault);

/* A call or operation that may be struck. */
typedef struct lesson_store_fault_target {
    uint32_t on; /* the one bit of its kind */
    bool writes;
} lesson_store_fault_target;

/* A strike, or `struck` false; the fault may be another one by the time that it falls. */
typedef struct lesson_store_strike {
    bool struck;
    int code;      /* OK if it only slows */
    uint64_t made; /* the number of it */
    lesson_store_fault fault;
    uint64_t changes;
} lesson_store_strike;

lesson_store_strike lesson_store_faults_watch(lesson_store_faults *faults, lesson_store_fault_target target);

/* Watches the operations of a batch. Those that are struck alone are given their code; of others `*at` is the first, or
 * `count`. */
lesson_store_strike lesson_store_faults_watch_batch(lesson_store_faults *faults, lesson_store_operation *operations,
                                                    size_t count, size_t *at);

/* Waits for as long as the fault says, or until it is cleared or another one is set. */
void lesson_store_faults_wait(lesson_store_faults *faults, const lesson_store_strike *strike);

/* Sets the message, and returns the code. */
int lesson_store_faults_announce(const lesson_store_faults *faults, const lesson_store_strike *strike);

/* ---- fault_backend.c */

/* The table of the wrapper over this backend: what it knows of it, and no more. */
lesson_store_backend lesson_store_fault_backend_over(const lesson_store_backend *inner);

/* The instance beneath one of the wrapper's. */
const lesson_store_instance *lesson_store_fault_inner(const lesson_store_instance *instance);

#endif
