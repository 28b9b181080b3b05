/* What an operating system does to a process that uses the library: forks, and threads that are cancelled. */
#include <sys/wait.h>
#include <unistd.h>

#include "gate.h"

/* ---- fork */

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    return true;
}

static bool ignore_info(const char *name, const char *value, void *context) {
    (void)name;
    (void)value;
    (void)context;
    return true;
}

/* What the child inherits. */
struct inheritance {
    struct gated gated;
    lesson_store_completion_queue *queue;
    uint64_t ticket;
};

/* Returns the number of the first call that is not refused, or 0. */
static int use_store(lesson_store *store) {
    lesson_store_operation where = gate_where("u");
    const int codes[] = {
        lesson_store_where(store, "u", NULL),
        lesson_store_join(store, "u", "c", "l", NULL, 0, NULL),
        lesson_store_batch(store, &where, 1),
        lesson_store_info(store, ignore_info, NULL),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != LESSON_STORE_CLOSED)
            return (int)i + 1;
    }
    return strstr(lesson_store_message(), "fork") ? 0 : 10;
}

static int use_executor(const struct inheritance *inherited) {
    lesson_store_executor *executor = inherited->gated.executor, *other;
    lesson_store_completion_queue *queue;
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    lesson_store_operation where = gate_where("u");
    struct witness witness;
    const int codes[] = {
        lesson_store_executor_submit(executor, &where, 0, NULL, witness_see, &witness, NULL),
        lesson_store_executor_run(executor, &where, 0),
        lesson_store_executor_cancel(executor, inherited->ticket),
        lesson_store_executor_add_queue(&queue, executor),
        lesson_store_executor_remove_queue(executor, inherited->queue),
        lesson_store_executor_read_figures(executor, &figures),
        lesson_store_executor_stop(executor, 0),
        lesson_store_executor_open(&other, inherited->gated.store, NULL),
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] != LESSON_STORE_CLOSED)
            return (int)i + 20;
    }
    return lesson_store_completion_queue_drain(inherited->queue, 0) == 0 ? 0 : 30;
}

static int open_own_store(void) {
    lesson_store *store;
    int code = lesson_store_open(&store, "memory:");
    if (!code)
        code = lesson_store_join(store, "u", "c", "l", NULL, 0, NULL);
    if (!code)
        lesson_store_close(store);
    return code ? 40 : 0;
}

static int live_as_child(const struct inheritance *inherited) {
    int wrong = use_store(inherited->gated.store);
    if (!wrong)
        wrong = use_executor(inherited);
    lesson_store_executor_close(inherited->gated.executor);
    lesson_store_close(inherited->gated.store);
    return wrong ? wrong : open_own_store();
}

static void assert_child_is_right(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* The child is born while the parent's lane is in a batch and another thread waits for an instance. */
static void a_child_is_refused_and_harms_nobody(void **state) {
    (void)state;
    struct inheritance inherited = {.gated = gated_open(1, 8, 8)};
    struct witness first = {0}, second = {0};
    lesson_store_operation join = gate_join("u", "l");
    assert_int_equal(lesson_store_executor_add_queue(&inherited.queue, inherited.gated.executor), LESSON_STORE_OK);
    gate_shut();
    gate_submit(inherited.gated.executor, &join, 0, NULL, &first);
    gate_wait_inside(1);
    inherited.ticket = gate_submit(inherited.gated.executor, &join, 0, NULL, &second);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(live_as_child(&inherited));
    assert_child_is_right(child);
    gate_open();
    assert_int_equal(lesson_store_executor_stop(inherited.gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(first.calls, 1);
    assert_int_equal(second.calls, 1);
    assert_int_equal(lesson_store_where(inherited.gated.store, "u", NULL), LESSON_STORE_OK);
    gated_close(&inherited.gated);
}

struct inherited_list {
    int met;
    pid_t child;
};

/* The callback returns in the child too, and the list must not go on there. */
static bool fork_and_return(const lesson_store_id *uid, void *context) {
    struct inherited_list *list = context;
    (void)uid;
    if (list->met++ == 0)
        list->child = fork();
    return true;
}

static void a_list_ends_in_a_child(void **state) {
    (void)state;
    lesson_store *store;
    struct inherited_list list = {0, -1};
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "ann", "c", "l", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "bob", "c", "l", NULL, 0, NULL), LESSON_STORE_OK);
    int code = lesson_store_members(store, "l", fork_and_return, &list);
    if (list.child == 0)
        _exit(code == LESSON_STORE_CLOSED && list.met == 1 ? 0 : 1);
    assert_int_equal(code, LESSON_STORE_OK);
    assert_int_equal(list.met, 2);
    assert_child_is_right(list.child);
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

struct nested {
    lesson_store *store;
    pid_t child;
};

/* Here the lock of the store is held when the child is born. */
static bool fork_in_callback(const lesson_store_id *uid, void *context) {
    (void)uid;
    struct nested *nested = context;
    nested->child = fork();
    if (nested->child == 0) {
        int code = lesson_store_members(nested->store, "l", ignore_member, NULL);
        lesson_store_close(nested->store);
        _exit(code == LESSON_STORE_CLOSED ? 0 : 1);
    }
    return true;
}

static void a_child_that_is_born_in_a_callback_is_refused(void **state) {
    (void)state;
    struct nested nested = {NULL, -1};
    assert_int_equal(lesson_store_open(&nested.store, "memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(nested.store, "u", "c", "l", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_members(nested.store, "l", fork_in_callback, &nested), LESSON_STORE_OK);
    assert_true(nested.child > 0);
    assert_child_is_right(nested.child);
    assert_int_equal(lesson_store_where(nested.store, "u", NULL), LESSON_STORE_OK);
    lesson_store_close(nested.store);
}

/* ---- pthread_cancel */

static void *call_where(void *context) {
    lesson_store_where(context, "u", NULL);
    pthread_testcancel(); /* a cancel that came during the call takes effect here */
    return NULL;
}

static void *run_where(void *context) {
    lesson_store_operation where = gate_where("u");
    lesson_store_executor_run(context, &where, 0);
    pthread_testcancel();
    return NULL;
}

/* The gate waits in pthread_cond_wait, which is a cancellation point. */
static void cancel_in_call(void *(*work)(void *), void *context) {
    pthread_t thread;
    void *result;
    gate_shut();
    assert_int_equal(pthread_create(&thread, NULL, work, context), 0);
    gate_wait_inside(1);
    assert_int_equal(pthread_cancel(thread), 0);
    gate_open();
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, PTHREAD_CANCELED);
}

/* More often than there are instances. */
static void a_cancelled_thread_takes_nothing_with_it(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    for (int i = 0; i < 2 * LESSON_STORE_POOL_MAX; i++) {
        cancel_in_call(call_where, gated.store);
        cancel_in_call(run_where, gated.executor);
    }
    assert_int_equal(lesson_store_where(gated.store, "u", NULL), LESSON_STORE_OK);
    gated_close(&gated);
}

static bool reach_a_cancellation_point(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    pthread_cancel(pthread_self());
    pthread_testcancel();
    return true;
}

static void *list_members(void *context) {
    lesson_store_members(context, "l", reach_a_cancellation_point, NULL);
    pthread_testcancel();
    return NULL;
}

static void a_thread_cancelled_in_a_callback_ends_its_call(void **state) {
    (void)state;
    lesson_store *store;
    pthread_t thread;
    void *result;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "u", "c", "l", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(pthread_create(&thread, NULL, list_members, store), 0);
    pthread_join(thread, &result);
    assert_ptr_equal(result, PTHREAD_CANCELED);
    assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_refused_and_harms_nobody),
        cmocka_unit_test(a_child_that_is_born_in_a_callback_is_refused),
        cmocka_unit_test(a_list_ends_in_a_child),
        cmocka_unit_test(a_cancelled_thread_takes_nothing_with_it),
        cmocka_unit_test(a_thread_cancelled_in_a_callback_ends_its_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
