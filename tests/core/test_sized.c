/* The one rule for structures that begin with `size`: a shorter structure is completed with zeros; a longer one is
 * accepted if the bytes beyond are zero; nothing is written beyond the caller's size. */
#include <lessonstore/executor.h>
#include <lessonstore/fault.h>

#include "cmocka_all.h"
#include "spy.h"

/* A future structure: this version's members, and one more. */
#define TOMORROW(type) \
    struct {           \
        type known;    \
        uint64_t more; \
    }

static lesson_store *open_spy(const char *location) {
    lesson_store *store;
    spy_reset();
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, location), LESSON_STORE_OK);
    return store;
}

static void a_longer_question_must_be_zero_beyond(void **state) {
    (void)state;
    TOMORROW(lesson_store_executor_options) options = {.known = LESSON_STORE_EXECUTOR_OPTIONS_INIT};
    lesson_store *store = open_spy("spy:");
    lesson_store_executor *executor;
    options.known.size = sizeof options;
    options.more = 1;
    assert_int_equal(lesson_store_executor_open(&executor, store, &options.known), LESSON_STORE_INVALID);
    options.more = 0;
    assert_int_equal(lesson_store_executor_open(&executor, store, &options.known), LESSON_STORE_OK);
    lesson_store_executor_close(executor);
    lesson_store_close(store);
}

static void a_longer_fault_must_be_zero_beyond(void **state) {
    (void)state;
    TOMORROW(lesson_store_fault) fault = {.known = LESSON_STORE_FAULT_INIT(LESSON_STORE_BUSY)};
    lesson_store *store = open_spy("fault+spy:");
    fault.known.size = sizeof fault;
    fault.more = 1;
    assert_int_equal(lesson_store_fault_set(store, &fault.known), LESSON_STORE_INVALID);
    fault.more = 0;
    assert_int_equal(lesson_store_fault_set(store, &fault.known), LESSON_STORE_OK);
    assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_BUSY);
    lesson_store_close(store);
}

static void a_longer_answer_is_completed_with_zeroes(void **state) {
    (void)state;
    TOMORROW(lesson_store_abilities) abilities = {.more = 7};
    TOMORROW(lesson_store_executor_figures) figures = {.more = 7};
    lesson_store *store = open_spy("spy:");
    lesson_store_executor *executor;
    abilities.known.size = sizeof abilities;
    figures.known.size = sizeof figures;
    assert_int_equal(lesson_store_read_abilities(store, &abilities.known), LESSON_STORE_OK);
    assert_int_equal(abilities.known.operations, LESSON_STORE_OPERATIONS_0_1);
    assert_int_equal(abilities.more, 0);
    assert_int_equal(lesson_store_executor_open(&executor, store, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_read_figures(executor, &figures.known), LESSON_STORE_OK);
    assert_int_equal(figures.more, 0);
    lesson_store_executor_close(executor);
    lesson_store_close(store);
}

static void nothing_is_written_beyond_a_shorter_answer(void **state) {
    (void)state;
    lesson_store_abilities abilities;
    lesson_store *store = open_spy("spy:");
    memset(&abilities, 0x55, sizeof abilities);
    abilities.size = offsetof(lesson_store_abilities, flags);
    assert_int_equal(lesson_store_read_abilities(store, &abilities), LESSON_STORE_OK);
    assert_int_equal(abilities.size, offsetof(lesson_store_abilities, flags));
    assert_int_equal(abilities.operations, LESSON_STORE_OPERATIONS_0_1);
    assert_int_equal(abilities.flags, UINT64_C(0x5555555555555555));
    abilities.size = 1 << 20;
    assert_int_equal(lesson_store_read_abilities(store, &abilities), LESSON_STORE_INVALID);
    lesson_store_close(store);
}

static void initial_values_stay_within_the_size(void **state) {
    (void)state;
    lesson_store_abilities abilities;
    lesson_store_executor_options options;
    lesson_store_executor_figures figures;
    lesson_store_fault fault;
    lesson_store_backend backend;
    memset(&abilities, 0x55, sizeof abilities);
    lesson_store_abilities_init(&abilities, offsetof(lesson_store_abilities, flags));
    assert_int_equal(abilities.operations, 0);
    assert_int_equal(abilities.flags, UINT64_C(0x5555555555555555));
    memset(&options, 0x55, sizeof options);
    lesson_store_executor_options_init(&options, sizeof options);
    assert_int_equal(options.size, sizeof options);
    assert_int_equal(options.lanes | options.pending_max | options.batch_max | options.sweep_every_ms, 0);
    memset(&figures, 0x55, sizeof figures);
    lesson_store_executor_figures_init(&figures, sizeof figures);
    assert_int_equal(figures.size, sizeof figures);
    assert_int_equal(figures.largest_batch, 0);
    memset(&fault, 0x55, sizeof fault);
    lesson_store_fault_init(&fault, sizeof fault, LESSON_STORE_FULL);
    assert_int_equal(fault.code, LESSON_STORE_FULL);
    assert_int_equal(fault.on | fault.at | fault.times, 0);
    memset(&backend, 0x55, sizeof backend);
    lesson_store_backend_init(&backend, sizeof backend);
    assert_int_equal(backend.size, sizeof backend);
    assert_null(backend.open);
    fault.code = 3;
    lesson_store_fault_init(&fault, sizeof fault.size, LESSON_STORE_BUSY); /* no room for the code */
    assert_int_equal(fault.code, 3);
    abilities.size = 7;
    lesson_store_abilities_init(&abilities, 1); /* not even room for the size */
    assert_int_equal(abilities.size, 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_longer_question_must_be_zero_beyond),
        cmocka_unit_test(a_longer_fault_must_be_zero_beyond),
        cmocka_unit_test(a_longer_answer_is_completed_with_zeroes),
        cmocka_unit_test(nothing_is_written_beyond_a_shorter_answer),
        cmocka_unit_test(initial_values_stay_within_the_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
