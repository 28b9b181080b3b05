/* What a client does, and how it records it. */
#include <sched.h>
#include <stdio.h>

#include <lessonstore/backend.h>

#include "clients.h"

/* ---- Recording */

uint32_t client_now(const client_seat *seat) {
    return atomic_fetch_add(&seat->shared->clock, 1);
}

static void note(const client_seat *seat, int code, const char *message) {
    if (atomic_exchange(&seat->self->failure, code) == 0)
        snprintf(seat->self->message, sizeof seat->self->message, "%s", message);
}

static bool is_expected(const client_seat *seat, int code) {
    bool by_executor = seat->mode->way == CLIENTS_BY_EXECUTOR;
    if (code >= 0)
        return true;
    if (code == LESSON_STORE_EXPIRED || code == LESSON_STORE_CANCELLED)
        return by_executor;
    return seat->mode->may_fail || (by_executor && code == LESSON_STORE_UNKNOWN);
}

static history_outcome outcome_of(const history_call *call) {
    lesson_store_operation operation = {.kind = call->call.kind};
    int code = call->answer.operation.code;
    if (code >= 0)
        return HISTORY_ANSWERED;
    return code == LESSON_STORE_UNKNOWN && lesson_store_operation_writes(&operation) ? HISTORY_PENDING : HISTORY_VOID;
}

static void settle(const client_seat *seat, history_call *call, uint32_t at) {
    int code = call->answer.operation.code;
    if (!is_expected(seat, code))
        note(seat, code, lesson_store_message());
    call->settled = at;
    call->outcome = (uint8_t)outcome_of(call);
}

/* ---- Lists */

typedef struct listing_hearing {
    history_answer *answer;
    bool is_odd; /* a name that no test uses, or one listed twice */
} listing_hearing;

static bool hear_member(const lesson_store_id *uid, void *context) {
    listing_hearing *hearing = context;
    int number = vocabulary_number(awkward_vocabulary.users, MODEL_USERS, *uid);
    hearing->is_odd = hearing->is_odd || number < 0 || hearing->answer->members >> number & 1;
    if (number >= 0)
        hearing->answer->members |= UINT32_C(1) << number;
    return !hearing->is_odd;
}

static bool hear_lesson(const lesson_store_lesson *lesson, void *context) {
    listing_hearing *hearing = context;
    int number = vocabulary_number(awkward_vocabulary.lessons, MODEL_LESSONS, lesson->lesson_id);
    hearing->is_odd = hearing->is_odd || number < 0;
    if (hearing->is_odd)
        return false;
    model_lesson *listed = &hearing->answer->listed.lessons[number];
    hearing->is_odd = listed->has_record || hearing->answer->counts[number];
    *listed = vocabulary_lesson(&awkward_vocabulary, lesson);
    hearing->answer->counts[number] = (uint8_t)lesson->member_count;
    return true;
}

static bool hear_user(const lesson_store_user *user, void *context) {
    listing_hearing *hearing = context;
    const vocabulary *words = &awkward_vocabulary;
    int number = vocabulary_number(words->users, MODEL_USERS, user->uid);
    hearing->is_odd = hearing->is_odd || number < 0;
    if (hearing->is_odd)
        return false;
    model_user *listed = &hearing->answer->listed.users[number];
    hearing->is_odd = listed->lesson != MODEL_NONE;
    *listed = vocabulary_user(words, user);
    return true;
}

static int ask_listing(lesson_store *store, const history_call *call, listing_hearing *hearing) {
    switch ((history_kind)call->kind) {
    case HISTORY_MEMBERS:
        return lesson_store_members(store, awkward_vocabulary.lessons[call->call.lesson], hear_member, hearing);
    case HISTORY_LESSONS:
        return lesson_store_lessons(store, hear_lesson, hearing);
    default:
        return lesson_store_users(store, hear_user, hearing);
    }
}

static void list(const client_seat *seat, history_call *call) {
    listing_hearing hearing = {&call->answer, false};
    call->invoked = client_now(seat);
    preempt_soon(&seat->preempt, &seat->self->dice);
    call->answer.operation.code = ask_listing(seat->store, call, &hearing);
    settle(seat, call, client_now(seat));
    if (hearing.is_odd)
        note(seat, LESSON_STORE_MALFORMED, "a listing gives a stranger, or the same twice");
}

/* ---- One by one, and in batches */

static void run_together(const client_seat *seat, history_call *calls, size_t count, uint16_t order) {
    model_call asked[CLIENT_CALLS_MAX];
    model_answer answers[CLIENT_CALLS_MAX];
    for (size_t i = 0; i < count; i++)
        asked[i] = calls[i].call;
    uint32_t invoked = client_now(seat);
    for (size_t i = 0; i < count; i++) {
        calls[i].invoked = invoked;
        calls[i].order = order;
    }
    preempt_soon(&seat->preempt, &seat->self->dice);
    vocabulary_run(&awkward_vocabulary, seat->store, asked, count, answers);
    uint32_t settled = client_now(seat);
    for (size_t i = 0; i < count; i++) {
        calls[i].answer.operation = answers[i];
        settle(seat, &calls[i], settled);
    }
}

/* Returns how many operations, from this one on, go into one batch. */
static size_t draw_batch(const client_seat *seat, size_t from) {
    size_t wanted = seat->mode->way == CLIENTS_IN_BATCHES ? 1 + dice_below(&seat->self->dice, 4) : 1, count = 0;
    while (count < wanted && from + count < seat->self->count &&
           seat->self->calls[from + count].kind == HISTORY_OPERATION)
        count++;
    return count;
}

static void work_directly(const client_seat *seat) {
    client *self = seat->self;
    for (size_t i = 0; i < self->count;) {
        size_t count = draw_batch(seat, i);
        if (dice_once_in(&self->dice, 2))
            sched_yield();
        if (count)
            run_together(seat, &self->calls[i], count, (uint16_t)(i + 1));
        else
            list(seat, &self->calls[i]);
        i += count ? count : 1;
    }
}

/* ---- Through an executor */

typedef struct submitted_call {
    const client_seat *seat;
    history_call *call;
    lesson_store_operation operation;
    lesson_store_place place;
    atomic_bool is_done;
} submitted_call;

/* Runs in a thread of the executor, or in the client's own thread. */
static void hear(const lesson_store_operation *operation, void *context) {
    submitted_call *submitted = context;
    submitted->call->answer.operation = vocabulary_hear(&awkward_vocabulary, operation);
    settle(submitted->seat, submitted->call, client_now(submitted->seat));
    atomic_store(&submitted->is_done, true);
}

/* The executor's promise. One lane keeps the order of all operations. Several lanes keep a thread's order for each user
 * or, if an operation names no user, for each lesson. */
static uint16_t order_of(const client_seat *seat, const model_call *call) {
    if (seat->mode->lanes == 1)
        return 0;
    return (uint16_t)(call->user != MODEL_NONE ? 1 + call->user : 1 + MODEL_USERS + call->lesson);
}

static void submit(submitted_call *submitted) {
    const client_seat *seat = submitted->seat;
    dice_state *dice = &seat->self->dice;
    history_call *call = submitted->call;
    int64_t timeout_ms = dice_once_in(dice, 6) ? 1 : 0;
    uint64_t ticket;
    int code =
        lesson_store_executor_submit(seat->executor, &submitted->operation, timeout_ms, NULL, hear, submitted, &ticket);
    if (code) {
        note(seat, code, lesson_store_message());
        atomic_store(&submitted->is_done, true);
        return;
    }
    if (seat->mode->lanes == 1)
        call->queued = client_now(seat);
    if (dice_once_in(dice, 6))
        lesson_store_executor_cancel(seat->executor, ticket);
}

static void hand_in(const client_seat *seat, history_call *call, submitted_call *submitted) {
    submitted->seat = seat;
    submitted->call = call;
    submitted->operation = vocabulary_ask(&awkward_vocabulary, &call->call, &submitted->place);
    atomic_init(&submitted->is_done, false);
    call->order = order_of(seat, &call->call);
    call->invoked = client_now(seat);
    preempt_soon(&seat->preempt, &seat->self->dice);
    if (dice_once_in(&seat->self->dice, 3)) {
        lesson_store_executor_run(seat->executor, &submitted->operation, 0);
        hear(&submitted->operation, submitted);
        if (seat->mode->lanes == 1)
            call->queued = call->settled;
        return;
    }
    submit(submitted);
}

static void work_by_executor(const client_seat *seat) {
    submitted_call all[CLIENT_CALLS_MAX];
    client *self = seat->self;
    for (size_t i = 0; i < self->count; i++) {
        if (dice_once_in(&self->dice, 2))
            sched_yield();
        atomic_init(&all[i].is_done, true);
        if (self->calls[i].kind == HISTORY_OPERATION)
            hand_in(seat, &self->calls[i], &all[i]);
        else
            list(seat, &self->calls[i]);
    }
    for (size_t i = 0; i < self->count; i++) {
        while (!atomic_load(&all[i].is_done))
            sched_yield();
    }
}

void client_work(const client_seat *seat) {
    if (seat->is_other)
        seat->mode->work_of_others(seat);
    else if (seat->mode->way == CLIENTS_BY_EXECUTOR)
        work_by_executor(seat);
    else
        work_directly(seat);
}
