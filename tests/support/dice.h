/* Random numbers, the same for the same seed: SplitMix64 by Steele, Lea and Flood (OOPSLA 2014). */
#ifndef LESSON_STORE_TESTS_DICE_H
#define LESSON_STORE_TESTS_DICE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct dice_state {
    uint64_t state; /* the seed */
} dice_state;

static inline uint64_t dice_bits(dice_state *dice) {
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* A number below `end`, which is not 0. */
static inline unsigned dice_below(dice_state *dice, unsigned end) {
    return (unsigned)(dice_bits(dice) % end);
}

/* True once in `times`, on average. */
static inline bool dice_once_in(dice_state *dice, unsigned times) {
    return dice_below(dice, times) == 0;
}

#endif
