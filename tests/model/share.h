/* The part of a model that belongs to one of several clients: share `number` of `of` has the users and lessons whose
 * number leaves that remainder. So no client changes an answer of another one, and each can be judged alone. {0, 1} has
 * all of them. */
#ifndef LESSON_STORE_TESTS_SHARE_H
#define LESSON_STORE_TESTS_SHARE_H

#include "draw.h"

typedef struct model_share {
    int number;
    int of;
} model_share;

/* Draws a call that only concerns this share. One call in `wrong_in` is INVALID; 0: none. */
model_call share_draw(model_share share, dice_state *dice, unsigned wrong_in);

bool share_has(model_share share, int number);

/* Removes what belongs to other shares. */
void share_keep(model_share share, model_state *state);

#endif
