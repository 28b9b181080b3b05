/* A server that has reached its maxmemory: the table "A full server" of the backend's page, without a feed and with
 * one. What is refused changes nothing, and what works is done whole, with its event. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

#include <lessonstore/feed.h>

#define HOUR 3600000
#define LEASE_MS 60000

static lesson_store_operation of_kind(uint32_t kind, const char *uid, const char *lesson_id, uint32_t flags) {
    lesson_store_operation operation = raw_operation(kind, uid, lesson_id);
    operation.flags = flags;
    if (kind == LESSON_STORE_OPERATION_JOIN)
        operation.course_id = lesson_store_id_of("C");
    if (kind == LESSON_STORE_OPERATION_BAN)
        operation.ban_ms = HOUR;
    return operation;
}

#define CREATE(lesson, flags) of_kind(LESSON_STORE_OPERATION_CREATE, NULL, lesson, flags)
#define END(lesson) of_kind(LESSON_STORE_OPERATION_END, NULL, lesson, 0)
#define JOIN(uid, lesson) of_kind(LESSON_STORE_OPERATION_JOIN, uid, lesson, 0)
#define QUIT(uid) of_kind(LESSON_STORE_OPERATION_QUIT, uid, NULL, 0)
#define BAN(lesson, uid, flags) of_kind(LESSON_STORE_OPERATION_BAN, uid, lesson, flags)

static lesson_store_operation set_of(const char *lesson_id) {
    lesson_store_operation set = of_kind(LESSON_STORE_OPERATION_SET, NULL, lesson_id, 0);
    set.given = LESSON_STORE_GIVEN_CHAT_STATUS;
    set.chat_status = LESSON_STORE_CHAT_BANNED;
    return set;
}

static lesson_store_operation hold_of(const char *owner, uint32_t flags) {
    lesson_store_operation hold = of_kind(LESSON_STORE_OPERATION_HOLD, NULL, NULL, flags);
    hold.owner = lesson_store_id_of(owner);
    hold.lease_ms = LEASE_MS;
    return hold;
}

static lesson_store_operation resume_of(const char *uid, const char *lesson_id) {
    lesson_store_operation join = JOIN(uid, lesson_id);
    join.if_session = join.session = lesson_store_id_of("s1");
    return join;
}

static lesson_store_operation unban_of(const char *lesson_id, const char *uid) {
    lesson_store_operation unban = BAN(lesson_id, uid, 0);
    unban.ban_ms = 0;
    return unban;
}

static void fill(raw_server *raw) {
    raw_do(raw, "CONFIG SET maxmemory 1");
}

static void make_room(raw_server *raw) {
    raw_do(raw, "CONFIG SET maxmemory 0");
}

static void expect_full(raw_server *raw, lesson_store *store) {
    lesson_store_operation refused[] = {
        JOIN("new", "L1"),
        JOIN("ann", "L1"),
        resume_of("ann", "L1"),
        CREATE("L3", 0),
        CREATE("L1", LESSON_STORE_CREATE_RESET),
        set_of("L1"),
        BAN("L1", "ann", 0),
        BAN("L1", "new", LESSON_STORE_BAN_KICK),
        hold_of("w/1", LESSON_STORE_HOLD_RENEW),
        hold_of("w/2", 0),
    };
    enum { COUNT = sizeof refused / sizeof *refused };
    char *before = raw_dump(raw);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(lesson_store_batch(store, &refused[i], 1), LESSON_STORE_OK);
        assert_int_equal(refused[i].code, LESSON_STORE_FULL);
    }
    assert_int_equal(lesson_store_batch(store, refused, COUNT), LESSON_STORE_OK);
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(refused[i].code, LESSON_STORE_FULL);
    assert_code(lesson_store_drop(store, "w/1", NULL, NULL, NULL), FULL);
    assert_code(lesson_store_sweep(store, NULL, NULL, NULL), FULL);
    raw_expect(raw, before);
    free(before);
}

static void expect_reads(lesson_store *store) {
    lesson_store_place place;
    lesson_store_lesson lesson;
    uint64_t count = 0;
    assert_code(lesson_store_where(store, "ann", &place), OK);
    assert_string_equal(place.owner, "w/1");
    assert_code(lesson_store_get_lesson(store, "L1", &lesson), OK);
    assert_int_equal(lesson.member_count, 5);
    assert_code(lesson_store_count_members(store, "L1", &count), OK);
    assert_code(lesson_store_check(store, 0, NULL, NULL, NULL, NULL), OK);
}

/* The changes that work on a full server. */
static lesson_store_operation working(size_t number) {
    switch (number) {
    case 0:
        return JOIN("ann", "L2");
    case 1:
        return BAN("L1", "bob", LESSON_STORE_BAN_KICK);
    case 2:
        return unban_of("L1", "eve");
    case 3:
        return QUIT("cid");
    default:
        return END("L1");
    }
}
enum { WORKING = 5 };

static void make_state(lesson_store *store) {
    const char *const uids[] = {"ann", "bob", "cid", "dan", "eli"};
    assert_code(lesson_store_create(store, "L1", 0), OK);
    assert_code(lesson_store_hold(store, "w/1", LEASE_MS, 0), OK);
    for (size_t i = 0; i < sizeof uids / sizeof *uids; i++)
        assert_code(lesson_store_join_for(store, "w/1", uids[i], "C", "L1", "s1", 0, NULL), OK);
    assert_code(lesson_store_ban(store, "L1", "eve", HOUR), OK);
    assert_code(lesson_store_sweep(store, NULL, NULL, NULL), OK);
}

static void play(raw_server *raw, const char *options) {
    lesson_store *store = raw_open_store(raw, options);
    make_state(store);
    fill(raw);
    expect_full(raw, store);
    expect_reads(store);
    for (size_t i = 0; i < WORKING; i++) {
        lesson_store_operation operation = working(i);
        assert_int_equal(lesson_store_batch(store, &operation, 1), LESSON_STORE_OK);
        assert_int_equal(operation.code, LESSON_STORE_OK);
    }
    make_room(raw);
    lesson_store_close(store);
}

static void expect_left(const raw_server *raw) {
    lesson_store_place place;
    assert_code(lesson_store_where(raw->store, "ann", &place), OK);
    assert_string_equal(place.lesson_id, "L2");
    assert_code(lesson_store_where(raw->store, "bob", NULL), NOT_FOUND);
    assert_code(lesson_store_where(raw->store, "cid", NULL), NOT_FOUND);
    assert_code(lesson_store_get_lesson(raw->store, "L1", NULL), NOT_FOUND);
    uint64_t found = 0;
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, 0);
}

static void test_without_a_feed(void **state) {
    play(*state, "?pool=1");
    expect_left(*state);
}

static bool note(const lesson_store_event *event, void *context) {
    char *heard = context;
    strcat(strcat(heard, lesson_store_event_name(event->kind)), "/");
    strcat(strcat(heard, lesson_store_cause_name(event->cause)), " ");
    return true;
}

static void test_with_a_feed(void **state) {
    raw_server *raw = *state;
    lesson_store_feed *feed;
    char heard[1024] = "";
    play(raw, "?pool=1&feed=100");
    expect_left(raw);
    assert_code(lesson_store_feed_open(&feed, raw->store, NULL, LESSON_STORE_POSITION_OLDEST), OK);
    while (!lesson_store_feed_is_current(feed)) {
        struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
        assert_int_not_equal(poll(&ready, 1, 10), -1);
        assert_code(lesson_store_feed_drain(feed, 0, note, heard, NULL), OK);
    }
    assert_string_equal(heard, "create/call join/call join/call join/call join/call join/call "
                               "join/call quit/kick quit/call end/call ");
    lesson_store_feed_close(feed);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(without_a_feed), TEST(with_a_feed)};
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
