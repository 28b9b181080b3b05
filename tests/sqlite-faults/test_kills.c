/* Processes killed at any moment: during batches, alone and with other processes; while they create, upgrade or repair
 * a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crash.h"
#include "opening.h"
#include "soak.h"

enum { ROUNDS = 60, DEFECT_ROUNDS = 200, WRONG_IN = 60 };

static const char *const options[] = {"", "?wal_autocheckpoint_pages=1", "?synchronous=off&wal_autocheckpoint_pages=3",
                                      "?synchronous=full&wal_autocheckpoint_pages=8&cache_kib=64"};

/* One round. The histories are static because they are large. */
static bool crash_once(dice_state *dice, const lesson_store_backend *backend, const sqlite_files *files,
                       crash_outcome *outcome, char text[VOCABULARY_TEXT_SIZE]) {
    static drawn_history histories[CRASH_PROCESSES];
    crash_plan plan = {.backend = backend, .options = options[dice_below(dice, sizeof options / sizeof *options)]};
    plan.processes = dice_once_in(dice, 3) ? CRASH_PROCESSES : 1;
    for (size_t i = 0; i < plan.processes; i++) {
        histories[i].share = (model_share){(int)i, (int)plan.processes};
        histories[i].wrong_in = WRONG_IN;
        history_draw(&histories[i], dice, 4 + dice_below(dice, 20));
    }
    crash_draw(&plan, dice, histories[0].batch_count);
    opening_clear(files);
    return crash_run(&plan, histories, files, outcome, text);
}

static void test_kills(void **state) {
    const sqlite_files *files = *state;
    char text[VOCABULARY_TEXT_SIZE];
    soak_run soak = soak_begin("killed processes", "sqlite", ROUNDS);
    while (soak_next(&soak)) {
        dice_state dice = {soak.seed};
        crash_outcome outcome;
        if (!crash_once(&dice, NULL, files, &outcome, text))
            fail_msg("%s" SOAK_SEED, text, soak.seed);
        soak.histories++;
        soak.operations += outcome.operations;
        soak.kills += outcome.was_killed;
    }
    soak_end(&soak);
    if (soak.rounds >= ROUNDS)
        assert_true(soak.kills > soak.rounds / 2);
}

/* Tests this test: a backend with a defect must be caught. */
static void test_half_a_batch_is_caught(void **state) {
    const sqlite_files *files = *state;
    const lesson_store_backend wrong = wrong_commits_each();
    char text[VOCABULARY_TEXT_SIZE];
    dice_state dice = {1};
    crash_outcome outcome;
    for (int round = 0; round < DEFECT_ROUNDS; round++) {
        if (crash_once(&dice, &wrong, files, &outcome, text))
            continue;
        assert_true(outcome.was_killed);
        if (!strstr(text, "in no state"))
            fail_msg("%s", text);
        return;
    }
    fail_msg("a backend that commits each operation by itself stood %d crashes", DEFECT_ROUNDS);
}

/* ---- While a file is created, upgraded, repaired */

static void make_nothing(const sqlite_files *files) {
    (void)files;
}

static void open_and_close(const sqlite_files *files) {
    lesson_store_close(sqlite_files_open(files, ""));
}

static void judge_empty(const sqlite_files *files) {
    static drawn_history history = {.share = {0, 1}};
    char text[VOCABULARY_TEXT_SIZE];
    dice_state dice = {1};
    history_draw(&history, &dice, 4);
    lesson_store *store = sqlite_files_open(files, "");
    if (!history_judge(&history, store, 0, 0, text))
        fail_msg("%s", text);
    for (size_t i = 0; i < history.batch_count; i++) {
        if (!history_run(&history, i, store, text))
            fail_msg("%s", text);
    }
    lesson_store_close(store);
}

static void test_while_making(void **state) {
    assert_true(crash_walk(*state, make_nothing, open_and_close, judge_empty) > 10);
}

static void judge_upgraded(const sqlite_files *files) {
    lesson_store_place place;
    lesson_store_lesson lesson;
    uint64_t found = 0;
    /* Before the library opens it, the file has exactly one of the two versions. */
    int64_t version = sqlite_files_number(files, "PRAGMA user_version");
    int64_t columns =
        sqlite_files_number(files, "SELECT count(*) FROM (SELECT name FROM pragma_table_info('users') UNION ALL"
                                   " SELECT name FROM pragma_table_info('lessons'))");
    assert_true(version == 1 || version == SQLITE_FILES_NEWEST);
    assert_int_equal(columns, version == 1 ? 6 : 11);
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_where(store, "ann", &place), LESSON_STORE_OK);
    assert_string_equal(place.lesson_id, "algebra");
    assert_string_equal(place.session, "");
    assert_int_equal(lesson_store_get_lesson(store, "algebra", &lesson), LESSON_STORE_OK);
    assert_int_equal(lesson.chat_status, LESSON_STORE_CHAT_BANNED);
    assert_int_equal(lesson_store_join(store, "cy", "maths", "algebra", "tab-1", 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, &found, NULL), LESSON_STORE_OK);
    assert_int_equal(found, 0);
    lesson_store_close(store);
}

static void test_while_upgrading(void **state) {
    assert_true(crash_walk(*state, sqlite_files_make_version_1, open_and_close, judge_upgraded) > 10);
}

/* ann is missing among the members, and a lesson is incomplete. */
static void make_damaged(const sqlite_files *files) {
    lesson_store_close(sqlite_files_open(files, ""));
    sqlite_files_execute(
        files, "INSERT INTO lessons(lesson_id, course_status, chat_status) VALUES('algebra', NULL, 1);"
               "INSERT INTO users(uid, course_id, lesson_id, session) VALUES('bob', 'maths', 'algebra', 's')");
    sqlite_files_change_behind_the_index(
        files, "INSERT INTO users(uid, course_id, lesson_id, session) VALUES('ann', 'maths', 'algebra', NULL)");
}

static void repair(const sqlite_files *files) {
    lesson_store *store = sqlite_files_open(files, "?wal_autocheckpoint_pages=1");
    assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* Either unchanged or repaired, but not one repair without the other. */
static void judge_repaired(const sqlite_files *files) {
    uint64_t found = 0, repaired = 0, members = 0;
    lesson_store *store = sqlite_files_open(files, "");
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, &found, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_count_members(store, "algebra", &members), LESSON_STORE_OK);
    assert_true((found == 2 && members == 1) || (found == 0 && members == 2));
    assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, &repaired),
                     LESSON_STORE_OK);
    assert_int_equal(repaired, found);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, &found, NULL), LESSON_STORE_OK);
    assert_int_equal(found, 0);
    assert_int_equal(lesson_store_where(store, "bob", NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_count_members(store, "algebra", &members), LESSON_STORE_OK);
    assert_int_equal(members, 2);
    lesson_store_close(store);
}

static void test_while_repairing(void **state) {
    assert_true(crash_walk(*state, make_damaged, repair, judge_repaired) > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, sqlite_files_make, sqlite_files_remove)
        TEST(test_kills),           TEST(test_half_a_batch_is_caught), TEST(test_while_making),
        TEST(test_while_upgrading), TEST(test_while_repairing),
#undef TEST
    };
    shim_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
