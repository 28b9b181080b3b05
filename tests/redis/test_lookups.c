/* Looking names up: several addresses, names that are found slowly or never, and look-ups that are shared. */
#include <dlfcn.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "raw.h"

#include <lessonstore/backend.h>

/* ---- Addresses */

enum { FOUND_AT_ONCE, FOUND_SLOWLY, NOT_FOUND_YET };
enum { SLOW_MS = 100 };

/* How named.test and other.test are looked up, and what was done meanwhile. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int way;
    int begun;
    int hanging;
    int given; /* lists of addresses */
    int freed;
} names = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void look_names_up(int way) {
    pthread_mutex_lock(&names.mutex);
    names.way = way;
    pthread_cond_broadcast(&names.changed);
    pthread_mutex_unlock(&names.mutex);
}

static void wait_for_name(void) {
    pthread_mutex_lock(&names.mutex);
    int way = names.way;
    names.begun++;
    names.hanging++;
    while (names.way == NOT_FOUND_YET)
        pthread_cond_wait(&names.changed, &names.mutex);
    names.hanging--;
    pthread_mutex_unlock(&names.mutex);
    if (way == FOUND_SLOWLY)
        poll(NULL, 0, SLOW_MS);
}

typedef int (*look_up)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int look_up_further(const char *host, const char *port, const struct addrinfo *wanted,
                           struct addrinfo **addresses) {
    look_up next;
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&next, &found, sizeof next);
    bool is_named = strcmp(host, "named.test") == 0 || strcmp(host, "other.test") == 0;
    if (is_named && !(wanted->ai_flags & AI_NUMERICHOST)) {
        wait_for_name();
        return next("127.0.0.1", port, wanted, addresses);
    }
    if (strcmp(host, "two.test") != 0)
        return next(host, port, wanted, addresses);
    int error = next("127.0.0.2", port, wanted, addresses);
    return error ? error : next("127.0.0.1", port, wanted, &(*addresses)->ai_next);
}

/* These two stand before those of the C library. The name two.test has two addresses, which freeaddrinfo frees one by
 * one. */
LESSON_STORE_API int getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted,
                                 struct addrinfo **addresses) {
    int error = look_up_further(host, port, wanted, addresses);
    pthread_mutex_lock(&names.mutex);
    names.given += error == 0;
    pthread_mutex_unlock(&names.mutex);
    return error;
}

LESSON_STORE_API void freeaddrinfo(struct addrinfo *addresses) {
    void (*next)(struct addrinfo *);
    void *found = dlsym(RTLD_NEXT, "freeaddrinfo");
    memcpy(&next, &found, sizeof next);
    pthread_mutex_lock(&names.mutex);
    names.freed++;
    pthread_mutex_unlock(&names.mutex);
    next(addresses);
}

/* The server listens on 127.0.0.1 only. */
static void test_each_address_of_a_name(void **state) {
    raw_server *raw = *state;
    char location[64];
    lesson_store *store;
    snprintf(location, sizeof location, "redis://two.test:%d", redis_server_port(raw->server));
    assert_code(lesson_store_open(&store, location), OK);
    lesson_store_close(store);
}

static void test_a_name_without_an_address(void **state) {
    (void)state;
    raw_refuse("redis://name.invalid:1", LESSON_STORE_UNREACHABLE, "the host name.invalid has no address");
}

/* ---- Names whose look-up takes long */

static int count_threads(void) {
    char line[128];
    int count = 0;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status)) {
        if (strncmp(line, "Threads:", 8) == 0)
            count = (int)strtol(line + 8, NULL, 10);
    }
    fclose(status);
    return count;
}

static int count_kept_addresses(void) {
    pthread_mutex_lock(&names.mutex);
    int count = names.given - names.freed;
    pthread_mutex_unlock(&names.mutex);
    return count;
}

static int count_hanging(void) {
    pthread_mutex_lock(&names.mutex);
    int count = names.hanging;
    pthread_mutex_unlock(&names.mutex);
    return count;
}

static int count_begun(void) {
    pthread_mutex_lock(&names.mutex);
    int count = names.begun;
    pthread_mutex_unlock(&names.mutex);
    return count;
}

static void wait_for_a_look_up(void) {
    for (int i = 0; i < 10000 && count_hanging() == 0; i++)
        poll(NULL, 0, 1);
}

/* Look-ups that nobody waits for any more end when they can, and leave nothing behind. */
static void let_names_go(int threads) {
    look_names_up(FOUND_AT_ONCE);
    for (int i = 0; i < 10000 && (count_threads() > threads || count_kept_addresses() > 0); i++)
        poll(NULL, 0, 1);
    assert_true(count_threads() <= threads); /* one that was done already may have been counted before */
    assert_int_equal(count_kept_addresses(), 0);
}

static void name_location(const raw_server *raw, char location[128], const char *options) {
    snprintf(location, 128, "redis://named.test:%d%s", redis_server_port(raw->server), options);
}

static lesson_store *open_named(const raw_server *raw, const char *options) {
    char location[128];
    lesson_store *store;
    name_location(raw, location, options);
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

static void test_opening_does_not_wait_for_a_name_without_end(void **state) {
    raw_server *raw = *state;
    char location[128];
    int threads = count_threads();
    name_location(raw, location, "?connect_timeout_ms=200");
    look_names_up(NOT_FOUND_YET);
    int64_t began_us = lesson_store_monotonic_us();
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "the address of the host named.test was not found");
    raw_assert_within("was not found", 150, 200);
    assert_in_range((lesson_store_monotonic_us() - began_us) / 1000, 150, 1000);
    assert_int_equal(count_hanging(), 1);
    let_names_go(threads);
}

static void test_a_call_does_not_wait_for_a_name_without_end(void **state) {
    raw_server *raw = *state;
    int threads = count_threads();
    lesson_store *store = open_named(raw, "?pool=1&timeout_ms=200");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    look_names_up(NOT_FOUND_YET);
    int64_t began_us = lesson_store_monotonic_us();
    assert_code(lesson_store_where(store, "ann", NULL), UNREACHABLE);
    raw_assert_within("named.test was not found", 100, 200);                              /* not connect_timeout_ms */
    assert_code(lesson_store_join(store, "ann", "C1", "L1", NULL, 0, NULL), UNREACHABLE); /* certainly not executed */
    assert_in_range((lesson_store_monotonic_us() - began_us) / 1000, 300, 2000);
    let_names_go(threads);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    lesson_store_close(store);
}

/* The store is closed before the name is found. */
static void test_a_store_that_is_closed_meanwhile(void **state) {
    raw_server *raw = *state;
    int threads = count_threads();
    lesson_store *store = open_named(raw, "?pool=1&timeout_ms=50");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    look_names_up(NOT_FOUND_YET);
    for (int i = 0; i < 5; i++)
        assert_code(lesson_store_where(store, "ann", NULL), UNREACHABLE);
    lesson_store_close(store);
    wait_for_a_look_up();
    assert_int_equal(count_hanging(), 1);
    let_names_go(threads);
}

static void test_a_name_that_is_found_slowly(void **state) {
    raw_server *raw = *state;
    int threads = count_threads();
    look_names_up(FOUND_SLOWLY);
    int64_t began_us = lesson_store_monotonic_us();
    lesson_store *store = open_named(raw, "?pool=1&timeout_ms=60000&connect_timeout_ms=60000");
    assert_true(lesson_store_monotonic_us() - began_us >= SLOW_MS * 1000);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    lesson_store_close(store);
    let_names_go(threads);
}

enum { CROWD = 64, TIMEOUT_MS = 400 };

struct caller {
    pthread_t thread;
    lesson_store *store;
    int code;
    int64_t took_ms;
};

static void *call(void *context) {
    struct caller *caller = context;
    int64_t began_us = lesson_store_monotonic_us();
    caller->code = lesson_store_where(caller->store, "ann", NULL);
    caller->took_ms = (lesson_store_monotonic_us() - began_us) / 1000;
    return NULL;
}

static void start_crowd(struct caller crowd[CROWD], lesson_store *store) {
    for (int i = 0; i < CROWD; i++) {
        crowd[i].store = store;
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, call, &crowd[i]), 0);
    }
}

/* Returns how many calls of the crowd found an answer. Each must return within so many milliseconds. */
static int join_crowd(struct caller crowd[CROWD], int most_ms) {
    int answered = 0;
    for (int i = 0; i < CROWD; i++)
        pthread_join(crowd[i].thread, NULL);
    for (int i = 0; i < CROWD; i++) {
        answered += crowd[i].code == LESSON_STORE_NOT_FOUND;
        assert_true(crowd[i].code == LESSON_STORE_NOT_FOUND || crowd[i].code == LESSON_STORE_UNREACHABLE ||
                    crowd[i].code == LESSON_STORE_BUSY);
        assert_in_range(crowd[i].took_ms, 0, most_ms);
    }
    return answered;
}

static int call_together(lesson_store *store, int most_ms) {
    struct caller crowd[CROWD];
    start_crowd(crowd, store);
    return join_crowd(crowd, most_ms);
}

/* One after the other it would be CROWD times the time of one. */
static void test_threads_do_not_queue_before_a_name(void **state) {
    raw_server *raw = *state;
    static const char *const options[] = {"?pool=64&timeout_ms=400&connect_timeout_ms=400", "?pool=4&timeout_ms=400"};
    int threads = count_threads();
    for (int i = 0; i < 2; i++) {
        lesson_store *store = open_named(raw, options[i]);
        raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
        look_names_up(NOT_FOUND_YET);
        assert_int_equal(call_together(store, 4 * TIMEOUT_MS), 0);
        lesson_store_close(store);
        let_names_go(threads);
    }
    lesson_store *store = open_named(raw, "?pool=64&timeout_ms=60000&connect_timeout_ms=60000");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    look_names_up(FOUND_SLOWLY);
    assert_int_equal(call_together(store, CROWD * SLOW_MS / 2), CROWD);
    lesson_store_close(store);
    let_names_go(threads);
}

/* Many calls, and many attempts of each, want the same name while its look-up hangs. */
static void test_a_name_is_looked_up_once_at_a_time(void **state) {
    raw_server *raw = *state;
    int threads = count_threads(), begun;
    lesson_store *store = open_named(raw, "?pool=64&timeout_ms=400&connect_timeout_ms=400");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    look_names_up(NOT_FOUND_YET);
    begun = count_begun();
    for (int i = 0; i < 3; i++)
        assert_int_equal(call_together(store, 4 * TIMEOUT_MS), 0);
    assert_int_equal(count_begun() - begun, 1);
    assert_in_range(count_threads(), threads, threads + 1);
    let_names_go(threads);
    assert_int_equal(call_together(store, 4 * TIMEOUT_MS), CROWD);
    lesson_store_close(store);
    let_names_go(threads);
}

static void test_all_who_wait_for_a_name_get_its_addresses(void **state) {
    raw_server *raw = *state;
    struct caller crowd[CROWD];
    int threads = count_threads(), begun;
    lesson_store *store = open_named(raw, "?pool=64&timeout_ms=60000&connect_timeout_ms=60000");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    look_names_up(NOT_FOUND_YET);
    begun = count_begun();
    start_crowd(crowd, store);
    wait_for_a_look_up();
    poll(NULL, 0, SLOW_MS); /* for the others to join it */
    assert_int_equal(count_begun() - begun, 1);
    look_names_up(FOUND_AT_ONCE);
    assert_int_equal(join_crowd(crowd, 60000), CROWD);
    lesson_store_close(store);
    let_names_go(threads);
}

/* Sentinels are asked in turn, again and again until the time is over. */
static void test_each_of_several_names_is_looked_up_once(void **state) {
    (void)state;
    int threads = count_threads(), begun = count_begun();
    look_names_up(NOT_FOUND_YET);
    raw_refuse("redis+sentinel://named.test:1,other.test:1/school?connect_timeout_ms=2000", LESSON_STORE_UNREACHABLE,
               "no Sentinel of 2 answered");
    assert_int_equal(count_begun() - begun, 2);
    let_names_go(threads);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(each_address_of_a_name),
        TEST(a_name_without_an_address),
        TEST(opening_does_not_wait_for_a_name_without_end),
        TEST(a_call_does_not_wait_for_a_name_without_end),
        TEST(a_store_that_is_closed_meanwhile),
        TEST(a_name_that_is_found_slowly),
        TEST(threads_do_not_queue_before_a_name),
        TEST(a_name_is_looked_up_once_at_a_time),
        TEST(all_who_wait_for_a_name_get_its_addresses),
        TEST(each_of_several_names_is_looked_up_once),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
