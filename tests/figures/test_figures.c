/* What a store counts, on every engine. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"
#include "figures_of.h"

#define JOIN LESSON_STORE_OPERATION_JOIN
#define WHERE LESSON_STORE_OPERATION_WHERE
#define CREATE LESSON_STORE_OPERATION_CREATE

static bool has_times(void) {
    return engine_is_shared(); /* calls in memory never wait */
}

static void single_calls_are_counted_by_their_outcome(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    assert_int_equal(lesson_store_create(store, "algebra", 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_create(store, "algebra", 0), LESSON_STORE_EXISTS);
    assert_int_equal(lesson_store_create(store, "", 0), LESSON_STORE_INVALID);
    for (int i = 0; i < 3; i++)
        assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_where(store, "bob", NULL), LESSON_STORE_NOT_FOUND);
    assert_int_equal(figures_calls(store, CREATE, LESSON_STORE_OK), 1);
    assert_int_equal(figures_calls(store, CREATE, LESSON_STORE_EXISTS), 1);
    assert_int_equal(figures_calls(store, CREATE, LESSON_STORE_INVALID), 1);
    assert_int_equal(figures_calls(store, JOIN, LESSON_STORE_OK), 3);
    assert_int_equal(figures_calls(store, WHERE, LESSON_STORE_NOT_FOUND), 1);
    assert_int_equal(figures_calls(store, WHERE, LESSON_STORE_OK), 0);
    assert_int_equal(figures_times(store, CREATE), has_times() ? 2 : 0);
    assert_int_equal(figures_times(store, JOIN), has_times() ? 3 : 0);
    assert_int_equal(figures_of_call(store, JOIN).took_us > 0, has_times());
    assert_int_equal(figures_calls(store, LESSON_STORE_COUNTED_BATCH, LESSON_STORE_OK), 0);
    engine_close(store);
}

static void a_batch_is_counted_and_its_operations_too(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    lesson_store_operation operations[] = {
        {.kind = CREATE, .lesson_id = lesson_store_id_of("algebra")},
        {.kind = LESSON_STORE_OPERATION_NONE},
        {.kind = CREATE, .lesson_id = lesson_store_id_of("algebra")},
        {.kind = JOIN, .uid = lesson_store_id_of("")},
        {.kind = WHERE, .uid = lesson_store_id_of("ann")},
        {.kind = 4711},
    };
    assert_int_equal(lesson_store_batch(store, operations, 6), LESSON_STORE_OK);
    assert_int_equal(figures_calls(store, CREATE, LESSON_STORE_OK), 1);
    assert_int_equal(figures_calls(store, CREATE, LESSON_STORE_EXISTS), 1);
    assert_int_equal(figures_calls(store, JOIN, LESSON_STORE_INVALID), 1);
    assert_int_equal(figures_calls(store, WHERE, LESSON_STORE_NOT_FOUND), 1);
    assert_int_equal(figures_calls(store, LESSON_STORE_COUNTED_BATCH, LESSON_STORE_OK), 1);
    assert_int_equal(figures_times(store, LESSON_STORE_COUNTED_BATCH), has_times());
    assert_int_equal(figures_times(store, CREATE), 0);
    assert_int_equal(lesson_store_batch(store, &operations[3], 1), LESSON_STORE_OK);
    assert_int_equal(figures_calls(store, JOIN, LESSON_STORE_INVALID), 2);
    engine_close(store);
}

static bool stop(const lesson_store_id *uid, void *context) {
    (void)uid, (void)context;
    return false;
}

static bool call_again(const lesson_store_user *user, void *context) {
    (void)user;
    assert_int_equal(lesson_store_where(context, "ann", NULL), LESSON_STORE_REENTERED);
    assert_int_equal(figures_calls(context, WHERE, LESSON_STORE_REENTERED), 1);
    assert_true(figures_of_store(context).pool_lent >= 1);
    return true;
}

static void lists_are_counted(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    const lesson_store_user *users;
    lesson_store_cursor *cursor = NULL;
    size_t count;
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_members(store, "algebra", stop, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_members(store, "algebra", NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_users(store, call_again, store), LESSON_STORE_OK);
    assert_int_equal(lesson_store_users_page(store, 10, &cursor, &users, &count), LESSON_STORE_OK);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, NULL, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_sweep(store, NULL, NULL, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_drop(store, "nobody", NULL, NULL, NULL), LESSON_STORE_NOT_FOUND);
    lesson_store_cursor_close(cursor);
    assert_int_equal(figures_calls(store, LESSON_STORE_COUNTED_MEMBERS, LESSON_STORE_OK), 1);
    assert_int_equal(figures_calls(store, LESSON_STORE_COUNTED_MEMBERS, LESSON_STORE_INVALID), 1);
    assert_int_equal(figures_calls(store, LESSON_STORE_COUNTED_USERS, LESSON_STORE_OK), 1);
    assert_true(figures_calls(store, LESSON_STORE_COUNTED_USERS_PAGE, LESSON_STORE_OK) >= 1);
    assert_int_equal(figures_calls(store, LESSON_STORE_COUNTED_CHECK, LESSON_STORE_OK), 1);
    assert_int_equal(figures_calls(store, LESSON_STORE_COUNTED_SWEEP, LESSON_STORE_OK), 1);
    assert_int_equal(figures_calls(store, LESSON_STORE_COUNTED_DROP, LESSON_STORE_NOT_FOUND), 1);
    assert_int_equal(figures_times(store, LESSON_STORE_COUNTED_CHECK), has_times());
    engine_close(store);
}

/* ---- Threads */

enum { THREADS = 4, CALLS = 2000 };

static void *join_often(void *context) {
    char uid[32];
    snprintf(uid, sizeof uid, "user-%lx", (unsigned long)pthread_self());
    for (int i = 0; i < CALLS; i++) {
        if (lesson_store_join(context, uid, "maths", i % 2 ? "algebra" : "geometry", NULL, 0, NULL))
            return context;
    }
    return NULL;
}

/* Figures only grow, and in the end no call is missing. */
static void no_call_of_any_thread_is_lost(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    pthread_t threads[THREADS];
    uint64_t before = 0, now;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, join_often, store), 0);
    do {
        now = figures_calls(store, JOIN, LESSON_STORE_OK);
        assert_true(now >= before);
        before = now;
    } while (now < CALLS);
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(figures_calls(store, JOIN, LESSON_STORE_OK), THREADS * CALLS);
    assert_int_equal(figures_times(store, JOIN), has_times() ? THREADS * CALLS : 0);
    lesson_store_figures figures = figures_of_store(store);
    assert_in_range(figures.pool_open, 1, figures.pool_size);
    assert_int_equal(figures.opens, figures.pool_open);
    assert_int_equal(figures.pool_lent, 0);
    assert_true(figures.waited_us == 0 || figures.waits > 0);
    engine_close(store);
}

/* ---- What is not valid */

static void figures_are_asked_for_rightly(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    lesson_store_call_figures call = LESSON_STORE_CALL_FIGURES_INIT;
    lesson_store_figures figures = LESSON_STORE_FIGURES_INIT;
    assert_int_equal(lesson_store_read_call_figures(NULL, JOIN, &call), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_read_call_figures(store, JOIN, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_read_call_figures(store, 11, &call), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_read_call_figures(store, 45, &call), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_read_call_figures(store, UINT32_MAX, &call), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_read_figures(NULL, &figures), LESSON_STORE_INVALID);
    call.size = figures.size = 3;
    assert_int_equal(lesson_store_read_call_figures(store, JOIN, &call), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_read_figures(store, &figures), LESSON_STORE_INVALID);
    for (uint32_t i = 0; i < LESSON_STORE_COUNTED_MAX; i++) {
        const char *name = lesson_store_call_name(i);
        call.size = sizeof call;
        assert_int_equal(lesson_store_read_call_figures(store, i, &call),
                         name ? LESSON_STORE_OK : LESSON_STORE_INVALID);
    }
    assert_string_equal(lesson_store_call_name(JOIN), "join");
    assert_string_equal(lesson_store_call_name(LESSON_STORE_COUNTED_EVENTS), "events");
    assert_null(lesson_store_call_name(99));
    engine_close(store);
}

static bool count_pieces(const char *text, size_t size, void *context) {
    int *pieces = context;
    (void)text, (void)size;
    ++*pieces;
    return false;
}

static void metrics_are_asked_for_rightly(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    int pieces = 0;
    const lesson_store_metrics_source bad[][2] = {
        {{.store = NULL}, {.store = store}},
        {{.store = store}, {.store = store}},
        {{.store = store, .name = "one"}, {.store = store, .name = "one"}},
        {{.store = store, .name = ""}, {.store = store}},
        {{.store = store, .name = "a\nb"}, {.store = store}},
        {{.store = store, .name = "one", .reserved = {0, 0, 0, 0, 1}}, {.store = store}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(lesson_store_write_metrics(bad[i], 2, 0, count_pieces, &pieces), LESSON_STORE_INVALID);
    const lesson_store_metrics_source good = {.store = store};
    assert_int_equal(lesson_store_write_metrics(&good, 1, 2, count_pieces, &pieces), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_write_metrics(&good, 1, 0, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_write_metrics(NULL, 1, 0, count_pieces, &pieces), LESSON_STORE_INVALID);
    assert_int_equal(pieces, 0);
    assert_int_equal(lesson_store_write_metrics(&good, 1, 0, count_pieces, &pieces), LESSON_STORE_OK);
    assert_int_equal(pieces, 1);
    engine_close(store);
}

static void the_figures_of_a_parent_are_closed_to_a_child(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    pid_t child = fork();
    if (child == 0) {
        lesson_store_call_figures call = LESSON_STORE_CALL_FIGURES_INIT;
        lesson_store_figures figures = LESSON_STORE_FIGURES_INIT;
        bool is_closed = lesson_store_where(store, "ann", NULL) == LESSON_STORE_CLOSED &&
                         lesson_store_read_call_figures(store, WHERE, &call) == LESSON_STORE_CLOSED &&
                         lesson_store_read_figures(store, &figures) == LESSON_STORE_CLOSED;
        _exit(is_closed ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    engine_close(store);
}

static void the_classes_of_times_have_the_limits_that_the_header_states(void **state) {
    (void)state;
    assert_int_equal(lesson_store_time_limit_us(0), 2);
    assert_int_equal(lesson_store_time_limit_us(20), 2097152);
    assert_true(lesson_store_time_limit_us(21) == UINT64_MAX);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_calls_are_counted_by_their_outcome),
        cmocka_unit_test(a_batch_is_counted_and_its_operations_too),
        cmocka_unit_test(lists_are_counted),
        cmocka_unit_test(no_call_of_any_thread_is_lost),
        cmocka_unit_test(figures_are_asked_for_rightly),
        cmocka_unit_test(metrics_are_asked_for_rightly),
        cmocka_unit_test(the_figures_of_a_parent_are_closed_to_a_child),
        cmocka_unit_test(the_classes_of_times_have_the_limits_that_the_header_states),
    };
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
