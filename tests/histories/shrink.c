/*
 * Turns a long failing history into a short one, after Zeller and Hildebrandt (IEEE TSE 28, 2002): removes halves,
 * quarters and finally single calls, as long as the rest still fails. Then each remaining call is simplified. The
 * failure may change on the way: any failure deserves a short history.
 */
#include <string.h>

#include "history.h"

enum { PLAYS_MAX = 4000 };

typedef struct shrinking {
    history *kept; /* fails */
    const history_stage *stage;
    history tried;
    int plays;
} shrinking;

/* Keeps the tried history if it also fails. */
static bool keep_if_it_fails(shrinking *shrink) {
    char text[VOCABULARY_TEXT_SIZE];
    if (++shrink->plays > PLAYS_MAX || history_play(&shrink->tried, shrink->stage, text))
        return false;
    *shrink->kept = shrink->tried;
    return true;
}

static bool try_without(shrinking *shrink, size_t begin, size_t count) {
    shrink->tried = *shrink->kept;
    memmove(&shrink->tried.calls[begin], &shrink->tried.calls[begin + count],
            (shrink->tried.count - begin - count) * sizeof(model_call));
    shrink->tried.count -= count;
    return keep_if_it_fails(shrink);
}

static bool take_away(shrinking *shrink) {
    bool any = false;
    for (size_t size = (shrink->kept->count + 1) / 2; size > 0; size /= 2) {
        for (size_t begin = 0; begin + size <= shrink->kept->count;) {
            bool is_gone = try_without(shrink, begin, size);
            any |= is_gone;
            begin += is_gone ? 0 : size;
        }
    }
    return any;
}

static bool try_call(shrinking *shrink, size_t number, model_call simpler) {
    if (memcmp(&simpler, &shrink->kept->calls[number], sizeof simpler) == 0)
        return false;
    shrink->tried = *shrink->kept;
    shrink->tried.calls[number] = simpler;
    return keep_if_it_fails(shrink);
}

static int8_t smallest(int8_t number) {
    return number == MODEL_NONE ? MODEL_NONE : 0;
}

static bool simplify_call(shrinking *shrink, size_t number) {
    const model_call *kept = &shrink->kept->calls[number];
    bool any = false;
#define TRY(field, value)                         \
    do {                                          \
        model_call simpler = *kept;               \
        simpler.field = (value);                  \
        any |= try_call(shrink, number, simpler); \
    } while (0)
    TRY(together, false);
    TRY(wrong, 0);
    for (unsigned flag = 1; flag <= LESSON_STORE_JOIN_OR_NOWHERE; flag <<= 1)
        TRY(flags, (uint16_t)(kept->flags & ~flag));
    TRY(session, MODEL_NONE);
    TRY(if_session, MODEL_NONE);
    if (kept->kind == LESSON_STORE_OPERATION_JOIN)
        TRY(owner, MODEL_NONE);
    TRY(course, kept->kind == LESSON_STORE_OPERATION_CREATE ? MODEL_NONE : smallest(kept->course));
    if (kept->kind != LESSON_STORE_OPERATION_SET || kept->course_status != MODEL_NONE)
        TRY(capacity, MODEL_NONE);
    TRY(if_course_status, MODEL_NONE);
    TRY(if_chat_status, MODEL_NONE);
    if (kept->course_status != MODEL_NONE)
        TRY(chat_status, MODEL_NONE);
    if (kept->chat_status != MODEL_NONE)
        TRY(course_status, MODEL_NONE);
#undef TRY
    return any;
}

static bool simplify_calls(shrinking *shrink) {
    bool any = false;
    for (size_t i = 0; i < shrink->kept->count; i++)
        any |= simplify_call(shrink, i);
    return any;
}

/* Replaces one user, or one lesson, by another everywhere. */
static bool try_renaming(shrinking *shrink, int8_t from, int8_t to, bool of_users) {
    shrink->tried = *shrink->kept;
    for (size_t i = 0; i < shrink->tried.count; i++) {
        model_call *call = &shrink->tried.calls[i];
        int8_t *number = of_users ? &call->user : &call->lesson;
        if (*number == from)
            *number = to;
    }
    bool is_another = memcmp(&shrink->tried.calls, &shrink->kept->calls, shrink->kept->count * sizeof(model_call)) != 0;
    return is_another && keep_if_it_fails(shrink);
}

static bool rename_all(shrinking *shrink, int8_t count, bool of_users) {
    bool any = false;
    for (int8_t from = 1; from < count; from++) {
        bool done = false;
        for (int8_t to = 0; to < from && !done; to++)
            done = try_renaming(shrink, from, to, of_users);
        any |= done;
    }
    return any;
}

void history_shrink(history *failing, const history_stage *stage) {
    shrinking shrink = {.kept = failing, .stage = stage};
    bool any = true;
    while (any && shrink.plays < PLAYS_MAX) {
        any = take_away(&shrink);
        any |= rename_all(&shrink, MODEL_USERS, true);
        any |= rename_all(&shrink, MODEL_LESSONS, false);
        any |= simplify_calls(&shrink);
    }
    if (failing->count > 0)
        failing->calls[failing->count - 1].together = false;
}
