/* Tests the tests: backends with a defect that a trouble shows must be rejected, and the right ones must not. Each is
 * tried in a process of its own, because its threads may be in calls that never return. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"

#include "engine.h"
#include "signals.h"
#include "stage.h"
#include "wrong.h"

enum { ROUNDS = 12, PATIENCE_S = 2, PATIENCE_WITH_RIGHT_ONES_S = 120, LISTED_MAX = 16 };

enum { ACCEPTED, REJECTED, NOT_BUILT, BROKEN };

static bool is_tried(const wrong_backend *wrong, const trouble_kind *listed) {
    bool is_possible = !listed->cannot || !listed->cannot();
    return is_possible && (!wrong->trouble || strcmp(wrong->trouble, listed->name) == 0);
}

static bool play(const wrong_backend *wrong, const lesson_store_backend *table, const trouble_kind *listed,
                 unsigned seed) {
    static trouble_stage played;
    memset(&played, 0, sizeof played);
    played.trouble = listed;
    played.ground = ground_chosen();
    played.backend = table;
    played.dice = (dice_state){seed};
    played.patience_s = wrong->run ? PATIENCE_S : PATIENCE_WITH_RIGHT_ONES_S;
    bool passes = stage_play(&played);
    if (!passes)
        printf("%s: round %u of %s: %s\n", wrong->name, seed, listed->name, played.text);
    (void)fflush(stdout);
    return passes;
}

static int play_all(const wrong_backend *wrong) {
    const trouble_kind *listed;
    lesson_store_backend table;
    if (!wrong_make(&table, wrong))
        return NOT_BUILT;
    if (!engine_choose(wrong->engine) || !ground_chosen()->begin())
        return BROKEN;
    signals_begin();
    int result = ACCEPTED;
    for (unsigned seed = 1; seed <= (wrong->trouble ? ROUNDS : 1) && result == ACCEPTED; seed++) {
        for (size_t i = 0; (listed = trouble_at(wrong->engine, i)) && result == ACCEPTED; i++) {
            if (is_tried(wrong, listed) && !play(wrong, &table, listed, seed))
                result = REJECTED;
        }
    }
    ground_chosen()->end();
    return result;
}

static void test_backend(void **state) {
    const wrong_backend *wrong = *state;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(play_all(wrong));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) == BROKEN)
        fail_msg("%s: the process ended with the status 0x%x", wrong->name, (unsigned)status);
    if (WEXITSTATUS(status) == NOT_BUILT)
        skip();
    assert_int_equal(WEXITSTATUS(status), wrong->run ? REJECTED : ACCEPTED);
}

int main(void) {
    struct CMUnitTest tests[LISTED_MAX];
    wrong_backend wrong[LISTED_MAX];
    size_t count = 0;
    for (; count < LISTED_MAX && wrong_backends[count].name; count++) {
        wrong[count] = wrong_backends[count];
        tests[count] = (struct CMUnitTest){wrong[count].name, test_backend, NULL, NULL, &wrong[count]};
    }
    return _cmocka_run_group_tests("wrong backends", tests, count, NULL, NULL) ? 1 : 0;
}
