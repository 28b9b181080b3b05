/* The executor: order, batches, answers, overload, and operations that are refused at once. */
#include <stdio.h>

#include "gate.h"

enum { MANY = 300 };

static void one_lane_keeps_the_order_of_all(void **state) {
    (void)state;
    struct gated gated = gated_open(1, MANY, 7);
    static struct witness witnesses[MANY];
    memset(witnesses, 0, sizeof witnesses);
    for (int i = 0; i < MANY; i++) {
        char uid[16];
        snprintf(uid, sizeof uid, "u%d", i);
        lesson_store_operation join = gate_join(uid, "l");
        gate_submit(gated.executor, &join, 0, NULL, &witnesses[i]);
    }
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(the_gate.seen_count, MANY);
    for (int i = 0; i < MANY; i++) {
        char expected[16];
        snprintf(expected, sizeof expected, "u%d l", i);
        assert_string_equal(the_gate.seen[i], expected);
        assert_int_equal(witnesses[i].calls, 1);
        assert_int_equal(witnesses[i].code, LESSON_STORE_OK);
    }
    gated_close(&gated);
}

enum { USERS = 10 };

/* The joins of each user go to lessons 0, 1, 2, ... */
static void several_lanes_keep_the_order_of_a_user(void **state) {
    (void)state;
    struct gated gated = gated_open(4, MANY, 16);
    static struct witness ignored;
    int next[USERS] = {0};
    gate_shut();
    for (int i = 0; i < MANY; i++) {
        char uid[16], lesson_id[16];
        snprintf(uid, sizeof uid, "user-%d", i % USERS);
        snprintf(lesson_id, sizeof lesson_id, "%d", i / USERS);
        lesson_store_operation join = gate_join(uid, lesson_id);
        gate_submit(gated.executor, &join, 0, NULL, &ignored);
    }
    gate_wait_inside(2); /* they do run at the same time */
    gate_open();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(the_gate.seen_count, MANY);
    for (int i = 0; i < MANY; i++) {
        int user, lesson;
        assert_int_equal(sscanf(the_gate.seen[i], "user-%d %d", &user, &lesson), 2);
        assert_int_equal(lesson, next[user]++);
    }
    gated_close(&gated);
}

static void operations_on_a_lesson_keep_their_order(void **state) {
    (void)state;
    struct gated gated = gated_open(8, 64, 16);
    struct witness witness = {0};
    const uint32_t kinds[] = {LESSON_STORE_OPERATION_CREATE, LESSON_STORE_OPERATION_GET_LESSON,
                              LESSON_STORE_OPERATION_END};
    gate_shut();
    for (size_t i = 0; i < 3; i++) {
        lesson_store_operation operation = {.kind = kinds[i]};
        operation.lesson_id = lesson_store_id_of("one");
        gate_submit(gated.executor, &operation, 0, NULL, &witness);
        if (i == 0)
            gate_wait_inside(1);
    }
    gate_open();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    /* One lane: the operations that came while the first ran went as one batch. */
    assert_int_equal(the_gate.runs, 2);
    assert_int_equal(the_gate.sizes[1], 2);
    gated_close(&gated);
}

static void what_gathers_goes_as_one_batch(void **state) {
    (void)state;
    const struct {
        uint32_t batch_max;
        size_t runs;
        size_t sizes[4];
    } cases[] = {{100, 2, {1, 10}}, {4, 4, {1, 4, 4, 2}}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct gated gated = gated_open(1, 64, cases[c].batch_max);
        struct witness witness = {0};
        lesson_store_operation join = gate_join("u", "l");
        gate_shut();
        gate_submit(gated.executor, &join, 0, NULL, &witness);
        gate_wait_inside(1);
        for (int i = 0; i < 10; i++)
            gate_submit(gated.executor, &join, 0, NULL, &witness);
        gate_open();
        assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
        assert_int_equal(the_gate.runs, cases[c].runs);
        for (size_t i = 0; i < cases[c].runs; i++)
            assert_int_equal(the_gate.sizes[i], cases[c].sizes[i]);
        assert_int_equal(gate_figures(gated.executor).batches, cases[c].runs);
        assert_int_equal(gate_figures(gated.executor).largest_batch, cases[c].sizes[1]);
        gated_close(&gated);
    }
}

static int try_submit(lesson_store_executor *executor, lesson_store_completion_queue *queue, struct witness *witness) {
    lesson_store_operation join = gate_join("u", "l");
    return lesson_store_executor_submit(executor, &join, 0, queue, witness_see, witness, NULL);
}

static void more_than_pending_max_are_overloaded(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 3, 64);
    struct witness witnesses[4] = {0};
    lesson_store_completion_queue *queue;
    assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
    gate_shut();
    for (int i = 0; i < 3; i++)
        assert_int_equal(try_submit(gated.executor, queue, &witnesses[i]), LESSON_STORE_OK);
    assert_int_equal(try_submit(gated.executor, queue, &witnesses[3]), LESSON_STORE_OVERLOADED);
    assert_non_null(strstr(lesson_store_message(), "3 operations"));
    gate_open();

    /* An operation in a queue is pending until it is drained. */
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    do {
        figures = gate_figures(gated.executor);
    } while (figures.batches == 0);
    assert_int_equal(try_submit(gated.executor, queue, &witnesses[3]), LESSON_STORE_OVERLOADED);
    size_t drained = 0;
    while (drained == 0)
        drained = lesson_store_completion_queue_drain(queue, 1);
    assert_int_equal(try_submit(gated.executor, queue, &witnesses[3]), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(lesson_store_completion_queue_drain(queue, 0), 3);
    for (int i = 0; i < 4; i++)
        assert_int_equal(witnesses[i].calls, 1);
    figures = gate_figures(gated.executor);
    assert_int_equal(figures.accepted, 4);
    assert_int_equal(figures.completed, 4);
    assert_int_equal(figures.overloaded, 2);
    assert_int_equal(figures.pending, 0);
    gated_close(&gated);
}

static void answer_whether_the_ids_are_kept(lesson_store_operation *join) {
    bool kept = memcmp(join->course_id.data, "course", strlen("course")) == 0 &&
                memcmp(join->session.data, "session", strlen("session")) == 0;
    join->code = kept ? LESSON_STORE_OK : LESSON_STORE_CONFLICT;
}

static void the_ids_are_copied(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct witness witness = {0};
    char uid[] = "ann", course[] = "course", lesson[] = "lesson", session[] = "session";
    lesson_store_operation join = gate_join(uid, lesson);
    join.course_id = lesson_store_id_of(course);
    join.session = lesson_store_id_of(session);
    the_gate.answer = answer_whether_the_ids_are_kept;
    gate_shut();
    gate_submit(gated.executor, &join, 0, NULL, &witness);
    memset(uid, 'x', sizeof uid);
    memset(course, 'x', sizeof course);
    memset(lesson, 'x', sizeof lesson);
    memset(session, 'x', sizeof session);
    memset(&join, 0x5a, sizeof join);
    gate_open();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_string_equal(the_gate.seen[0], "ann lesson");
    assert_string_equal(witness.uid, "ann");
    assert_int_equal(witness.code, LESSON_STORE_OK);
    assert_int_equal(witness.operation.course_id.size, strlen("course"));
    assert_int_equal(witness.operation.session.size, strlen("session"));
    gated_close(&gated);
}

static void return_a_place(lesson_store_operation *operation) {
    if (operation->uid.size == strlen("nobody"))
        operation->code = LESSON_STORE_NOT_FOUND;
    else if (operation->place)
        *operation->place = (lesson_store_place){.course_id = "history", .lesson_id = "history-1"};
}

static void a_place_is_the_executors_own(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 1, 8); /* one slot: the next operation would show what an answer left there */
    lesson_store_place mine;
    memset(&mine, 0x5a, sizeof mine);
    const lesson_store_place before = mine;
    the_gate.answer = return_a_place;
    const char *const uids[] = {"ann", "nobody", "ann"};
    for (int i = 0; i < 3; i++) {
        struct witness witness = {0};
        lesson_store_operation where = gate_where(uids[i]);
        where.place = i < 2 ? &mine : NULL;
        while (lesson_store_executor_submit(gated.executor, &where, 0, NULL, witness_see, &witness, NULL) ==
               LESSON_STORE_OVERLOADED)
            ; /* the previous callback was called, but may not have returned */
        witness_wait(&witness);
        assert_true(i < 2 ? witness.place_asked && witness.place_asked != &mine : !witness.place_asked);
        assert_string_equal(witness.place.lesson_id, i == 0 ? "history-1" : "");
        assert_memory_equal(&mine, &before, sizeof mine);
    }
    gated_close(&gated);
}

static void fail_one(lesson_store_operation *operation) {
    if (operation->uid.data[0] == 'f')
        lesson_store_answer(operation, lesson_store_fail(LESSON_STORE_MALFORMED, "what is wrong with %.*s",
                                                         (int)operation->uid.size, operation->uid.data));
}

static void the_message_speaks_of_the_failure(void **state) {
    (void)state;
    const char *const uids[] = {"first", "fine", "fourth", "good"};
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 8, 8);
        struct witness witnesses[4] = {0};
        lesson_store_completion_queue *queue = NULL;
        if (queued)
            assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
        the_gate.answer = fail_one;
        gate_shut();
        for (int i = 0; i < 4; i++) {
            lesson_store_operation where = gate_where(uids[i]);
            gate_submit(gated.executor, &where, 0, queue, &witnesses[i]);
        }
        gate_open();
        assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
        lesson_store_fail(LESSON_STORE_FAILED, "another one");
        if (queued)
            assert_int_equal(lesson_store_completion_queue_drain(queue, 0), 4);
        assert_int_equal(witnesses[0].code, LESSON_STORE_MALFORMED);
        assert_int_equal(witnesses[2].code, LESSON_STORE_MALFORMED);
        assert_string_equal(witnesses[2].message, "what is wrong with fourth");
        assert_true(strncmp(witnesses[0].message, "what is wrong with ", 19) == 0);
        assert_null(strstr(witnesses[0].message, "fourth"));
        gated_close(&gated);
    }
}

static void a_batch_that_fails_answers_everyone(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct witness witnesses[2] = {0};
    the_gate.run_code = LESSON_STORE_UNKNOWN;
    lesson_store_operation join = gate_join("u", "l"), where = gate_where("u");
    gate_submit(gated.executor, &join, 0, NULL, &witnesses[0]);
    gate_submit(gated.executor, &where, 0, NULL, &witnesses[1]);
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(witnesses[0].code, LESSON_STORE_UNKNOWN);
    assert_int_equal(witnesses[1].code, LESSON_STORE_UNREACHABLE);
    for (int i = 0; i < 2; i++)
        assert_string_equal(witnesses[i].message, "the gate fails");
    gated_close(&gated);
}

static void unsound_operations_are_answered_at_once(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8), other = gated_open(1, 8, 8);
    lesson_store_completion_queue *foreign;
    struct witness witness = {0};
    lesson_store_operation good = gate_join("u", "l"), bad = gate_join("", "l"),
                           unsupported = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_COUNT_MEMBERS};
    unsupported.lesson_id = lesson_store_id_of("l");
    assert_int_equal(lesson_store_executor_add_queue(&foreign, other.executor), LESSON_STORE_OK);
    lesson_store_executor *executor = gated.executor;
#define REFUSED_WITH(code, ...) \
    assert_int_equal(lesson_store_executor_submit(__VA_ARGS__, &witness, NULL), LESSON_STORE_##code)
    REFUSED_WITH(INVALID, executor, &bad, 0, NULL, witness_see);
    assert_string_equal(lesson_store_message(), "uid is empty");
    REFUSED_WITH(UNSUPPORTED, executor, &unsupported, 0, NULL, witness_see);
    REFUSED_WITH(INVALID, NULL, &good, 0, NULL, witness_see);
    REFUSED_WITH(INVALID, executor, NULL, 0, NULL, witness_see);
    REFUSED_WITH(INVALID, executor, &good, -1, NULL, witness_see);
    REFUSED_WITH(INVALID, executor, &good, 0, foreign, witness_see);
    REFUSED_WITH(INVALID, executor, &good, 0, NULL, NULL);
#undef REFUSED_WITH
    assert_int_equal(lesson_store_executor_run(executor, &bad, 0), LESSON_STORE_INVALID);
    assert_int_equal(bad.code, LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_executor_run(NULL, &good, 0), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_executor_run(executor, NULL, 0), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_executor_cancel(NULL, 1), LESSON_STORE_INVALID);
    assert_int_equal(gate_figures(executor).accepted, 0);
    gated_close(&other);
    gated_close(&gated);
    assert_int_equal(witness.calls, 0);
    assert_int_equal(the_gate.runs, 0);
}

static void unsound_options_are_refused(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    lesson_store_executor *executor = gated.executor;
    const lesson_store_executor_options good = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    for (int i = 0; i < 5; i++) {
        lesson_store_executor_options bad = good;
        uint32_t *const fields[] = {&bad.lanes, &bad.pending_max, &bad.batch_max};
        const uint32_t over[] = {LESSON_STORE_EXECUTOR_LANES_MAX + 1, LESSON_STORE_EXECUTOR_PENDING_MAX + 1,
                                 LESSON_STORE_BATCH_MAX + 1};
        if (i < 3)
            *fields[i] = over[i];
        else if (i == 3)
            bad.size--;
        else
            bad.sweep_every_ms = LESSON_STORE_EXECUTOR_SWEEP_MAX_MS + 1;
        executor = gated.executor;
        assert_int_equal(lesson_store_executor_open(&executor, gated.store, &bad), LESSON_STORE_INVALID);
        assert_null(executor);
    }
    assert_int_equal(lesson_store_executor_open(&executor, NULL, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_executor_open(NULL, gated.store, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_executor_open(&executor, gated.store, NULL), LESSON_STORE_OK);
    lesson_store_executor_close(executor);
    lesson_store_executor_close(NULL);
    gated_close(&gated);
}

static void run_answers_like_a_single_call(void **state) {
    (void)state;
    struct gated gated = gated_open(2, 8, 8);
    lesson_store_place place;
    the_gate.answer = return_a_place;

    lesson_store_operation where = gate_where("ann");
    where.place = &place;
    assert_int_equal(lesson_store_executor_run(gated.executor, &where, 0), LESSON_STORE_OK);
    assert_string_equal(place.lesson_id, "history-1");

    /* The ids may lie in the place that was just returned. */
    lesson_store_operation quit = {.kind = LESSON_STORE_OPERATION_QUIT};
    quit.uid = lesson_store_id_of("ann");
    quit.lesson_id = lesson_store_id_of(place.lesson_id);
    quit.place = &place;
    assert_int_equal(lesson_store_executor_run(gated.executor, &quit, 0), LESSON_STORE_OK);
    assert_string_equal(the_gate.seen[1], "ann history-1");

    /* An answer without a place leaves it unchanged. */
    strcpy(place.lesson_id, "mine");
    where = gate_where("nobody");
    where.place = &place;
    assert_int_equal(lesson_store_executor_run(gated.executor, &where, 0), LESSON_STORE_NOT_FOUND);
    assert_int_equal(where.code, LESSON_STORE_NOT_FOUND);
    assert_string_equal(place.lesson_id, "mine");
    gated_close(&gated);
}

static void run_says_why_it_failed(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    the_gate.answer = fail_one;
    lesson_store_operation where = gate_where("failing");
    assert_int_equal(lesson_store_executor_run(gated.executor, &where, 0), LESSON_STORE_MALFORMED);
    assert_int_equal(where.code, LESSON_STORE_MALFORMED);
    assert_string_equal(lesson_store_message(), "what is wrong with failing");
    gated_close(&gated);
}

static void get_seven(lesson_store_operation *operation) {
    operation->lesson = (lesson_store_lesson){
        .lesson_id = operation->lesson_id, .member_count = 7, .course_status = 1, .has_record = true};
}

static void an_answer_names_the_callers_own_lesson_id(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    the_gate.answer = get_seven;
    lesson_store_operation get = {.kind = LESSON_STORE_OPERATION_GET_LESSON};
    get.lesson_id = lesson_store_id_of("lesson");
    lesson_store_place place = {.lesson_id = "mine"};
    get.place = &place; /* get_lesson returns no place */
    assert_int_equal(lesson_store_executor_run(gated.executor, &get, 0), LESSON_STORE_OK);
    assert_string_equal(place.lesson_id, "mine");
    assert_int_equal(get.lesson.member_count, 7);
    assert_ptr_equal(get.lesson.lesson_id.data, get.lesson_id.data);
    struct witness witness = {0};
    gate_submit(gated.executor, &get, 0, NULL, &witness);
    witness_wait(&witness);
    assert_ptr_equal(witness.operation.lesson.lesson_id.data, witness.operation.lesson_id.data);
    assert_ptr_not_equal(witness.operation.lesson_id.data, get.lesson_id.data);
    gated_close(&gated);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lane_keeps_the_order_of_all),
        cmocka_unit_test(several_lanes_keep_the_order_of_a_user),
        cmocka_unit_test(operations_on_a_lesson_keep_their_order),
        cmocka_unit_test(what_gathers_goes_as_one_batch),
        cmocka_unit_test(more_than_pending_max_are_overloaded),
        cmocka_unit_test(the_ids_are_copied),
        cmocka_unit_test(a_place_is_the_executors_own),
        cmocka_unit_test(the_message_speaks_of_the_failure),
        cmocka_unit_test(a_batch_that_fails_answers_everyone),
        cmocka_unit_test(unsound_operations_are_answered_at_once),
        cmocka_unit_test(unsound_options_are_refused),
        cmocka_unit_test(run_answers_like_a_single_call),
        cmocka_unit_test(run_says_why_it_failed),
        cmocka_unit_test(an_answer_names_the_callers_own_lesson_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
