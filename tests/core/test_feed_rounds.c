/* The thread that reads for all feeds: how often it asks, and which feeds a read is for. The backend is that of SQLite,
 * whose reads are counted and can be held up when they are done. */
#include <poll.h>
#include <pthread.h>
#include <string.h>

#include <core/core.h>
#include <lessonstore/feed.h>

#include "cmocka_all.h"
#include "follow.h"
#include "engine.h"

enum { FEEDS = 50, ROUNDS = 40, LOOK_MS = 10 };

static struct turnstile {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_shut;
    size_t inside; /* the number of the read that waits behind its end; 0: none does */
    size_t passes; /* the highest one that does not wait */
    size_t reads;
} turnstile = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static const lesson_store_backend *sqlite_backend(void) {
    size_t i = 0;
    while (strcmp(lesson_store_backend_at(i)->schemes, "sqlite") != 0)
        i++;
    return lesson_store_backend_at(i);
}

static int read_and_wait(lesson_store_instance *instance, lesson_store_event_position *position, size_t most,
                         int64_t wait_ms, lesson_store_event_taker take, void *context) {
    int code = sqlite_backend()->events(instance, position, most, wait_ms, take, context);
    if (most == 0)
        return code;
    pthread_mutex_lock(&turnstile.mutex);
    turnstile.inside = ++turnstile.reads;
    pthread_cond_broadcast(&turnstile.changed);
    while (turnstile.is_shut && turnstile.inside > turnstile.passes)
        pthread_cond_wait(&turnstile.changed, &turnstile.mutex);
    turnstile.inside = 0;
    pthread_mutex_unlock(&turnstile.mutex);
    return code;
}

/* Waits until the next read is done, and holds it up. The thread has made what it makes of the one before. */
static void hold_up_the_next(void) {
    pthread_mutex_lock(&turnstile.mutex);
    turnstile.is_shut = true;
    turnstile.passes = turnstile.reads;
    pthread_cond_broadcast(&turnstile.changed);
    while (turnstile.inside <= turnstile.passes)
        pthread_cond_wait(&turnstile.changed, &turnstile.mutex);
    pthread_mutex_unlock(&turnstile.mutex);
}

static void let_go(void) {
    pthread_mutex_lock(&turnstile.mutex);
    turnstile.is_shut = false;
    pthread_cond_broadcast(&turnstile.changed);
    pthread_mutex_unlock(&turnstile.mutex);
}

static size_t reads(void) {
    pthread_mutex_lock(&turnstile.mutex);
    size_t count = turnstile.reads;
    pthread_mutex_unlock(&turnstile.mutex);
    return count;
}

static uint64_t rounds(lesson_store *store) {
    pthread_mutex_lock(&store->reader.mutex);
    uint64_t round = store->reader.round;
    pthread_mutex_unlock(&store->reader.mutex);
    return round;
}

static lesson_store *open_store(void) {
    static lesson_store_backend counted;
    char location[1024];
    lesson_store *store;
    counted = *sqlite_backend();
    counted.events = read_and_wait;
    engine_add_options(location, sizeof location, engine_make(), "?feed=1000");
    assert_int_equal(lesson_store_open_with(&store, &counted, location), LESSON_STORE_OK);
    return store;
}

static bool count_event(const lesson_store_event *event, void *context) {
    (void)event;
    ++*(size_t *)context;
    return true;
}

static size_t drain(lesson_store_feed *feed) {
    size_t count = 0;
    assert_int_equal(lesson_store_feed_drain(feed, 0, count_event, &count, NULL), LESSON_STORE_OK);
    return count;
}

/* Many feeds at one position cost as many reads as one. */
static void feeds_are_read_for_together(void **state) {
    (void)state;
    lesson_store *store = open_store();
    lesson_store_feed *feeds[FEEDS];
    size_t before = reads(), heard = 0, steps = 0;
    for (size_t i = 0; i < FEEDS; i++)
        feeds[i] = follow(store, NULL, NULL);
    for (; rounds(store) < ROUNDS; steps++) {
        assert_int_equal(lesson_store_join(store, "ann", "c", steps % 2 ? "a" : "b", NULL, 0, NULL), LESSON_STORE_OK);
        while (heard <= steps) {
            poll(NULL, 0, 1);
            heard += drain(feeds[0]);
        }
    }
    uint64_t met = rounds(store);
    assert_in_range(reads() - before, 1, met + FEEDS);
    for (size_t i = 0; i < FEEDS; i++)
        lesson_store_feed_close(feeds[i]);
    lesson_store_close(store);
    engine_remove();
}

/* The read has found nothing behind the position. Before the thread says so, a join is answered, and a feed begins at
 * this position. */
static void a_read_says_nothing_of_later_feeds(void **state) {
    (void)state;
    char position[LESSON_STORE_POSITION_SIZE];
    lesson_store *store = open_store();
    lesson_store_feed *first = follow(store, NULL, NULL), *second;
    size_t heard = 0;
    assert_int_equal(lesson_store_feed_position(first, position), LESSON_STORE_OK);
    hold_up_the_next();
    assert_int_equal(lesson_store_join(store, "ann", "c", "a", NULL, 0, NULL), LESSON_STORE_OK);
    second = follow(store, NULL, position);
    hold_up_the_next();
    assert_false(lesson_store_feed_is_current(second));
    let_go();
    while (!lesson_store_feed_is_current(second)) {
        poll(NULL, 0, 1);
        heard += drain(second);
    }
    assert_int_equal(heard, 1);
    lesson_store_feed_close(first);
    lesson_store_feed_close(second);
    lesson_store_close(store);
    engine_remove();
}

/* Events that come later do not take it back, drained or not. */
static void current_once_is_current_for_ever(void **state) {
    (void)state;
    lesson_store *store = open_store();
    assert_int_equal(lesson_store_join(store, "ann", "c", "a", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_feed *feed = follow(store, NULL, LESSON_STORE_POSITION_OLDEST);
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    while (poll(&ready, 1, LOOK_MS) == 0)
        assert_false(lesson_store_feed_is_current(feed));
    assert_false(lesson_store_feed_is_current(feed));
    assert_int_equal(drain(feed), 1);
    assert_true(lesson_store_feed_is_current(feed));
    assert_int_equal(lesson_store_join(store, "ann", "c", "b", NULL, 0, NULL), LESSON_STORE_OK);
    while (poll(&ready, 1, LOOK_MS) == 0)
        ;
    assert_true(lesson_store_feed_is_current(feed));
    lesson_store_feed_close(feed);
    lesson_store_close(store);
    engine_remove();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feeds_are_read_for_together),
        cmocka_unit_test(a_read_says_nothing_of_later_feeds),
        cmocka_unit_test(current_once_is_current_for_ever),
    };
    return engine_choose("sqlite") ? cmocka_run_group_tests(tests, NULL, NULL) : 2;
}
