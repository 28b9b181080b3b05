/* Faults and threads: a pool that cannot grow, the number of strikes, a store that hangs until it is released, and the
 * executor on a store that fails. */
#include <stdio.h>
#include <time.h>

#include "cmocka_all.h"
#include "spy.h"
#include <lessonstore/executor.h>
#include <lessonstore/fault.h>

enum { THREADS = 6, CALLS = 300, HANGS_MS = LESSON_STORE_FAULT_DELAY_MAX_MS };

static lesson_store *open_faulty(const char *location) {
    lesson_store *store;
    int code = strncmp(location, "fault+spy", 9) == 0 ? lesson_store_open_with(&store, &spy_backend, location)
                                                      : lesson_store_open(&store, location);
    if (code)
        fail_msg("%s: %s", location, lesson_store_message());
    return store;
}

static void pause_a_little(void) {
    const struct timespec pause = {.tv_nsec = 100 * 1000};
    nanosleep(&pause, NULL);
}

static uint64_t struck(lesson_store *store) {
    uint64_t number = 0;
    assert_int_equal(lesson_store_fault_struck(store, &number), LESSON_STORE_OK);
    return number;
}

static void wait_until_struck(lesson_store *store, uint64_t number) {
    while (struck(store) < number)
        pause_a_little();
}

struct worker {
    pthread_t thread;
    lesson_store *store;
    int calls;
    int failed;
    int last_code;
};

static void *work(void *context) {
    struct worker *worker = context;
    for (int i = 0; i < worker->calls; i++) {
        worker->last_code = lesson_store_where(worker->store, "ann", NULL);
        worker->failed += worker->last_code < 0;
    }
    return NULL;
}

static void start(struct worker *worker, lesson_store *store, int calls) {
    worker->store = store;
    worker->calls = calls;
    worker->failed = 0;
    assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
}

static int work_together(lesson_store *store) {
    struct worker workers[THREADS];
    int failed = 0;
    for (int i = 0; i < THREADS; i++)
        start(&workers[i], store, CALLS);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        failed += workers[i].failed;
    }
    return failed;
}

static void as_many_are_struck_as_was_said(void **state) {
    (void)state;
    spy_reset();
    lesson_store *store = open_faulty("fault+spy:?pool=3&fault_code=busy&fault_at=100&fault_times=77");
    assert_int_equal(work_together(store), 77);
    assert_int_equal(struck(store), 77);
    assert_false(the_spy.two_in_one);
    lesson_store_close(store);
    store = open_faulty("fault+spy:?pool=3&fault_code=busy&fault_one_in=5&fault_seed=3");
    int by_threads = work_together(store);
    lesson_store_close(store);
    store = open_faulty("fault+memory:?fault_code=busy&fault_one_in=5&fault_seed=3");
    struct worker alone = {.store = store, .calls = THREADS * CALLS};
    work(&alone);
    assert_int_equal(by_threads, alone.failed);
    lesson_store_close(store);
}

/* As with a server's limit of connections: the pool continues with its instances, and no call fails. */
static void a_pool_that_cannot_grow(void **state) {
    (void)state;
    spy_reset();
    the_spy.on_run = pause_a_little;
    lesson_store *store = open_faulty("fault+spy:?pool=3&fault_on=open&fault_at=2&fault_code=unreachable");
    assert_int_equal(work_together(store), 0);
    assert_int_equal(the_spy.opens, 1);
    assert_int_equal(the_spy.most_inside, 1);
    assert_true(struck(store) >= 1);
    lesson_store_close(store);
    assert_int_equal(the_spy.closes, 1);
}

/* The location gives an instance the first instance of its own backend, not that of the prefix. */
static void a_pool_that_grows(void **state) {
    (void)state;
    spy_reset();
    the_spy.on_run = pause_a_little;
    lesson_store *store = open_faulty("fault+spy:?pool=3");
    assert_null(the_spy.first_reported);
    assert_int_equal(work_together(store), 0);
    assert_true(the_spy.opens > 1);
    assert_ptr_equal(the_spy.first_reported, the_spy.first_opened);
    lesson_store_close(store);
    assert_int_equal(the_spy.closes, the_spy.opens);
}

static void a_store_that_hangs_until_it_is_let_go(void **state) {
    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        lesson_store *store = open_faulty("fault+memory:");
        lesson_store_fault fault = LESSON_STORE_FAULT_INIT(fails ? LESSON_STORE_UNREACHABLE : LESSON_STORE_OK);
        fault.delay_ms = HANGS_MS;
        assert_int_equal(lesson_store_fault_set(store, &fault), LESSON_STORE_OK);
        struct worker worker;
        start(&worker, store, 1);
        wait_until_struck(store, 1);
        assert_int_equal(lesson_store_fault_clear(store), LESSON_STORE_OK);
        pthread_join(worker.thread, NULL);
        assert_int_equal(worker.last_code, fails ? LESSON_STORE_UNREACHABLE : LESSON_STORE_NOT_FOUND);
        lesson_store_close(store);
    }
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void a_delay_takes_its_time_once_for_a_batch(void **state) {
    (void)state;
    lesson_store *store = open_faulty("fault+memory:?fault_delay_ms=40");
    lesson_store_operation operations[50];
    for (int i = 0; i < 50; i++) {
        operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_WHERE};
        operations[i].uid = lesson_store_id_of("ann");
    }
    int64_t began_ms = now_ms();
    assert_int_equal(lesson_store_batch(store, operations, 50), LESSON_STORE_OK);
    int64_t took_ms = now_ms() - began_ms;
    assert_true(took_ms >= 39); /* the clock is cut to whole milliseconds at both ends */
    assert_true(took_ms < 50 * 40);
    assert_int_equal(struck(store), 50);
    for (int i = 0; i < 50; i++)
        assert_int_equal(operations[i].code, LESSON_STORE_NOT_FOUND);
    lesson_store_close(store);
}

/* ---- The executor */

struct outcome {
    int code;
    int calls;
};

static void keep_outcome(const lesson_store_operation *operation, void *context) {
    struct outcome *kept = context;
    kept->code = operation->code;
    kept->calls++;
}

static lesson_store_operation join_of(const char *uid) {
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN};
    join.uid = lesson_store_id_of(uid);
    join.course_id = lesson_store_id_of("c");
    join.lesson_id = lesson_store_id_of("l");
    return join;
}

static void the_executor_hands_on_each_failure(void **state) {
    (void)state;
    lesson_store *store = open_faulty("fault+memory:?fault_code=full&fault_at=2&fault_times=1");
    lesson_store_executor *executor;
    assert_int_equal(lesson_store_executor_open(&executor, store, NULL), LESSON_STORE_OK);
    const char *const users[] = {"ann", "bob", "cho"};
    struct outcome outcomes[3] = {{0, 0}};
    for (int i = 0; i < 3; i++) {
        lesson_store_operation join = join_of(users[i]);
        assert_int_equal(lesson_store_executor_submit(executor, &join, 0, NULL, keep_outcome, &outcomes[i], NULL),
                         LESSON_STORE_OK);
    }
    lesson_store_executor_close(executor);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(outcomes[i].calls, 1);
        assert_int_equal(outcomes[i].code, i == 1 ? LESSON_STORE_FULL : LESSON_STORE_OK);
        assert_int_equal(lesson_store_where(store, users[i], NULL), i == 1 ? LESSON_STORE_NOT_FOUND : LESSON_STORE_OK);
    }
    lesson_store_close(store);
}

/* The store hangs. After the deadline, an operation that has begun is UNKNOWN, and one that waits behind it is EXPIRED.
 * The store may have applied the former and never applies the latter. */
static void the_executor_over_a_store_that_hangs(void **state) {
    (void)state;
    lesson_store *store = open_faulty("fault+memory:?fault_delay_ms=600000&fault_times=1");
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    options.pending_max = options.batch_max = 4;
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_add_queue(&queue, executor), LESSON_STORE_OK);
    struct outcome outcomes[2] = {{0, 0}};
    lesson_store_operation ann = join_of("ann"), bob = join_of("bob");
    assert_int_equal(lesson_store_executor_submit(executor, &ann, 50, queue, keep_outcome, &outcomes[0], NULL), 0);
    wait_until_struck(store, 1);
    assert_int_equal(lesson_store_executor_submit(executor, &bob, 50, queue, keep_outcome, &outcomes[1], NULL), 0);
    while (outcomes[0].calls + outcomes[1].calls < 2) {
        lesson_store_completion_queue_drain(queue, 0);
        pause_a_little();
    }
    assert_int_equal(outcomes[0].code, LESSON_STORE_UNKNOWN);
    assert_int_equal(outcomes[1].code, LESSON_STORE_EXPIRED);
    assert_int_equal(lesson_store_fault_clear(store), LESSON_STORE_OK);
    lesson_store_executor_close(executor);
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_where(store, "bob", NULL), LESSON_STORE_NOT_FOUND);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_many_are_struck_as_was_said),
        cmocka_unit_test(a_pool_that_cannot_grow),
        cmocka_unit_test(a_pool_that_grows),
        cmocka_unit_test(a_store_that_hangs_until_it_is_let_go),
        cmocka_unit_test(a_delay_takes_its_time_once_for_a_batch),
        cmocka_unit_test(the_executor_hands_on_each_failure),
        cmocka_unit_test(the_executor_over_a_store_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
