/* Bans in a file with odd rows, and those that a program without them leaves behind. */
#include <stdio.h>
#include <string.h>

#include "sqlite_files.h"

#define LATER "9999999999999"

static lesson_store *open_with(const sqlite_files *files, const char *rows) {
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, "INSERT INTO lessons(lesson_id, course_status, chat_status) VALUES('algebra', 1, 0)");
    sqlite_files_execute(files, rows);
    return sqlite_files_open(files, "");
}

static bool add_banned(const lesson_store_banned *banned, void *context) {
    strncat(context, banned->uid.data, banned->uid.size);
    strcat(context, ";");
    return true;
}

static int join(lesson_store *store, const char *uid) {
    return lesson_store_join(store, uid, "maths", "algebra", NULL, LESSON_STORE_JOIN_UNLESS_BANNED, NULL);
}

static void test_list(void **state) {
    char text[128] = "";
    lesson_store *store =
        open_with(*state, "INSERT INTO bans VALUES('algebra', 'a', " LATER "), ('algebra', 'b' || char(10), " LATER "),"
                          " ('algebra', 'c', 1), ('algebra', 'd', " LATER "), ('algebra', x'00ff', " LATER ")");
    assert_int_equal(lesson_store_bans(store, "algebra", add_banned, text), LESSON_STORE_MALFORMED);
    assert_string_equal(text, "a;d;");
    if (!strstr(lesson_store_message(), "a ban with an invalid uid: X'620A' (the first of 2)"))
        fail_msg("%s", lesson_store_message());
    sqlite_files_execute(*state, "DELETE FROM bans WHERE uid NOT IN ('a', 'c', 'd')");
    text[0] = '\0';
    assert_int_equal(lesson_store_bans(store, "algebra", add_banned, text), LESSON_STORE_OK);
    assert_string_equal(text, "a;d;");
    lesson_store_close(store);
}

/* A ban drops those of its lesson that have run out. */
static void test_rows(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = open_with(files, "INSERT INTO bans VALUES('algebra', 'old', 1), ('algebra', 'ann', " LATER
                                           "), ('chess', 'x', 1)");
    assert_int_equal(join(store, "old"), LESSON_STORE_OK);
    assert_int_equal(join(store, "ann"), LESSON_STORE_REFUSED);
    assert_int_equal(lesson_store_ban(store, "algebra", "bob", 3600000), LESSON_STORE_OK);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM bans WHERE lesson_id = 'algebra'"), 2);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM bans"), 3);
    assert_int_equal(lesson_store_end(store, "algebra", 0, NULL), LESSON_STORE_OK);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM bans WHERE lesson_id = 'algebra'"), 0);
    lesson_store_close(store);
}

/* A program without bans removes a record alone. The lesson is created again without them, by a reset too. */
static void test_left_behind(void **state) {
    static const uint32_t flags[] = {0, LESSON_STORE_CREATE_RESET};
    const sqlite_files *files = *state;
    lesson_store *store = open_with(files, "");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(lesson_store_ban(store, "algebra", "ann", 3600000), LESSON_STORE_OK);
        sqlite_files_execute(files, "DELETE FROM lessons");
        assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
        assert_int_equal(lesson_store_create(store, "algebra", flags[i]), LESSON_STORE_OK);
        assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
        assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM bans"), 0);
    }
    lesson_store_close(store);
}

/* A kick that meets an invalid record of the user changes nothing. */
static void test_malformed_user(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store =
        open_with(files, "INSERT INTO users(uid, course_id, lesson_id) VALUES('ann', x'01', 'algebra')");
    assert_int_equal(lesson_store_kick(store, "algebra", "ann", 1000, NULL), LESSON_STORE_MALFORMED);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM bans"), 0);
    lesson_store_close(store);
}

static bool add_finding(const lesson_store_finding *finding, void *context) {
    char *text = context;
    sprintf(text + strlen(text), "%s|%.*s|%.*s|%s;", lesson_store_finding_text((int)finding->kind),
            (int)finding->lesson_id.size, finding->lesson_id.data ? finding->lesson_id.data : "",
            (int)finding->uid.size, finding->uid.data ? finding->uid.data : "",
            finding->repaired ? "repaired" : "left");
    return true;
}

static void expect_findings(lesson_store *store, uint32_t flags, const char *expected) {
    char text[512] = "";
    assert_int_equal(lesson_store_check(store, flags, add_finding, text, NULL, NULL), LESSON_STORE_OK);
    assert_string_equal(text, expected);
}

static void test_check(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store =
        open_with(files, "INSERT INTO bans VALUES('algebra', 'ann', " LATER "), ('chess', 'ann', " LATER "),"
                         " ('chess', 'bob', 1), ('algebra', x'00', 'soon')");
    expect_findings(store, 0, "malformed data|algebra||left;bans of an ended lesson|chess||left;");
    expect_findings(store, LESSON_STORE_CHECK_REPAIR,
                    "malformed data|algebra||left;bans of an ended lesson|chess||repaired;");
    expect_findings(store, 0, "malformed data|algebra||left;");
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM bans"), 2);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_list), TEST(test_rows), TEST(test_left_behind), TEST(test_malformed_user), TEST(test_check),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
