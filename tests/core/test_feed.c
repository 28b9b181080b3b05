/* The feed of core: the thread that reads for all feeds, their queues, failures, and forks. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "follow.h"

#include <lessonstore/backend.h>
#include <lessonstore/fault.h>

enum { PATIENCE_S = 60, MANY = 5000 }; /* more than wait in a feed */

struct heard {
    size_t count;
    int last; /* the number in the latest lesson_id */
    int stop_at;
    lesson_store_feed *feed;
};

static lesson_store *open_at(const char *location) {
    lesson_store *store;
    if (lesson_store_open(&store, location))
        fail_msg("%s", lesson_store_message());
    return store;
}

static void create(lesson_store *store, int number) {
    char lesson_id[16];
    snprintf(lesson_id, sizeof lesson_id, "%d", number);
    assert_int_equal(lesson_store_create(store, lesson_id, 0), LESSON_STORE_OK);
}

static int number_of(lesson_store_id id) {
    char digits[16] = "";
    memcpy(digits, id.data, id.size < sizeof digits ? id.size : 0);
    return atoi(digits);
}

static bool hear(const lesson_store_event *event, void *context) {
    struct heard *heard = context;
    heard->count++;
    heard->last = number_of(event->lesson_id);
    return heard->last != heard->stop_at;
}

static void await_readable(const lesson_store_feed *feed) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
}

static bool is_readable(const lesson_store_feed *feed) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

static void hear_up_to(lesson_store_feed *feed, struct heard *heard, int number) {
    while (heard->last != number) {
        await_readable(feed);
        assert_int_equal(lesson_store_feed_drain(feed, 0, hear, heard, NULL), LESSON_STORE_OK);
    }
}

static void hear_up_to_despite_failures(lesson_store_feed *feed, struct heard *heard, int number) {
    while (heard->last != number) {
        await_readable(feed);
        lesson_store_feed_drain(feed, 0, hear, heard, NULL);
    }
}

/* ---- Queues */

/* The second feed is drained long after its queue was full, while the first one went on. */
static void a_slow_reader_loses_nothing(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=100000");
    lesson_store_feed *quick = follow(store, NULL, NULL), *slow = follow(store, NULL, NULL);
    struct heard by_quick = {.last = -1, .stop_at = -1}, by_slow = by_quick;
    for (int i = 1; i <= MANY; i++)
        create(store, i);
    hear_up_to(quick, &by_quick, MANY);
    assert_int_equal(by_quick.count, MANY);
    hear_up_to(slow, &by_slow, MANY);
    assert_int_equal(by_slow.count, MANY);
    assert_false(is_readable(slow));
    lesson_store_feed_close(quick);
    create(store, MANY + 1);
    hear_up_to(slow, &by_slow, MANY + 1);
    lesson_store_feed_close(slow);
    lesson_store_close(store);
}

static const lesson_store_backend *memory_backend(void) {
    size_t i = 0;
    while (strcmp(lesson_store_backend_at(i)->schemes, "memory") != 0)
        i++;
    return lesson_store_backend_at(i);
}

static int open_with_limit(lesson_store_instance **out, const lesson_store_location *location) {
    int code = memory_backend()->open(out, location);
    if (!code)
        (*out)->call_timeout_ms = 100;
    return code;
}

/* A call waits in another way for the instance of an engine that can make calls wait, also for the only one. */
static void an_instance_with_a_limit_is_read_too(void **state) {
    (void)state;
    lesson_store_backend limited = *memory_backend();
    limited.open = open_with_limit;
    lesson_store *store;
    assert_int_equal(lesson_store_open_with(&store, &limited, "memory:?feed=100000"), LESSON_STORE_OK);
    struct heard heard = {.last = -1, .stop_at = -1};
    lesson_store_feed *feed = follow(store, NULL, NULL);
    for (int i = 1; i <= MANY; i++)
        create(store, i);
    hear_up_to_despite_failures(feed, &heard, MANY);
    assert_int_equal(heard.count, MANY);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static void drain_stops_where_it_is_told(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=100");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    struct heard heard = {.last = -1, .stop_at = 2};
    size_t count;
    for (int i = 1; i <= 5; i++)
        create(store, i);
    while (heard.count < 2) {
        await_readable(feed);
        assert_int_equal(lesson_store_feed_drain(feed, 0, hear, &heard, &count), LESSON_STORE_OK);
    }
    assert_int_equal(heard.last, 2);
    heard.stop_at = -1;
    hear_up_to(feed, &heard, 5);
    assert_int_equal(heard.count, 5);
    for (int i = 6; i <= 8; i++)
        create(store, i);
    for (int i = 6; i <= 8; i++) {
        await_readable(feed);
        assert_int_equal(lesson_store_feed_drain(feed, 1, hear, &heard, &count), LESSON_STORE_OK);
        assert_int_equal(count, 1);
        assert_int_equal(heard.last, i);
    }
    assert_int_equal(lesson_store_feed_drain(feed, 0, hear, &heard, &count), LESSON_STORE_OK);
    assert_int_equal(count, 0);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static void feeds_of_lessons_skip_the_others(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=100000");
    lesson_store_feed *feed = follow(store, "7", NULL);
    struct heard heard = {.last = -1, .stop_at = -1};
    for (int i = 1000; i < 1000 + MANY; i++)
        create(store, i);
    create(store, 7);
    hear_up_to(feed, &heard, 7);
    assert_int_equal(heard.count, 1);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* So its position stays valid, however much the others change. */
static void the_feed_of_a_quiet_lesson_moves_on(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=10");
    lesson_store_feed *quiet = follow(store, "7", NULL), *all = follow(store, NULL, NULL);
    struct heard heard = {.last = -1, .stop_at = -1};
    char position[LESSON_STORE_POSITION_SIZE];
    for (int i = 1000; i < 1100; i++) {
        create(store, i);
        hear_up_to(all, &heard, i);
    }
    assert_int_equal(lesson_store_feed_position(quiet, position), LESSON_STORE_OK);
    lesson_store_feed_close(quiet);
    create(store, 7);
    assert_int_equal(lesson_store_feed_open(&quiet, store, "7", position), LESSON_STORE_OK);
    hear_up_to(quiet, &heard, 7);
    lesson_store_feed_close(quiet);
    lesson_store_feed_close(all);
    lesson_store_close(store);
}

static bool call_the_store(const lesson_store_event *event, void *context) {
    struct heard *heard = context;
    char position[LESSON_STORE_POSITION_SIZE];
    (void)event;
    assert_int_equal(lesson_store_feed_position(heard->feed, position), LESSON_STORE_OK);
    heard->count++;
    return true;
}

static void a_callback_may_ask(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=100");
    struct heard heard = {.feed = follow(store, NULL, NULL)};
    create(store, 1);
    await_readable(heard.feed);
    assert_int_equal(lesson_store_feed_drain(heard.feed, 0, call_the_store, &heard, NULL), LESSON_STORE_OK);
    assert_int_equal(heard.count, 1);
    lesson_store_feed_close(heard.feed);
    lesson_store_close(store);
}

static bool close_feed(const lesson_store_lesson *lesson, void *context) {
    lesson_store_feed **feed = context;
    (void)lesson;
    lesson_store_feed_close(*feed);
    *feed = NULL;
    return true;
}

/* The thread of the feeds wants the instance that the list has borrowed. */
static void a_list_may_close_the_last_feed(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=100");
    create(store, 1);
    for (int i = 0; i < 20; i++) {
        lesson_store_feed *feed = follow(store, NULL, NULL);
        assert_int_equal(lesson_store_lessons(store, close_feed, &feed), LESSON_STORE_OK);
        assert_null(feed);
    }
    lesson_store_close(store);
}

struct writing {
    lesson_store *store;
    atomic_bool ends;
};

static void *write_without_rest(void *context) {
    struct writing *writing = context;
    while (!atomic_load(&writing->ends))
        lesson_store_create(writing->store, "steady", LESSON_STORE_CREATE_RESET);
    return NULL;
}

/* However much is written meanwhile, the past of the feed comes to an end. */
static void a_feed_becomes_current_beside_a_writer(void **state) {
    (void)state;
    struct writing writing = {.store = open_at("memory:?feed=1000000")};
    struct heard heard = {.last = -1, .stop_at = -1};
    pthread_t thread;
    for (int i = 0; i < MANY; i++)
        create(writing.store, i);
    assert_int_equal(pthread_create(&thread, NULL, write_without_rest, &writing), 0);
    lesson_store_feed *feed;
    assert_int_equal(lesson_store_feed_open(&feed, writing.store, "1", LESSON_STORE_POSITION_OLDEST), LESSON_STORE_OK);
    while (!lesson_store_feed_is_current(feed))
        assert_int_equal(lesson_store_feed_drain(feed, 0, hear, &heard, NULL), LESSON_STORE_OK);
    assert_int_equal(heard.count, 1);
    atomic_store(&writing.ends, true);
    pthread_join(thread, NULL);
    lesson_store_feed_close(feed);
    lesson_store_close(writing.store);
}

static void a_feed_of_no_events_is_current(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=10");
    lesson_store_feed *feed;
    char position[LESSON_STORE_POSITION_SIZE];
    assert_int_equal(lesson_store_feed_open(&feed, store, NULL, LESSON_STORE_POSITION_OLDEST), LESSON_STORE_OK);
    while (!lesson_store_feed_is_current(feed))
        poll(NULL, 0, 1);
    assert_false(is_readable(feed));
    assert_int_equal(lesson_store_feed_position(feed, position), LESSON_STORE_OK);
    assert_string_not_equal(position, LESSON_STORE_POSITION_OLDEST);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* ---- Failures */

static void fail_events(lesson_store *store, int code) {
    lesson_store_fault fault = LESSON_STORE_FAULT_INIT(LESSON_STORE_UNREACHABLE);
    fault.code = code;
    fault.on = LESSON_STORE_FAULT_ON_EVENTS;
    assert_int_equal(lesson_store_fault_set(store, &fault), LESSON_STORE_OK);
}

static void a_failure_is_told_and_loses_nothing(void **state) {
    (void)state;
    lesson_store *store = open_at("fault+memory:?feed=100");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    struct heard heard = {.last = -1, .stop_at = -1};
    create(store, 1);
    hear_up_to(feed, &heard, 1);
    fail_events(store, LESSON_STORE_UNREACHABLE);
    create(store, 2);
    await_readable(feed);
    assert_int_equal(lesson_store_feed_drain(feed, 0, hear, &heard, NULL), LESSON_STORE_UNREACHABLE);
    assert_non_null(strstr(lesson_store_message(), "fault"));
    assert_false(is_readable(feed)); /* until there is news */
    assert_int_equal(lesson_store_feed_drain(feed, 0, hear, &heard, NULL), LESSON_STORE_UNREACHABLE);
    lesson_store_fault_clear(store);
    hear_up_to(feed, &heard, 2);
    assert_int_equal(heard.count, 2);
    assert_int_equal(lesson_store_feed_drain(feed, 0, hear, &heard, NULL), LESSON_STORE_OK);
    fail_events(store, LESSON_STORE_DENIED);
    lesson_store_feed *none;
    assert_int_equal(lesson_store_feed_open(&none, store, NULL, NULL), LESSON_STORE_DENIED);
    assert_null(none);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* Nobody drains while it lasts. */
static void a_failure_that_has_passed_is_no_news(void **state) {
    (void)state;
    lesson_store *store = open_at("fault+memory:?feed=100");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    struct heard heard = {.last = -1, .stop_at = -1};
    fail_events(store, LESSON_STORE_UNREACHABLE);
    create(store, 1);
    await_readable(feed);
    lesson_store_fault_clear(store);
    hear_up_to_despite_failures(feed, &heard, 1);
    for (int i = 0; is_readable(feed) && i < PATIENCE_S * 100; i++)
        poll(NULL, 0, 10);
    assert_false(is_readable(feed));
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static void arguments(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=100"), *off = open_at("memory:");
    lesson_store_feed *feed = follow(store, NULL, NULL), *none;
    static const char *const positions[] = {"",
                                            "7",
                                            "1-2-3",
                                            "1-2-3-4-5",
                                            "1-2-3-g",
                                            "1-2-3-4 ",
                                            "01-2-3-4",
                                            "-1-2-3-4",
                                            "OLDEST",
                                            "0-0-0-0",
                                            "1-2-3-10000000000000000"};
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
        assert_int_equal(lesson_store_feed_open(&none, store, NULL, positions[i]), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_feed_open(NULL, store, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_feed_open(&none, NULL, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_feed_open(&none, store, "", NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_feed_open(&none, off, NULL, NULL), LESSON_STORE_NOT_FOUND);
    assert_int_equal(lesson_store_feed_drain(NULL, 0, hear, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_feed_drain(feed, 0, NULL, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_feed_position(feed, NULL), LESSON_STORE_INVALID);
    assert_false(lesson_store_feed_is_current(NULL));
    assert_string_equal(lesson_store_event_name(LESSON_STORE_EVENT_END_RECORD), "end_record");
    assert_string_equal(lesson_store_event_name(99), "?");
    assert_string_equal(lesson_store_cause_name(LESSON_STORE_CAUSE_SWEEP), "sweep");
    assert_string_equal(lesson_store_cause_name(99), "?");
    lesson_store_feed_close(NULL);
    lesson_store_feed_close(feed);
    lesson_store_close(off);
    lesson_store_close(store);
}

/* ---- Gaps */

/* What came before the gap is given first. */
static void a_gap_comes_in_its_place(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=10");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    struct heard heard = {.last = -1, .stop_at = -1};
    char position[LESSON_STORE_POSITION_SIZE];
    create(store, 1);
    hear_up_to(feed, &heard, 1);
    assert_int_equal(lesson_store_feed_position(feed, position), LESSON_STORE_OK);
    lesson_store_feed_close(feed);
    for (int i = 2; i <= 30; i++)
        create(store, i);
    assert_int_equal(lesson_store_feed_open(&feed, store, NULL, position), LESSON_STORE_OK);
    await_readable(feed);
    assert_int_equal(lesson_store_feed_drain(feed, 0, hear, &heard, NULL), LESSON_STORE_GAP);
    create(store, 31);
    hear_up_to(feed, &heard, 31);
    assert_int_equal(heard.count, 2);
    lesson_store_feed_close(feed);

    /* The position of another store. */
    lesson_store *other = open_at("memory:?feed=10");
    assert_int_equal(lesson_store_feed_open(&feed, other, NULL, position), LESSON_STORE_OK);
    await_readable(feed);
    assert_int_equal(lesson_store_feed_drain(feed, 0, hear, &heard, NULL), LESSON_STORE_GAP);
    lesson_store_feed_close(feed);
    lesson_store_close(other);
    lesson_store_close(store);
}

/* ---- Forks */

static void a_child_has_no_feed(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=10");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    struct heard heard = {.last = -1, .stop_at = -1};
    char position[LESSON_STORE_POSITION_SIZE];
    int status;
    pid_t child = fork();
    if (child == 0) {
        lesson_store_feed *another;
        bool is_closed = lesson_store_feed_drain(feed, 0, hear, &heard, NULL) == LESSON_STORE_CLOSED &&
                         lesson_store_feed_position(feed, position) == LESSON_STORE_CLOSED &&
                         lesson_store_feed_open(&another, store, NULL, NULL) == LESSON_STORE_CLOSED &&
                         !lesson_store_feed_is_current(feed);
        lesson_store_feed_close(feed);
        lesson_store_close(store);
        _exit(is_closed ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    create(store, 1);
    hear_up_to(feed, &heard, 1);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static bool fork_in_callback(const lesson_store_event *event, void *context) {
    (void)event;
    *(pid_t *)context = fork();
    return true;
}

static void a_callback_may_fork(void **state) {
    (void)state;
    lesson_store *store = open_at("memory:?feed=10");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    pid_t child = -1;
    int status;
    create(store, 1);
    await_readable(feed);
    int code = lesson_store_feed_drain(feed, 1, fork_in_callback, &child, NULL);
    if (child == 0)
        _exit(code == LESSON_STORE_CLOSED ? 0 : 1);
    assert_int_equal(code, LESSON_STORE_OK);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_reader_loses_nothing),
        cmocka_unit_test(an_instance_with_a_limit_is_read_too),
        cmocka_unit_test(drain_stops_where_it_is_told),
        cmocka_unit_test(feeds_of_lessons_skip_the_others),
        cmocka_unit_test(the_feed_of_a_quiet_lesson_moves_on),
        cmocka_unit_test(a_callback_may_ask),
        cmocka_unit_test(a_list_may_close_the_last_feed),
        cmocka_unit_test(a_feed_becomes_current_beside_a_writer),
        cmocka_unit_test(a_feed_of_no_events_is_current),
        cmocka_unit_test(a_failure_is_told_and_loses_nothing),
        cmocka_unit_test(a_failure_that_has_passed_is_no_news),
        cmocka_unit_test(arguments),
        cmocka_unit_test(a_gap_comes_in_its_place),
        cmocka_unit_test(a_child_has_no_feed),
        cmocka_unit_test(a_callback_may_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
