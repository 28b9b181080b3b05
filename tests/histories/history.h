/*
 * Random histories: calls that run on a store and on the model, and that shrink to a few lines if the two differ.
 */
#ifndef LESSON_STORE_TESTS_HISTORY_H
#define LESSON_STORE_TESTS_HISTORY_H

#include <stdio.h>

#include "vocabulary.h"

enum { HISTORY_CALLS_MAX = 600 };

typedef struct history {
    const char *options; /* of the location, such as "?members_at_once=1" */
    size_t count;
    model_call calls[HISTORY_CALLS_MAX];
} history;

/* Where histories are played: opens a store at a new and empty location, and removes both. */
typedef struct history_stage {
    lesson_store *(*open)(const char *options, void *context);
    void (*close)(lesson_store *store, void *context);
    void *context;
} history_stage;

/* Draws a history for an engine, such as "memory". */
void history_draw(history *history, uint64_t seed, const char *engine);

/* True if the store answered every call as the model does, and had the model's state from time to time and at the end,
 * without a finding. Otherwise `text` states the difference. */
bool history_play(const history *history, const history_stage *stage, char text[VOCABULARY_TEXT_SIZE]);

/* Removes and simplifies calls that are not needed for the difference. It plays the history many times. */
void history_shrink(history *history, const history_stage *stage);

/* Prints lines that can be pasted into found.c. */
void history_print(FILE *out, const history *history);

#endif
