#include "listing.h"

#include <string.h>

struct reading {
    listing *out;
    const vocabulary *words;
};

static bool hear(listing *out, int number, const model_user *where) {
    out->wrong = out->wrong || number < 0 || out->users >> number & 1;
    if (out->wrong)
        return false;
    out->users |= UINT32_C(1) << number;
    if (where)
        out->where[number] = *where;
    return true;
}

static bool hear_member(const lesson_store_id *uid, void *context) {
    const struct reading *reading = context;
    return hear(reading->out, vocabulary_number(reading->words->users, MODEL_USERS, *uid), NULL);
}

static bool hear_user(const lesson_store_user *user, void *context) {
    const struct reading *reading = context;
    const vocabulary *words = reading->words;
    model_user where = vocabulary_user(words, user);
    return hear(reading->out, vocabulary_number(words->users, MODEL_USERS, user->uid), &where);
}

int listing_read(listing *out, const vocabulary *words, lesson_store *store, int8_t lesson) {
    struct reading reading = {out, words};
    memset(out, 0, sizeof *out);
    out->lesson = lesson;
    int code = lesson == MODEL_NONE ? lesson_store_users(store, hear_user, &reading)
                                    : lesson_store_members(store, words->lessons[lesson], hear_member, &reading);
    out->whole = code == LESSON_STORE_OK;
    return code;
}

bool listing_fits(const model_state *state, const void *context) {
    const listing *listed = context;
    for (int i = 0; i < MODEL_USERS; i++) {
        const model_user *user = &state->users[i];
        bool given = listed->users >> i & 1;
        bool there = listed->lesson == MODEL_NONE ? user->lesson != MODEL_NONE : user->lesson == listed->lesson;
        bool alike = listed->lesson != MODEL_NONE || memcmp(user, &listed->where[i], sizeof *user) == 0;
        if (given ? !there || !alike : there && listed->whole)
            return false;
    }
    return !listed->wrong;
}
