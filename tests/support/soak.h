/*
 * A test made of rounds, each drawn from its own seed, that can run for any time.
 *
 * ./run test makes a few rounds, from the same seeds in every run. ./run soak sets LESSONSTORE_SOAK_S; the test then
 * runs for that many seconds, from a new seed. LESSONSTORE_SEED=N begins with the round drawn from N, to repeat a
 * failure. So a failing test must print the seed of its round (SOAK_SEED below).
 *
 *     soak_run soak = soak_begin("histories", engine_name(), 200);
 *     while (soak_next(&soak)) {
 *         dice_state dice = {soak.seed};
 *         ...
 *         soak.operations += 100;
 *     }
 *     soak_end(&soak);
 *
 * soak_end prints the totals as one line. ./run soak makes its table from these lines.
 */
#ifndef LESSON_STORE_TESTS_SOAK_H
#define LESSON_STORE_TESTS_SOAK_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct soak_run {
    const char *part;   /* what is tested, such as "histories" */
    const char *engine; /* the engine, such as "memory" */
    uint64_t seed;      /* of the current round */
    bool is_long;       /* ./run soak: rounds may be drawn larger */

    /* Totals: each part counts its own work. */
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

/* `rounds` is the number of rounds for ./run test: some seconds. The names must stay valid. */
soak_run soak_begin(const char *part, const char *engine, uint64_t rounds);

/* True if there is another round; its seed is then set. */
bool soak_next(soak_run *soak);

/* Prints "soak<TAB>part<TAB>engine<TAB>rounds<TAB>histories<TAB>operations<TAB>kills<TAB>faults<TAB>ms". */
void soak_end(const soak_run *soak);

#endif
