/* What core itself decides about owners and admission: arguments, abilities, and the rule by which an owner is over. */
#include "gate.h"

static void test_arguments(void **state) {
    lesson_store *store;
    uint64_t put_out = 7;
    (void)state;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_hold(store, "w", 0, 0), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_hold(store, "w", LESSON_STORE_LEASE_MAX_MS + 1, 0), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_hold(store, NULL, 1, 0), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_join_for(store, NULL, "u", "c", "l", NULL, 0, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_resume(store, "u", "c", "l", NULL, "s", 0, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_resume_for(store, NULL, "u", "c", "l", "s", "t", 0, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_resume_for(store, "w", "u", "c", "l", NULL, "t", 0, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_drop(store, "", NULL, NULL, &put_out), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_owners(store, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_sweep(NULL, NULL, NULL, &put_out), LESSON_STORE_INVALID);
    assert_int_equal(put_out, 0);
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_QUIT, .uid = lesson_store_id_of("u"), .lease_ms = 1};
    assert_int_equal(lesson_store_batch(store, &join, 1), LESSON_STORE_OK);
    assert_int_equal(join.code, LESSON_STORE_INVALID);
    lesson_store_close(store);
}

static void expect_refusal(uint32_t flags, bool has_record, int32_t status, bool is_elsewhere, uint32_t expected) {
    const lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN, .flags = flags};
    assert_int_equal(lesson_store_join_refused_by(&join, has_record, status, is_elsewhere), expected);
}

/* The rule as backends of 0.1 ask for it. */
static void test_refusals_of_0_1(void **state) {
    (void)state;
    expect_refusal(LESSON_STORE_JOIN_IF_EXISTS, false, LESSON_STORE_STATUS_NONE, false, LESSON_STORE_JOIN_IF_EXISTS);
    expect_refusal(LESSON_STORE_JOIN_IF_OPEN, true, LESSON_STORE_COURSE_OFFLINE, false, LESSON_STORE_JOIN_IF_OPEN);
    expect_refusal(LESSON_STORE_JOIN_IF_OPEN, true, LESSON_STORE_COURSE_ONLINE, true, 0);
    expect_refusal(LESSON_STORE_JOIN_STAY, true, LESSON_STORE_COURSE_ONLINE, true, LESSON_STORE_JOIN_STAY);
    expect_refusal(LESSON_STORE_JOIN_STAY, true, LESSON_STORE_COURSE_ONLINE, false, 0);
}

/* Sweeps at these times, 0 at the end. Returns whether an owner whose lease of 100 ms ran out at 1050 is over. */
static bool is_over_after(const int64_t *times_ms) {
    lesson_store_sweeps sweeps = {.last_ms = 0};
    int64_t now_ms = 0;
    for (; *times_ms; times_ms++) {
        now_ms = *times_ms;
        (void)lesson_store_sweeps_note(&sweeps, now_ms);
    }
    return lesson_store_sweeps_end(&sweeps, now_ms, 1050, 100);
}

#define TIMES(...) ((const int64_t[]){__VA_ARGS__, 0})

/* The clock is a minute behind for less than the time between two sweeps, and a lease of 15 s begins meanwhile. */
static void test_lease_by_a_clock_that_returns(void **state) {
    (void)state;
    enum { LEASE = 15000, STEP = 5000, BACK = 60000 };
    lesson_store_sweeps sweeps = {.last_ms = 0};
    int64_t now_ms = 1000000;
    for (int i = 0; i < 10; i++, now_ms += STEP)
        lesson_store_sweeps_note(&sweeps, now_ms);
    int64_t renewed_ms = now_ms - STEP / 2;
    int64_t until_ms = lesson_store_sweeps_lease(sweeps.last_ms, renewed_ms - BACK, LEASE);
    for (; now_ms < renewed_ms + LEASE - STEP; now_ms += STEP) {
        lesson_store_sweeps_note(&sweeps, now_ms);
        assert_false(lesson_store_sweeps_end(&sweeps, now_ms, until_ms, LEASE));
    }
    assert_int_equal(lesson_store_sweeps_lease(sweeps.last_ms, now_ms, LEASE), now_ms + LEASE);
}

static void test_rule(void **state) {
    (void)state;
    assert_false(is_over_after(TIMES(1100)));                             /* the first sweep */
    assert_false(is_over_after(TIMES(950, 1000, 1040)));                  /* the lease has not run out */
    assert_true(is_over_after(TIMES(950, 1000, 1050, 1100)));             /* each within half of it */
    assert_false(is_over_after(TIMES(900, 950, 1049, 1099)));             /* a gap */
    assert_true(is_over_after(TIMES(900, 1000, 1050, 1100)));             /* a gap that ended a lease ago */
    assert_false(is_over_after(TIMES(9000, 950, 1000, 1040, 1049)));      /* set back: as the first sweep */
    assert_true(is_over_after(TIMES(8900, 9000, 970, 1020, 1070, 1071))); /* what was later does not count for ever */
    assert_false(is_over_after(TIMES(1000, 1000, 1060)));                 /* twice in a moment is not a gap */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_refusals_of_0_1),
        cmocka_unit_test(test_lease_by_a_clock_that_returns),
        cmocka_unit_test(test_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
