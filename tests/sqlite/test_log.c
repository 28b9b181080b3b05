/* The size of the write-ahead log: beside lists that wait, lists that overlap, and readers of other programs. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_files.h"

enum { PAGES = 200, FRAME = 4096 + 24, USUAL = PAGES * FRAME, BATCH = 200, USERS = 2000, READERS = 3 };
#define OPTIONS "?wal_autocheckpoint_pages=200"

static int64_t log_size(const sqlite_files *files) {
    char path[340];
    struct stat facts;
    snprintf(path, sizeof path, "%s-wal", files->database);
    assert_int_equal(stat(path, &facts), 0);
    return facts.st_size;
}

/* Writes some 40 pages or more. */
static void write_batch(lesson_store *store, int number) {
    static lesson_store_operation joins[BATCH];
    static char uids[BATCH][16], lessons[BATCH][16];
    for (int i = 0; i < BATCH; i++) {
        snprintf(uids[i], sizeof uids[i], "user-%d", (number * 7 + i * 11) % USERS);
        snprintf(lessons[i], sizeof lessons[i], "lesson-%d", (number + i) % 17);
        joins[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
        joins[i].uid = lesson_store_id_of(uids[i]);
        joins[i].course_id = lesson_store_id_of("maths");
        joins[i].lesson_id = lesson_store_id_of(lessons[i]);
    }
    assert_int_equal(lesson_store_batch(store, joins, BATCH), LESSON_STORE_OK);
}

/* The largest size that the log has had meanwhile. */
static int64_t write_batches(const sqlite_files *files, lesson_store *store, int count) {
    int64_t largest = 0;
    for (int i = 0; i < count; i++) {
        write_batch(store, i);
        largest = log_size(files) > largest ? log_size(files) : largest;
    }
    return largest;
}

static lesson_store *open_filled(const sqlite_files *files) {
    lesson_store *store = sqlite_files_open(files, OPTIONS);
    write_batches(files, store, 60);
    assert_true(log_size(files) <= 2 * USUAL);
    return store;
}

/* ---- A list that waits, as in a pager */

struct pager {
    const sqlite_files *files;
    int64_t largest;
};

static void wait_in_pager(struct pager *pager) {
    lesson_store *store = sqlite_files_open(pager->files, OPTIONS);
    if (pager->largest == 0)
        pager->largest = write_batches(pager->files, store, 100);
    lesson_store_close(store);
}

static bool wait_with_member(const lesson_store_id *uid, void *pager) {
    (void)uid;
    wait_in_pager(pager);
    return false;
}

static bool wait_with_user(const lesson_store_user *user, void *pager) {
    (void)user;
    wait_in_pager(pager);
    return false;
}

static bool wait_with_lesson(const lesson_store_lesson *lesson, void *pager) {
    (void)lesson;
    wait_in_pager(pager);
    return false;
}

static void test_list_that_waits(void **state) {
    lesson_store *store = open_filled(*state);
    struct pager pagers[] = {{.files = *state}, {.files = *state}, {.files = *state}};
    assert_int_equal(lesson_store_members(store, "lesson-1", wait_with_member, &pagers[0]), LESSON_STORE_OK);
    assert_int_equal(lesson_store_users(store, wait_with_user, &pagers[1]), LESSON_STORE_OK);
    assert_int_equal(lesson_store_lessons(store, wait_with_lesson, &pagers[2]), LESSON_STORE_OK);
    for (size_t i = 0; i < 3; i++) {
        if (pagers[i].largest == 0 || pagers[i].largest > 3 * USUAL)
            fail_msg("list %zu: a log of %lld bytes", i, (long long)pagers[i].largest);
    }
    lesson_store_close(store);
}

/* ---- Lists that overlap, so that there is always one */

static atomic_bool is_over;

static bool pass_user(const lesson_store_user *user, void *context) {
    (void)user, (void)context;
    return true;
}

static void *list_users(void *store) {
    while (!is_over) {
        if (lesson_store_users(store, pass_user, NULL))
            return store;
    }
    return NULL;
}

static void test_lists_that_overlap(void **state) {
    lesson_store *store = open_filled(*state), *readers = sqlite_files_open(*state, "");
    pthread_t threads[READERS];
    void *failed;
    is_over = false;
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, list_users, readers), 0);
    int64_t largest = write_batches(*state, store, 400);
    is_over = true;
    for (int i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    if (largest > 8 * USUAL)
        fail_msg("a log of %lld bytes", (long long)largest);
    lesson_store_close(readers);
    lesson_store_close(store);
}

/* ---- A reader of another program, for which nothing can be done until it ends */

static sqlite3 *begin_reading(const sqlite_files *files) {
    sqlite3 *reader = sqlite_files_connect(files);
    assert_int_equal(sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM users", NULL, NULL, NULL), SQLITE_OK);
    return reader;
}

static lesson_store *make_long_log(const sqlite_files *files, sqlite3 **reader) {
    lesson_store *store = open_filled(files);
    *reader = begin_reading(files);
    assert_true(write_batches(files, store, 100) > 4 * USUAL);
    return store;
}

static void test_log_shrinks_at_a_write(void **state) {
    sqlite3 *reader;
    lesson_store *store = make_long_log(*state, &reader);
    sqlite3_close(reader);
    write_batches(*state, store, 20);
    assert_true(log_size(*state) <= 2 * USUAL);
    lesson_store_close(store);
}

static void test_log_shrinks_at_a_list(void **state) {
    sqlite3 *reader;
    lesson_store *store = make_long_log(*state, &reader);
    sqlite3_close(reader);
    assert_int_equal(lesson_store_users(store, pass_user, NULL), LESSON_STORE_OK);
    assert_int_equal(log_size(*state), 0);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, NULL, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* It is tried, and the list is not delayed for long, nor does it fail. */
static void test_log_that_cannot_shrink(void **state) {
    sqlite3 *reader;
    lesson_store *store = make_long_log(*state, &reader);
    assert_int_equal(lesson_store_users(store, pass_user, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_users(store, pass_user, NULL), LESSON_STORE_OK);
    assert_true(log_size(*state) > 4 * USUAL);
    sqlite3_close(reader);
    lesson_store_close(store);
}

/* ---- Checks that overlap. Each takes longer than a commit waits. */

enum { CHECKERS = 3, CHECKED_USERS = 100000, CUTS_BESIDE = 3, BATCHES_BESIDE = 300, BESIDE_US = 20000 };

static bool is_marked(const sqlite_files *files, const char *mark) {
    char path[340];
    snprintf(path, sizeof path, "%s/%s", files->directory, mark);
    return access(path, F_OK) == 0;
}

static int check_again_and_again(const sqlite_files *files) {
    lesson_store *store = sqlite_files_open(files, OPTIONS);
    int code = LESSON_STORE_OK;
    while (!code && !is_marked(files, "written"))
        code = lesson_store_check(store, 0, NULL, NULL, NULL, NULL);
    lesson_store_close(store);
    return code;
}

/* Slowly, so that the checks overlap many times meanwhile. How long the log becomes between two cuts depends on how
 * long a check takes here. But it is cut, although there is no moment without a check. */
static int write_beside_checks(const sqlite_files *files) {
    lesson_store *store = sqlite_files_open(files, OPTIONS);
    int64_t before = 0;
    int cuts = 0;
    for (int i = 0; cuts < CUTS_BESIDE && i < BATCHES_BESIDE; i++) {
        write_batch(store, i);
        int64_t size = log_size(files);
        cuts += size < before;
        before = size;
        usleep(BESIDE_US);
    }
    sqlite_files_mark(files, "written");
    if (cuts < CUTS_BESIDE)
        fprintf(stderr, "a log of %lld bytes, cut off %d times\n", (long long)before, cuts);
    lesson_store_close(store);
    return cuts < CUTS_BESIDE;
}

static int take_part(const sqlite_files *files, int number) {
    return number < CHECKERS ? check_again_and_again(files) : write_beside_checks(files);
}

static void test_checks_that_overlap(void **state) {
    const sqlite_files *files = *state;
    char text[300];
    lesson_store_close(sqlite_files_open(files, ""));
    snprintf(text, sizeof text,
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO users(uid, "
             "course_id, lesson_id, session)"
             " SELECT 'user-' || i, 'maths', 'lesson-' || i %% 17, NULL FROM n",
             CHECKED_USERS);
    sqlite_files_execute(files, text);
    sqlite_files_run(files, CHECKERS + 1, take_part, 0);
}

/* ---- Pages of another size. The option counts pages of 4 KiB. */

static void test_large_pages(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_execute(files, "PRAGMA page_size = 65536; CREATE TABLE other(a); DROP TABLE other");
    lesson_store *store = sqlite_files_open(files, OPTIONS);
    int64_t largest = write_batches(files, store, 60);
    assert_int_equal(sqlite_files_number(files, "PRAGMA page_size"), 65536);
    if (largest > 4 * USUAL)
        fail_msg("a log of %lld bytes", (long long)largest);
    lesson_store_close(store);
}

/* Some 600 KB. The file may take 64 KiB, or what an empty one takes, and not 16 large pages. */
static void test_large_pages_are_not_more_room(void **state) {
    enum { MANY = 10000 };
    const sqlite_files *files = *state;
    char uid[16];
    int code = LESSON_STORE_OK;
    sqlite_files_execute(files, "PRAGMA page_size = 65536; CREATE TABLE other(a); DROP TABLE other");
    lesson_store *store = sqlite_files_open(files, "?max_pages=16");
    for (int i = 0; !code && i < MANY; i++) {
        snprintf(uid, sizeof uid, "user-%d", i);
        code = lesson_store_join(store, uid, "maths", "algebra", NULL, 0, NULL);
    }
    assert_int_equal(code, LESSON_STORE_FULL);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_list_that_waits),
        TEST(test_lists_that_overlap),
        TEST(test_log_shrinks_at_a_write),
        TEST(test_log_shrinks_at_a_list),
        TEST(test_log_that_cannot_shrink),
        TEST(test_checks_that_overlap),
        TEST(test_large_pages),
        TEST(test_large_pages_are_not_more_room),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
