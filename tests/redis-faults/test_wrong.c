/* Backends with a defect, which the judge must reject: some hide an error while something fails; others do a join or a
 * batch in two steps, and the client is killed between them. The correct backend passes in the same situations. */
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "faults.h"
#include "wrong_backends.h"

static const model_call before[] = {MODEL_CREATE(0, 0, true, 0), MODEL_JOIN(0, 0, 0, MODEL_NONE, 0, true, 0),
                                    MODEL_JOIN(1, 0, 0, MODEL_NONE, 0, false, 0)};
static const model_call where[] = {MODEL_WHERE(0, false, 0)};
static const model_call join[] = {MODEL_JOIN(0, 1, 2, 0, 0, false, 0)};
static const model_call create[] = {MODEL_CREATE(3, 0, false, 0)};
static const model_call quit[] = {MODEL_QUIT(1, MODEL_NONE, MODEL_NONE, false, 0)};

/* After these calls the server knows the scripts of `join` and `quit`, so an exchange that fails may have changed
 * something. */
static const model_call join_before[] = {MODEL_JOIN(2, 0, 0, 0, 0, false, 0)};
static const model_call quit_before[] = {MODEL_QUIT(2, MODEL_NONE, MODEL_NONE, false, 0)};

#define CALLS(name) name, sizeof name / sizeof *name

static const struct defect {
    wrong_way way;
    const char *fault;
    const model_call *calls; /* NULL: the members of lesson 0 */
    size_t count;
} defects[] = {
    {ERROR_IS_NOT_FOUND, "account without rights", CALLS(where)},
    {ERROR_IS_NOT_FOUND, "killed", CALLS(where)},
    {ERROR_IS_OK, "account without rights", CALLS(join)},
    {ERROR_IS_OK, "every reply lost", CALLS(where)},
    {ERROR_IS_AN_EMPTY_LIST, "account without rights", NULL, 0},
    {ERROR_IS_AN_EMPTY_LIST, "every reply lost", NULL, 0},
    {ERROR_OF_ONE_OPERATION_IS_OK, "no memory (maxmemory)", CALLS(create)},
    {ERROR_OF_ONE_OPERATION_IS_OK, "read-only replica", CALLS(quit)},
    {UNKNOWN_IS_UNREACHABLE, "every reply lost", CALLS(join)},
    {UNKNOWN_IS_SENT_AGAIN, "next reply lost", CALLS(join)},
    {UNKNOWN_IS_SENT_AGAIN, "next reply lost", CALLS(quit)},
    {READ_IS_UNKNOWN, "every reply lost", CALLS(where)},
};

static void lose_next_reply(fault_bench *bench) {
    false_server_play(bench->between, LOSE_REPLY);
}

static const fault_kind next_reply_lost = {
    "next reply lost",
    LESSON_STORE_UNKNOWN,
    NULL,
    {JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE), JUDGE_CODE(UNREACHABLE), false, NULL, NULL},
    {.place = PLACE_MAIN, .behind = true, .timeout_ms = FAULT_LONG_MS},
    false,
    lose_next_reply,
    NULL,
    NULL,
    false};

static const fault_kind *find_fault(const char *name) {
    for (size_t i = 0; fault_at(i); i++) {
        if (strcmp(fault_at(i)->name, name) == 0)
            return fault_at(i);
    }
    assert_string_equal(name, next_reply_lost.name);
    return &next_reply_lost;
}

/* True if the judge accepts it; otherwise `text` gives the reason. */
static bool passes(fault_bench *bench, const struct defect *defect, wrong_way way, char text[VOCABULARY_TEXT_SIZE]) {
    const fault_kind *fault = find_fault(defect->fault);
    bench_wish wish = fault->wish;
    wish.backend = wrong_backend(way);
    bench->fault = fault->name;
    bench->rules = judge_nothing_fails;
    bench_open(bench, &wish);
    bench_run(bench, CALLS(before));
    bench_run(bench, CALLS(join_before));
    bench_run(bench, CALLS(quit_before));
    fault->strike(bench);
    bench->rules = fault->rules;
    bool fits = defect->calls ? bench_try(bench, defect->calls, defect->count) : bench_try_list(bench, 0);
    if (fault->repair)
        fault->repair(bench);
    bench_put_away(bench);
    snprintf(text, VOCABULARY_TEXT_SIZE, "%.1000s", judge_text(bench->judge));
    fits = fits && bench_state_fits(bench, text);
    judge_free(bench->judge);
    return fits;
}

static void test_ignored_errors(void **state) {
    soak_run soak = soak_begin("redis-faults-wrong", "redis", 1);
    fault_bench bench = {.soak = &soak};
    soak_next(&soak);
    for (size_t i = 0; i < sizeof defects / sizeof *defects; i++) {
        bench.dice = (dice_state){i};
        char text[VOCABULARY_TEXT_SIZE];
        if (!passes(&bench, &defects[i], WRONG_NOT_AT_ALL, text))
            fail_msg("defect %zu: the right backend is rejected: %s", i, text);
        if (passes(&bench, &defects[i], defects[i].way, text))
            fail_msg("defect %zu is not noticed", i);
        print_message("caught: %s\n", text);
    }
    bench_end(&bench);
    (void)state;
}

/* A client that kills itself in the middle of a join. */
static bool survives(fault_bench *bench, wrong_way way, uint64_t seed) {
    const bench_wish wish = {.place = PLACE_MAIN, .timeout_ms = FAULT_LONG_MS};
    char text[VOCABULARY_TEXT_SIZE] = "", location[256];
    client_process client;
    bench->fault = "a client killed itself";
    bench->rules = judge_nothing_fails;
    bench_open(bench, &wish);
    snprintf(location, sizeof location, "%s?pool=1", redis_server_unix_location(bench->at->server));
    client_start(&client, wrong_backend(way), location, seed);
    client_wait(&client, SIZE_MAX);
    assert_true(client_kill(&client));
    bool fits = client_judge(&client, bench->judge);
    client_free(&client);
    bench_put_away(bench);
    fits = fits && bench_state_fits(bench, text);
    if (!fits && seed == 1)
        print_message("caught: %s\n", text);
    judge_free(bench->judge);
    return fits;
}

static void test_halves(void **state) {
    soak_run soak = soak_begin("redis-crashes-wrong", "redis", 1);
    fault_bench bench = {.soak = &soak};
    soak_next(&soak);
    for (uint64_t seed = 1; seed <= 10; seed++) {
        bench.dice = (dice_state){seed};
        assert_true(survives(&bench, DIES_BEFORE_IT_HEARS, seed));
        assert_false(survives(&bench, BATCH_IS_ONE_BY_ONE, seed));
        assert_false(survives(&bench, JOIN_IS_QUIT_AND_JOIN, seed));
        assert_false(survives(&bench, JOIN_IS_RECORD_AND_MEMBER, seed));
    }
    bench_end(&bench);
    (void)state;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ignored_errors),
        cmocka_unit_test(test_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
