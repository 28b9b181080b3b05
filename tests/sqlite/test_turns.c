/* Who gets the write lock: a single join is not overtaken without end by writers of large batches. Judged by the number
 * of batches that overtake it, not by time. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite_files.h"

enum { WRITERS = 3, BATCH = 10000, JOINS = 20, BETWEEN_US = 20000, OVERTAKEN_MAX = 25 };

static struct shared {
    atomic_int batches;
    atomic_int started;
    atomic_bool is_over;
} * shared;

static lesson_store_operation joins[2][BATCH]; /* every user moves from one lesson to the other */

static void fill(int number) {
    static char uids[BATCH][24];
    for (int i = 0; i < BATCH; i++) {
        snprintf(uids[i], sizeof uids[i], "user-%d-%d", number, i);
        for (int to = 0; to < 2; to++) {
            joins[to][i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
            joins[to][i].uid = lesson_store_id_of(uids[i]);
            joins[to][i].course_id = lesson_store_id_of("maths");
            joins[to][i].lesson_id = lesson_store_id_of(to ? "algebra" : "chess");
        }
    }
}

static int write_batches(const sqlite_files *files, int number) {
    lesson_store *store;
    fill(number);
    int code = lesson_store_open(&store, files->location);
    for (int round = 0; !code && !shared->is_over; round++) {
        code = lesson_store_batch(store, joins[round % 2], BATCH);
        atomic_fetch_add(&shared->batches, 1);
        if (round == 0)
            atomic_fetch_add(&shared->started, 1);
    }
    if (code)
        fprintf(stderr, "%s\n", lesson_store_message());
    lesson_store_close(store);
    return code;
}

static int join_now_and_then(const sqlite_files *files) {
    static const char *const lessons[] = {"painting", "yoga"};
    lesson_store *store;
    int most = 0;
    int code = lesson_store_open(&store, files->location);
    while (!code && shared->started < WRITERS)
        usleep(1000);
    for (int i = 0; !code && i < JOINS; i++) {
        usleep(BETWEEN_US);
        int before = shared->batches;
        code = lesson_store_join(store, "ann", "arts", lessons[i % 2], NULL, 0, NULL);
        int overtaken = shared->batches - before;
        most = overtaken > most ? overtaken : most;
    }
    if (code || most > OVERTAKEN_MAX)
        fprintf(stderr, "overtaken by %d batches; %s\n", most, code ? lesson_store_message() : "no failure");
    lesson_store_close(store);
    shared->is_over = true;
    return code || most > OVERTAKEN_MAX;
}

static int take_part(const sqlite_files *files, int number) {
    return number < WRITERS ? write_batches(files, number) : join_now_and_then(files);
}

static void test_single_join_beside_batches(void **state) {
    const sqlite_files *files = *state;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_run(files, WRITERS + 1, take_part, 0);
    munmap(shared, sizeof *shared);
}

/* As a process leaves it that is stopped while it waits: it says that it is the oldest, and does not take its turn. The
 * others go on, and none is BUSY. */
static void test_beside_a_stopped_process(void **state) {
    const sqlite_files *files = *state;
    static const char *const lessons[] = {"algebra", "chess"};
    char path[340];
    struct flock oldest = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = (INT64_C(1) << 60) + 50, .l_len = 1};
    lesson_store *store = sqlite_files_open(files, "?busy_timeout_ms=1000");
    snprintf(path, sizeof path, "%s-wal", files->database);
    int log = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(log >= 0);
    assert_int_equal(fcntl(log, F_OFD_SETLK, &oldest), 0);
    for (int i = 0; i < 20; i++)
        assert_int_equal(lesson_store_join(store, "ann", "maths", lessons[i % 2], NULL, 0, NULL), LESSON_STORE_OK);
    close(log);
    lesson_store_close(store);
}

/* Waits long enough to state its age, and takes that back. */
static void test_age_is_taken_back(void **state) {
    const sqlite_files *files = *state;
    char path[340];
    struct flock any = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_C(1) << 60};
    lesson_store *store = sqlite_files_open(files, "?busy_timeout_ms=350");
    sqlite3 *other = sqlite_files_connect(files);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(lesson_store_create(store, "algebra", 0), LESSON_STORE_BUSY);
    snprintf(path, sizeof path, "%s-wal", files->database);
    int log = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(log >= 0);
    assert_int_equal(fcntl(log, F_OFD_GETLK, &any), 0);
    assert_int_equal(any.l_type, F_UNLCK);
    close(log);
    sqlite3_close(other);
    assert_int_equal(lesson_store_create(store, "algebra", 0), LESSON_STORE_OK);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_single_join_beside_batches),
        TEST(test_beside_a_stopped_process),
        TEST(test_age_is_taken_back),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
