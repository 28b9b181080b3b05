/* Random calls. */
#ifndef LESSON_STORE_TESTS_DRAW_H
#define LESSON_STORE_TESTS_DRAW_H

#include "dice.h"
#include "model.h"

/* The numbers of users, lessons, courses and sessions to draw from. With fewer, calls collide more often. */
typedef struct draw_range {
    unsigned users;      /* 1 to MODEL_USERS */
    unsigned lessons;    /* 1 to MODEL_LESSONS */
    unsigned courses;    /* 1 to MODEL_COURSES */
    unsigned sessions;   /* 0 to MODEL_SESSIONS; 0: none is given */
    unsigned wrong_in;   /* one call in this many is INVALID; 0: none */
    unsigned leaves_out; /* DRAW_... */
} draw_range;

enum {
    DRAW_NO_OWNERS = 1,
    DRAW_OF_0_1 = 3 /* nothing that version 0.1 lacks */
};

/* Joins are frequent and ends rare, so that there is something to end. */
model_call draw_call(dice_state *dice, const draw_range *range);

#endif
