/* A condition variable that waits by the clock of lesson_store_monotonic_us. */
#ifndef LESSON_STORE_REDIS_CONDITION_H
#define LESSON_STORE_REDIS_CONDITION_H

#include <pthread.h>
#include <time.h>

static inline void redis_condition_open(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

#endif
