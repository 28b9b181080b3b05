/* The lists with more than a page of keys: their memory, stopping early, and odd data among the entries. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

#include <lessonstore/backend.h>

/* Sends `count` commands made from one number each, and waits for their replies. */
static void fill(raw_server *raw, const char *format, int count) {
    for (int i = 0; i < count; i++)
        redisAppendCommand(raw->commands, format, i, i, i);
    for (int i = 0; i < count; i++) {
        redisReply *reply;
        assert_int_equal(redisGetReply(raw->commands, (void **)&reply), REDIS_OK);
        assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
        freeReplyObject(reply);
    }
}

/* ---- Which of the numbered entries were given, and how often */

enum { NUMBERS_MAX = 100000 };

struct given {
    unsigned char times[NUMBERS_MAX];
    size_t count;
    size_t stop_after; /* 0: never */
    size_t heap_before;
    size_t heap_most;
};

static struct given *new_given(void) {
    struct given *given = calloc(1, sizeof *given);
    assert_non_null(given);
    return given;
}

static bool give(struct given *given, lesson_store_id id) {
    char text[LESSON_STORE_ID_MAX + 1];
    lesson_store_id_copy(text, id);
    const char *digits = strpbrk(text, "0123456789");
    assert_non_null(digits);
    long number = atol(digits);
    assert_in_range(number, 0, NUMBERS_MAX - 1);
    given->times[number]++;
    return ++given->count != given->stop_after;
}

static void expect_each_once(const struct given *given, size_t count) {
    assert_int_equal(given->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(given->times[i], 1);
}

static bool give_member(const lesson_store_id *uid, void *context) {
    struct given *given = context;
    if (given->count % 100 == 0) {
        size_t heap = mallinfo2().uordblks;
        if (heap > given->heap_most)
            given->heap_most = heap;
    }
    return give(given, *uid);
}

static bool give_lesson(const lesson_store_lesson *lesson, void *context) {
    return give(context, lesson->lesson_id);
}

static bool give_user(const lesson_store_user *user, void *context) {
    return give(context, user->uid);
}

/* ---- Members */

enum { AT_ONCE = 10000 }; /* members that are listed by one command */

static void test_many_members(void **state) {
    raw_server *raw = *state;
    struct given *given = new_given();
    fill(raw, "SADD " MEMBERS("L1") " user-%d", AT_ONCE);
    given->heap_before = mallinfo2().uordblks;
    assert_code(lesson_store_members(raw->store, "L1", give_member, given), OK);
    expect_each_once(given, AT_ONCE);
    assert_int_equal(raw_calls(raw, "sscan"), 0);
    if (given->heap_before > 0) /* the allocators of sanitizers do not count */
        assert_in_range(given->heap_most - given->heap_before, 1, 64 * 1024);
    free(given);
}

static void test_stopping_among_many_members(void **state) {
    raw_server *raw = *state;
    struct given *given = new_given();
    uint64_t count;
    fill(raw, "SADD " MEMBERS("L1") " user-%d", NUMBERS_MAX);
    given->stop_after = 10;
    long long connections = raw_calls(raw, "hello");
    assert_code(lesson_store_members(raw->store, "L1", give_member, given), OK);
    assert_int_equal(given->count, 10);
    assert_code(lesson_store_count_members(raw->store, "L1", &count), OK);
    assert_int_equal(count, NUMBERS_MAX);
    assert_int_equal(raw_calls(raw, "hello"), connections); /* still on the same connection */
    free(given);
}

static void test_members_that_are_no_ids(void **state) {
    raw_server *raw = *state;
    struct given *given = new_given();
    raw_do(raw, "SADD " MEMBERS("L1") " user-0 user-1");
    raw_do(raw, "SADD " MEMBERS("L1") " %b", "\xff", (size_t)1);
    raw_do(raw, "SADD " MEMBERS("L1") " %b", "a\nb", (size_t)3);
    assert_code(lesson_store_members(raw->store, "L1", give_member, given), MALFORMED);
    raw_assert_message("2 malformed entries were not listed");
    expect_each_once(given, 2);
    free(given);
}

static void test_members_of_a_wrong_type(void **state) {
    raw_server *raw = *state;
    struct given *given = new_given();
    raw_do(raw, "SET " MEMBERS("L1") " text");
    assert_code(lesson_store_members(raw->store, "L1", give_member, given), MALFORMED);
    raw_assert_message(MEMBERS("L1"));
    assert_int_equal(given->count, 0);
    free(given);
    lesson_store_cursor *cursor = NULL;
    const lesson_store_id *uids;
    size_t count;
    assert_code(lesson_store_members_page(raw->store, "L1", 10, &cursor, &uids, &count), MALFORMED);
    raw_assert_message(MEMBERS("L1"));
    assert_code(lesson_store_members_page(raw->store, "L1", 10, &cursor, &uids, &count), OK);
    assert_int_equal(count, 0);
    lesson_store_cursor_close(cursor);
}

/* ---- Lessons and users */

static void test_many_lessons(void **state) {
    raw_server *raw = *state;
    enum { LESSONS = 6000 };
    struct given *given = new_given();
    fill(raw, "HSET " RECORD("L%d") " lesson_id L%d course_status 3 chat_status 0", LESSONS / 2);
    fill(raw, "SADD " MEMBERS("L%d") " user", LESSONS);
    fill(raw, "SET UNRELATED:%d x", 3000);
    assert_code(lesson_store_lessons(raw->store, give_lesson, given), OK);
    expect_each_once(given, LESSONS);
    memset(given, 0, sizeof *given);
    given->stop_after = 1500; /* in the second page */
    assert_code(lesson_store_lessons(raw->store, give_lesson, given), OK);
    assert_int_equal(given->count, 1500);
    free(given);
}

/* Three lessons change while the list is given. The first keeps its record and gets a member. The second keeps its
 * member and gets a record. The third gets a member and then loses its record. */
enum { LESSONS_THAT_CHANGE = 6000 };

struct changing {
    raw_server *raw;
    struct given given;
};

static void do_with_each(raw_server *raw, int first, const char *format) {
    for (int i = first; i < LESSONS_THAT_CHANGE; i += 3)
        raw_do(raw, format, i, i);
}

static bool change_all_at_first(const lesson_store_lesson *lesson, void *context) {
    struct changing *changing = context;
    if (changing->given.count == 0) {
        do_with_each(changing->raw, 0, "SADD " MEMBERS("L%d") " user");
        do_with_each(changing->raw, 1, "HSET " RECORD("L%d") " lesson_id L%d course_status 3 chat_status 0");
        do_with_each(changing->raw, 2, "SADD " MEMBERS("L%d") " user");
        do_with_each(changing->raw, 2, "DEL " RECORD("L%d"));
    }
    return give(&changing->given, lesson->lesson_id);
}

static void test_lessons_that_change(void **state) {
    struct changing *changing = calloc(1, sizeof *changing);
    assert_non_null(changing);
    changing->raw = *state;
    do_with_each(changing->raw, 0, "HSET " RECORD("L%d") " lesson_id L%d course_status 3 chat_status 0");
    do_with_each(changing->raw, 1, "SADD " MEMBERS("L%d") " user");
    do_with_each(changing->raw, 2, "HSET " RECORD("L%d") " lesson_id L%d course_status 3 chat_status 0");
    assert_code(lesson_store_lessons(changing->raw->store, change_all_at_first, changing), OK);
    for (int i = 0; i < LESSONS_THAT_CHANGE; i++)
        assert_in_range(changing->given.times[i], i % 3 != 2, 1);
    free(changing);
}

static void test_many_users(void **state) {
    raw_server *raw = *state;
    enum { USERS = 5000 };
    struct given *given = new_given();
    fill(raw, "HSET " USER("user-%d") " uid user-%d course_id C lesson_id L%d", USERS);
    assert_code(lesson_store_users(raw->store, give_user, given), OK);
    expect_each_once(given, USERS);
    assert_int_equal(raw_calls(raw, "keys"), 0);
    free(given);
}

/* Users join lessons while the table of keys grows and shrinks during the scan, which makes SCAN return keys twice. */
struct churn {
    raw_server *raw;
    struct given *given;
};

static bool give_lesson_and_churn(const lesson_store_lesson *lesson, void *context) {
    struct churn *churn = context;
    if (churn->given->count == 0)
        fill(churn->raw, "SET CHURN:%d x", 30000);
    if (churn->given->count == 1500)
        fill(churn->raw, "DEL CHURN:%d", 30000);
    return give(churn->given, lesson->lesson_id);
}

static void test_lessons_while_the_server_rehashes(void **state) {
    raw_server *raw = *state;
    enum { LESSONS = 4000 };
    struct churn churn = {raw, new_given()};
    fill(raw, "HSET " RECORD("L%d") " lesson_id L%d course_status 3 chat_status 0", LESSONS);
    assert_code(lesson_store_lessons(raw->store, give_lesson_and_churn, &churn), OK);
    expect_each_once(churn.given, LESSONS);
    free(churn.given);
}

/* A cursor means nothing to a restarted server. The list must not miss the entries that it has not reached. */
static bool give_lesson_and_restart(const lesson_store_lesson *lesson, void *context) {
    struct churn *churn = context;
    if (churn->given->count == 500) {
        assert_true(redis_server_restart(churn->raw->server));
        raw_reconnect(churn->raw);
        fill(churn->raw, "HSET " RECORD("L%d") " lesson_id L%d course_status 3 chat_status 0", 4000);
    }
    return give(churn->given, lesson->lesson_id);
}

static void test_lessons_over_a_restart(void **state) {
    raw_server *raw = *state;
    struct churn churn = {raw, new_given()};
    fill(raw, "HSET " RECORD("L%d") " lesson_id L%d course_status 3 chat_status 0", 4000);
    assert_code(lesson_store_lessons(raw->store, give_lesson_and_restart, &churn), OK);
    expect_each_once(churn.given, 4000);
    free(churn.given);
}

static bool give_user_and_restart(const lesson_store_user *user, void *context) {
    struct churn *churn = context;
    if (churn->given->count == 500) {
        assert_true(redis_server_restart(churn->raw->server));
        raw_reconnect(churn->raw);
        fill(churn->raw, "HSET " USER("user-%d") " uid user-%d course_id C lesson_id L%d", 4000);
    }
    return give(churn->given, user->uid);
}

static void test_users_over_a_restart(void **state) {
    raw_server *raw = *state;
    struct churn churn = {raw, new_given()};
    fill(raw, "HSET " USER("user-%d") " uid user-%d course_id C lesson_id L%d", 4000);
    assert_code(lesson_store_users(raw->store, give_user_and_restart, &churn), OK);
    expect_each_once(churn.given, 4000);
    free(churn.given);
}

static bool restart_at_first(const lesson_store_finding *finding, void *context) {
    (void)finding;
    raw_server *raw = context;
    assert_true(redis_server_restart(raw->server));
    raw_reconnect(raw);
    return true;
}

/* A check that has lost its position fails, instead of passing for a complete one. */
static void test_check_over_a_restart(void **state) {
    raw_server *raw = *state;
    fill(raw, "HSET " RECORD("L%d") " lesson_id L%d course_status 3 chat_status 0", 4000);
    raw_do(raw, "SADD " MEMBERS("L1") " ghost");
    fill(raw, "SADD " MEMBERS("L%d") " ghost", 3);
    int code = lesson_store_check(raw->store, 0, restart_at_first, raw, NULL, NULL);
    assert_int_equal(code, LESSON_STORE_UNREACHABLE);
    raw_assert_message("begin the check again");
}

static void test_malformed_entries(void **state) {
    raw_server *raw = *state;
    struct given *given = new_given();
    raw_do(raw, "HSET " RECORD("L0") " lesson_id L0 course_status 1 chat_status 0");
    raw_do(raw, "HSET " RECORD("L1") " lesson_id L1 course_status 9 chat_status 0");
    raw_do(raw, "SET " RECORD("L2") " text");
    raw_do(raw, "SET " MEMBERS("L3") " text");
    raw_do(raw, "HSET " RECORD("%b") " lesson_id x", "\xff", (size_t)1);
    assert_code(lesson_store_lessons(raw->store, give_lesson, given), MALFORMED);
    raw_assert_message("4 malformed entries were not listed");
    expect_each_once(given, 1);

    /* With a filter, only the record of a wrong type may be one that passes. */
    const lesson_store_lesson_filter online = {.given = LESSON_STORE_GIVEN_COURSE_STATUS,
                                               .course_status = LESSON_STORE_COURSE_ONLINE};
    memset(given, 0, sizeof *given);
    assert_code(lesson_store_find_lessons(raw->store, &online, give_lesson, given), MALFORMED);
    raw_assert_message("L2");
    expect_each_once(given, 1);

    memset(given, 0, sizeof *given);
    raw_do(raw, "HSET " USER("user-0") " uid user-0 course_id C lesson_id L0 session s session_lesson_id L9");
    raw_do(raw, "HSET " USER("user-1") " uid user-1 course_id C lesson_id %b", "\xff", (size_t)1);
    raw_do(raw, "HSET " USER("idle") " uid idle course_id C");
    raw_do(raw, "SET " USER("user-2") " text");
    raw_do(raw, "HSET " USER("%b") " uid x lesson_id L0", "a\x01", (size_t)2);
    assert_code(lesson_store_users(raw->store, give_user, given), MALFORMED);
    raw_assert_message("3 malformed entries were not listed");
    expect_each_once(given, 1);
    free(given);
}

static bool expect_fields(const lesson_store_user *user, void *context) {
    bool first = memcmp(user->uid.data, "user-0", 6) == 0;
    ++*(int *)context;
    assert_int_equal(user->lesson_id.size, 2);
    assert_memory_equal(user->lesson_id.data, "L0", 2);
    assert_int_equal(user->course_id.size, first ? 0 : 1);
    assert_true(first ? !user->session.data : user->session.size == 2);
    return true;
}

/* A course that is not stored is not given, nor is a session of another lesson. */
static void test_fields_of_users(void **state) {
    raw_server *raw = *state;
    int calls = 0;
    raw_do(raw, "HSET " USER("user-0") " uid user-0 lesson_id L0 session s session_lesson_id L9");
    assert_code(lesson_store_join(raw->store, "user-1", "C", "L0", "s1", 0, NULL), OK);
    assert_code(lesson_store_users(raw->store, expect_fields, &calls), OK);
    assert_int_equal(calls, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(many_members),
        TEST(stopping_among_many_members),
        TEST(members_that_are_no_ids),
        TEST(members_of_a_wrong_type),
        TEST(many_lessons),
        TEST(lessons_that_change),
        TEST(many_users),
        TEST(lessons_while_the_server_rehashes),
        TEST(lessons_over_a_restart),
        TEST(users_over_a_restart),
        TEST(check_over_a_restart),
        TEST(malformed_entries),
        TEST(fields_of_users),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
