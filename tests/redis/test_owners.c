/* The sweep of Redis: many owners, damaged keys, and invalid ids. Raw commands make owners that are late or over. */
#include <stdio.h>
#include <string.h>

#include "raw.h"

#define OWNERS "STATUS:OWNERS"
#define LEASES "STATUS:LEASES"
#define SWEEPS "STATUS:SWEEPS"
#define HOUR 3600000
#define SEVERAL_STEPS 2500 /* more owners than a step looks at */

/* Makes `count` owners "FRONT0000", ..., whose leases of `lease_ms` ran out at `until`, or who are over (-1). */
static void make_owners(raw_server *raw, const char *front, int count, int until, int lease_ms) {
    raw_do(raw, "EVAL %s 2 " OWNERS " " LEASES " %s %d %d %d",
           "for i = 0, ARGV[2] - 1 do local owner = ARGV[1] .. ('%04d'):format(i)"
           " redis.call('ZADD', KEYS[1], ARGV[3], owner) redis.call('HSET', KEYS[2], owner, ARGV[4]) end",
           front, count, until, lease_ms);
}

/* Each of these owners has one user, of the same name, in the lesson "L". */
static void make_users(raw_server *raw, const char *front, int count) {
    raw_do(raw, "EVAL %s 1 " MEMBERS("L") " %s %d",
           "for i = 0, ARGV[2] - 1 do local uid = ARGV[1] .. ('%04d'):format(i) redis.call('SADD', KEYS[1], uid)"
           " redis.call('HSET', 'STATUS:IN_LESSON:UID:' .. uid, 'uid', uid, 'course_id', 'C', 'lesson_id', 'L',"
           " 'session_lesson_id', 'L', 'owner', uid) end",
           front, count);
}

static void hold_and_join(raw_server *raw, const char *owner, const char *uid, const char *lesson_id) {
    assert_code(lesson_store_hold(raw->store, owner, HOUR, 0), OK);
    assert_code(lesson_store_join_for(raw->store, owner, uid, "C", lesson_id, NULL, 0, NULL), OK);
}

static void assert_in(raw_server *raw, const char *uid, bool is_in) {
    int code = lesson_store_where(raw->store, uid, NULL);
    if (code != (is_in ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND))
        fail_msg("%s: %s: %s", uid, lesson_store_code_name(code), lesson_store_message());
}

/* ---- Joins that only name an owner have scripts of their own, alone and in batches */

static lesson_store_operation join_of(const char *uid, const char *owner) {
    lesson_store_operation join = raw_operation(LESSON_STORE_OPERATION_JOIN, uid, "L");
    join.owner = lesson_store_id_of(owner);
    return join;
}

static void expect_joined(raw_server *raw, const char *uid, const char *owner) {
    char expected[256];
    snprintf(expected, sizeof expected, "uid %s course_id C lesson_id L session_lesson_id L owner %s", uid, owner);
    assert_int_equal(raw_number(raw, "EVAL %s 1 STATUS:IN_LESSON:UID:%s %s",
                                "local found, wanted = redis.call('HGETALL', KEYS[1]), {}"
                                " for word in ARGV[1]:gmatch('%S+') do wanted[#wanted + 1] = word end"
                                " local fields = {} for i = 1, #found, 2 do fields[found[i]] = found[i + 1] end"
                                " for i = 1, #wanted, 2 do if fields[wanted[i]] ~= wanted[i + 1] then return i end end"
                                " return math.abs((fields.joined_ms or 0) / 1000 - redis.call('TIME')[1]) < 600 and"
                                " #found == #wanted + 2 and 0 or -1",
                                uid, expected),
                     0);
}

static void test_joins_that_only_name_an_owner(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_hold(raw->store, "a", HOUR, 0), OK);
    assert_code(lesson_store_hold(raw->store, "b", HOUR, 0), OK);
    /* With a session before, without the uid, with another owner, and nowhere. */
    assert_code(lesson_store_join(raw->store, "sue", "C", "K", "s", 0, NULL), OK);
    raw_do(raw, "HSET " USER("leo") " course_id C lesson_id L");
    assert_code(lesson_store_join_for(raw->store, "b", "eve", "C", "L", "t", 0, NULL), OK);
    lesson_store_operation joins[] = {join_of("sue", "a"), join_of("leo", "a"),  join_of("eve", "a"),
                                      join_of("new", "b"), join_of("none", "c"), join_of("sue", "a"),
                                      join_of("last", "a")};
    const uint32_t arrivals[] = {LESSON_STORE_ARRIVAL_MOVED,
                                 LESSON_STORE_ARRIVAL_ALREADY_THERE,
                                 LESSON_STORE_ARRIVAL_ALREADY_THERE,
                                 LESSON_STORE_ARRIVAL_NEW,
                                 0,
                                 LESSON_STORE_ARRIVAL_ALREADY_THERE,
                                 LESSON_STORE_ARRIVAL_NEW};
    enum { JOINS = sizeof joins / sizeof *joins, REFUSED_ONE = 4 };
    assert_code(lesson_store_batch(raw->store, joins, JOINS), OK);
    for (int i = 0; i < JOINS; i++) {
        assert_int_equal(joins[i].code, i == REFUSED_ONE ? LESSON_STORE_REFUSED : LESSON_STORE_OK);
        if (i == REFUSED_ONE)
            assert_int_equal(joins[i].refused_by, LESSON_STORE_JOIN_BY_OWNER);
        else
            assert_int_equal(joins[i].arrival, arrivals[i]);
    }
    expect_joined(raw, "sue", "a");
    expect_joined(raw, "leo", "a");
    expect_joined(raw, "eve", "a");
    expect_joined(raw, "new", "b");
    expect_joined(raw, "last", "a");
    assert_in(raw, "none", false);
    assert_int_equal(raw_number(raw, "SCARD " MEMBERS("L")), 5);

    /* The same alone. */
    assert_code(lesson_store_join(raw->store, "sue", "C", "K", "s", 0, NULL), OK);
    assert_code(lesson_store_join_for(raw->store, "b", "sue", "C", "L", NULL, 0, NULL), OK);
    expect_joined(raw, "sue", "b");
    assert_code(lesson_store_join_for(raw->store, "c", "sue", "C", "M", NULL, 0, NULL), REFUSED);
    expect_joined(raw, "sue", "b");
}

/* ---- Many owners */

static void test_drop_beside_many_that_are_over(void **state) {
    raw_server *raw = *state;
    uint64_t put_out = 0;
    make_owners(raw, "a", SEVERAL_STEPS, -1, HOUR);
    make_users(raw, "a", 3);
    hold_and_join(raw, "z", "zoe", "L");
    assert_code(lesson_store_drop(raw->store, "z", NULL, NULL, &put_out), OK);
    assert_int_equal(put_out, 1);
    assert_in(raw, "zoe", false);
    assert_in(raw, "a0000", true);
    assert_int_equal(raw_number(raw, "ZCARD " OWNERS), SEVERAL_STEPS);
}

/* More are over before the pass ends, and their names come before those that this sweep knows. */
static bool make_others_over(const lesson_store_user *user, void *context) {
    (void)user;
    make_owners(context, "a", SEVERAL_STEPS, -1, HOUR);
    return true;
}

static void test_others_become_over_meanwhile(void **state) {
    raw_server *raw = *state;
    make_owners(raw, "b", 1000, -1, HOUR);
    make_users(raw, "b", 1000);
    assert_code(lesson_store_sweep(raw->store, make_others_over, raw, NULL), OK);
    assert_int_equal(raw_number(raw, "EXISTS " MEMBERS("L")), 0);
    assert_int_equal(raw_number(raw, "ZCARD " OWNERS), SEVERAL_STEPS);
    for (int i = 0; i < 3; i++)
        assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), OK);
    assert_int_equal(raw_number(raw, "ZCARD " OWNERS), 0);
}

/* The latest sweep was some time ago, and there was no other gap. */
static void make_sweeps_go_on(raw_server *raw) {
    long long now_s = raw_number(raw, "EVAL %s 0", "return tonumber(redis.call('TIME')[1])");
    raw_do(raw, "HSET " SWEEPS " latest %lld000", now_s - 100);
}

/* Their leases are too short for the gaps between the sweeps, so they stay. They must not hide the one behind them. */
static void test_late_ones_behind_many_that_stay(void **state) {
    raw_server *raw = *state;
    make_sweeps_go_on(raw);
    make_owners(raw, "a", SEVERAL_STEPS, 1, 1000);
    make_owners(raw, "w", 1, 2, HOUR);
    make_users(raw, "w", 1);
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), OK);
    assert_in(raw, "w0000", false);
    assert_int_equal(raw_number(raw, "ZCARD " OWNERS), SEVERAL_STEPS);
}

/* ---- Lives */

static bool stop(const lesson_store_user *user, void *context) {
    (void)user;
    (void)context;
    return false;
}

/* Another sweep ends the life that this drop is ending. The owner begins another one, which is over too, and not all of
 * its users are out yet. */
static bool begin_another_life(const lesson_store_user *user, void *context) {
    enum { USERS = 3000 };
    raw_server *raw = context;
    lesson_store *other = raw_open_store(raw, "?pool=1");
    (void)user;
    assert_code(lesson_store_sweep(other, NULL, NULL, NULL), OK);
    assert_code(lesson_store_hold(other, "w", HOUR, 0), OK);
    for (int i = 0; i < USERS; i++) {
        char uid[16];
        snprintf(uid, sizeof uid, "u%d", i);
        assert_code(lesson_store_join_for(other, "w", uid, "C", "L", NULL, 0, NULL), OK);
    }
    assert_code(lesson_store_drop(other, "w", stop, NULL, NULL), OK);
    assert_int_equal(raw_number(raw, "EXISTS " MEMBERS("L")), 1);
    lesson_store_close(other);
    return true;
}

static void test_a_drop_ends_only_the_life_that_it_began_with(void **state) {
    raw_server *raw = *state;
    hold_and_join(raw, "w", "ann", "L");
    assert_code(lesson_store_drop(raw->store, "w", begin_another_life, raw, NULL), OK);
    assert_int_equal(raw_number(raw, "ZCARD " OWNERS), 1);
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), OK);
    assert_int_equal(raw_number(raw, "EXISTS " MEMBERS("L") " " OWNERS), 0);
}

/* ---- Damage */

static void test_a_damaged_number_stops_no_sweep(void **state) {
    raw_server *raw = *state;
    hold_and_join(raw, "w", "ann", "L");
    hold_and_join(raw, "v", "bob", "L");
    raw_do(raw, "ZADD " OWNERS " 1 w 1 v");
    raw_do(raw, "HSET " LEASES " w text v 1");
    raw_do(raw, "HSET " SWEEPS " latest text 3 text text text");
    for (int i = 0; i < 50 && lesson_store_where(raw->store, "bob", NULL) == LESSON_STORE_OK; i++)
        assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), OK);
    assert_in(raw, "ann", true);
    assert_in(raw, "bob", false);
    raw_do(raw, "HSET " SWEEPS " latest 99999999999999");
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), OK);
}

static void test_members_of_a_wrong_type(void **state) {
    raw_server *raw = *state;
    uint64_t put_out = 0;
    make_owners(raw, "w", 300, -1, HOUR);
    make_users(raw, "w", 300);
    raw_do(raw, "HSET " USER("w0007") " lesson_id M session_lesson_id M");
    raw_do(raw, "SET " MEMBERS("M") " text");
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, &put_out), MALFORMED);
    raw_assert_message("user \"w0007\"");
    assert_int_equal(put_out, 299);
    assert_int_equal(raw_number(raw, "EXISTS " USER("w0007")), 1);
    raw_do(raw, "DEL " MEMBERS("M"));
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, &put_out), OK);
    assert_int_equal(put_out, 1);
    assert_int_equal(raw_number(raw, "ZCARD " OWNERS), 0);
}

/* What Lua takes for a number and is none: an endless division, a lease of no time, a field that no table can have. */
static void test_a_number_of_lua_stops_no_sweep(void **state) {
    raw_server *raw = *state;
    hold_and_join(raw, "v", "bob", "L");
    hold_and_join(raw, "w", "ann", "L");
    raw_do(raw, "HSET " LEASES " v nan w inf");
    raw_do(raw, "ZADD " OWNERS " 1 v 1 w");
    raw_do(raw, "HSET " SWEEPS " latest inf nan 1 3 nan");
    for (int i = 0; i < 3; i++)
        assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), OK);
    assert_in(raw, "ann", true);
    assert_in(raw, "bob", true);
}

static void expect_owners(raw_server *raw, int count) {
    assert_int_equal(raw_number(raw, "ZCARD " OWNERS), count);
    assert_int_equal(raw_number(raw, "HLEN " LEASES), count);
}

/* Only the owners of those who stay remain over. There are more owners than one request forgets. */
static void test_a_damaged_user_keeps_only_its_owner(void **state) {
    raw_server *raw = *state;
    uint64_t put_out = 0;
    make_sweeps_go_on(raw);
    make_owners(raw, "b", SEVERAL_STEPS, 1, HOUR);
    make_owners(raw, "a", 2, -1, HOUR);
    make_users(raw, "a", 2);
    make_users(raw, "b", 3);
    raw_do(raw, "HSET " USER("a0000") " lesson_id M session_lesson_id M");
    raw_do(raw, "HSET " USER("stays") " lesson_id M session_lesson_id M owner a0000");
    raw_do(raw, "HSET " USER("b0001") " lesson_id M session_lesson_id M");
    raw_do(raw, "SET " MEMBERS("M") " text");
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, &put_out), MALFORMED);
    assert_int_equal(put_out, 3);
    expect_owners(raw, 2);
    assert_code(lesson_store_hold(raw->store, "b0002", HOUR, 0), OK);
    assert_code(lesson_store_hold(raw->store, "a0000", HOUR, 0), CONFLICT);
    assert_code(lesson_store_hold(raw->store, "b0001", HOUR, 0), CONFLICT);
    assert_code(lesson_store_drop(raw->store, "b0001", NULL, NULL, NULL), MALFORMED);
    assert_code(lesson_store_drop(raw->store, "b0002", NULL, NULL, NULL), OK);
    expect_owners(raw, 2);
    raw_do(raw, "DEL " MEMBERS("M"));
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, &put_out), OK);
    assert_int_equal(put_out, 3);
    expect_owners(raw, 0);
}

/* It does not count as a sweep, after which nobody would have time to renew. */
static void test_a_sweep_that_fails(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "SET " OWNERS " text");
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), MALFORMED);
    raw_assert_message(OWNERS);
    assert_int_equal(raw_number(raw, "EXISTS " SWEEPS), 0);
    raw_do(raw, "DEL " OWNERS);
    raw_do(raw, "SET " LEASES " text");
    make_users(raw, "w", 1);
    raw_do(raw, "ZADD " OWNERS " 1 w0000");
    assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), MALFORMED);
    assert_int_equal(raw_number(raw, "EXISTS " SWEEPS), 0);
    assert_in(raw, "w0000", true);
}

static void test_a_lost_lease_counts_as_the_longest(void **state) {
    raw_server *raw = *state;
    hold_and_join(raw, "w", "ann", "L");
    raw_do(raw, "ZADD " OWNERS " 1 w");
    raw_do(raw, "DEL " LEASES);
    for (int i = 0; i < 2; i++)
        assert_code(lesson_store_sweep(raw->store, NULL, NULL, NULL), OK);
    assert_in(raw, "ann", true);
}

/* ---- Invalid ids */

static bool keep_course(const lesson_store_user *user, void *context) {
    snprintf(context, 64, "%.*s of %.*s", (int)user->uid.size, user->uid.data, (int)user->course_id.size,
             user->course_id.data ? user->course_id.data : "nothing");
    return true;
}

static void test_invalid_ids_are_not_given(void **state) {
    raw_server *raw = *state;
    char given[64] = "nobody", uid[301];
    memset(uid, 'u', 300);
    uid[300] = '\0';
    make_owners(raw, "w", 1, -1, HOUR);
    make_users(raw, "w", 1);
    raw_do(raw, "HSET " USER("w0000") " course_id %b", "\x1b[0m", (size_t)4);
    assert_code(lesson_store_sweep(raw->store, keep_course, given, NULL), OK);
    assert_string_equal(given, "w0000 of ");
    make_owners(raw, "w", 1, -1, HOUR);
    raw_do(raw, "HSET " USER("%s") " uid u course_id C lesson_id L session_lesson_id L owner w0000", uid);
    snprintf(given, sizeof given, "nobody");
    assert_code(lesson_store_sweep(raw->store, keep_course, given, NULL), MALFORMED);
    assert_string_equal(given, "nobody");
}

static bool keep_owner(const lesson_store_owner *owner, void *context) {
    snprintf(context, 64, "%.*s", (int)owner->owner.size, owner->owner.data);
    return true;
}

static void test_invalid_owners_are_not_listed(void **state) {
    raw_server *raw = *state;
    char listed[64] = "nobody";
    assert_code(lesson_store_hold(raw->store, "w", HOUR, 0), OK);
    raw_do(raw, "ZADD " OWNERS " 1 %b", "\x1b[0m", (size_t)4);
    assert_code(lesson_store_owners(raw->store, keep_owner, listed), MALFORMED);
    assert_string_equal(listed, "w");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(joins_that_only_name_an_owner),
        TEST(drop_beside_many_that_are_over),
        TEST(others_become_over_meanwhile),
        TEST(late_ones_behind_many_that_stay),
        TEST(a_drop_ends_only_the_life_that_it_began_with),
        TEST(a_damaged_number_stops_no_sweep),
        TEST(members_of_a_wrong_type),
        TEST(a_number_of_lua_stops_no_sweep),
        TEST(a_damaged_user_keeps_only_its_owner),
        TEST(a_sweep_that_fails),
        TEST(a_lost_lease_counts_as_the_longest),
        TEST(invalid_ids_are_not_given),
        TEST(invalid_owners_are_not_listed),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
