/* The content of the database after each operation, to the byte. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

static void test_create(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    raw_expect(raw, "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n");
    assert_code(lesson_store_create(raw->store, "L1", 0), EXISTS);
    raw_expect(raw, "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n");
}

static void test_set_and_reset(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_replace_course_status(raw->store, "L1", 3, LESSON_STORE_COURSE_ONLINE, NULL), OK);
    assert_code(lesson_store_set_chat_status(raw->store, "L1", LESSON_STORE_CHAT_BANNED), OK);
    raw_expect(raw, "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=1\n  chat_status=1\n");
    assert_code(lesson_store_create(raw->store, "L1", LESSON_STORE_CREATE_RESET), OK);
    raw_expect(raw, "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n");
}

static void test_day(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, 0, NULL), OK);
    assert_code(lesson_store_join(raw->store, "bob", "C1", "L1", NULL, 0, NULL), OK);
    raw_expect(
        raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n"
                                 "hash " USER("bob") "\n  uid=bob\n  course_id=C1\n  lesson_id=L1\n"
                                                     "hash " RECORD(
                                                         "L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                               "set " MEMBERS("L1") "\n  ann\n  bob\n");

    assert_code(lesson_store_join(raw->store, "bob", "C2", "L2", NULL, 0, NULL), OK);
    raw_expect(
        raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n"
                                 "hash " USER("bob") "\n  uid=bob\n  course_id=C2\n  lesson_id=L2\n"
                                                     "hash " RECORD(
                                                         "L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                               "set " MEMBERS("L1") "\n  ann\n"
                                                                                    "set " MEMBERS("L2") "\n  bob\n");

    assert_code(lesson_store_quit(raw->store, "bob", NULL, NULL, NULL), OK);
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n"
                                        "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                             "set " MEMBERS("L1") "\n  ann\n");

    assert_code(lesson_store_end(raw->store, "L1", 0, NULL), OK);
    raw_expect(raw, "");
}

static void test_end_of_the_record_only(void **state) {
    raw_server *raw = *state;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, 0, NULL), OK);
    assert_code(lesson_store_end(raw->store, "L1", LESSON_STORE_END_RECORD_ONLY, NULL), OK);
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n"
                                        "set " MEMBERS("L1") "\n  ann\n");
    assert_code(lesson_store_end(raw->store, "L1", LESSON_STORE_END_RECORD_ONLY, NULL), NOT_FOUND);
}

static void test_sessions(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", "s1", 0, NULL), OK);
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n  session=s1\n"
                                        "  session_lesson_id=L1\n"
                                        "set " MEMBERS("L1") "\n  ann\n");
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L2", "s2", 0, &place), OK);
    assert_string_equal(place.session, "s1");
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L2\n  session=s2\n"
                                        "  session_lesson_id=L2\n"
                                        "set " MEMBERS("L2") "\n  ann\n");

    /* A join without a session leaves the three fields and no others. */
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L2", NULL, 0, &place), OK);
    assert_string_equal(place.session, "s2");
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L2\n"
                                        "set " MEMBERS("L2") "\n  ann\n");
}

/* Flags read the lesson record and store nothing. */
static void test_flags(void **state) {
    raw_server *raw = *state;
    const uint32_t all = LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY;
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, all, NULL), REFUSED);
    raw_expect(raw, "");
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, all, NULL), OK);
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n"
                                        "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                             "set " MEMBERS("L1") "\n  ann\n");
}

/* A course and a capacity are fields of the record, and only of one that was given them. */
static void test_admission(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    lesson_store_operation create = {.kind = LESSON_STORE_OPERATION_CREATE}, get = {.kind = 0};
    create.lesson_id = lesson_store_id_of("L1");
    create.course_id = lesson_store_id_of("C1");
    create.given = LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_CAPACITY;
    create.course_status = LESSON_STORE_COURSE_ONLINE;
    create.capacity = 30;
    assert_code(lesson_store_batch(raw->store, &create, 1), OK);
    assert_code(create.code, OK);
    raw_expect(raw, "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=1\n  chat_status=0\n  course_id=C1\n"
                                         "  capacity=30\n");
    assert_code(lesson_store_set_capacity(raw->store, "L1", 0), OK);
    assert_code(lesson_store_create(raw->store, "L1", LESSON_STORE_CREATE_RESET), OK);
    raw_expect(raw, "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n  course_id=C1\n"
                                         "  capacity=0\n");
    get.kind = LESSON_STORE_OPERATION_GET_LESSON;
    get.lesson_id = create.lesson_id;
    get.place = &place;
    assert_code(lesson_store_batch(raw->store, &get, 1), OK);
    assert_string_equal(place.course_id, "C1");
    assert_code(lesson_store_end(raw->store, "L1", 0, NULL), OK);
    raw_expect(raw, "");
}

/* What other programs may have written there. */
static void test_malformed_admission(void **state) {
    static const char *const capacities[] = {
        "", "-1", "many", "1e9", "1000000001", "99999999999999999999", "1\0372",
    };
    raw_server *raw = *state;
    lesson_store_lesson lesson;
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, 0, NULL), OK);
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
        raw_do(raw, "HSET " RECORD("L1") " capacity %s", capacities[i]);
        assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), MALFORMED);
        assert_code(lesson_store_join(raw->store, "bob", "C1", "L1", NULL, LESSON_STORE_JOIN_IF_ROOM, NULL), MALFORMED);
        assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, LESSON_STORE_JOIN_IF_ROOM, NULL), OK);
    }
    raw_do(raw, "HSET " RECORD("L1") " capacity 2 course_id %s",
           "C\x1f"
           "1");
    assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), MALFORMED);
    assert_code(lesson_store_join(raw->store, "bob", "C1", "L1", NULL, LESSON_STORE_JOIN_IF_ROOM, NULL), OK);
}

static const char *const odd_ids[] = {
    "two words", ":colons::", "#hash",   "a@b.c",       "p|q",  "\"quoted\"", "it's", "{braces}",         "{a}{b}",
    "*?[x]\\",   "%s%n",      "课程 一", "$3\\r\\nabc", "None", "-1",         "join", "\xf0\x9f\x8e\x93", "NOT_FOUND"};

/* Each of these ids in each role, one after another. */
static void test_odd_ids(void **state) {
    raw_server *raw = *state;
    const size_t count = sizeof odd_ids / sizeof *odd_ids;
    for (size_t i = 0; i < count; i++) {
        const char *uid = odd_ids[i];
        const char *course_id = odd_ids[(i + 1) % count];
        const char *lesson_id = odd_ids[(i + 2) % count];
        const char *session = odd_ids[(i + 3) % count];
        char expected[1024];
        lesson_store_place place;
        assert_code(lesson_store_create(raw->store, lesson_id, 0), OK);
        assert_code(lesson_store_join(raw->store, uid, course_id, lesson_id, session, 0, NULL), OK);
        snprintf(expected, sizeof expected,
                 "hash " USER("%s") "\n  uid=%s\n  course_id=%s\n  lesson_id=%s\n  session=%s\n  session_lesson_id=%s\n"
                                    "hash " RECORD("%s") "\n  lesson_id=%s\n  course_status=3\n  chat_status=0\n"
                                                         "set " MEMBERS("%s") "\n  %s\n",
                 uid, uid, course_id, lesson_id, session, lesson_id, lesson_id, lesson_id, lesson_id, uid);
        raw_expect(raw, expected);
        assert_code(lesson_store_where(raw->store, uid, &place), OK);
        assert_string_equal(place.course_id, course_id);
        assert_string_equal(place.lesson_id, lesson_id);
        assert_string_equal(place.session, session);
        assert_code(lesson_store_end(raw->store, lesson_id, 0, NULL), OK);
        raw_expect(raw, "");
    }
}

static bool add_to_text(const lesson_store_lesson *lesson, void *context) {
    char *text = context;
    sprintf(text + strlen(text), "%.*s|", (int)lesson->lesson_id.size, lesson->lesson_id.data);
    return true;
}

static bool add_user_to_text(const lesson_store_user *user, void *context) {
    char *text = context;
    sprintf(text + strlen(text), "%.*s|", (int)user->uid.size, user->uid.data);
    return true;
}

/* A prefix is plain text, not a pattern: the prefix `a*[x]?` must not list keys of `ab` or `aax`. */
static void test_prefixes(void **state) {
    raw_server *raw = *state;
    lesson_store *tenants[3];
    tenants[0] = raw_open_store(raw, "?pool=1&prefix=a*%5Bx%5D%5C%3F");
    tenants[1] = raw_open_store(raw, "?pool=1&prefix=aax%5Cb");
    tenants[2] = raw_open_store(raw, "?pool=1&prefix=%E8%AF%BE%20%5Ex");
    for (int i = 0; i < 3; i++) {
        char lesson_id[] = "L0", text[64] = "";
        lesson_id[1] = (char)('0' + i);
        assert_code(lesson_store_create(tenants[i], lesson_id, 0), OK);
        assert_code(lesson_store_join(tenants[i], lesson_id, "C", lesson_id, NULL, 0, NULL), OK);
        assert_code(lesson_store_lessons(tenants[i], add_to_text, text), OK);
        assert_code(lesson_store_users(tenants[i], add_user_to_text, text), OK);
        char expected[16];
        snprintf(expected, sizeof expected, "%s|%s|", lesson_id, lesson_id);
        assert_string_equal(text, expected);
    }
    raw_expect(raw, "hash a*[x]\\?:IN_LESSON:UID:L0\n  uid=L0\n  course_id=C\n  lesson_id=L0\n"
                    "hash a*[x]\\?:LESSON_STATUS:LESSON_ID:L0\n  lesson_id=L0\n  course_status=3\n  chat_status=0\n"
                    "set a*[x]\\?:LESSON_USER:LESSON_ID:L0\n  L0\n"
                    "hash aax\\b:IN_LESSON:UID:L1\n  uid=L1\n  course_id=C\n  lesson_id=L1\n"
                    "hash aax\\b:LESSON_STATUS:LESSON_ID:L1\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                    "set aax\\b:LESSON_USER:LESSON_ID:L1\n  L1\n"
                    "hash 课 ^x:IN_LESSON:UID:L2\n  uid=L2\n  course_id=C\n  lesson_id=L2\n"
                    "hash 课 ^x:LESSON_STATUS:LESSON_ID:L2\n  lesson_id=L2\n  course_status=3\n  chat_status=0\n"
                    "set 课 ^x:LESSON_USER:LESSON_ID:L2\n  L2\n");
    for (int i = 0; i < 3; i++)
        lesson_store_close(tenants[i]);
}

static void test_databases(void **state) {
    raw_server *raw = *state;
    char location[512];
    snprintf(location, sizeof location, "%s/3", redis_server_tcp_location(raw->server));
    lesson_store *by_path, *by_option = raw_open_store(raw, "?pool=1&db=4");
    assert_code(lesson_store_open(&by_path, location), OK);
    assert_code(lesson_store_create(by_path, "three", 0), OK);
    assert_code(lesson_store_create(by_option, "four", 0), OK);
    raw_expect(raw, "");
    raw_do(raw, "SELECT 3");
    raw_expect(raw, "hash " RECORD("three") "\n  lesson_id=three\n  course_status=3\n  chat_status=0\n");
    raw_do(raw, "SELECT 4");
    raw_expect(raw, "hash " RECORD("four") "\n  lesson_id=four\n  course_status=3\n  chat_status=0\n");
    raw_do(raw, "SELECT 0");
    lesson_store_close(by_path);
    lesson_store_close(by_option);
}

/* One request for any mixed batch, and no keys of ours but the three. */
static void test_batch(void **state) {
    raw_server *raw = *state;
    lesson_store_operation operations[4];
    operations[0] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_CREATE};
    operations[1] = operations[2] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
    operations[3] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_QUIT};
    for (int i = 0; i < 3; i++)
        operations[i].lesson_id = lesson_store_id_of("L1");
    operations[1].uid = operations[3].uid = lesson_store_id_of("ann");
    operations[2].uid = lesson_store_id_of("bob");
    operations[1].course_id = operations[2].course_id = lesson_store_id_of("C1");
    long long scripts = raw_calls(raw, "evalsha");
    assert_code(lesson_store_batch(raw->store, operations, 4), OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(operations[i].code, LESSON_STORE_OK);
    assert_int_equal(raw_calls(raw, "evalsha"), scripts + 1);
    raw_expect(raw, "hash " USER("bob") "\n  uid=bob\n  course_id=C1\n  lesson_id=L1\n"
                                        "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                             "set " MEMBERS("L1") "\n  bob\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(create),    TEST(set_and_reset), TEST(day),       TEST(end_of_the_record_only),
        TEST(sessions),  TEST(flags),         TEST(odd_ids),   TEST(prefixes),
        TEST(databases), TEST(batch),         TEST(admission), TEST(malformed_admission),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
