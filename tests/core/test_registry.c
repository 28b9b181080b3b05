/* Registering backends, and tables of other sizes than the current one. */
#include <stdio.h>

#include "cmocka_all.h"
#include "spy.h"

static void built_in_backends_come_first(void **state) {
    (void)state;
    const lesson_store_backend *backend = lesson_store_backend_at(0);
    assert_non_null(backend);
    assert_string_equal(backend->schemes, "memory");
    assert_null(lesson_store_backend_at(1000));
}

static void an_unknown_scheme_is_unsupported(void **state) {
    (void)state;
    lesson_store *store;
    assert_int_equal(lesson_store_open(&store, "nosuch:x"), LESSON_STORE_UNSUPPORTED);
    assert_null(store);
    assert_non_null(strstr(lesson_store_message(), "nosuch is not one of memory"));
    assert_int_equal(lesson_store_open(NULL, "memory:"), LESSON_STORE_INVALID);
}

static void a_registered_backend_is_opened_by_its_schemes(void **state) {
    (void)state;
    lesson_store *store;
    spy_reset();
    assert_int_equal(lesson_store_open(&store, "spy:"), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_register(&spy_backend), LESSON_STORE_OK);
    assert_int_equal(lesson_store_register(&spy_backend), LESSON_STORE_OK);
    assert_int_equal(lesson_store_open(&store, "spy:"), LESSON_STORE_OK);
    lesson_store_close(store);
    assert_int_equal(lesson_store_open(&store, "spy+unix:/x"), LESSON_STORE_OK);
    lesson_store_close(store);
    assert_int_equal(lesson_store_open(&store, "spy+uni:/x"), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(the_spy.closes, 2);
}

static void a_taken_scheme_is_refused(void **state) {
    (void)state;
    lesson_store_backend other = spy_backend;
    other.schemes = "fresh|memory";
    assert_int_equal(lesson_store_register(&other), LESSON_STORE_EXISTS);
    assert_non_null(strstr(lesson_store_message(), "memory"));
}

static void open_with_asks_for_the_backends_own_scheme(void **state) {
    (void)state;
    lesson_store *store;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "memory:"), LESSON_STORE_UNSUPPORTED);
    assert_string_equal(lesson_store_message(), "location: the scheme memory is not one of spy|spy+unix|spy+list");
    assert_null(store);
}

static void incomplete_tables_are_refused(void **state) {
    (void)state;
    lesson_store_backend table = spy_backend;
    assert_int_equal(lesson_store_register(NULL), LESSON_STORE_INVALID);
    table.size = 0; /* a table of "version 0" */
    assert_int_equal(lesson_store_register(&table), LESSON_STORE_INVALID);
    table = spy_backend;
    table.run = NULL;
    assert_int_equal(lesson_store_register(&table), LESSON_STORE_INVALID);
    table = spy_backend;
    table.reserved = 1;
    assert_int_equal(lesson_store_register(&table), LESSON_STORE_INVALID);
    table = spy_backend;
    table.default_pool = LESSON_STORE_POOL_MAX + 1;
    assert_int_equal(lesson_store_register(&table), LESSON_STORE_INVALID);
    table.default_pool = -1;
    assert_int_equal(lesson_store_register(&table), LESSON_STORE_INVALID);
    const char *const schemes[] = {"", "Upper", "a||b", "a|", "|a", "1a", "a b", "a:", "a|a", "a+|a+x"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        table = spy_backend;
        table.schemes = schemes[i];
        assert_int_equal(lesson_store_register(&table), LESSON_STORE_INVALID);
    }
}

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    return true;
}

/* Yesterday's backend: its table ends after `run`, and the memory behind it belongs to something else. */
static void a_smaller_table_lacks_what_came_later(void **state) {
    (void)state;
    lesson_store *store;
    lesson_store_backend old = spy_backend;
    spy_reset();
    old.size = offsetof(lesson_store_backend, run) + sizeof old.run;
    assert_int_equal(lesson_store_open_with(&store, &old, "spy:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_where(store, "u", NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_members(store, "l", ignore_member, NULL), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(the_spy.streams, 0);
    lesson_store_close(store);
}

static void reserved_words_must_be_zero(void **state) {
    (void)state;
    const lesson_store_option odd_flag[] = {{.name = "odd", .flags = 1u << 31}, {.name = NULL}};
    const lesson_store_option odd_word[] = {{.name = "odd", .reserved_words = {0, 0, 1}}, {.name = NULL}};
    lesson_store_backend backend = spy_backend;
    lesson_store *store;
    spy_reset();
    the_spy.leave_reserved = true;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "spy:"), LESSON_STORE_FAILED);
    assert_null(store);
    assert_int_equal(the_spy.closes, 1);
    spy_reset();
    backend.options = odd_flag;
    assert_int_equal(lesson_store_open_with(&store, &backend, "spy:"), LESSON_STORE_INVALID);
    backend.options = odd_word;
    assert_int_equal(lesson_store_open_with(&store, &backend, "spy:"), LESSON_STORE_INVALID);
    assert_int_equal(the_spy.opens, 0);
}

struct found_exceptions {
    int yes;
    int no;
};

static bool count_exceptions(const char *name, const char *value, void *context) {
    struct found_exceptions *found = context;
    if (strncmp(name, "except_", strlen("except_")) == 0) {
        found->yes += strcmp(value, "yes") == 0;
        found->no += strcmp(value, "no") == 0;
    }
    return true;
}

static void expect_exceptions(const char *location, uint64_t exceptions, struct found_exceptions expected) {
    lesson_store *store;
    lesson_store_abilities abilities = LESSON_STORE_ABILITIES_INIT;
    struct found_exceptions found = {0, 0};
    spy_reset();
    the_spy.exceptions = exceptions;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, location), LESSON_STORE_OK);
    assert_int_equal(lesson_store_read_abilities(store, &abilities), LESSON_STORE_OK);
    assert_int_equal(abilities.exceptions, exceptions);
    assert_int_equal(lesson_store_info(store, count_exceptions, &found), LESSON_STORE_OK);
    assert_int_equal(found.yes, expected.yes);
    assert_int_equal(found.no, expected.no);
    lesson_store_close(store);
}

static void exceptions_are_those_of_the_first_instance(void **state) {
    (void)state;
    const uint64_t all = LESSON_STORE_EXCEPTIONS_0_2;
    expect_exceptions("spy:", 0, (struct found_exceptions){0, 3});
    expect_exceptions("spy:", LESSON_STORE_EXCEPT_ADMISSION, (struct found_exceptions){1, 2});
    expect_exceptions("spy:", all, (struct found_exceptions){3, 0});
    expect_exceptions("fault+spy:", all, (struct found_exceptions){3, 0});
}

static void unknown_exceptions_are_refused(void **state) {
    (void)state;
    lesson_store *store;
    spy_reset();
    the_spy.exceptions = LESSON_STORE_EXCEPTIONS_0_2 + 1;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "spy:"), LESSON_STORE_FAILED);
    assert_null(store);
    assert_int_equal(the_spy.closes, 1);
}

static int open_nothing(lesson_store_instance **out, const lesson_store_location *location) {
    (void)location;
    *out = NULL;
    return LESSON_STORE_OK;
}

static int open_beneath_nothing(lesson_store_instance **out, const lesson_store_location *location) {
    return lesson_store_open_beneath(out, location, NULL);
}

/* What a backend returns against backend.h becomes FAILED, and its `*out` after a failure is not used. */
static void wrong_opens_fail(void **state) {
    (void)state;
    lesson_store_backend backend = spy_backend;
    lesson_store *store;
    backend.open = open_nothing;
    assert_int_equal(lesson_store_open_with(&store, &backend, "spy:"), LESSON_STORE_FAILED);
    backend.open = open_beneath_nothing;
    assert_int_equal(lesson_store_open_with(&store, &backend, "spy:"), LESSON_STORE_INVALID);
    spy_reset();
    the_spy.open_code = LESSON_STORE_EXISTS;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "spy:"), LESSON_STORE_FAILED);
    assert_null(store);
}

/* Tomorrow's backend: its table is larger than core knows, and core cannot call the members beyond. */
static void a_larger_table_must_not_use_what_is_unknown(void **state) {
    (void)state;
    struct {
        lesson_store_backend known;
        void *unknown;
    } table = {spy_backend, &table};
    lesson_store *store;
    spy_reset();
    table.known.size = sizeof table;
    assert_int_equal(lesson_store_open_with(&store, &table.known, "spy:"), LESSON_STORE_INVALID);
    table.unknown = NULL;
    assert_int_equal(lesson_store_open_with(&store, &table.known, "spy:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_members(store, "l", ignore_member, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* The last test, because a backend cannot be removed. */
static void there_is_an_end_to_the_list(void **state) {
    (void)state;
    enum { MORE_THAN_ENOUGH = 100 };
    static lesson_store_backend backends[MORE_THAN_ENOUGH];
    static char schemes[MORE_THAN_ENOUGH][8];
    int code = LESSON_STORE_OK;
    size_t count = 0;
    for (; !code && count < MORE_THAN_ENOUGH; count++) {
        snprintf(schemes[count], sizeof schemes[count], "more%zu", count);
        backends[count] = spy_backend;
        backends[count].schemes = schemes[count];
        code = lesson_store_register(&backends[count]);
    }
    assert_int_equal(code, LESSON_STORE_FULL);
    lesson_store *store;
    assert_int_equal(lesson_store_open(&store, "more0:"), LESSON_STORE_OK);
    lesson_store_close(store);
}

/* Members may only be appended. Backends that are already compiled depend on these offsets. */
_Static_assert(offsetof(lesson_store_backend, size) == 0, "size comes first");
_Static_assert(offsetof(lesson_store_backend, schemes) == 8, "place of schemes");
_Static_assert(offsetof(lesson_store_backend, operations) == 24, "place of operations");
_Static_assert(offsetof(lesson_store_backend, options) == 40, "place of options");
_Static_assert(offsetof(lesson_store_backend, open) == 56, "place of open");
_Static_assert(offsetof(lesson_store_backend, run) == 72, "place of run");
_Static_assert(offsetof(lesson_store_backend, info) == 112, "place of info");

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_in_backends_come_first),
        cmocka_unit_test(an_unknown_scheme_is_unsupported),
        cmocka_unit_test(a_registered_backend_is_opened_by_its_schemes),
        cmocka_unit_test(a_taken_scheme_is_refused),
        cmocka_unit_test(open_with_asks_for_the_backends_own_scheme),
        cmocka_unit_test(incomplete_tables_are_refused),
        cmocka_unit_test(a_smaller_table_lacks_what_came_later),
        cmocka_unit_test(reserved_words_must_be_zero),
        cmocka_unit_test(exceptions_are_those_of_the_first_instance),
        cmocka_unit_test(unknown_exceptions_are_refused),
        cmocka_unit_test(wrong_opens_fail),
        cmocka_unit_test(a_larger_table_must_not_use_what_is_unknown),
        cmocka_unit_test(there_is_an_end_to_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
