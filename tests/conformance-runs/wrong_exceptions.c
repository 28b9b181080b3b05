/* Backends that declare exceptions, and backends that would have to. All share one engine, so that threads meet in it.
 * None has a feed, which could not tell of a step as of one event. */
#include <time.h>

#include "wrapper_shared.h"
#include "wrong_backends.h"

#define REORDERED_MAX 64 /* operations; larger batches run in order */

/* Long compared with a call, so that another thread does come between two steps. */
static void pause_between(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* ---- Operations in steps */

/* Removes the record first, and then puts the members out. */
static void end_in_steps(lesson_store_instance *instance, lesson_store_operation *end) {
    lesson_store_operation record = {.kind = LESSON_STORE_OPERATION_END, .flags = LESSON_STORE_END_RECORD_ONLY};
    record.lesson_id = end->lesson_id;
    wrapper_shared_run(instance, &record, 1);
    if (record.code == LESSON_STORE_OK)
        pause_between();
    wrapper_shared_run(instance, end, 1);
    if (record.code == LESSON_STORE_OK && end->code == LESSON_STORE_NOT_FOUND) {
        end->code = LESSON_STORE_OK;
        end->count = 0;
    }
}

/* Judges this flag by a look, and joins without it afterwards. */
static void join_after_look(lesson_store_instance *instance, lesson_store_operation *join) {
    lesson_store_operation get = {.kind = LESSON_STORE_OPERATION_GET_LESSON};
    get.lesson_id = join->lesson_id;
    wrapper_shared_run(instance, &get, 1);
    uint32_t flags = join->flags;
    lesson_store_lesson none = {.course_status = LESSON_STORE_STATUS_NONE};
    bool admits = !lesson_store_admit(join, get.code ? &none : &get.lesson, LESSON_STORE_STANDING_NOWHERE, false);
    if (admits) {
        pause_between();
        join->flags = 0;
    }
    wrapper_shared_run(instance, join, 1);
    join->flags = flags;
}

/* What a backend does in steps. */
static uint64_t steps_of_run;
#define ENDS (UINT64_C(1) << 40)

static void run_one(lesson_store_instance *instance, lesson_store_operation *operation, int *code) {
    bool joins = operation->kind == LESSON_STORE_OPERATION_JOIN && operation->flags;
    bool ends = operation->kind == LESSON_STORE_OPERATION_END && !operation->flags;
    if (wrapper_engine_is_broken)
        *code = wrapper_fail();
    else if (joins && !(operation->flags & ~steps_of_run))
        join_after_look(instance, operation);
    else if (ends && steps_of_run & ENDS)
        end_in_steps(instance, operation);
    else
        *code = wrapper_shared_run(instance, operation, 1);
}

static int run_in_steps(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++)
        run_one(instance, &operations[i], &code);
    return code;
}

/* ---- Another order */

static bool name_the_same(const lesson_store_operation *left, const lesson_store_operation *right) {
    return (left->uid.data && lesson_store_id_equal(left->uid, right->uid)) ||
           (left->lesson_id.data && lesson_store_id_equal(left->lesson_id, right->lesson_id));
}

static bool must_wait(const lesson_store_operation *operations, size_t at) {
    for (size_t i = 0; i < at; i++) {
        if (operations[i].code == LESSON_STORE_UNANSWERED && name_the_same(&operations[i], &operations[at]))
            return true;
    }
    return false;
}

/* Runs the last operation first that need not wait for an earlier one. */
static int run_in_another_order(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    if (count > REORDERED_MAX)
        return run_in_steps(instance, operations, count);
    int code = LESSON_STORE_OK;
    for (size_t done = 0; done < count && !code; done++) {
        size_t at = count - 1;
        while (operations[at].code != LESSON_STORE_UNANSWERED || must_wait(operations, at))
            at--;
        run_one(instance, &operations[at], &code);
    }
    return code;
}

static int run_backwards(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = count; i-- > 0 && !code;)
        run_one(instance, &operations[i], &code);
    return code;
}

/* ---- The tables */

static int open_excepting(lesson_store_instance **out, const lesson_store_location *location) {
    lesson_store_backend shared = wrapper_backend();
    wrapper_shared_table(&shared);
    int code = shared.open(out, location);
    if (!code)
        (*out)->exceptions = LESSON_STORE_EXCEPTIONS_0_2;
    return code;
}

static void keeping_table(lesson_store_backend *table) {
    wrapper_shared_table(table);
    table->run = run_in_steps;
    table->events = NULL;
}

static void excepting_table(lesson_store_backend *table) {
    keeping_table(table);
    table->open = open_excepting;
}

static void excepts_all_table(lesson_store_backend *table) {
    excepting_table(table);
    table->run = run_in_another_order;
    steps_of_run = ENDS | LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN;
}

static void backwards_table(lesson_store_backend *table) {
    excepting_table(table);
    table->run = run_backwards;
}

static void quits_first_table(lesson_store_backend *table) {
    excepting_table(table);
    table->run = join_quits_first;
}

static void room_by_look_table(lesson_store_backend *table) {
    excepting_table(table);
    steps_of_run = LESSON_STORE_JOIN_IF_ROOM;
}

static void ends_in_steps_table(lesson_store_backend *table) {
    keeping_table(table);
    steps_of_run = ENDS;
}

static void open_by_look_table(lesson_store_backend *table) {
    keeping_table(table);
    steps_of_run = LESSON_STORE_JOIN_IF_OPEN;
}

static void other_order_table(lesson_store_backend *table) {
    keeping_table(table);
    table->run = run_in_another_order;
}

static void describe_keeping(lesson_store_conformance_backend *description) {
    describe_shared(description);
    description->calls &= ~(uint64_t)LESSON_STORE_CALL_FEED;
}

static void describe_excepting(lesson_store_conformance_backend *description) {
    describe_keeping(description);
    description->exceptions = LESSON_STORE_EXCEPTIONS_0_2;
}

void describe_exceptions(lesson_store_conformance_backend *description) {
    description->exceptions = LESSON_STORE_EXCEPT_STEPS;
}

const wrong_backend wrong_exceptions[] = {
    {"nothing-wrong-but-exceptions", "none", "", excepts_all_table, describe_excepting},
    {"excepts-and-runs-backwards", "BATCH-1",
     "BAN-* BATCH-* COUNT-* CREATE-* END-* GET-* ID-* JOIN-* LESSONS-* MEMBERS-* OUTPUT-* OWNER-* QUIT-* SET-* USERS-* "
     "WHERE-*",
     backwards_table, describe_excepting},
    {"excepts-and-quits-first", "THREAD-1", "THREAD-3 THREAD-4 JOIN-15 QUIT-4 OWNER-2 OWNER-3", quits_first_table,
     describe_excepting},
    {"excepts-and-exceeds-capacity", "THREAD-3 JOIN-13", "JOIN-*", room_by_look_table, describe_excepting},
    {"ends-in-steps", "THREAD-5", "END-1", ends_in_steps_table, describe_keeping},
    {"open-by-a-look", "THREAD-6", "JOIN-*", open_by_look_table, describe_keeping},
    {"other-order", "BATCH-7",
     "BAN-* BATCH-* COUNT-* CREATE-* END-* GET-* ID-* JOIN-* LESSONS-* MEMBERS-* OUTPUT-* OWNER-* QUIT-* SET-* USERS-* "
     "WHERE-*",
     other_order_table, describe_keeping},
    {.name = NULL},
};
