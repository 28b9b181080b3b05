/* A backend that chooses, for each location, the backend that opens it. */
#include "cmocka_all.h"
#include "spy.h"

/* The chooser opens nothing itself, unless it chooses itself. */
static struct {
    const lesson_store_backend *out;
    int code;
    int calls;
    int opens_before;
    int64_t number;
    bool has_first;
} choice;

static int choose(const lesson_store_backend **out, const lesson_store_location *location) {
    choice.calls++;
    choice.opens_before = the_spy.opens;
    choice.number = lesson_store_location_number(location, "number");
    choice.has_first = lesson_store_location_first(location);
    *out = choice.out;
    return choice.code < 0 ? lesson_store_fail(choice.code, "nobody can say") : choice.code;
}

static lesson_store_backend chooser, chosen;

static int set_up(void **state) {
    (void)state;
    spy_reset();
    chooser = spy_backend;
    chooser.summary = "the one that chooses";
    chooser.choose = choose;
    chosen = spy_backend;
    chosen.summary = "the one that was chosen";
    chosen.members = NULL;
    memset(&choice, 0, sizeof choice);
    choice.out = &chosen;
    return 0;
}

static bool find_backend(const char *name, const char *value, void *context) {
    const char **found = context;
    if (strcmp(name, "backend") == 0)
        *found = value;
    return true;
}

static void expect_backend(lesson_store *store, const lesson_store_backend *backend) {
    const char *found = "";
    assert_int_equal(lesson_store_info(store, find_backend, &found), LESSON_STORE_OK);
    assert_string_equal(found, backend->summary);
}

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    return true;
}

static void the_chosen_one_opens_the_location(void **state) {
    (void)state;
    lesson_store *store;
    assert_int_equal(lesson_store_open_with(&store, &chooser, "spy:?number=7"), LESSON_STORE_OK);
    assert_int_equal(choice.calls, 1);
    assert_int_equal(choice.opens_before, 0);
    assert_int_equal(choice.number, 7);
    assert_false(choice.has_first);
    expect_backend(store, &chosen);
    assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_members(store, "l", ignore_member, NULL), LESSON_STORE_UNSUPPORTED);
    assert_non_null(lesson_store_first_instance(store, &chosen));
    assert_null(lesson_store_first_instance(store, &chooser));
    lesson_store_close(store);
    assert_int_equal(the_spy.closes, 1);
}

static void it_may_choose_itself(void **state) {
    (void)state;
    lesson_store *store;
    choice.out = &chooser;
    assert_int_equal(lesson_store_open_with(&store, &chooser, "spy:"), LESSON_STORE_OK);
    expect_backend(store, &chooser);
    assert_int_equal(lesson_store_members(store, "l", ignore_member, NULL), LESSON_STORE_OK);
    assert_non_null(lesson_store_first_instance(store, &chooser));
    lesson_store_close(store);
}

static void the_chosen_one_is_not_asked(void **state) {
    (void)state;
    lesson_store *store;
    chosen.choose = choose;
    assert_int_equal(lesson_store_open_with(&store, &chooser, "spy:"), LESSON_STORE_OK);
    assert_int_equal(choice.calls, 1);
    lesson_store_close(store);
}

static void it_is_asked_also_beneath_a_prefix(void **state) {
    (void)state;
    lesson_store *store;
    assert_int_equal(lesson_store_open_with(&store, &chooser, "fault+spy:?number=7"), LESSON_STORE_OK);
    assert_int_equal(choice.calls, 1);
    assert_int_equal(choice.number, 7);
    expect_backend(store, &chosen);
    assert_int_equal(lesson_store_members(store, "l", ignore_member, NULL), LESSON_STORE_UNSUPPORTED);
    lesson_store_close(store);
    choice.code = LESSON_STORE_UNREACHABLE;
    assert_int_equal(lesson_store_open_with(&store, &chooser, "fault+spy:"), LESSON_STORE_UNREACHABLE);
    assert_null(store);
}

static void options_are_checked_first(void **state) {
    (void)state;
    lesson_store *store;
    assert_int_equal(lesson_store_open_with(&store, &chooser, "spy:?number=70"), LESSON_STORE_INVALID);
    assert_int_equal(choice.calls, 0);
    chosen.options = NULL; /* it does not take the same ones */
    assert_int_equal(lesson_store_open_with(&store, &chooser, "spy:?number=7"), LESSON_STORE_INVALID);
    assert_int_equal(the_spy.opens, 0);
}

static void its_failure_is_that_of_the_opening(void **state) {
    (void)state;
    lesson_store *store;
    choice.code = LESSON_STORE_UNREACHABLE;
    assert_int_equal(lesson_store_open_with(&store, &chooser, "spy:"), LESSON_STORE_UNREACHABLE);
    assert_string_equal(lesson_store_message(), "nobody can say");
    assert_null(store);
    assert_int_equal(the_spy.opens, 0);
}

static void expect_wrong(const char *part_of_message) {
    lesson_store *store;
    assert_int_equal(lesson_store_open_with(&store, &chooser, "spy:"), LESSON_STORE_FAILED);
    assert_non_null(strstr(lesson_store_message(), part_of_message));
    assert_null(store);
    assert_int_equal(the_spy.opens, 0);
}

static void wrong_choices_fail(void **state) {
    (void)state;
    chosen.run = NULL;
    expect_wrong("lacks a scheme, open, close or run");
    chosen.run = spy_backend.run;
    chosen.schemes = "other";
    expect_wrong("a backend of other schemes");
    choice.out = NULL;
    expect_wrong("no backend");
    choice.out = &chooser;
    choice.code = LESSON_STORE_EXISTS;
    expect_wrong("EXISTS");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_chosen_one_opens_the_location, set_up),
        cmocka_unit_test_setup(it_may_choose_itself, set_up),
        cmocka_unit_test_setup(the_chosen_one_is_not_asked, set_up),
        cmocka_unit_test_setup(it_is_asked_also_beneath_a_prefix, set_up),
        cmocka_unit_test_setup(options_are_checked_first, set_up),
        cmocka_unit_test_setup(its_failure_is_that_of_the_opening, set_up),
        cmocka_unit_test_setup(wrong_choices_fail, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
