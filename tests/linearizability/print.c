/* Histories for a person. */
#include <string.h>

#include <lessonstore/lessonstore.h>

#include "history.h"

enum { LINE_WIDTH = 72 };

static void print_place(FILE *out, const model_user *user, int number) {
    if (user->lesson != MODEL_NONE)
        fprintf(out, " user %d in %d, course %d, session %d;", number, user->lesson, user->course, user->session);
}

static void print_lesson(FILE *out, const model_lesson *lesson, unsigned count, int number) {
    if (lesson->has_record || count)
        fprintf(out, " lesson %d: record %d, statuses %d/%d, count %u;", number, lesson->has_record,
                lesson->course_status, lesson->chat_status, count);
}

static void print_listing(FILE *out, const history_call *call) {
    for (int i = 0; i < MODEL_LESSONS; i++)
        print_lesson(out, &call->answer.listed.lessons[i], call->answer.counts[i], i);
    for (int i = 0; i < MODEL_USERS; i++)
        print_place(out, &call->answer.listed.users[i], i);
}

static void print_answer(FILE *out, const history_call *call) {
    char text[MODEL_TEXT_SIZE];
    if (call->kind == HISTORY_OPERATION)
        fprintf(out, "%s", model_answer_text(&call->answer.operation, text));
    else if (call->kind == HISTORY_MEMBERS)
        fprintf(out, "users (as bits) 0x%x", (unsigned)call->answer.members);
    else
        print_listing(out, call);
}

static void print_question(FILE *out, const history_call *call) {
    char text[MODEL_TEXT_SIZE];
    switch ((history_kind)call->kind) {
    case HISTORY_OPERATION:
        fprintf(out, "%s", model_call_text(&call->call, text));
        return;
    case HISTORY_MEMBERS:
        fprintf(out, "members of %d", call->call.lesson);
        return;
    case HISTORY_LESSONS:
        fprintf(out, "lessons");
        return;
    case HISTORY_USERS:
        fprintf(out, "users");
        return;
    case HISTORY_STATE:
        fprintf(out, "the state at the end");
        return;
    }
}

void history_print_call(FILE *out, const history_call *call) {
    static const char *const outcomes[] = {"no answer, maybe never done", "", "done without an answer", "failed"};
    print_question(out, call);
    fprintf(out, " -> ");
    if (call->outcome == HISTORY_ANSWERED)
        print_answer(out, call);
    else
        fprintf(out, "%s", outcomes[call->outcome]);
    fprintf(out, "\n");
}

/* Draws the part of the whole time during which the call was under way. */
static void print_bar(FILE *out, const history_call *call, uint32_t end) {
    char bar[LINE_WIDTH + 1];
    uint32_t settled = call->settled < end ? call->settled : end;
    size_t from = (size_t)call->invoked * (LINE_WIDTH - 1) / end;
    size_t to = (size_t)settled * (LINE_WIDTH - 1) / end;
    memset(bar, ' ', LINE_WIDTH);
    memset(bar + from, '=', to + 1 - from);
    bar[LINE_WIDTH] = '\0';
    fprintf(out, "|%s|", bar);
}

static uint32_t end_of(const history *calls) {
    uint32_t end = 1;
    for (size_t i = 0; i < calls->count; i++) {
        const history_call *call = &calls->calls[i];
        uint32_t latest = call->settled == HISTORY_NEVER ? call->invoked : call->settled;
        end = latest > end ? latest : end;
    }
    return end;
}

void history_print(FILE *out, const history *calls) {
    uint32_t end = end_of(calls);
    history_call begin = history_call_of(HISTORY_STATE, (model_call){0});
    begin.answer.listed = calls->begin;
    fprintf(out, "it began with");
    print_listing(out, &begin);
    fprintf(out, "\n  # client time\n");
    for (size_t i = 0; i < calls->count; i++) {
        const history_call *call = &calls->calls[i];
        fprintf(out, "%3zu %3d ", i, call->client);
        print_bar(out, call, end);
        if (call->order)
            fprintf(out, " order %d", call->order);
        fprintf(out, " ");
        history_print_call(out, call);
    }
}
