/*
 * A thread that gives up its processor in the middle of its work. On a machine with few processors a call of some
 * microseconds is hardly ever interrupted, so without this, calls would come one after another.
 */
#ifndef LESSON_STORE_TESTS_PREEMPT_H
#define LESSON_STORE_TESTS_PREEMPT_H

#include <signal.h>
#include <time.h>

#include "dice.h"

typedef struct preempt_timer {
    timer_t timer;
} preempt_timer;

/* For the calling thread; the test fails if there is no timer. */
void preempt_begin(preempt_timer *preempt);
void preempt_end(preempt_timer *preempt);

/* The thread yields now, or at some moment of the next hundred microseconds, or not at all. */
void preempt_soon(const preempt_timer *preempt, dice_state *dice);

#endif
