/* Several processes on one file. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "forks.h"
#include "sqlite_files.h"

enum { PROCESSES = 2, LESSONS = 7, BATCHES = 120, BATCH = 50, SHARED = 10, OWN = BATCH - SHARED };

static int open_and_join(const sqlite_files *files, int number) {
    lesson_store *store;
    char uid[16];
    snprintf(uid, sizeof uid, "user-%d", number);
    int code = lesson_store_open(&store, files->location);
    if (!code)
        code = lesson_store_join(store, uid, "maths", "algebra", NULL, 0, NULL);
    if (code)
        fprintf(stderr, "%s\n", lesson_store_message());
    lesson_store_close(store);
    return code;
}

static void test_new_file_opened_by_several(void **state) {
    const sqlite_files *files = *state;
    char log[320];
    snprintf(log, sizeof log, "%s-wal", files->database);
    for (int round = 0; round < 100; round++) {
        sqlite_files_run(files, 8, open_and_join, LESSON_STORE_OK);
        assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users"), 8);
        assert_int_equal(access(log, F_OK), -1);
        assert_int_equal(remove(files->database), 0);
    }
}

static void *join_bob(void *store) {
    int code = lesson_store_join(store, "bob", "maths", "algebra", NULL, 0, NULL);
    return code ? store : NULL;
}

/* While the callback runs, its instance is lent, so another thread's call opens a second one. */
static bool join_bob_elsewhere(const lesson_store_id *uid, void *store) {
    (void)uid;
    pthread_t thread;
    void *failed;
    assert_int_equal(pthread_create(&thread, NULL, join_bob, store), 0);
    pthread_join(thread, &failed);
    assert_null(failed);
    return false;
}

static void test_relative_path_and_another_directory(void **state) {
    const sqlite_files *files = *state;
    char *home = getcwd(NULL, 0);
    lesson_store *store;
    char elsewhere[300];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", files->directory);
    assert_int_equal(mkdir(elsewhere, 0700), 0);
    assert_int_equal(chdir(files->directory), 0);
    assert_int_equal(lesson_store_open(&store, "sqlite:relative.db"), LESSON_STORE_OK);
    assert_int_equal(chdir(elsewhere), 0);
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_members(store, "algebra", join_bob_elsewhere, store), LESSON_STORE_OK);
    uint64_t count = 0;
    assert_int_equal(lesson_store_count_members(store, "algebra", &count), LESSON_STORE_OK);
    assert_int_equal(count, 2);
    lesson_store_close(store);
    assert_int_equal(access("relative.db", F_OK), -1);
    assert_int_equal(chdir(home), 0);
    free(home);
}

/* Until the store has noticed, it answers from the file that it has open. */
static void *count_one(void *store) {
    uint64_t count = 0;
    int code = lesson_store_count_members(store, "algebra", &count);
    return code == LESSON_STORE_UNREACHABLE || (code == LESSON_STORE_OK && count == 1) ? NULL : store;
}

struct visit {
    lesson_store *store;
    pthread_t thread;
    bool is_over;
    void *failed;
};

/* While the callback keeps the first instance, another thread asks for a second one. If that is refused, the thread
 * waits for the first, so this callback must not wait for its answer. A wrong answer would come at once. */
static bool count_from_outside(const lesson_store_id *uid, void *context) {
    (void)uid;
    struct visit *visit = context;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    assert_int_equal(pthread_create(&visit->thread, NULL, count_one, visit->store), 0);
    visit->is_over = pthread_timedjoin_np(visit->thread, &visit->failed, &until) == 0;
    return true;
}

static void expect_one_from_outside(lesson_store *store) {
    struct visit visit = {.store = store};
    int code = lesson_store_members(store, "algebra", count_from_outside, &visit);
    if (code == LESSON_STORE_UNREACHABLE) /* noticed already */
        return;
    assert_int_equal(code, LESSON_STORE_OK);
    if (!visit.is_over)
        pthread_join(visit.thread, &visit.failed);
    assert_null(visit.failed);
}

/* As after a restore, or a clean-up job. Nobody would find what the store wrote now, and an instance opened now would
 * be another, empty database. */
static void test_moved_file(void **state) {
    const sqlite_files *files = *state;
    char aside[340];
    snprintf(aside, sizeof aside, "%s.aside", files->database);
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(rename(files->database, aside), 0);
    assert_int_equal(lesson_store_join(store, "bob", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_UNREACHABLE);
    assert_int_equal(
        lesson_store_check(store, LESSON_STORE_CHECK_REPAIR | LESSON_STORE_CHECK_ENDED, NULL, NULL, NULL, NULL),
        LESSON_STORE_UNREACHABLE);

    expect_one_from_outside(store);
    assert_int_equal(access(files->database, F_OK), -1);

    assert_int_equal(rename(aside, files->database), 0);
    assert_int_equal(lesson_store_join(store, "bob", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* The same, with another lesson store in its place. */
static void test_replaced_file(void **state) {
    const sqlite_files *files = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), LESSON_STORE_OK);
    for (size_t i = 0; i < 3; i++) {
        char path[340];
        snprintf(path, sizeof path, "%s%s", files->database, suffixes[i]);
        assert_int_equal(unlink(path), 0);
    }
    lesson_store_close(sqlite_files_open(files, ""));
    assert_int_equal(access(files->database, F_OK), 0);

    expect_one_from_outside(store);
    lesson_store_close(store);
}

struct texts {
    char uids[BATCH][32];
    char lesson_ids[BATCH][32];
};

/* Batch `n` of a process: new users of its own, and users whom every process moves. */
static void fill_batch(lesson_store_operation joins[BATCH], struct texts *texts, int number, int n) {
    for (int i = 0; i < BATCH; i++) {
        if (i < SHARED)
            snprintf(texts->uids[i], sizeof texts->uids[i], "shared-%d", i);
        else
            snprintf(texts->uids[i], sizeof texts->uids[i], "own-%d-%d", number, n * OWN + i);
        snprintf(texts->lesson_ids[i], sizeof texts->lesson_ids[i], "lesson-%d", (i + n * (number + 1)) % LESSONS);
        joins[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
        joins[i].uid = lesson_store_id_of(texts->uids[i]);
        joins[i].course_id = lesson_store_id_of("maths");
        joins[i].lesson_id = lesson_store_id_of(texts->lesson_ids[i]);
    }
}

static int write_batches(const sqlite_files *files, int number) {
    lesson_store *store;
    lesson_store_operation joins[BATCH];
    struct texts texts;
    int code = lesson_store_open(&store, files->location);
    for (int n = 0; !code && n < BATCHES; n++) {
        fill_batch(joins, &texts, number, n);
        code = lesson_store_batch(store, joins, BATCH);
        for (int i = 0; !code && i < BATCH; i++)
            code = joins[i].code;
        if (!code)
            code = lesson_store_where(store, "shared-0", NULL);
        if (!code)
            code = lesson_store_quit(store, texts.uids[BATCH - 1], NULL, NULL, NULL);
    }
    if (code)
        fprintf(stderr, "%s\n", lesson_store_message());
    lesson_store_close(store);
    return code;
}

static bool count_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    ++*(uint64_t *)context;
    return true;
}

static void assert_consistent(const sqlite_files *files, uint64_t users) {
    lesson_store *store = sqlite_files_open(files, "");
    uint64_t members = 0, found = 0;
    for (int i = 0; i < LESSONS; i++) {
        char lesson_id[32];
        snprintf(lesson_id, sizeof lesson_id, "lesson-%d", i);
        assert_int_equal(lesson_store_members(store, lesson_id, count_member, &members), LESSON_STORE_OK);
    }
    assert_int_equal(members, users);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, &found, NULL), LESSON_STORE_OK);
    assert_int_equal(found, 0);
    lesson_store_close(store);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users"), users);
}

static void test_two_writers(void **state) {
    const sqlite_files *files = *state;
    sqlite_files_run(files, PROCESSES, write_batches, LESSON_STORE_OK);
    assert_consistent(files, SHARED + PROCESSES * BATCHES * (OWN - 1));
}

/* Killed while writing: the content is consistent and consists of whole batches. */
static void test_killed_writer(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        lesson_store *own;
        lesson_store_operation joins[BATCH];
        struct texts texts;
        int code = lesson_store_open(&own, files->location);
        for (int n = 0; !code; n++) {
            fill_batch(joins, &texts, 0, n);
            code = lesson_store_batch(own, joins, BATCH);
        }
        _exit(1);
    }
    lesson_store *store = sqlite_files_open(files, "");
    while (lesson_store_where(store, "own-0-1000", NULL) == LESSON_STORE_NOT_FOUND)
        sqlite3_sleep(1);
    assert_int_equal(kill(writer, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_true(WIFSIGNALED(status));
    lesson_store_close(store);
    int64_t own = sqlite_files_number(files, "SELECT count(*) FROM users WHERE uid GLOB 'own-*'");
    assert_true(own >= 1000 - OWN);
    assert_int_equal(own % OWN, 0);
    assert_consistent(files, (uint64_t)own + SHARED);
}

/* Process 0 removes the users of lessons without a record, again and again. Process 1 creates lessons, and puts a user
 * into each, and another user into a lesson without a record. */
static int repair_or_join(const sqlite_files *files, int number) {
    lesson_store *store;
    int code = lesson_store_open(&store, files->location);
    for (int n = 0; !code && n < 300; n++) {
        char lesson_id[32], uid[32];
        snprintf(lesson_id, sizeof lesson_id, "lesson-%d", n);
        snprintf(uid, sizeof uid, "user-%d", n);
        if (number == 0) {
            code =
                lesson_store_check(store, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL);
            continue;
        }
        code = lesson_store_join(store, "ghost", "maths", "nowhere", NULL, 0, NULL);
        if (!code)
            code = lesson_store_create(store, lesson_id, 0);
        if (!code)
            code = lesson_store_join(store, uid, "maths", lesson_id, NULL, LESSON_STORE_JOIN_IF_OPEN, NULL);
    }
    if (code)
        fprintf(stderr, "%s\n", lesson_store_message());
    lesson_store_close(store);
    return code;
}

static void test_repair_beside_a_writer(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_run(files, 2, repair_or_join, LESSON_STORE_OK);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users WHERE uid <> 'ghost'"), 300);
}

/* ---- Children that inherit what SQLite knows of the file */

/* Opens this file, and returns the code. */
static int open_in_child(const char *location) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        lesson_store *store;
        int code = lesson_store_open(&store, location);
        if (!code)
            code = lesson_store_join(store, "child", "maths", "algebra", NULL, 0, NULL);
        lesson_store_close(store);
        _exit(-code);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return -WEXITSTATUS(status);
}

/* SQLite would take no lock in the child, and the parent would remove the log that the child writes to. */
static void test_children_of_a_process_that_has_it_open(void **state) {
    const sqlite_files *files = *state;
    char other[400];
    lesson_store *store, *second;
    snprintf(other, sizeof other, "%s-other", files->location);
    assert_int_equal(lesson_store_open(&store, files->location), LESSON_STORE_OK);
    assert_int_equal(lesson_store_open(&second, files->location), LESSON_STORE_OK);
    assert_int_equal(open_in_child(files->location), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(open_in_child(other), LESSON_STORE_OK);
    lesson_store_close(store);
    assert_int_equal(open_in_child(files->location), LESSON_STORE_UNSUPPORTED);
    lesson_store_close(second);
    assert_int_equal(open_in_child(files->location), LESSON_STORE_OK);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM users WHERE uid = 'child'"), 1);
    assert_int_equal(lesson_store_open(&store, files->location), LESSON_STORE_OK);
    lesson_store_close(store);
}

struct joiners {
    lesson_store *store;
    atomic_bool stop;
};

static void *keep_joining(void *context) {
    struct joiners *joiners = context;
    while (!joiners->stop && lesson_store_join(joiners->store, "ann", "maths", "algebra", NULL, 0, NULL) == 0)
        ;
    return NULL;
}

/* SQLite's own locks are held at the fork by threads that the child does not have. It would wait for them for ever. */
static void test_children_born_during_calls(void **state) {
    const sqlite_files *files = *state;
    if (forks_cannot_be_beside_threads())
        skip();
    enum { JOINERS = 3, CHILDREN = 300 };
    char other[400];
    pthread_t threads[JOINERS];
    struct joiners joiners = {.stop = false};
    snprintf(other, sizeof other, "%s-other", files->location);
    assert_int_equal(lesson_store_open(&joiners.store, files->location), LESSON_STORE_OK);
    for (int i = 0; i < JOINERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, keep_joining, &joiners), 0);
    for (int i = 0; i < CHILDREN; i++)
        assert_int_equal(open_in_child(other), LESSON_STORE_OK);
    joiners.stop = true;
    for (int i = 0; i < JOINERS; i++)
        pthread_join(threads[i], NULL);
    lesson_store_close(joiners.store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_new_file_opened_by_several),
        TEST(test_relative_path_and_another_directory),
        TEST(test_moved_file),
        TEST(test_replaced_file),
        TEST(test_children_of_a_process_that_has_it_open),
        TEST(test_children_born_during_calls),
        TEST(test_two_writers),
        TEST(test_killed_writer),
        TEST(test_repair_beside_a_writer),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
