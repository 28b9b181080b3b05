#include "records.h"

#include <lessonstore/lessonstore.h>

/* Without the session, because a legacy writer leaves the old one behind. */
typedef struct record {
    int8_t lesson; /* MODEL_NONE: in no lesson */
    int8_t course;
} record;

static const record nowhere = {MODEL_NONE, MODEL_NONE};

static bool is_same(record a, record b) {
    return a.lesson == b.lesson && a.course == b.course;
}

/* ---- What a call writes */

static bool is_done(const history_call *call) {
    return call->kind == HISTORY_OPERATION &&
           (call->outcome == HISTORY_SILENT ||
            (call->outcome == HISTORY_ANSWERED && call->answer.operation.code == LESSON_STORE_OK));
}

/* True if it certainly wrote the user's record; `*out` is then what it wrote. */
static bool writes(const history_call *call, int user, record *out) {
    if (!is_done(call) || call->call.user != user)
        return false;
    *out = nowhere;
    if (call->call.kind == LESSON_STORE_OPERATION_JOIN)
        *out = (record){call->call.lesson, call->call.course};
    return call->call.kind == LESSON_STORE_OPERATION_JOIN || call->call.kind == LESSON_STORE_OPERATION_QUIT;
}

/* ---- What a call returns */

static bool reports_place(const history_call *call, int user, record *out) {
    const model_answer *answer = &call->answer.operation;
    if (call->kind != HISTORY_OPERATION || call->outcome != HISTORY_ANSWERED || call->call.user != user)
        return false;
    *out = (record){answer->lesson, answer->course};
    return true;
}

/* True if a call certainly wrote the record after this write, or after the beginning (NULL), and before this read. */
static bool is_overwritten(const history *calls, const history_call *write, const history_call *read, int user) {
    record ignored;
    for (size_t i = 0; i < calls->count; i++) {
        const history_call *later = &calls->calls[i];
        if (writes(later, user, &ignored) && (!write || write->settled < later->invoked) &&
            later->settled < read->invoked)
            return true;
    }
    return false;
}

static bool can_be_in(const history *calls, const history_call *read, int user, int lesson) {
    for (size_t i = 0; i < calls->count; i++) {
        const history_call *write = &calls->calls[i];
        record written;
        if (writes(write, user, &written) && written.lesson == lesson && write->invoked < read->settled &&
            !is_overwritten(calls, write, read, user))
            return true;
    }
    return false;
}

/* An end removes the user or does not: in the middle of a legacy join the user is no member. */
static bool may_put_out(const history *calls, const history_call *end, int user) {
    return is_done(end) && end->call.kind == LESSON_STORE_OPERATION_END &&
           !(end->call.flags & LESSON_STORE_END_RECORD_ONLY) && can_be_in(calls, end, user, end->call.lesson);
}

static bool may_write(const history *calls, const history_call *call, int user, record reported) {
    record written;
    if (writes(call, user, &written))
        return is_same(written, reported);
    return is_same(reported, nowhere) && may_put_out(calls, call, user);
}

static bool can_report(const history *calls, const history_call *read, int user, record reported) {
    if (is_same(reported, nowhere) && !is_overwritten(calls, NULL, read, user))
        return true;
    for (size_t i = 0; i < calls->count; i++) {
        const history_call *write = &calls->calls[i];
        if (write != read && may_write(calls, write, user, reported) && write->invoked < read->settled &&
            !is_overwritten(calls, write, read, user))
            return true;
    }
    return false;
}

const history_call *records_find_wrong(const history *calls, int user) {
    for (size_t i = 0; i < calls->count; i++) {
        record reported;
        if (reports_place(&calls->calls[i], user, &reported) && !can_report(calls, &calls->calls[i], user, reported))
            return &calls->calls[i];
    }
    return NULL;
}
