/* The executor: options and the end of the thread that sweeps. tests/executor/test_sweeps.c has real leases. */
#include "gate.h"
#include "spy.h"

static lesson_store_executor_options sweep_every(uint32_t ms) {
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    options.sweep_every_ms = ms;
    return options;
}

static void a_period_has_a_limit_and_needs_a_backend_that_sweeps(void **state) {
    (void)state;
    lesson_store *store;
    lesson_store_executor *executor;
    lesson_store_executor_options options = sweep_every(LESSON_STORE_EXECUTOR_SWEEP_MAX_MS + 1);
    spy_reset();
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "spy:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_INVALID);
    assert_non_null(strstr(lesson_store_message(), "sweep_every_ms"));
    options = sweep_every(1000);
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_UNSUPPORTED);
    assert_null(executor);
    lesson_store_close(store);
}

static void nothing_is_swept_unless_asked(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct witness witness = {0};
    lesson_store_operation where = gate_where("u");
    gate_submit(gated.executor, &where, 0, NULL, &witness);
    witness_wait(&witness);
    gated_close(&gated);
    assert_false(the_gate.is_sweeping);
}

static void wait_for_a_sweep(void) {
    pthread_mutex_lock(&the_gate.mutex);
    while (!the_gate.is_sweeping)
        pthread_cond_wait(&the_gate.changed, &the_gate.mutex);
    pthread_mutex_unlock(&the_gate.mutex);
}

/* The sweep has users without end. Stop ends it, and returns when it has ended. */
static void a_stop_ends_the_sweep_that_is_under_way(void **state) {
    (void)state;
    const lesson_store_executor_options options = sweep_every(1);
    struct gated gated = gated_open_with(&options);
    wait_for_a_sweep();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(the_gate.sweeps, 1);
    lesson_store_executor_figures figures = gate_figures(gated.executor);
    assert_int_equal(figures.sweeps, 1);
    assert_true(figures.put_out >= 1);
    assert_int_equal(figures.sweeps_failed, 0);
    assert_int_equal(figures.sweep_failure, LESSON_STORE_OK);
    gated_close(&gated);
    assert_int_equal(the_gate.sweeps, 1);
}

/* Operations go on beside a sweep, because it is in no lane. */
static void a_sweep_holds_up_no_operation(void **state) {
    (void)state;
    const lesson_store_executor_options options = sweep_every(1);
    struct gated gated = gated_open_with(&options);
    lesson_store_operation where = gate_where("u");
    wait_for_a_sweep();
    assert_int_equal(lesson_store_executor_run(gated.executor, &where, 0), LESSON_STORE_OK);
    gated_close(&gated);
    assert_int_equal(the_gate.sweeps, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_period_has_a_limit_and_needs_a_backend_that_sweeps),
        cmocka_unit_test(nothing_is_swept_unless_asked),
        cmocka_unit_test(a_stop_ends_the_sweep_that_is_under_way),
        cmocka_unit_test(a_sweep_holds_up_no_operation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
