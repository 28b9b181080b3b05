/* How core lends instances to threads. */
#include <time.h>

#include "cmocka_all.h"
#include "spy.h"

enum { THREADS = 6, CALLS = 200 };

static lesson_store *open_spy(const char *location) {
    lesson_store *store;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, location), LESSON_STORE_OK);
    return store;
}

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    return true;
}

static void yield_a_little(void) {
    const struct timespec pause = {.tv_nsec = 20 * 1000};
    nanosleep(&pause, NULL);
}

static void *call_often(void *context) {
    for (int i = 0; i < CALLS; i++) {
        if (lesson_store_where(context, "u", NULL) != LESSON_STORE_OK)
            return context;
    }
    return NULL;
}

static void call_from_threads(lesson_store *store) {
    pthread_t threads[THREADS];
    void *failed;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, store), 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    assert_int_equal(the_spy.runs, THREADS * CALLS);
    assert_false(the_spy.two_in_one);
}

static void one_instance_serves_one_thread_at_a_time(void **state) {
    (void)state;
    spy_reset();
    the_spy.on_run = yield_a_little;
    lesson_store *store = open_spy("spy:?pool=1");
    call_from_threads(store);
    assert_int_equal(the_spy.most_inside, 1);
    assert_int_equal(the_spy.opens, 1);
    lesson_store_close(store);
    assert_int_equal(the_spy.closes, 1);
}

static void a_pool_grows_to_its_size_and_no_further(void **state) {
    (void)state;
    spy_reset();
    the_spy.on_run = yield_a_little;
    lesson_store *store = open_spy("spy:?pool=3");
    assert_int_equal(the_spy.opens, 1);
    call_from_threads(store);
    assert_true(the_spy.most_inside > 1 && the_spy.most_inside <= 3);
    assert_true(the_spy.opens > 1 && the_spy.opens <= 3);
    lesson_store_close(store);
    assert_int_equal(the_spy.closes, the_spy.opens);
}

/* While one instance opens, other threads may open more, each in a slot of its own. */
static void a_slow_open_loses_no_instance(void **state) {
    (void)state;
    spy_reset();
    the_spy.on_run = the_spy.on_open = yield_a_little;
    for (int i = 0; i < 50; i++) {
        the_spy.opens = the_spy.closes = the_spy.runs = 0;
        lesson_store *store = open_spy("spy:?pool=6");
        call_from_threads(store);
        lesson_store_close(store);
        assert_int_equal(the_spy.closes, the_spy.opens);
    }
}

static void data_of_its_own_allows_one_instance_only(void **state) {
    (void)state;
    lesson_store *store;
    spy_reset();
    the_spy.capabilities = 0;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "spy:?pool=2"), LESSON_STORE_INVALID);
    assert_int_equal(the_spy.closes, 1);
    store = open_spy("spy:"); /* default_pool is 4 */
    call_from_threads(store);
    assert_int_equal(the_spy.opens, 2);
    lesson_store_close(store);
}

static void a_failed_open_owes_nothing(void **state) {
    (void)state;
    lesson_store *store = (lesson_store *)state;
    spy_reset();
    the_spy.open_code = LESSON_STORE_DENIED;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "spy:"), LESSON_STORE_DENIED);
    assert_null(store);
    assert_int_equal(the_spy.closes, 0);
}

static bool call_where(const lesson_store_id *uid, void *context) {
    (void)uid;
    lesson_store *store = ((void **)context)[0];
    int *code = ((void **)context)[1];
    *code = lesson_store_where(store, "u", NULL);
    return true;
}

/* As with a server's limit of connections. */
static void a_pool_that_cannot_grow_does_with_what_it_has(void **state) {
    (void)state;
    spy_reset();
    the_spy.on_run = yield_a_little;
    the_spy.open_code = LESSON_STORE_UNREACHABLE;
    the_spy.open_fails_from = 1;
    lesson_store *store = open_spy("spy:?pool=2");
    call_from_threads(store);
    assert_true(the_spy.opens > 1);
    assert_int_equal(the_spy.most_inside, 1);

    /* The pool tries again after a while. */
    the_spy.open_code = LESSON_STORE_OK;
    for (int i = 0; i < 10000 && the_spy.most_inside == 1; i++) {
        the_spy.runs = 0;
        call_from_threads(store);
    }
    assert_true(the_spy.most_inside > 1);
    lesson_store_close(store);
}

/* ---- Waiting is bounded */

static atomic_bool hold;

static void stay_while_held(void) {
    while (atomic_load(&hold))
        yield_a_little();
}

static void *call_once(void *context) {
    return lesson_store_where(context, "u", NULL) == LESSON_STORE_OK ? NULL : context;
}

static void start_holder(pthread_t *holder, lesson_store *store) {
    atomic_store(&hold, true);
    assert_int_equal(pthread_create(holder, NULL, call_once, store), 0);
    while (atomic_load(&the_spy.inside) == 0)
        yield_a_little();
}

static void release_holder(pthread_t holder) {
    void *failed;
    atomic_store(&hold, false);
    pthread_join(holder, &failed);
    assert_null(failed);
}

static void a_call_waits_no_longer_than_its_time(void **state) {
    (void)state;
    const char *const locations[] = {"spy:?pool=1", "spy:?pool=2"};
    for (size_t i = 0; i < 2; i++) {
        pthread_t holder;
        spy_reset();
        the_spy.on_run = stay_while_held;
        the_spy.call_timeout_ms = 30;
        the_spy.open_code = LESSON_STORE_DENIED; /* the pool does not grow */
        the_spy.open_fails_from = 1;
        lesson_store *store = open_spy(locations[i]);
        start_holder(&holder, store);
        assert_int_equal(lesson_store_where(store, "u", NULL), i == 0 ? LESSON_STORE_BUSY : LESSON_STORE_DENIED);
        lesson_store_operation operations[2] = {{.kind = LESSON_STORE_OPERATION_WHERE}, {0}};
        operations[0].uid = lesson_store_id_of("u");
        assert_int_equal(lesson_store_batch(store, operations, 2), LESSON_STORE_BUSY);
        assert_non_null(strstr(lesson_store_message(), "in use for 30 ms"));
        assert_int_equal(operations[0].code, LESSON_STORE_BUSY);
        assert_int_equal(operations[1].code, LESSON_STORE_OK); /* NONE */
        assert_int_equal(lesson_store_members(store, "l", ignore_member, NULL), LESSON_STORE_BUSY);
        release_holder(holder);
        assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_OK);
        lesson_store_close(store);
    }
}

/* The time that a call has waited is no longer there for the engine. */
static void the_deadline_counts_from_the_entry(void **state) {
    (void)state;
    spy_reset();
    the_spy.call_timeout_ms = 60000;
    lesson_store *store = open_spy("spy:?pool=2");
    int64_t before_us = lesson_store_monotonic_us();
    assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_OK);
    int64_t after_us = lesson_store_monotonic_us();
    assert_in_range(the_spy.deadline_us - INT64_C(60000000), before_us, after_us);
    lesson_store_close(store);
}

/* A server that accepts connections and does not serve them. */
static void a_thread_that_opens_takes_what_comes_back(void **state) {
    (void)state;
    pthread_t holder, opener;
    void *failed;
    spy_reset();
    the_spy.on_run = stay_while_held;
    the_spy.open_hangs = true;
    lesson_store *store = open_spy("spy:?pool=2");
    start_holder(&holder, store);
    assert_int_equal(pthread_create(&opener, NULL, call_once, store), 0);
    while (atomic_load(&the_spy.opens) < 2)
        yield_a_little();
    release_holder(holder);
    pthread_join(opener, &failed); /* would never end otherwise */
    assert_null(failed);
    assert_int_equal(the_spy.runs, 2);
    lesson_store_close(store);
}

static void an_open_gives_up_at_the_deadline(void **state) {
    (void)state;
    pthread_t holder;
    spy_reset();
    the_spy.on_run = stay_while_held;
    the_spy.open_hangs = true;
    the_spy.call_timeout_ms = 20;
    lesson_store *store = open_spy("spy:?pool=2");
    start_holder(&holder, store);
    assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_UNREACHABLE);
    assert_string_equal(lesson_store_message(), "the spy hangs");
    release_holder(holder);
    lesson_store_close(store);
}

struct waiting {
    lesson_store *store;
    atomic_int calls;
    atomic_bool stop;
};

static void *call_until_stopped(void *context) {
    struct waiting *waiting = context;
    while (!atomic_load(&waiting->stop) && lesson_store_where(waiting->store, "u", NULL) == LESSON_STORE_OK)
        atomic_fetch_add(&waiting->calls, 1);
    return NULL;
}

static void take_some_time(void) {
    const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
    nanosleep(&pause, NULL);
}

/* Threads that give an instance back and want it again at once do not keep it from those that wait. */
static void no_thread_starves(void **state) {
    (void)state;
    spy_reset();
    the_spy.on_run = take_some_time;
    the_spy.call_timeout_ms = 600000;
    struct waiting waiting[4] = {{0}};
    pthread_t threads[4];
    lesson_store *store = open_spy("spy:?pool=1");
    for (int i = 0; i < 4; i++) {
        waiting[i].store = store;
        assert_int_equal(pthread_create(&threads[i], NULL, call_until_stopped, &waiting[i]), 0);
    }
    while (atomic_load(&the_spy.runs) < 120)
        yield_a_little();
    for (int i = 0; i < 4; i++)
        atomic_store(&waiting[i].stop, true);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++)
        assert_in_range(waiting[i].calls, 10, 60); /* 30 each, if all had begun at the same time */
    lesson_store_close(store);
}

/* ---- Callbacks */

static void a_callback_cannot_call_its_store(void **state) {
    (void)state;
    const char *const locations[] = {"spy:?pool=1", "spy:?pool=3"};
    for (size_t i = 0; i < 2; i++) {
        int code = LESSON_STORE_OK;
        spy_reset();
        lesson_store *store = open_spy(locations[i]);
        void *context[] = {store, &code};
        assert_int_equal(lesson_store_members(store, "l", call_where, context), LESSON_STORE_OK);
        assert_int_equal(code, LESSON_STORE_REENTERED);
        assert_int_equal(the_spy.runs, 0);
        assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_OK);
        lesson_store_close(store);
    }
}

struct meeting {
    lesson_store *store;
    pthread_barrier_t begun;
    pthread_barrier_t over;
};

static bool stay_for_the_meeting(const lesson_store_id *uid, void *context) {
    (void)uid;
    struct meeting *meeting = context;
    pthread_barrier_wait(&meeting->begun);
    pthread_barrier_wait(&meeting->over);
    return true;
}

static void *list_members(void *context) {
    struct meeting *meeting = context;
    lesson_store_members(meeting->store, "l", stay_for_the_meeting, meeting);
    return NULL;
}

/* A thread whose list has ended may call again, even while another thread's list runs. */
static void a_stream_that_is_over_is_forgotten(void **state) {
    (void)state;
    pthread_t other;
    spy_reset();
    struct meeting meeting = {.store = open_spy("spy:?pool=2")};
    pthread_barrier_init(&meeting.begun, NULL, 2);
    pthread_barrier_init(&meeting.over, NULL, 2);
    assert_int_equal(pthread_create(&other, NULL, list_members, &meeting), 0);
    pthread_barrier_wait(&meeting.begun);
    int streamed = lesson_store_members(meeting.store, "l", ignore_member, NULL);
    int called = lesson_store_where(meeting.store, "u", NULL);
    pthread_barrier_wait(&meeting.over);
    pthread_join(other, NULL);
    assert_int_equal(streamed, LESSON_STORE_OK);
    assert_int_equal(called, LESSON_STORE_OK);
    lesson_store_close(meeting.store);
    pthread_barrier_destroy(&meeting.begun);
    pthread_barrier_destroy(&meeting.over);
}

static void a_callback_can_call_another_store(void **state) {
    (void)state;
    int code = LESSON_STORE_FAILED;
    spy_reset();
    lesson_store *store = open_spy("spy:?pool=1");
    lesson_store *other = open_spy("spy:?pool=1");
    void *context[] = {other, &code};
    assert_int_equal(lesson_store_members(store, "l", call_where, context), LESSON_STORE_OK);
    assert_int_equal(code, LESSON_STORE_OK);
    lesson_store_close(store);
    lesson_store_close(other);
}

static void closing_nothing_is_allowed(void **state) {
    (void)state;
    lesson_store_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_instance_serves_one_thread_at_a_time),
        cmocka_unit_test(a_pool_grows_to_its_size_and_no_further),
        cmocka_unit_test(a_slow_open_loses_no_instance),
        cmocka_unit_test(data_of_its_own_allows_one_instance_only),
        cmocka_unit_test(a_failed_open_owes_nothing),
        cmocka_unit_test(a_pool_that_cannot_grow_does_with_what_it_has),
        cmocka_unit_test(a_call_waits_no_longer_than_its_time),
        cmocka_unit_test(the_deadline_counts_from_the_entry),
        cmocka_unit_test(a_thread_that_opens_takes_what_comes_back),
        cmocka_unit_test(an_open_gives_up_at_the_deadline),
        cmocka_unit_test(no_thread_starves),
        cmocka_unit_test(a_callback_cannot_call_its_store),
        cmocka_unit_test(a_stream_that_is_over_is_forgotten),
        cmocka_unit_test(a_callback_can_call_another_store),
        cmocka_unit_test(closing_nothing_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
