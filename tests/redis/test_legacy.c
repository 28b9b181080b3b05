/* The classes that this library replaces, as raw commands, together with and between the library's own writes. */
#include <stdio.h>

#include "legacy.h"

/* ---- Their data, read by us */

static bool count_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    ++*(int *)context;
    return true;
}

static void test_we_read_what_they_wrote(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    lesson_store_lesson lesson;
    int members = 0;
    legacy_create(raw, "L1");
    legacy_join(raw, "ann", "C1", "L1");
    legacy_join(raw, "bob", "C1", "L1");

    assert_code(lesson_store_where(raw->store, "ann", &place), OK);
    assert_string_equal(place.course_id, "C1");
    assert_string_equal(place.lesson_id, "L1");
    assert_string_equal(place.session, "");
    assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), OK);
    assert_true(lesson.has_record);
    assert_int_equal(lesson.course_status, LESSON_STORE_COURSE_WAITING);
    assert_int_equal(lesson.chat_status, LESSON_STORE_CHAT_FREE);
    assert_int_equal(lesson.member_count, 2);
    assert_code(lesson_store_members(raw->store, "L1", count_member, &members), OK);
    assert_int_equal(members, 2);
    assert_code(lesson_store_create(raw->store, "L1", 0), EXISTS);
    assert_code(lesson_store_join(raw->store, "ann", "C2", "L2", NULL, 0, &place), OK);
    assert_string_equal(place.lesson_id, "L1");
    raw_expect(
        raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C2\n  lesson_id=L2\n"
                                 "hash " USER("bob") "\n  uid=bob\n  course_id=C1\n  lesson_id=L1\n"
                                                     "hash " RECORD(
                                                         "L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                               "set " MEMBERS("L1") "\n  bob\n"
                                                                                    "set " MEMBERS("L2") "\n  ann\n");
}

/* ---- Our data, read and written by them */

static void test_they_read_what_we_wrote(void **state) {
    raw_server *raw = *state;
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", "session", 0, NULL), OK);
    legacy_where(raw, "ann", lesson_id);
    assert_string_equal(lesson_id, "L1");
    assert_true(legacy_has_member(raw, "L1", "ann"));
    legacy_quit(raw, "ann");
    assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
    legacy_end(raw, "L1");
    raw_expect(raw, "");
}

/* ---- Their writes between ours */

static void test_their_join_ends_our_session(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", "s1", 0, NULL), OK);
    legacy_join(raw, "ann", "C2", "L2");
    assert_code(lesson_store_where(raw->store, "ann", &place), OK);
    assert_string_equal(place.lesson_id, "L2");
    assert_string_equal(place.session, "");
    assert_code(lesson_store_quit(raw->store, "ann", NULL, "s1", &place), CONFLICT);
    assert_string_equal(place.lesson_id, "L2");

    /* Our next join leaves neither the old session nor the membership in the old lesson. */
    assert_code(lesson_store_join(raw->store, "ann", "C3", "L3", NULL, 0, &place), OK);
    assert_string_equal(place.session, "");
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C3\n  lesson_id=L3\n"
                                        "set " MEMBERS("L1") "\n  ann\n" /* the ghost that their join made */
                                                             "set " MEMBERS("L3") "\n  ann\n");
}

/* Between the two commands of a legacy join, the record exists and the membership does not. */
static void test_in_the_middle_of_their_join(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    raw_do(raw, "HMSET " USER("ann") " uid ann course_id C1 lesson_id L1");
    assert_code(lesson_store_where(raw->store, "ann", &place), OK);
    assert_string_equal(place.lesson_id, "L1");
    assert_code(lesson_store_join(raw->store, "ann", "C2", "L2", NULL, 0, &place), OK);
    assert_string_equal(place.lesson_id, "L1");
    assert_true(legacy_has_member(raw, "L2", "ann"));
    assert_code(lesson_store_quit(raw->store, "ann", "L2", NULL, NULL), OK);
    raw_do(raw, "SADD " MEMBERS("L1") " ann");
    assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
}

/* The record of ann in L2. The server keeps fields in the order in which they were set. */
static void expect_whole_record(raw_server *raw) {
    static const char script[] = "local found = redis.call('HMGET', KEYS[1], 'uid', 'course_id', 'lesson_id')\n"
                                 "local whole = found[1] == 'ann' and found[2] == 'C' and found[3] == 'L2'\n"
                                 "return whole and redis.call('HLEN', KEYS[1]) or 0";
    assert_int_equal(raw_number(raw, "EVAL %s 1 %s", script, USER("ann")), 3);
    assert_true(legacy_has_member(raw, "L2", "ann"));
}

/* Every plain join leaves exactly the three fields of a record, whatever was there before: alone and in a batch. */
static void test_a_join_makes_a_record_whole(void **state) {
    static const char *const residues[] = {
        "lesson_id L1",
        "course_id C1",
        "uid ann",
        "session s",
        "course_id C1 lesson_id L1",
        "uid ann lesson_id L1",
        "lesson_id L1 session s session_lesson_id L1",
        "uid ann course_id C1 lesson_id L1 session s session_lesson_id L1",
        "uid ann course_id C1 lesson_id L1 session_lesson_id L1",
    };
    raw_server *raw = *state;
    for (size_t i = 0; i < sizeof residues / sizeof *residues; i++) {
        char command[128];
        snprintf(command, sizeof command, "HMSET " USER("ann") " %s", residues[i]);
        raw_do(raw, command);
        assert_code(lesson_store_join(raw->store, "ann", "C", "L2", NULL, 0, NULL), OK);
        expect_whole_record(raw);
        raw_do(raw, "FLUSHDB");
        raw_do(raw, command);
        lesson_store_operation joins[] = {raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", "L2"),
                                          raw_operation(LESSON_STORE_OPERATION_JOIN, "bob", "L2")};
        assert_code(lesson_store_batch(raw->store, joins, 2), OK);
        expect_whole_record(raw);
        raw_do(raw, "FLUSHDB");
    }
}

/* Between the commands of a legacy quit, and with one of our joins between them. */
static void test_in_the_middle_of_their_quit(void **state) {
    raw_server *raw = *state;
    legacy_join(raw, "ann", "C1", "L1");
    raw_do(raw, "DEL " USER("ann"));
    assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
    assert_code(lesson_store_quit(raw->store, "ann", NULL, NULL, NULL), NOT_FOUND);
    assert_code(lesson_store_join(raw->store, "ann", "C2", "L2", NULL, 0, NULL), OK);
    raw_do(raw, "SREM " MEMBERS("L1") " ann");
    raw_expect(raw, "hash " USER("ann") "\n  uid=ann\n  course_id=C2\n  lesson_id=L2\n"
                                        "set " MEMBERS("L2") "\n  ann\n");
}

/* Their end leaves all members in the lesson, which alone are still a lesson to end. */
static void test_our_end_after_theirs(void **state) {
    raw_server *raw = *state;
    uint64_t left = 0;
    legacy_create(raw, "L1");
    legacy_join(raw, "ann", "C1", "L1");
    legacy_join(raw, "bob", "C1", "L1");
    legacy_join(raw, "bob", "C2", "L2"); /* from now on a ghost in L1 */
    raw_do(raw, "SADD " MEMBERS("L1") " gone");
    raw_do(raw, "SET " USER("odd") " text");
    raw_do(raw, "SADD " MEMBERS("L1") " odd");
    legacy_end(raw, "L1");
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, 1);
    raw_expect(raw, "hash " USER("bob") "\n  uid=bob\n  course_id=C2\n  lesson_id=L2\n"
                                        "string " USER("odd") "\n"
                                                              "set " MEMBERS("L2") "\n  bob\n");
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), NOT_FOUND);
}

/* ---- Residue */

static bool describe_lesson(const lesson_store_lesson *lesson, void *context) {
    char *text = context;
    sprintf(text + strlen(text), "%.*s %d %d %d %d;", (int)lesson->lesson_id.size, lesson->lesson_id.data,
            lesson->has_record, (int)lesson->course_status, (int)lesson->chat_status, (int)lesson->member_count);
    return true;
}

static void test_records_without_fields(void **state) {
    raw_server *raw = *state;
    lesson_store_lesson lesson;
    int present = 7;
    char text[256] = "";
    raw_do(raw, "HMSET " RECORD("L1") " lesson_id L1");
    assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), OK);
    assert_true(lesson.has_record);
    assert_int_equal(lesson.course_status, LESSON_STORE_STATUS_NONE);
    assert_int_equal(lesson.chat_status, LESSON_STORE_STATUS_NONE);
    assert_code(lesson_store_lessons(raw->store, describe_lesson, text), OK);
    assert_string_equal(text, "L1 1 -1 -1 0;");
    assert_code(lesson_store_join(raw->store, "ann", "C", "L1", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL), REFUSED);
    assert_code(lesson_store_join(raw->store, "ann", "C", "L1", NULL, LESSON_STORE_JOIN_IF_EXISTS, NULL), OK);
    assert_code(lesson_store_create(raw->store, "L1", 0), EXISTS);
    assert_code(lesson_store_replace_course_status(raw->store, "L1", 3, 1, &present), CONFLICT);
    assert_int_equal(present, LESSON_STORE_STATUS_NONE);
    assert_code(lesson_store_set_course_status(raw->store, "L1", 1), OK);
    assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), OK);
    assert_int_equal(lesson.course_status, LESSON_STORE_COURSE_ONLINE);
}

static void test_user_records_without_fields(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    raw_do(raw, "HMSET " USER("idle") " uid idle course_id C1");
    raw_do(raw, "HMSET " USER("ann") " lesson_id L1");
    raw_do(raw, "HMSET " USER("bob") " uid bob course_id %b lesson_id L1", "", (size_t)0);
    raw_do(raw, "HMSET " USER("cho") " session_lesson_id %b", "", (size_t)0);
    assert_code(lesson_store_where(raw->store, "cho", &place), NOT_FOUND);
    raw_do(raw, "DEL " USER("cho"));
    assert_code(lesson_store_where(raw->store, "bob", &place), OK);
    assert_string_equal(place.course_id, "");
    assert_code(lesson_store_quit(raw->store, "bob", "L1", NULL, &place), OK);
    assert_code(lesson_store_where(raw->store, "idle", NULL), NOT_FOUND);
    assert_code(lesson_store_quit(raw->store, "idle", NULL, NULL, NULL), NOT_FOUND);
    assert_code(lesson_store_where(raw->store, "ann", &place), OK);
    assert_string_equal(place.course_id, "");
    assert_string_equal(place.lesson_id, "L1");
    assert_code(lesson_store_join(raw->store, "idle", "C2", "L2", NULL, 0, &place), OK);
    assert_string_equal(place.lesson_id, "");
    assert_code(lesson_store_quit(raw->store, "ann", NULL, NULL, &place), OK);
    assert_string_equal(place.lesson_id, "L1");
    raw_expect(raw, "hash " USER("idle") "\n  uid=idle\n  course_id=C2\n  lesson_id=L2\n"
                                         "set " MEMBERS("L2") "\n  idle\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(we_read_what_they_wrote),     TEST(they_read_what_we_wrote),     TEST(their_join_ends_our_session),
        TEST(in_the_middle_of_their_join), TEST(in_the_middle_of_their_quit), TEST(our_end_after_theirs),
        TEST(records_without_fields),      TEST(user_records_without_fields), TEST(a_join_makes_a_record_whole),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
