/* Connections over TLS: resuming, timeouts, broken ones, much data, forks, and what a location reports about itself. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tls_place.h"

#include <lessonstore/backend.h>

static int64_t now_ms(void) {
    return lesson_store_monotonic_us() / 1000;
}

/* Closes all connections but that of the raw commands. It returns when the server has closed them. */
static void kill_connections(raw_server *raw) {
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
}

/* A connection that has just been used is not looked at (FRESH_US in connection.c). */
static void outlive_freshness(void) {
    int64_t began_us = lesson_store_monotonic_us();
    while (lesson_store_monotonic_us() - began_us < 2000)
        ;
}

/* ---- Facts */

static bool stop_at_tls(const char *name, const char *value, void *context) {
    (void)value;
    ++*(int *)context;
    return strcmp(name, "tls") != 0;
}

static bool count_fact(const char *name, const char *value, void *context) {
    (void)name, (void)value;
    ++*(int *)context;
    return true;
}

static void test_info_that_is_stopped(void **state) {
    lesson_store *store = tls_open(*state, "");
    int all = 0, given = 0;
    assert_code(lesson_store_info(store, count_fact, &all), OK);
    assert_code(lesson_store_info(store, stop_at_tls, &given), OK);
    assert_int_equal(given, all - 2); /* without tls_resumed and eviction_policy */
    lesson_store_close(store);
}

static void test_info(void **state) {
    tls_place *place = *state;
    lesson_store *store = tls_open(place, "");
    assert_memory_equal(tls_fact(store, "tls"), "TLSv1.3 TLS_", 12);
    assert_non_null(strstr(tls_fact(store, "tls"), ", verify full"));
    assert_string_equal(tls_fact(store, "warning"), "");
    assert_string_equal(tls_fact(store, "scheme"), "rediss");
    lesson_store_close(store);
    store = tls_open(place, "&tls_verify=ca");
    assert_non_null(strstr(tls_fact(store, "tls"), ", verify ca"));
    lesson_store_close(store);
    store = tls_open(place, "&tls_verify=none");
    assert_non_null(strstr(tls_fact(store, "tls"), ", verify none"));
    assert_non_null(strstr(tls_fact(store, "warning"), "tls_verify=none"));
    lesson_store_close(store);
    store = raw_open_store(&place->raw, "");
    assert_string_equal(tls_fact(store, "tls"), "none");
    assert_string_equal(tls_fact(store, "tls_resumed"), "");
    lesson_store_close(store);
}

static void test_path_and_account(void **state) {
    tls_place *place = *state;
    char location[TLS_LOCATION_SIZE];
    lesson_store *store;
    raw_do(&place->raw, "ACL SETUSER ann on >secret ~* +@all");
    tls_locate(location, place, "ann:secret@localhost", redis_server_tls_port(place->raw.server), TLS_CLIENT "&db=5");
    assert_code(lesson_store_open(&store, location), OK);
    assert_string_equal(tls_fact(store, "database"), "5");
    lesson_store_close(store);
}

/* ---- Resuming */

static void reconnect_often(tls_place *place, lesson_store *store, int count) {
    for (int i = 0; i < count; i++) {
        kill_connections(&place->raw);
        outlive_freshness();
        assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    }
}

static void test_sessions_are_resumed(void **state) {
    tls_place *place = *state;
    lesson_store *store = tls_open(place, "&pool=1");
    assert_string_equal(tls_fact(store, "tls_resumed"), "0");
    reconnect_often(place, store, 20);
    assert_string_equal(tls_fact(store, "tls_resumed"), "20");
    lesson_store_close(store);
}

static void test_an_older_version(void **state) {
    static const char *const old[] = {"--tls-protocols", "TLSv1.2", NULL};
    tls_place *place = *state, older = {.made = place->made};
    older.raw.server = redis_server_start_tls(&place->made, NULL, old);
    assert_non_null(older.raw.server);
    raw_reconnect(&older.raw);
    lesson_store *store = tls_open(&older, "&pool=1");
    assert_memory_equal(tls_fact(store, "tls"), "TLSv1.2 ", 8);
    reconnect_often(&older, store, 5);
    assert_string_equal(tls_fact(store, "tls_resumed"), "5");
    lesson_store_close(store);
    redisFree(older.raw.commands);
    redis_server_stop(older.raw.server);
}

static void *join_often(void *context) {
    for (int i = 0; i < 200; i++)
        assert_int_equal(lesson_store_join(context, "ann", "C", "L", NULL, 0, NULL), LESSON_STORE_OK);
    return NULL;
}

/* The instances of a pool share one context, which each of their connections may change. */
static void test_threads(void **state) {
    tls_place *place = *state;
    pthread_t threads[8];
    lesson_store *store = tls_open(place, "&pool=8");
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, join_often, store), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    lesson_store_close(store);
}

/* ---- Time */

static void assert_took(int64_t began_ms, int64_t least_ms, int64_t most_ms) {
    assert_in_range(now_ms() - began_ms, least_ms, most_ms);
}

static void test_a_stopped_server(void **state) {
    tls_place *place = *state;
    char location[TLS_LOCATION_SIZE];
    lesson_store *store = tls_open(place, "&timeout_ms=300&connect_timeout_ms=60000&pool=1");
    kill(redis_server_pid(place->raw.server), SIGSTOP);
    int64_t began_ms = now_ms();
    int asked = lesson_store_where(store, "ann", NULL);
    int64_t answered_ms = now_ms();
    int connected = lesson_store_where(store, "ann", NULL);
    raw_assert_within("no TLS handshake", 100, 300); /* not connect_timeout_ms */
    int64_t connected_ms = now_ms();
    tls_locate(location, place, "localhost", redis_server_tls_port(place->raw.server),
               TLS_CLIENT "&connect_timeout_ms=300");
    lesson_store *second;
    int opened = lesson_store_open(&second, location);
    kill(redis_server_pid(place->raw.server), SIGCONT);
    assert_int_equal(asked, LESSON_STORE_UNREACHABLE);
    assert_in_range(answered_ms - began_ms, 290, 20000);
    assert_int_equal(connected, LESSON_STORE_UNREACHABLE);
    assert_int_equal(opened, LESSON_STORE_UNREACHABLE);
    raw_assert_within("no TLS handshake", 100, 300);
    assert_took(connected_ms, 290, 20000);
    assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
    lesson_store_close(store);
}

static void *ask(void *context) {
    int code = lesson_store_where(context, "ann", NULL);
    return code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_BUSY ? NULL : context;
}

/* An instance that is being opened for a call gives up with that call, in the handshake too. */
static void test_a_handshake_ends_with_the_call(void **state) {
    tls_place *place = *state;
    pthread_t threads[4];
    void *failed[4];
    lesson_store *store = tls_open(place, "&timeout_ms=400&connect_timeout_ms=600000&pool=4");
    kill(redis_server_pid(place->raw.server), SIGSTOP);
    int64_t began_ms = now_ms();
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask, store), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], &failed[i]);
    kill(redis_server_pid(place->raw.server), SIGCONT);
    assert_took(began_ms, 390, 60000);
    for (int i = 0; i < 4; i++)
        assert_null(failed[i]);
    lesson_store_close(store);
}

/* ---- Broken connections */

static void test_a_closed_connection_is_replaced(void **state) {
    tls_place *place = *state;
    lesson_store *store = tls_open(place, "&pool=1");
    for (int i = 0; i < 100; i++) {
        kill_connections(&place->raw);
        outlive_freshness();
        assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    }
    long long before = tls_connections(place);
    for (int i = 0; i < 100; i++) {
        outlive_freshness();
        assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    }
    assert_int_equal(tls_connections(place), before); /* one that is idle is not stale */
    lesson_store_close(store);
}

/* Errors that the caller has left in OpenSSL's queue are not taken for those of our calls, and ours do not stay there.
 */
static void test_errors_of_the_caller(void **state) {
    tls_place *place = *state;
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    lesson_store *store = tls_open(place, "&pool=1");
    long long before = tls_connections(place);
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    outlive_freshness();
    assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
    assert_int_equal(tls_connections(place), before); /* it did not look stale */
    ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
    lesson_store_close(store);
    assert_int_equal(ERR_peek_error(), 0);
    char location[TLS_LOCATION_SIZE];
    tls_locate(location, place, "localhost", redis_server_tls_port(place->raw.server), "tls_ca=@/other-ca.crt");
    raw_refuse(location, LESSON_STORE_DENIED, "is not accepted");
    assert_int_equal(ERR_peek_error(), 0);
}

/* ---- Much data */

/* More bytes under way, in both directions, than the buffers on the way hold; some 30 MB there and back. */
static void test_full_buffers_both_ways(void **state) {
    tls_place *place = *state;
    enum { COUNT = 8192 };
    static lesson_store_operation operations[COUNT];
    static lesson_store_place places[COUNT];
    static char lesson_id[2][LESSON_STORE_ID_MAX + 1];
    memset(lesson_id[0], 'a', LESSON_STORE_ID_MAX);
    memset(lesson_id[1], 'b', LESSON_STORE_ID_MAX);
    lesson_store *store = tls_open(place, "&pool=1&timeout_ms=60000");
    for (int i = 0; i < COUNT; i++) {
        operations[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, lesson_id[0], lesson_id[i % 2]);
        operations[i].course_id = operations[i].session = lesson_store_id_of(lesson_id[0]);
        operations[i].place = &places[i];
    }
    for (int round = 0; round < 4; round++)
        assert_code(lesson_store_batch(store, operations, COUNT), OK);
    for (int i = 1; i < COUNT; i++)
        assert_string_equal(places[i].lesson_id, lesson_id[(i - 1) % 2]);
    lesson_store_close(store);
}

static bool count_member(const lesson_store_id *uid, void *context) {
    assert_memory_equal(uid->data, "u-", 2);
    ++*(int *)context;
    return true;
}

static void test_large_lists(void **state) {
    static const char *const options[] = {"&members_at_once=10000000", "&members_at_once=1"};
    tls_place *place = *state;
    enum { COUNT = 200000 };
    raw_make_lesson(&place->raw, "large", "1", COUNT);
    for (int i = 0; i < 2; i++) {
        int count = 0;
        lesson_store *store = tls_open(place, options[i]);
        assert_code(lesson_store_members(store, "large", count_member, &count), OK);
        assert_int_equal(count, COUNT);
        lesson_store_close(store);
    }
    raw_do(&place->raw, "FLUSHALL");
}

/* ---- Forks */

struct list {
    int count;
    pid_t child;
};

static bool fork_once(const lesson_store_id *uid, void *context) {
    struct list *list = context;
    int status;
    (void)uid;
    if (list->count++ > 0)
        return true;
    list->child = fork();
    if (list->child > 0)
        waitpid(list->child, &status, 0);
    return true;
}

/* The child ends its copy of the connection in the middle of a list. It must not say goodbye to the server, which would
 * end that of its parent. */
static void test_a_fork_in_a_list(void **state) {
    tls_place *place = *state;
    struct list list = {0, -1};
    enum { COUNT = 50000 };
    raw_make_lesson(&place->raw, "large", "1", COUNT);
    lesson_store *store = tls_open(place, "&pool=1&members_at_once=10000000");
    long long before = tls_connections(place);
    int code = lesson_store_members(store, "large", fork_once, &list);
    if (list.child == 0)
        _exit(code < 0 ? 0 : 1);
    assert_int_equal(code, LESSON_STORE_OK);
    assert_int_equal(list.count, COUNT);
    assert_code(lesson_store_where(store, "u-1", NULL), OK);
    assert_int_equal(tls_connections(place), before);
    lesson_store_close(store);
    raw_do(&place->raw, "FLUSHALL");
}

/* ---- Ports of the other kind */

static void test_a_port_in_the_clear(void **state) {
    tls_place *place = *state;
    char location[TLS_LOCATION_SIZE];
    tls_locate(location, place, "localhost", redis_server_port(place->raw.server),
               TLS_CLIENT "&connect_timeout_ms=200");
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "does this port speak TLS?");
    snprintf(location, sizeof location, "redis://localhost:%d", redis_server_tls_port(place->raw.server));
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "if this port speaks TLS, use rediss://");
}

/* The server drops a client too many before the handshake. */
static void test_too_many_clients(void **state) {
    tls_place *place = *state;
    char location[TLS_LOCATION_SIZE];
    tls_locate(location, place, "localhost", redis_server_tls_port(place->raw.server), TLS_CLIENT);
    raw_do(&place->raw, "CONFIG SET maxclients 1");
    for (int i = 0; i < 50; i++)
        raw_refuse(location, LESSON_STORE_UNREACHABLE, "too many clients?");
    raw_do(&place->raw, "CONFIG SET maxclients 10000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_info_that_is_stopped),
        cmocka_unit_test(test_path_and_account),
        cmocka_unit_test(test_sessions_are_resumed),
        cmocka_unit_test(test_an_older_version),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_a_stopped_server),
        cmocka_unit_test(test_a_handshake_ends_with_the_call),
        cmocka_unit_test(test_a_closed_connection_is_replaced),
        cmocka_unit_test(test_errors_of_the_caller),
        cmocka_unit_test(test_full_buffers_both_ways),
        cmocka_unit_test(test_large_lists),
        cmocka_unit_test(test_a_fork_in_a_list),
        cmocka_unit_test(test_a_port_in_the_clear),
        cmocka_unit_test(test_too_many_clients),
    };
    return cmocka_run_group_tests(tests, tls_place_start, tls_place_stop);
}
