/* Who gets the write lock: a single join is not overtaken without end by writers of large batches. Judged by the number
 * of batches that overtake it, not by time. */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sqlite_files.h"

enum { WRITERS = 3, BATCH = 10000, JOINS = 20, BETWEEN_US = 20000, OVERTAKEN_MAX = 25, SPAN_MS = 300, SPANS = 3 };

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

/* ---- An age that stays, as a process leaves it that is stopped while it waits. It says that it is the oldest, and
 * does not take its turn. */

static int state_old_age(const sqlite_files *files) {
    char path[340];
    struct flock oldest = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = (INT64_C(1) << 60) + 50, .l_len = 1};
    snprintf(path, sizeof path, "%s-wal", files->database);
    int log = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(log >= 0);
    assert_int_equal(fcntl(log, F_OFD_SETLK, &oldest), 0);
    return log;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The joins of one span of time. */
static int join_for_a_span(lesson_store *store) {
    static const char *const lessons[] = {"algebra", "chess"};
    int count = 0;
    for (int64_t end_ms = now_ms() + SPAN_MS; now_ms() < end_ms; count++)
        assert_int_equal(lesson_store_join(store, "ann", "maths", lessons[count % 2], NULL, 0, NULL), LESSON_STORE_OK);
    return count;
}

/* The others go on, none is BUSY, and they are not slow for as long as it stays. */
static void test_beside_a_stopped_process(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "?busy_timeout_ms=1000");
    int alone = 0, beside = 0;
    for (int i = 0; i < SPANS; i++) {
        alone += join_for_a_span(store);
        int log = state_old_age(files);
        beside += join_for_a_span(store);
        close(log);
    }
    if (beside < alone / 4)
        fail_msg("%d joins beside a stopped process, and %d without", beside, alone);
    lesson_store_close(store);
}

/* ---- Ages that come and go */

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
