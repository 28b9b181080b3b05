/* What TLS servers may do and Redis does not: new keys, late tickets, and records that come in pieces or are wrong. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "tls_peer.h"
#include "tls_place.h"

#include <lessonstore/backend.h>

static lesson_store *open_on(const tls_place *place, const tls_peer *peer, const char *host, const char *options) {
    char location[TLS_LOCATION_SIZE], all[256];
    lesson_store *store;
    snprintf(all, sizeof all, "tls_ca=@/ca.crt&pool=1%s", options);
    tls_locate(location, place, host, tls_peer_port(peer), all);
    if (lesson_store_open(&store, location) != LESSON_STORE_OK)
        fail_msg("%s: %s", location, lesson_store_message());
    return store;
}

static tls_peer *start(const tls_place *place, int version) {
    return tls_peer_start(&place->made, redis_server_socket(place->raw.server), version);
}

/* A connection that has just been used is not looked at (FRESH_US in connection.c). */
static void outlive_freshness(void) {
    int64_t began_us = lesson_store_monotonic_us();
    while (lesson_store_monotonic_us() - began_us < 2000)
        ;
}

/* Joins the lessons in turn, so that each answer can be checked. */
static void join_in_turn(lesson_store *store, int count) {
    static const char *const lessons[] = {"L0", "L1", "L2"};
    lesson_store_place before;
    assert_code(lesson_store_join(store, "ann", "C", lessons[2], NULL, 0, NULL), OK);
    for (int i = 0; i < count; i++) {
        assert_code(lesson_store_join(store, "ann", "C", lessons[i % 3], NULL, 0, &before), OK);
        assert_string_equal(before.lesson_id, lessons[(i + 2) % 3]);
        if (i % 2)
            outlive_freshness();
    }
}

/* ---- Names */

static void test_the_name_in_the_handshake(void **state) {
    static const char *const trials[][3] = {
        {"localhost", "", "localhost"},
        {"localhost", "&tls_name=redis.test", "redis.test"},
        {"127.0.0.1", "", ""},
        {"127.0.0.1", "&tls_name=redis.test", "redis.test"},
        {"localhost", "&tls_name=127.0.0.1", ""},
        {"localhost", "&tls_verify=none&tls_name=odd.test", "odd.test"},
    };
    const tls_place *place = *state;
    tls_peer *peer = start(place, TLS1_3_VERSION);
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        lesson_store *store = open_on(place, peer, trials[i][0], trials[i][1]);
        assert_string_equal(tls_peer_name(peer), trials[i][2]);
        lesson_store_close(store);
    }
    tls_peer_stop(peer);
}

/* ---- What may come at any time */

static void play_through(const tls_place *place, int version, tls_peer_part part) {
    tls_peer *peer = start(place, version);
    lesson_store *store = open_on(place, peer, "localhost", "");
    tls_peer_play(peer, part);
    join_in_turn(store, 100);
    assert_int_equal(tls_peer_connections(peer), 1); /* nothing looked like a broken or a stale connection */
    if (part == TLS_PEER_UPDATE_KEYS)
        assert_true(tls_peer_key_updates(peer) > 50);
    lesson_store_close(store);
    tls_peer_stop(peer);
}

static void test_new_keys(void **state) {
    play_through(*state, TLS1_3_VERSION, TLS_PEER_UPDATE_KEYS);
}

static void test_late_tickets(void **state) {
    play_through(*state, TLS1_3_VERSION, TLS_PEER_TICKETS);
}

/* The rest of a reply lies in memory, where poll does not see it. */
static void test_a_reply_in_many_records(void **state) {
    play_through(*state, TLS1_3_VERSION, TLS_PEER_RECORDS);
}

/* The client takes no part in a new handshake, which OpenSSL's servers do not accept. */
static void test_renegotiation(void **state) {
    const tls_place *place = *state;
    tls_peer *peer = start(place, TLS1_2_VERSION);
    lesson_store *store = open_on(place, peer, "localhost", "");
    tls_peer_play(peer, TLS_PEER_RENEGOTIATE);
    int code = lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL);
    assert_true(code == LESSON_STORE_OK || code == LESSON_STORE_UNKNOWN);
    tls_peer_play(peer, TLS_PEER_PASS_ON);
    while (tls_peer_connections(peer) < 2)
        assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
    join_in_turn(store, 10);
    assert_int_equal(tls_peer_connections(peer), 2);
    lesson_store_close(store);
    tls_peer_stop(peer);
}

/* New keys while many requests are under way in both directions. */
static void test_new_keys_in_a_long_batch(void **state) {
    const tls_place *place = *state;
    enum { COUNT = 8192 };
    static lesson_store_operation joins[COUNT];
    tls_peer *peer = start(place, TLS1_3_VERSION);
    lesson_store *store = open_on(place, peer, "localhost", "&timeout_ms=60000");
    tls_peer_play(peer, TLS_PEER_UPDATE_KEYS);
    for (int i = 0; i < COUNT; i++)
        joins[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", i % 2 ? "L1" : "L2");
    for (int i = 0; i < 5; i++)
        assert_code(lesson_store_batch(store, joins, COUNT), OK);
    assert_int_equal(tls_peer_connections(peer), 1);
    lesson_store_close(store);
    tls_peer_stop(peer);
}

/* A part of a record has arrived and been read. It is no reply, and the connection is not stale. */
static void test_half_a_ticket(void **state) {
    const tls_place *place = *state;
    tls_peer *peer = start(place, TLS1_3_VERSION);
    lesson_store *store = open_on(place, peer, "localhost", "&timeout_ms=200");
    tls_peer_play(peer, TLS_PEER_TICKET_HALF);
    assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
    outlive_freshness();
    int64_t began_us = lesson_store_monotonic_us();
    int code = lesson_store_where(store, "nobody", NULL); /* what comes next is not the rest of it */
    assert_true(code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_NOT_FOUND);
    assert_in_range(lesson_store_monotonic_us() - began_us, 0, 20000000);
    assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
    lesson_store_close(store);
    tls_peer_stop(peer);
}

/* ---- What must not come */

/* The second reply lies decrypted or in a buffer, where poll does not see it. It is never taken for a later reply. */
static void test_two_replies(void **state) {
    const tls_place *place = *state;
    tls_peer *peer = start(place, TLS1_3_VERSION);
    lesson_store *store = open_on(place, peer, "localhost", "");
    for (int i = 0; i < 20; i++) {
        int before = tls_peer_connections(peer);
        tls_peer_play(peer, TLS_PEER_TWO_REPLIES);
        assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
        join_in_turn(store, 2);
        assert_int_equal(tls_peer_connections(peer), before + 1);
    }
    lesson_store_close(store);
    tls_peer_stop(peer);
}

static void test_no_record(void **state) {
    const tls_place *place = *state;
    tls_peer *peer = start(place, TLS1_3_VERSION);
    lesson_store *store = open_on(place, peer, "localhost", "");
    tls_peer_play(peer, TLS_PEER_GARBLE);
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), UNKNOWN);
    raw_assert_message("TLS: ");
    tls_peer_play(peer, TLS_PEER_GARBLE);
    assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND); /* asked again */
    lesson_store_close(store);
    tls_peer_stop(peer);
}

static void test_a_goodbye_instead_of_a_reply(void **state) {
    const tls_place *place = *state;
    tls_peer *peer = start(place, TLS1_3_VERSION);
    lesson_store *store = open_on(place, peer, "localhost", "");
    tls_peer_play(peer, TLS_PEER_GOODBYE);
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), UNKNOWN);
    raw_assert_message("the server closed the connection instead of replying");
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    lesson_store_close(store);
    tls_peer_stop(peer);
}

/* A reply that comes byte by byte, over several seconds, gets no more time than another one. */
static void test_a_record_byte_by_byte(void **state) {
    const tls_place *place = *state;
    tls_peer *peer = start(place, TLS1_3_VERSION);
    lesson_store *store = open_on(place, peer, "localhost", "&timeout_ms=200");
    tls_peer_play(peer, TLS_PEER_DRIBBLE);
    int64_t began_us = lesson_store_monotonic_us();
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), UNKNOWN);
    raw_assert_within("did not reply", 100, 200);
    assert_in_range(lesson_store_monotonic_us() - began_us, 190000, 500000);
    tls_peer_play(peer, TLS_PEER_PASS_ON);
    lesson_store_close(store);
    tls_peer_stop(peer);
}

/* A server that does not accept the client can lose its alert by closing the connection before it has read all. */
static void test_a_reset_after_the_handshake(void **state) {
    const tls_place *place = *state;
    char location[TLS_LOCATION_SIZE];
    tls_peer *peer = start(place, TLS1_3_VERSION);
    tls_peer_play(peer, TLS_PEER_RESET);
    tls_locate(location, place, "localhost", tls_peer_port(peer), "tls_ca=@/ca.crt");
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "does the server want a client certificate?");
    tls_locate(location, place, "localhost", tls_peer_port(peer), TLS_CLIENT);
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "does the server accept this client certificate?");
    tls_peer_stop(peer);
}

/* The second request of a batch meets a connection that the server has closed already. This would be a SIGPIPE. */
static void test_no_signal(void **state) {
    const tls_place *place = *state;
    enum { COUNT = 1024 };
    static lesson_store_operation joins[COUNT];
    struct sigaction fatal = {.sa_handler = SIG_DFL}, before;
    int met = 0;
    sigaction(SIGPIPE, &fatal, &before);
    tls_peer *peer = start(place, TLS1_3_VERSION);
    lesson_store *store = open_on(place, peer, "localhost", "");
    for (int i = 0; i < COUNT; i++)
        joins[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", i % 2 ? "L1" : "L2");
    for (int i = 0; met < 20 && i < 2000; i++) {
        tls_peer_play(peer, TLS_PEER_PASS_ON);
        lesson_store_where(store, "nobody", NULL);
        tls_peer_play(peer, TLS_PEER_CLOSE);
        lesson_store_where(store, "nobody", NULL); /* from now on the connection is fresh, and closed */
        met += lesson_store_batch(store, joins, COUNT) < 0;
    }
    assert_true(met > 0);
    lesson_store_close(store); /* its goodbye is written too */
    tls_peer_stop(peer);
    sigaction(SIGPIPE, &before, NULL);
}

/* ---- Goodbyes */

static void test_goodbyes(void **state) {
    const tls_place *place = *state;
    tls_peer *peer = start(place, TLS1_3_VERSION);
    for (int i = 1; i <= 5; i++) {
        lesson_store_close(open_on(place, peer, "localhost", ""));
        lesson_store *next = open_on(place, peer, "localhost", ""); /* the peer has seen the end of the first by then */
        assert_int_equal(tls_peer_goodbyes(peer), 2 * i - 1);
        lesson_store_close(next);
    }
    tls_peer_stop(peer);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_name_in_the_handshake),
        cmocka_unit_test(test_new_keys),
        cmocka_unit_test(test_late_tickets),
        cmocka_unit_test(test_a_reply_in_many_records),
        cmocka_unit_test(test_renegotiation),
        cmocka_unit_test(test_new_keys_in_a_long_batch),
        cmocka_unit_test(test_half_a_ticket),
        cmocka_unit_test(test_two_replies),
        cmocka_unit_test(test_no_record),
        cmocka_unit_test(test_a_goodbye_instead_of_a_reply),
        cmocka_unit_test(test_a_record_byte_by_byte),
        cmocka_unit_test(test_a_reset_after_the_handshake),
        cmocka_unit_test(test_no_signal),
        cmocka_unit_test(test_goodbyes),
    };
    return cmocka_run_group_tests(tests, tls_place_start, tls_place_stop);
}
