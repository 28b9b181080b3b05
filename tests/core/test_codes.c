/* Codes, names, texts, messages and words. */
#include <pthread.h>
#include <stdio.h>

#include <lessonstore/backend.h>

#include "cmocka_all.h"

static void every_code_has_a_name_and_a_text(void **state) {
    (void)state;
#define CHECK(name, value, text)                               \
    assert_int_equal(LESSON_STORE_##name, value);              \
    assert_string_equal(lesson_store_code_name(value), #name); \
    assert_string_equal(lesson_store_code_text(value), text);
    LESSON_STORE_CODE_MAP(CHECK)
#undef CHECK
    assert_string_equal(lesson_store_code_name(-1000), "?");
    assert_string_equal(lesson_store_code_text(1000), "unknown code");
}

static void answers_are_positive_and_failures_negative(void **state) {
    (void)state;
    const int answers[] = {LESSON_STORE_NOT_FOUND, LESSON_STORE_EXISTS, LESSON_STORE_REFUSED, LESSON_STORE_CONFLICT};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        assert_true(answers[i] > 0);
    assert_true(LESSON_STORE_INVALID < 0 && LESSON_STORE_UNKNOWN < 0 && LESSON_STORE_FAILED < 0);
}

static void a_message_is_one_line_without_control_bytes(void **state) {
    (void)state;
    assert_int_equal(lesson_store_fail(LESSON_STORE_BUSY, "a\nb\x1b[31m%sc", "\x7f"), LESSON_STORE_BUSY);
    assert_string_equal(lesson_store_message(), "a?b?[31m?c");
}

static void what_a_terminal_could_obey_is_masked(void **state) {
    (void)state;
    static const struct {
        const char *given;
        const char *shown;
    } texts[] = {
        {"\xc2\x9b", "??"},
        {"\xc2\xa0", "\xc2\xa0"},
        {"\x9b[31m", "?[31m"},
        {"\xc2\x80", "??"},
        {"\xc2\x9f", "??"},
        {"\xd8\x9c", "??"},
        {"\xe2\x80\x8e", "???"},
        {"\xe2\x80\x8f", "???"},
        {"\xe2\x80\xa8", "???"},
        {"\xe2\x80\xa9", "???"},
        {"\xe2\x80\xaa", "???"},
        {"\xe2\x80\xae", "???"},
        {"\xe2\x81\xa6", "???"},
        {"\xe2\x81\xa9", "???"},
        {"\xf3\xa0\x80\x80", "????"},
        {"\xf3\xa0\x81\xbf", "????"},
        {"\xd8\x9b", "\xd8\x9b"},
        {"\xd8\x9d", "\xd8\x9d"},
        {"\xe2\x80\x8d", "\xe2\x80\x8d"},
        {"\xe2\x80\x90", "\xe2\x80\x90"},
        {"\xe2\x80\xa7", "\xe2\x80\xa7"},
        {"\xe2\x80\xaf", "\xe2\x80\xaf"},
        {"\xe2\x81\xa5", "\xe2\x81\xa5"},
        {"\xe2\x81\xaa", "\xe2\x81\xaa"},
        {"\xf3\x9f\xbf\xbf", "\xf3\x9f\xbf\xbf"},
        {"\xf3\xa0\x82\x80", "\xf3\xa0\x82\x80"},
        {"\xf0\x9f\x8e\xb5", "\xf0\x9f\x8e\xb5"},
        {"\xe2\x80\x9c", "\xe2\x80\x9c"},
        {"\xe6\x95", "??"},
        {"\xe6\x95\xb0", "\xe6\x95\xb0"},
        {"a\xff"
         "b",
         "a?b"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[8];
        snprintf(text, sizeof text, "%s", texts[i].given);
        lesson_store_make_printable(text);
        assert_string_equal(text, texts[i].shown);
        lesson_store_fail(LESSON_STORE_FAILED, "%s", texts[i].given);
        assert_string_equal(lesson_store_message(), texts[i].shown);
    }
}

static void a_long_message_is_cut(void **state) {
    (void)state;
    char text[3 * LESSON_STORE_MESSAGE_SIZE];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    lesson_store_fail(LESSON_STORE_FAILED, "%s", text);
    assert_int_equal(strlen(lesson_store_message()), LESSON_STORE_MESSAGE_SIZE - 1);
}

static void a_message_can_be_made_of_the_last_one(void **state) {
    (void)state;
    lesson_store_fail(LESSON_STORE_FAILED, "inner");
    lesson_store_fail(LESSON_STORE_FAILED, "outer: %s", lesson_store_message());
    assert_string_equal(lesson_store_message(), "outer: inner");
}

static void *fail_elsewhere(void *context) {
    (void)context;
    lesson_store_fail(LESSON_STORE_FAILED, "other thread");
    return NULL;
}

static void each_thread_has_its_own_message(void **state) {
    (void)state;
    pthread_t thread;
    lesson_store_fail(LESSON_STORE_FAILED, "this thread");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, NULL);
    assert_string_equal(lesson_store_message(), "this thread");
}

static void words_and_statuses_match_both_ways(void **state) {
    (void)state;
    const char *const course[] = {"offline", "online", "cantjoinin", "waiting"};
    for (int status = 0; status <= LESSON_STORE_COURSE_WAITING; status++) {
        assert_string_equal(lesson_store_course_status_word(status), course[status]);
        assert_int_equal(lesson_store_course_status_of(course[status]), status);
    }
    assert_string_equal(lesson_store_chat_status_word(LESSON_STORE_CHAT_FREE), "free");
    assert_string_equal(lesson_store_chat_status_word(LESSON_STORE_CHAT_BANNED), "banned");
    assert_int_equal(lesson_store_chat_status_of("banned"), LESSON_STORE_CHAT_BANNED);
    assert_null(lesson_store_course_status_word(4));
    assert_null(lesson_store_chat_status_word(2));
    assert_null(lesson_store_course_status_word(LESSON_STORE_STATUS_NONE));
    assert_int_equal(lesson_store_course_status_of("Online"), LESSON_STORE_STATUS_NONE);
    assert_int_equal(lesson_store_course_status_of(NULL), LESSON_STORE_STATUS_NONE);
    assert_int_equal(lesson_store_chat_status_of(""), LESSON_STORE_STATUS_NONE);
}

static void findings_have_texts(void **state) {
    (void)state;
    for (int kind = 0; kind <= LESSON_STORE_FINDING_STALE_BANS; kind++)
        assert_string_not_equal(lesson_store_finding_text(kind), "?");
    assert_string_equal(lesson_store_finding_text(-1), "?");
    assert_string_equal(lesson_store_finding_text(LESSON_STORE_FINDING_STALE_BANS + 1), "?");
}

static void operations_have_words(void **state) {
    (void)state;
    assert_string_equal(lesson_store_operation_name(LESSON_STORE_OPERATION_NONE), "none");
    assert_string_equal(lesson_store_operation_name(LESSON_STORE_OPERATION_GET_LESSON), "get_lesson");
    assert_string_equal(lesson_store_operation_name(LESSON_STORE_OPERATION_COUNT_MEMBERS), "count_members");
    assert_string_equal(lesson_store_operation_name(LESSON_STORE_OPERATION_BAN + 1), "?");
}

static void the_version_is_that_of_the_header(void **state) {
    (void)state;
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", LESSON_STORE_VERSION_MAJOR, LESSON_STORE_VERSION_MINOR,
             LESSON_STORE_VERSION_PATCH);
    assert_string_equal(lesson_store_version(), version);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_a_name_and_a_text),
        cmocka_unit_test(answers_are_positive_and_failures_negative),
        cmocka_unit_test(a_message_is_one_line_without_control_bytes),
        cmocka_unit_test(what_a_terminal_could_obey_is_masked),
        cmocka_unit_test(a_long_message_is_cut),
        cmocka_unit_test(a_message_can_be_made_of_the_last_one),
        cmocka_unit_test(each_thread_has_its_own_message),
        cmocka_unit_test(words_and_statuses_match_both_ways),
        cmocka_unit_test(findings_have_texts),
        cmocka_unit_test(operations_have_words),
        cmocka_unit_test(the_version_is_that_of_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
