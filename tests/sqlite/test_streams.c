/* Rows written without the library: lists skip and report them, and they never read as empty. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sqlite_files.h"

static const char odd_rows[] =
    "INSERT INTO users(uid, course_id, lesson_id, session) VALUES('ann', 'maths', 'algebra', NULL),"
    " (X'00FF', 'maths', 'algebra', NULL), ('b' || char(10), 'maths', 'algebra', NULL),"
    " ('cy', X'01', 'algebra', NULL), ('dan', 'maths', 'algebra', ''),"
    " ('eve', 'maths', X'416C', NULL), ('fay', 'maths', 'chess', 's');"
    "INSERT INTO lessons(lesson_id, course_status, chat_status) VALUES('algebra', 1, 0), "
    "('chess', NULL, 1), ('art', 7, 0),"
    " ('yoga', 'soon', 1.5), (X'EE', 1, 0)";

static lesson_store *open_odd(const sqlite_files *files) {
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, odd_rows);
    return sqlite_files_open(files, "");
}

struct list {
    char text[512];
    int limit; /* stop after this many; 0: never */
    int count;
};

static bool add(struct list *list, const char *text) {
    strcat(list->text, text);
    strcat(list->text, ";");
    return ++list->count != list->limit;
}

static bool add_member(const lesson_store_id *uid, void *context) {
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)uid->size, uid->data);
    return add(context, text);
}

static bool add_user(const lesson_store_user *user, void *context) {
    char text[64];
    snprintf(text, sizeof text, "%.*s %.*s %.*s", (int)user->uid.size, user->uid.data, (int)user->lesson_id.size,
             user->lesson_id.data, (int)user->session.size, user->session.data ? user->session.data : "");
    return add(context, text);
}

static bool add_lesson(const lesson_store_lesson *lesson, void *context) {
    char text[96];
    snprintf(text, sizeof text, "%.*s %d %d %d %d", (int)lesson->lesson_id.size, lesson->lesson_id.data,
             lesson->has_record, lesson->course_status, lesson->chat_status, (int)lesson->member_count);
    return add(context, text);
}

static void assert_message(const char *part) {
    if (!strstr(lesson_store_message(), part))
        fail_msg("\"%s\" does not say \"%s\"", lesson_store_message(), part);
}

static void test_members(void **state) {
    lesson_store *store = open_odd(*state);
    struct list list = {.limit = 0};
    assert_int_equal(lesson_store_members(store, "algebra", add_member, &list), LESSON_STORE_MALFORMED);
    assert_string_equal(list.text, "ann;cy;dan;");
    assert_message("X'620A'");
    assert_message("of 2");
    lesson_store_close(store);
}

static void test_users(void **state) {
    lesson_store *store = open_odd(*state);
    struct list list = {.limit = 0};
    assert_int_equal(lesson_store_users(store, add_user, &list), LESSON_STORE_MALFORMED);
    assert_string_equal(list.text, "ann algebra ;fay chess s;");
    assert_message("of 5");
    lesson_store_close(store);
}

static void test_lessons(void **state) {
    lesson_store *store = open_odd(*state);
    struct list list = {.limit = 0};
    assert_int_equal(lesson_store_lessons(store, add_lesson, &list), LESSON_STORE_MALFORMED);
    assert_string_equal(list.text, "algebra 1 1 0 5;chess 1 -1 1 1;");
    assert_message("lesson art");
    assert_message("of 4");
    lesson_store_close(store);
}

/* A row that does not pass the filter is not reported. */
static void test_filters(void **state) {
    lesson_store *store = open_odd(*state);
    struct list list = {.limit = 0};
    lesson_store_lesson_filter filter = {.given = LESSON_STORE_GIVEN_CHAT_STATUS};
    assert_int_equal(lesson_store_find_lessons(store, &filter, add_lesson, &list), LESSON_STORE_MALFORMED);
    assert_string_equal(list.text, "algebra 1 1 0 5;");
    assert_message("lesson art");
    assert_message("of 2");
    list = (struct list){.limit = 0};
    filter =
        (lesson_store_lesson_filter){.given = LESSON_STORE_GIVEN_CHAT_STATUS, .chat_status = LESSON_STORE_CHAT_BANNED};
    assert_int_equal(lesson_store_find_lessons(store, &filter, add_lesson, &list), LESSON_STORE_OK);
    assert_string_equal(list.text, "chess 1 -1 1 1;");
    lesson_store_close(store);
}

static void test_stop_early(void **state) {
    lesson_store *store = open_odd(*state);
    struct list list = {.limit = 1};
    assert_int_equal(lesson_store_members(store, "algebra", add_member, &list), LESSON_STORE_OK);
    assert_int_equal(list.count, 1);
    list = (struct list){.limit = 1};
    assert_int_equal(lesson_store_lessons(store, add_lesson, &list), LESSON_STORE_OK);
    assert_int_equal(list.count, 1);
    /* No read transaction stays open: a checkpoint reaches the end of the log. */
    assert_int_equal(lesson_store_join(store, "gil", "maths", "chess", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(sqlite_files_number(*state, "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
    lesson_store_close(store);
}

/* Rows whose keys are no ids stand before, between and behind the others. Each page passes them over, and reports them
 * once. */
static void test_pages(void **state) {
    lesson_store *store = sqlite_files_open(*state, "");
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "bob", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "cy", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    sqlite_files_execute(*state, "INSERT INTO users(uid, course_id, lesson_id) VALUES('', 'c', 'algebra'),"
                                 " ('b' || char(1), 'c', 'algebra'), ('b' || char(2), 'c', 'algebra'),"
                                 " (x'01', 'c', 'algebra'), (x'02', 'c', 'algebra')");
    for (size_t most = 1; most <= 9; most++) {
        lesson_store_cursor *cursor = NULL;
        const lesson_store_id *uids;
        size_t count, given = 0;
        int code;
        while ((code = lesson_store_members_page(store, "algebra", most, &cursor, &uids, &count)) == LESSON_STORE_OK) {
            assert_true(count > 0);
            given += count;
        }
        assert_int_equal(code, LESSON_STORE_MALFORMED);
        assert_int_equal(given, 3);
        assert_int_equal(lesson_store_members_page(store, "algebra", most, &cursor, &uids, &count), LESSON_STORE_OK);
        assert_int_equal(count, 0);
        lesson_store_cursor_close(cursor);
    }
    lesson_store_close(store);
}

static bool ignore_user(const lesson_store_user *user, void *context) {
    (void)user, (void)context;
    return true;
}

/* Overwrites the second half of the file. */
static void damage_file(const char *path) {
    size_t size;
    free(sqlite_files_bytes(path, &size));
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, (long)(size / 8192 * 4096), SEEK_SET);
    for (size_t i = size / 8192 * 4096; i < size; i++)
        fputc(0xa5, file);
    assert_int_equal(fclose(file), 0);
}

/* The damage breaks a list off, so the list is not MALFORMED, which would promise that the rest was given. */
static void test_damaged_pages(void **state) {
    const sqlite_files *files = *state;
    lesson_store_cursor *cursor = NULL;
    const lesson_store_user *users;
    size_t count;
    int code;
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(
        files,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)"
        " INSERT INTO users(uid, course_id, lesson_id, session) SELECT 'user-' || i, 'maths', 'algebra', NULL FROM n");
    damage_file(files->database);
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_users(store, ignore_user, NULL), LESSON_STORE_FAILED);
    assert_message("malformed");
    while ((code = lesson_store_users_page(store, 100, &cursor, &users, &count)) == LESSON_STORE_OK)
        assert_true(count > 0);
    assert_int_equal(code, LESSON_STORE_FAILED);
    assert_int_equal(lesson_store_users_page(store, 100, &cursor, &users, &count), LESSON_STORE_FAILED);
    lesson_store_cursor_close(cursor);
    lesson_store_close(store);
}

/* A batch goes on after operations that meet an odd row. */
static void test_operations(void **state) {
    lesson_store *store = open_odd(*state);
    lesson_store_operation batch[] = {{.kind = LESSON_STORE_OPERATION_WHERE},
                                      {.kind = LESSON_STORE_OPERATION_JOIN},
                                      {.kind = LESSON_STORE_OPERATION_GET_LESSON},
                                      {.kind = LESSON_STORE_OPERATION_JOIN}};
    batch[0].uid = lesson_store_id_of("cy");
    batch[1].uid = lesson_store_id_of("gil");
    batch[3].uid = lesson_store_id_of("dan");
    batch[1].course_id = batch[3].course_id = lesson_store_id_of("maths");
    batch[1].lesson_id = batch[3].lesson_id = lesson_store_id_of("chess");
    batch[2].lesson_id = lesson_store_id_of("art");
    assert_int_equal(lesson_store_batch(store, batch, 4), LESSON_STORE_OK);
    assert_int_equal(batch[0].code, LESSON_STORE_MALFORMED);
    assert_int_equal(batch[1].code, LESSON_STORE_OK);
    assert_int_equal(batch[2].code, LESSON_STORE_MALFORMED);
    assert_int_equal(batch[3].code, LESSON_STORE_MALFORMED);
    assert_message("dan");
    assert_int_equal(sqlite_files_number(*state, "SELECT lesson_id = 'algebra' FROM users WHERE uid = 'dan'"), 1);

    assert_int_equal(lesson_store_set_chat_status(store, "art", 1), LESSON_STORE_MALFORMED);
    assert_int_equal(lesson_store_join(store, "gil", "maths", "art", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL),
                     LESSON_STORE_MALFORMED);
    assert_int_equal(lesson_store_join(store, "gil", "maths", "chess", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL),
                     LESSON_STORE_REFUSED);
    assert_int_equal(lesson_store_replace_chat_status(store, "chess", 1, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(sqlite_files_number(*state, "SELECT course_status IS NULL AND chat_status = 0 FROM lessons"
                                                 " WHERE lesson_id = 'chess'"),
                     1);
    assert_int_equal(lesson_store_create(store, "art", LESSON_STORE_CREATE_RESET), LESSON_STORE_OK);
    assert_int_equal(lesson_store_get_lesson(store, "art", NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_members), TEST(test_users), TEST(test_lessons),       TEST(test_stop_early),
        TEST(test_filters), TEST(test_pages), TEST(test_damaged_pages), TEST(test_operations),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
