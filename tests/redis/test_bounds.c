/* No call takes longer than its own time, however many threads share few connections: while there is no primary, while
 * nobody says which one it is, and while it hangs. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <lessonstore/backend.h>

#include "false_sentinel.h"
#include "raw.h"
#include "redis_ask.h"

enum {
    CROWD = 32,
    CALLS = 3,
    TIMEOUT_MS = 500,
    MOST_MS = 4 * TIMEOUT_MS /* of one call. One after the other, by four connections, they would take twice that */
};

#define OPTIONS "pool=4&timeout_ms=500&connect_timeout_ms=500&failover_check_ms=10"

/* ---- A server, and Sentinels that name it */

struct place {
    redis_server *server;
    false_sentinel *sentinels[3];
    char location[256];
};

static int start(void **state) {
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    place->server = redis_server_start(NULL);
    assert_non_null(place->server);
    for (int i = 0; i < 3; i++) {
        place->sentinels[i] = false_sentinel_start();
        false_sentinel_name(place->sentinels[i], redis_server_port(place->server), 1);
    }
    snprintf(place->location, sizeof place->location,
             "redis+sentinel://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d/school?" OPTIONS,
             false_sentinel_port(place->sentinels[0]), false_sentinel_port(place->sentinels[1]),
             false_sentinel_port(place->sentinels[2]));
    *state = place;
    return 0;
}

static int stop(void **state) {
    struct place *place = *state;
    for (int i = 0; i < 3; i++)
        false_sentinel_stop(place->sentinels[i]);
    redis_server_stop(place->server);
    free(place);
    return 0;
}

static void silence_sentinels(struct place *place) {
    for (int i = 0; i < 3; i++)
        false_sentinel_be_silent(place->sentinels[i]);
}

static lesson_store *open_store(const char *location) {
    lesson_store *store;
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

static void demote(struct place *place) {
    assert_true(redis_tell(place->server, NULL, "REPLICAOF 127.0.0.1 1"));
    redis_rest(20000); /* the role is due to be asked again */
}

/* ---- A crowd that calls */

struct caller {
    pthread_t thread;
    lesson_store *store;
    int number;
    int codes[CALLS];
    int64_t took_ms[CALLS];
};

/* Reads, writes, and batches that are several requests. */
static int call_once(lesson_store *store, int number) {
    enum { COUNT = 600 };
    lesson_store_operation operations[COUNT];
    if (number % 3 == 0)
        return lesson_store_where(store, "ann", NULL);
    if (number % 3 == 1)
        return lesson_store_join(store, "ann", "C1", "L1", NULL, 0, NULL);
    for (int i = 0; i < COUNT; i++)
        operations[i] = raw_operation(LESSON_STORE_OPERATION_QUIT, "bob", NULL);
    return lesson_store_batch(store, operations, COUNT);
}

static void *call(void *context) {
    struct caller *caller = context;
    for (int i = 0; i < CALLS; i++) {
        int64_t began_us = lesson_store_monotonic_us();
        caller->codes[i] = call_once(caller->store, caller->number + i);
        caller->took_ms[i] = (lesson_store_monotonic_us() - began_us) / 1000;
    }
    return NULL;
}

#define CODES_END 99
#define CODES(...) ((const int[]){__VA_ARGS__, CODES_END})

static bool is_among(int code, const int *codes) {
    while (*codes != CODES_END && *codes != code)
        codes++;
    return *codes != CODES_END;
}

/* All calls return in time, with one of these codes. Returns how many were answered. */
static int expect_bounds(lesson_store *store, const int *codes) {
    struct caller crowd[CROWD];
    int64_t longest_ms = 0;
    int answered = 0;
    for (int i = 0; i < CROWD; i++) {
        crowd[i] = (struct caller){.store = store, .number = i};
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, call, &crowd[i]), 0);
    }
    for (int i = 0; i < CROWD; i++)
        pthread_join(crowd[i].thread, NULL);
    for (int i = 0; i < CROWD * CALLS; i++) {
        const struct caller *caller = &crowd[i / CALLS];
        if (!is_among(caller->codes[i % CALLS], codes))
            fail_msg("%s", lesson_store_code_name(caller->codes[i % CALLS]));
        answered += caller->codes[i % CALLS] == LESSON_STORE_OK || caller->codes[i % CALLS] == LESSON_STORE_NOT_FOUND;
        if (caller->took_ms[i % CALLS] > longest_ms)
            longest_ms = caller->took_ms[i % CALLS];
    }
    printf("the longest call took %d ms, and %d of %d were answered\n", (int)longest_ms, answered, CROWD * CALLS);
    assert_in_range(longest_ms, 0, MOST_MS);
    return answered;
}

static void expect_bounded_opening(const char *location, int code, const char *part) {
    int64_t began_us = lesson_store_monotonic_us();
    raw_refuse(location, code, part);
    assert_in_range((lesson_store_monotonic_us() - began_us) / 1000, 0, MOST_MS);
}

/* ---- There is no primary */

static void test_a_name_that_leads_to_a_replica_for_ever(void **state) {
    struct place *place = *state;
    char location[128];
    snprintf(location, sizeof location, "redis://127.0.0.1:%d?" OPTIONS, redis_server_port(place->server));
    lesson_store *store = open_store(location);
    demote(place);
    expect_bounds(store, CODES(LESSON_STORE_READ_ONLY, LESSON_STORE_UNREACHABLE, LESSON_STORE_BUSY));
    expect_bounded_opening(location, LESSON_STORE_READ_ONLY, "the server is a replica");
    lesson_store_close(store);
}

static void test_sentinels_that_name_a_replica_for_ever(void **state) {
    struct place *place = *state;
    lesson_store *store = open_store(place->location);
    demote(place);
    expect_bounds(store, CODES(LESSON_STORE_READ_ONLY, LESSON_STORE_UNREACHABLE, LESSON_STORE_BUSY));
    expect_bounded_opening(place->location, LESSON_STORE_READ_ONLY, "the server is a replica");
    lesson_store_close(store);
}

/* ---- Nobody says who it is */

/* The last primary known still serves. Looking for another one takes time from the calls, but they have enough. */
static void test_silent_sentinels(void **state) {
    struct place *place = *state;
    lesson_store *store = open_store(place->location);
    assert_code(lesson_store_join(store, "ann", "C1", "L1", NULL, 0, NULL), OK);
    silence_sentinels(place);
    redis_rest(20000);
    int answered = expect_bounds(store, CODES(LESSON_STORE_OK, LESSON_STORE_UNREACHABLE, LESSON_STORE_BUSY));
    assert_true(answered > CROWD);
    lesson_store_close(store);
    expect_bounded_opening(place->location, LESSON_STORE_UNREACHABLE, "no Sentinel of 3 answered");
}

/* A connection that was used a moment before it broke can take one more write. */
static void test_silent_sentinels_of_a_primary_that_is_gone(void **state) {
    struct place *place = *state;
    lesson_store *store = open_store(place->location);
    silence_sentinels(place);
    redis_server_kill(place->server);
    expect_bounds(store, CODES(LESSON_STORE_UNKNOWN, LESSON_STORE_UNREACHABLE, LESSON_STORE_BUSY));
    lesson_store_close(store);
}

static void test_silent_sentinels_of_a_primary_that_is_demoted(void **state) {
    struct place *place = *state;
    lesson_store *store = open_store(place->location);
    silence_sentinels(place);
    demote(place);
    expect_bounds(store, CODES(LESSON_STORE_READ_ONLY, LESSON_STORE_UNREACHABLE, LESSON_STORE_BUSY));
    lesson_store_close(store);
}

/* ---- It hangs */

static void test_a_primary_that_hangs(void **state) {
    struct place *place = *state;
    lesson_store *store = open_store(place->location);
    redis_server_pause(place->server);
    expect_bounds(store, CODES(LESSON_STORE_UNKNOWN, LESSON_STORE_UNREACHABLE, LESSON_STORE_BUSY));
    expect_bounded_opening(place->location, LESSON_STORE_UNREACHABLE, "the server did not reply within");
    redis_server_resume(place->server);
    lesson_store_close(store);
}

static void test_a_primary_that_hangs_with_its_sentinels(void **state) {
    struct place *place = *state;
    lesson_store *store = open_store(place->location);
    silence_sentinels(place);
    redis_server_pause(place->server);
    expect_bounds(store, CODES(LESSON_STORE_UNKNOWN, LESSON_STORE_UNREACHABLE, LESSON_STORE_BUSY));
    redis_server_resume(place->server);
    assert_int_not_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_UNKNOWN);
    lesson_store_close(store);
}

#define PLACE(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        PLACE(a_name_that_leads_to_a_replica_for_ever),
        PLACE(sentinels_that_name_a_replica_for_ever),
        PLACE(silent_sentinels),
        PLACE(silent_sentinels_of_a_primary_that_is_gone),
        PLACE(silent_sentinels_of_a_primary_that_is_demoted),
        PLACE(a_primary_that_hangs),
        PLACE(a_primary_that_hangs_with_its_sentinels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
