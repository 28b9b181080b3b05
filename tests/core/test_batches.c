/* How core handles batches: which operations reach the backend, and the codes of the others. */
#include "cmocka_all.h"
#include "spy.h"

static lesson_store *store;

static int open_store(void **state) {
    (void)state;
    spy_reset();
    return lesson_store_open_with(&store, &spy_backend, "spy:?pool=1");
}

static int close_store(void **state) {
    (void)state;
    lesson_store_close(store);
    return 0;
}

static lesson_store_operation where(const char *uid) {
    lesson_store_operation operation = {.kind = LESSON_STORE_OPERATION_WHERE};
    operation.uid = lesson_store_id_of(uid);
    return operation;
}

static lesson_store_operation create(const char *lesson_id) {
    lesson_store_operation operation = {.kind = LESSON_STORE_OPERATION_CREATE};
    operation.lesson_id = lesson_store_id_of(lesson_id);
    return operation;
}

static void a_zeroed_operation_does_nothing(void **state) {
    (void)state;
    lesson_store_operation operations[3] = {{.kind = LESSON_STORE_OPERATION_NONE}, where("u"), {.count = 0}};
    memset(&operations[2], 0, sizeof operations[2]);
    operations[0].code = operations[2].code = 7;
    assert_int_equal(lesson_store_batch(store, operations, 3), LESSON_STORE_OK);
    assert_int_equal(operations[0].code, LESSON_STORE_OK);
    assert_int_equal(operations[2].code, LESSON_STORE_OK);
    assert_int_equal(the_spy.runs, 1);
    assert_int_equal(the_spy.run_sizes[0], 1);
    operations[0].uid = lesson_store_id_of("u");
    assert_int_equal(lesson_store_batch(store, operations, 1), LESSON_STORE_OK);
    assert_int_equal(operations[0].code, LESSON_STORE_INVALID);
    assert_string_equal(lesson_store_message(), "none takes no uid");
}

static bool all_zero(const uint64_t *words, size_t count) {
    uint64_t used = 0;
    for (size_t i = 0; i < count; i++)
        used |= words[i];
    return used == 0;
}

static void what_is_reserved_in_an_answer_is_zero(void **state) {
    (void)state;
    lesson_store_operation operation;
    memset(&operation, 0, sizeof operation);
    operation.kind = LESSON_STORE_OPERATION_WHERE;
    operation.uid = lesson_store_id_of("u");
    operation.reserved_answer = 1;
    memset(operation.reserved_answers, 1, sizeof operation.reserved_answers);
    memset(&operation.lesson, 1, sizeof operation.lesson);
    assert_int_equal(lesson_store_batch(store, &operation, 1), LESSON_STORE_OK);
    assert_int_equal(operation.reserved_answer, 0);
    assert_true(all_zero(operation.reserved_answers, 8));
    assert_true(all_zero(operation.lesson.reserved, 8));
}

static void each_operation_has_its_own_message(void **state) {
    (void)state;
    char messages[4][64];
    memset(messages, 'x', sizeof messages);
    lesson_store_operation operations[4] = {where("a\tb"), where("u"), create(""), where("\xff")};
    for (size_t i = 0; i < 4; i++) {
        operations[i].message = messages[i];
        operations[i].message_size = sizeof messages[i];
    }
    operations[3].message_size = 8;
    assert_int_equal(lesson_store_batch(store, operations, 4), LESSON_STORE_OK);
    assert_string_equal(messages[0], "uid has the control byte 0x09 at offset 1");
    assert_string_equal(messages[1], "");
    assert_string_equal(messages[2], "lesson_id is empty");
    assert_string_equal(messages[3], "uid is ");
}

static void operations_that_fail_with_the_batch_have_its_message(void **state) {
    (void)state;
    char messages[2][64];
    the_spy.run_code = LESSON_STORE_BUSY;
    the_spy.leave_unanswered = true;
    lesson_store_operation operations[2] = {where("u"), create("l")};
    for (size_t i = 0; i < 2; i++) {
        operations[i].message = messages[i];
        operations[i].message_size = sizeof messages[i];
    }
    assert_int_equal(lesson_store_batch(store, operations, 2), LESSON_STORE_BUSY);
    assert_string_equal(messages[0], "the spy fails");
    assert_string_equal(messages[1], "the spy fails");
}

static void nothing_is_an_empty_batch(void **state) {
    (void)state;
    assert_int_equal(lesson_store_batch(store, NULL, 0), LESSON_STORE_OK);
    assert_int_equal(the_spy.runs, 0);
}

static void senseless_batches_are_invalid(void **state) {
    (void)state;
    lesson_store_operation operation = where("u");
    operation.code = 77;
    assert_int_equal(lesson_store_batch(NULL, &operation, 1), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_batch(store, NULL, 1), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_batch(store, &operation, LESSON_STORE_BATCH_MAX + 1), LESSON_STORE_INVALID);
    assert_int_equal(operation.code, 77);
    assert_int_equal(the_spy.runs, 0);
}

static void the_largest_batch_runs(void **state) {
    (void)state;
    lesson_store_operation *operations = test_calloc(LESSON_STORE_BATCH_MAX, sizeof *operations);
    for (size_t i = 0; i < LESSON_STORE_BATCH_MAX; i++)
        operations[i] = where("u");
    assert_int_equal(lesson_store_batch(store, operations, LESSON_STORE_BATCH_MAX), LESSON_STORE_OK);
    assert_int_equal(the_spy.run_sizes[0], LESSON_STORE_BATCH_MAX);
    test_free(operations);
}

static void an_invalid_operation_leaves_the_others_to_run(void **state) {
    (void)state;
    lesson_store_operation operations[] = {where("a"), where("b"), where(""), where("c"), where(NULL)};
    assert_int_equal(lesson_store_batch(store, operations, 5), LESSON_STORE_OK);
    assert_int_equal(operations[1].code, LESSON_STORE_OK);
    assert_int_equal(operations[2].code, LESSON_STORE_INVALID);
    assert_int_equal(operations[3].code, LESSON_STORE_OK);
    assert_int_equal(operations[4].code, LESSON_STORE_INVALID);
    assert_int_equal(the_spy.runs, 2);
    assert_int_equal(the_spy.run_sizes[0], 2);
    assert_int_equal(the_spy.run_sizes[1], 1);
}

static void a_batch_of_invalid_operations_does_not_run(void **state) {
    (void)state;
    lesson_store_operation operations[] = {where(""), where(NULL)};
    assert_int_equal(lesson_store_batch(store, operations, 2), LESSON_STORE_OK);
    assert_int_equal(the_spy.runs, 0);
}

static void an_unknown_outcome_is_one_of_writes_only(void **state) {
    (void)state;
    lesson_store_operation operations[] = {create("l"), where("u"), where(""), create("later")};
    the_spy.run_code = LESSON_STORE_UNKNOWN;
    the_spy.leave_unanswered = true;
    assert_int_equal(lesson_store_batch(store, operations, 4), LESSON_STORE_UNKNOWN);
    assert_int_equal(operations[0].code, LESSON_STORE_UNKNOWN);
    assert_int_equal(operations[1].code, LESSON_STORE_UNREACHABLE);
    assert_int_equal(operations[2].code, LESSON_STORE_INVALID);
    assert_int_equal(operations[3].code, LESSON_STORE_UNREACHABLE); /* it was never sent */
    assert_int_equal(the_spy.runs, 1);
}

static void answers_before_a_failure_are_kept(void **state) {
    (void)state;
    lesson_store_operation operation = where("u");
    the_spy.run_code = LESSON_STORE_BUSY; /* the spy answers OK first */
    assert_int_equal(lesson_store_batch(store, &operation, 1), LESSON_STORE_BUSY);
    assert_int_equal(operation.code, LESSON_STORE_OK);
}

static void a_forgotten_answer_is_a_failure(void **state) {
    (void)state;
    the_spy.leave_unanswered = true;
    assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_FAILED);
    assert_non_null(strstr(lesson_store_message(), "without an answer"));
}

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    return true;
}

static int page_code;

static int page_that_does_not_move(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                                   lesson_store_position *position, lesson_store_member_callback callback,
                                   void *context) {
    (void)instance, (void)lesson_id, (void)most, (void)position, (void)callback, (void)context;
    return page_code ? lesson_store_fail(page_code, "the page fails") : LESSON_STORE_OK;
}

/* A list whose pages do not move ends: with FAILED, or if the whole of it is malformed, with MALFORMED. */
static void a_page_that_does_not_move_ends_the_list(void **state) {
    (void)state;
    lesson_store_backend backend = spy_backend;
    lesson_store *still;
    lesson_store_cursor *cursor = NULL;
    const lesson_store_id *uids;
    size_t count;
    backend.members_page = page_that_does_not_move;
    assert_int_equal(lesson_store_open_with(&still, &backend, "spy:"), LESSON_STORE_OK);
    page_code = LESSON_STORE_OK;
    assert_int_equal(lesson_store_members_page(still, "l", 9, &cursor, &uids, &count), LESSON_STORE_FAILED);
    page_code = LESSON_STORE_MALFORMED;
    assert_int_equal(lesson_store_members_page(still, "l", 9, &cursor, &uids, &count), LESSON_STORE_MALFORMED);
    assert_string_equal(lesson_store_message(), "the page fails");
    assert_int_equal(lesson_store_members_page(still, "l", 9, &cursor, &uids, &count), LESSON_STORE_OK);
    assert_int_equal(count, 0);
    lesson_store_cursor_close(cursor);
    lesson_store_close(still);
}

static void an_answer_to_a_batch_is_a_failure(void **state) {
    (void)state;
    the_spy.run_code = LESSON_STORE_NOT_FOUND;
    the_spy.leave_unanswered = true;
    assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_FAILED);
    assert_non_null(strstr(lesson_store_message(), "NOT_FOUND"));
}

/* A message that is cut does not end within a character. */
static void a_cut_message_is_printable(void **state) {
    (void)state;
    char text[16], printable[16];
    lesson_store_operation operation = {.kind = LESSON_STORE_OPERATION_WHERE, .message = text};
    for (operation.message_size = 2; operation.message_size <= sizeof text; operation.message_size++) {
        lesson_store_fail(LESSON_STORE_FAILED, "\xc3\xa9\xc3\xa9\xe2\x82\xac\xc3\xa9\xe2\x82\xac\xc3\xa9 and so on");
        lesson_store_keep_message(&operation);
        memcpy(printable, text, sizeof text);
        lesson_store_make_printable(printable);
        assert_string_equal(text, printable);
    }
}

static void an_answer_to_a_stream_is_a_failure(void **state) {
    (void)state;
    the_spy.run_code = LESSON_STORE_NOT_FOUND;
    assert_int_equal(lesson_store_members(store, "l", ignore_member, NULL), LESSON_STORE_FAILED);
}

static void streams_want_their_arguments(void **state) {
    (void)state;
    uint64_t found = 0;
    assert_int_equal(lesson_store_members(store, "l", NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_members(store, "", ignore_member, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_members(NULL, "l", ignore_member, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_lessons(NULL, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_users(store, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_info(NULL, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_check(store, 0x80, NULL, NULL, &found, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, &found, NULL), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(the_spy.streams, 0);
}

static void assert_invalid(lesson_store_operation operation, const char *part_of_message) {
    assert_int_equal(lesson_store_batch(store, &operation, 1), LESSON_STORE_OK);
    assert_int_equal(operation.code, LESSON_STORE_INVALID);
    if (!strstr(lesson_store_message(), part_of_message))
        fail_msg("\"%s\" does not say \"%s\"", lesson_store_message(), part_of_message);
    assert_int_equal(the_spy.runs, 0);
}

static void every_argument_is_checked(void **state) {
    (void)state;
    lesson_store_operation operation = where("u");
    operation.kind = LESSON_STORE_OPERATION_BAN + 1;
    assert_invalid(operation, "kind 11");
    operation = where("u");
    operation.flags = LESSON_STORE_JOIN_STAY;
    assert_invalid(operation, "flag 0x10");
    operation = where("u");
    operation.lesson_id = lesson_store_id_of("l");
    assert_invalid(operation, "takes no lesson_id");
    operation = where("u");
    operation.given = LESSON_STORE_GIVEN_CHAT_STATUS;
    assert_invalid(operation, "does not take these bits of `given`");
    operation = where("u");
    operation.chat_status = 1;
    assert_invalid(operation, "chat_status is 1, but `given` does not include it");
    operation = where("u");
    operation.message_size = 8;
    assert_invalid(operation, "message_size");
    char text[] = "u";
    operation = where(text);
    operation.message = text;
    operation.message_size = sizeof text;
    assert_int_equal(lesson_store_batch(store, &operation, 1), LESSON_STORE_OK);
    assert_int_equal(operation.code, LESSON_STORE_INVALID);
    operation = where("u");
    operation.reserved[1] = 1;
    assert_invalid(operation, "reserved");
    lesson_store_place place = {.course_id = "c", .lesson_id = "l", .session = "s"};
    operation = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_QUIT};
    operation.uid = lesson_store_id_of("u");
    operation.session = lesson_store_id_of(place.session);
    operation.place = &place;
    assert_invalid(operation, "an id points into the place");
    operation = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
    operation.uid = lesson_store_id_of("u");
    operation.lesson_id = lesson_store_id_of("l");
    assert_invalid(operation, "course_id is missing");
    operation.course_id = lesson_store_id_of("c");
    operation.session = lesson_store_id_of("");
    assert_invalid(operation, "session is empty");
    operation = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_SET};
    operation.lesson_id = lesson_store_id_of("l");
    assert_invalid(operation, "nothing to set");
    operation.given = LESSON_STORE_GIVEN_IF_COURSE_STATUS;
    assert_invalid(operation, "nothing to set");
    operation.given = LESSON_STORE_GIVEN_COURSE_STATUS;
    operation.course_status = 4;
    assert_invalid(operation, "course_status 4");
    operation.course_status = 1;
    operation.given |= LESSON_STORE_GIVEN_CHAT_STATUS;
    operation.chat_status = 2;
    assert_invalid(operation, "chat_status 2");
    operation.chat_status = 1;
    operation.given |= LESSON_STORE_GIVEN_IF_COURSE_STATUS;
    operation.if_course_status = -2;
    assert_invalid(operation, "expected course_status -2");
    operation.if_course_status = 0;
    operation.given |= LESSON_STORE_GIVEN_IF_CHAT_STATUS;
    operation.if_chat_status = 9;
    assert_invalid(operation, "expected chat_status 9");
}

static void messages_name_the_byte(void **state) {
    (void)state;
    assert_int_equal(lesson_store_where(store, "a\tb", NULL), LESSON_STORE_INVALID);
    assert_string_equal(lesson_store_message(), "uid has the control byte 0x09 at offset 1");
    assert_int_equal(lesson_store_where(store, "a\xff", NULL), LESSON_STORE_INVALID);
    assert_string_equal(lesson_store_message(), "uid is not valid UTF-8");
}

static void what_a_backend_lacks_is_unsupported(void **state) {
    (void)state;
    lesson_store *poor;
    lesson_store_backend backend = spy_backend;
    backend.operations = LESSON_STORE_OPERATION_MASK_JOIN;
    backend.flags = LESSON_STORE_JOIN_STAY;
    the_spy.capabilities = LESSON_STORE_CAN_SHARE;
    assert_int_equal(lesson_store_open_with(&poor, &backend, "spy:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_where(poor, "u", NULL), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_join(poor, "u", "c", "l", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL),
                     LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_join(poor, "u", "c", "l", "s", 0, NULL), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(the_spy.runs, 0);
    assert_int_equal(lesson_store_join(poor, "u", "c", "l", NULL, LESSON_STORE_JOIN_STAY, NULL), LESSON_STORE_OK);
    lesson_store_close(poor);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_store, close_store)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_zeroed_operation_does_nothing),
        TEST(what_is_reserved_in_an_answer_is_zero),
        TEST(each_operation_has_its_own_message),
        TEST(operations_that_fail_with_the_batch_have_its_message),
        TEST(nothing_is_an_empty_batch),
        TEST(senseless_batches_are_invalid),
        TEST(the_largest_batch_runs),
        TEST(an_invalid_operation_leaves_the_others_to_run),
        TEST(a_batch_of_invalid_operations_does_not_run),
        TEST(an_unknown_outcome_is_one_of_writes_only),
        TEST(answers_before_a_failure_are_kept),
        TEST(a_forgotten_answer_is_a_failure),
        TEST(an_answer_to_a_stream_is_a_failure),
        TEST(an_answer_to_a_batch_is_a_failure),
        TEST(a_page_that_does_not_move_ends_the_list),
        TEST(a_cut_message_is_printable),
        TEST(streams_want_their_arguments),
        TEST(every_argument_is_checked),
        TEST(messages_name_the_byte),
        TEST(what_a_backend_lacks_is_unsupported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
