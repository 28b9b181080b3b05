/*
 * A medley: some operations of several clients, their requests mixed at random, with what can happen to them. Larger
 * than the model can be. After each request no member may be missing, and no operation may have been applied twice. At
 * the end nobody but the members may be listed, at the latest after a repair.
 */
#ifndef LESSON_STORE_TESTS_PROTOCOL_MEDLEY_H
#define LESSON_STORE_TESTS_PROTOCOL_MEDLEY_H

#include "stage.h"

typedef struct medley_mode {
    const char *name;
    bool has_crashes;
    bool has_timeouts; /* requests are sent again, and copies come late or never */
    bool has_ends;
    bool has_legacy; /* a writer that knows no versions; one operation */
    bool has_deep;   /* several of them, after which only a deep repair finds everybody */
    bool has_losses; /* of helpers */
    bool has_owners; /* that may be over */
    bool is_tight;   /* one user, two clients, many timeouts */
    int capacity;    /* of each lesson; 0: any number */
} medley_mode;

typedef struct medley_result {
    char failure[200]; /* "": none */
    unsigned requests;
    unsigned operations;
    unsigned crashes;
    unsigned copies;
} medley_result;

/* With `is_told` it prints what happens. */
medley_result medley_play(test_stage *stage, const medley_mode *mode, uint64_t seed, bool is_told);

#endif
