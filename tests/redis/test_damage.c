/* Keys of a wrong type, invalid values, and lessons whose size needs several commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

static int join(raw_server *raw, const char *uid, const char *lesson_id) {
    return lesson_store_join(raw->store, uid, "C1", lesson_id, NULL, 0, NULL);
}

/* ---- Keys of a wrong type: the operation changes nothing, and the others of its batch go on */

static lesson_store_operation operation_of(uint32_t kind, const char *uid, const char *lesson_id, uint32_t flags) {
    lesson_store_operation operation = {.kind = kind};
    operation.uid = lesson_store_id_of(uid);
    operation.lesson_id = lesson_store_id_of(lesson_id);
    operation.flags = flags;
    if (kind == LESSON_STORE_OPERATION_JOIN)
        operation.course_id = lesson_store_id_of("C1");
    if (kind == LESSON_STORE_OPERATION_SET) {
        operation.given = LESSON_STORE_GIVEN_COURSE_STATUS;
        operation.course_status = LESSON_STORE_COURSE_ONLINE;
    }
    return operation;
}

enum {
    CREATE = LESSON_STORE_OPERATION_CREATE,
    END = LESSON_STORE_OPERATION_END,
    SET = LESSON_STORE_OPERATION_SET,
    GET = LESSON_STORE_OPERATION_GET_LESSON,
    JOIN = LESSON_STORE_OPERATION_JOIN,
    QUIT = LESSON_STORE_OPERATION_QUIT,
    WHERE = LESSON_STORE_OPERATION_WHERE,
    COUNT = LESSON_STORE_OPERATION_COUNT_MEMBERS
};

/* "ann" is in "old". Both "old" and "new" have a record. Then one key becomes a string. */
static const struct wrong_type {
    const char *key;
    uint32_t kind;
    const char *uid;
    const char *lesson_id;
    uint32_t flags;
} wrong_types[] = {
    {USER("ann"), JOIN, "ann", "new", 0},
    {USER("ann"), JOIN, "ann", "new", LESSON_STORE_JOIN_STAY},
    {USER("ann"), QUIT, "ann", NULL, 0},
    {USER("ann"), WHERE, "ann", NULL, 0},
    {RECORD("new"), CREATE, NULL, "new", 0},
    {RECORD("new"), CREATE, NULL, "new", LESSON_STORE_CREATE_RESET},
    {RECORD("new"), END, NULL, "new", 0},
    {RECORD("old"), END, NULL, "old", 0},
    {RECORD("new"), END, NULL, "new", LESSON_STORE_END_RECORD_ONLY},
    {RECORD("new"), SET, NULL, "new", 0},
    {RECORD("new"), GET, NULL, "new", 0},
    {RECORD("new"), JOIN, "ann", "new", LESSON_STORE_JOIN_IF_EXISTS},
    {RECORD("new"), JOIN, "ann", "new", LESSON_STORE_JOIN_IF_OPEN},
    {MEMBERS("new"), JOIN, "ann", "new", 0},
    {MEMBERS("new"), JOIN, "bob", "new", 0},
    {MEMBERS("new"), END, NULL, "new", 0},
    {MEMBERS("new"), GET, NULL, "new", 0},
    {MEMBERS("new"), COUNT, NULL, "new", 0},
    {MEMBERS("old"), JOIN, "ann", "new", 0},
    {MEMBERS("old"), JOIN, "ann", "old", 0},
    {MEMBERS("old"), QUIT, "ann", NULL, 0},
};

static void test_wrong_types(void **state) {
    raw_server *raw = *state;
    for (size_t i = 0; i < sizeof wrong_types / sizeof *wrong_types; i++) {
        const struct wrong_type *wrong = &wrong_types[i];
        raw_do(raw, "FLUSHALL");
        assert_code(lesson_store_create(raw->store, "old", 0), OK);
        assert_code(lesson_store_create(raw->store, "new", 0), OK);
        assert_code(join(raw, "ann", "old"), OK);
        raw_do(raw, "SET %s text", wrong->key);
        char *before = raw_dump(raw);

        lesson_store_operation operations[3];
        operations[0] = operation_of(JOIN, "zoe", "other", 0);
        operations[1] = operation_of(wrong->kind, wrong->uid, wrong->lesson_id, wrong->flags);
        operations[2] = operation_of(QUIT, "zoe", NULL, 0);
        assert_code(lesson_store_batch(raw->store, operations, 3), OK);
        assert_int_equal(operations[0].code, LESSON_STORE_OK);
        if (operations[1].code != LESSON_STORE_MALFORMED)
            fail_msg("%zu: %s: %s", i, wrong->key, lesson_store_code_name(operations[1].code));
        raw_assert_message(wrong->key);
        assert_int_equal(operations[2].code, LESSON_STORE_OK);
        raw_expect(raw, before);
        free(before);
    }
}

/* The message of a move names both keys. The message of a join that moved nobody names only one. */
static void test_message_of_a_join(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "HSET " USER("ann") " uid ann course_id C1 lesson_id old");
    raw_do(raw, "SET " MEMBERS("new") " text");
    assert_code(join(raw, "ann", "new"), MALFORMED);
    raw_assert_message(MEMBERS("new") ": WRONGTYPE");
    raw_do(raw, "SADD " MEMBERS("old") " ann");
    assert_code(join(raw, "ann", "new"), MALFORMED);
    raw_assert_message(MEMBERS("new") " or " MEMBERS("old") ": WRONGTYPE");
}

/* If a key need not be read, its type does not matter. */
static void test_keys_that_do_not_matter(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "SET " RECORD("L1") " text");
    assert_code(join(raw, "ann", "L1"), OK);
    assert_code(lesson_store_quit(raw->store, "ann", NULL, NULL, NULL), OK);
    raw_do(raw, "SET " MEMBERS("L2") " text");
    assert_code(lesson_store_create(raw->store, "L2", 0), OK);
    assert_code(lesson_store_replace_chat_status(raw->store, "L2", 0, 1, NULL), OK);
    assert_code(lesson_store_end(raw->store, "L2", LESSON_STORE_END_RECORD_ONLY, NULL), OK);
}

/* ---- Invalid values */

static void test_bad_statuses(void **state) {
    raw_server *raw = *state;
    static const char *const statuses[] = {"4", "-1", "03", "x", "", " 1", "1 ", "11111111111111111111"};
    lesson_store_lesson lesson;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        raw_do(raw, "DEL " RECORD("L1"));
        raw_do(raw, "HSET " RECORD("L1") " lesson_id L1 course_status %b chat_status 0", statuses[i],
               strlen(statuses[i]));
        char *before = raw_dump(raw);
        assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), MALFORMED);
        raw_assert_message(RECORD("L1"));
        assert_code(lesson_store_replace_course_status(raw->store, "L1", 3, 1, NULL), MALFORMED);
        assert_code(lesson_store_join(raw->store, "ann", "C", "L1", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL), MALFORMED);
        raw_expect(raw, before);
        free(before);
        assert_code(lesson_store_set_course_status(raw->store, "L1", 1), OK);
        assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), OK);
    }
}

static void test_bad_ids_in_places(void **state) {
    raw_server *raw = *state;
    lesson_store_place place = {.lesson_id = "untouched"};
    raw_do(raw, "HSET " USER("ann") " uid ann course_id C0 lesson_id %b", "\xff\xff", (size_t)2);
    assert_code(lesson_store_where(raw->store, "ann", &place), MALFORMED);
    raw_assert_message(USER("ann"));
    assert_string_equal(place.lesson_id, "untouched");
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, 0, &place), OK);
    assert_string_equal(place.course_id, "C0");
    assert_string_equal(place.lesson_id, "");
    raw_do(raw, "HSET " USER("bob") " uid bob course_id C0 lesson_id %b", "a\nb", (size_t)3);
    assert_code(lesson_store_quit(raw->store, "bob", NULL, NULL, &place), OK);
    assert_string_equal(place.lesson_id, "");
    /* The byte that separates the parts of the script's answer */
    raw_do(raw, "HSET " USER("cid") " uid cid course_id %b lesson_id L0",
           "C\x1f"
           "0",
           (size_t)3);
    assert_code(lesson_store_quit(raw->store, "cid", NULL, NULL, &place), OK);
    assert_string_equal(place.course_id, "");
    assert_string_equal(place.lesson_id, "");
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C1\n  lesson_id=L1\n"
                                        "set " MEMBERS("L1") "\n  ann\n");
}

/* More members than one command takes, one of whom is in another lesson by now. */
static void test_end_of_a_big_lesson(void **state) {
    raw_server *raw = *state;
    enum { USERS = 9001 };
    uint64_t left;
    char uid[24];
    for (int i = 0; i < USERS; i++) {
        snprintf(uid, sizeof uid, "user-%d", i);
        assert_code(join(raw, uid, "L1"), OK);
    }
    raw_do(raw, "HSET " USER("user-7") " lesson_id L2");
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, USERS - 1);
    raw_expect(raw, "hash " USER("user-7") "\n  uid=user-7\n  course_id=C1\n  lesson_id=L2\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(wrong_types),  TEST(message_of_a_join), TEST(keys_that_do_not_matter),
        TEST(bad_statuses), TEST(bad_ids_in_places), TEST(end_of_a_big_lesson),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
