/* The power fails at any moment of a history. The data must be what each mode of `synchronous` promises. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"
#include "history.h"
#include "opening.h"
#include "soak.h"

enum { ROUNDS = 30, DEFECT_ROUNDS = 100, BATCHES = 8, LOSE_ONE_IN = 6, REOPENED_ONE_IN = 5 };

typedef enum durability { FULL, NORMAL, OFF } durability;

static const char *const words[] = {"full", "normal", "off"};

/* A history that runs on the disk, and what must be there if the power fails now. */
struct power_trial {
    const drawn_history *history;
    durability promised;
    sqlite_files image;
    dice_state dice;
    size_t announced;
    size_t acknowledged;
    size_t synced; /* batches in the log at its last sync */
    uint64_t log_syncs;
    uint64_t losses;
    uint64_t damaged; /* with OFF: images that could not be opened or read */
    char text[VOCABULARY_TEXT_SIZE];
    bool is_wrong;
};

/* Returns the oldest state that may be found. */
static size_t oldest(const struct power_trial *trial) {
    return trial->promised == FULL ? trial->acknowledged : trial->synced;
}

static bool look_at_image(struct power_trial *trial) {
    lesson_store *store;
    if (opening_open(&store, NULL, &trial->image, "")) {
        snprintf(trial->text, sizeof trial->text, "it cannot be opened: %s", lesson_store_message());
        return false;
    }
    bool is_right = history_judge(trial->history, store, oldest(trial), trial->announced, trial->text);
    lesson_store_close(store);
    return is_right;
}

/* With OFF the data may be anything, but opening and reading must end, and must report damage. */
static void lose_power(void *context) {
    struct power_trial *trial = context;
    if (disk_log_syncs() > trial->log_syncs)
        trial->synced = trial->acknowledged;
    trial->log_syncs = disk_log_syncs();
    if (trial->is_wrong || !dice_once_in(&trial->dice, LOSE_ONE_IN))
        return;
    trial->losses++;
    disk_lose_power(&trial->image, &trial->dice);
    bool is_right = look_at_image(trial);
    trial->damaged += !is_right && trial->promised == OFF;
    trial->is_wrong = !is_right && trial->promised != OFF;
}

static bool open_again(struct power_trial *trial, lesson_store **store, const sqlite_files *files,
                       const char *options) {
    lesson_store_close(*store);
    if (opening_open(store, NULL, files, options) == LESSON_STORE_OK)
        return true;
    snprintf(trial->text, sizeof trial->text, "%s", lesson_store_message());
    return false;
}

/* Closes and reopens from time to time, because closing removes the log. */
static bool live(struct power_trial *trial, const sqlite_files *files, const char *options) {
    lesson_store *store = NULL;
    bool is_right = open_again(trial, &store, files, options);
    for (size_t i = 0; i < trial->history->batch_count && is_right; i++) {
        if (dice_once_in(&trial->dice, REOPENED_ONE_IN) && !open_again(trial, &store, files, options))
            return false;
        trial->announced = i + 1;
        is_right = history_run(trial->history, i, store, trial->text);
        trial->acknowledged = i + 1;
    }
    lesson_store_close(store);
    return is_right;
}

/* Runs a history in one mode, and judges it by another. */
static bool run_trial(struct power_trial *trial, const sqlite_files *files, durability mode, durability promised,
                      uint64_t seed) {
    static drawn_history history = {.share = {0, 1}, .wrong_in = 60};
    char options[128];
    *trial = (struct power_trial){.history = &history, .promised = promised, .dice = {seed}};
    history_draw(&history, &trial->dice, 2 + dice_below(&trial->dice, BATCHES));
    snprintf(options, sizeof options, "?synchronous=%s&wal_autocheckpoint_pages=%u&cache_kib=%u", words[mode],
             1 + dice_below(&trial->dice, 30), 64 + dice_below(&trial->dice, 2) * 4096);
    opening_clear(files);
    opening_name_image(files, &trial->image);
    disk_begin(files);
    disk_on_change(lose_power, trial);
    bool is_right = live(trial, files, options);
    disk_end();
    return is_right && !trial->is_wrong;
}

static void go_on_losing(const sqlite_files *files, durability mode) {
    char part[32];
    snprintf(part, sizeof part, "power loss, %s", words[mode]);
    soak_run soak = soak_begin(part, "sqlite", ROUNDS);
    soak.ends_at_ms -= (soak.ends_at_ms - soak.began_at_ms) * 2 / 3; /* the three modes share the time */
    uint64_t damaged = 0;
    while (soak_next(&soak)) {
        struct power_trial trial;
        if (!run_trial(&trial, files, mode, mode, soak.seed))
            fail_msg("synchronous=%s, power loss %" PRIu64 ": %s" SOAK_SEED, words[mode], trial.losses, trial.text,
                     soak.seed);
        soak.histories++;
        soak.faults += trial.losses;
        damaged += trial.damaged;
        for (size_t i = 0; i < trial.history->batch_count; i++)
            soak.operations += trial.history->call_counts[i];
    }
    soak_end(&soak);
    if (mode == OFF)
        printf("synchronous=off: %" PRIu64 " of %" PRIu64 " were damaged or older than what was synced\n", damaged,
               soak.faults);
}

static void test_full(void **state) {
    go_on_losing(*state, FULL);
}

static void test_normal(void **state) {
    go_on_losing(*state, NORMAL);
}

static void test_off(void **state) {
    go_on_losing(*state, OFF);
}

/* A mode that keeps less than promised must be caught. */
static bool is_caught(const sqlite_files *files, durability mode, durability promised) {
    struct power_trial trial;
    for (uint64_t seed = 1; seed <= DEFECT_ROUNDS; seed++) {
        if (!run_trial(&trial, files, mode, promised, seed))
            return true;
    }
    return false;
}

static void test_broken_promises_are_caught(void **state) {
    assert_true(is_caught(*state, NORMAL, FULL));
    assert_true(is_caught(*state, OFF, FULL));
    assert_true(is_caught(*state, OFF, NORMAL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_full),
        TEST(test_normal),
        TEST(test_off),
        TEST(test_broken_promises_are_caught),
#undef TEST
    };
    shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
