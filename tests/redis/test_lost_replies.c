/* Connections that break or stall during a call: the codes, what was applied, and that the next call works. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

static int join(raw_server *raw, const char *uid, const char *lesson_id) {
    return lesson_store_join(raw->store, uid, "C1", lesson_id, NULL, 0, NULL);
}

static bool is_in(raw_server *raw, const char *uid, const char *lesson_id) {
    return raw_number(raw, "SISMEMBER " MEMBERS("%s") " %s", lesson_id, uid) == 1;
}

static void test_write_whose_reply_is_lost(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    assert_code(join(raw, "ann", "L0"), OK);
    false_server_play(raw->between, LOSE_REPLY);
    long long scripts = raw_calls(raw, "evalsha");
    assert_code(join(raw, "ann", "L1"), UNKNOWN);
    assert_true(is_in(raw, "ann", "L1"));
    assert_int_equal(raw_calls(raw, "evalsha"), scripts + 1); /* and it was not sent again */
    assert_code(lesson_store_where(raw->store, "ann", &place), OK);
    assert_string_equal(place.lesson_id, "L1");
}

static void test_reply_cut_in_the_middle(void **state) {
    raw_server *raw = *state;
    assert_code(join(raw, "ann", "L0"), OK);
    false_server_play(raw->between, CUT_REPLY);
    assert_code(join(raw, "ann", "L1"), UNKNOWN);
    assert_code(join(raw, "bob", "L1"), OK);
    assert_true(is_in(raw, "ann", "L1"));
}

/* Half a request is never executed, but the client cannot know that. */
static void test_request_cut_in_the_middle(void **state) {
    raw_server *raw = *state;
    assert_code(join(raw, "ann", "L0"), OK);
    false_server_play(raw->between, CUT_REQUEST);
    assert_code(join(raw, "ann", "L1"), UNKNOWN);
    assert_true(is_in(raw, "ann", "L0"));
    assert_code(join(raw, "ann", "L1"), OK);
}

static void test_reads_are_retried_once(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    uint64_t count;
    assert_code(join(raw, "ann", "L0"), OK);
    int connections = false_server_connections(raw->between);
    false_server_play(raw->between, LOSE_REPLY);
    assert_code(lesson_store_where(raw->store, "ann", &place), OK);
    assert_string_equal(place.lesson_id, "L0");
    false_server_play(raw->between, CUT_REPLY);
    assert_code(lesson_store_count_members(raw->store, "L0", &count), OK);
    assert_int_equal(count, 1);
    assert_int_equal(false_server_connections(raw->between), connections + 2);

    false_server_play(raw->between, LOSE_EVERY_REPLY);
    assert_code(lesson_store_where(raw->store, "ann", &place), UNREACHABLE);
    /* One more with HELLO and one without, because a proxy may not know it. */
    assert_int_equal(false_server_connections(raw->between), connections + 4);
    false_server_play(raw->between, PASS_ON);
    assert_code(lesson_store_where(raw->store, "ann", &place), OK);
}

/* A connection that the server closed while it was idle is replaced before anything is sent. */
static void test_closed_while_idle(void **state) {
    raw_server *raw = *state;
    assert_code(join(raw, "ann", "L0"), OK);
    for (int i = 0; i < 20; i++) {
        false_server_play(raw->between, CLOSE_NOW);
        assert_code(join(raw, i % 2 ? "ann" : "bob", i % 3 ? "L1" : "L2"), OK);
    }
}

enum { REQUEST = 256, UNDER_WAY = 4 }; /* operations in a request, and requests that are sent before the first reply */

/* A batch of reads and writes: the writes that were sent are unknown, and everything else just has no answer. */
static void test_batch_whose_reply_is_lost(void **state) {
    raw_server *raw = *state;
    enum { COUNT = (UNDER_WAY + 2) * REQUEST };
    static lesson_store_operation operations[COUNT];
    for (int i = 0; i < COUNT; i++) {
        bool reads = i % 2;
        operations[i] =
            (lesson_store_operation){.kind = reads ? LESSON_STORE_OPERATION_WHERE : LESSON_STORE_OPERATION_JOIN};
        operations[i].uid = lesson_store_id_of("ann");
        if (reads)
            continue;
        operations[i].course_id = lesson_store_id_of("C1");
        operations[i].lesson_id = lesson_store_id_of("L1");
    }
    assert_code(join(raw, "ann", "L0"), OK);
    false_server_play(raw->between, LOSE_REPLY);
    assert_code(lesson_store_batch(raw->store, operations, COUNT), UNKNOWN);
    int sent = 0;
    while (sent < COUNT && operations[sent].code == LESSON_STORE_UNKNOWN)
        sent += 2;
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(operations[i].code, i < sent && i % 2 == 0 ? LESSON_STORE_UNKNOWN : LESSON_STORE_UNREACHABLE);
    assert_int_equal(sent % REQUEST, 0);
    assert_in_range(sent, REQUEST, UNDER_WAY * REQUEST);
}

/* Joins of different users, so that the applied ones can be counted. */
static lesson_store_operation *many_joins(int count) {
    enum { MOST = 9 * REQUEST };
    static lesson_store_operation operations[MOST];
    static char uids[MOST][16];
    assert_in_range(count, 1, MOST);
    for (int i = 0; i < count; i++) {
        snprintf(uids[i], sizeof uids[i], "user-%d", i);
        operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
        operations[i].uid = lesson_store_id_of(uids[i]);
        operations[i].course_id = lesson_store_id_of("C1");
        operations[i].lesson_id = lesson_store_id_of("L1");
    }
    return operations;
}

/* The answers to the first request of a batch stay valid if a later reply is lost. The codes are OK, then UNKNOWN, then
 * UNREACHABLE, in whole requests. Those with OK were applied, and those with UNREACHABLE were not. */
static void test_batch_lost_in_the_middle(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 7 * REQUEST };
    lesson_store_operation *operations = many_joins(COUNT);
    assert_code(join(raw, "ann", "L0"), OK);
    false_server_play(raw->between, LOSE_SECOND_REPLY);
    assert_code(lesson_store_batch(raw->store, operations, COUNT), UNKNOWN);
    int ok = 0, unknown = 0;
    while (ok < COUNT && operations[ok].code == LESSON_STORE_OK)
        ok++;
    while (ok + unknown < COUNT && operations[ok + unknown].code == LESSON_STORE_UNKNOWN)
        unknown++;
    for (int i = ok + unknown; i < COUNT; i++)
        assert_int_equal(operations[i].code, LESSON_STORE_UNREACHABLE);
    assert_int_equal(ok % REQUEST, 0);
    assert_int_equal(unknown % REQUEST, 0);
    assert_in_range(ok, REQUEST, COUNT - REQUEST);
    assert_in_range(unknown, REQUEST, UNDER_WAY * REQUEST);
    assert_in_range(raw_number(raw, "SCARD " MEMBERS("L1")), ok, ok + unknown);
    assert_code(lesson_store_batch(raw->store, operations, COUNT), OK);
    assert_int_equal(raw_number(raw, "SCARD " MEMBERS("L1")), COUNT);
}

/* The same where replicas must confirm: no WAIT goes over the connection that broke, so the message says what broke.
 * The answers that came are not confirmed. */
static void test_batch_lost_before_it_is_confirmed(void **state) {
    raw_server *raw = *state;
    /* The first reply may be several, if they come together. Then as many requests follow them. */
    enum { COUNT = (2 * UNDER_WAY + 1) * REQUEST };
    lesson_store_operation *operations = many_joins(COUNT);
    char location[256];
    lesson_store *store;
    snprintf(location, sizeof location, "%s&wait_replicas=1", false_server_location(raw->between));
    lesson_store_close(raw->store); /* the false server serves one connection at a time */
    assert_code(lesson_store_open(&store, location), OK);
    raw->store = store;
    false_server_play(raw->between, LOSE_SECOND_REPLY);
    assert_code(lesson_store_batch(store, operations, COUNT), UNKNOWN);
    raw_assert_message("instead of replying");
    int unknown = 0;
    while (unknown < COUNT && operations[unknown].code == LESSON_STORE_UNKNOWN)
        unknown++;
    assert_in_range(unknown, 2 * REQUEST, 2 * UNDER_WAY * REQUEST);
    for (int i = unknown; i < COUNT; i++)
        assert_int_equal(operations[i].code, LESSON_STORE_UNREACHABLE);
    assert_in_range(raw_number(raw, "SCARD " MEMBERS("L1")), REQUEST, unknown);
}

/* A long batch that only reads is asked again from where its answers end. */
static void test_reads_of_a_batch_are_retried(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 7 * REQUEST };
    lesson_store_operation *operations = many_joins(COUNT);
    assert_code(lesson_store_batch(raw->store, operations, COUNT), OK);
    for (int i = 0; i < COUNT; i++) {
        lesson_store_id uid = operations[i].uid;
        operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_WHERE};
        operations[i].uid = uid;
    }
    int connections = false_server_connections(raw->between);
    false_server_play(raw->between, LOSE_SECOND_REPLY);
    assert_code(lesson_store_batch(raw->store, operations, COUNT), OK);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(operations[i].code, LESSON_STORE_OK);
    assert_int_equal(false_server_connections(raw->between), connections + 1);
    false_server_play(raw->between, LOSE_EVERY_REPLY);
    assert_code(lesson_store_batch(raw->store, operations, COUNT), UNREACHABLE);
    assert_int_equal(false_server_connections(raw->between), connections + 3); /* with and without HELLO */
}

/* Bytes that keep coming do not extend the timeout of a request. */
static void test_dribbled_reply(void **state) {
    raw_server *raw = *state;
    char lesson_id[201];
    memset(lesson_id, 'L', 200); /* 200 bytes, one in 20 ms, take far longer than the timeout of 300 ms */
    lesson_id[200] = '\0';
    assert_code(join(raw, "ann", lesson_id), OK);
    false_server_play(raw->between, DRIBBLE);
    assert_code(lesson_store_where(raw->store, "ann", NULL), UNREACHABLE);
    raw_assert_within("did not reply", 200, 300);
    false_server_play(raw->between, PASS_ON);
    assert_code(lesson_store_where(raw->store, "ann", NULL), OK);
}

/* The server cannot have executed a request that it did not receive whole. */
static void test_request_that_is_not_taken(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 256 };
    static lesson_store_operation operations[COUNT];
    static char id[256];
    memset(id, 'x', 255);
    for (int i = 0; i < COUNT; i++) {
        operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
        operations[i].uid = operations[i].course_id = operations[i].lesson_id = operations[i].session =
            lesson_store_id_of(id);
    }
    false_server_play(raw->between, TAKE_NOTHING);
    assert_code(lesson_store_batch(raw->store, operations, COUNT), UNREACHABLE);
    raw_assert_message("did not take the request");
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(operations[i].code, LESSON_STORE_UNREACHABLE);
    raw_expect(raw, "");
    false_server_play(raw->between, PASS_ON);
    assert_code(join(raw, "ann", "L1"), OK);
}

/* If a server neither reads nor replies any more, the store gives up at once. Otherwise this test would run for ten
 * minutes. */
static void test_server_that_says_no_more(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 4 * REQUEST };
    lesson_store_operation *operations = many_joins(COUNT);
    static char id[256];
    char location[512];
    lesson_store *store;
    memset(id, 'x', 255);
    for (int i = REQUEST; i < COUNT; i++) /* the first request is sent; the others exceed the buffers */
        operations[i].course_id = operations[i].lesson_id = operations[i].session = lesson_store_id_of(id);
    const char *options = strchr(false_server_location(raw->between), '?');
    snprintf(location, sizeof location, "%.*s?pool=1&timeout_ms=600000",
             (int)(options - false_server_location(raw->between)), false_server_location(raw->between));
    lesson_store_close(raw->store); /* the false server serves one connection after another */
    raw->store = NULL;
    assert_code(lesson_store_open(&store, location), OK);
    false_server_play(raw->between, SAY_NO_MORE);
    assert_code(lesson_store_batch(store, operations, COUNT), UNKNOWN);
    lesson_store_close(store);
}

struct given {
    raw_server *raw;
    int count;
};

static bool stop_at_once(const lesson_store_id *uid, void *context) {
    (void)uid;
    struct given *given = context;
    given->count++;
    return false;
}

static bool cut_at_once(const lesson_store_id *uid, void *context) {
    (void)uid;
    struct given *given = context;
    if (++given->count == 1)
        false_server_play(given->raw->between, CLOSE_NOW);
    return true;
}

/* A list is asked again only if none of it was given. No entry is given twice. */
static void test_members_that_break_off(void **state) {
    raw_server *raw = *state;
    struct given given = {raw, 0};
    enum { COUNT = 9000 }; /* a reply that no buffer before the server takes whole */
    char name[201];
    memset(name, 'm', 200);
    name[200] = '\0';
    for (int i = 0; i < COUNT; i++)
        redisAppendCommand(raw->commands, "SADD " MEMBERS("L1") " %s-%d", name, i);
    for (int i = 0; i < COUNT; i++) {
        redisReply *reply;
        assert_int_equal(redisGetReply(raw->commands, (void **)&reply), REDIS_OK);
        freeReplyObject(reply);
    }
    false_server_play(raw->between, LOSE_REPLY);
    assert_code(lesson_store_members(raw->store, "L1", stop_at_once, &given), OK);
    assert_int_equal(given.count, 1);

    given.count = 0;
    assert_code(lesson_store_members(raw->store, "L1", cut_at_once, &given), UNREACHABLE);
    assert_in_range(given.count, 1, COUNT - 1);
    assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_BEHIND(write_whose_reply_is_lost),
        TEST_BEHIND(reply_cut_in_the_middle),
        TEST_BEHIND(request_cut_in_the_middle),
        TEST_BEHIND(reads_are_retried_once),
        TEST_BEHIND(closed_while_idle),
        TEST_BEHIND(batch_whose_reply_is_lost),
        TEST_BEHIND(batch_lost_in_the_middle),
        TEST_BEHIND(batch_lost_before_it_is_confirmed),
        TEST_BEHIND(reads_of_a_batch_are_retried),
        TEST_BEHIND(dribbled_reply),
        TEST_BEHIND(request_that_is_not_taken),
        TEST_BEHIND(server_that_says_no_more),
        TEST_BEHIND(members_that_break_off),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
