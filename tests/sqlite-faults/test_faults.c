/* Calls of the operating system that fail: the first, the second, ... of each kind, once or for good. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opening.h"
#include "soak.h"
#include "trial.h"

#define IO_CODES (TRIAL_CODE(FAILED) | TRIAL_CODE(UNKNOWN))
#define FILE_OF(kind) SHIM_##kind
#define POINT(method, file, effect, result, codes) \
    { #method " of " #file ": " #result, 1u << SHIM_##method, SHIM_##file, SHIM_##effect, SQLITE_##result, codes }

/* Where it can fall, and what a call may answer to it. */
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
    POINT(MAP_SHARED, DATABASE, NOTHING, IOERR_NOMEM, TRIAL_CODE(NO_MEMORY)),
    POINT(LOCK_SHARED, DATABASE, NOTHING, BUSY, TRIAL_CODE(BUSY)),
    POINT(LOCK_SHARED, DATABASE, NOTHING, IOERR_SHMLOCK, IO_CODES),
    POINT(ALLOCATE, OTHER, NOTHING, NOMEM, TRIAL_CODE(NO_MEMORY)),
};
enum { POINTS = sizeof points / sizeof *points, EVERY_ONE = 32 };

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

/* Fails each call of a point in turn, until one run sees no fault; of very many, some by chance. */
static void walk(const struct point *point, soak_run *soak, const sqlite_files *files) {
    char text[VOCABULARY_TEXT_SIZE];
    dice_state dice = {soak->seed};
    trial_plan plan = plan_of(point, &dice);
    dice_state steps = {soak->seed};
    trial_outcome outcome;
    uint64_t failed = 0, unknown = 0;
    do {
        plan.fault.at += 1 + dice_below(&steps, 1 + (unsigned)plan.fault.at / EVERY_ONE);
        if (!trial_run(&plan, dice, files, &outcome, text))
            fail_msg("%s, number %" PRIu64 "%s, %s, %s: %s" SOAK_SEED, point->name, plan.fault.at,
                     plan.fault.for_good ? " and all after it" : "", plan.options,
                     plan.from_new ? "a new file" : "an old file", text, soak->seed);
        soak->operations += outcome.operations;
        soak->histories++;
        soak->faults += outcome.faults;
        failed += outcome.failed;
        unknown += outcome.unknown;
    } while (outcome.faults > 0);
    if (getenv("VERBOSE"))
        printf("%s: %d points, failed %d, unknown %d\n", point->name, (int)plan.fault.at - 1, (int)failed,
               (int)unknown);
}

static void test_faults(void **state) {
    soak_run soak = soak_begin("faults", "sqlite", getenv("ROUNDS") ? 1 : POINTS);
    while (soak_next(&soak))
        walk(&points[soak.seed % POINTS], &soak, *state);
    soak_end(&soak);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_faults),
#undef TEST
    };
    shim_install();
    sqlite3_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
