/* What a struck call returns: each code, before and after, lists, check, opening, and recovery afterwards. */
#include <stdio.h>

#include "cmocka_all.h"
#include "spy.h"
#include <lessonstore/fault.h>

static const int codes[] = {LESSON_STORE_UNREACHABLE, LESSON_STORE_DENIED, LESSON_STORE_READ_ONLY,
                            LESSON_STORE_FULL,        LESSON_STORE_BUSY,   LESSON_STORE_UNKNOWN,
                            LESSON_STORE_MALFORMED,   LESSON_STORE_FAILED, LESSON_STORE_NO_MEMORY};
enum { CODES = sizeof codes / sizeof *codes };

static lesson_store *open_faulty(void) {
    lesson_store *store;
    assert_int_equal(lesson_store_open(&store, "fault+memory:"), LESSON_STORE_OK);
    return store;
}

static void set(lesson_store *store, lesson_store_fault fault) {
    if (lesson_store_fault_set(store, &fault) != LESSON_STORE_OK)
        fail_msg("%s", lesson_store_message());
}

static void assert_struck(lesson_store *store, uint64_t expected) {
    uint64_t struck = UINT64_MAX;
    assert_int_equal(lesson_store_fault_struck(store, &struck), LESSON_STORE_OK);
    assert_int_equal(struck, expected);
}

static int join(lesson_store *store, const char *uid) {
    return lesson_store_join(store, uid, "algebra", "algebra-7", NULL, 0, NULL);
}

static int where(lesson_store *store, const char *uid) {
    return lesson_store_where(store, uid, NULL);
}

/* open, work, `now fail`, call, `now work again`: for every code. */
static void each_code_strikes_and_changes_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        lesson_store *store = open_faulty();
        lesson_store_fault fault = LESSON_STORE_FAULT_INIT(codes[i]);
        assert_int_equal(join(store, "ann"), LESSON_STORE_OK);
        assert_struck(store, 0);
        set(store, fault);
        assert_int_equal(join(store, "bob"), codes[i]);
        assert_non_null(strstr(lesson_store_message(), lesson_store_code_text(codes[i])));
        assert_non_null(strstr(lesson_store_message(), "(fault 1, made on purpose)"));
        assert_int_equal(lesson_store_quit(store, "ann", NULL, NULL, NULL), codes[i]);
        assert_struck(store, 2);
        assert_int_equal(lesson_store_fault_clear(store), LESSON_STORE_OK);
        assert_struck(store, 2);
        assert_int_equal(where(store, "bob"), LESSON_STORE_NOT_FOUND);
        assert_int_equal(where(store, "ann"), LESSON_STORE_OK);
        assert_int_equal(join(store, "bob"), LESSON_STORE_OK);
        assert_struck(store, 2);
        lesson_store_close(store);
    }
}

static void unknown_may_have_been_applied(void **state) {
    (void)state;
    lesson_store *store = open_faulty();
    lesson_store_fault fault = LESSON_STORE_FAULT_INIT(LESSON_STORE_UNKNOWN);
    fault.times = 1;
    set(store, fault);
    assert_int_equal(join(store, "ann"), LESSON_STORE_UNKNOWN);
    assert_int_equal(where(store, "ann"), LESSON_STORE_NOT_FOUND);
    fault.after_applying = true;
    set(store, fault);
    assert_int_equal(join(store, "ann"), LESSON_STORE_UNKNOWN);
    assert_int_equal(where(store, "ann"), LESSON_STORE_OK);
    assert_struck(store, 1);
    /* The answer is lost, whatever it was. */
    set(store, fault);
    assert_int_equal(lesson_store_quit(store, "ann", "another", NULL, NULL), LESSON_STORE_UNKNOWN);
    assert_int_equal(where(store, "ann"), LESSON_STORE_OK);
    lesson_store_close(store);
}

static void what_reads_is_never_unknown(void **state) {
    (void)state;
    lesson_store *store = open_faulty();
    lesson_store_fault fault = LESSON_STORE_FAULT_INIT(LESSON_STORE_UNKNOWN);
    for (int after = 0; after < 2; after++) {
        fault.after_applying = after;
        set(store, fault);
        assert_int_equal(where(store, "ann"), LESSON_STORE_UNREACHABLE);
        assert_int_equal(lesson_store_count_members(store, "algebra-7", NULL), LESSON_STORE_UNREACHABLE);
        assert_int_equal(lesson_store_check(store, 0, NULL, NULL, NULL, NULL), LESSON_STORE_UNREACHABLE);
    }
    lesson_store_close(store);
}

/* ---- Lists */

enum { MEMBERS = 5 };

struct taking {
    int taken;
    int stop_at;
};

static bool take(struct taking *taking) {
    return ++taking->taken != taking->stop_at;
}

static bool take_member(const lesson_store_id *uid, void *context) {
    assert_int_equal(uid->size, 4);
    return take(context);
}

static bool take_lesson(const lesson_store_lesson *lesson, void *context) {
    assert_int_equal(lesson->member_count, 1);
    return take(context);
}

static bool take_user(const lesson_store_user *user, void *context) {
    assert_int_equal(user->uid.size, 4);
    return take(context);
}

static bool take_finding(const lesson_store_finding *finding, void *context) {
    assert_int_equal(finding->kind, LESSON_STORE_FINDING_ENDED_LESSON);
    return take(context);
}

static int stream(lesson_store *store, int number, uint32_t flags, struct taking *taking) {
    switch (number) {
    case 0:
        return lesson_store_members(store, "lesson", take_member, taking);
    case 1:
        return lesson_store_lessons(store, take_lesson, taking);
    case 2:
        return lesson_store_users(store, take_user, taking);
    default:
        return lesson_store_check(store, LESSON_STORE_CHECK_ENDED | flags, take_finding, taking, NULL, NULL);
    }
}

/* For `members`, all users are in one lesson; otherwise each is in a lesson of its own. No lesson has a record. */
static lesson_store *open_with_members(int number) {
    lesson_store *store = open_faulty();
    for (int i = 0; i < MEMBERS; i++) {
        char uid[16], lesson[16];
        snprintf(uid, sizeof uid, "use%d", i);
        snprintf(lesson, sizeof lesson, "lesson%.*d", number > 0, number > 0 ? i + 1 : 0);
        assert_int_equal(lesson_store_join(store, uid, "c", lesson, NULL, 0, NULL), LESSON_STORE_OK);
    }
    return store;
}

static void streams_fail_before_or_between_their_items(void **state) {
    (void)state;
    for (int number = 0; number < 4; number++) {
        lesson_store *store = open_with_members(number);
        for (size_t i = 0; i < CODES; i++) {
            int code = codes[i] == LESSON_STORE_UNKNOWN ? LESSON_STORE_UNREACHABLE : codes[i];
            bool spared = code == LESSON_STORE_READ_ONLY || code == LESSON_STORE_FULL;
            bool whole = spared || code == LESSON_STORE_MALFORMED;
            for (int items = 0; items <= MEMBERS + 1; items++) {
                lesson_store_fault fault = LESSON_STORE_FAULT_INIT(codes[i]);
                fault.items = (uint64_t)items;
                set(store, fault);
                struct taking taking = {0, 0};
                assert_int_equal(stream(store, number, 0, &taking), spared ? LESSON_STORE_OK : code);
                assert_int_equal(taking.taken, whole || items > MEMBERS ? MEMBERS : items);
            }
        }
        lesson_store_close(store);
    }
}

/* A caller that stops a list has what it wanted, so this is no failure. */
static void a_stream_that_was_stopped_is_no_failure(void **state) {
    (void)state;
    for (int number = 0; number < 4; number++) {
        lesson_store *store = open_with_members(number);
        lesson_store_fault fault = LESSON_STORE_FAULT_INIT(LESSON_STORE_FAILED);
        fault.items = 3;
        for (int stop_at = 1; stop_at <= 4; stop_at++) {
            set(store, fault);
            struct taking taking = {0, stop_at};
            assert_int_equal(stream(store, number, 0, &taking), stop_at <= 3 ? LESSON_STORE_OK : LESSON_STORE_FAILED);
            assert_int_equal(taking.taken, stop_at <= 3 ? stop_at : 3);
        }
        lesson_store_close(store);
    }
}

static void a_repair_is_done_or_not_begun(void **state) {
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        for (int after = 0; after < 1 + (codes[i] == LESSON_STORE_UNKNOWN); after++) {
            lesson_store *store = open_with_members(3);
            lesson_store_fault fault = LESSON_STORE_FAULT_INIT(codes[i]);
            fault.after_applying = after;
            fault.items = 2;
            set(store, fault);
            struct taking taking = {0, 0};
            assert_int_equal(stream(store, 3, LESSON_STORE_CHECK_REPAIR, &taking), codes[i]);
            assert_int_equal(taking.taken, after ? MEMBERS : 0);
            assert_int_equal(lesson_store_fault_clear(store), LESSON_STORE_OK);
            taking.taken = 0;
            assert_int_equal(stream(store, 2, 0, &taking), LESSON_STORE_OK);
            assert_int_equal(taking.taken, after ? 0 : MEMBERS);
            lesson_store_close(store);
        }
    }
}

static bool set_fault(const lesson_store_id *uid, void *context) {
    (void)uid;
    const lesson_store_fault fault = LESSON_STORE_FAULT_INIT(LESSON_STORE_BUSY);
    return lesson_store_fault_set(context, &fault) == LESSON_STORE_OK;
}

static void a_callback_may_set_a_fault(void **state) {
    (void)state;
    lesson_store *store = open_with_members(0);
    assert_int_equal(lesson_store_members(store, "lesson", set_fault, store), LESSON_STORE_OK);
    assert_int_equal(where(store, "use0"), LESSON_STORE_BUSY);
    lesson_store_close(store);
}

/* ---- Opening */

static void opening_fails_with_each_code(void **state) {
    (void)state;
    static const char *const names[CODES] = {"unreachable", "denied",    "read_only", "full",     "busy",
                                             "unknown",     "malformed", "failed",    "no_memory"};
    for (size_t i = 0; i < CODES; i++) {
        char location[128];
        lesson_store *store;
        spy_reset();
        snprintf(location, sizeof location, "fault+spy:?fault_on=open&fault_code=%s", names[i]);
        int code = codes[i] == LESSON_STORE_UNKNOWN ? LESSON_STORE_UNREACHABLE : codes[i];
        assert_int_equal(lesson_store_open_with(&store, &spy_backend, location), code);
        assert_null(store);
        assert_int_equal(the_spy.opens, 0);
    }
}

static void opening_is_not_watched_unless_asked_for(void **state) {
    (void)state;
    lesson_store *store;
    spy_reset();
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "fault+spy:?fault_code=failed"), LESSON_STORE_OK);
    assert_int_equal(where(store, "ann"), LESSON_STORE_FAILED);
    assert_int_equal(the_spy.runs, 0);
    lesson_store_close(store);
}

static void an_instance_beneath_that_does_not_open_is_reported_as_it_is(void **state) {
    (void)state;
    lesson_store *store;
    spy_reset();
    the_spy.open_code = LESSON_STORE_DENIED;
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "fault+spy:"), LESSON_STORE_DENIED);
    assert_null(store);
    assert_int_equal(the_spy.closes, 0);
}

/* The store behind fails by itself before the operation that is to be struck. Its failure is reported, and counts. */
static void a_failure_beneath_comes_before_the_fault(void **state) {
    (void)state;
    lesson_store *store;
    lesson_store_fault fault = LESSON_STORE_FAULT_INIT(LESSON_STORE_FAILED);
    lesson_store_operation operations[3];
    spy_reset();
    assert_int_equal(lesson_store_open_with(&store, &spy_backend, "fault+spy:"), LESSON_STORE_OK);
    fault.at = 2;
    fault.scope = LESSON_STORE_FAULT_SCOPE_REST;
    set(store, fault);
    for (size_t i = 0; i < 3; i++) {
        operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_QUIT};
        operations[i].uid = lesson_store_id_of("ann");
    }
    the_spy.run_code = LESSON_STORE_UNKNOWN;
    the_spy.leave_unanswered = true;
    assert_int_equal(lesson_store_batch(store, operations, 3), LESSON_STORE_UNKNOWN);
    assert_int_equal(the_spy.runs, 1);
    assert_int_equal(the_spy.run_sizes[0], 1);
    assert_int_equal(operations[0].code, LESSON_STORE_UNKNOWN);
    assert_int_equal(operations[1].code, LESSON_STORE_UNREACHABLE); /* was never sent */
    assert_int_equal(operations[2].code, LESSON_STORE_UNREACHABLE);
    lesson_store_close(store);
}

/* ---- Pages: a page is struck like the list */

static int users_page(lesson_store *store, lesson_store_cursor **cursor, size_t *count) {
    const lesson_store_user *users;
    return lesson_store_users_page(store, 1, cursor, &users, count);
}

static void a_struck_page_can_be_asked_for_again(void **state) {
    (void)state;
    lesson_store *store;
    lesson_store_cursor *cursor = NULL;
    size_t count;
    assert_int_equal(lesson_store_open(&store, "fault+memory:?fault_code=unreachable&fault_on=users&fault_at=2&"
                                               "fault_times=1"),
                     LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "ann", "c", "l", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(users_page(store, &cursor, &count), LESSON_STORE_OK);
    assert_int_equal(count, 1);
    lesson_store_cursor_close(cursor);
    cursor = NULL;
    assert_int_equal(users_page(store, &cursor, &count), LESSON_STORE_UNREACHABLE);
    assert_int_equal(users_page(store, &cursor, &count), LESSON_STORE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(users_page(store, &cursor, &count), LESSON_STORE_OK);
    assert_int_equal(count, 0);
    lesson_store_cursor_close(cursor);
    lesson_store_close(store);
}

static void a_malformed_page_is_reported_at_the_end(void **state) {
    (void)state;
    lesson_store *store;
    lesson_store_cursor *cursor = NULL;
    size_t count;
    assert_int_equal(lesson_store_open(&store, "fault+memory:?fault_code=malformed&fault_on=users"), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, "ann", "c", "l", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(users_page(store, &cursor, &count), LESSON_STORE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(users_page(store, &cursor, &count), LESSON_STORE_MALFORMED);
    assert_non_null(strstr(lesson_store_message(), "made on purpose"));
    assert_int_equal(users_page(store, &cursor, &count), LESSON_STORE_OK);
    assert_int_equal(count, 0);
    lesson_store_cursor_close(cursor);
    lesson_store_close(store);
}

static void a_slow_page_is_a_page(void **state) {
    (void)state;
    lesson_store *store;
    lesson_store_cursor *cursor = NULL;
    uint64_t struck;
    size_t count;
    assert_int_equal(lesson_store_open(&store, "fault+memory:?fault_delay_ms=1&fault_on=users"), LESSON_STORE_OK);
    assert_int_equal(users_page(store, &cursor, &count), LESSON_STORE_OK);
    assert_int_equal(lesson_store_fault_struck(store, &struck), LESSON_STORE_OK);
    assert_int_equal(struck, 1);
    lesson_store_cursor_close(cursor);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_struck_page_can_be_asked_for_again),
        cmocka_unit_test(a_malformed_page_is_reported_at_the_end),
        cmocka_unit_test(a_slow_page_is_a_page),
        cmocka_unit_test(each_code_strikes_and_changes_nothing),
        cmocka_unit_test(unknown_may_have_been_applied),
        cmocka_unit_test(what_reads_is_never_unknown),
        cmocka_unit_test(streams_fail_before_or_between_their_items),
        cmocka_unit_test(a_stream_that_was_stopped_is_no_failure),
        cmocka_unit_test(a_repair_is_done_or_not_begun),
        cmocka_unit_test(a_callback_may_set_a_fault),
        cmocka_unit_test(opening_fails_with_each_code),
        cmocka_unit_test(a_failure_beneath_comes_before_the_fault),
        cmocka_unit_test(opening_is_not_watched_unless_asked_for),
        cmocka_unit_test(an_instance_beneath_that_does_not_open_is_reported_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
