/* The feed of Redis: when it is on, what a step writes, and streams that others have changed. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lessonstore/feed.h>

#include "follow.h"
#include "raw.h"

#define EVENTS "STATUS:EVENTS"
#define O0 "e O0"

enum { PATIENCE_MS = 60000, LARGE = 1200 };

struct heard {
    size_t count;
    size_t of_kind[8];
    size_t of_cause[8];
    char last[512];
};

static bool hear(const lesson_store_event *event, void *context) {
    struct heard *heard = context;
    heard->count++;
    heard->of_kind[event->kind]++;
    heard->of_cause[event->cause]++;
    snprintf(heard->last, sizeof heard->last, "%s/%s %.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%d/%d",
             lesson_store_event_name(event->kind), lesson_store_cause_name(event->cause), (int)event->lesson_id.size,
             event->lesson_id.data, (int)event->uid.size, event->uid.data, (int)event->course_id.size,
             event->course_id.data, (int)event->from_lesson_id.size, event->from_lesson_id.data,
             (int)event->session.size, event->session.data, (int)event->owner.size, event->owner.data,
             (int)event->course_status, (int)event->chat_status);
    return true;
}

/* Returns the code of the first drain that has anything to say. */
static int drain(lesson_store_feed *feed, struct heard *heard) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    return lesson_store_feed_drain(feed, 0, hear, heard, NULL);
}

static void await_events(lesson_store_feed *feed, struct heard *heard, size_t count) {
    while (heard->count < count)
        assert_code(drain(feed, heard), OK);
    assert_int_equal(heard->count, count);
}

static void create(lesson_store *store, const char *lesson_id) {
    assert_code(lesson_store_create(store, lesson_id, 0), OK);
}

static void turn(const raw_server *raw, const char *options) {
    lesson_store_close(raw_open_store(raw, options));
}

/* ---- On and off */

static void test_on_and_off(void **state) {
    raw_server *raw = *state;
    lesson_store_feed *feed;
    struct heard heard = {.count = 0};
    create(raw->store, "a");
    assert_code(lesson_store_feed_open(&feed, raw->store, NULL, NULL), NOT_FOUND);
    assert_int_equal(raw_number(raw, "EXISTS " EVENTS), 0);

    turn(raw, "?feed=100");
    lesson_store *store = raw_open_store(raw, "");
    feed = follow(store, NULL, NULL);
    create(store, "b");
    await_events(feed, &heard, 1);
    turn(raw, "?feed=50");
    assert_int_equal(raw_number(raw, "EVAL %s 1 STATUS:FEED", "return tonumber(redis.call('GET', KEYS[1]))"), 50);

    turn(raw, "?feed=0");
    create(store, "c");
    assert_int_equal(raw_number(raw, "EXISTS " EVENTS " STATUS:FEED"), 0);
    assert_code(drain(feed, &heard), NOT_FOUND);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static void expect_learning(raw_server *raw, const char *options) {
    lesson_store *store = raw_open_store(raw, options);
    create(store, "before");
    turn(raw, "?feed=100");
    lesson_store_feed *feed = follow(raw->store, NULL, NULL);
    struct heard heard = {.count = 0};
    for (int i = 0; heard.count == 0; i++) {
        struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
        assert_in_range(i, 0, 1000);
        assert_code(lesson_store_create(store, "after", LESSON_STORE_CREATE_RESET), OK);
        poll(&ready, 1, 20);
        assert_code(lesson_store_feed_drain(feed, 0, hear, &heard, NULL), OK);
    }
    lesson_store_feed_close(feed);
    lesson_store_close(store);
    raw_do(raw, "FLUSHALL");
}

/* Whoever was connected before asks again from time to time, also if nobody asks for the role. */
static void test_learns_in_time(void **state) {
    expect_learning(*state, "?pool=1&failover_check_ms=10");
    expect_learning(*state, "?pool=1&failover_check_ms=10&role=any");
}

/* A store whose location turns it on needs to learn nothing. */
static void test_off_and_on_again(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?pool=1&feed=100&failover_check_ms=600000");
    struct heard heard = {.count = 0};
    turn(raw, "?feed=0");
    create(store, "a");
    turn(raw, "?feed=100");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    create(store, "b");
    await_events(feed, &heard, 1);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* The request that is waiting for a connection was made before the greeting that fails, and before the one that does
 * not. */
static void expect_event_after_failures(raw_server *raw, const char *options) {
    lesson_store *store = raw_open_store(raw, options);
    struct heard heard = {.count = 0};
    turn(raw, "?feed=100");
    poll(NULL, 0, 20);
    create(store, "before");
    create(store, "again");
    lesson_store_feed *feed = follow(raw->store, NULL, NULL);
    raw_do(raw, "REPLICAOF 127.0.0.1 1"); /* no server is there */
    for (int i = 0; i < 3; i++)
        assert_code(lesson_store_create(store, "meanwhile", 0), READ_ONLY);
    raw_do(raw, "REPLICAOF NO ONE");
    create(store, "after");
    while (heard.count == 0)
        drain(feed, &heard);
    assert_string_equal(heard.last, "create/call after||||||3/0");
    lesson_store_feed_close(feed);
    lesson_store_close(store);
    raw_do(raw, "FLUSHALL");
}

static void test_after_failed_greetings(void **state) {
    expect_event_after_failures(*state, "?pool=1&timeout_ms=200&feed=100");
    expect_event_after_failures(*state, "?pool=1&timeout_ms=200&failover_check_ms=10");
}

/* The first entry of the stream is of no event: the reader goes on behind it, and waits there. */
static void test_nothing_but_the_beginning(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?feed=100");
    lesson_store_feed *feed = follow(store, NULL, LESSON_STORE_POSITION_OLDEST);
    struct heard heard = {.count = 0};
    while (!lesson_store_feed_is_current(feed))
        poll(NULL, 0, 1);
    long long before = raw_calls(raw, "xrange");
    poll(NULL, 0, 200);
    assert_in_range(raw_calls(raw, "xrange") - before, 0, 100); /* some in 50 ms, and not thousands */
    create(store, "a");
    await_events(feed, &heard, 1);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* A reader who is behind by just as many as are kept. */
static void test_behind_by_all_that_are_kept(void **state) {
    raw_server *raw = *state;
    enum { KEPT = 100 };
    lesson_store *store = raw_open_store(raw, "?feed=100");
    char position[LESSON_STORE_POSITION_SIZE];
    struct heard heard = {.count = 0};
    lesson_store_feed *feed = follow(store, NULL, NULL);
    create(store, "a");
    await_events(feed, &heard, 1);
    assert_code(lesson_store_feed_position(feed, position), OK);
    lesson_store_feed_close(feed);
    for (int i = 0; i < KEPT; i++)
        assert_code(lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET), OK);
    raw_do(raw, "XTRIM " EVENTS " MAXLEN %d", KEPT + 1);
    feed = follow(store, NULL, position);
    await_events(feed, &heard, 1 + KEPT);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static void test_trimming(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?feed=100");
    for (int i = 0; i < 1000; i++)
        assert_code(lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET), OK);
    assert_in_range(raw_number(raw, "XLEN " EVENTS), 100, 300);
    lesson_store_close(store);
}

/* Only a number says how many entries stay. With anything else all of them do, and every change is answered as it is.
 * Whoever turns the feed on writes a number again. */
static void test_how_many_are_kept_is_damaged(void **state) {
    raw_server *raw = *state;
    static const char *const values[] = {"10k", "", "-1", "nan", "99999999999999999999"};
    lesson_store *store = raw_open_store(raw, "?feed=100");
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        uint64_t found = 0;
        long long before = raw_number(raw, "XLEN " EVENTS);
        raw_do(raw, "SET STATUS:FEED %s", values[i]);
        for (int j = 0; j < 250; j++)
            assert_code(lesson_store_join(store, "ann", "c", "a", NULL, 0, NULL), OK);
        assert_int_equal(raw_number(raw, "XLEN " EVENTS), before + 250);
        assert_code(lesson_store_check(store, 0, NULL, NULL, &found, NULL), OK);
        assert_int_equal(found, i + 1 < sizeof values / sizeof *values); /* the last is a number */
    }
    raw_do(raw, "DEL STATUS:FEED");
    raw_do(raw, "RPUSH STATUS:FEED x");
    raw_make_lesson(raw, "large", "1", LARGE);
    for (int j = 0; j < 250; j++)
        assert_code(lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET), OK);
    assert_code(lesson_store_end(store, "large", 0, NULL), OK);
    raw_do(raw, "DEL STATUS:FEED");
    raw_do(raw, "SET STATUS:FEED 10k");
    turn(raw, "?feed=100");
    assert_int_equal(raw_number(raw, "EVAL %s 1 STATUS:FEED", "return tonumber(redis.call('GET', KEYS[1]))"), 100);
    lesson_store_close(store);
}

/* ---- What a step writes */

static void test_end_in_steps(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?feed=10000");
    struct heard heard = {.count = 0};
    raw_make_lesson(raw, "large", "1", LARGE);
    lesson_store_feed *feed = follow(store, NULL, NULL);
    assert_code(lesson_store_end(store, "large", 0, NULL), OK);
    while (heard.of_kind[LESSON_STORE_EVENT_END] == 0)
        assert_code(drain(feed, &heard), OK);
    /* It is closed first. Those who leave in steps have an event each, and the others leave with the end. */
    assert_int_equal(heard.of_kind[LESSON_STORE_EVENT_SET], 1);
    assert_in_range(heard.of_kind[LESSON_STORE_EVENT_QUIT], 200, LARGE);
    assert_int_equal(heard.of_cause[LESSON_STORE_CAUSE_END], heard.of_kind[LESSON_STORE_EVENT_QUIT] + 1);
    assert_int_equal(heard.count, heard.of_kind[LESSON_STORE_EVENT_QUIT] + 2);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static void expect_repair(raw_server *raw, lesson_store *store, lesson_store_feed *feed, const char *expected) {
    struct heard heard = {.count = 0};
    (void)raw;
    assert_code(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), OK);
    await_events(feed, &heard, 1);
    assert_string_equal(heard.last, expected);
}

static void test_repairs(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?feed=100");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    raw_do(raw, "SADD " MEMBERS("a") " ghost");
    expect_repair(raw, store, feed, "quit/repair a|ghost|||||0/0");
    raw_do(raw, "HSET " USER("ann") " uid ann course_id c lesson_id a session s session_lesson_id a owner w");
    expect_repair(raw, store, feed, "join/repair a|ann|c|a|s|w|0/0");
    raw_do(raw, "HSET " RECORD("half") " lesson_id half chat_status 1");
    expect_repair(raw, store, feed, "set/repair half||||||3/1");
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* The separator in a lesson that another program wrote makes no event of another user. */
static void test_separators_of_others(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?feed=100");
    struct heard heard = {.count = 0};
    raw_do(raw, "HSET " USER("ann") " uid ann course_id c lesson_id %b",
           "a\x1f"
           "victim",
           (size_t)8);
    raw_do(raw, "HSET " USER("bob") " uid bob course_id c lesson_id %b",
           "a\x1f"
           "victim",
           (size_t)8);
    lesson_store_feed *feed = follow(store, NULL, NULL);
    assert_code(lesson_store_quit(store, "ann", NULL, NULL, NULL), OK);
    assert_code(drain(feed, &heard), GAP);
    assert_code(lesson_store_join(store, "bob", "c", "b", NULL, 0, NULL), OK);
    await_events(feed, &heard, 1);
    assert_string_equal(heard.last, "join/call b|bob|c||||0/0");
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* A script of another client keeps the server busy, when a connection asks for the stream. */
static void test_busy_server(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?pool=1&failover_check_ms=10");
    struct heard heard = {.count = 0};
    turn(raw, "?feed=100");
    raw_do(raw, "CONFIG SET busy-reply-threshold 1");
    redisAppendCommand(raw->commands, "EVAL %s 0",
                       "local began = redis.call('TIME')"
                       " repeat local now = redis.call('TIME') until now[1] - began[1] >= 2");
    int done = 0;
    while (!done)
        assert_int_equal(redisBufferWrite(raw->commands, &done), REDIS_OK);
    do
        poll(NULL, 0, 20); /* the connection asks for the stream again */
    while (lesson_store_create(store, "busy", LESSON_STORE_CREATE_RESET) != LESSON_STORE_BUSY);
    redisReply *reply;
    assert_int_equal(redisGetReply(raw->commands, (void **)&reply), REDIS_OK);
    freeReplyObject(reply);
    raw_do(raw, "CONFIG SET busy-reply-threshold 5000");
    lesson_store_feed *feed = follow(raw->store, NULL, NULL);
    create(store, "after");
    await_events(feed, &heard, 1);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* The events of one batch are in entries of up to 16, and a reader goes on within one. */
static void test_position_within_an_entry(void **state) {
    raw_server *raw = *state;
    enum { JOINS = 100, AT_A_TIME = 7 };
    lesson_store *store = raw_open_store(raw, "?feed=100");
    lesson_store_operation joins[JOINS];
    char uids[JOINS][8], position[LESSON_STORE_POSITION_SIZE];
    struct heard heard = {.count = 0};
    lesson_store_feed *feed = follow(store, NULL, NULL);
    for (int i = 0; i < JOINS; i++) {
        snprintf(uids[i], sizeof uids[i], "u%d", i);
        joins[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, uids[i], "a");
    }
    assert_code(lesson_store_batch(store, joins, JOINS), OK);
    assert_int_equal(raw_number(raw, "XLEN " EVENTS), 1 + (JOINS + 15) / 16);
    for (size_t count; heard.count < JOINS;) {
        struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
        char expected[64];
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
        assert_code(lesson_store_feed_drain(feed, AT_A_TIME, hear, &heard, &count), OK);
        snprintf(expected, sizeof expected, "join/call a|u%zu|", heard.count - 1);
        assert_memory_equal(heard.last, expected, strlen(expected));
        assert_code(lesson_store_feed_position(feed, position), OK);
        lesson_store_feed_close(feed);
        feed = follow(store, NULL, position);
    }
    assert_int_equal(heard.count, JOINS);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* ---- Streams that others have changed */

/* After a failover the entry of a position can be missing, or be another one of the same name. */
static void test_other_entries(void **state) {
    raw_server *raw = *state;
    static const char *const after[] = {"XADD " EVENTS " 9-1 e C0", "XADD " EVENTS " 9-2 " O0,
                                        "XADD " EVENTS " 9-1 e C0\x1f"
                                        "b e C0\x1f"
                                        "c"};
    for (size_t i = 0; i < sizeof after / sizeof *after; i++) {
        char position[LESSON_STORE_POSITION_SIZE];
        struct heard heard = {.count = 0};
        raw_do(raw, "DEL " EVENTS);
        raw_do(raw, "XADD " EVENTS " 9-1 e C0\x1f"
                    "a");
        lesson_store_feed *feed = follow(raw->store, NULL, LESSON_STORE_POSITION_OLDEST);
        await_events(feed, &heard, 1);
        assert_code(lesson_store_feed_position(feed, position), OK);
        lesson_store_feed_close(feed);
        raw_do(raw, "DEL " EVENTS);
        raw_do(raw, after[i]);
        feed = follow(raw->store, NULL, position);
        assert_code(drain(feed, &heard), GAP);
        lesson_store_feed_close(feed);
    }
}

static void test_unreadable_events(void **state) {
    raw_server *raw = *state;
    static const char *const events[] = {
        "x",
        "C",
        "z0\x1f"
        "a",
        "Z",
        "Z0a",
        "C0",
        "C0\x1f",
        "J0\x1f"
        "a",
        "J0\x1f"
        "a\x1f",
        "C0\x1f"
        "a\x1f\x1f"
        "4",
        "C0\x1f"
        "a\x1f\x1f\x1f"
        "x",
        "C0\x1f"
        "a\x1f\x1f\x1f\x1f\x1f\x1f\x1f",
        "Cx\x1f"
        "a",
        "E0\x1f"
        "a\x1f\x1f\x1f\x1f\x1f"
        "123456789012345678901234567890",
    };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct heard heard = {.count = 0};
        raw_do(raw, "DEL " EVENTS);
        raw_do(raw, "XADD " EVENTS " 1-1 " O0);
        lesson_store_feed *feed = follow(raw->store, NULL, NULL);
        raw_do(raw, "XADD " EVENTS " 2-1 e %s", events[i]);
        int code = drain(feed, &heard);
        if (code != LESSON_STORE_GAP)
            fail_msg("%s: %s", events[i], lesson_store_code_name(code));
        raw_do(raw, "XADD " EVENTS " 3-1 e C0\x1f"
                    "sound");
        await_events(feed, &heard, 1);
        assert_string_equal(heard.last, "create/call sound||||||0/0");
        lesson_store_feed_close(feed);
    }
}

/* Events of kinds that only a later version knows are not given, and are no gap. */
static void test_later_kinds(void **state) {
    raw_server *raw = *state;
    struct heard heard = {.count = 0};
    raw_do(raw, "XADD " EVENTS " 1-1 " O0);
    lesson_store_feed *feed = follow(raw->store, NULL, NULL);
    raw_do(raw, "XADD " EVENTS " 2-1 e Z0 e A9\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f\x1f"
                "more e C0\x1f"
                "a");
    raw_do(raw, "XADD " EVENTS " 3-1 e Z0\x1f"
                "a");
    raw_do(raw, "XADD " EVENTS " 4-1 e C0\x1f"
                "b");
    await_events(feed, &heard, 2);
    assert_string_equal(heard.last, "create/call b||||||0/0");
    lesson_store_feed_close(feed);
}

/* Changes that somebody asks for fail, and what only takes out users or repairs goes on, without events. */
static void test_wrong_type(void **state) {
    raw_server *raw = *state;
    uint64_t put_out = 0, repaired = 0;
    assert_code(lesson_store_hold(raw->store, "w", 60000, 0), OK);
    assert_code(lesson_store_join_for(raw->store, "w", "ann", "c", "a", NULL, 0, NULL), OK);
    raw_do(raw, "SADD " MEMBERS("a") " ghost");
    raw_do(raw, "SET " EVENTS " text");
    lesson_store *store = raw_open_store(raw, "");
    lesson_store_operation pair[] = {raw_operation(LESSON_STORE_OPERATION_JOIN, "bob", "a"),
                                     raw_operation(LESSON_STORE_OPERATION_WHERE, "ann", NULL)};
    assert_code(lesson_store_create(store, "a", 0), MALFORMED);
    raw_assert_message(EVENTS);
    assert_code(lesson_store_join(store, "bob", "c", "a", NULL, 0, NULL), MALFORMED);
    assert_code(lesson_store_quit(store, "ann", NULL, NULL, NULL), MALFORMED);
    assert_code(lesson_store_end(store, "a", 0, NULL), MALFORMED);
    assert_code(lesson_store_batch(store, pair, 2), MALFORMED);
    assert_code(pair[0].code, MALFORMED);
    assert_code(pair[1].code, MALFORMED);
    assert_code(lesson_store_where(store, "ann", NULL), OK);
    assert_code(lesson_store_hold(store, "w", 60000, LESSON_STORE_HOLD_RENEW), OK);
    assert_code(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, &repaired), OK);
    assert_int_equal(repaired, 1);
    assert_code(lesson_store_drop(store, "w", NULL, NULL, &put_out), OK);
    assert_int_equal(put_out, 1);
    assert_int_equal(raw_number(raw, "DBSIZE"), 1);
    lesson_store_close(store);
}

/* ---- Connections that break */

static void test_connections_break(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?feed=10000");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    struct heard heard = {.count = 0};
    char lesson_id[16];
    for (size_t i = 1; i <= 100; i++) {
        snprintf(lesson_id, sizeof lesson_id, "%zu", i);
        create(store, lesson_id);
        if (i % 10 == 0)
            raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
        while (heard.count < i) { /* what drain says of a broken connection is no loss */
            struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
            assert_true(poll(&ready, 1, PATIENCE_MS) == 1);
            assert_int_not_equal(lesson_store_feed_drain(feed, 0, hear, &heard, NULL), LESSON_STORE_GAP);
        }
    }
    assert_int_equal(heard.count, 100);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* This server keeps nothing over its end. */
/* The data of the server is lost. Returns the first code that tells of it. */
static int lose_data(raw_server *raw, lesson_store_feed *feed, struct heard *heard) {
    int code;
    redis_server_kill(raw->server);
    assert_code(drain(feed, heard), UNREACHABLE);
    assert_true(redis_server_restart(raw->server));
    raw_reconnect(raw);
    while ((code = drain(feed, heard)) == LESSON_STORE_UNREACHABLE)
        ;
    return code;
}

static void expect_events_again(lesson_store *store, lesson_store_feed *feed, struct heard *heard) {
    create(store, "b");
    await_events(feed, heard, 2);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

#define HASTY "timeout_ms=500&connect_timeout_ms=500"

static void test_server_without_its_data(void **state) {
    raw_server *raw = *state;
    turn(raw, "?feed=100");
    lesson_store *store = raw_open_store(raw, "?" HASTY);
    lesson_store_feed *feed = follow(store, NULL, NULL);
    struct heard heard = {.count = 0};
    create(store, "a");
    await_events(feed, &heard, 1);
    int code = lose_data(raw, feed, &heard);
    raw_assert_code(code, LESSON_STORE_NOT_FOUND, "drain", __FILE__, __LINE__);
    turn(raw, "?feed=100");
    while ((code = lesson_store_feed_drain(feed, 0, hear, &heard, NULL)) == LESSON_STORE_NOT_FOUND)
        poll(NULL, 0, 10);
    while (code == LESSON_STORE_OK)
        code = drain(feed, &heard);
    raw_assert_code(code, LESSON_STORE_GAP, "drain", __FILE__, __LINE__);
    expect_events_again(store, feed, &heard);
}

/* A location with feed=N turns the feed on again, for those who follow and for those who begin to. */
static void test_feed_that_was_lost(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?feed=100&" HASTY);
    lesson_store_feed *feed = follow(store, NULL, NULL);
    struct heard heard = {.count = 0};
    create(store, "a");
    await_events(feed, &heard, 1);
    raw_assert_code(lose_data(raw, feed, &heard), LESSON_STORE_GAP, "drain", __FILE__, __LINE__);
    lesson_store_feed_close(feed);
    raw_do(raw, "FLUSHALL");
    expect_events_again(store, follow(store, NULL, NULL), &heard);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(on_and_off),
        TEST(learns_in_time),
        TEST(off_and_on_again),
        TEST(separators_of_others),
        TEST(busy_server),
        TEST(after_failed_greetings),
        TEST(nothing_but_the_beginning),
        TEST(behind_by_all_that_are_kept),
        TEST(trimming),
        TEST(how_many_are_kept_is_damaged),
        TEST(end_in_steps),
        TEST(repairs),
        TEST(position_within_an_entry),
        TEST(other_entries),
        TEST(unreadable_events),
        TEST(later_kinds),
        TEST(wrong_type),
        TEST(connections_break),
        TEST(server_without_its_data),
        TEST(feed_that_was_lost),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
