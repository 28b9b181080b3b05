#include "history.h"

#include <stdlib.h>
#include <string.h>

#include <lessonstore/backend.h>

history_answer history_answer_none(void) {
    history_answer answer;
    memset(&answer, 0, sizeof answer);
    model_begin(&answer.listed);
    return answer;
}

history_call history_call_of(history_kind kind, model_call call) {
    return (history_call){.kind = (uint8_t)kind,
                          .outcome = HISTORY_PENDING,
                          .invoked = HISTORY_NEVER,
                          .settled = HISTORY_NEVER,
                          .queued = HISTORY_NEVER,
                          .call = call,
                          .answer = history_answer_none()};
}

/* ---- Order */

/* Calls of one client keep their order, because `order` depends on it. */
static bool comes_first(const history_call *a, const history_call *b) {
    return a->settled < b->settled && (a->client != b->client || !a->order || a->order != b->order);
}

void history_sort(history *calls) {
    for (size_t i = 1; i < calls->count; i++) {
        history_call moved = calls->calls[i];
        size_t to = i;
        for (; to > 0 && comes_first(&moved, &calls->calls[to - 1]); to--)
            calls->calls[to] = calls->calls[to - 1];
        calls->calls[to] = moved;
    }
}

static bool is_before(const history *calls, size_t first, size_t second) {
    const history_call *a = &calls->calls[first], *b = &calls->calls[second];
    if (first == second || a->outcome == HISTORY_PENDING || a->outcome == HISTORY_VOID)
        return false;
    if (a->settled < b->invoked)
        return true;
    if (b->queued != HISTORY_NEVER && a->queued < b->invoked)
        return true;
    return first < second && a->order && a->order == b->order && a->client == b->client;
}

uint64_t history_before(const history *calls, size_t index) {
    uint64_t before = 0;
    for (size_t i = 0; i < calls->count; i++)
        before |= (uint64_t)is_before(calls, i, index) << i;
    return before;
}

/* ---- Answers */

static uint32_t members_of(const model_state *model, int lesson) {
    uint32_t members = 0;
    for (int i = 0; i < MODEL_USERS; i++)
        members |= (uint32_t)(model->users[i].lesson == lesson) << i;
    return members;
}

static bool lessons_fit(const model_state *model, const history_answer *reported) {
    for (int i = 0; i < MODEL_LESSONS; i++) {
        model_call count = MODEL_COUNT((int8_t)i, false, 0);
        model_state same = *model;
        if (model_run(&same, &count).count != reported->counts[i])
            return false;
    }
    return memcmp(model->lessons, reported->listed.lessons, sizeof model->lessons) == 0;
}

static bool users_fit(const model_state *model, const history_answer *reported) {
    return memcmp(model->users, reported->listed.users, sizeof model->users) == 0;
}

static bool counts_members(const model_call *call) {
    return call->kind == LESSON_STORE_OPERATION_COUNT_MEMBERS || call->kind == LESSON_STORE_OPERATION_GET_LESSON ||
           (call->kind == LESSON_STORE_OPERATION_END && !(call->flags & LESSON_STORE_END_RECORD_ONLY));
}

/* Other users may also be in the lesson. Then the count may be higher, and the lesson exists. */
static void allow_others(const model_call *call, const model_answer *reported, model_answer *due) {
    if (!counts_members(call))
        return;
    if (reported->count > due->count)
        due->count = reported->count;
    if (reported->code == LESSON_STORE_OK)
        due->code = LESSON_STORE_OK;
}

static bool operation_fits(const history *calls, const history_call *call, model_state *model) {
    model_answer due = model_run(model, &call->call);
    if (call->outcome != HISTORY_ANSWERED)
        return true;
    if (calls->has_others)
        allow_others(&call->call, &call->answer.operation, &due);
    return model_answers_equal(&due, &call->answer.operation);
}

bool history_step(const history *calls, const history_call *call, model_state *model) {
    switch ((history_kind)call->kind) {
    case HISTORY_OPERATION:
        return operation_fits(calls, call, model);
    case HISTORY_MEMBERS:
        return members_of(model, call->call.lesson) == call->answer.members;
    case HISTORY_LESSONS:
        return lessons_fit(model, &call->answer);
    case HISTORY_USERS:
        return users_fit(model, &call->answer);
    case HISTORY_STATE:
        return memcmp(model, &call->answer.listed, sizeof *model) == 0;
    }
    return false;
}

/* ---- Overlap */

static bool is_of_all(const history_call *call) {
    return call->kind != HISTORY_OPERATION && call->kind != HISTORY_MEMBERS;
}

bool history_may_change(const history_call *call) {
    lesson_store_operation operation = {.kind = call->call.kind};
    return call->kind == HISTORY_OPERATION && lesson_store_operation_writes(&operation) &&
           (call->outcome != HISTORY_ANSWERED || call->answer.operation.code == LESSON_STORE_OK);
}

static bool is_same(int a, int b) {
    return a == b && a != MODEL_NONE;
}

static bool conflict(const history_call *a, const history_call *b) {
    if (!history_may_change(a) && !history_may_change(b))
        return false;
    return is_of_all(a) || is_of_all(b) || is_same(a->call.user, b->call.user) ||
           is_same(a->call.lesson, b->call.lesson);
}

bool history_overlaps(const history *calls) {
    for (size_t i = 0; i < calls->count; i++) {
        for (size_t j = 0; j < i; j++) {
            const history_call *a = &calls->calls[i], *b = &calls->calls[j];
            if (a->client != b->client && a->invoked < b->settled && b->invoked < a->settled && conflict(a, b))
                return true;
        }
    }
    return false;
}
