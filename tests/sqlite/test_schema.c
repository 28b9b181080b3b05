/* How files are treated: a new one, an older one, a newer one, and one of another program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_files.h"

static void test_new_file(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    assert_int_equal(sqlite_files_number(files, "PRAGMA application_id"), 0x4c455353);
    assert_int_equal(sqlite_files_number(files, "PRAGMA user_version"), SQLITE_FILES_NEWEST);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM sqlite_master WHERE sql IS NOT NULL"), 9);
    assert_int_equal(sqlite_files_number(files, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
}

static void test_data_stays(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_create(store, "algebra", 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_set_course_status(store, "algebra", LESSON_STORE_COURSE_ONLINE), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", "tab-1", 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);

    store = sqlite_files_open(files, "");
    lesson_store_place place;
    lesson_store_lesson lesson;
    assert_int_equal(lesson_store_where(store, "ann", &place), LESSON_STORE_OK);
    assert_string_equal(place.course_id, "maths");
    assert_string_equal(place.lesson_id, "algebra");
    assert_string_equal(place.session, "tab-1");
    assert_int_equal(lesson_store_get_lesson(store, "algebra", &lesson), LESSON_STORE_OK);
    assert_int_equal(lesson.course_status, LESSON_STORE_COURSE_ONLINE);
    assert_int_equal(lesson.member_count, 1);
    lesson_store_close(store);
}

static int64_t data_version(sqlite3 *database) {
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(database, "PRAGMA data_version", -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t version = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return version;
}

/* At each commit that wrote something, SQLite changes the data version that another connection sees. */
static void test_repeated_join_writes_nothing(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", "tab-1", 0, NULL), LESSON_STORE_OK);
    sqlite3 *database = sqlite_files_connect(files);
    int64_t before = data_version(database);
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", "tab-1", 0, NULL), LESSON_STORE_OK);
    assert_int_equal(data_version(database), before);
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", "tab-2", 0, NULL), LESSON_STORE_OK);
    assert_int_not_equal(data_version(database), before);
    sqlite3_close(database);
    lesson_store_close(store);
}

static void assert_upgraded(const sqlite_files *files) {
    lesson_store *store = sqlite_files_open(files, "");
    lesson_store_place place;
    lesson_store_lesson lesson;
    assert_int_equal(lesson_store_where(store, "ann", &place), LESSON_STORE_OK);
    assert_string_equal(place.lesson_id, "algebra");
    assert_string_equal(place.session, "");
    assert_int_equal(lesson_store_get_lesson(store, "algebra", &lesson), LESSON_STORE_OK);
    assert_int_equal(lesson.course_status, LESSON_STORE_COURSE_ONLINE);
    assert_int_equal(lesson.chat_status, LESSON_STORE_CHAT_BANNED);
    lesson_store_close(store);
    assert_int_equal(sqlite_files_number(files, "PRAGMA user_version"), SQLITE_FILES_NEWEST);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users"), 2);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM lessons"), 2);
}

static void test_older_file(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_make_version_1(files);
    assert_upgraded(files);
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", "tab-1", 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_quit(store, "ann", NULL, "tab-2", NULL), LESSON_STORE_CONFLICT);
    lesson_store_close(store);
}

static int open_and_close(const sqlite_files *files, int number) {
    (void)number;
    lesson_store *store;
    int code = lesson_store_open(&store, files->location);
    if (code)
        fprintf(stderr, "%s\n", lesson_store_message());
    lesson_store_close(store);
    return code;
}

static void test_older_file_opened_by_several(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_make_version_1(files);
    sqlite_files_run(files, 4, open_and_close, LESSON_STORE_OK);
    assert_upgraded(files);
}

/* Refused, without a changed byte, and without new files next to it. */
static void assert_untouched(const sqlite_files *files, int code, const char *part) {
    size_t before_size, after_size;
    unsigned char *before = sqlite_files_bytes(files->database, &before_size);
    sqlite_files_refuse(files, "", code, part);
    unsigned char *after = sqlite_files_bytes(files->database, &after_size);
    assert_int_equal(after_size, before_size);
    assert_memory_equal(after, before, before_size);
    free(before);
    free(after);
    char beside[320];
    snprintf(beside, sizeof beside, "%s-wal", files->database);
    assert_null(fopen(beside, "rb"));
}

static void test_newer_file(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, "PRAGMA user_version = 4");
    assert_untouched(files, LESSON_STORE_UNSUPPORTED, "schema version 4");
}

static void test_other_database(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_execute(files, "CREATE TABLE users(name TEXT); INSERT INTO users VALUES('ann')");
    assert_untouched(files, LESSON_STORE_MALFORMED, "another program");
}

static void test_other_empty_database(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_execute(files, "PRAGMA application_id = 77");
    assert_untouched(files, LESSON_STORE_MALFORMED, "0x0000004d");
}

static void write_file(const sqlite_files *files, const char *bytes, size_t size) {
    FILE *file = fopen(files->database, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void test_garbage(void **state) {
    const sqlite_files *files = *state;
    char bytes[5000];
    memset(bytes, 'x', sizeof bytes);
    write_file(files, bytes, 7);
    assert_untouched(files, LESSON_STORE_MALFORMED, "not a database");
    write_file(files, bytes, sizeof bytes);
    assert_untouched(files, LESSON_STORE_MALFORMED, "not a database");
}

static void test_empty_file(void **state) {
    const sqlite_files *files = *state;
    write_file(files, "", 0);
    lesson_store_close(sqlite_files_open(files, ""));
    assert_int_equal(sqlite_files_number(files, "PRAGMA user_version"), SQLITE_FILES_NEWEST);
}

static void test_tables_missing(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, "DROP TABLE lessons");
    assert_untouched(files, LESSON_STORE_MALFORMED, "no such table: lessons");
}

/* Each makes a file with our tables into one whose ids, joins or speed are not ours any more. */
static void test_foreign_objects(void **state) {
    const sqlite_files *files = *state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {"CREATE TABLE other(a)", "the table other"},
        {"CREATE INDEX slow ON users(course_id, uid, session)", "the index slow"},
        {"CREATE UNIQUE INDEX one ON users(course_id)", "the index one"},
        {"CREATE VIEW seen AS SELECT 1", "the view seen"},
        {"CREATE TRIGGER counts AFTER INSERT ON users BEGIN SELECT 1; END", "the trigger counts"},
        {"ALTER TABLE users ADD COLUMN more TEXT", "the table users"},
        {"ALTER TABLE users ADD COLUMN twice AS (uid || uid)", "the table users"},
        {"ANALYZE", "the table sqlite_stat1"},
        {"DROP INDEX users_by_lesson; CREATE INDEX users_by_lesson ON users(lesson_id COLLATE NOCASE)",
         "the index users_by_lesson"},
        {"CREATE TABLE kept AS SELECT * FROM users; DROP TABLE users; CREATE TABLE users(uid TEXT PRIMARY KEY"
         " COLLATE NOCASE, course_id TEXT NOT NULL, lesson_id TEXT NOT NULL, session TEXT) WITHOUT ROWID;"
         "DROP TABLE kept; CREATE INDEX users_by_lesson ON users(lesson_id)",
         "the table users"},
        {"DROP TABLE lessons; CREATE TABLE lessons(lesson_id TEXT PRIMARY KEY, course_status INTEGER CHECK("
         "course_status < 3), chat_status INTEGER) WITHOUT ROWID",
         "the table lessons"},
        {"CREATE TABLE \"odd\nname\"(a)", "the table X'6F64640A6E616D65'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        remove(files->database);
        lesson_store_close(sqlite_files_open(files, ""));
        sqlite_files_execute(
            files, "INSERT INTO users(uid, course_id, lesson_id, session) VALUES('ann', 'maths', 'algebra', NULL)");
        sqlite_files_execute(files, cases[i].text);
        assert_untouched(files, LESSON_STORE_MALFORMED, cases[i].message);
        remove(files->database);
        sqlite_files_make_version_1(files);
        sqlite_files_execute(files, "CREATE TABLE other(a)");
        assert_untouched(files, LESSON_STORE_MALFORMED, "the table other");
    }
}

/* An index that is missing is less than ours, and only costs time. Repair creates it with its own text. */
static void test_own_objects(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, "DROP INDEX users_by_lesson");
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
    sqlite_files_execute(files, "VACUUM; REINDEX");
    lesson_store_close(sqlite_files_open(files, ""));
}

/* An upgrade that cannot finish leaves the version unchanged. */
static void test_upgrade_that_fails(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_make_version_1(files);
    sqlite_files_execute(files, "DROP TABLE users");
    assert_untouched(files, LESSON_STORE_MALFORMED, "cannot be upgraded to schema version 3: no such table: users");
    assert_int_equal(sqlite_files_number(files, "PRAGMA user_version"), 1);
}

/* The users table of one version, and the number of the other. */
static void test_version_without_its_table(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_make_version_1(files);
    sqlite_files_execute(files, "PRAGMA user_version = 2");
    assert_untouched(files, LESSON_STORE_MALFORMED, "the table users, which this library did not create in schema");
    remove(files->database);
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, "PRAGMA user_version = 1");
    assert_untouched(files, LESSON_STORE_MALFORMED, "schema version 1");
}

static void test_memory_is_private(void **state) {
    (void)state;
    lesson_store *one, *other;
    assert_int_equal(lesson_store_open(&one, "sqlite::memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_open(&other, "sqlite::memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_create(one, "algebra", 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_get_lesson(other, "algebra", NULL), LESSON_STORE_NOT_FOUND);
    lesson_store_close(one);
    lesson_store_close(other);
    assert_int_equal(lesson_store_open(&one, "sqlite::memory:?pool=2"), LESSON_STORE_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_new_file),
        TEST(test_data_stays),
        TEST(test_repeated_join_writes_nothing),
        TEST(test_older_file),
        TEST(test_older_file_opened_by_several),
        TEST(test_newer_file),
        TEST(test_other_database),
        TEST(test_other_empty_database),
        TEST(test_garbage),
        TEST(test_empty_file),
        TEST(test_tables_missing),
        TEST(test_foreign_objects),
        TEST(test_own_objects),
        TEST(test_upgrade_that_fails),
        TEST(test_version_without_its_table),
        TEST(test_memory_is_private),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
