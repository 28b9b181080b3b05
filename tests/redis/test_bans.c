/* Bans in Redis: what is stored, and what other programs and large ends leave behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

#define BANS(lesson_id) "STATUS:BANS:LESSON_ID:" lesson_id
#define HOUR 3600000
#define UNLESS_BANNED LESSON_STORE_JOIN_UNLESS_BANNED

static int join(raw_server *raw, const char *uid, const char *lesson_id) {
    return lesson_store_join(raw->store, uid, "C", lesson_id, NULL, UNLESS_BANNED, NULL);
}

static bool count(const lesson_store_banned *banned, void *context) {
    assert_true(banned->left_ms > 0);
    ++*(int *)context;
    return true;
}

static int count_bans(raw_server *raw, const char *lesson_id) {
    int met = 0;
    assert_code(lesson_store_bans(raw->store, lesson_id, count, &met), OK);
    return met;
}

/* The keys appear with the first ban, and go with the lesson. */
static void test_stored_form(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(join(raw, "ann", "L1"), OK);
    assert_code(lesson_store_unban(raw->store, "L1", "ann"), OK);
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C\n  lesson_id=L1\n"
                                        "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                             "set " MEMBERS("L1") "\n  ann\n");
    long long before = raw_number(raw, "EVAL %s 0", "return tonumber(redis.call('TIME')[1])");
    assert_code(lesson_store_kick(raw->store, "L1", "ann", HOUR, NULL), OK);
    long long until = raw_number(raw, "EVAL %s 0", "return redis.call('ZSCORE', '" BANS("L1") "', 'ann') / 1000");
    assert_in_range(until - before, HOUR / 1000, HOUR / 1000 + 60);
    raw_do(raw, "ZADD " BANS("L1") " 9999999999999 ann");
    raw_expect(raw, "zset " BANS("L1") "\n  ann=9999999999999\n"
                                       "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                            "  bans=1\n");
    assert_code(lesson_store_unban(raw->store, "L1", "ann"), OK);
    raw_expect(raw, "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n  bans=1\n");
    assert_code(lesson_store_ban(raw->store, "L1", "ann", HOUR), OK);
    assert_code(lesson_store_end(raw->store, "L1", 0, NULL), OK);
    raw_expect(raw, "");
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_ban(raw->store, "L1", "ann", HOUR), OK);
    assert_code(lesson_store_end(raw->store, "L1", LESSON_STORE_END_RECORD_ONLY, NULL), OK);
    raw_expect(raw, "");
}

/* Others remove the record, and may make another one. The bans that they leave behind count for nothing, and the next
 * ban removes them. */
static void test_bans_left_behind(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_ban(raw->store, "L1", "ann", HOUR), OK);
    raw_do(raw, "DEL " RECORD("L1"));
    assert_code(join(raw, "ann", "L1"), OK);
    assert_int_equal(count_bans(raw, "L1"), 0);
    raw_do(raw, "HSET " RECORD("L1") " lesson_id L1 course_status 1 chat_status 0");
    assert_code(join(raw, "ann", "L1"), OK);
    assert_int_equal(count_bans(raw, "L1"), 0);
    assert_int_equal(raw_number(raw, "ZCARD " BANS("L1")), 1);
    assert_code(lesson_store_ban(raw->store, "L1", "bob", HOUR), OK);
    assert_int_equal(raw_number(raw, "ZCARD " BANS("L1")), 1);
    assert_code(join(raw, "ann", "L1"), OK);
    assert_code(join(raw, "bob", "L1"), REFUSED);
    raw_do(raw, "DEL " RECORD("L1"));
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(join(raw, "bob", "L1"), OK);
}

/* Those that have run out go when a ban is made, a hundred at a time. */
static void test_bans_that_have_run_out(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_ban(raw->store, "L1", "ann", HOUR), OK);
    raw_do(raw, "EVAL %s 1 " BANS("L1"), "for i = 1, 150 do redis.call('ZADD', KEYS[1], 1000 + i, 'old' .. i) end");
    assert_code(join(raw, "old7", "L1"), OK);
    assert_int_equal(count_bans(raw, "L1"), 1);
    assert_code(lesson_store_ban(raw->store, "L1", "bob", HOUR), OK);
    assert_int_equal(raw_number(raw, "ZCARD " BANS("L1")), 52);
    assert_code(lesson_store_ban(raw->store, "L1", "bob", HOUR), OK);
    assert_int_equal(raw_number(raw, "ZCARD " BANS("L1")), 2);
}

/* In steps too, the bans go with the record. */
static void test_large_end(void **state) {
    raw_server *raw = *state;
    enum { LARGE = 1700 };
    uint64_t left;
    raw_make_lesson(raw, "L1", "1", LARGE);
    assert_code(lesson_store_ban(raw->store, "L1", "ann", HOUR), OK);
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, LARGE);
    raw_expect(raw, "");
}

static void test_wrong_types(void **state) {
    raw_server *raw = *state;
    int met = 0;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(join(raw, "ann", "L1"), OK);
    assert_code(lesson_store_ban(raw->store, "L1", "bob", HOUR), OK);
    raw_do(raw, "SET " BANS("L1") " text");
    char *before = raw_dump(raw);
    assert_code(lesson_store_ban(raw->store, "L1", "ann", HOUR), MALFORMED);
    assert_code(lesson_store_kick(raw->store, "L1", "ann", HOUR, NULL), MALFORMED);
    assert_code(lesson_store_unban(raw->store, "L1", "bob"), MALFORMED);
    assert_code(join(raw, "bob", "L1"), MALFORMED);
    assert_code(lesson_store_bans(raw->store, "L1", count, &met), MALFORMED);
    assert_code(lesson_store_end(raw->store, "L1", 0, NULL), MALFORMED);
    assert_code(lesson_store_end(raw->store, "L1", LESSON_STORE_END_RECORD_ONLY, NULL), MALFORMED);
    raw_expect(raw, before);
    raw_do(raw, "DEL " BANS("L1"));
    raw_do(raw, "ZADD " BANS("L1") " 9999999999999 %b", "\x1b[0m", (size_t)4);
    assert_code(lesson_store_bans(raw->store, "L1", count, &met), MALFORMED);
    assert_int_equal(met, 0);
    raw_do(raw, "DEL " MEMBERS("L1"));
    raw_do(raw, "SET " MEMBERS("L1") " text");
    assert_code(lesson_store_kick(raw->store, "L1", "ann", HOUR, NULL), MALFORMED);
    raw_do(raw, "SET " RECORD("L1") " text");
    assert_code(lesson_store_ban(raw->store, "L1", "ann", HOUR), MALFORMED);
    assert_code(join(raw, "bob", "L1"), MALFORMED);
    raw_do(raw, "DEL " RECORD("L1"));
    raw_do(raw, "HSET " RECORD("L1") " lesson_id L1 course_status 3 chat_status 0 bans 1");
    raw_do(raw, "SET " USER("ann") " text");
    assert_code(lesson_store_kick(raw->store, "L1", "ann", HOUR, NULL), MALFORMED);
    free(before);
}

/* Who is in the lesson by their record, but not in its set, leaves too. */
static void test_kick_of_a_missing_member(void **state) {
    raw_server *raw = *state;
    lesson_store_place left;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(join(raw, "ann", "L1"), OK);
    raw_do(raw, "DEL " MEMBERS("L1"));
    assert_code(lesson_store_kick(raw->store, "L1", "ann", HOUR, &left), OK);
    assert_string_equal(left.lesson_id, "L1");
    assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(stored_form), TEST(bans_left_behind), TEST(bans_that_have_run_out),
        TEST(large_end),   TEST(wrong_types),      TEST(kick_of_a_missing_member),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
