/* Owners in a file with odd rows, and what a drop leaves to the sweeps. */
#include <stdio.h>
#include <string.h>

#include "sqlite_files.h"

#define HOUR "3600000"

struct list {
    char text[512];
};

static void add(struct list *list, lesson_store_id id) {
    size_t used = strlen(list->text);
    snprintf(list->text + used, sizeof list->text - used, "%.*s;", (int)id.size, id.data ? id.data : "-");
}

static bool add_owner(const lesson_store_owner *owner, void *context) {
    add(context, owner->owner);
    return true;
}

static bool add_user(const lesson_store_user *user, void *context) {
    assert_non_null(user->uid.data);
    add(context, user->uid);
    return true;
}

static lesson_store *open_with(const sqlite_files *files, const char *rows) {
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, rows);
    return sqlite_files_open(files, "");
}

static void assert_message(const char *part) {
    if (!strstr(lesson_store_message(), part))
        fail_msg("\"%s\" does not say \"%s\"", lesson_store_message(), part);
}

/* Owners whose ids are invalid stand before, between and behind the others. */
static void test_list(void **state) {
    lesson_store *store = open_with(*state, "INSERT INTO owners VALUES('', 1, 1, 0), ('a', 1, 1, 0),"
                                            " ('b' || char(10), 1, 1, 0), ('b' || char(11), 1, 1, 0), ('c', 1, 1, 0),"
                                            " (x'00ff', 1, 1, 0)");
    struct list list = {.text = ""};
    assert_int_equal(lesson_store_owners(store, add_owner, &list), LESSON_STORE_MALFORMED);
    assert_string_equal(list.text, "a;c;");
    assert_message("an owner with an invalid id: X''");
    assert_message("the first of 4");
    sqlite_files_execute(*state, "DELETE FROM owners WHERE owner NOT IN ('a', 'c')");
    assert_int_equal(lesson_store_owners(store, add_owner, &list), LESSON_STORE_OK);
    assert_string_equal(list.text, "a;c;a;c;");
    lesson_store_close(store);
}

#define USERS_OF_OWNERS                                                                                             \
    "INSERT INTO owners VALUES('w/1', " HOUR ", 1, 0), ('w/2', " HOUR ", 1, 1), ('w/3', " HOUR ", 1, 1);"           \
    "INSERT INTO users(uid, course_id, lesson_id, session, owner) VALUES('ann', 'maths', 'algebra', NULL, 'w/1'), " \
    "('bob', 'maths', 'algebra', NULL, 'w/2'),"                                                                     \
    " ('cy', 'maths', 'algebra', NULL, 'w/1'), ('dan', 'maths', 'algebra', NULL, NULL)"

/* The users of others that are over, and those owners, are left to the next sweep. */
static void test_drop_one(void **state) {
    lesson_store *store = open_with(*state, USERS_OF_OWNERS);
    struct list list = {.text = ""};
    uint64_t put_out = 0;
    assert_int_equal(lesson_store_drop(store, "w/1", add_user, &list, &put_out), LESSON_STORE_OK);
    assert_string_equal(list.text, "ann;cy;");
    assert_int_equal(put_out, 2);
    assert_int_equal(lesson_store_where(store, "bob", NULL), LESSON_STORE_OK);
    list.text[0] = '\0';
    assert_int_equal(lesson_store_owners(store, add_owner, &list), LESSON_STORE_OK);
    assert_string_equal(list.text, "w/2;w/3;");
    list.text[0] = '\0';
    assert_int_equal(lesson_store_sweep(store, add_user, &list, &put_out), LESSON_STORE_OK);
    assert_string_equal(list.text, "bob;");
    assert_int_equal(lesson_store_owners(store, add_owner, &list), LESSON_STORE_OK);
    assert_string_equal(list.text, "bob;");
    assert_int_equal(lesson_store_where(store, "dan", NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* A user without a valid uid is put out, but is nobody whom the callback could be told of. */
static void test_sweep_odd_users(void **state) {
    lesson_store *store = open_with(*state, USERS_OF_OWNERS
                                    ";INSERT INTO users(uid, course_id, lesson_id, session, owner) VALUES(x'00ff', "
                                    "'maths', 'algebra', NULL, 'w/2'),"
                                    " ('b' || char(10), 'maths', 'algebra', NULL, 'w/2'),"
                                    " ('eve', x'01', 'algebra', '', 'w/2'), ('fay', 'maths', 'algebra', NULL, 'w/3')");
    struct list list = {.text = ""};
    uint64_t put_out = 0;
    assert_int_equal(lesson_store_sweep(store, add_user, &list, &put_out), LESSON_STORE_MALFORMED);
    assert_message("a user with an invalid uid: X'620A'");
    assert_message("the first of 2");
    assert_string_equal(list.text, "bob;eve;fay;");
    assert_int_equal(put_out, 3);
    assert_int_equal(sqlite_files_number(*state, "SELECT count(*) FROM users"), 3);
    assert_int_equal(sqlite_files_number(*state, "SELECT count(*) FROM owners"), 1);
    assert_int_equal(lesson_store_sweep(store, add_user, &list, &put_out), LESSON_STORE_OK);
    assert_int_equal(put_out, 0);
    lesson_store_close(store);
}

/* A step of nobody but such users is not the end. */
static void test_sweep_only_odd_users(void **state) {
    lesson_store *store = open_with(
        *state,
        "INSERT INTO owners VALUES('w/1', " HOUR ", 1, 1);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)"
        " INSERT INTO users(uid, course_id, lesson_id, session, owner) SELECT 'a' || char(10) || i, 'maths', "
        "'algebra', NULL, 'w/1' FROM n;"
        "INSERT INTO users(uid, course_id, lesson_id, session, owner) VALUES('bob', 'maths', 'algebra', NULL, 'w/1')");
    struct list list = {.text = ""};
    assert_int_equal(lesson_store_sweep(store, add_user, &list, NULL), LESSON_STORE_MALFORMED);
    assert_message("the first of 1200");
    assert_string_equal(list.text, "bob;");
    assert_int_equal(sqlite_files_number(*state, "SELECT count(*) FROM users"), 0);
    assert_int_equal(sqlite_files_number(*state, "SELECT count(*) FROM owners"), 0);
    lesson_store_close(store);
}

/* The clock was set forward, the owner renewed, and the clock was set back to a time after the latest sweep. */
static void test_lease_of_another_clock(void **state) {
    lesson_store *store = open_with(*state, "INSERT INTO owners VALUES('w/1', 1000, 1 << 60, 0)");
    int64_t begin_ms = sqlite_files_number(*state, "SELECT strftime('%s', 'now') * 1000");
    for (int i = 0; i < 2; i++) {
        sqlite_files_execute(*state, "UPDATE owners SET until_ms = 1 << 60");
        assert_int_equal(lesson_store_sweep(store, NULL, NULL, NULL), LESSON_STORE_OK);
        assert_in_range(sqlite_files_number(*state, "SELECT until_ms FROM owners"), begin_ms, begin_ms + 600000);
    }
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_list),
        TEST(test_drop_one),
        TEST(test_sweep_odd_users),
        TEST(test_sweep_only_odd_users),
        TEST(test_lease_of_another_clock),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
