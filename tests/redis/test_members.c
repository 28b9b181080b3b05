/* The members of a large lesson, page by page. The limit of a page is counted in members here, because times depend on
 * the machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

#include <lessonstore/backend.h>

enum { LARGE = 12345, MEMBERS_PAGE = 2000 };

struct given {
    raw_server *raw;
    unsigned char *times;
    int most; /* numbers of users */
    int count;
    int stop_after;                         /* 0: never */
    void (*meanwhile)(struct given *given); /* called from time to time */
};

static bool give(const lesson_store_id *uid, void *context) {
    struct given *given = context;
    char text[LESSON_STORE_ID_MAX + 1];
    lesson_store_id_copy(text, *uid);
    assert_int_equal(strncmp(text, "u-", 2), 0);
    int number = atoi(text + 2);
    assert_in_range(number, 0, given->most - 1);
    given->times[number]++;
    if (given->meanwhile && given->count % MEMBERS_PAGE == 0)
        given->meanwhile(given);
    return ++given->count != given->stop_after;
}

static struct given new_given(raw_server *raw, int most) {
    struct given given = {.raw = raw, .times = calloc((size_t)most, 1), .most = most};
    assert_non_null(given.times);
    return given;
}

static void expect_once(const struct given *given, int first, int end) {
    for (int i = first; i < end; i++)
        assert_int_equal(given->times[i], 1);
}

static void test_members_in_pages(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 50000 };
    struct given given = new_given(raw, COUNT);
    raw_make_lesson(raw, "L1", "1", COUNT);
    long long whole = raw_calls(raw, "smembers"), before = raw_calls(raw, "sscan");
    assert_code(lesson_store_members(raw->store, "L1", give, &given), OK);
    assert_int_equal(given.count, COUNT);
    expect_once(&given, 0, COUNT);
    assert_int_equal(raw_calls(raw, "smembers"), whole);
    long long pages = raw_calls(raw, "sscan");
    assert_in_range(pages - before, COUNT / MEMBERS_PAGE * 3 / 4, COUNT / MEMBERS_PAGE * 2);

    /* With this option: all at once, as of one instant. */
    lesson_store *store = raw_open_store(raw, "?pool=1&members_at_once=50000");
    memset(given.times, 0, COUNT);
    assert_code(lesson_store_members(store, "L1", give, &given), OK);
    expect_once(&given, 0, COUNT);
    assert_int_equal(raw_calls(raw, "sscan"), pages);
    assert_int_equal(raw_calls(raw, "smembers"), whole + 1);
    lesson_store_close(store);
    free(given.times);
}

/* In the middle nine of ten members quit, and others join. The set's table shrinks, and SSCAN returns some members
 * again. */
static void quit_and_join(struct given *given) {
    static const char script[] =
        "local key = 'STATUS:LESSON_USER:LESSON_ID:L1'\n"
        "for i = tonumber(ARGV[1]), tonumber(ARGV[2]) - 1 do redis.call(ARGV[3], key, 'u-' .. i) end\n"
        "return redis.call('SCARD', key)";
    if (given->count == 6 * MEMBERS_PAGE)
        raw_number(given->raw, "EVAL %s 0 2000 40000 SREM", script);
    if (given->count == 7 * MEMBERS_PAGE)
        raw_number(given->raw, "EVAL %s 0 40000 45000 SADD", script);
}

static void test_members_while_others_join_and_quit(void **state) {
    raw_server *raw = *state;
    struct given given = new_given(raw, 45000);
    given.meanwhile = quit_and_join;
    raw_make_lesson(raw, "L1", "1", 40000);
    assert_code(lesson_store_members(raw->store, "L1", give, &given), OK);
    expect_once(&given, 0, 2000); /* these were members all the time */
    for (int i = 2000; i < given.most; i++)
        assert_in_range(given.times[i], 0, 1);
    assert_in_range(given.count, 6 * MEMBERS_PAGE, 45000);
    free(given.times);
}

static void test_stopping_among_pages(void **state) {
    raw_server *raw = *state;
    struct given given = new_given(raw, 40000);
    raw_make_lesson(raw, "L1", "1", 40000);
    given.stop_after = MEMBERS_PAGE + 10;
    long long connections = raw_calls(raw, "hello"), pages = raw_calls(raw, "sscan");
    assert_code(lesson_store_members(raw->store, "L1", give, &given), OK);
    assert_int_equal(given.count, given.stop_after);
    assert_in_range(raw_calls(raw, "sscan") - pages, 2, 4);
    assert_code(lesson_store_where(raw->store, "u-0", NULL), OK);
    assert_int_equal(raw_calls(raw, "hello"), connections); /* still on the same connection */
    free(given.times);
}

/* The connection is lost while a page is under way. The rest comes over a new connection, and no member twice. */
static void lose_page(struct given *given) {
    if (given->count == 3 * MEMBERS_PAGE)
        false_server_play(given->raw->between, CLOSE_NOW);
}

static void test_members_over_a_lost_connection(void **state) {
    raw_server *raw = *state;
    struct given given = new_given(raw, 40000);
    given.meanwhile = lose_page;
    raw_make_lesson(raw, "L1", "1", 40000);
    int connections = false_server_connections(raw->between);
    assert_code(lesson_store_members(raw->store, "L1", give, &given), OK);
    expect_once(&given, 0, 40000);
    assert_int_equal(false_server_connections(raw->between), connections + 1);
    free(given.times);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(members_in_pages),
        TEST(members_while_others_join_and_quit),
        TEST(stopping_among_pages),
        TEST_BEHIND(members_over_a_lost_connection),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
