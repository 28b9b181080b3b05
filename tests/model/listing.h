/* A list that a store returned, to be compared with the states that it may be in (judge.h). */
#ifndef LESSON_STORE_TESTS_LISTING_H
#define LESSON_STORE_TESTS_LISTING_H

#include "vocabulary.h"

typedef struct listing {
    uint32_t users; /* one bit for each listed user */
    model_user where[MODEL_USERS];
    int lesson; /* the lesson whose members these are; MODEL_NONE: all users */
    bool whole;
    bool wrong; /* a stranger, or a user listed twice */
} listing;

/* Reads the members of a lesson, or with MODEL_NONE all users. Returns the code of the call. */
int listing_read(listing *out, const vocabulary *words, lesson_store *store, int8_t lesson);

/* True if every listed user is true, and the list is complete if the call was OK. For judge_reading. */
bool listing_fits(const model_state *state, const void *listing);

#endif
