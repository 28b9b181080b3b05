/* Medleys of the shipped operations; and with scripts that lack a part of the protocol, which must be found. */
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include "medley.h"
#include "mutants.h"
#include "soak.h"

#define ROUNDS 1800
#define ROUNDS_OF_MUTANT_MAX 20000

static const medley_mode modes[] = {
    {.name = "nothing happens", .has_ends = true},
    {.name = "timeouts", .has_timeouts = true, .has_ends = true},
    {.name = "crashes", .has_crashes = true, .has_timeouts = true, .has_ends = true},
    {.name = "helpers are lost", .has_crashes = true, .has_timeouts = true, .has_ends = true, .has_losses = true},
    {.name = "owners", .has_timeouts = true, .has_ends = true, .has_owners = true},
    {.name = "capacity", .has_timeouts = true, .capacity = 1},
    {.name = "a legacy writer", .has_timeouts = true, .has_ends = true, .has_legacy = true},
    {.name = "a legacy writer, crashes",
     .has_crashes = true,
     .has_timeouts = true,
     .has_ends = true,
     .has_legacy = true},
    {.name = "much legacy, tight", .has_timeouts = true, .has_legacy = true, .has_deep = true, .is_tight = true},
};
#define MODES (sizeof modes / sizeof *modes)

static void load(test_stage *stage, const stage_edit *edits) {
    assert_true(stage_load(stage, edits));
}

/* The same round once more, told. */
static void fail_told(test_stage *stage, const medley_mode *mode, uint64_t seed) {
    medley_result result = medley_play(stage, mode, seed, true);
    fail_msg("%s: %s" SOAK_SEED, mode->name, result.failure, seed);
}

static void test_medleys(void **state) {
    test_stage *stage = *state;
    soak_run soak = soak_begin("protocol-medleys", "redis", ROUNDS);
    load(stage, &(stage_edit){.from = NULL});
    while (soak_next(&soak)) {
        const medley_mode *mode = &modes[soak.seed % MODES];
        medley_result result = medley_play(stage, mode, soak.seed, false);
        if (result.failure[0])
            fail_told(stage, mode, soak.seed);
        soak.histories++;
        soak.operations += result.operations;
        soak.kills += result.crashes;
        soak.faults += result.copies;
    }
    soak_end(&soak);
}

static bool fits(const medley_mode *mode, const test_mutant *mutant) {
    return mode->has_legacy == mutant->has_legacy && mode->has_losses == mutant->has_losses;
}

static bool is_caught(test_stage *stage, const test_mutant *mutant, uint64_t *rounds) {
    for (uint64_t seed = 1; seed <= ROUNDS_OF_MUTANT_MAX; seed++) {
        const medley_mode *mode = &modes[seed % MODES];
        if (!fits(mode, mutant))
            continue;
        ++*rounds;
        medley_result result = medley_play(stage, mode, seed, false);
        if (result.failure[0]) {
            print_message("%s: caught by round %d: %s\n", mutant->name, (int)*rounds, result.failure);
            return true;
        }
    }
    return false;
}

/* What goes wrong beside a legacy writer does so too rarely for medleys: the replay of schedules finds it. */
static void test_mutants_are_caught(void **state) {
    test_stage *stage = *state;
    for (const test_mutant *mutant = mutants; mutant->name; mutant++) {
        uint64_t rounds = 0;
        if (mutant->has_legacy)
            continue;
        load(stage, mutant->edits);
        if (!is_caught(stage, mutant, &rounds))
            fail_msg("%s is not caught by %d rounds", mutant->name, (int)rounds);
    }
}

static int open_group(void **state) {
    *state = stage_open();
    return *state ? 0 : -1;
}

static int close_group(void **state) {
    stage_close(*state);
    return 0;
}

int main(void) {
    const struct CMUnitTest soak[] = {cmocka_unit_test(test_medleys)};
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_medleys), cmocka_unit_test(test_mutants_are_caught)};
    if (getenv("LESSONSTORE_SOAK_S"))
        return cmocka_run_group_tests_name("protocol-medleys", soak, open_group, close_group);
    return cmocka_run_group_tests_name("protocol-medleys", tests, open_group, close_group);
}
