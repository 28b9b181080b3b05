/* Tests the checker: it must reject stores with a defect within few histories, and correct stores never. */
#include <stdio.h>

#include "cmocka_all.h"

#include "checker.h"
#include "clients.h"
#include "wrong_stores.h"

enum { HISTORIES_MAX = 20000, HISTORIES_OF_THE_RIGHT = 200 };

static checker_finding judge_one(client_group *clients, dice_state *dice) {
    char text[VOCABULARY_TEXT_SIZE];
    history calls;
    clients_draw(clients, dice);
    clients_play(clients);
    if (!clients_collect(clients, &calls, text))
        fail_msg("%s: %s", clients->mode->name, text);
    checker_finding finding = checker_judge(&calls, CHECKER_STATES_MAX);
    assert_int_not_equal(finding.verdict, CHECKER_UNDECIDED);
    return finding;
}

/* Returns how many histories were needed to reject the store; 0: it was not rejected. */
static int histories_until_rejected(const wrong_store *store, int histories_max) {
    lesson_store_backend table;
    wrong_store_table(store, &table);
    clients_mode mode = {.name = store->name,
                         .options = "?pool=4",
                         .may_fail = store->may_fail,
                         .way = CLIENTS_IN_BATCHES,
                         .backend = &table};
    client_group clients;
    dice_state dice = {1};
    int rejected = 0;
    clients_open(&clients, &mode, "memory:", CLIENTS_MAX);
    for (int i = 1; i <= histories_max && !rejected; i++)
        rejected = judge_one(&clients, &dice).verdict == CHECKER_NOT_LINEARIZABLE ? i : 0;
    clients_close(&clients);
    return rejected;
}

static void the_right_are_accepted(void **state) {
    (void)state;
    for (const wrong_store *store = wrong_stores; store->name; store++) {
        if (store->is_right && histories_until_rejected(store, HISTORIES_OF_THE_RIGHT))
            fail_msg("%s: rejected", store->name);
    }
}

static void the_wrong_are_rejected(void **state) {
    (void)state;
    for (const wrong_store *store = wrong_stores; store->name; store++) {
        if (store->is_right)
            continue;
        int histories = histories_until_rejected(store, HISTORIES_MAX);
        printf("rejected\t%s\tafter %d histories\n", store->name, histories);
        if (!histories)
            fail_msg("%s: accepted in %d histories", store->name, HISTORIES_MAX);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_are_accepted),
        cmocka_unit_test(the_wrong_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
