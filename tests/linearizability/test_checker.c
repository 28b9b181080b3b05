/* The checker itself, on histories that are known to be linearizable or not. Users are 0 and 1, lessons 0 and 1. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

#include <lessonstore/lessonstore.h>

#include "checker.h"
#include "draw.h"
#include "records.h"

#define N MODEL_NONE
#define JOIN(user, lesson) ((model_call)MODEL_JOIN(user, 0, lesson, N, 0, false, 0))
#define QUIT(user) ((model_call)MODEL_QUIT(user, N, N, false, 0))
#define WHERE(user) ((model_call)MODEL_WHERE(user, false, 0))
#define COUNT(lesson) ((model_call)MODEL_COUNT(lesson, false, 0))

static model_answer answered(int code, int lesson) {
    return (model_answer){.code = code,
                          .course = lesson == N ? N : 0,
                          .lesson = (int8_t)lesson,
                          .session = N,
                          .owner = N,
                          .course_status = N,
                          .chat_status = N};
}

static model_answer reported_count(uint32_t count) {
    model_answer answer = answered(LESSON_STORE_OK, N);
    answer.count = count;
    return answer;
}

/* The answer of a join that moved. */
static model_answer reported_moved(int from) {
    model_answer answer = answered(LESSON_STORE_OK, from);
    answer.arrival = LESSON_STORE_ARRIVAL_MOVED;
    return answer;
}

static const int ok = LESSON_STORE_OK, gone = LESSON_STORE_NOT_FOUND;

static history begin(void) {
    history calls = {.count = 0};
    model_begin(&calls.begin);
    return calls;
}

static history_call *add(history *calls, int client, uint32_t invoked, uint32_t settled, model_call call,
                         model_answer answer) {
    history_call *added = &calls->calls[calls->count++];
    *added = history_call_of(HISTORY_OPERATION, call);
    added->outcome = HISTORY_ANSWERED;
    added->client = (uint8_t)client;
    added->invoked = invoked;
    added->settled = settled;
    added->answer.operation = answer;
    return added;
}

static void add_members(history *calls, int client, uint32_t invoked, uint32_t settled, int8_t lesson,
                        uint32_t members) {
    history_call *added = add(calls, client, invoked, settled, COUNT(lesson), reported_count(0));
    added->kind = HISTORY_MEMBERS;
    added->answer.members = members;
}

static void expect(const history *calls, checker_verdict verdict) {
    checker_finding finding = checker_judge(calls, CHECKER_STATES_MAX);
    if (finding.verdict != verdict)
        checker_print(stderr, calls, &finding);
    assert_int_equal(finding.verdict, verdict);
}

/* ---- One user or lesson */

static void nothing_and_one_after_another(void **state) {
    (void)state;
    history calls = begin();
    expect(&calls, CHECKER_LINEARIZABLE);
    add(&calls, 0, 0, 1, JOIN(0, 0), answered(ok, N));
    add(&calls, 0, 2, 3, WHERE(0), answered(ok, 0));
    add(&calls, 1, 4, 5, QUIT(0), answered(ok, 0));
    add(&calls, 0, 6, 7, WHERE(0), answered(gone, N));
    expect(&calls, CHECKER_LINEARIZABLE);
}

static void stale_read(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 2, JOIN(0, 0), answered(ok, N));
    history_call *read = add(&calls, 1, 3, 4, WHERE(0), answered(gone, N));
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    read->invoked = 1; /* it began before the join returned */
    expect(&calls, CHECKER_LINEARIZABLE);
}

static void read_of_the_future(void **state) {
    (void)state;
    history calls = begin();
    history_call *read = add(&calls, 1, 0, 1, WHERE(0), answered(ok, 0));
    add(&calls, 0, 2, 3, JOIN(0, 0), answered(ok, N));
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    read->settled = 4;
    expect(&calls, CHECKER_LINEARIZABLE);
}

/* If two calls expect Waiting and set another status, one must return CONFLICT. */
static void lost_update(void **state) {
    (void)state;
    history calls = begin();
    calls.begin.lessons[0] = (model_lesson){1, LESSON_STORE_COURSE_WAITING, LESSON_STORE_CHAT_FREE, MODEL_NONE, 0};
    add(&calls, 0, 0, 3, (model_call)MODEL_SET(0, 1, N, LESSON_STORE_COURSE_WAITING, N, false, 0), answered(ok, N));
    history_call *other =
        add(&calls, 1, 1, 2, (model_call)MODEL_SET(0, 2, N, LESSON_STORE_COURSE_WAITING, N, false, 0), answered(ok, N));
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    other->answer.operation.code = LESSON_STORE_CONFLICT;
    other->answer.operation.course_status = 1;
    other->answer.operation.chat_status = 0;
    expect(&calls, CHECKER_LINEARIZABLE);
}

/* A write that would change nothing at first may have to come later, when it changes something. */
static void write_of_what_is_there(void **state) {
    (void)state;
    history calls = begin();
    calls.begin.lessons[0] = (model_lesson){1, LESSON_STORE_COURSE_WAITING, LESSON_STORE_CHAT_FREE, MODEL_NONE, 0};
    add(&calls, 0, 0, 2, (model_call)MODEL_CREATE(0, LESSON_STORE_CREATE_RESET, false, 0), answered(ok, N));
    add(&calls, 1, 1, 3, (model_call)MODEL_SET(0, 1, N, N, N, false, 0), answered(ok, N));
    history_call *get = add(&calls, 2, 4, 5, (model_call)MODEL_GET_LESSON(0, false, 0), answered(ok, N));
    get->answer.operation.has_record = 1;
    get->answer.operation.course_status = LESSON_STORE_COURSE_WAITING;
    get->answer.operation.chat_status = LESSON_STORE_CHAT_FREE;
    expect(&calls, CHECKER_LINEARIZABLE);
    get->answer.operation.course_status = LESSON_STORE_COURSE_ONLINE;
    expect(&calls, CHECKER_LINEARIZABLE);
    get->answer.operation.course_status = LESSON_STORE_COURSE_OFFLINE;
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
}

static void update_lost_at_the_end(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 1, JOIN(0, 0), answered(ok, N));
    add(&calls, 1, 0, 1, JOIN(1, 0), answered(ok, N));
    history_call *end = add(&calls, 2, 2, 3, WHERE(0), answered(ok, N));
    end->kind = HISTORY_STATE;
    end->answer.listed.users[0] = (model_user){0, 0, N, N};
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    end->answer.listed.users[1] = (model_user){0, 0, N, N};
    expect(&calls, CHECKER_LINEARIZABLE);
}

/* ---- Two users or lessons */

static void moves_seen_in_opposite_order(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 20, JOIN(0, 0), answered(ok, N));
    add(&calls, 1, 0, 20, JOIN(1, 0), answered(ok, N));
    add(&calls, 2, 1, 4, WHERE(0), answered(ok, 0));
    add(&calls, 2, 5, 8, WHERE(1), answered(gone, N));
    add(&calls, 3, 3, 6, WHERE(1), answered(ok, 0));
    history_call *last = add(&calls, 3, 7, 10, WHERE(0), answered(gone, N));
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    last->answer.operation = answered(ok, 0);
    expect(&calls, CHECKER_LINEARIZABLE);
}

static void move_seen_half(void **state) {
    (void)state;
    history calls = begin();
    calls.begin.users[0] = (model_user){0, 0, N, N};
    add(&calls, 0, 0, 9, JOIN(0, 1), reported_moved(0));
    add_members(&calls, 1, 1, 2, 0, 0);
    history_call *count = add(&calls, 1, 3, 4, COUNT(1), reported_count(0));
    expect(&calls, CHECKER_NOT_LINEARIZABLE); /* in neither */
    count->answer.operation.count = 1;
    expect(&calls, CHECKER_LINEARIZABLE);
    calls.count = 1;
    add_members(&calls, 1, 1, 2, 1, 1);
    add(&calls, 1, 3, 4, COUNT(0), reported_count(1));
    expect(&calls, CHECKER_NOT_LINEARIZABLE); /* in both */
}

static void listing_of_two_instants(void **state) {
    (void)state;
    history calls = begin();
    calls.begin.users[0] = calls.begin.users[1] = (model_user){0, 0, N, N};
    add(&calls, 0, 1, 2, QUIT(0), answered(ok, 0));
    add(&calls, 0, 3, 4, QUIT(1), answered(ok, 0));
    history_call *listing = add(&calls, 1, 0, 9, WHERE(0), answered(ok, N));
    listing->kind = HISTORY_USERS;
    listing->answer.listed.users[0] = (model_user){0, 0, N, N};
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    listing->kind = HISTORY_LESSONS;
    listing->answer.counts[0] = 1;
    expect(&calls, CHECKER_LINEARIZABLE);
    listing->answer.counts[1] = 1;
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
}

/* ---- Calls without an answer */

static void pending_may_be_done_or_not(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, HISTORY_NEVER, JOIN(0, 0), answered(ok, N))->outcome = HISTORY_PENDING;
    add(&calls, 1, 1, 2, WHERE(0), answered(gone, N));
    expect(&calls, CHECKER_LINEARIZABLE);
    history_call *late = add(&calls, 1, 8, 9, WHERE(0), answered(ok, 0));
    expect(&calls, CHECKER_LINEARIZABLE);
    add(&calls, 1, 10, 11, WHERE(0), answered(gone, N));
    expect(&calls, CHECKER_NOT_LINEARIZABLE); /* done once, and not undone */
    calls.count = 2;
    calls.calls[0].invoked = 3;
    calls.calls[1].answer.operation = answered(ok, 0);
    expect(&calls, CHECKER_NOT_LINEARIZABLE); /* not before it was invoked */
    (void)late;
}

static void pending_is_not_done_twice(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, HISTORY_NEVER, JOIN(0, 0), answered(ok, N))->outcome = HISTORY_PENDING;
    add(&calls, 1, 1, 2, QUIT(0), answered(ok, 0));
    expect(&calls, CHECKER_LINEARIZABLE);
    add(&calls, 1, 3, 4, QUIT(0), answered(ok, 0));
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
}

static void silent_is_done_in_time(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 2, JOIN(0, 0), answered(gone, 1))->outcome = HISTORY_SILENT;
    history_call *read = add(&calls, 1, 1, 4, WHERE(0), answered(gone, N));
    expect(&calls, CHECKER_LINEARIZABLE);
    read->invoked = 3;
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    calls.calls[0].outcome = HISTORY_VOID; /* not done at all */
    expect(&calls, CHECKER_LINEARIZABLE);
    read->answer.operation = answered(ok, 0);
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
}

/* ---- Order beyond time */

static void batch_takes_effect_in_order(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 9, JOIN(0, 0), answered(ok, N))->order = 1;
    add(&calls, 0, 0, 9, JOIN(0, 1), reported_moved(0))->order = 1;
    add(&calls, 1, 1, 2, WHERE(0), answered(ok, 0)); /* between the two */
    add(&calls, 1, 3, 4, WHERE(0), answered(ok, 1));
    expect(&calls, CHECKER_LINEARIZABLE);
    calls.calls[2].answer.operation = answered(ok, 1);
    calls.calls[3].answer.operation = answered(ok, 0);
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    calls.calls[0].answer.operation = reported_moved(1);
    calls.calls[1].answer.operation = answered(ok, N);
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    calls.calls[0].order = 2;
    expect(&calls, CHECKER_LINEARIZABLE);
}

static void sorting_keeps_a_batch_in_order(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 9, JOIN(0, 0), answered(ok, N))->order = 1;
    add(&calls, 0, 0, 8, JOIN(0, 1), reported_moved(0))->order = 1;
    add(&calls, 1, 1, 2, WHERE(1), answered(gone, N));
    history_sort(&calls);
    assert_int_equal(calls.calls[0].call.user, 1);
    assert_int_equal(calls.calls[1].call.lesson, 0);
    assert_int_equal(calls.calls[2].call.lesson, 1);
}

/* The call that is queued first takes effect first, even if it is settled later. A call outside the queue need not
 * wait. */
static void queue_takes_effect_in_order(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 9, JOIN(0, 0), answered(ok, N))->queued = 1;
    history_call *second = add(&calls, 1, 2, 8, WHERE(0), answered(gone, N));
    expect(&calls, CHECKER_LINEARIZABLE);
    second->queued = 3;
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    second->answer.operation = answered(ok, 0);
    expect(&calls, CHECKER_LINEARIZABLE);
}

/* ---- Others, limits, what is reported */

static void others_are_counted_too(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 1, JOIN(0, 0), answered(ok, N));
    history_call *count = add(&calls, 0, 2, 3, COUNT(0), reported_count(2));
    history_call *end = add(&calls, 0, 4, 5, (model_call)MODEL_END(1, 0, false, 0), reported_count(1));
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    calls.has_others = true;
    expect(&calls, CHECKER_LINEARIZABLE);
    end->answer.operation = answered(gone, N);
    expect(&calls, CHECKER_LINEARIZABLE);
    count->answer.operation.count = 0;
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
}

static void too_many_states_are_undecided(void **state) {
    (void)state;
    history calls = begin();
    for (int i = 0; i < 12; i++)
        add(&calls, i, 0, 1, JOIN((int8_t)i, 0), answered(ok, N));
    add(&calls, 12, 2, 3, COUNT(0), reported_count(11));
    assert_int_equal(checker_judge(&calls, 100).verdict, CHECKER_UNDECIDED);
    expect(&calls, CHECKER_NOT_LINEARIZABLE);
    assert_int_equal(checker_judge(&calls, CHECKER_STATES_MAX).longest, 12);
}

static void overlap_is_between_clients_and_on_one_thing(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 3, JOIN(0, 0), answered(ok, N));
    history_call *other = add(&calls, 1, 1, 2, COUNT(0), reported_count(0));
    assert_true(history_overlaps(&calls));
    other->call.lesson = 1;
    assert_false(history_overlaps(&calls));
    other->call = WHERE(0);
    assert_true(history_overlaps(&calls));
    other->client = 0;
    assert_false(history_overlaps(&calls));
    other->client = 1;
    other->invoked = other->settled = 4;
    assert_false(history_overlaps(&calls));
}

static void expect_text(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in\n%s", part, text);
}

static void a_person_sees_what_is_wrong(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    history calls = begin();
    calls.begin.users[1] = (model_user){1, 0, N, N};
    add(&calls, 3, 0, 35, JOIN(0, 0), answered(ok, N));
    add(&calls, 4, 40, HISTORY_NEVER, QUIT(1), answered(ok, N))->outcome = HISTORY_PENDING;
    add(&calls, 5, 50, 71, WHERE(0), answered(gone, N));
    add_members(&calls, 6, 70, 71, 1, 3);
    checker_finding finding = checker_judge(&calls, CHECKER_STATES_MAX);
    checker_print(out, &calls, &finding);
    fclose(out);
    expect_text(text, "NOT linearizable");
    expect_text(text, "it began with user 1 in 1");
    expect_text(text, "|====================================                                    | MODEL_ADMIT(0,");
    expect_text(text, "|                                        ================================| MODEL_QUIT(1,");
    expect_text(text, "no answer, maybe never done");
    expect_text(text, "members of 1 -> users (as bits) 0x3");
    expect_text(text, "the longest right order found: 0");
    expect_text(text, "MODEL_WHERE(0, 0, 0), -> NOT_FOUND");
    expect_text(text, "instead of OK");
    free(text);
}

/* ---- Records beside legacy writers (records.h) */

static void record_that_nobody_wrote(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 1, JOIN(0, 0), answered(gone, N))->outcome = HISTORY_SILENT;
    history_call *read = add(&calls, 1, 2, 3, WHERE(0), answered(ok, 1));
    assert_ptr_equal(records_find_wrong(&calls, 0), read);
    assert_null(records_find_wrong(&calls, 1));
    read->answer.operation = answered(ok, 0);
    assert_null(records_find_wrong(&calls, 0));
    read->answer.operation = answered(gone, N); /* as at the beginning, which is over */
    assert_ptr_equal(records_find_wrong(&calls, 0), read);
    read->invoked = 0;
    assert_null(records_find_wrong(&calls, 0));
}

static void record_that_was_overwritten(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 1, JOIN(0, 0), answered(ok, N));
    history_call *later = add(&calls, 1, 2, 3, QUIT(0), answered(LESSON_STORE_CONFLICT, 0));
    history_call *read = add(&calls, 2, 4, 5, WHERE(0), answered(ok, 0));
    assert_null(records_find_wrong(&calls, 0)); /* a quit without effect */
    later->outcome = HISTORY_SILENT;
    assert_ptr_equal(records_find_wrong(&calls, 0), read);
    later->invoked = 1; /* it is unknown which came first */
    assert_null(records_find_wrong(&calls, 0));
}

static void record_that_an_end_removed_or_not(void **state) {
    (void)state;
    history calls = begin();
    add(&calls, 0, 0, 1, JOIN(0, 0), answered(ok, N));
    history_call *end = add(&calls, 1, 2, 3, (model_call)MODEL_END(0, 0, false, 0), reported_count(1));
    history_call *read = add(&calls, 2, 4, 5, WHERE(0), answered(ok, 0));
    assert_null(records_find_wrong(&calls, 0));
    read->answer.operation = answered(gone, N);
    assert_null(records_find_wrong(&calls, 0));
    end->call.lesson = 1;
    assert_ptr_equal(records_find_wrong(&calls, 0), read);
    end->call.lesson = 0;
    end->call.flags = LESSON_STORE_END_RECORD_ONLY;
    assert_ptr_equal(records_find_wrong(&calls, 0), read);
}

/* ---- Compared with a search of every order */

static bool some_order_is_right(const history *calls, uint64_t done, const model_state *model) {
    bool is_complete = true;
    for (size_t i = 0; i < calls->count; i++) {
        const history_call *call = &calls->calls[i];
        model_state next = *model;
        is_complete = is_complete && (done >> i & 1 || call->outcome == HISTORY_PENDING);
        if (!(done >> i & 1) && !(history_before(calls, i) & ~done) && history_step(calls, call, &next) &&
            some_order_is_right(calls, done | UINT64_C(1) << i, &next))
            return true;
    }
    return is_complete;
}

/* Draws a history that ran in one order, each call at an instant within its time. Then one of them gets the answer of
 * another call. */
static history draw_history(dice_state *dice) {
    const draw_range range = {
        .users = 1 + dice_below(dice, 2), .lessons = 1, .courses = 1, .sessions = 1, .leaves_out = DRAW_OF_0_1};
    history calls = begin();
    if (dice_once_in(dice, 2))
        calls.begin.lessons[0] = (model_lesson){1, LESSON_STORE_COURSE_WAITING, LESSON_STORE_CHAT_FREE, MODEL_NONE, 0};
    model_state model = calls.begin;
    size_t count = 3 + dice_below(dice, 4);
    for (size_t i = 0; i < count; i++) {
        model_call call = draw_call(dice, &range);
        uint32_t instant = 10 * (uint32_t)i + 40;
        model_answer answer = model_run(&model, &call);
        history_call *added = add(&calls, (int)dice_below(dice, 3), instant - dice_below(dice, 40),
                                  instant + 1 + dice_below(dice, 40), call, answer);
        added->order = (uint16_t)dice_below(dice, 2);
        if (dice_once_in(dice, 6))
            added->outcome = HISTORY_PENDING;
    }
    history_call *changed = &calls.calls[dice_below(dice, (unsigned)count)];
    if (dice_once_in(dice, 2))
        changed->answer.operation = model_run(&model, &changed->call);
    history_sort(&calls);
    return calls;
}

static void same_verdict_as_every_order_tried(void **state) {
    (void)state;
    size_t counts[2] = {0, 0};
    for (uint64_t seed = 1; seed <= 5000; seed++) {
        dice_state dice = {seed};
        history calls = draw_history(&dice);
        bool is_right = some_order_is_right(&calls, 0, &calls.begin);
        expect(&calls, is_right ? CHECKER_LINEARIZABLE : CHECKER_NOT_LINEARIZABLE);
        counts[is_right]++;
    }
    assert_true(counts[false] > 500 && counts[true] > 500);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_and_one_after_another),
        cmocka_unit_test(stale_read),
        cmocka_unit_test(read_of_the_future),
        cmocka_unit_test(lost_update),
        cmocka_unit_test(write_of_what_is_there),
        cmocka_unit_test(update_lost_at_the_end),
        cmocka_unit_test(moves_seen_in_opposite_order),
        cmocka_unit_test(move_seen_half),
        cmocka_unit_test(listing_of_two_instants),
        cmocka_unit_test(pending_may_be_done_or_not),
        cmocka_unit_test(pending_is_not_done_twice),
        cmocka_unit_test(silent_is_done_in_time),
        cmocka_unit_test(batch_takes_effect_in_order),
        cmocka_unit_test(sorting_keeps_a_batch_in_order),
        cmocka_unit_test(queue_takes_effect_in_order),
        cmocka_unit_test(others_are_counted_too),
        cmocka_unit_test(too_many_states_are_undecided),
        cmocka_unit_test(overlap_is_between_clients_and_on_one_thing),
        cmocka_unit_test(a_person_sees_what_is_wrong),
        cmocka_unit_test(record_that_nobody_wrote),
        cmocka_unit_test(record_that_was_overwritten),
        cmocka_unit_test(record_that_an_end_removed_or_not),
        cmocka_unit_test(same_verdict_as_every_order_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
