/* The backend that stands before a store's own and makes faults. It hands on what it knows: an operation, flag, call or
 * capability that is added one day is UNSUPPORTED over it until it says here how such a thing fails. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"

typedef struct fault_instance {
    lesson_store_instance base;
    lesson_store_faults *faults;
    lesson_store_instance *inner;
} fault_instance;

static fault_instance *fault_of(lesson_store_instance *instance) {
    return (fault_instance *)instance;
}

const lesson_store_instance *lesson_store_fault_inner(const lesson_store_instance *instance) {
    return instance ? ((const fault_instance *)instance)->inner : NULL;
}

/* ---- Opening and closing */

static int open_inner(fault_instance *opened, const lesson_store_location *location) {
    lesson_store_faults *faults = opened->faults;
    lesson_store_fault_target target = {LESSON_STORE_FAULT_ON_OPEN, true};
    lesson_store_strike strike = lesson_store_faults_watch(faults, target);
    if (strike.struck)
        lesson_store_faults_wait(faults, &strike);
    if (strike.code)
        return lesson_store_faults_announce(faults, &strike);
    int code = faults->inner.open(&opened->inner, location);
    if (code)
        return code;
    opened->inner->backend = &faults->inner;
    opened->base.capabilities = opened->inner->capabilities &
                                (LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_PERSIST);
    return LESSON_STORE_OK;
}

static int fault_open(lesson_store_instance **out, const lesson_store_location *location) {
    fault_instance *opened = calloc(1, sizeof *opened);
    if (!opened)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a store");
    opened->faults = location->faults;
    int code = open_inner(opened, location);
    if (code)
        free(opened);
    else
        *out = &opened->base;
    return code;
}

static void fault_close(lesson_store_instance *instance) {
    fault_instance *fault = fault_of(instance);
    fault->faults->inner.close(fault->inner);
    free(fault);
}

/* ---- Batches */

static bool any_writes(const lesson_store_operation *operations, size_t count) {
    size_t i = 0;
    while (i < count && !lesson_store_operation_writes(&operations[i]))
        i++;
    return i < count;
}

/* Fails the operations from `first` on: those to before `sent` with the strike's code, and those behind as not sent. */
static int fail_from(const lesson_store_faults *faults, lesson_store_strike *strike, lesson_store_operation *operations,
                     size_t first, size_t sent, size_t count) {
    for (size_t i = first; i < sent; i++)
        operations[i].code = LESSON_STORE_UNANSWERED;
    /* One struck operation that only reads may take others with it that write. */
    if (strike->fault.code == LESSON_STORE_UNKNOWN && any_writes(operations + first, sent - first))
        strike->code = LESSON_STORE_UNKNOWN;
    lesson_store_fail_operations(operations, first, sent, strike->code);
    lesson_store_fail_operations(operations, sent, count, lesson_store_code_of_unsent(strike->code));
    return lesson_store_faults_announce(faults, strike);
}

/* `at` is the operation that is struck and does not fail alone, or `count`. */
static int run_struck(fault_instance *fault, lesson_store_strike *strike, lesson_store_operation *operations,
                      size_t count, size_t at) {
    bool whole = strike->fault.scope == LESSON_STORE_FAULT_SCOPE_BATCH && at < count;
    size_t first = whole ? 0 : at;
    size_t sent = whole || at == count ? count : at + 1;
    size_t applied = strike->fault.after_applying ? sent : first;
    int code = lesson_store_run_stretches(&fault->faults->inner, fault->inner, operations, applied);
    if (code) {
        lesson_store_fail_operations(operations, applied, count, lesson_store_code_of_unsent(code));
        return code;
    }
    return at < count ? fail_from(fault->faults, strike, operations, first, sent, count) : LESSON_STORE_OK;
}

static int fault_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    fault_instance *fault = fault_of(instance);
    size_t at;
    lesson_store_strike strike = lesson_store_faults_watch_batch(fault->faults, operations, count, &at);
    if (!strike.struck)
        return fault->faults->inner.run(fault->inner, operations, count);
    lesson_store_faults_wait(fault->faults, &strike);
    if (strike.code && at == count)
        lesson_store_faults_announce(fault->faults, &strike); /* each that is struck has its code already */
    return run_struck(fault, &strike, operations, count, at);
}

/* ---- Streams */

/* A stream under way: it is stopped after `left` items, if it is to fail there. */
typedef struct fault_stream {
    fault_instance *fault;
    lesson_store_strike strike;
    uint64_t left;
    bool stopped; /* by the caller */
    union {
        lesson_store_member_callback member;
        lesson_store_lesson_callback lesson;
        lesson_store_user_callback user;
        lesson_store_finding_callback finding;
    } callback;
    void *context;
} fault_stream;

static bool go_on(fault_stream *stream, bool wanted) {
    stream->stopped = !wanted;
    return wanted && --stream->left > 0;
}

static bool give_member(lesson_store_id uid, void *context) {
    fault_stream *stream = context;
    return go_on(stream, stream->callback.member(uid, stream->context));
}

static bool give_lesson(const lesson_store_lesson *lesson, void *context) {
    fault_stream *stream = context;
    return go_on(stream, stream->callback.lesson(lesson, stream->context));
}

static bool give_user(const lesson_store_user *user, void *context) {
    fault_stream *stream = context;
    return go_on(stream, stream->callback.user(user, stream->context));
}

static bool give_finding(const lesson_store_finding *finding, void *context) {
    fault_stream *stream = context;
    return go_on(stream, stream->callback.finding(finding, stream->context));
}

/* How many items it gives before it fails. A repair is all done or not begun. */
static uint64_t items_of(const lesson_store_strike *strike, lesson_store_fault_target target) {
    if (!strike->code)
        return UINT64_MAX;
    if (target.writes)
        return strike->fault.after_applying ? UINT64_MAX : 0;
    return strike->code == LESSON_STORE_MALFORMED ? UINT64_MAX : strike->fault.items;
}

static void begin(fault_stream *stream, lesson_store_instance *instance, lesson_store_fault_target target,
                  void *context) {
    stream->fault = fault_of(instance);
    stream->context = context;
    stream->stopped = false;
    stream->strike = lesson_store_faults_watch(stream->fault->faults, target);
    stream->left = items_of(&stream->strike, target);
    if (stream->strike.struck)
        lesson_store_faults_wait(stream->fault->faults, &stream->strike);
}

/* `code` is what the stream beneath has returned. */
static int end(const fault_stream *stream, int code) {
    if (code || stream->stopped || !stream->strike.code)
        return code;
    return lesson_store_faults_announce(stream->fault->faults, &stream->strike);
}

static int fault_members(lesson_store_instance *instance, lesson_store_id lesson_id,
                         lesson_store_member_callback callback, void *context) {
    const lesson_store_fault_target target = {LESSON_STORE_FAULT_ON_MEMBERS, false};
    fault_stream stream = {.callback.member = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->faults->inner.members(fault->inner, lesson_id, give_member, &stream) : 0);
}

static int fault_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    const lesson_store_fault_target target = {LESSON_STORE_FAULT_ON_LESSONS, false};
    fault_stream stream = {.callback.lesson = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->faults->inner.lessons(fault->inner, give_lesson, &stream) : 0);
}

static int fault_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    const lesson_store_fault_target target = {LESSON_STORE_FAULT_ON_USERS, false};
    fault_stream stream = {.callback.user = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->faults->inner.users(fault->inner, give_user, &stream) : 0);
}

static int fault_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                       void *context) {
    const lesson_store_fault_target target = {LESSON_STORE_FAULT_ON_CHECK, flags & LESSON_STORE_CHECK_REPAIR};
    fault_stream stream = {.callback.finding = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->faults->inner.check(fault->inner, flags, give_finding, &stream) : 0);
}

/* ---- Information */

static int fault_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context) {
    fault_instance *fault = fault_of(instance);
    lesson_store_faults *faults = fault->faults;
    char text[384] = "none", struck[24];
    pthread_mutex_lock(&faults->mutex);
    if (faults->is_set)
        lesson_store_fault_describe(text, sizeof text, &faults->fault);
    snprintf(struck, sizeof struck, "%" PRIu64, faults->struck);
    pthread_mutex_unlock(&faults->mutex);
    if (!callback("fault", text, context) || !callback("faults_struck", struck, context) || !faults->inner.info)
        return LESSON_STORE_OK;
    return faults->inner.info(fault->inner, callback, context);
}

lesson_store_backend lesson_store_fault_backend_over(const lesson_store_backend *inner) {
    const lesson_store_backend backend = {
        .size = sizeof(lesson_store_backend),
        .schemes = inner->schemes,
        .summary = inner->summary,
        .operations = inner->operations & LESSON_STORE_ALL_OPERATIONS,
        .flags = inner->flags & LESSON_STORE_ALL_FLAGS,
        .options = inner->options,
        .default_pool = inner->default_pool,
        .open = fault_open,
        .close = fault_close,
        .run = fault_run,
        .members = inner->members ? fault_members : NULL,
        .lessons = inner->lessons ? fault_lessons : NULL,
        .users = inner->users ? fault_users : NULL,
        .check = inner->check ? fault_check : NULL,
        .info = fault_info,
    };
    return backend;
}
