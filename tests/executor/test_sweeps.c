/* An executor that sweeps by itself: the users of an owner that is silent are put out, those of one that renews stay.
 */
#include <time.h>

#include "cmocka_all.h"

#include "engine.h"
#include <lessonstore/executor.h>
#include <lessonstore/fault.h>

enum { LEASE_MS = 1000, SWEEP_EVERY_MS = 50, LONGEST_WAIT_MS = 60000 };

static void sleep_ms(long ms) {
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static lesson_store_executor *open_executor(lesson_store *store, uint32_t sweep_every_ms) {
    lesson_store_executor *executor;
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    options.sweep_every_ms = sweep_every_ms;
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    return executor;
}

static lesson_store_executor_figures figures_of(lesson_store_executor *executor) {
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    assert_int_equal(lesson_store_executor_read_figures(executor, &figures), LESSON_STORE_OK);
    return figures;
}

static void begin_owner(lesson_store *store, const char *owner, int64_t lease_ms, const char *uid) {
    assert_int_equal(lesson_store_hold(store, owner, lease_ms, 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join_for(store, owner, uid, "course", "lesson", "session", 0, NULL), LESSON_STORE_OK);
}

static void who_is_silent_is_put_out(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    lesson_store_executor *executor = open_executor(store, SWEEP_EVERY_MS);
    begin_owner(store, "silent", LEASE_MS, "ann");
    begin_owner(store, "alive", LESSON_STORE_LEASE_MAX_MS, "ben");
    int code = LESSON_STORE_OK;
    for (int waited_ms = 0; code == LESSON_STORE_OK && waited_ms < LONGEST_WAIT_MS; waited_ms += 20) {
        sleep_ms(20);
        code = lesson_store_where(store, "ann", NULL);
    }
    assert_int_equal(code, LESSON_STORE_NOT_FOUND);
    assert_int_equal(lesson_store_where(store, "ben", NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_stop(executor, 0), LESSON_STORE_OK);
    lesson_store_executor_figures figures = figures_of(executor);
    assert_true(figures.sweeps > 1);
    assert_int_equal(figures.put_out, 1);
    assert_int_equal(figures.sweeps_failed, 0);
    sleep_ms(3L * SWEEP_EVERY_MS);
    assert_int_equal(figures_of(executor).sweeps, figures.sweeps);
    lesson_store_executor_close(executor);
    engine_close(store);
}

/* The executor sweeps once, and then waits for half a day. */
static void a_long_period_delays_no_end(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    lesson_store_executor *executor = open_executor(store, LESSON_STORE_EXECUTOR_SWEEP_MAX_MS);
    while (figures_of(executor).sweeps == 0)
        sleep_ms(1);
    lesson_store_executor_close(executor);
    engine_close(store);
}

/* A sweep that fails is told by its code, and the next one is tried. */
static void a_failure_is_in_the_figures(void **state) {
    (void)state;
    char location[4200] = "fault+";
    lesson_store *store;
    strncat(location, engine_make(), sizeof location - strlen(location) - 1);
    assert_int_equal(lesson_store_open(&store, location), LESSON_STORE_OK);
    lesson_store_fault fault = LESSON_STORE_FAULT_INIT(LESSON_STORE_BUSY);
    assert_int_equal(lesson_store_fault_set(store, &fault), LESSON_STORE_OK);
    lesson_store_executor *executor = open_executor(store, 1);
    while (figures_of(executor).sweeps_failed < 2)
        sleep_ms(1);
    assert_int_equal(figures_of(executor).sweep_failure, LESSON_STORE_BUSY);
    lesson_store_fault_clear(store);
    while (figures_of(executor).sweeps < figures_of(executor).sweeps_failed + 2)
        sleep_ms(1);
    assert_int_equal(figures_of(executor).sweep_failure, LESSON_STORE_BUSY);
    lesson_store_executor_close(executor);
    lesson_store_close(store);
    engine_remove();
}

int main(int argc, char **argv) {
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_silent_is_put_out),
        cmocka_unit_test(a_long_period_delays_no_end),
        cmocka_unit_test(a_failure_is_in_the_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
