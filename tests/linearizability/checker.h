/*
 * Is there an order in which the calls of a history could have taken effect, one after the other, so that each was
 * answered as the model answers? (Herlihy and Wing's linearizability, searched for as Wing and Gong do, and no state
 * looked at twice, as Lowe does.)
 */
#ifndef LESSON_STORE_TESTS_CHECKER_H
#define LESSON_STORE_TESTS_CHECKER_H

#include "history.h"

typedef enum checker_verdict {
    CHECKER_LINEARIZABLE,
    CHECKER_NOT_LINEARIZABLE,
    CHECKER_UNDECIDED /* there were more states than could be looked at */
} checker_verdict;

enum { CHECKER_STATES_MAX = 1 << 18 };

typedef struct checker_finding {
    checker_verdict verdict;
    size_t states;                    /* that were looked at */
    size_t longest;                   /* how many calls the longest right order has that was found */
    uint8_t order[HISTORY_CALLS_MAX]; /* that order */
} checker_finding;

/* `states_max`: CHECKER_STATES_MAX, or less for a test of just that. */
checker_finding checker_judge(const history *calls, size_t states_max);

/* The history, the order that was found, and what each call that could come next should have told. */
void checker_print(FILE *out, const history *calls, const checker_finding *finding);

#endif
