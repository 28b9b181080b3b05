/*
 * A test that is made of rounds, each drawn from a seed of its own, and that can go on for as long as wanted.
 *
 * In ./run test it makes some rounds, from the same seeds in every run. ./run soak sets LESSONSTORE_SOAK_S, and then it
 * goes on for so many seconds from a new seed. LESSONSTORE_SEED=N begins at the round that was drawn from N, which is
 * how a failure is looked at again: a failing test must print the seed of its round (SOAK_SEED below).
 *
 *     soak_run soak = soak_begin("histories", engine_name(), 200);
 *     while (soak_next(&soak)) {
 *         dice_state dice = {soak.seed};
 *         ...
 *         soak.operations += 100;
 *     }
 *     soak_end(&soak);
 *
 * soak_end prints what was done as one line, which ./run soak makes its table of.
 */
#ifndef LESSON_STORE_TESTS_SOAK_H
#define LESSON_STORE_TESTS_SOAK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct soak_run {
    const char *part;   /* what is tested: "histories" */
    const char *engine; /* on what: "memory" */
    uint64_t seed;      /* of the present round */
    bool is_long;       /* ./run soak: rounds may be drawn larger */

    /* What was done: each part counts what it does. */
    uint64_t histories;
    uint64_t operations;
    uint64_t kills;
    uint64_t faults;

    uint64_t rounds;
    uint64_t rounds_left; /* unless is_long */
    int64_t began_at_ms;
    int64_t ends_at_ms; /* if is_long */
} soak_run;

/* For fail_msg("..." SOAK_SEED, ..., soak.seed). */
#define SOAK_SEED " (LESSONSTORE_SEED=%" PRIu64 " begins with this round)"

/* `rounds` is how many ./run test makes: some seconds. Names stay the caller's. */
soak_run soak_begin(const char *part, const char *engine, uint64_t rounds);

/* True if there is another round, and then its seed is set. */
bool soak_next(soak_run *soak);

/* Prints "soak<TAB>part<TAB>engine<TAB>rounds<TAB>histories<TAB>operations<TAB>kills<TAB>faults<TAB>ms". */
void soak_end(const soak_run *soak);

#endif
