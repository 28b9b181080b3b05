/*
 * Histories by chance: calls that are run on a store and on the model side by side, and that shrink to a few lines
 * where the two differ.
 */
#ifndef LESSON_STORE_TESTS_HISTORY_H
#define LESSON_STORE_TESTS_HISTORY_H

#include <stdio.h>

#include "vocabulary.h"

enum { HISTORY_CALLS_MAX = 600 };

typedef struct history {
    const char *options; /* of the location, as "?members_at_once=1" */
    size_t count;
    model_call calls[HISTORY_CALLS_MAX];
} history;

/* Where histories are played: opens a store on a new and empty place, and removes both. */
typedef struct history_stage {
    lesson_store *(*open)(const char *options, void *context);
    void (*close)(lesson_store *store, void *context);
    void *context;
} history_stage;

/* Draws one for an engine ("memory"). */
void history_draw(history *history, uint64_t seed, const char *engine);

/* True if the store answered every call as the model does, and held what the model holds now and then and at the end,
 * without a finding. Else `text` says where they differ. */
bool history_play(const history *history, const history_stage *stage, char text[VOCABULARY_TEXT_SIZE]);

/* Takes away and simplifies whatever is not needed for the two to differ. It plays the history again and again. */
void history_shrink(history *history, const history_stage *stage);

/* As lines that can be pasted into found.c. */
void history_print(FILE *out, const history *history);

#endif
