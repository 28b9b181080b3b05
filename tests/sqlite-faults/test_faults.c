/* Failing calls of the operating system: the first, the second, ... of each kind, once or for good. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "opening.h"
#include "soak.h"
#include "trial.h"

#define MEMORY_CODES (TRIAL_CODE(NO_MEMORY) | TRIAL_CODE(UNKNOWN))
#define IO_CODES (TRIAL_CODE(FAILED) | TRIAL_CODE(UNKNOWN))
#define FILE_OF(kind) SHIM_##kind
#define POINT(method, file, effect, result, codes) \
    { #method " of " #file ": " #result, 1u << SHIM_##method, SHIM_##file, SHIM_##effect, SQLITE_##result, codes }

/* Where a fault can strike, and the codes that it may cause. */
static const struct point {
    const char *name;
    uint32_t methods;
    uint32_t files;
    shim_effect effect;
    int result;
    uint32_t codes;
} points[] = {
    POINT(OPEN, DATABASE, NOTHING, CANTOPEN, TRIAL_CODE(UNREACHABLE)),
    POINT(OPEN, LOG, NOTHING, CANTOPEN, TRIAL_CODE(UNREACHABLE)),
    POINT(OPEN, JOURNAL, NOTHING, CANTOPEN, TRIAL_CODE(UNREACHABLE)),
    POINT(DELETE, ANY_FILE, NOTHING, IOERR_DELETE, IO_CODES),
    POINT(ACCESS, ANY_FILE, NOTHING, IOERR_ACCESS, IO_CODES),
    POINT(READ, DATABASE, NOTHING, IOERR_READ, IO_CODES),
    POINT(READ, LOG, HALF, IOERR_READ, IO_CODES),
    POINT(READ, JOURNAL, NOTHING, IOERR_READ, IO_CODES),
    POINT(WRITE, DATABASE, HALF, IOERR_WRITE, IO_CODES),
    POINT(WRITE, DATABASE, NOTHING, FULL, TRIAL_CODE(FULL)),
    POINT(WRITE, LOG, NOTHING, IOERR_WRITE, IO_CODES),
    POINT(WRITE, LOG, HALF, IOERR_WRITE, IO_CODES),
    POINT(WRITE, LOG, WHOLE, IOERR_WRITE, IO_CODES),
    POINT(WRITE, LOG, HALF, FULL, TRIAL_CODE(FULL)),
    POINT(WRITE, JOURNAL, HALF, IOERR_WRITE, IO_CODES),
    POINT(WRITE, JOURNAL, HALF, FULL, TRIAL_CODE(FULL)),
    POINT(TRUNCATE, ANY_FILE, NOTHING, IOERR_TRUNCATE, IO_CODES),
    POINT(SYNC, DATABASE, NOTHING, IOERR_FSYNC, IO_CODES),
    POINT(SYNC, LOG, NOTHING, IOERR_FSYNC, IO_CODES),
    POINT(SYNC, JOURNAL, NOTHING, IOERR_FSYNC, IO_CODES),
    POINT(FILE_SIZE, ANY_FILE, NOTHING, IOERR_FSTAT, IO_CODES),
    POINT(LOCK, DATABASE, NOTHING, BUSY, TRIAL_CODE(BUSY)),
    POINT(LOCK, DATABASE, NOTHING, IOERR_LOCK, IO_CODES),
    POINT(UNLOCK, DATABASE, NOTHING, IOERR_UNLOCK, IO_CODES),
    POINT(CHECK_LOCK, DATABASE, NOTHING, IOERR_CHECKRESERVEDLOCK, IO_CODES),
    POINT(FILE_CONTROL, DATABASE, NOTHING, IOERR, IO_CODES),
    POINT(MAP_SHARED, DATABASE, NOTHING, IOERR_SHMMAP, IO_CODES),
    POINT(MAP_SHARED, DATABASE, NOTHING, IOERR_NOMEM, MEMORY_CODES),
    POINT(LOCK_SHARED, DATABASE, NOTHING, BUSY, TRIAL_CODE(BUSY)),
    POINT(LOCK_SHARED, DATABASE, NOTHING, IOERR_SHMLOCK, IO_CODES),
    POINT(ALLOCATE, OTHER, NOTHING, NOMEM, MEMORY_CODES),
};
enum { POINTS = sizeof points / sizeof *points, EVERY_ONE = 16, DEFECT_SEEDS = 8 };

static const char *const options[] = {
    "?busy_timeout_ms=2&wal_autocheckpoint_pages=4",
    "?busy_timeout_ms=2&wal_autocheckpoint_pages=4&synchronous=full",
    "?busy_timeout_ms=2&wal_autocheckpoint_pages=1000&synchronous=full",
    "?busy_timeout_ms=2&wal_autocheckpoint_pages=1&synchronous=off&cache_kib=64",
};

static trial_plan plan_of(const struct point *point, dice_state *dice) {
    return (trial_plan){.options = options[dice_below(dice, sizeof options / sizeof *options)],
                        .from_new = dice_once_in(dice, 2),
                        .fault = {.methods = point->methods,
                                  .files = point->files,
                                  .for_good = dice_once_in(dice, 2),
                                  .effect = point->effect,
                                  .result = point->result},
                        .codes = point->codes};
}

/* Fails each call of a point in turn, until one run meets no fault. If there are very many, only random ones. */
static void walk(const struct point *point, soak_run *soak, const sqlite_files *files) {
    char text[VOCABULARY_TEXT_SIZE];
    dice_state dice = {soak->seed};
    trial_plan plan = plan_of(point, &dice);
    dice_state steps = {soak->seed};
    trial_outcome outcome;
    do {
        plan.fault.at += 1 + dice_below(&steps, 1 + (unsigned)plan.fault.at / EVERY_ONE);
        if (!trial_run(&plan, dice, files, &outcome, text))
            fail_msg("%s, number %" PRIu64 "%s, %s, %s: %s" SOAK_SEED, point->name, plan.fault.at,
                     plan.fault.for_good ? " and all after it" : "", plan.options,
                     plan.from_new ? "a new file" : "an old file", text, soak->seed);
        soak->operations += outcome.operations;
        soak->histories++;
        soak->faults += outcome.faults;
    } while (outcome.faults > 0);
}

static void test_faults(void **state) {
    soak_run soak = soak_begin("faults", "sqlite", POINTS);
    while (soak_next(&soak))
        walk(&points[soak.seed % POINTS], &soak, *state);
    soak_end(&soak);
}

/* ---- Defects that this must catch */

/* True if some failing call shows the defect, with a text that contains `part`. */
static bool is_caught(const sqlite_files *files, const lesson_store_backend *backend, uint32_t method, int result,
                      const char *part) {
    char text[VOCABULARY_TEXT_SIZE];
    trial_outcome outcome;
    for (uint64_t seed = 1; seed < DEFECT_SEEDS; seed++) {
        trial_plan plan = {.backend = backend,
                           .options = options[0],
                           .codes = IO_CODES | TRIAL_CODE(FULL),
                           .fault = {.methods = 1u << method, .files = SHIM_ANY_FILE, .result = result}};
        do {
            plan.fault.at++;
            if (!trial_run(&plan, (dice_state){seed}, files, &outcome, text))
                return strstr(text, part) != NULL;
        } while (outcome.faults > 0);
    }
    return false;
}

static void test_defects_are_caught(void **state) {
    const lesson_store_backend ignores = wrong_ignores_errors(), ends_early = wrong_ends_lists_early(),
                               keeps_half = wrong_keeps_half();
    assert_true(is_caught(*state, &ignores, SHIM_WRITE, SQLITE_FULL, "returned"));
    assert_true(is_caught(*state, &ends_early, SHIM_LOCK_SHARED, SQLITE_IOERR_SHMLOCK, "reading"));
    assert_true(is_caught(*state, &keeps_half, SHIM_LOCK_SHARED, SQLITE_IOERR_SHMLOCK, "after a batch that failed"));
}

/* ---- At the end of a transaction */

/* The log has an index in shared memory, which must grow from time to time, after the transaction has been written. If
 * that fails, the transaction is rolled back, but a process that finds the log after a crash finds all of it. */
static void fail_growing_index(const sqlite_files *files, int result) {
    const shim_fault fault = {
        .methods = 1u << SHIM_MAP_SHARED, .files = SHIM_DATABASE, .at = 1, .for_good = true, .result = result};
    static const char *const lessons[] = {"algebra", "chess"};
    lesson_store *store = sqlite_files_open(files, "?wal_autocheckpoint_pages=1000000"), *crashed;
    lesson_store_place place;
    sqlite_files image;
    int code = LESSON_STORE_OK, kept = -1;
    size_t joins = 0;
    opening_name_image(files, &image);
    shim_arm(&fault);
    while (!code)
        code = lesson_store_join(store, "ann", "maths", lessons[joins++ % 2], NULL, 0, NULL);
    shim_disarm();
    assert_true(joins > 1000);
    assert_int_equal(code, LESSON_STORE_UNKNOWN);
    assert_true(opening_copy(files, &image, &kept));
    crashed = sqlite_files_open(&image, "");
    assert_int_equal(lesson_store_where(crashed, "ann", &place), LESSON_STORE_OK);
    assert_string_equal(place.lesson_id, lessons[(joins - 1) % 2]);
    lesson_store_close(crashed);
    assert_int_equal(lesson_store_where(store, "ann", &place), LESSON_STORE_OK);
    assert_string_equal(place.lesson_id, lessons[joins % 2]);
    assert_int_equal(lesson_store_join(store, "ann", "maths", "painting", NULL, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
    close(kept);
}

static void test_growing_index(void **state) {
    fail_growing_index(*state, SQLITE_IOERR_SHMSIZE);
    fail_growing_index(*state, SQLITE_IOERR_NOMEM);
}

/* ---- The system's reasons */

/* Lets each call of these methods fail in turn, with this errno, while a store is opened and one user joins and quits.
 * The code must be this one, its message must name the reason, and nothing may be changed. */
static void fail_with_error(const sqlite_files *files, uint32_t methods, int result, int error, int expected,
                            const char *reason) {
    shim_fault fault = {.methods = methods, .files = SHIM_ANY_FILE, .result = result, .error = error, .for_good = true};
    uint64_t failed;
    lesson_store_close(sqlite_files_open(files, ""));
    do {
        lesson_store *store = NULL;
        fault.at++;
        shim_arm(&fault);
        int code = opening_open(&store, NULL, files, "?busy_timeout_ms=2");
        if (!code)
            code = lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL);
        failed = shim_failed();
        shim_disarm();
        if (failed && code && (code != expected || !strstr(lesson_store_message(), reason)))
            fail_msg("call %" PRIu64 ": %s: %s", fault.at, lesson_store_code_name(code), lesson_store_message());
        assert_true(code || !failed || fault.at > 1);
        if (store && code)
            assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_NOT_FOUND);
        if (store && !code)
            assert_int_equal(lesson_store_quit(store, "ann", NULL, NULL, NULL), LESSON_STORE_OK);
        lesson_store_close(store);
    } while (failed > 0);
    assert_true(fault.at > 1);
}

static void test_quota(void **state) {
    const char *reason = strerror(EDQUOT);
    fail_with_error(*state, 1u << SHIM_WRITE, SQLITE_IOERR_WRITE, EDQUOT, LESSON_STORE_FULL, reason);
    fail_with_error(*state, 1u << SHIM_MAP_SHARED, SQLITE_IOERR_SHMSIZE, EDQUOT, LESSON_STORE_FULL, reason);
    fail_with_error(*state, 1u << SHIM_OPEN, SQLITE_CANTOPEN, EDQUOT, LESSON_STORE_FULL, "");
}

static void test_no_descriptors(void **state) {
    fail_with_error(*state, 1u << SHIM_OPEN, SQLITE_CANTOPEN, EMFILE, LESSON_STORE_UNREACHABLE, strerror(EMFILE));
    fail_with_error(*state, 1u << SHIM_OPEN, SQLITE_CANTOPEN, ENFILE, LESSON_STORE_UNREACHABLE, strerror(ENFILE));
    fail_with_error(*state, 1u << SHIM_MAP_SHARED, SQLITE_CANTOPEN, EMFILE, LESSON_STORE_UNREACHABLE, strerror(EMFILE));
}

/* The same from the system itself: no call has a descriptor left, whatever it opens. */
static int open_with_few_descriptors(const sqlite_files *files, int number) {
    struct rlimit limit;
    (void)number;
    getrlimit(RLIMIT_NOFILE, &limit);
    for (limit.rlim_cur = 3; limit.rlim_cur < 64; limit.rlim_cur++) {
        lesson_store *store = NULL;
        setrlimit(RLIMIT_NOFILE, &limit);
        int code = opening_open(&store, NULL, files, "");
        lesson_store_close(store);
        if (!code)
            return 0;
        if (code == LESSON_STORE_UNREACHABLE && strstr(lesson_store_message(), strerror(EMFILE)))
            continue;
        fprintf(stderr, "%s: %s\n", lesson_store_code_name(code), lesson_store_message());
        return 1;
    }
    return 2;
}

static void test_few_descriptors(void **state) {
    sqlite_files_run(*state, 1, open_with_few_descriptors, 0);
}

/* Where no directory can be written but that of the file, everything works: SQLite opens no temporary file. */
static void test_no_temporary_files(void **state) {
    const sqlite_files *files = *state;
    static const char text[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)"
                               " INSERT INTO users(uid, course_id, lesson_id, session) SELECT "
                               "'a-user-with-a-rather-long-id-' || i, 'maths', 'algebra', NULL"
                               " FROM n";
    const shim_fault fault = {
        .methods = 1u << SHIM_OPEN, .files = SHIM_OTHER, .at = 1, .for_good = true, .result = SQLITE_CANTOPEN};
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, text);
    shim_arm(&fault);
    lesson_store *store = sqlite_files_open(files, "?cache_kib=64");
    uint64_t count = 0;
    assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_ENDED, NULL, NULL, &count, NULL), LESSON_STORE_OK);
    assert_int_equal(count, 30000);
    assert_int_equal(lesson_store_end(store, "algebra", 0, &count), LESSON_STORE_OK);
    assert_int_equal(count, 30000);
    assert_int_equal(shim_failed(), 0);
    shim_disarm();
    lesson_store_close(store);
}

/* ---- Check and an unreadable disk */

static void fill(const sqlite_files *files) {
    static const char text[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
                               " INSERT INTO users(uid, course_id, lesson_id, session) SELECT 'user-' || i, 'maths', "
                               "'lesson-' || (i % 7), NULL FROM n;"
                               "DELETE FROM users WHERE uid < 'user-2'"; /* leaves free pages */
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(files, text);
}

/* An unreadable page is not a damaged one: check fails, without a finding. */
static void test_check_of_what_cannot_be_read(void **state) {
    const sqlite_files *files = *state;
    shim_fault fault = {.methods = 1u << SHIM_READ, .files = SHIM_DATABASE, .result = SQLITE_IOERR_READ};
    uint64_t failed;
    fill(files);
    do {
        uint64_t found = 0;
        lesson_store *store = sqlite_files_open(files, "");
        fault.at++;
        shim_arm(&fault);
        int code = lesson_store_check(store, 0, NULL, NULL, &found, NULL);
        shim_disarm();
        failed = shim_failed();
        if (code != (failed ? LESSON_STORE_FAILED : LESSON_STORE_OK))
            fail_msg("read %" PRIu64 ": %s, %" PRIu64 " findings", fault.at, lesson_store_code_name(code), found);
        assert_int_equal(found, 0);
        lesson_store_close(store);
    } while (failed > 0);
    assert_true(fault.at > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_faults),
        TEST(test_defects_are_caught),
        TEST(test_growing_index),
        TEST(test_quota),
        TEST(test_no_descriptors),
        TEST(test_few_descriptors),
        TEST(test_no_temporary_files),
        TEST(test_check_of_what_cannot_be_read),
#undef TEST
    };
    shim_install();
    sqlite3_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
