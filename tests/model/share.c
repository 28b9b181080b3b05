#include "share.h"

#include <string.h>

/* Returns how many numbers below `end` a share has. */
static unsigned part_of(model_share share, int end) {
    return (unsigned)((end - share.number + share.of - 1) / share.of);
}

static int8_t into_share(model_share share, int8_t number) {
    return number < 0 ? number : (int8_t)(number * share.of + share.number);
}

model_call share_draw(model_share share, dice_state *dice, unsigned wrong_in) {
    const draw_range range = {.users = part_of(share, MODEL_USERS),
                              .lessons = part_of(share, MODEL_LESSONS),
                              .courses = MODEL_COURSES,
                              .sessions = MODEL_SESSIONS,
                              .wrong_in = wrong_in,
                              .leaves_out = share.of > 1 ? DRAW_NO_OWNERS : 0};
    model_call call = draw_call(dice, &range);
    call.user = into_share(share, call.user);
    call.lesson = into_share(share, call.lesson);
    return call;
}

bool share_has(model_share share, int number) {
    return number % share.of == share.number;
}

void share_keep(model_share share, model_state *state) {
    model_state nothing;
    model_begin(&nothing);
    for (int i = 0; i < MODEL_USERS; i++) {
        if (!share_has(share, i))
            state->users[i] = nothing.users[i];
    }
    for (int i = 0; i < MODEL_LESSONS; i++) {
        if (share_has(share, i))
            continue;
        state->lessons[i] = nothing.lessons[i];
        memcpy(state->bans[i], nothing.bans[i], sizeof state->bans[i]);
    }
}
