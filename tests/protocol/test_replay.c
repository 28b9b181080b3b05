/*
 * The shipped operations and scripts do what the model does: schedules that the model plays at random are replayed by
 * them, step by step. And scripts that lack a part of the protocol are found.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "mutants.h"
#include "replay.h"
#include "soak.h"
#include "tree.h"

#define SCHEDULES 60 /* of each configuration; ./run soak plays more */

static const struct configuration {
    const char *name;
    const char *flags;
    replay_options options;
} configurations[] = {
    {"crashes", "-DENDS -DCLIENTS=3 -DOPERATIONS=2 -DREPAIRS=2 -DTIMEOUTS=3 -DCRASHES=2", {false}},
    {"timeouts", "-DENDS -DCLIENTS=3 -DOPERATIONS=2 -DTIMEOUTS=6 -DCRASHES=0", {false}},
    {"two-users", "-DENDS -DCLIENTS=4 -DUSERS=2 -DOPERATIONS=2 -DTIMEOUTS=4", {false}},
    {"restarts", "-DCLIENTS=4 -DRESTARTS=2 -DTIMEOUTS=4 -DCRASHES=0", {false}},
    {"expiry", "-DENDS -DCLIENTS=3 -DEXPIRIES=2 -DTIMEOUTS=3", {false}},
    {"refusals", "-DREFUSALS -DCLIENTS=4 -DREPAIRS=2 -DTIMEOUTS=4", {.has_refusals = true}},
    {"capacity", "-DCAPACITY=1 -DCLIENTS=4 -DUSERS=2 -DTIMEOUTS=4", {.has_capacity = true}},
    {"helper-lost", "-DLOSSES -DENDS -DCLIENTS=3 -DOPERATIONS=2 -DTIMEOUTS=4", {false}},
    {"legacy", "-DLEGACY=3 -DDEEP -DENDS -DCLIENTS=3 -DTIMEOUTS=3", {.has_legacy = true}},
};
#define CONFIGURATIONS (sizeof configurations / sizeof *configurations)

struct group {
    test_stage *stage;
    char directory[64];
    test_schedule schedules[CONFIGURATIONS][SCHEDULES];
};

static void load(test_stage *stage, const stage_edit *edits) {
    assert_true(stage_load(stage, edits));
}

static bool replay_one(test_stage *stage, size_t which, const test_schedule *schedule, replay_difference *difference) {
    return replay_schedule(stage, schedule, &configurations[which].options, difference);
}

/* ---- Every schedule is replayed */

static void replay_or_fail(const struct group *group, size_t which, const test_schedule *schedule, unsigned seed) {
    replay_difference difference;
    if (replay_one(group->stage, which, schedule, &difference))
        return;
    schedule_print(schedule, difference.at);
    fail_msg("%s (spin -n%u %s): %s", configurations[which].name, seed, configurations[which].flags, difference.text);
}

static void test_schedules_are_replayed(void **state) {
    struct group *group = *state;
    load(group->stage, &(stage_edit){.from = NULL});
    for (size_t which = 0; which < CONFIGURATIONS; which++) {
        for (unsigned i = 0; i < SCHEDULES; i++)
            replay_or_fail(group, which, &group->schedules[which][i], i + 1);
    }
}

/* ./run soak: others. */
static void test_new_schedules_are_replayed(void **state) {
    struct group *group = *state;
    soak_run soak = soak_begin("protocol-replay", "redis", 0);
    load(group->stage, &(stage_edit){.from = NULL});
    while (soak_next(&soak)) {
        test_schedule schedule;
        size_t which = soak.seed % CONFIGURATIONS;
        unsigned seed = (unsigned)(soak.seed & 0x7fffffff);
        assert_true(schedule_make(&schedule, configurations[which].flags, seed));
        replay_or_fail(group, which, &schedule, seed);
        soak.histories++;
        soak.operations += schedule.count;
        schedule_free(&schedule);
    }
    soak_end(&soak);
}

/* ---- Mutants */

static bool is_caught(const struct group *group, size_t *tried) {
    replay_difference difference;
    for (unsigned i = 0; i < SCHEDULES; i++) {
        for (size_t which = 0; which < CONFIGURATIONS; which++) {
            ++*tried;
            if (!replay_one(group->stage, which, &group->schedules[which][i], &difference))
                return true;
        }
    }
    return false;
}

static void test_mutants_are_caught(void **state) {
    const struct group *group = *state;
    for (const test_mutant *mutant = mutants; mutant->name; mutant++) {
        size_t tried = 0;
        load(group->stage, mutant->edits);
        if (!is_caught(group, &tried))
            fail_msg("%s is not caught by %zu schedules", mutant->name, tried);
        print_message("%s: caught by schedule %zu\n", mutant->name, tried);
    }
}

/* ---- */

static int play(struct group *group) {
    for (size_t which = 0; which < CONFIGURATIONS; which++) {
        for (unsigned i = 0; i < SCHEDULES; i++) {
            if (!schedule_make(&group->schedules[which][i], configurations[which].flags, i + 1))
                return -1;
        }
    }
    return 0;
}

/* spin writes into the current directory. */
static int open_group(void **state) {
    struct group *group = calloc(1, sizeof *group);
    *state = group;
    snprintf(group->directory, sizeof group->directory, "/tmp/lessonstore-protocol-XXXXXX");
    if (!mkdtemp(group->directory) || chdir(group->directory) != 0)
        return -1;
    group->stage = stage_open();
    return group->stage ? 0 : -1;
}

static int open_group_and_play(void **state) {
    return open_group(state) == 0 ? play(*state) : -1;
}

static int close_group(void **state) {
    struct group *group = *state;
    for (size_t which = 0; which < CONFIGURATIONS; which++) {
        for (unsigned i = 0; i < SCHEDULES; i++)
            schedule_free(&group->schedules[which][i]);
    }
    stage_close(group->stage);
    if (chdir("/") == 0)
        tree_remove(group->directory);
    free(group);
    return 0;
}

int main(void) {
    if (system("spin -V >/dev/null 2>&1") != 0)
        return 77;
    const struct CMUnitTest soak[] = {cmocka_unit_test(test_new_schedules_are_replayed)};
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_schedules_are_replayed),
                                       cmocka_unit_test(test_mutants_are_caught)};
    if (getenv("LESSONSTORE_SOAK_S"))
        return cmocka_run_group_tests_name("protocol-replay", soak, open_group, close_group);
    return cmocka_run_group_tests_name("protocol-replay", tests, open_group_and_play, close_group);
}
