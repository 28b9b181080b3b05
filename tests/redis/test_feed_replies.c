/*
 * Replies to the reading of events that are cut, malformed or lost: no event is lost or given twice, no malformed reply
 * is taken for events or for their absence, and what is still under way is never taken for a later reply.
 *
 * Most tests call the backend as the thread of the feeds does, so that each page begins when the test says so.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <core/core.h>
#include <lessonstore/feed.h>

#include "follow.h"
#include "raw.h"

#define EVENTS "STATUS:EVENTS"
#define SEPARATOR "\x1f"
#define A "C0" SEPARATOR "a"
#define B "C0" SEPARATOR "b"
#define C "C0" SEPARATOR "c"

enum { MOST = 512, WAIT_MS = 50, PATIENCE_MS = 60000 };

/* ---- A reader */

struct reader {
    lesson_store *store;
    lesson_store_event_position position;
    size_t room; /* events that it takes */
    size_t count;
    char lessons[64]; /* the first byte of each event's lesson */
};

static bool is_behind(const lesson_store_event_position *a, const lesson_store_event_position *b) {
    for (int i = 0; i < 3; i++) {
        if (a->words[i] != b->words[i])
            return a->words[i] > b->words[i];
    }
    return false;
}

static bool take(const lesson_store_event *event, const lesson_store_event_position *behind, void *context) {
    struct reader *reader = context;
    if (reader->count == reader->room)
        return false;
    assert_true(is_behind(behind, &reader->position));
    reader->position = *behind;
    if (event->kind && reader->count < sizeof reader->lessons - 1)
        strncat(reader->lessons, event->lesson_id.data, 1);
    reader->count++;
    return true;
}

/* A page, as core asks for it. */
static int read_page(struct reader *reader, int64_t wait_ms) {
    lesson_store_instance *instance = reader->store->pool.slots[0].instance;
    lesson_store_event_position position = reader->position;
    instance->deadline_us = lesson_store_monotonic_us() + reader->store->pool.call_timeout_us;
    int code = reader->store->backend.events(instance, &position, MOST, wait_ms, take, reader);
    if (code == LESSON_STORE_GAP)
        reader->position = position;
    else
        assert_memory_equal(&position, &reader->position, sizeof position);
    return code;
}

static void expect_lessons(struct reader *reader, int64_t wait_ms, const char *lessons) {
    assert_code(read_page(reader, wait_ms), OK);
    assert_string_equal(reader->lessons, lessons);
}

static void write_stream(raw_server *raw) {
    raw_do(raw, "DEL " EVENTS);
    raw_do(raw, "XADD " EVENTS " 1-1 e O0");
    raw_do(raw, "XADD " EVENTS " 2-1 e " A " e " B);
    raw_do(raw, "XADD " EVENTS " 3-1 e " C);
}

/* Behind the first of the two events of an entry. */
static struct reader reader_within_an_entry(raw_server *raw) {
    struct reader reader = {.store = raw->store, .room = 3}; /* the beginning, "on" and the first */
    expect_lessons(&reader, 0, "a");
    reader.room = SIZE_MAX;
    reader.lessons[0] = '\0';
    return reader;
}

/* ---- Cuts */

/* The connection ends at each byte of the three replies: that to XREAD, the page, and the entry of the position. */
static void test_replies_cut_at_each_byte(void **state) {
    raw_server *raw = *state;
    write_stream(raw);
    const struct reader start = reader_within_an_entry(raw);
    size_t cut = 0;
    for (int code = LESSON_STORE_FAILED; code; cut++) {
        struct reader reader = start;
        int connections = false_server_connections(raw->between);
        false_server_break(raw->between, CUT, REPLIES, cut);
        code = read_page(&reader, WAIT_MS);
        if (code) {
            raw_assert_code(code, LESSON_STORE_UNREACHABLE, "events", __FILE__, __LINE__);
            assert_int_equal(reader.count, start.count);
            expect_lessons(&reader, WAIT_MS, "bc");
            assert_int_equal(false_server_connections(raw->between), connections + 1);
        }
        assert_string_equal(reader.lessons, "bc");
    }
    assert_in_range(cut, 150, 250);
}

/* With the last byte too: then the replies are lost with the connection. */
static void test_requests_cut_at_each_byte(void **state) {
    raw_server *raw = *state;
    write_stream(raw);
    const struct reader start = reader_within_an_entry(raw);
    size_t cut = 0;
    for (int code = LESSON_STORE_FAILED; code; cut++) {
        struct reader reader = start;
        false_server_break(raw->between, CUT, REQUESTS, cut);
        code = read_page(&reader, WAIT_MS);
        if (code) {
            raw_assert_code(code, LESSON_STORE_UNREACHABLE, "events", __FILE__, __LINE__);
            assert_int_equal(reader.count, start.count);
            expect_lessons(&reader, WAIT_MS, "bc");
        }
        assert_string_equal(reader.lessons, "bc");
    }
    false_server_play(raw->between, PASS_ON);
    assert_in_range(cut, 150, 350);
}

static void test_replies_in_pieces(void **state) {
    raw_server *raw = *state;
    write_stream(raw);
    struct reader reader = reader_within_an_entry(raw);
    false_server_play(raw->between, CHOP);
    expect_lessons(&reader, WAIT_MS, "bc");
    expect_lessons(&reader, WAIT_MS, "bc");
    false_server_play(raw->between, PASS_ON);
}

/* The replies, or the rest of them, come when nobody waits for them any more. */
static void test_replies_too_late(void **state) {
    raw_server *raw = *state;
    write_stream(raw);
    const struct reader start = reader_within_an_entry(raw);
    for (size_t held = 0; held < 150; held += 30) {
        struct reader reader = start;
        false_server_break(raw->between, HOLD, REPLIES, held);
        assert_code(read_page(&reader, WAIT_MS), UNREACHABLE);
        raw_assert_message("did not reply within");
        false_server_play(raw->between, PASS_ON);
        assert_int_equal(reader.count, start.count);
        expect_lessons(&reader, WAIT_MS, "bc");
    }
}

/* ---- Malformed replies */

#define NOTHING "*0\r\n"
#define WAIT_OVER "*-1\r\n"
#define NAME(name) "$3\r\n" name "\r\n"
#define FIELD "$1\r\ne\r\n"
#define EVENT(event) FIELD "$4\r\n" event "\r\n"
#define ONE(name, event) "*2\r\n" NAME(name) "*2\r\n" EVENT(event)
#define TWO(name, first, second) "*2\r\n" NAME(name) "*4\r\n" EVENT(first) EVENT(second)
#define PAGE "*1\r\n" ONE("3-1", C)
#define ENTRY "*1\r\n" TWO("2-1", A, B)

struct wrong {
    const char *replies[4]; /* to XREAD, for the page, and for the entry of the position */
    const char *lessons;    /* of the events that are in a well-formed entry */
};

static void expect_failure(raw_server *raw, struct reader reader, int64_t wait_ms, const struct wrong *wrong,
                           const char *rest) {
    const char *const *replies = wrong->replies;
    int connections = false_server_connections(raw->between);
    char all[8];
    false_server_answer_in_turn(raw->between, replies);
    int code = read_page(&reader, wait_ms);
    if (code != LESSON_STORE_FAILED || strcmp(reader.lessons, wrong->lessons) != 0)
        fail_msg("%s|%s|%s became %s with the events %s", replies[0], replies[1], replies[2] ? replies[2] : "",
                 lesson_store_code_name(code), reader.lessons);
    raw_assert_message("malformed");
    false_server_play(raw->between, PASS_ON);
    snprintf(all, sizeof all, "%s%s", wrong->lessons, rest + strlen(wrong->lessons));
    expect_lessons(&reader, WAIT_MS, all);
    assert_int_equal(false_server_connections(raw->between), connections + 1);
}

static void test_malformed_replies(void **state) {
    raw_server *raw = *state;
    static const struct wrong wrong[] = {
        /* to XREAD */
        {{"+OK\r\n", PAGE, ENTRY}, ""},
        {{":0\r\n", PAGE, ENTRY}, ""},
        {{"$0\r\n\r\n", PAGE, ENTRY}, ""},
        /* the entry of the position */
        {{WAIT_OVER, PAGE, "$-1\r\n"}, ""},
        {{WAIT_OVER, PAGE, "*-1\r\n"}, ""},
        {{WAIT_OVER, PAGE, ":0\r\n"}, ""},
        {{WAIT_OVER, PAGE, "+OK\r\n"}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n*0\r\n"}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n" TWO("1-1", A, B)}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n" TWO("2-2", A, B)}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n" TWO("4-1", A, B)}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n" TWO("2.1", A, B)}, ""},
        {{WAIT_OVER, PAGE, "*2\r\n" TWO("2-1", A, B) ONE("3-1", C)}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n*2\r\n" NAME("2-1") "*0\r\n"}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n*2\r\n" NAME("2-1") "*1\r\n" FIELD}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n*2\r\n" NAME("2-1") "*3\r\n" EVENT(A) FIELD}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n*2\r\n" NAME("2-1") "*4\r\n" EVENT(A) FIELD ":7\r\n"}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n*2\r\n" NAME("2-1") "*4\r\n" EVENT(A) FIELD "$-1\r\n"}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n*2\r\n" NAME("2-1") "*4\r\n" EVENT(A) "$-1\r\n$4\r\n" B "\r\n"}, ""},
        {{WAIT_OVER, PAGE, "*2\r\n" NAME("2-1") "*4\r\n" EVENT(A) EVENT(B)}, ""},
        {{WAIT_OVER, PAGE, "*1\r\n*5\r\n" NAME("2-1") EVENT(A) EVENT(B)}, ""},
        /* the page */
        {{WAIT_OVER, "$-1\r\n", ENTRY}, "b"},
        {{WAIT_OVER, "*-1\r\n", ENTRY}, "b"},
        {{WAIT_OVER, ":0\r\n", ENTRY}, "b"},
        {{WAIT_OVER, "+OK\r\n", ENTRY}, "b"},
        {{WAIT_OVER, "*1\r\n*0\r\n", ENTRY}, "b"},
        {{WAIT_OVER, ENTRY, ENTRY}, "b"},
        {{WAIT_OVER, "*1\r\n" ONE("1-9", C), ENTRY}, "b"},
        {{WAIT_OVER, "*1\r\n" ONE("2-0", C), ENTRY}, "b"},
        {{WAIT_OVER, "*1\r\n" ONE("3-x", C), ENTRY}, "b"},
        {{WAIT_OVER, "*2\r\n" ONE("3-1", C) ONE("3-1", C), ENTRY}, "bc"},
        {{WAIT_OVER, "*1\r\n*2\r\n" NAME("3-1") "*3\r\n" EVENT(C) FIELD, ENTRY}, "b"},
        /* all moved on by one: the reply to the request before is late */
        {{NOTHING, WAIT_OVER, PAGE}, ""},
    };
    write_stream(raw);
    const struct reader start = reader_within_an_entry(raw);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_failure(raw, start, WAIT_MS, &wrong[i], "bc");
}

/* The page is all that counts before the oldest event. */
static void test_malformed_replies_at_the_beginning(void **state) {
    raw_server *raw = *state;
    static const struct wrong wrong[] = {
        {{"$-1\r\n", NOTHING}, ""},
        {{"*-1\r\n", NOTHING}, ""},
        {{"*1\r\n*0\r\n", NOTHING}, ""},
        {{"*1\r\n" ONE("0-0", A), NOTHING}, ""},
        {{"*2\r\n" TWO("2-1", A, B) NAME("3-1"), NOTHING}, "ab"},
    };
    const struct reader start = {.store = raw->store, .room = SIZE_MAX};
    write_stream(raw);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        expect_failure(raw, start, 0, &wrong[i], "abc");
}

/* An error in the place of one reply: nothing is given, and the connection stays, because all replies came. */
static void test_errors_among_the_replies(void **state) {
    raw_server *raw = *state;
    static const char loading[] = "-LOADING Redis is loading the dataset in memory\r\n";
    static const char denied[] = "-NOPERM this user has no permissions to run the 'xread' command\r\n";
    static const struct {
        const char *replies[4];
        int code, connections;
    } refused[] = {
        {{denied, PAGE, ENTRY}, LESSON_STORE_DENIED, 0},
        {{WAIT_OVER, denied, ENTRY}, LESSON_STORE_DENIED, 0},
        {{WAIT_OVER, PAGE, denied}, LESSON_STORE_DENIED, 0},
        {{WAIT_OVER, PAGE, loading}, LESSON_STORE_UNREACHABLE, 1},
    };
    write_stream(raw);
    const struct reader start = reader_within_an_entry(raw);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct reader reader = start;
        int connections = false_server_connections(raw->between);
        false_server_answer_in_turn(raw->between, refused[i].replies);
        raw_assert_code(read_page(&reader, WAIT_MS), refused[i].code, "events", __FILE__, __LINE__);
        false_server_play(raw->between, PASS_ON);
        assert_int_equal(reader.count, start.count);
        expect_lessons(&reader, WAIT_MS, "bc");
        assert_int_equal(false_server_connections(raw->between), connections + refused[i].connections);
    }
}

/* ---- Pages */

/* Before all events of the oldest entry, and only as long as that is there. */
static void test_the_beginning(void **state) {
    raw_server *raw = *state;
    struct reader reader = {.store = raw->store, .room = 1};
    raw_do(raw, "XADD " EVENTS " 2-1 e " A " e " B);
    expect_lessons(&reader, 0, "");
    assert_int_equal(reader.count, 1);
    reader.room = SIZE_MAX;
    const struct reader start = reader;
    expect_lessons(&reader, 0, "ab");
    raw_do(raw, "XADD " EVENTS " 3-1 e " C);
    raw_do(raw, "XDEL " EVENTS " 2-1");
    reader = start;
    assert_code(read_page(&reader, 0), GAP);
}

/* Sixteen events in an entry, then one: a page has about as many events as were asked for. The first of all is the
 * beginning. */
static void test_pages_of_large_and_small_entries(void **state) {
    raw_server *raw = *state;
    static const char write[] = "local fields = {}"
                                " for i = 1, ARGV[1] do fields[2 * i - 1], fields[2 * i] = 'e', ARGV[3] end"
                                " for i = 1, ARGV[2] do redis.call('XADD', KEYS[1], '*', unpack(fields)) end"
                                " return redis.call('XLEN', KEYS[1])";
    struct reader reader = {.store = raw->store, .room = SIZE_MAX};
    size_t pages[12] = {0}, given = 0;
    assert_int_equal(raw_number(raw, "EVAL %s 1 " EVENTS " 16 128 %s", write, A), 128);
    assert_int_equal(raw_number(raw, "EVAL %s 1 " EVENTS " 1 1000 %s", write, A), 1128);
    for (size_t i = 0; given < 1 + 128 * 16 + 1000; given = reader.count, i++) {
        assert_in_range(i, 0, 11);
        assert_code(read_page(&reader, 0), OK);
        pages[i] = reader.count - given;
    }
    assert_int_equal(reader.count, 1 + 128 * 16 + 1000);
    assert_int_equal(pages[0], 1 + 64 * 16);
    assert_int_equal(pages[1], 32 * 16);
    assert_int_equal(pages[2], 32 * 16);
    assert_int_equal(pages[3], 32);
    assert_int_equal(pages[4], 64);
    assert_int_equal(pages[7], MOST);
}

/* ---- Entries that no script writes */

/* It cannot be read, and so it is a gap, behind which the reader goes on. */
static void test_fields_of_others(void **state) {
    raw_server *raw = *state;
    static const struct {
        const char *write, *lessons;
    } others[] = {
        {"XADD " EVENTS " 9-1 x " A, "bc"},
        {"XADD " EVENTS " 9-1 e " A " x " B, "bca"},
        {"XADD " EVENTS " 9-1 e " A " E " B " e " C, "bca"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        write_stream(raw);
        struct reader reader = reader_within_an_entry(raw);
        raw_do(raw, others[i].write);
        assert_code(read_page(&reader, 0), GAP);
        assert_string_equal(reader.lessons, others[i].lessons);
        raw_do(raw, "XADD " EVENTS " 9-2 e " A);
        reader.lessons[0] = '\0';
        expect_lessons(&reader, 0, "a");
    }
}

/* There is no number behind that of the entry. */
static void test_highest_name(void **state) {
    raw_server *raw = *state;
    struct reader reader = {.store = raw->store, .room = SIZE_MAX};
    raw_do(raw, "XADD " EVENTS " 5-18446744073709551615 e " A);
    expect_lessons(&reader, 0, "a");
    expect_lessons(&reader, WAIT_MS, "a");
    raw_do(raw, "XADD " EVENTS " 6-1 e " B);
    expect_lessons(&reader, WAIT_MS, "ab");
}

/* No sign, no blank, no zero byte, and no number that is too large counts as a number. */
static void test_numbers_of_others(void **state) {
    raw_server *raw = *state;
    static const char *const counts[] = {"-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "99999999999999999999"};
    char event[64];
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        write_stream(raw);
        struct reader reader = reader_within_an_entry(raw);
        snprintf(event, sizeof event, "E0\x1f%s\x1f\x1f\x1f\x1f\x1f%s", "a", counts[i]);
        raw_do(raw, "XADD " EVENTS " 9-1 e %s", event);
        int code = read_page(&reader, 0);
        if (code != LESSON_STORE_GAP || strcmp(reader.lessons, "bc") != 0)
            fail_msg("\"%s\": %s", counts[i], lesson_store_code_name(code));
    }
    write_stream(raw);
    struct reader reader = reader_within_an_entry(raw);
    raw_do(raw, "XADD " EVENTS " 9-1 e %b",
           "C0\x1f"
           "a\x1f\x1f"
           "1\0x",
           (size_t)9);
    assert_code(read_page(&reader, 0), GAP);
}

/* ---- The feed */

struct heard {
    size_t count;
    char lessons[64];
};

static bool hear(const lesson_store_event *event, void *context) {
    struct heard *heard = context;
    if (heard->count++ < sizeof heard->lessons - 1)
        strncat(heard->lessons, event->lesson_id.data, 1);
    return true;
}

/* Returns the code of the first drain that has anything to say. */
static int drain(lesson_store_feed *feed, struct heard *heard) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    return lesson_store_feed_drain(feed, 0, hear, heard, NULL);
}

/* All events that were written, each once and in order, and none after them. */
static void expect_events(lesson_store_feed *feed, struct heard *heard, const char *lessons) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    while (strlen(heard->lessons) < strlen(lessons))
        assert_code(drain(feed, heard), OK);
    assert_int_equal(poll(&ready, 1, 20), 0);
    assert_string_equal(heard->lessons, lessons);
    assert_int_equal(heard->count, strlen(lessons));
}

/* Closes the connection of the reader while it waits in XREAD. */
static void kill_reader(raw_server *raw) {
    for (int killed = 0; killed == 0; poll(NULL, 0, 1)) {
        redisReply *list = redisCommand(raw->commands, "CLIENT LIST TYPE normal");
        assert_non_null(list);
        char *rest = list->str;
        for (char *line; killed == 0 && (line = strsep(&rest, "\n"));) {
            if (strstr(line, " flags=b") && strstr(line, " cmd=xread "))
                killed = (int)raw_number(raw, "CLIENT KILL ID %lld", atoll(line + strlen("id=")));
        }
        freeReplyObject(list);
    }
}

static void test_killed_while_it_waits(void **state) {
    raw_server *raw = *state;
    struct heard heard = {.count = 0};
    write_stream(raw);
    lesson_store_feed *feed = follow(raw->store, NULL, LESSON_STORE_POSITION_OLDEST);
    expect_events(feed, &heard, "abc");
    for (int i = 0; i < 3; i++) {
        kill_reader(raw);
        assert_code(drain(feed, &heard), UNREACHABLE);
        while (lesson_store_feed_drain(feed, 0, hear, &heard, NULL) == LESSON_STORE_UNREACHABLE)
            poll(NULL, 0, 1);
    }
    kill_reader(raw);
    raw_do(raw, "XADD " EVENTS " 9-1 e " A);
    assert_code(drain(feed, &heard), UNREACHABLE);
    expect_events(feed, &heard, "abca");
    lesson_store_feed_close(feed);
}

static void test_paused_server(void **state) {
    raw_server *raw = *state;
    struct heard heard = {.count = 0};
    write_stream(raw);
    lesson_store *store = raw_open_store(raw, "?pool=1&timeout_ms=100");
    lesson_store_feed *feed = follow(store, NULL, LESSON_STORE_POSITION_OLDEST);
    expect_events(feed, &heard, "abc");
    raw_do(raw, "CLIENT PAUSE 500 ALL");
    assert_code(drain(feed, &heard), UNREACHABLE);
    raw_assert_message("did not reply within");
    raw_do(raw, "XADD " EVENTS " 9-1 e " A);
    expect_events(feed, &heard, "abca");
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* The false server serves one connection after another: that of the store first, and then that of the reader. */
static lesson_store_feed *follow_behind(raw_server *raw) {
    lesson_store_feed *feed = follow(raw->store, NULL, LESSON_STORE_POSITION_OLDEST);
    false_server_play(raw->between, CLOSE_NOW);
    return feed;
}

static void test_garbled_while_it_waits(void **state) {
    raw_server *raw = *state;
    struct heard heard = {.count = 0};
    write_stream(raw);
    lesson_store_feed *feed = follow_behind(raw);
    expect_events(feed, &heard, "abc");
    int connections = false_server_connections(raw->between);
    false_server_garble(raw->between, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_code(drain(feed, &heard), FAILED);
    raw_assert_message("Protocol error");
    raw_do(raw, "XADD " EVENTS " 9-1 e " A);
    expect_events(feed, &heard, "abca");
    assert_int_equal(false_server_connections(raw->between), connections + 1);
    lesson_store_feed_close(feed);
}

/* ---- The question whether there are events, ahead of a request */

static lesson_store *open_behind(raw_server *raw, const char *options) {
    char location[512];
    lesson_store *store;
    snprintf(location, sizeof location, "%s%s", false_server_location(raw->between), options);
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

static int create_when_due(lesson_store *store) {
    poll(NULL, 0, 11);
    return lesson_store_create(store, "d", LESSON_STORE_CREATE_RESET);
}

/* The replies to ROLE, to the question, and to the write end at each byte. What was executed has its event. */
static void test_question_cut_at_each_byte(void **state) {
    raw_server *raw = *state;
    write_stream(raw);
    lesson_store *store = open_behind(raw, "&failover_check_ms=10");
    assert_code(create_when_due(store), OK);
    long long calls = raw_calls(raw, "evalsha"), events = raw_number(raw, "XLEN " EVENTS);
    size_t cut = 0;
    for (int code = LESSON_STORE_FAILED; code; cut++) {
        false_server_break(raw->between, CUT, REPLIES, cut);
        code = create_when_due(store);
        if (code)
            raw_assert_code(code, LESSON_STORE_UNKNOWN, "create", __FILE__, __LINE__);
        assert_code(create_when_due(store), OK);
    }
    assert_in_range(cut, 30, 60);
    assert_int_equal(raw_number(raw, "XLEN " EVENTS) - events, raw_calls(raw, "evalsha") - calls);
    assert_in_range(raw_number(raw, "XLEN " EVENTS) - events, cut, 2 * cut);
    lesson_store_close(store);
}

/* An answer that is no number does not say that the feed is off. */
static void test_garbled_answer_to_the_question(void **state) {
    raw_server *raw = *state;
    static const char *const answers[] = {"+OK\r\n", "$-1\r\n", "*0\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const char *const replies[] = {"*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n", answers[i],
                                       "*6\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n", NULL};
        write_stream(raw);
        lesson_store *store = open_behind(raw, "&failover_check_ms=500");
        poll(NULL, 0, 510);
        false_server_answer_in_turn(raw->between, replies);
        assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
        false_server_play(raw->between, PASS_ON);
        assert_code(lesson_store_create(store, "d", LESSON_STORE_CREATE_RESET), OK);
        assert_int_equal(raw_number(raw, "XLEN " EVENTS), 4);
        lesson_store_close(store);
    }
}

/* Uses a store of its own, because the false server serves only one connection at a time. */
static int start_alone(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "FLUSHALL");
    raw->between = false_server_start(redis_server_socket(raw->server));
    return 0;
}

static int stop_alone(void **state) {
    raw_server *raw = *state;
    false_server_stop(raw->between);
    raw->between = NULL;
    return 0;
}

#define TEST_ALONE(name) cmocka_unit_test_setup_teardown(test_##name, start_alone, stop_alone)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST_BEHIND(replies_cut_at_each_byte),
        TEST_BEHIND(requests_cut_at_each_byte),
        TEST_BEHIND(replies_in_pieces),
        TEST_BEHIND(replies_too_late),
        TEST_BEHIND(malformed_replies),
        TEST_BEHIND(malformed_replies_at_the_beginning),
        TEST_BEHIND(errors_among_the_replies),
        TEST(the_beginning),
        TEST(pages_of_large_and_small_entries),
        TEST(fields_of_others),
        TEST(highest_name),
        TEST(numbers_of_others),
        TEST(killed_while_it_waits),
        TEST(paused_server),
        TEST_BEHIND(garbled_while_it_waits),
        TEST_ALONE(question_cut_at_each_byte),
        TEST_ALONE(garbled_answer_to_the_question),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
