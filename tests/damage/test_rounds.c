/* Random damage to random states: check reports all of it and nothing else; repair repairs what can be repaired. */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"
#include "engine.h"
#include "round.h"
#include "soak.h"

static void test_rounds(void **state) {
    (void)state;
    enum { ROUNDS = 25 };
    char text[ROUND_TEXT_SIZE];
    damage_tally tally = {0};
    soak_run soak = soak_begin("damage", engine_name(), ROUNDS);
    while (soak_next(&soak)) {
        if (!play_round(soak.seed, NULL, &tally, text))
            fail_msg("%s" SOAK_SEED, text, soak.seed);
    }
    soak.operations = tally.operations;
    soak.faults = tally.damages;
    soak_end(&soak);
    printf("%" PRIu64 " findings compared, %" PRIu64 " repaired; damage:\n", tally.compared, tally.repaired);
    for (size_t i = 0; i < DAMAGE_KINDS_MAX && tally.kinds[i].name; i++)
        printf("%8" PRIu64 " %s\n", tally.kinds[i].count, tally.kinds[i].name);
}

int main(int count, char **arguments) {
    if (count != 2 || !engine_choose(arguments[1]))
        return 2;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
