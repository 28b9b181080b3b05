/*
 * Random batches, their expected answers, and every state that a store passes through while it runs them. After a crash
 * the store may be in a range of these states.
 */
#ifndef LESSON_STORE_TESTS_HISTORY_H
#define LESSON_STORE_TESTS_HISTORY_H

#include <lessonstore/backend.h>

#include "share.h"
#include "vocabulary.h"

enum {
    HISTORY_BATCHES = 64,
    HISTORY_CALLS = 24, /* in a batch */
    HISTORY_STATES = 1 + HISTORY_BATCHES * HISTORY_CALLS
};

/* Several processes on one file have one history each. */
typedef struct drawn_history {
    model_share share;
    unsigned wrong_in; /* one call in this many is INVALID; 0: none */
    size_t batch_count;
    size_t call_counts[HISTORY_BATCHES];
    model_call calls[HISTORY_BATCHES][HISTORY_CALLS];
    model_answer answers[HISTORY_BATCHES][HISTORY_CALLS];
    size_t state_after[HISTORY_BATCHES + 1]; /* the number of the state after this many batches */
    model_state states[HISTORY_STATES];      /* after each transaction; an INVALID call splits a batch in two */
} drawn_history;

/* Draws batches for an empty store. `share` and `wrong_in` must be set. */
void history_draw(drawn_history *history, dice_state *dice, size_t batches);

/* Runs a batch. False if an answer differs from the model's; `text` then states the difference. */
bool history_run(const drawn_history *history, size_t batch, lesson_store *store, char text[VOCABULARY_TEXT_SIZE]);

/* True if the store is sound, and its state is one from that after `first` batches to that after `last`. */
bool history_judge(const drawn_history *history, lesson_store *store, size_t first, size_t last,
                   char text[VOCABULARY_TEXT_SIZE]);

/* The same for a state that was read. Other processes may have made the rest of it. */
bool history_compare(const drawn_history *history, const model_state *found, size_t first, size_t last,
                     char text[VOCABULARY_TEXT_SIZE]);

/* Reads a store that must be sound: check finds nothing, and all ways to read it agree. */
bool history_read(lesson_store *store, model_state *found, char text[VOCABULARY_TEXT_SIZE]);

#endif
