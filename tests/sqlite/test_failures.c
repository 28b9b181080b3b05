/* Failures from outside: locks, rights, missing directories, full and failing disks. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite_files.h"

#define JOINS 1000

static void execute(sqlite3 *database, const char *text) {
    if (sqlite3_exec(database, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
}

static void test_locked(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "?busy_timeout_ms=20");
    sqlite3 *other = sqlite_files_connect(files);
    execute(other, "BEGIN IMMEDIATE");
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_BUSY);
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_NOT_FOUND);
    execute(other, "COMMIT");
    sqlite3_close(other);
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_NOT_FOUND);
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

static void test_locked_when_opened(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite3 *other = sqlite_files_connect(files);
    execute(other, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    sqlite_files_refuse(files, "?busy_timeout_ms=20", LESSON_STORE_BUSY, "locked");
    sqlite3_close(other);
    lesson_store_close(sqlite_files_open(files, ""));
}

static bool is_there(const char *path) {
    return access(path, F_OK) == 0;
}

/* Process 0 takes the lock and releases it after a while. Process 1 comes meanwhile, and waits. */
static int lock_or_join(const sqlite_files *files, int number) {
    if (number == 0) {
        sqlite3 *database = sqlite_files_connect(files);
        execute(database, "BEGIN IMMEDIATE");
        sqlite_files_mark(files, "locked");
        sqlite3_sleep(100);
        execute(database, "COMMIT");
        return sqlite3_close(database);
    }
    sqlite_files_await(files, "locked");
    lesson_store *store = sqlite_files_open(files, "");
    int code = lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL);
    lesson_store_close(store);
    return code;
}

static void test_waits_for_the_lock(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_run(files, 2, lock_or_join, LESSON_STORE_OK);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users"), 1);
}

/* Root may write everything, so these run as nobody. They switch back at the end, because a process that measures
 * coverage writes its counts then. */
static int code_for_nobody(const sqlite_files *files, int number) {
    (void)number;
    lesson_store *store;
    const uid_t before = geteuid();
    if (before == 0 && setresuid(65534, 65534, 0) != 0)
        return 1;
    int code = lesson_store_open(&store, files->location);
    lesson_store_close(store);
    return seteuid(before) == 0 ? code : 1;
}

static void assert_code_for_nobody(const sqlite_files *files, int code) {
    sqlite_files_run(files, 1, code_for_nobody, code);
}

/* A file that can be read and not written is another matter: test_read_only.c. */
static void test_rights(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    assert_int_equal(chmod(files->directory, 0777), 0);
    assert_int_equal(chmod(files->database, 0), 0);
    assert_code_for_nobody(files, LESSON_STORE_DENIED);
    assert_int_equal(remove(files->database), 0);
    assert_int_equal(chmod(files->directory, 0555), 0);
    assert_code_for_nobody(files, LESSON_STORE_READ_ONLY);
    assert_int_equal(chmod(files->directory, 0), 0);
    assert_code_for_nobody(files, LESSON_STORE_DENIED);
    assert_int_equal(chmod(files->directory, 0777), 0);
    assert_code_for_nobody(files, LESSON_STORE_OK);
}

/* A relative path in a directory that no longer has a name. */
static int open_in_a_directory_that_is_gone(const sqlite_files *files, int number) {
    (void)number;
    char directory[320];
    lesson_store *store;
    snprintf(directory, sizeof directory, "%s/gone", files->directory);
    if (mkdir(directory, 0755) != 0 || chdir(directory) != 0 || rmdir(directory) != 0)
        return 1;
    int code = lesson_store_open(&store, "sqlite:lessons.db");
    return strstr(lesson_store_message(), "the working directory no longer exists") ? code : 1;
}

static void test_no_directory(void **state) {
    sqlite_files_run(*state, 1, open_in_a_directory_that_is_gone, LESSON_STORE_INVALID);
}

/* ---- The file is removed under a store of two instances, while the open one is lent */

struct asker {
    lesson_store *store;
    _Atomic(pid_t) thread; /* the kernel's number of the thread, 0 until it runs */
    int code;
};

static void *ask(void *context) {
    struct asker *asker = context;
    asker->thread = gettid();
    asker->code = lesson_store_where(asker->store, "ann", NULL);
    return NULL;
}

/* The thread sleeps only when it waits for the instance that is lent. */
static bool is_asleep(pid_t thread) {
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    const char *end = strrchr(text, ')');
    return end && end[1] == ' ' && end[2] == 'S';
}

struct lending {
    struct asker asker;
    pthread_t thread;
};

static bool ask_meanwhile(const lesson_store_id *uid, void *context) {
    (void)uid;
    struct lending *lending = context;
    assert_int_equal(pthread_create(&lending->thread, NULL, ask, &lending->asker), 0);
    while (lending->asker.thread == 0 || !is_asleep(lending->asker.thread))
        sched_yield();
    return false;
}

/* A second instance would work on another file than the first. So none is opened, and the caller waits for the first.
 */
static void ask_two_at_a_time(lesson_store *store) {
    struct lending lending = {.asker = {.store = store, .code = 1}};
    int code = lesson_store_members(store, "algebra", ask_meanwhile, &lending);
    if (code == LESSON_STORE_UNREACHABLE) /* noticed already */
        return;
    assert_int_equal(code, LESSON_STORE_OK);
    assert_int_equal(pthread_join(lending.thread, NULL), 0);
    assert_true(lending.asker.code == LESSON_STORE_OK || lending.asker.code == LESSON_STORE_UNREACHABLE);
}

static void ask_after_a_move(const sqlite_files *files, bool another_comes) {
    char elsewhere[320];
    lesson_store *store = sqlite_files_open(files, "?pool=2");
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere.db", files->directory);
    assert_int_equal(rename(files->database, elsewhere), 0);
    if (another_comes)
        fclose(fopen(files->database, "w"));
    ask_two_at_a_time(store);
    lesson_store_close(store);
}

static void test_moved_away(void **state) {
    ask_after_a_move(*state, false);
}

static void test_replaced(void **state) {
    ask_after_a_move(*state, true);
}

static void assert_refused(const char *location, int code, const char *part) {
    lesson_store *store;
    assert_int_equal(lesson_store_open(&store, location), code);
    assert_null(store);
    if (!strstr(lesson_store_message(), part))
        fail_msg("\"%s\" does not say \"%s\"", lesson_store_message(), part);
}

static void test_places(void **state) {
    const sqlite_files *files = *state;
    char location[400];
    snprintf(location, sizeof location, "sqlite:%s/missing/lessons.db", files->directory);
    assert_refused(location, LESSON_STORE_UNREACHABLE, "missing/lessons.db");
    snprintf(location, sizeof location, "sqlite:%s", files->directory);
    assert_refused(location, LESSON_STORE_INVALID, "is a directory");
    assert_refused("sqlite:", LESSON_STORE_INVALID, "needs a path");
    assert_refused("sqlite://host/lessons.db", LESSON_STORE_INVALID, "takes no user, host or port");
    assert_refused("sqlite://user@/lessons.db", LESSON_STORE_INVALID, "takes no user, host or port");
    assert_refused("sqlite:a.db?synchronous=sometimes", LESSON_STORE_INVALID, "synchronous");
}

static void test_a_file_that_is_not_to_be_made(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = NULL;
    sqlite_files_refuse(files, "?create=no", LESSON_STORE_UNREACHABLE, "no such file");
    assert_false(is_there(files->database));
    lesson_store_close(sqlite_files_open(files, ""));
    store = sqlite_files_open(files, "?create=no");
    assert_int_equal(lesson_store_create(store, "algebra", 0), LESSON_STORE_OK);
    lesson_store_close(store);
}

static void fill_joins(lesson_store_operation joins[JOINS], char uids[JOINS][16]) {
    for (int i = 0; i < JOINS; i++) {
        snprintf(uids[i], sizeof uids[i], "user-%d", i);
        joins[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
        joins[i].uid = lesson_store_id_of(uids[i]);
        joins[i].course_id = lesson_store_id_of("maths");
        joins[i].lesson_id = lesson_store_id_of("algebra");
    }
}

/* Some of the joins fit and the rest do not. None is there afterwards, and the store goes on. */
static void test_full_half_way(void **state) {
    const sqlite_files *files = *state;
    lesson_store_operation joins[JOINS];
    char uids[JOINS][16];
    fill_joins(joins, uids);
    lesson_store *store = sqlite_files_open(files, "?max_pages=12");
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_batch(store, joins, JOINS), LESSON_STORE_FULL);
    for (int i = 0; i < JOINS; i++)
        assert_int_equal(joins[i].code, LESSON_STORE_FULL);
    assert_int_equal(lesson_store_batch(store, joins, 10), LESSON_STORE_OK);
    assert_int_equal(joins[0].code, LESSON_STORE_OK);
    assert_int_equal(joins[0].arrival, LESSON_STORE_ARRIVAL_NEW);
    lesson_store_close(store);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users"), 11);
}

/* Like test_full_half_way, with memory. */
static void test_no_memory_half_way(void **state) {
    (void)state;
    lesson_store_operation joins[JOINS];
    char uids[JOINS][16];
    uint64_t count = 0;
    fill_joins(joins, uids);
    lesson_store *store;
    assert_int_equal(lesson_store_open(&store, "sqlite::memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    sqlite3_hard_heap_limit64(sqlite3_memory_used() + 32768);
    int code = lesson_store_batch(store, joins, JOINS);
    sqlite3_hard_heap_limit64(0);
    assert_int_equal(code, LESSON_STORE_NO_MEMORY);
    assert_int_equal(joins[0].code, LESSON_STORE_NO_MEMORY);
    assert_int_equal(lesson_store_count_members(store, "algebra", &count), LESSON_STORE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(lesson_store_batch(store, joins, JOINS), LESSON_STORE_OK);
    lesson_store_close(store);
}

static void limit_files(rlim_t size) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* The limit of the process on the size of files is met by the commit, when the log grows. */
static int commit_that_fails(const sqlite_files *files, int number) {
    (void)number;
    signal(SIGXFSZ, SIG_IGN);
    lesson_store *store;
    if (lesson_store_open(&store, files->location))
        return 1;
    lesson_store_operation batch[] = {{.kind = LESSON_STORE_OPERATION_JOIN}, {.kind = LESSON_STORE_OPERATION_WHERE}};
    batch[0].uid = batch[1].uid = lesson_store_id_of("ann");
    batch[0].course_id = lesson_store_id_of("maths");
    batch[0].lesson_id = lesson_store_id_of("algebra");
    limit_files(1024);
    int code = lesson_store_batch(store, batch, 2);
    limit_files(RLIM_INFINITY);
    if (code != LESSON_STORE_FULL || batch[0].code != LESSON_STORE_FULL || batch[1].code != LESSON_STORE_FULL)
        return 2;
    if (lesson_store_where(store, "ann", NULL) != LESSON_STORE_NOT_FOUND)
        return 4;
    /* The same instance works on. */
    if (lesson_store_join(store, "bob", "maths", "algebra", NULL, 0, NULL))
        return 3;
    lesson_store_close(store);
    return 0;
}

static void test_commit_that_fails(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_run(files, 1, commit_that_fails, 0);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users WHERE uid = 'bob'"), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_locked),
        TEST(test_locked_when_opened),
        TEST(test_waits_for_the_lock),
        TEST(test_rights),
        TEST(test_no_directory),
        TEST(test_moved_away),
        TEST(test_replaced),
        TEST(test_places),
        TEST(test_a_file_that_is_not_to_be_made),
        TEST(test_full_half_way),
        TEST(test_no_memory_half_way),
        TEST(test_commit_that_fails),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
