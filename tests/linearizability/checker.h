/*
 * Is there an order in which the calls of a history could have taken effect, one after another, so that each has the
 * model's answer? This is linearizability (Herlihy and Wing). The search is that of Wing and Gong, and visits no state
 * twice, as Lowe's does.
 */
#ifndef LESSON_STORE_TESTS_CHECKER_H
#define LESSON_STORE_TESTS_CHECKER_H

#include "history.h"

typedef enum checker_verdict {
    CHECKER_LINEARIZABLE,
    CHECKER_NOT_LINEARIZABLE,
    CHECKER_UNDECIDED /* there were more states than the limit */
} checker_verdict;

enum { CHECKER_STATES_MAX = 1 << 18 };

typedef struct checker_finding {
    checker_verdict verdict;
    size_t states;                    /* that were visited */
    size_t longest;                   /* number of calls in the longest correct order that was found */
    uint8_t order[HISTORY_CALLS_MAX]; /* this order */
} checker_finding;

/* `states_max`: CHECKER_STATES_MAX, or less to test the limit. */
checker_finding checker_judge(const history *calls, size_t states_max);

/* Prints the history, the order that was found, and the answer that each possible next call should have had. */
void checker_print(FILE *out, const history *calls, const checker_finding *finding);

#endif
