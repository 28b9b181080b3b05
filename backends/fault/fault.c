/* The prefix backend that makes faults. It passes on only what it knows: a future operation, flag, call or capability
 * is UNSUPPORTED through it until its fault is defined here. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"

typedef struct fault_instance {
    lesson_store_instance base;
    fault_state *faults;
    const lesson_store_backend *beneath;
    lesson_store_instance *inner; /* of the backend behind it */
} fault_instance;

static fault_instance *fault_of(lesson_store_instance *instance) {
    return (fault_instance *)instance;
}

/* Passes the deadline of the call on. */
static fault_instance *enter(lesson_store_instance *instance) {
    fault_instance *fault = fault_of(instance);
    if (fault->base.call_timeout_ms)
        fault->inner->deadline_us = fault->base.deadline_us;
    return fault;
}

/* ---- Opening and closing */

/* Finds the state of the store that this location opens. The first instance makes the state. */
static int find_state(fault_state **out, const lesson_store_location *location, const fault_instance *first) {
    if (first) {
        *out = fault_state_share(first->faults);
        return LESSON_STORE_OK;
    }
    int code = fault_state_open(out, lesson_store_location_shown(location));
    if (code)
        return code;
    code = fault_state_set_by_location(*out, location);
    if (code)
        fault_state_release(*out);
    return code;
}

static int open_inner(fault_instance *opened, const lesson_store_location *location, const fault_instance *first) {
    const fault_target target = {LESSON_STORE_FAULT_ON_OPEN, true};
    fault_strike strike = fault_watch(opened->faults, target);
    if (strike.struck)
        fault_wait(opened->faults, &strike);
    if (strike.code)
        return fault_announce(opened->faults, &strike);
    int code = lesson_store_open_beneath(&opened->inner, location, first ? first->inner : NULL);
    if (code)
        return code;
    opened->base.capabilities = opened->inner->capabilities & (LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_SHARE |
                                                               LESSON_STORE_CAN_PERSIST | LESSON_STORE_CAN_ADMIT);
    opened->base.end_at_once_max = opened->inner->end_at_once_max;
    opened->base.members_at_once_max = opened->inner->members_at_once_max;
    opened->base.exceptions = opened->inner->exceptions;
    opened->base.call_timeout_ms = opened->inner->call_timeout_ms;
    opened->base.events_poll_ms = opened->inner->events_poll_ms;
    return LESSON_STORE_OK;
}

static int fault_open(lesson_store_instance **out, const lesson_store_location *location) {
    const fault_instance *first = (const fault_instance *)lesson_store_location_first(location);
    fault_instance *opened = calloc(1, sizeof *opened);
    if (!opened)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a store");
    opened->beneath = lesson_store_location_beneath(location);
    int code = find_state(&opened->faults, location, first);
    if (code) {
        free(opened);
        return code;
    }
    code = open_inner(opened, location, first);
    if (code) {
        fault_state_release(opened->faults);
        free(opened);
        return code;
    }
    *out = &opened->base;
    return LESSON_STORE_OK;
}

static void fault_close(lesson_store_instance *instance) {
    fault_instance *fault = fault_of(instance);
    fault->beneath->close(fault->inner);
    fault_state_release(fault->faults);
    free(fault);
}

/* ---- Batches */

/* Fails the operations from `first` on: those before `sent` with the strike's code, the others as not sent. */
static int fail_from(const fault_state *faults, fault_strike *strike, lesson_store_operation *operations, size_t first,
                     size_t sent, size_t count) {
    for (size_t i = first; i < sent; i++)
        operations[i].code = LESSON_STORE_UNANSWERED;
    /* A struck operation that only reads can fail together with others that write. */
    if (strike->fault.code == LESSON_STORE_UNKNOWN && lesson_store_any_writes(operations + first, sent - first))
        strike->code = LESSON_STORE_UNKNOWN;
    int code = fault_announce(faults, strike);
    lesson_store_fail_operations(operations, first, sent, code);
    lesson_store_fail_operations(operations, sent, count, lesson_store_code_of_unsent(code));
    return code;
}

/* `at` is the struck operation that does not fail alone, or `count`. */
static int run_struck(fault_instance *fault, fault_strike *strike, lesson_store_operation *operations, size_t count,
                      size_t at) {
    bool whole = strike->fault.scope == LESSON_STORE_FAULT_SCOPE_BATCH && at < count;
    size_t first = whole ? 0 : at;
    size_t sent = whole || at == count ? count : at + 1;
    size_t applied = strike->fault.after_applying ? sent : first;
    int code = lesson_store_run_unanswered(fault->beneath, fault->inner, operations, applied);
    if (code) {
        lesson_store_fail_operations(operations, applied, count, lesson_store_code_of_unsent(code));
        return code;
    }
    return at < count ? fail_from(fault->faults, strike, operations, first, sent, count) : LESSON_STORE_OK;
}

static int fault_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    fault_instance *fault = enter(instance);
    size_t at;
    fault_strike strike = fault_watch_batch(fault->faults, operations, count, &at);
    if (!strike.struck)
        return fault->beneath->run(fault->inner, operations, count);
    fault_wait(fault->faults, &strike);
    return run_struck(fault, &strike, operations, count, at);
}

/* ---- Lists and check */

/* A list that runs. If it is to fail, it is stopped after `left` entries. */
typedef struct fault_stream {
    fault_instance *fault;
    fault_strike strike;
    uint64_t left;
    bool stopped; /* the caller stopped it */
    union {
        lesson_store_member_callback member;
        lesson_store_lesson_callback lesson;
        lesson_store_user_callback user;
        lesson_store_finding_callback finding;
        lesson_store_owner_callback owner;
        lesson_store_banned_callback banned;
    } callback;
    void *context;
} fault_stream;

static bool go_on(fault_stream *stream, bool wanted) {
    stream->stopped = !wanted;
    return wanted && --stream->left > 0;
}

static bool give_member(const lesson_store_id *uid, void *context) {
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

static bool give_owner(const lesson_store_owner *owner, void *context) {
    fault_stream *stream = context;
    return go_on(stream, stream->callback.owner(owner, stream->context));
}

static bool give_banned(const lesson_store_banned *banned, void *context) {
    fault_stream *stream = context;
    return go_on(stream, stream->callback.banned(banned, stream->context));
}

static bool give_finding(const lesson_store_finding *finding, void *context) {
    fault_stream *stream = context;
    return go_on(stream, stream->callback.finding(finding, stream->context));
}

/* The number of entries before the failure. A repair is either complete or not begun. */
static uint64_t items_of(const fault_strike *strike, fault_target target) {
    if (!strike->code)
        return UINT64_MAX;
    if (target.writes)
        return strike->fault.after_applying ? UINT64_MAX : 0;
    return strike->code == LESSON_STORE_MALFORMED ? UINT64_MAX : strike->fault.items;
}

static void begin(fault_stream *stream, lesson_store_instance *instance, fault_target target, void *context) {
    stream->fault = enter(instance);
    stream->context = context;
    stream->stopped = false;
    stream->strike = fault_watch(stream->fault->faults, target);
    stream->left = items_of(&stream->strike, target);
    if (stream->strike.struck)
        fault_wait(stream->fault->faults, &stream->strike);
}

/* `code` is the code that the backend behind returned. */
static int end(const fault_stream *stream, int code) {
    if (code < 0 || stream->stopped || !stream->strike.code)
        return code;
    return fault_announce(stream->fault->faults, &stream->strike);
}

static int fault_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                         lesson_store_member_callback callback, void *context) {
    const fault_target target = {LESSON_STORE_FAULT_ON_MEMBERS, false};
    fault_stream stream = {.callback.member = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->beneath->members(fault->inner, lesson_id, give_member, &stream) : 0);
}

static int fault_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    const fault_target target = {LESSON_STORE_FAULT_ON_LESSONS, false};
    fault_stream stream = {.callback.lesson = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->beneath->lessons(fault->inner, give_lesson, &stream) : 0);
}

static int fault_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                              lesson_store_lesson_callback callback, void *context) {
    const fault_target target = {LESSON_STORE_FAULT_ON_LESSONS, false};
    fault_stream stream = {.callback.lesson = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->beneath->find_lessons(fault->inner, filter, give_lesson, &stream) : 0);
}

static int fault_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    const fault_target target = {LESSON_STORE_FAULT_ON_USERS, false};
    fault_stream stream = {.callback.user = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->beneath->users(fault->inner, give_user, &stream) : 0);
}

static int fault_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                       void *context) {
    const fault_target target = {LESSON_STORE_FAULT_ON_CHECK, (flags & LESSON_STORE_CHECK_REPAIR) != 0};
    fault_stream stream = {.callback.finding = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->beneath->check(fault->inner, flags, give_finding, &stream) : 0);
}

static int fault_sweep(lesson_store_instance *instance, const lesson_store_id *dropped,
                       lesson_store_user_callback callback, void *context) {
    const fault_target target = {LESSON_STORE_FAULT_ON_SWEEP, true};
    fault_stream stream = {.callback.user = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->beneath->sweep(fault->inner, dropped, give_user, &stream) : 0);
}

static int fault_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context) {
    const fault_target target = {LESSON_STORE_FAULT_ON_OWNERS, false};
    fault_stream stream = {.callback.owner = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->beneath->owners(fault->inner, give_owner, &stream) : 0);
}

static int fault_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                      lesson_store_banned_callback callback, void *context) {
    const fault_target target = {LESSON_STORE_FAULT_ON_BANS, false};
    fault_stream stream = {.callback.banned = callback};
    begin(&stream, instance, target, context);
    const fault_instance *fault = stream.fault;
    return end(&stream, stream.left ? fault->beneath->bans(fault->inner, lesson_id, give_banned, &stream) : 0);
}

/* ---- Pages. A struck page does not reach the backend behind. The exception is MALFORMED, after which the list goes
 * on. */

static int strike_page(fault_instance *fault, uint64_t on, int *malformed) {
    const fault_target target = {on, false};
    fault_strike strike = fault_watch(fault->faults, target);
    *malformed = LESSON_STORE_OK;
    if (!strike.struck)
        return LESSON_STORE_OK;
    fault_wait(fault->faults, &strike);
    if (!strike.code)
        return LESSON_STORE_OK;
    int code = fault_announce(fault->faults, &strike);
    if (code != LESSON_STORE_MALFORMED)
        return code;
    *malformed = code;
    return LESSON_STORE_OK;
}

static int fault_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                              lesson_store_position *position, lesson_store_member_callback callback, void *context) {
    fault_instance *fault = enter(instance);
    int malformed, code = strike_page(fault, LESSON_STORE_FAULT_ON_MEMBERS, &malformed);
    if (!code)
        code = fault->beneath->members_page(fault->inner, lesson_id, most, position, callback, context);
    return code ? code : malformed;
}

static int fault_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                              lesson_store_lesson_callback callback, void *context) {
    fault_instance *fault = enter(instance);
    int malformed, code = strike_page(fault, LESSON_STORE_FAULT_ON_LESSONS, &malformed);
    if (!code)
        code = fault->beneath->lessons_page(fault->inner, most, position, callback, context);
    return code ? code : malformed;
}

static int fault_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                                   size_t most, lesson_store_position *position, lesson_store_lesson_callback callback,
                                   void *context) {
    fault_instance *fault = enter(instance);
    int malformed, code = strike_page(fault, LESSON_STORE_FAULT_ON_LESSONS, &malformed);
    if (!code)
        code = fault->beneath->find_lessons_page(fault->inner, filter, most, position, callback, context);
    return code ? code : malformed;
}

static int fault_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                            lesson_store_user_callback callback, void *context) {
    fault_instance *fault = enter(instance);
    int malformed, code = strike_page(fault, LESSON_STORE_FAULT_ON_USERS, &malformed);
    if (!code)
        code = fault->beneath->users_page(fault->inner, most, position, callback, context);
    return code ? code : malformed;
}

/* A struck page of events is read again by core, which tells the feeds of the failure. */
static int fault_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most,
                        int64_t wait_ms, lesson_store_event_taker take, void *context) {
    fault_instance *fault = enter(instance);
    int malformed, code = strike_page(fault, LESSON_STORE_FAULT_ON_EVENTS, &malformed);
    if (!code)
        code = malformed;
    return code ? code : fault->beneath->events(fault->inner, position, most, wait_ms, take, context);
}

/* ---- Information */

static int fault_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context) {
    fault_instance *fault = enter(instance);
    fault_state *faults = fault->faults;
    char text[384] = "none", struck[24];
    pthread_mutex_lock(&faults->mutex);
    if (faults->is_set)
        fault_describe(text, sizeof text, &faults->fault);
    snprintf(struck, sizeof struck, "%" PRIu64, faults->struck);
    pthread_mutex_unlock(&faults->mutex);
    if (!callback("fault", text, context) || !callback("faults_struck", struck, context) || !fault->beneath->info)
        return LESSON_STORE_OK;
    return fault->beneath->info(fault->inner, callback, context);
}

extern const lesson_store_backend lesson_store__fault_backend;

const lesson_store_backend lesson_store__fault_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "fault+",
    .summary = "before another backend, makes it fail on purpose",
    .operations = LESSON_STORE_OPERATIONS_0_2,
    .flags = LESSON_STORE_FLAGS_0_2,
    .options = fault_options,
    .open = fault_open,
    .close = fault_close,
    .run = fault_run,
    .members = fault_members,
    .lessons = fault_lessons,
    .users = fault_users,
    .check = fault_check,
    .info = fault_info,
    .members_page = fault_members_page,
    .lessons_page = fault_lessons_page,
    .users_page = fault_users_page,
    .sweep = fault_sweep,
    .owners = fault_owners,
    .bans = fault_bans,
    .find_lessons = fault_find_lessons,
    .find_lessons_page = fault_find_lessons_page,
    .events = fault_events,
};

/* ---- The public calls */

void lesson_store_fault_init(lesson_store_fault *fault, size_t size, int32_t code) {
    if (size < offsetof(lesson_store_fault, code) + sizeof code)
        return;
    memset(fault, 0, size);
    fault->size = size;
    fault->code = code;
}

/* NULL with a code if the store has no faults. The state has its own lock, so no instance is lent. */
static fault_state *state_of(const lesson_store *store, int *code) {
    *code = LESSON_STORE_OK;
    const lesson_store_instance *first = lesson_store_first_instance(store, &lesson_store__fault_backend);
    if (!store)
        *code = lesson_store_fail(LESSON_STORE_INVALID, "fault: no store");
    else if (!first)
        *code = lesson_store_fail(LESSON_STORE_UNSUPPORTED, "fault: the store was not opened at fault+...");
    return first ? ((const fault_instance *)first)->faults : NULL;
}

#define FAULT_SIZE_0_1 (offsetof(lesson_store_fault, delay_ms) + sizeof(int64_t)) /* the size in version 0.1 */

int lesson_store_fault_set(lesson_store *store, const lesson_store_fault *fault) {
    int code;
    fault_state *faults = state_of(store, &code);
    lesson_store_fault known;
    if (!faults)
        return code;
    if (!fault || !lesson_store_sized_read(&known, sizeof known, fault, FAULT_SIZE_0_1))
        return lesson_store_fail(LESSON_STORE_INVALID, "fault: begin with LESSON_STORE_FAULT_INIT");
    return fault_state_set(faults, &known);
}

int lesson_store_fault_clear(lesson_store *store) {
    int code;
    fault_state *faults = state_of(store, &code);
    if (faults)
        fault_state_clear(faults);
    return code;
}

int lesson_store_fault_struck(lesson_store *store, uint64_t *struck) {
    int code;
    fault_state *faults = state_of(store, &code);
    if (!faults)
        return code;
    if (!struck)
        return lesson_store_fail(LESSON_STORE_INVALID, "fault: no argument for the number");
    *struck = fault_state_struck(faults);
    return LESSON_STORE_OK;
}
