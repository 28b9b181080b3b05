/* What core itself decides about bans: arguments, and the place in the order of a join's flags. */
#include <stdio.h>

#include "cmocka_all.h"

#include <lessonstore/backend.h>

static void test_arguments(void **state) {
    lesson_store *store;
    (void)state;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_create(store, "l", 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_ban(store, "l", "u", 0), LESSON_STORE_INVALID);
    assert_string_equal(lesson_store_message(), "the ban of 0 ms is not between 1 and 2592000000 ms");
    assert_int_equal(lesson_store_ban(store, "l", "u", -1), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_kick(store, "l", "u", 0, NULL), LESSON_STORE_INVALID);
    assert_string_equal(lesson_store_message(), "the ban of 0 ms is not between 1 and 2592000000 ms");
    assert_int_equal(lesson_store_kick(store, "l", "u", LESSON_STORE_BAN_MAX_MS + 1, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_ban(store, "l", "u", LESSON_STORE_BAN_MAX_MS), LESSON_STORE_OK);
    assert_int_equal(lesson_store_ban(store, NULL, "u", 1), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_ban(store, "l", "", 1), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_unban(store, "l", NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_bans(store, "", NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_bans(store, "l", NULL, NULL), LESSON_STORE_INVALID);
    lesson_store_operation quit = {.kind = LESSON_STORE_OPERATION_QUIT, .uid = lesson_store_id_of("u"), .ban_ms = 1};
    assert_int_equal(lesson_store_batch(store, &quit, 1), LESSON_STORE_OK);
    assert_int_equal(quit.code, LESSON_STORE_INVALID);
    assert_string_equal(lesson_store_message(), "quit takes no ban_ms");
    lesson_store_close(store);
}

/* The user is named by the place that the kick writes to. */
static void test_place_of_a_kick(void **state) {
    lesson_store *store;
    lesson_store_place place = {.session = "ann"};
    (void)state;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_create(store, "l", 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "ann", "c", "l", "s", 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_kick(store, "unknown", place.session, 1000, &place), LESSON_STORE_NOT_FOUND);
    assert_string_equal(place.session, "ann");
    assert_int_equal(lesson_store_kick(store, "l", place.session, 1000, &place), LESSON_STORE_OK);
    assert_string_equal(place.lesson_id, "l");
    assert_string_equal(place.session, "s");
    assert_int_equal(lesson_store_kick(store, "l", "ann", 1000, &place), LESSON_STORE_OK);
    assert_string_equal(place.lesson_id, "");
    lesson_store_close(store);
}

/* A ban of a lesson without a record is none, whoever asks. */
static void test_rule(void **state) {
    const lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN,
                                         .flags = LESSON_STORE_JOIN_UNLESS_BANNED | LESSON_STORE_JOIN_IF_OPEN};
    lesson_store_lesson lesson = {.has_record = true, .course_status = LESSON_STORE_COURSE_OFFLINE};
    (void)state;
    assert_true(lesson_store_join_needs_lesson(&join));
    assert_int_equal(lesson_store_admit(&join, &lesson, LESSON_STORE_STANDING_MEMBER, true),
                     LESSON_STORE_JOIN_UNLESS_BANNED);
    assert_int_equal(lesson_store_admit(&join, &lesson, LESSON_STORE_STANDING_NOWHERE, false),
                     LESSON_STORE_JOIN_IF_OPEN);
    lesson.has_record = false;
    assert_int_equal(lesson_store_admit(&join, &lesson, LESSON_STORE_STANDING_NOWHERE, true),
                     LESSON_STORE_JOIN_IF_OPEN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_place_of_a_kick),
        cmocka_unit_test(test_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
