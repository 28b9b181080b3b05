/* Files that can only be read: every read works, writes are READ_ONLY, and nothing is created beside the file. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_files.h"

static void make_two_users(const sqlite_files *files) {
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_create(store, "algebra", 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "bob", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

static bool exists(const sqlite_files *files, const char *ending) {
    char path[340];
    snprintf(path, sizeof path, "%s%s", files->database, ending);
    return access(path, F_OK) == 0;
}

static bool count_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    ++*(int *)context;
    return true;
}

static bool count_user(const lesson_store_user *user, void *context) {
    (void)user;
    ++*(int *)context;
    return true;
}

static bool count_lesson(const lesson_store_lesson *lesson, void *context) {
    *(int *)context += (int)lesson->member_count;
    return true;
}

static bool keep_mode(const char *name, const char *value, void *context) {
    if (strcmp(name, "mode") == 0)
        snprintf(context, 80, "%s", value);
    return true;
}

/* Reads `count` members in every way, and tries to write in every way. False with a line on stderr if something is
 * wrong. */
static bool reads_and_does_not_write(lesson_store *store, int count, const char *mode) {
    int members = 0, users = 0, lessons = 0;
    char found[80] = "";
    uint64_t counted = 0, findings = 1;
    lesson_store_operation batch[] = {{.kind = LESSON_STORE_OPERATION_WHERE}, {.kind = LESSON_STORE_OPERATION_CREATE}};
    batch[0].uid = lesson_store_id_of("ann");
    batch[1].lesson_id = lesson_store_id_of("chess");
    bool reads = lesson_store_where(store, "ann", NULL) == LESSON_STORE_OK &&
                 lesson_store_get_lesson(store, "algebra", NULL) == LESSON_STORE_OK &&
                 lesson_store_count_members(store, "algebra", &counted) == LESSON_STORE_OK &&
                 lesson_store_members(store, "algebra", count_member, &members) == LESSON_STORE_OK &&
                 lesson_store_users(store, count_user, &users) == LESSON_STORE_OK &&
                 lesson_store_lessons(store, count_lesson, &lessons) == LESSON_STORE_OK &&
                 lesson_store_check(store, LESSON_STORE_CHECK_ENDED, NULL, NULL, &findings, NULL) == LESSON_STORE_OK &&
                 lesson_store_info(store, keep_mode, found) == LESSON_STORE_OK;
    bool is_right = reads && (int)counted == count && members == count && users == count && lessons == count &&
                    findings == 0 && strstr(found, mode);
    if (!is_right) {
        fprintf(stderr, "%s (%d %d %d %d, mode %s)\n", lesson_store_message(), (int)counted, members, users, lessons,
                found);
        return false;
    }
    bool refuses =
        lesson_store_join(store, "cy", "maths", "algebra", NULL, 0, NULL) == LESSON_STORE_READ_ONLY &&
        strstr(lesson_store_message(), "read") &&
        lesson_store_end(store, "algebra", 0, NULL) == LESSON_STORE_READ_ONLY &&
        lesson_store_batch(store, batch, 2) == LESSON_STORE_READ_ONLY &&
        lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL) == LESSON_STORE_READ_ONLY;
    if (!refuses)
        fprintf(stderr, "a write is not refused: %s\n", lesson_store_message());
    return refuses && lesson_store_where(store, "ann", NULL) == LESSON_STORE_OK;
}

/* ---- As another user. Root may write everything, so these run as nobody. They switch back at the end, because a
 * process that measures coverage writes its counts then. */

static int read_as_nobody(const sqlite_files *files, int count) {
    lesson_store *store;
    const uid_t before = geteuid();
    if (before == 0 && setresuid(65534, 65534, 0) != 0)
        return 1;
    bool is_right =
        lesson_store_open(&store, files->location) == LESSON_STORE_OK && reads_and_does_not_write(store, count, "ro (");
    if (!is_right)
        fprintf(stderr, "%s\n", lesson_store_message());
    lesson_store_close(store);
    return seteuid(before) == 0 && is_right ? 0 : 1;
}

static int read_two(const sqlite_files *files, int number) {
    return read_as_nobody(files, 2 + number);
}

static void set_modes(const sqlite_files *files, mode_t directory, mode_t file) {
    assert_int_equal(chmod(files->database, file), 0);
    assert_int_equal(chmod(files->directory, directory), 0);
}

static void test_rights(void **state) {
    const sqlite_files *files = *state;
    static const mode_t modes[][2] = {{0755, 0444}, {0777, 0444}, {0555, 0444}, {0555, 0666}};
    make_two_users(files);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        set_modes(files, modes[i][0], modes[i][1]);
        sqlite_files_run(files, 1, read_two, 0);
        assert_false(exists(files, "-wal"));
        assert_false(exists(files, "-shm"));
        set_modes(files, 0755, 0644);
    }
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_join(store, "cy", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

static mode_t log_mode;

static void set_mode_of_log(const sqlite_files *files, const char *ending) {
    char path[340];
    snprintf(path, sizeof path, "%s%s", files->database, ending);
    chmod(path, log_mode);
}

static int write_or_read(const sqlite_files *files, int number) {
    lesson_store *store;
    if (number == 1) {
        sqlite_files_await(files, "written");
        int result = read_as_nobody(files, 3);
        sqlite_files_mark(files, "read");
        return result;
    }
    int code = lesson_store_open(&store, files->location);
    if (!code)
        code = lesson_store_join(store, "cy", "maths", "algebra", NULL, 0, NULL);
    set_mode_of_log(files, "-wal");
    set_mode_of_log(files, "-shm");
    sqlite_files_mark(files, "written");
    sqlite_files_await(files, "read");
    if (!code)
        code = lesson_store_quit(store, "cy", NULL, NULL, NULL);
    lesson_store_close(store);
    return code;
}

/* Beside a program that writes, whose log has what the file has not. */
static void read_live(const sqlite_files *files, mode_t file) {
    make_two_users(files);
    set_modes(files, 0777, file);
    log_mode = 0444;
    sqlite_files_run(files, 2, write_or_read, 0);
    assert_false(exists(files, "-wal"));
}

static void test_live(void **state) {
    read_live(*state, 0444);
}

static void test_live_with_a_log_of_others(void **state) {
    read_live(*state, 0666);
}

/* ---- Copies */

/* With a name that a URI must encode. */
static void name_snapshot(const sqlite_files *files, sqlite_files *out) {
    snprintf(out->directory, sizeof out->directory, "%.200s/snapshot", files->directory);
    snprintf(out->database, sizeof out->database, "%s/a %%41?#.db", out->directory);
    snprintf(out->location, sizeof out->location, "sqlite:%s/a%%20%%2541%%3F%%23.db", out->directory);
}

static void remove_snapshot(const sqlite_files *snapshot) {
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char path[340];
        snprintf(path, sizeof path, "%s%s", snapshot->database, endings[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(snapshot->directory), 0);
}

static void copy_one(const sqlite_files *from, const sqlite_files *to, const char *ending) {
    char path[340];
    size_t size;
    snprintf(path, sizeof path, "%s%s", from->database, ending);
    unsigned char *bytes = sqlite_files_bytes(path, &size);
    snprintf(path, sizeof path, "%s%s", to->database, ending);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    free(bytes);
}

/* Process 1 copies what process 0 has open. In one process, closing the copied file would drop the locks of the store.
 */
static int join_or_copy(const sqlite_files *files, int number) {
    lesson_store *store;
    sqlite_files snapshot;
    if (number == 0) {
        int code = lesson_store_open(&store, files->location);
        if (!code)
            code = lesson_store_join(store, "cy", "maths", "algebra", NULL, 0, NULL);
        sqlite_files_mark(files, "joined");
        sqlite_files_await(files, "copied");
        lesson_store_close(store);
        return code;
    }
    name_snapshot(files, &snapshot);
    sqlite_files_await(files, "joined");
    copy_one(files, &snapshot, "");
    copy_one(files, &snapshot, "-wal");
    copy_one(files, &snapshot, "-shm");
    sqlite_files_mark(files, "copied");
    return 0;
}

/* A snapshot of a store that was in use: the file, its log with the latest joins, and perhaps the index of the log. */
static void take_snapshot(const sqlite_files *files, sqlite_files *out, bool with_index) {
    char index[340];
    name_snapshot(files, out);
    assert_int_equal(mkdir(out->directory, 0755), 0);
    assert_int_equal(chmod(files->directory, 0755), 0);
    make_two_users(files);
    sqlite_files_run(files, 2, join_or_copy, 0);
    snprintf(index, sizeof index, "%s-shm", out->database);
    if (!with_index)
        assert_int_equal(unlink(index), 0);
}

static int read_three(const sqlite_files *files, int number) {
    return read_as_nobody(files, 3 + number);
}

static void read_snapshot(const sqlite_files *files, bool with_index) {
    sqlite_files snapshot;
    take_snapshot(files, &snapshot, with_index);
    set_modes(&snapshot, 0555, 0444);
    sqlite_files_run(&snapshot, 1, read_three, 0);
    assert_int_equal(exists(&snapshot, "-shm"), with_index);
    set_modes(&snapshot, 0755, 0644);
    lesson_store *store = sqlite_files_open(&snapshot, "?mode=ro");
    assert_true(reads_and_does_not_write(store, 3, "ro (mode=ro)"));
    lesson_store_close(store);
    assert_true(exists(&snapshot, "-wal"));
    /* A restore: opened for writing, its log becomes a part of it. */
    store = sqlite_files_open(&snapshot, "");
    assert_int_equal(lesson_store_join(store, "dan", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
    assert_false(exists(&snapshot, "-wal"));
    remove_snapshot(&snapshot);
}

static void test_snapshot_with_log(void **state) {
    read_snapshot(*state, false);
}

static void test_snapshot_with_log_and_index(void **state) {
    read_snapshot(*state, true);
}

/* ---- Asked for */

static void test_asked_for(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_refuse(files, "?mode=ro", LESSON_STORE_UNREACHABLE, "no such file");
    assert_false(exists(files, ""));
    make_two_users(files);
    lesson_store *store = sqlite_files_open(files, "?mode=ro");
    assert_true(reads_and_does_not_write(store, 2, "ro (mode=ro)"));
    assert_false(exists(files, "-shm"));
    lesson_store_close(store);
    store = sqlite_files_open(files, "");
    char mode[80];
    assert_int_equal(lesson_store_info(store, keep_mode, mode), LESSON_STORE_OK);
    assert_string_equal(mode, "rw");
    lesson_store_close(store);
}

/* Whoever began to read when nobody had the file open sees what others write from then on. */
static void test_writer_comes(void **state) {
    const sqlite_files *files = *state;
    make_two_users(files);
    lesson_store *reader = sqlite_files_open(files, "?mode=ro&pool=1");
    for (int i = 0; i < 3; i++) {
        char uid[16];
        snprintf(uid, sizeof uid, "new-%d", i);
        assert_int_equal(lesson_store_where(reader, uid, NULL), LESSON_STORE_NOT_FOUND);
        lesson_store *writer = sqlite_files_open(files, "");
        assert_int_equal(lesson_store_join(writer, uid, "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
        if (i % 2)
            assert_int_equal(lesson_store_where(reader, uid, NULL), LESSON_STORE_OK);
        lesson_store_close(writer);
        assert_int_equal(lesson_store_where(reader, uid, NULL), LESSON_STORE_OK);
    }
    lesson_store_close(reader);
}

struct meddler {
    const sqlite_files *files;
    bool has_come;
};

/* What is read is confirmed before it is given, so a change between two pages of a list does no harm. */
static bool join_meanwhile(const lesson_store_user *user, void *context) {
    (void)user;
    struct meddler *meddler = context;
    if (meddler->has_come)
        return true;
    meddler->has_come = true;
    lesson_store *writer = sqlite_files_open(meddler->files, "");
    assert_int_equal(lesson_store_join(writer, "zoe", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(writer);
    return true;
}

static void test_writer_comes_during_a_list(void **state) {
    struct meddler meddler = {.files = *state};
    make_two_users(*state);
    lesson_store *reader = sqlite_files_open(*state, "?mode=ro&pool=1");
    assert_int_equal(lesson_store_users(reader, join_meanwhile, &meddler), LESSON_STORE_OK);
    assert_true(meddler.has_come);
    assert_int_equal(lesson_store_where(reader, "zoe", NULL), LESSON_STORE_OK);
    lesson_store_close(reader);
}

/* ---- While it is read */

static atomic_bool is_over;

/* Gives the file another time, as whoever writes to it does. */
static void *touch(void *files) {
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    while (!is_over) {
        times[1].tv_nsec = (times[1].tv_nsec + 1) % 1000000;
        utimensat(AT_FDCWD, ((const sqlite_files *)files)->database, times, 0);
    }
    return NULL;
}

static int read_where(lesson_store *store) {
    return lesson_store_where(store, "ann", NULL);
}

static int read_users(lesson_store *store) {
    int users = 0;
    int code = lesson_store_users(store, count_user, &users);
    assert_int_equal(users, code ? 0 : 2);
    return code;
}

static int read_check(lesson_store *store) {
    return lesson_store_check(store, 0, NULL, NULL, NULL, NULL);
}

/* Every answer is right or BUSY. */
static void test_changed_while_it_is_read(void **state) {
    static int (*const reads[])(lesson_store *) = {read_where, read_users, read_check};
    pthread_t thread;
    make_two_users(*state);
    lesson_store *store = sqlite_files_open(*state, "?mode=ro&pool=1");
    is_over = false;
    assert_int_equal(pthread_create(&thread, NULL, touch, *state), 0);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        int code;
        while ((code = reads[i](store)) == LESSON_STORE_OK)
            ;
        assert_int_equal(code, LESSON_STORE_BUSY);
    }
    is_over = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(read_users(store), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* ---- Files that must be written before they can be read */

static void test_not_ready(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_make_version_1(files);
    sqlite_files_refuse(files, "?mode=ro", LESSON_STORE_READ_ONLY, "older schema");
    assert_int_equal(truncate(files->database, 0), 0);
    sqlite_files_refuse(files, "?mode=ro", LESSON_STORE_READ_ONLY, "is empty");
    assert_int_equal(remove(files->database), 0);
    make_two_users(files);
    char journal[340];
    snprintf(journal, sizeof journal, "%s-journal", files->database);
    FILE *file = fopen(journal, "w");
    assert_non_null(file);
    fputs("something", file);
    fclose(file);
    sqlite_files_refuse(files, "?mode=ro", LESSON_STORE_READ_ONLY, "rollback journal");
}

/* Removed while it is read: reads fail, and work again when it is back. */
static void test_removed(void **state) {
    const sqlite_files *files = *state;
    char aside[340];
    make_two_users(files);
    snprintf(aside, sizeof aside, "%s.aside", files->database);
    lesson_store *store = sqlite_files_open(files, "?mode=ro&pool=1");
    assert_int_equal(rename(files->database, aside), 0);
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_UNREACHABLE);
    assert_int_equal(lesson_store_info(store, keep_mode, aside), LESSON_STORE_UNREACHABLE);
    snprintf(aside, sizeof aside, "%s.aside", files->database);
    assert_int_equal(rename(aside, files->database), 0);
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_rights),
        TEST(test_live),
        TEST(test_live_with_a_log_of_others),
        TEST(test_snapshot_with_log),
        TEST(test_snapshot_with_log_and_index),
        TEST(test_asked_for),
        TEST(test_writer_comes),
        TEST(test_writer_comes_during_a_list),
        TEST(test_changed_while_it_is_read),
        TEST(test_not_ready),
        TEST(test_removed),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
