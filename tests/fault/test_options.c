/* Faults set by the options of a location: what is understood, what is refused, and which calls are struck. */
#include <stdio.h>

#include "cmocka_all.h"
#include "spy.h"
#include <lessonstore/fault.h>

static lesson_store *open_at(const char *location) {
    lesson_store *store;
    if (lesson_store_open(&store, location) != LESSON_STORE_OK)
        fail_msg("%s: %s", location, lesson_store_message());
    return store;
}

static void assert_refused(const char *location, int code, const char *part_of_message) {
    lesson_store *store;
    assert_int_equal(lesson_store_open(&store, location), code);
    assert_null(store);
    if (!strstr(lesson_store_message(), part_of_message))
        fail_msg("%s: \"%s\" does not say \"%s\"", location, lesson_store_message(), part_of_message);
}

static void wrong_locations_say_what_is_wrong(void **state) {
    (void)state;
    assert_refused("fault+:", LESSON_STORE_INVALID, "no scheme follows fault+");
    assert_refused("fault+", LESSON_STORE_INVALID, "scheme");
    assert_refused("fault+1:", LESSON_STORE_INVALID, "no scheme follows fault+");
    assert_refused("fault:memory:", LESSON_STORE_UNSUPPORTED, "the scheme fault ");
    assert_refused("fault+nosuch:", LESSON_STORE_UNSUPPORTED, "the scheme nosuch is not one of");
    assert_refused("fault+fault+memory:", LESSON_STORE_INVALID, "twice");
    assert_refused("memory:?fault_code=full", LESSON_STORE_INVALID, "takes no option \"fault_code\"");
    assert_refused("fault+memory:?fault_code=invalid", LESSON_STORE_INVALID, "not one of none|unreachable|");
    assert_refused("fault+memory:?fault_code=UNREACHABLE", LESSON_STORE_INVALID, "not one of");
    assert_refused("fault+memory:?fault_at=0", LESSON_STORE_INVALID, "from 1 to");
    assert_refused("fault+memory:?fault_one_in=0", LESSON_STORE_INVALID, "from 1 to");
    assert_refused("fault+memory:?fault_delay_ms=600001", LESSON_STORE_INVALID, "from 0 to 600000");
    assert_refused("fault+memory:?fault_at=3", LESSON_STORE_INVALID, "neither a code nor a delay");
    assert_refused("fault+memory:?fault_code=full&fault_on=joins", LESSON_STORE_INVALID,
                   "\"joins\" is not a kind of call, such as create,end,");
    assert_refused("fault+memory:?fault_code=full&fault_on=", LESSON_STORE_INVALID, "\"\" is not a kind of call");
    assert_refused("fault+memory:?fault_code=full&fault_on=join,", LESSON_STORE_INVALID, "\"\" is not a kind of call");
    assert_refused("fault+memory:?fault_code=full&fault_scope=all", LESSON_STORE_INVALID,
                   "default|operation|rest|batch");
    assert_refused("fault+memory:?fault_code=full&fault_moment=after", LESSON_STORE_INVALID, "only UNKNOWN");
    assert_refused("fault+memory:?fault_code=unreachable&fault_scope=operation", LESSON_STORE_INVALID,
                   "cannot strike one operation alone");
    assert_refused("fault+memory:?fault_code=unknown&fault_scope=operation", LESSON_STORE_INVALID,
                   "cannot strike one operation alone");
    assert_refused("fault+memory:?fault_code=full&fault_on=where", LESSON_STORE_INVALID, "only calls that write");
    assert_refused("fault+memory:?fault_code=read_only&fault_on=get_lesson,count_members,members,lessons,users",
                   LESSON_STORE_INVALID, "only calls that write");
    assert_refused("fault+memory:?pool=2", LESSON_STORE_INVALID, "pool can only be 1");
    assert_refused("fault+memory:x", LESSON_STORE_INVALID, "only options may follow memory:");
}

static void a_scheme_cannot_begin_like_a_fault(void **state) {
    (void)state;
    lesson_store_backend backend = spy_backend;
    backend.schemes = "other|fault+other";
    assert_int_equal(lesson_store_register(&backend), LESSON_STORE_INVALID);
    assert_non_null(strstr(lesson_store_message(), "a registered prefix exclude each other"));
}

static int where(lesson_store *store) {
    return lesson_store_where(store, "ann", NULL);
}

static int join(lesson_store *store) {
    return lesson_store_join(store, "ann", "algebra", "algebra-7", NULL, 0, NULL);
}

/* The calls as a row of letters: "." passed, "F" failed. */
static void assert_pattern(const char *location, const char *expected) {
    char pattern[64] = "";
    lesson_store *store = open_at(location);
    for (size_t i = 0; i < strlen(expected); i++)
        pattern[i] = where(store) < 0 ? 'F' : '.';
    lesson_store_close(store);
    assert_string_equal(pattern, expected);
}

static void at_and_times_say_which(void **state) {
    (void)state;
    assert_pattern("fault+memory:", "......");
    assert_pattern("fault+memory:?fault_code=none&fault_delay_ms=1", "...");
    assert_pattern("fault+memory:?fault_code=unreachable", "FFFFFF");
    assert_pattern("fault+memory:?fault_code=unreachable&fault_at=3", "..FFFF");
    assert_pattern("fault+memory:?fault_code=unreachable&fault_at=3&fault_times=1", "..F...");
    assert_pattern("fault+memory:?fault_code=unreachable&fault_times=2", "FF....");
}

static void chance_is_the_same_for_the_same_seed(void **state) {
    (void)state;
    enum { CALLS = 4000 };
    static char rows[3][CALLS];
    const int seeds[] = {7, 7, 8};
    int struck = 0;
    for (int i = 0; i < 3; i++) {
        char location[128];
        snprintf(location, sizeof location, "fault+memory:?fault_code=busy&fault_one_in=4&fault_seed=%d", seeds[i]);
        lesson_store *store = open_at(location);
        for (int call = 0; call < CALLS; call++) {
            rows[i][call] = where(store) == LESSON_STORE_BUSY;
            struck += rows[i][call];
        }
        lesson_store_close(store);
    }
    assert_memory_equal(rows[0], rows[1], CALLS);
    assert_true(memcmp(rows[0], rows[2], CALLS) != 0);
    assert_in_range(struck, 3 * CALLS / 4 - 300, 3 * CALLS / 4 + 300); /* six standard deviations */
}

static void only_times_of_them_by_chance_too(void **state) {
    (void)state;
    lesson_store *store = open_at("fault+memory:?fault_code=busy&fault_one_in=3&fault_times=5&fault_at=10");
    int failed = 0;
    for (int i = 1; i <= 1000; i++) {
        bool struck = where(store) == LESSON_STORE_BUSY;
        assert_false(struck && i < 10);
        failed += struck;
    }
    assert_int_equal(failed, 5);
    lesson_store_close(store);
}

/* ---- Kinds */

static bool take_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    return true;
}

static bool take_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson;
    (void)context;
    return true;
}

static bool take_user(const lesson_store_user *user, void *context) {
    (void)user;
    (void)context;
    return true;
}

static bool take_fact(const char *name, const char *value, void *context) {
    (void)name;
    (void)value;
    (void)context;
    return true;
}

static int call_kind(lesson_store *store, size_t kind) {
    switch (kind) {
    case 0:
        return lesson_store_create(store, "algebra-7", 0);
    case 1:
        return lesson_store_end(store, "algebra-7", 0, NULL);
    case 2:
        return lesson_store_set_chat_status(store, "algebra-7", 1);
    case 3:
        return lesson_store_get_lesson(store, "algebra-7", NULL);
    case 4:
        return join(store);
    case 5:
        return lesson_store_quit(store, "ann", NULL, NULL, NULL);
    case 6:
        return where(store);
    case 7:
        return lesson_store_count_members(store, "algebra-7", NULL);
    case 8:
        return lesson_store_members(store, "algebra-7", take_member, NULL);
    case 9:
        return lesson_store_lessons(store, take_lesson, NULL);
    case 10:
        return lesson_store_users(store, take_user, NULL);
    case 11:
        return lesson_store_check(store, 0, NULL, NULL, NULL, NULL);
    default:
        return lesson_store_info(store, take_fact, NULL);
    }
}

static void each_kind_is_watched_by_its_name(void **state) {
    (void)state;
    static const char *const names[] = {
        "create",  "end",   "set",   "get_lesson",       "join",       "quit", "where", "count_members", "members",
        "lessons", "users", "check", "join,where,users", "operations", "calls"};
    enum { NAMES = sizeof names / sizeof *names, KINDS = 13 };
    for (size_t i = 0; i < NAMES; i++) {
        char location[128];
        snprintf(location, sizeof location, "fault+memory:?fault_code=failed&fault_on=%s", names[i]);
        lesson_store *store = open_at(location);
        for (size_t kind = 0; kind < KINDS; kind++) {
            bool watched = i == kind || (i == 12 && (kind == 4 || kind == 6 || kind == 10)) || (i == 13 && kind < 8) ||
                           (i == 14 && kind < 12);
            if (kind == 12)
                watched = false; /* info */
            int code = call_kind(store, kind);
            if ((code == LESSON_STORE_FAILED) != watched || (code < 0 && !watched))
                fail_msg("fault_on=%s, kind %zu: %s", names[i], kind, lesson_store_code_name(code));
        }
        lesson_store_close(store);
    }
}

static void what_reads_is_spared_where_only_writing_can_fail(void **state) {
    (void)state;
    static const char *const names[] = {"read_only", "full"};
    static const int codes[] = {LESSON_STORE_READ_ONLY, LESSON_STORE_FULL};
    for (size_t i = 0; i < 2; i++) {
        char location[128];
        snprintf(location, sizeof location, "fault+memory:?fault_code=%s", names[i]);
        lesson_store *store = open_at(location);
        for (size_t kind = 0; kind < 12; kind++) {
            bool writes = kind < 3 || kind == 4 || kind == 5;
            int code = call_kind(store, kind);
            if (writes)
                assert_int_equal(code, codes[i]);
            else
                assert_true(code >= 0);
        }
        assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), codes[i]);
        lesson_store_close(store);
    }
}

/* Otherwise the program under test would seem to survive the fault. */
static void what_can_strike_nothing_is_refused(void **state) {
    (void)state;
    static const int codes[] = {LESSON_STORE_READ_ONLY, LESSON_STORE_FULL};
    lesson_store *store = open_at("fault+memory:");
    for (unsigned bit = 1; bit <= 36; bit = bit == 8 ? 32 : bit + 1) {
        bool can_write = bit <= 3 || bit == 5 || bit == 6 || bit >= 35;
        for (size_t i = 0; i < 2; i++) {
            lesson_store_fault fault = LESSON_STORE_FAULT_INIT(codes[i]);
            fault.on = UINT64_C(1) << bit;
            if (lesson_store_fault_set(store, &fault) != (can_write ? LESSON_STORE_OK : LESSON_STORE_INVALID))
                fail_msg("%s, bit %u", lesson_store_code_name(codes[i]), bit);
        }
    }
    lesson_store_close(store);
}

/* ---- What info and messages report */

struct fact {
    const char *name;
    char value[512];
};

static bool keep_fact(const char *name, const char *value, void *context) {
    struct fact *wanted = context;
    if (strcmp(name, wanted->name) == 0)
        snprintf(wanted->value, sizeof wanted->value, "%s", value);
    return true;
}

static void assert_fact(lesson_store *store, const char *name, const char *expected) {
    struct fact wanted = {.name = name, .value = "(missing)"};
    assert_int_equal(lesson_store_info(store, keep_fact, &wanted), LESSON_STORE_OK);
    assert_string_equal(wanted.value, expected);
}

static void info_names_the_fault_and_the_backend(void **state) {
    (void)state;
    lesson_store *store = open_at("fault+memory:");
    assert_fact(store, "location", "fault+memory:");
    assert_fact(store, "scheme", "memory");
    assert_fact(store, "fault", "none");
    assert_fact(store, "faults_struck", "0");
    assert_fact(store, "users", "0"); /* the memory backend's own */
    assert_fact(store, "can_keep_sessions", "yes");
    assert_fact(store, "can_share", "no");
    lesson_store_close(store);

    store =
        open_at("fault+memory:?fault_code=unknown&fault_on=quit,join,open&fault_moment=after&fault_at=2&fault_times=3&"
                "fault_one_in=4&fault_seed=5&fault_delay_ms=6");
    assert_fact(
        store, "fault",
        "UNKNOWN on join,quit,open at 2, times 3, one in 4 of seed 5, scope rest, after it was applied, after 6 ms");
    lesson_store_close(store);
    store = open_at("fault+memory:?fault_code=full&fault_scope=batch&fault_on=calls,open&fault_at=2&fault_items=9");
    assert_fact(store, "fault",
                "FULL on "
                "create,end,set,get_lesson,join,quit,where,count_members,hold,ban,members,lessons,users,check,sweep,"
                "owners,bans,"
                "open at 2, scope "
                "batch, items 9");
    lesson_store_close(store);
    store = open_at("fault+memory:?fault_delay_ms=1&fault_times=1");
    assert_fact(store, "fault", "delay on calls at 1, times 1, after 1 ms");
    assert_int_equal(where(store), LESSON_STORE_NOT_FOUND);
    assert_fact(store, "faults_struck", "1");
    lesson_store_close(store);
}

static bool find_password(const char *name, const char *value, void *context) {
    (void)name;
    if (strstr(value, "hunter2"))
        *(bool *)context = true;
    return true;
}

/* The backend behind also receives the location that it would have without faults. */
static void the_backend_beneath_sees_its_own_location(void **state) {
    (void)state;
    lesson_store *store;
    bool shown = false;
    spy_reset();
    const char *location = "fault+spy+unix://ann:hunter2@/run/x?number=7&fault_code=failed&fault_on=where";
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, location), LESSON_STORE_OK);
    assert_string_equal(the_spy.user, "ann");
    assert_string_equal(the_spy.password, "hunter2");
    assert_string_equal(the_spy.path, "/run/x");
    assert_int_equal(the_spy.number, 7);
    assert_string_equal(the_spy.shown, "fault+spy+unix://ann:***@/run/x?number=7&fault_code=failed&fault_on=where");
    assert_int_equal(where(store), LESSON_STORE_FAILED);
    assert_null(strstr(lesson_store_message(), "hunter2"));
    assert_non_null(strstr(lesson_store_message(), "made on purpose"));
    assert_int_equal(lesson_store_info(store, find_password, &shown), LESSON_STORE_OK);
    assert_false(shown);
    lesson_store_close(store);
    assert_int_equal(the_spy.closes, the_spy.opens);
}

/* What the backend lacks is also missing through the prefix, and what this version does not know does not pass. */
static void nothing_is_added_and_nothing_unknown_let_through(void **state) {
    (void)state;
    lesson_store *store;
    lesson_store_backend backend = spy_backend;
    backend.operations = (LESSON_STORE_OPERATIONS_0_1 | UINT64_C(1) << 20) & ~(uint64_t)LESSON_STORE_OPERATION_MASK_END;
    backend.flags &= ~(uint32_t)LESSON_STORE_JOIN_STAY;
    spy_reset();
    the_spy.capabilities = LESSON_STORE_CAN_SHARE | (1u << 30);
    assert_int_equal(lesson_store_open_with(&store, &backend, "fault+spy:"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_end(store, "l", 0, NULL), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_join(store, "u", "c", "l", NULL, LESSON_STORE_JOIN_STAY, NULL),
                     LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_join(store, "u", "c", "l", "s", 0, NULL), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_lessons(store, take_lesson, NULL), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, NULL, NULL), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_members(store, "l", take_member, NULL), LESSON_STORE_OK);
    lesson_store_operation operation = {.kind = LESSON_STORE_OPERATION_COUNT_MEMBERS};
    operation.kind = 20;
    operation.lesson_id = lesson_store_id_of("l");
    assert_int_equal(lesson_store_batch(store, &operation, 1), LESSON_STORE_OK);
    assert_int_equal(operation.code, LESSON_STORE_INVALID);
    lesson_store_close(store);
}

/* ---- The calls that set faults */

static int set(lesson_store *store, lesson_store_fault fault) {
    return lesson_store_fault_set(store, &fault);
}

static void wrong_faults_are_refused(void **state) {
    (void)state;
    lesson_store *store = open_at("fault+memory:?fault_code=busy");
    const lesson_store_fault good = LESSON_STORE_FAULT_INIT(LESSON_STORE_UNKNOWN);
    lesson_store_fault bad[9];
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].size--;
    bad[1].code = LESSON_STORE_INVALID;
    bad[2].code = LESSON_STORE_NOT_FOUND;
    bad[3].on = UINT64_C(1) << 41;
    bad[4].scope = 4;
    bad[5].scope = LESSON_STORE_FAULT_SCOPE_OPERATION;
    bad[6].code = LESSON_STORE_FULL;
    bad[6].after_applying = true;
    bad[7].delay_ms = -1;
    bad[8].code = LESSON_STORE_OK;
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(set(store, bad[i]), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_fault_set(store, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_fault_struck(store, NULL), LESSON_STORE_INVALID);
    assert_int_equal(where(store), LESSON_STORE_BUSY); /* the earlier fault stays */
    assert_int_equal(set(store, good), LESSON_STORE_OK);
    lesson_store_close(store);
}

static void a_store_without_faults_says_so(void **state) {
    (void)state;
    uint64_t struck = 7;
    lesson_store *store = open_at("memory:");
    const lesson_store_fault fault = LESSON_STORE_FAULT_INIT(LESSON_STORE_BUSY);
    assert_int_equal(set(store, fault), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_fault_clear(store), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(lesson_store_fault_struck(store, &struck), LESSON_STORE_UNSUPPORTED);
    assert_int_equal(struck, 7);
    assert_int_equal(set(NULL, fault), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_fault_clear(NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_fault_struck(NULL, &struck), LESSON_STORE_INVALID);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_locations_say_what_is_wrong),
        cmocka_unit_test(a_scheme_cannot_begin_like_a_fault),
        cmocka_unit_test(at_and_times_say_which),
        cmocka_unit_test(chance_is_the_same_for_the_same_seed),
        cmocka_unit_test(only_times_of_them_by_chance_too),
        cmocka_unit_test(each_kind_is_watched_by_its_name),
        cmocka_unit_test(what_reads_is_spared_where_only_writing_can_fail),
        cmocka_unit_test(what_can_strike_nothing_is_refused),
        cmocka_unit_test(info_names_the_fault_and_the_backend),
        cmocka_unit_test(the_backend_beneath_sees_its_own_location),
        cmocka_unit_test(nothing_is_added_and_nothing_unknown_let_through),
        cmocka_unit_test(wrong_faults_are_refused),
        cmocka_unit_test(a_store_without_faults_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
