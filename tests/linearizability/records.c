#include "records.h"

#include <lessonstore/lessonstore.h>

/* Session aside, because a legacy writer leaves it behind. */
typedef struct record {
    int8_t lesson; /* MODEL_NONE: nowhere */
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

/* True if it certainly wrote the user's record; then `*out` is what. */
static bool writes(const history_call *call, int user, record *out) {
    if (!is_done(call) || call->call.user != user)
        return false;
    *out = nowhere;
    if (call->call.kind == LESSON_STORE_OPERATION_JOIN)
        *out = (record){call->call.lesson, call->call.course};
    return call->call.kind == LESSON_STORE_OPERATION_JOIN || call->call.kind == LESSON_STORE_OPERATION_QUIT;
}

/* An end may have put the user out, or not. */
static bool may_write(const history_call *call, int user, record *out) {
    if (writes(call, user, out))
        return true;
    *out = nowhere;
    return is_done(call) && call->call.kind == LESSON_STORE_OPERATION_END &&
           !(call->call.flags & LESSON_STORE_RECORD_ONLY);
}

/* ---- What a call tells */

static bool tells(const history_call *call, int user, record *out) {
    const model_answer *answer = &call->answer.operation;
    if (call->kind != HISTORY_OPERATION || call->outcome != HISTORY_ANSWERED || call->call.user != user)
        return false;
    *out = (record){answer->lesson, answer->course};
    return true;
}

/* True if somebody certainly wrote the record after this write, or after the beginning (NULL), and before this read. */
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

static bool can_tell(const history *calls, const history_call *read, int user, record told) {
    if (is_same(told, nowhere) && !is_overwritten(calls, NULL, read, user))
        return true;
    for (size_t i = 0; i < calls->count; i++) {
        const history_call *write = &calls->calls[i];
        record written;
        if (write != read && may_write(write, user, &written) && is_same(written, told) &&
            write->invoked < read->settled && !is_overwritten(calls, write, read, user))
            return true;
    }
    return false;
}

const history_call *records_find_wrong(const history *calls, int user) {
    for (size_t i = 0; i < calls->count; i++) {
        record told;
        if (tells(&calls->calls[i], user, &told) && !can_tell(calls, &calls->calls[i], user, told))
            return &calls->calls[i];
    }
    return NULL;
}
