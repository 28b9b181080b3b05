/* Data of others over three masters: records of wrong types and with wrong values, members who are not, users whom no
 * members name, bans of nobody. Every call says so, check finds each, and a repair mends what can be mended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"
#include "redis_ask.h"
#include "redis_cluster.h"

enum { NODES = 3, KINDS = LESSON_STORE_FINDING_STALE_BANS + 1 };

struct ward {
    redis_cluster *rig;
    lesson_store *store;
    int found[KINDS];
    int repaired[KINDS];
};

static int start(void **state) {
    struct ward *ward = calloc(1, sizeof *ward);
    ward->rig = redis_cluster_start(&(redis_cluster_options){.primaries = NODES});
    assert_non_null(ward->rig);
    *state = ward;
    return 0;
}

static int stop(void **state) {
    struct ward *ward = *state;
    redis_cluster_stop(ward->rig);
    free(ward);
    return 0;
}

static int open_ward(void **state) {
    struct ward *ward = *state;
    assert_true(redis_cluster_flush(ward->rig));
    assert_code(lesson_store_open(&ward->store, redis_cluster_location(ward->rig)), OK);
    return 0;
}

static int close_ward(void **state) {
    struct ward *ward = *state;
    lesson_store_close(ward->store);
    return 0;
}

/* Runs "COMMAND %b REST", the key where it belongs. */
static redisReply *run(const struct ward *ward, const char *command, const char *key, const char *rest) {
    char format[256], error[256] = "";
    redis_server *node =
        redis_cluster_node(ward->rig, redis_cluster_owner(ward->rig, redis_cluster_slot(ward->rig, key)));
    snprintf(format, sizeof format, "%s %%b %s", command, rest);
    redisReply *reply = redis_ask(node, NULL, error, format, key, strlen(key));
    if (!reply)
        fail_msg("%s %s: %s", command, key, error);
    return reply;
}

static void put(const struct ward *ward, const char *command, const char *key, const char *rest) {
    freeReplyObject(run(ward, command, key, rest));
}

static long long number(const struct ward *ward, const char *command, const char *key) {
    redisReply *reply = run(ward, command, key, "");
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

static bool note(const lesson_store_finding *finding, void *context) {
    struct ward *ward = context;
    assert_true(strlen(finding->detail) > 0);
    ward->found[finding->kind]++;
    ward->repaired[finding->kind] += finding->repaired;
    return true;
}

static void check(struct ward *ward, uint32_t flags) {
    memset(ward->found, 0, sizeof ward->found);
    memset(ward->repaired, 0, sizeof ward->repaired);
    assert_code(lesson_store_check(ward->store, flags, note, ward, NULL, NULL), OK);
}

static bool take_user(const lesson_store_user *user, void *context) {
    (void)user;
    ++*(int *)context;
    return true;
}

static bool take_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson;
    ++*(int *)context;
    return true;
}

static bool take_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    ++*(int *)context;
    return true;
}

static int join(const struct ward *ward, const char *uid, const char *lesson_id, uint32_t flags) {
    return lesson_store_join(ward->store, uid, "C1", lesson_id, NULL, flags, NULL);
}

/* ---- User records */

static void test_users(void **state) {
    struct ward *ward = *state;
    int given = 0;
    assert_code(join(ward, "ann", "L1", 0), OK);
    put(ward, "SET", USER("text"), "x");
    put(ward, "HSET", USER("idle"), "uid idle course_id C1");
    put(ward, "HSET", USER("lost"), "uid lost course_id C1 lesson_id L1");
    put(ward, "HSET", USER("bare"), "lesson_id L1");
    put(ward, "HSET", USER("other"), "uid another course_id C1 lesson_id L1");
    put(ward, "HSET", USER("wild"),
        "uid wild course_id \x01 lesson_id L1 session \x01 session_lesson_id L1 owner \x01");
    put(ward, "HSET", USER("nowhere"), "uid nowhere course_id C1 lesson_id \x01");
    put(ward, "HSET", USER("\x01"), "uid x course_id C1 lesson_id L1");
    assert_code(lesson_store_users(ward->store, take_user, &given), MALFORMED);
    assert_int_equal(given, 4); /* ann, lost, bare and other */
    assert_code(lesson_store_where(ward->store, "text", NULL), MALFORMED);
    lesson_store_place place;
    assert_code(lesson_store_where(ward->store, "wild", &place), MALFORMED);
    assert_code(join(ward, "text", "L1", 0), MALFORMED);
    assert_code(lesson_store_quit(ward->store, "text", NULL, NULL, NULL), MALFORMED);

    check(ward, 0);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_MALFORMED], 7);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_INCOMPLETE_USER], 3);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_MISSING_MEMBER], 4);
    check(ward, LESSON_STORE_CHECK_REPAIR);
    assert_int_equal(ward->repaired[LESSON_STORE_FINDING_MISSING_MEMBER], 4);
    assert_int_equal(ward->repaired[LESSON_STORE_FINDING_INCOMPLETE_USER], 2);
    assert_int_equal(ward->repaired[LESSON_STORE_FINDING_MALFORMED], 0);
    check(ward, 0);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_MISSING_MEMBER], 0);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_INCOMPLETE_USER], 1); /* bare has no course */
}

/* A user whose record names a malformed lesson can join and leaves nothing behind. */
static void test_who_is_in_no_lesson_of_ours(void **state) {
    struct ward *ward = *state;
    lesson_store_place place;
    put(ward, "HSET", USER("ann"), "uid ann course_id C1 lesson_id \x01");
    assert_code(lesson_store_join(ward->store, "ann", "C1", "L1", NULL, LESSON_STORE_JOIN_STAY, &place), REFUSED);
    assert_string_equal(place.lesson_id, "");
    assert_code(lesson_store_quit(ward->store, "ann", "L1", NULL, NULL), CONFLICT);
    assert_code(join(ward, "ann", "L1", 0), OK);
    check(ward, 0);
    for (int kind = 0; kind < KINDS; kind++)
        assert_int_equal(ward->found[kind], 0);
}

static bool take_owner(const lesson_store_owner *owner, void *context) {
    ++*(int *)context;
    return owner->state == LESSON_STORE_OWNER_OVER;
}

/* An owner is over until its last user is out. A damaged course or session does not keep a user in. */
static void test_users_of_an_owner(void **state) {
    struct ward *ward = *state;
    int owners = 0;
    uint64_t put_out = 0;
    assert_code(lesson_store_hold(ward->store, "w", 3600000, 0), OK);
    assert_code(lesson_store_join_for(ward->store, "w", "ann", "C1", "L1", "s", 0, NULL), OK);
    assert_code(lesson_store_join_for(ward->store, "w", "bob", "C1", "L1", "s", 0, NULL), OK);
    assert_code(lesson_store_join_for(ward->store, "w", "cid", "C1", "L1", NULL, 0, NULL), OK);
    put(ward, "HSET", USER("ann"), "course_id \x01 session \x01");
    put(ward, "HSET", USER("bob"), "lesson_id \x01 session_lesson_id \x01");
    put(ward, "HSET", USER("\x01"), "uid x course_id C1 lesson_id L1 session_lesson_id L1 owner w");
    put(ward, "HSET", USER("moved"), "uid moved course_id C1 lesson_id L2 session_lesson_id L1 owner w");
    put(ward, "SET", USER("text"), "w");
    assert_code(lesson_store_drop(ward->store, "w", NULL, NULL, &put_out), MALFORMED);
    assert_int_equal(put_out, 2);
    assert_code(lesson_store_where(ward->store, "ann", NULL), NOT_FOUND);
    assert_code(lesson_store_where(ward->store, "cid", NULL), NOT_FOUND);
    assert_code(lesson_store_where(ward->store, "moved", NULL), OK);
    assert_code(lesson_store_owners(ward->store, take_owner, &owners), OK);
    assert_int_equal(owners, 1);
    put(ward, "DEL", USER("\x01"), "");
    put(ward, "DEL", USER("bob"), "");
    assert_code(lesson_store_sweep(ward->store, NULL, NULL, &put_out), OK);
    assert_int_equal(put_out, 0);
    owners = 0;
    assert_code(lesson_store_owners(ward->store, take_owner, &owners), OK);
    assert_int_equal(owners, 0);
}

/* ---- Lesson records */

static void test_lessons(void **state) {
    struct ward *ward = *state;
    int given = 0;
    lesson_store_lesson lesson;
    assert_code(lesson_store_create(ward->store, "L1", 0), OK);
    put(ward, "SET", RECORD("text"), "x");
    put(ward, "HSET", RECORD("bare"), "lesson_id bare");
    put(ward, "HSET", RECORD("other"), "lesson_id another course_status 1 chat_status 0");
    put(ward, "HSET", RECORD("wild"), "lesson_id wild course_status 9 chat_status x course_id \x01 capacity many");
    put(ward, "HSET", RECORD("\x01"), "lesson_id x course_status 1 chat_status 0");
    assert_code(lesson_store_lessons(ward->store, take_lesson, &given), MALFORMED);
    assert_int_equal(given, 3); /* L1, bare and other */
    assert_code(lesson_store_get_lesson(ward->store, "wild", &lesson), MALFORMED);
    assert_code(lesson_store_get_lesson(ward->store, "text", &lesson), MALFORMED);
    assert_code(join(ward, "ann", "wild", LESSON_STORE_JOIN_IF_OPEN), MALFORMED);
    assert_code(join(ward, "ann", "text", LESSON_STORE_JOIN_IF_EXISTS), MALFORMED);
    assert_code(lesson_store_ban(ward->store, "text", "ann", 1000), MALFORMED);

    check(ward, 0);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_INCOMPLETE_LESSON], 1);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_MALFORMED], 7);
    check(ward, LESSON_STORE_CHECK_REPAIR);
    assert_int_equal(ward->repaired[LESSON_STORE_FINDING_INCOMPLETE_LESSON], 1);
    assert_code(lesson_store_get_lesson(ward->store, "bare", &lesson), OK);
    assert_int_equal(lesson.course_status, LESSON_STORE_COURSE_WAITING);
}

/* ---- Members */

static void test_members(void **state) {
    struct ward *ward = *state;
    int given = 0;
    assert_code(join(ward, "ann", "L1", 0), OK);
    put(ward, "SADD", MEMBERS("L1"), "ghost \x01");
    put(ward, "SET", MEMBERS("text"), "x");
    put(ward, "SADD", MEMBERS("\x01"), "x");
    put(ward, "HSET", "{" MEMBERS("L1") "}:v", "ghost what");
    assert_code(lesson_store_members(ward->store, "L1", take_member, &given), MALFORMED);
    assert_int_equal(given, 1);
    assert_code(lesson_store_members(ward->store, "text", take_member, &given), MALFORMED);
    assert_code(join(ward, "bob", "text", 0), MALFORMED);
    assert_code(lesson_store_end(ward->store, "text", 0, NULL), MALFORMED);

    check(ward, 0);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_GHOST_MEMBER], 1);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_MALFORMED], 3);
    check(ward, LESSON_STORE_CHECK_REPAIR);
    assert_int_equal(ward->repaired[LESSON_STORE_FINDING_GHOST_MEMBER], 1);
    check(ward, 0);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_GHOST_MEMBER], 0);
}

/* An end removes an invalid uid from the members. It says nothing of the lesson that is created next. */
static void test_members_after_an_end(void **state) {
    struct ward *ward = *state;
    lesson_store_cursor *cursor = NULL;
    const lesson_store_id *uids;
    size_t count, paged = 0;
    int given = 0;
    assert_code(join(ward, "ann", "L1", 0), OK);
    put(ward, "SADD", MEMBERS("L1"), "\x01");
    assert_code(lesson_store_members(ward->store, "L1", take_member, &given), MALFORMED);
    assert_code(lesson_store_end(ward->store, "L1", 0, NULL), OK);
    assert_code(lesson_store_create(ward->store, "L1", 0), OK);
    assert_code(join(ward, "bob", "L1", 0), OK);
    given = 0;
    assert_code(lesson_store_members(ward->store, "L1", take_member, &given), OK);
    assert_int_equal(given, 1);
    do {
        assert_code(lesson_store_members_page(ward->store, "L1", 10, &cursor, &uids, &count), OK);
        paged += count;
    } while (count > 0);
    lesson_store_cursor_close(cursor);
    assert_int_equal(paged, 1);
}

static void test_ended_lessons(void **state) {
    struct ward *ward = *state;
    assert_code(lesson_store_create(ward->store, "L1", 0), OK);
    assert_code(join(ward, "ann", "L1", 0), OK);
    assert_code(join(ward, "bob", "L2", 0), OK);
    check(ward, LESSON_STORE_CHECK_ENDED);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_ENDED_LESSON], 1);
    check(ward, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR);
    assert_int_equal(ward->repaired[LESSON_STORE_FINDING_ENDED_LESSON], 1);
    assert_code(lesson_store_where(ward->store, "bob", NULL), NOT_FOUND);
    assert_code(lesson_store_where(ward->store, "ann", NULL), OK);
}

/* A user who is missing among the members of such a lesson is put out, and not added first. */
static void test_missing_members_of_ended_lessons(void **state) {
    struct ward *ward = *state;
    put(ward, "HSET", USER("eve"), "uid eve course_id C1 lesson_id L1");
    check(ward, LESSON_STORE_CHECK_ENDED);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_ENDED_LESSON], 1);
    check(ward, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR);
    assert_int_equal(ward->repaired[LESSON_STORE_FINDING_ENDED_LESSON], 1);
    assert_code(lesson_store_where(ward->store, "eve", NULL), NOT_FOUND);
    check(ward, LESSON_STORE_CHECK_ENDED);
    for (int kind = 0; kind < KINDS; kind++)
        assert_int_equal(ward->found[kind], 0);
}

enum { ENDED = 40 };

struct reopening {
    lesson_store *store; /* another one: that of the check is in use */
    int findings;
};

static void join_ended(lesson_store *store, uint32_t flags) {
    char uid[16], lesson_id[16];
    for (int i = 0; i < ENDED; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        snprintf(lesson_id, sizeof lesson_id, "E%d", i);
        if (flags & LESSON_STORE_JOIN_IF_OPEN)
            assert_code(lesson_store_create(store, lesson_id, 0), OK);
        assert_code(lesson_store_join(store, uid, "C1", lesson_id, "s", flags, NULL), OK);
    }
}

static bool create_at_first(const lesson_store_finding *finding, void *context) {
    struct reopening *reopening = context;
    assert_int_equal(finding->kind, LESSON_STORE_FINDING_ENDED_LESSON);
    if (reopening->findings++ == 0)
        join_ended(reopening->store, LESSON_STORE_JOIN_IF_OPEN);
    return true;
}

/* The lessons are created again, and everyone joins again, after the repair has seen that they have no record. */
static void test_ended_lessons_that_are_created(void **state) {
    struct ward *ward = *state;
    struct reopening reopening = {.findings = 0};
    char uid[16];
    assert_code(lesson_store_open(&reopening.store, redis_cluster_location(ward->rig)), OK);
    join_ended(ward->store, 0);
    assert_code(lesson_store_check(ward->store, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR, create_at_first,
                                   &reopening, NULL, NULL),
                OK);
    lesson_store_close(reopening.store);
    assert_int_equal(reopening.findings, 1);
    for (int i = 0; i < ENDED; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        assert_code(lesson_store_where(ward->store, uid, NULL), OK);
    }
}

/* ---- Bans */

static void test_stale_bans(void **state) {
    struct ward *ward = *state;
    static const char *const lessons[] = {"L1", "a}b", "a{b}c"};
    char key[64];
    for (int i = 0; i < 3; i++) {
        assert_code(lesson_store_create(ward->store, lessons[i], 0), OK);
        assert_code(lesson_store_ban(ward->store, lessons[i], "ann", 60000), OK);
        snprintf(key, sizeof key, RECORD("%s"), lessons[i]);
        put(ward, "DEL", key, "");
    }
    check(ward, 0);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_STALE_BANS], 3);
    assert_code(lesson_store_create(ward->store, "L1", 0), OK);
    assert_code(join(ward, "ann", "L1", LESSON_STORE_JOIN_UNLESS_BANNED), OK);
    check(ward, LESSON_STORE_CHECK_REPAIR);
    assert_int_equal(ward->repaired[LESSON_STORE_FINDING_STALE_BANS], 3);
    check(ward, 0);
    assert_int_equal(ward->found[LESSON_STORE_FINDING_STALE_BANS], 0);
}

/* ---- Stopping early */

static bool stop_at_once(const lesson_store_finding *finding, void *context) {
    (void)finding;
    ++*(int *)context;
    return false;
}

static void test_a_check_that_is_stopped(void **state) {
    struct ward *ward = *state;
    int calls = 0;
    put(ward, "SADD", MEMBERS("L1"), "ghost another");
    put(ward, "HSET", USER("bare"), "lesson_id L1");
    assert_code(lesson_store_check(ward->store, 0, stop_at_once, &calls, NULL, NULL), OK);
    assert_int_equal(calls, 1);
}

/* Records in one slot, so that one page has all of them: the check meets an invalid key before it asks about any. */
static void test_a_repair_that_is_stopped(void **state) {
    static const struct {
        const char *invalid, *incomplete;
    } trials[] = {{USER("{t}\x01"), USER("{t}bare")}, {RECORD("{t}\x01"), RECORD("{t}bare")}};
    struct ward *ward = *state;
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        int calls = 0;
        put(ward, "HSET", trials[i].invalid, "course_id C1");
        put(ward, "HSET", trials[i].incomplete, i == 0 ? "lesson_id {t}L1 course_id C1" : "lesson_id {t}bare");
        long long fields = number(ward, "HLEN", trials[i].incomplete);
        assert_code(lesson_store_check(ward->store, LESSON_STORE_CHECK_REPAIR, stop_at_once, &calls, NULL, NULL), OK);
        assert_int_equal(calls, 1);
        assert_int_equal(number(ward, "HLEN", trials[i].incomplete), fields);
        assert_true(redis_cluster_flush(ward->rig));
    }
}

#define IN_WARD(name) cmocka_unit_test_setup_teardown(test_##name, open_ward, close_ward)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_WARD(users),
        IN_WARD(who_is_in_no_lesson_of_ours),
        IN_WARD(users_of_an_owner),
        IN_WARD(lessons),
        IN_WARD(members),
        IN_WARD(members_after_an_end),
        IN_WARD(ended_lessons),
        IN_WARD(missing_members_of_ended_lessons),
        IN_WARD(ended_lessons_that_are_created),
        IN_WARD(stale_bans),
        IN_WARD(a_check_that_is_stopped),
        IN_WARD(a_repair_that_is_stopped),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
