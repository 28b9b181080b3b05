/* The path leads to another file than the one that is open, or the log of the file is no longer in its place: whoever
 * writes then would not be seen by others, so that nobody may be told OK. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite_files.h"

static int join(lesson_store *store, const char *uid) {
    return lesson_store_join(store, uid, "maths", "algebra", NULL, 0, NULL);
}

static int check(lesson_store *store) {
    return lesson_store_check(store, 0, NULL, NULL, NULL, NULL);
}

static bool pass_user(const lesson_store_user *user, void *context) {
    (void)user, (void)context;
    return true;
}

/* Every call notices it, reads after some milliseconds. Until then they answer from the file that is open. */
static void assert_notices(lesson_store *store, const char *part) {
    int code;
    uint64_t count = 0;
    assert_int_equal(join(store, "bob"), LESSON_STORE_UNREACHABLE);
    if (!strstr(lesson_store_message(), part))
        fail_msg("\"%s\" does not say \"%s\"", lesson_store_message(), part);
    assert_int_equal(check(store), LESSON_STORE_UNREACHABLE);
    while ((code = lesson_store_count_members(store, "algebra", &count)) == LESSON_STORE_OK)
        assert_int_equal(count, 1);
    assert_int_equal(code, LESSON_STORE_UNREACHABLE);
    assert_int_equal(lesson_store_users(store, pass_user, NULL), LESSON_STORE_UNREACHABLE);
}

static void name(char out[400], const sqlite_files *files, const char *ending) {
    snprintf(out, 400, "%s%s", files->database, ending);
}

static void remove_log(const sqlite_files *files, const char *ending) {
    char path[400];
    name(path, files, ending);
    assert_int_equal(unlink(path), 0);
}

/* A deployment turns the link to a new release. */
static void test_link_turned(void **state) {
    const sqlite_files *files = *state;
    char first[400], second[400], link[400], location[440];
    lesson_store *store;
    snprintf(first, sizeof first, "%s/first", files->directory);
    snprintf(second, sizeof second, "%s/second", files->directory);
    snprintf(link, sizeof link, "%s/current", files->directory);
    snprintf(location, sizeof location, "sqlite:%s/lessons.db?pool=1", link);
    assert_int_equal(mkdir(first, 0700) | mkdir(second, 0700) | symlink("first", link), 0);
    assert_int_equal(lesson_store_open(&store, location), LESSON_STORE_OK);
    assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
    assert_int_equal(unlink(link) | symlink("second", link), 0);
    assert_notices(store, "no longer in its place");
    assert_int_equal(unlink(link) | symlink("first", link), 0);
    assert_int_equal(join(store, "cy"), LESSON_STORE_OK);
    lesson_store_close(store);
}

static void test_directory_moved(void **state) {
    const sqlite_files *files = *state;
    char directory[400], moved[400], location[440];
    lesson_store *store;
    snprintf(directory, sizeof directory, "%s/data", files->directory);
    snprintf(moved, sizeof moved, "%s/old", files->directory);
    snprintf(location, sizeof location, "sqlite:%s/lessons.db?pool=1", directory);
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(lesson_store_open(&store, location), LESSON_STORE_OK);
    assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
    assert_int_equal(rename(directory, moved), 0);
    assert_notices(store, "no longer in its place");
    assert_int_equal(rename(moved, directory), 0);
    assert_int_equal(join(store, "cy"), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* ---- The log and its index */

static void test_log_removed(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "?pool=1");
    assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
    remove_log(files, "-wal");
    assert_notices(store, "(-wal)");
    lesson_store_close(store);
}

static void test_index_removed(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "?pool=1");
    assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
    remove_log(files, "-shm");
    assert_notices(store, "(-shm)");
    lesson_store_close(store);
}

static void test_log_renamed(void **state) {
    const sqlite_files *files = *state;
    char log[400], aside[400];
    name(log, files, "-wal");
    name(aside, files, "-aside");
    lesson_store *store = sqlite_files_open(files, "?pool=1");
    assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
    assert_int_equal(rename(log, aside), 0);
    assert_int_equal(check(store), LESSON_STORE_UNREACHABLE);
    assert_int_equal(rename(aside, log), 0);
    assert_int_equal(join(store, "bob"), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* If nobody else came, closing copies the removed log into the file, so that not even its joins are lost. */
static void test_removed_log_is_saved(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
    remove_log(files, "-wal");
    remove_log(files, "-shm");
    assert_int_equal(join(store, "bob"), LESSON_STORE_UNREACHABLE);
    lesson_store_close(store);
    store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* Process 0 has the log that is removed, and process 1 comes later and makes another. */
static int write_to_two_logs(const sqlite_files *files, int number) {
    lesson_store *store;
    if (number == 1)
        sqlite_files_await(files, "removed");
    int code = lesson_store_open(&store, files->location);
    if (!code)
        code = join(store, number == 0 ? "ann" : "cy");
    if (!code && number == 0) {
        remove_log(files, "-wal");
        remove_log(files, "-shm");
        sqlite_files_mark(files, "removed");
        sqlite_files_await(files, "joined");
        code = join(store, "bob") == LESSON_STORE_UNREACHABLE ? 0 : 1;
    }
    if (code)
        fprintf(stderr, "process %d: %s\n", number, lesson_store_message());
    lesson_store_close(store);
    if (number == 1)
        sqlite_files_mark(files, "joined");
    return code;
}

/* If another process came, it has a log of its own, which closing must not touch. */
static void test_log_of_others_is_kept(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_run(files, 2, write_to_two_logs, 0);
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_where(store, "cy", NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* SQLite shares the index of the log among the connections of a process, also if it was removed. */
static void test_second_store_beside_a_removed_log(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, ""), *other = NULL;
    assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
    remove_log(files, "-wal");
    remove_log(files, "-shm");
    assert_true(lesson_store_open(&other, files->location) < 0);
    assert_int_equal(join(store, "bob"), LESSON_STORE_UNREACHABLE);
    lesson_store_close(store);
    store = sqlite_files_open(files, "");
    assert_int_equal(check(store), LESSON_STORE_OK);
    lesson_store_close(store);
}

struct growth {
    lesson_store *store;
    pthread_t thread;
    int code;
};

static void *count_in_thread(void *context) {
    struct growth *growth = context;
    uint64_t count = 0;
    growth->code = lesson_store_count_members(growth->store, "algebra", &count);
    return NULL;
}

/* A new instance would begin a log of its own. If it is refused, the thread waits for the first one. */
static bool count_with_another_instance(const lesson_store_id *uid, void *context) {
    struct growth *growth = context;
    (void)uid;
    assert_int_equal(pthread_create(&growth->thread, NULL, count_in_thread, growth), 0);
    sched_yield();
    return false;
}

static void test_no_instance_beside_a_removed_log(void **state) {
    const sqlite_files *files = *state;
    struct growth growth = {.store = sqlite_files_open(files, "?pool=2"), .code = 1};
    char log[400];
    assert_int_equal(join(growth.store, "ann"), LESSON_STORE_OK);
    remove_log(files, "-wal");
    remove_log(files, "-shm");
    int code = lesson_store_members(growth.store, "algebra", count_with_another_instance, &growth);
    assert_true(code == LESSON_STORE_OK || code == LESSON_STORE_UNREACHABLE); /* the second if it was noticed already */
    if (code == LESSON_STORE_OK)
        assert_int_equal(pthread_join(growth.thread, NULL), 0);
    name(log, files, "-wal");
    assert_int_equal(access(log, F_OK), -1);
    lesson_store_close(growth.store);
}

/* ---- It happens while a call waits for the lock */

static void *join_in_thread(void *context) {
    struct growth *growth = context;
    growth->code = join(growth->store, "bob");
    return NULL;
}

static void test_replaced_while_waiting(void **state) {
    const sqlite_files *files = *state;
    char aside[400];
    struct growth growth = {.store = sqlite_files_open(files, "?pool=1"), .code = 1};
    name(aside, files, "-aside");
    sqlite3 *other = sqlite_files_connect(files);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(pthread_create(&growth.thread, NULL, join_in_thread, &growth), 0);
    sqlite3_sleep(5);
    assert_int_equal(rename(files->database, aside), 0);
    assert_int_equal(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(pthread_join(growth.thread, NULL), 0);
    assert_int_equal(growth.code, LESSON_STORE_UNREACHABLE);
    assert_int_equal(rename(aside, files->database), 0);
    assert_int_equal(lesson_store_where(growth.store, "bob", NULL), LESSON_STORE_NOT_FOUND);
    sqlite3_close(other);
    lesson_store_close(growth.store);
}

/* ---- Several names */

static void test_hard_link(void **state) {
    const sqlite_files *files = *state;
    char second[400], location[440];
    lesson_store *store = sqlite_files_open(files, ""), *other;
    name(second, files, ".second");
    snprintf(location, sizeof location, "sqlite:%s", second);
    assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
    assert_int_equal(link(files->database, second), 0);
    assert_int_equal(lesson_store_open(&other, location), LESSON_STORE_UNSUPPORTED);
    assert_non_null(strstr(lesson_store_message(), "2 names"));
    assert_int_equal(join(store, "bob"), LESSON_STORE_OK); /* a link alone does no harm to those who came before */
    lesson_store_close(store);
    sqlite_files_refuse(files, "", LESSON_STORE_UNSUPPORTED, "hard links");
    lesson_store_close(sqlite_files_open(files, "?mode=ro"));
    assert_int_equal(unlink(second), 0);
    lesson_store_close(sqlite_files_open(files, ""));
}

enum { MOUNT_DONE, MOUNT_WRONG, MOUNT_NOT_TO_BE_HAD };

static int open_mounted(const sqlite_files *files) {
    char inside[400], location[440];
    lesson_store *store = NULL;
    name(inside, files, ".inside");
    snprintf(location, sizeof location, "sqlite:%s", inside);
    fclose(fopen(inside, "w"));
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount(files->database, inside, "none", MS_BIND, NULL) != 0)
        return MOUNT_NOT_TO_BE_HAD;
    int code = lesson_store_open(&store, location);
    bool is_right = code == LESSON_STORE_UNSUPPORTED && strstr(lesson_store_message(), "mount the directory");
    if (!is_right)
        fprintf(stderr, "%s: %s\n", lesson_store_code_name(code), lesson_store_message());
    snprintf(location, sizeof location, "sqlite:%s?mode=ro", inside);
    is_right = is_right && lesson_store_open(&store, location) == LESSON_STORE_OK;
    lesson_store_close(store);
    return is_right ? MOUNT_DONE : MOUNT_WRONG;
}

/* As a container does with a volume that is one file. */
static void test_mounted_alone(void **state) {
    const sqlite_files *files = *state;
    int status;
    lesson_store_close(sqlite_files_open(files, ""));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(open_mounted(files));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == MOUNT_NOT_TO_BE_HAD)
        skip();
    assert_int_equal(WEXITSTATUS(status), MOUNT_DONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_link_turned),
        TEST(test_directory_moved),
        TEST(test_log_removed),
        TEST(test_index_removed),
        TEST(test_log_renamed),
        TEST(test_removed_log_is_saved),
        TEST(test_log_of_others_is_kept),
        TEST(test_second_store_beside_a_removed_log),
        TEST(test_no_instance_beside_a_removed_log),
        TEST(test_replaced_while_waiting),
        TEST(test_hard_link),
        TEST(test_mounted_alone),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
