/*
 * Tests the random histories. Every backend whose operations break a promise, or whose batches run wrongly
 * (tests/conformance-runs), must be caught by some of them, and such a history must shrink to a short one.
 */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

#include "history.h"
#include "wrapper.h"
#include "wrong_backends.h"

enum { HISTORIES_MAX = 200, SHRUNK_MAX = 6, LISTED_MAX = 64 };

static lesson_store *open_wrong(const char *options, void *context) {
    lesson_store *store;
    char location[64];
    snprintf(location, sizeof location, "memory:%s", options);
    assert_int_equal(lesson_store_open_with(&store, context, location), LESSON_STORE_OK);
    return store;
}

static void close_wrong(lesson_store *store, void *context) {
    (void)context;
    lesson_store_close(store);
}

/* Returns the number of the first history that fails; 0 if none does. */
static unsigned first_failing(history *played, const history_stage *stage) {
    char text[VOCABULARY_TEXT_SIZE];
    for (unsigned seed = 1; seed <= HISTORIES_MAX; seed++) {
        history_draw(played, seed, "memory");
        if (!history_play(played, stage, text))
            return seed;
    }
    return 0;
}

static void test_wrong_backend(void **state) {
    const wrong_backend *wrong = *state;
    lesson_store_backend table = wrapper_backend();
    const history_stage stage = {open_wrong, close_wrong, &table};
    history *played = malloc(sizeof *played);
    assert_non_null(played);
    wrong->alter(&table);
    unsigned caught_by = first_failing(played, &stage);
    if (!caught_by)
        fail_msg("%s passes %d histories", wrong->name, HISTORIES_MAX);
    size_t was = played->count;
    history_shrink(played, &stage);
    printf("%-32s caught by history %u, shrunk from %zu calls to %zu\n", wrong->name, caught_by, was, played->count);
    if (played->count > SHRUNK_MAX)
        history_print(stderr, played);
    assert_in_range(played->count, 1, SHRUNK_MAX);
    free(played);
}

static void test_right_wrapper(void **state) {
    (void)state;
    lesson_store_backend table = wrapper_backend();
    const history_stage stage = {open_wrong, close_wrong, &table};
    history *played = malloc(sizeof *played);
    assert_non_null(played);
    assert_int_equal(first_failing(played, &stage), 0);
    free(played);
}

/* What histories cannot reach: a batch of more than a thousand, ids that are not followed by a NUL, time, and sweeps.
 */
static bool is_out_of_reach(const char *name) {
    return strcmp(name, "batch-is-cut") == 0 || strcmp(name, "ids-end-at-nul") == 0 ||
           strcmp(name, "bans-never-run-out") == 0 || strcmp(name, "time-stands-still") == 0 ||
           strncmp(name, "sweep-", strlen("sweep-")) == 0;
}

int main(void) {
    struct CMUnitTest tests[LISTED_MAX] = {cmocka_unit_test(test_right_wrapper)};
    wrong_backend wrong[LISTED_MAX];
    static const wrong_backend *const lists[] = {wrong_operations, wrong_bans};
    size_t count = 1;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const wrong_backend *listed = lists[i]; listed->name && count < LISTED_MAX; listed++) {
            if (!listed->alter || is_out_of_reach(listed->name))
                continue;
            wrong[count] = *listed;
            tests[count] = (struct CMUnitTest){listed->name, test_wrong_backend, NULL, NULL, &wrong[count]};
            count++;
        }
    }
    return _cmocka_run_group_tests("wrong backends", tests, count, NULL, NULL) ? 1 : 0;
}
