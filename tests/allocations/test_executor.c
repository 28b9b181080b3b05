/* The executor: each allocation, thread and descriptor of its opening fails in turn, and submitting an
 * operation needs none. */
#include "cmocka_all.h"

#include "allocator.h"
#include "spy.h"
#include <lessonstore/executor.h>

enum { LANES = 3, PENDING = 8 };

static lesson_store *open_spy(void) {
    lesson_store *store;
    spy_reset();
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "spy:"), LESSON_STORE_OK);
    return store;
}

static lesson_store_executor_options small_options(void) {
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    options.lanes = LANES;
    options.pending_max = options.batch_max = PENDING;
    return options;
}

static void opening_in_turn(void **state) {
    (void)state;
    const lesson_store_executor_options options = small_options();
    lesson_store *store = open_spy();
    long no_memory = 0, no_thread = 0;
    for (int for_good = 0; for_good < 2; for_good++) {
        for (long nth = 1, failed = 1; failed > 0; nth++) {
            lesson_store_executor *executor = NULL;
            long before = allocator_live();
            allocator_begin(nth, for_good);
            int code = lesson_store_executor_open(&executor, store, &options);
            failed = allocator_end();
            assert_int_equal(code == LESSON_STORE_OK, failed == 0);
            assert_int_equal(code == LESSON_STORE_OK, executor != NULL);
            assert_true(code == LESSON_STORE_OK || code == LESSON_STORE_NO_MEMORY || code == LESSON_STORE_FAILED);
            no_memory += code == LESSON_STORE_NO_MEMORY;
            no_thread += code == LESSON_STORE_FAILED;
            lesson_store_executor_close(executor);
            assert_int_equal(allocator_live(), before);
        }
    }
    print_message("allocations\texecutor\topening\t%ld failed in turn, and %ld threads\n", no_memory, no_thread);
    assert_true(no_memory > 0);
    assert_int_equal(no_thread, 2 * (LANES + 2)); /* besides the lanes there are two */
    lesson_store_close(store);
}

static void adding_a_queue_in_turn(void **state) {
    (void)state;
    const lesson_store_executor_options options = small_options();
    lesson_store *store = open_spy();
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue = NULL;
    long before = allocator_live();
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    allocator_begin(1, false);
    assert_int_equal(lesson_store_executor_add_queue(&queue, executor), LESSON_STORE_NO_MEMORY);
    assert_int_equal(allocator_end(), 1);
    assert_null(queue);
    allocator_begin(2, false);
    assert_int_equal(lesson_store_executor_add_queue(&queue, executor), LESSON_STORE_FAILED);
    assert_int_equal(allocator_end(), 1);
    assert_null(queue);
    assert_int_equal(lesson_store_executor_add_queue(&queue, executor), LESSON_STORE_OK);
    lesson_store_executor_close(executor);
    assert_int_equal(allocator_live(), before);
    lesson_store_close(store);
}

static void note(const lesson_store_operation *operation, void *context) {
    *(int *)context = operation->code;
}

static void submitting_needs_no_memory(void **state) {
    (void)state;
    const lesson_store_executor_options options = small_options();
    lesson_store *store = open_spy();
    lesson_store_executor *executor;
    int code = LESSON_STORE_FAILED;
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE};
    where.uid = lesson_store_id_of("ann");
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    allocator_begin(1, true);
    for (int i = 0; i < 100; i++)
        assert_int_equal(lesson_store_executor_run(executor, &where, 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_submit(executor, &where, 0, NULL, note, &code, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_stop(executor, 0), LESSON_STORE_OK);
    assert_int_equal(allocator_end(), 0);
    assert_int_equal(code, LESSON_STORE_OK);
    lesson_store_executor_close(executor);
    lesson_store_close(store);
}

#ifdef WITH_MEMORY
struct seen {
    int code;
    size_t count;
};

static void note_page(const lesson_store_page *page, void *context) {
    const struct seen seen = {page->code, page->count};
    *(struct seen *)context = seen;
}

/* Takes one page, and waits until the executor has completed it. */
static int take_page(lesson_store_executor *executor, lesson_store_cursor **cursor, struct seen *seen) {
    const lesson_store_list list = {.kind = LESSON_STORE_LIST_USERS, .most = 1};
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    int code = lesson_store_executor_submit_page(executor, &list, cursor, 0, NULL, note_page, seen, NULL);
    do
        lesson_store_executor_read_figures(executor, &figures);
    while (figures.pending > 0);
    return code;
}

/* Each allocation of a list fails in turn: at submit, or in the callback. The list then goes on where it was. */
static void a_list_in_turn(void **state) {
    (void)state;
    const lesson_store_executor_options options = small_options();
    lesson_store *store;
    lesson_store_executor *executor;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    for (int i = 0; i < 3; i++) {
        char uid[2] = {(char)('a' + i), '\0'};
        assert_int_equal(lesson_store_join(store, uid, "algebra", "algebra-7", NULL, 0, NULL), LESSON_STORE_OK);
    }
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    long before = allocator_live(), at_submit = 0, in_callback = 0, failed = 1;
    for (long nth = 1; failed > 0; nth++) {
        lesson_store_cursor *cursor = NULL;
        size_t users = 0;
        struct seen seen = {LESSON_STORE_OK, 1};
        allocator_begin(nth, false);
        for (int code = 0; code || seen.code || seen.count > 0;) {
            code = take_page(executor, &cursor, &seen);
            at_submit += code == LESSON_STORE_NO_MEMORY;
            in_callback += !code && seen.code == LESSON_STORE_NO_MEMORY;
            assert_true(code == LESSON_STORE_OK || code == LESSON_STORE_NO_MEMORY);
            assert_true(seen.code == LESSON_STORE_OK || seen.code == LESSON_STORE_NO_MEMORY);
            users += code ? 0 : seen.count;
        }
        failed = allocator_end();
        assert_int_equal(users, 3);
        lesson_store_cursor_close(cursor);
        assert_int_equal(allocator_live(), before);
    }
    print_message("allocations\texecutor\ta list\t%ld failed at submit, %ld later\n", at_submit, in_callback);
    assert_int_equal(at_submit, 1);
    assert_true(in_callback > 0);
    lesson_store_executor_close(executor);
    lesson_store_close(store);
}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_in_turn),
        cmocka_unit_test(adding_a_queue_in_turn),
        cmocka_unit_test(submitting_needs_no_memory),
#ifdef WITH_MEMORY
        cmocka_unit_test(a_list_in_turn),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
