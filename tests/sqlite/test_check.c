/* Check and repair: an index with missing or extra entries, odd values, incomplete records, ended lessons, damaged
 * pages. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_files.h"

struct findings {
    char text[4096];
    uint64_t found;
    uint64_t repaired;
    int limit; /* stop after this many; 0: never */
    int count;
};

static bool add_finding(const lesson_store_finding *finding, void *context) {
    struct findings *findings = context;
    char text[512];
    assert_true(finding->detail && *finding->detail);
    snprintf(text, sizeof text, "%s|%.*s|%.*s|%s;", lesson_store_finding_text((int)finding->kind),
             (int)finding->lesson_id.size, finding->lesson_id.data ? finding->lesson_id.data : "",
             (int)finding->uid.size, finding->uid.data ? finding->uid.data : "",
             finding->repaired     ? "repaired"
             : finding->repairable ? "repairable"
                                   : "left");
    assert_true(strlen(findings->text) + strlen(text) < sizeof findings->text);
    strcat(findings->text, text);
    return ++findings->count != findings->limit;
}

static struct findings check(const sqlite_files *files, uint32_t flags) {
    struct findings findings = {.limit = 0};
    lesson_store *store = sqlite_files_open(files, "");
    int code = lesson_store_check(store, flags, add_finding, &findings, &findings.found, &findings.repaired);
    if (code)
        fail_msg("%s", lesson_store_message());
    lesson_store_close(store);
    return findings;
}

static void assert_sound(const sqlite_files *files) {
    struct findings findings = check(files, LESSON_STORE_CHECK_ENDED);
    assert_string_equal(findings.text, "");
    assert_int_equal(findings.found, 0);
}

static void make(const sqlite_files *files, const char *text) {
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, text);
}

#define TWO_USERS                                                                                                      \
    "INSERT INTO lessons(lesson_id, course_status, chat_status) VALUES('algebra', 1, 0);"                              \
    "INSERT INTO users(uid, course_id, lesson_id, session) VALUES('ann', 'maths', 'algebra', NULL), ('bob', 'maths', " \
    "'algebra', NULL);"

static int64_t member_count(const sqlite_files *files) {
    uint64_t count;
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_count_members(store, "algebra", &count), LESSON_STORE_OK);
    lesson_store_close(store);
    return (int64_t)count;
}

static void test_index(void **state) {
    const sqlite_files *files = *state;
    make(files, TWO_USERS);
    sqlite_files_change_behind_the_index(
        files, "DELETE FROM users WHERE uid = 'bob'; UPDATE users SET lesson_id = 'chess';"
               "INSERT INTO users(uid, course_id, lesson_id, session) VALUES('cy', 'maths', 'algebra', NULL)");
    assert_int_equal(member_count(files), 2);
    struct findings findings = check(files, 0);
    assert_string_equal(findings.text, "missing member|chess|ann|repairable;missing member|algebra|cy|repairable;"
                                       "ghost member|algebra|ann|repairable;ghost member|algebra|bob|repairable;");
    assert_int_equal(findings.found, 4);
    assert_int_equal(findings.repaired, 0);
    assert_int_equal(member_count(files), 2);

    findings = check(files, LESSON_STORE_CHECK_REPAIR);
    assert_int_equal(findings.found, 4);
    assert_int_equal(findings.repaired, 4);
    assert_int_equal(member_count(files), 1);
    assert_int_equal(check(files, 0).found, 0);
}

/* Losing the index only costs time, because without it there are only user records. A repair makes it again. */
static void test_lost_index(void **state) {
    const sqlite_files *files = *state;
    make(files, TWO_USERS "DROP INDEX users_by_lesson");
    assert_string_equal(check(files, 0).text, "malformed data|||repairable;");
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM sqlite_master WHERE type = 'index'"
                                                " AND name = 'users_by_lesson'"),
                     0);
    struct findings findings = check(files, LESSON_STORE_CHECK_REPAIR);
    assert_string_equal(findings.text, "malformed data|||repaired;");
    assert_int_equal(findings.repaired, 1);
    assert_int_equal(member_count(files), 2);
    assert_sound(files);
}

static void check_open(lesson_store *store, uint32_t flags, struct findings *findings) {
    *findings = (struct findings){.limit = 0};
    assert_int_equal(lesson_store_check(store, flags, add_finding, findings, &findings->found, &findings->repaired),
                     LESSON_STORE_OK);
}

/* What came into the schema after the file was opened. Whatever it does, a person must judge it. */
static void test_foreign_objects(void **state) {
    const sqlite_files *files = *state;
    struct findings findings;
    lesson_store *store = sqlite_files_open(files, "");
    sqlite_files_execute(files, TWO_USERS "CREATE TABLE other(a); CREATE INDEX slow ON users(course_id);"
                                          "CREATE TRIGGER copies AFTER INSERT ON users BEGIN SELECT 1; END");
    check_open(store, 0, &findings);
    assert_string_equal(findings.text, "malformed data|||left;malformed data|||left;malformed data|||left;");
    check_open(store, LESSON_STORE_CHECK_REPAIR, &findings);
    assert_int_equal(findings.repaired, 0);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'"), 1);
    lesson_store_close(store);
}

/* A NULL lesson, if the column allows it. It is NULL in the index and in the record, so neither is missing. */
static void test_null_lesson(void **state) {
    const sqlite_files *files = *state;
    make(files, TWO_USERS);
    sqlite_files_execute(files, "CREATE TABLE kept(sql); INSERT INTO kept SELECT sql FROM sqlite_master"
                                " WHERE name = 'users'; PRAGMA writable_schema = ON;"
                                "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'users'");
    sqlite_files_execute(files, "UPDATE users SET lesson_id = NULL WHERE uid = 'ann'");
    sqlite_files_execute(files, "PRAGMA writable_schema = ON;"
                                "UPDATE sqlite_master SET sql = (SELECT sql FROM kept) WHERE name = 'users'");
    sqlite_files_execute(files, "DROP TABLE kept");
    const char *expected = "malformed data|||left;malformed data||ann|left;";
    assert_string_equal(check(files, 0).text, expected);
    assert_string_equal(check(files, LESSON_STORE_CHECK_REPAIR).text, expected);
}

static void test_values(void **state) {
    const sqlite_files *files = *state;
    make(files, TWO_USERS
         "INSERT INTO lessons(lesson_id, course_status, chat_status) VALUES('chess', NULL, NULL), ('art', 7, NULL);"
         "INSERT INTO users(uid, course_id, lesson_id, session) VALUES(X'0A', 'maths', 'algebra', NULL), ('dan', '', "
         "'algebra', NULL)");
    static const char found[] = "malformed data|art||left;malformed data|algebra|dan|left;"
                                "malformed data|algebra||left;incomplete lesson record|art||%s;"
                                "incomplete lesson record|chess||%s;";
    char expected[512];
    snprintf(expected, sizeof expected, found, "repairable", "repairable");
    assert_string_equal(check(files, 0).text, expected);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM lessons WHERE chat_status IS NULL"), 2);

    struct findings findings = check(files, LESSON_STORE_CHECK_REPAIR);
    snprintf(expected, sizeof expected, found, "repaired", "repaired");
    assert_string_equal(findings.text, expected);
    assert_int_equal(findings.repaired, 2);
    assert_int_equal(sqlite_files_number(files, "SELECT course_status * 10 + chat_status FROM lessons"
                                                " WHERE lesson_id = 'chess'"),
                     30);
    assert_int_equal(sqlite_files_number(files, "SELECT course_status * 10 + chat_status FROM lessons"
                                                " WHERE lesson_id = 'art'"),
                     70);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users"), 4);
}

/* An invalid owner makes a user malformed to every call, and the list of owners ends with MALFORMED. */
static void test_owners(void **state) {
    const sqlite_files *files = *state;
    make(files, TWO_USERS "UPDATE users SET owner = x'00ff' WHERE uid = 'ann'; UPDATE users SET owner = 'w/1'"
                          " WHERE uid = 'bob'; INSERT INTO owners VALUES('w/1', 1, 1, 0), (x'01', 1, 1, 0)");
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_MALFORMED);
    lesson_store_close(store);
    const char *expected = "malformed data|algebra|ann|left;malformed data|||left;";
    assert_string_equal(check(files, 0).text, expected);
    assert_string_equal(check(files, LESSON_STORE_CHECK_REPAIR).text, expected);
}

static void test_ended(void **state) {
    const sqlite_files *files = *state;
    make(files, TWO_USERS "INSERT INTO users(uid, course_id, lesson_id, session) VALUES('cy', 'maths', 'chess', NULL), "
                          "('dan', 'maths', 'chess', 's')");
    assert_int_equal(check(files, LESSON_STORE_CHECK_REPAIR).found, 0);
    struct findings findings = check(files, LESSON_STORE_CHECK_ENDED);
    assert_string_equal(findings.text,
                        "user of an ended lesson|chess|cy|repairable;user of an ended lesson|chess|dan|repairable;");
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users"), 4);
    findings = check(files, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR);
    assert_int_equal(findings.repaired, 2);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users WHERE lesson_id = 'algebra'"), 2);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users"), 2);
    assert_sound(files);
}

static void test_stop_early(void **state) {
    const sqlite_files *files = *state;
    make(files, "INSERT INTO users(uid, course_id, lesson_id, session) VALUES('cy', 'maths', 'chess', NULL), ('dan', "
                "'maths', 'chess', 's')");
    lesson_store *store = sqlite_files_open(files, "");
    struct findings findings = {.limit = 1};
    assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_ENDED, add_finding, &findings, &findings.found, NULL),
                     LESSON_STORE_OK);
    assert_int_equal(findings.found, 1);
    /* One check leaves nothing for the next. */
    findings = (struct findings){.limit = 0};
    assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_ENDED, add_finding, &findings, &findings.found, NULL),
                     LESSON_STORE_OK);
    assert_int_equal(findings.found, 2);
    lesson_store_close(store);
}

/* The index's page is overwritten. That is reported, and does not read as an empty lesson. */
static void test_damaged_page(void **state) {
    const sqlite_files *files = *state;
    make(files, TWO_USERS);
    int64_t page = sqlite_files_number(files, "SELECT rootpage FROM sqlite_master WHERE name = 'users_by_lesson'");
    int64_t page_size = sqlite_files_number(files, "PRAGMA page_size");
    FILE *file = fopen(files->database, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)((page - 1) * page_size), SEEK_SET), 0);
    for (int i = 0; i < 64; i++)
        assert_int_equal(fputc(0xAB, file), 0xAB);
    fclose(file);

    lesson_store *store = sqlite_files_open(files, "");
    uint64_t count = 0;
    assert_int_equal(lesson_store_count_members(store, "algebra", &count), LESSON_STORE_MALFORMED);
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_OK);

    /* A batch that meets the damage is rolled back, and the next one starts fresh. */
    lesson_store_operation batch[] = {{.kind = LESSON_STORE_OPERATION_CREATE},
                                      {.kind = LESSON_STORE_OPERATION_COUNT_MEMBERS}};
    batch[0].lesson_id = lesson_store_id_of("chess");
    batch[1].lesson_id = lesson_store_id_of("algebra");
    assert_int_equal(lesson_store_batch(store, batch, 2), LESSON_STORE_MALFORMED);
    assert_int_equal(batch[0].code, LESSON_STORE_MALFORMED);
    assert_int_equal(lesson_store_create(store, "art", 0), LESSON_STORE_OK);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM lessons WHERE lesson_id = 'chess'"), 0);

    struct findings findings = {.limit = 0};
    int code = lesson_store_check(store, 0, add_finding, &findings, &findings.found, NULL);
    assert_int_equal(code, LESSON_STORE_MALFORMED);
    assert_true(findings.found > 0);
    assert_non_null(strstr(findings.text, "malformed data|||left;"));
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_index),       TEST(test_lost_index), TEST(test_foreign_objects),
        TEST(test_null_lesson), TEST(test_values),     TEST(test_owners),
        TEST(test_ended),       TEST(test_stop_early), TEST(test_damaged_page),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
