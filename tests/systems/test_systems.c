/* Each trouble in turn, while random histories run on one engine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

#include "engine.h"
#include "signals.h"
#include "soak.h"
#include "stage.h"

enum { TROUBLES_MAX = 32, ROUNDS_OF_EACH = 4, PATIENCE_S = 120 };

/* What was tried, for the printed table. */
static struct {
    const trouble_kind *troubles[TROUBLES_MAX];
    size_t count;
    uint64_t made[TROUBLES_MAX];
    uint64_t felt[TROUBLES_MAX]; /* rounds in which a call failed */
    uint64_t calls[TROUBLES_MAX];
} tried;

/* What cannot be tried here is left out with words. */
static void list_troubles(void) {
    const trouble_kind *listed;
    for (size_t i = 0; (listed = trouble_at(engine_name(), i)) && tried.count < TROUBLES_MAX; i++) {
        const char *reason = listed->cannot ? listed->cannot() : NULL;
        if (reason)
            printf("skipped: %s: %s\n", listed->name, reason);
        else
            tried.troubles[tried.count++] = listed;
    }
}

static int begin(void **state) {
    (void)state;
    if (!ground_chosen()->begin())
        return -1;
    signals_begin();
    return 0;
}

static int end(void **state) {
    (void)state;
    signals_end();
    ground_chosen()->end();
    return 0;
}

static void play(soak_run *soak, size_t turn) {
    static trouble_stage played; /* threads may be left in it if the round fails */
    memset(&played, 0, sizeof played);
    played.trouble = tried.troubles[turn];
    played.ground = ground_chosen();
    played.dice = (dice_state){soak->seed};
    played.patience_s = PATIENCE_S;
    if (!stage_play(&played))
        fail_msg("%s, %s: %s" SOAK_SEED, engine_name(), played.trouble->name, played.text, soak->seed);
    soak->histories += STAGE_CLIENTS;
    soak->operations += played.operations;
    soak->kills += played.kills;
    soak->faults += played.times;
    tried.made[turn] += played.times;
    tried.felt[turn] += played.codes != 0;
    tried.calls[turn] += played.operations;
}

static void print_table(void) {
    for (size_t i = 0; i < tried.count; i++)
        printf("trouble\t%s\t%" PRIu64 " times\t%" PRIu64 " rounds felt it\t%" PRIu64 " operations\n",
               tried.troubles[i]->name, tried.made[i], tried.felt[i], tried.calls[i]);
    printf("signals\t%" PRIu64 "\n", signals_count());
}

/* A trouble by which calls may fail must be felt in the end. */
static void expect_felt(void) {
    for (size_t i = 0; i < tried.count; i++) {
        if (tried.troubles[i]->rules.writes && tried.made[i] >= ROUNDS_OF_EACH && tried.felt[i] == 0)
            fail_msg("no call ever failed by %s", tried.troubles[i]->name);
    }
}

static void test_troubles(void **state) {
    (void)state;
    list_troubles();
    soak_run soak = soak_begin("systems", engine_name(), ROUNDS_OF_EACH * tried.count);
    while (soak_next(&soak))
        play(&soak, (size_t)(soak.seed % tried.count));
    print_table();
    soak_end(&soak);
    expect_felt();
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_troubles)};
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    return cmocka_run_group_tests(tests, begin, end);
}
