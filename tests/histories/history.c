#include "history.h"

#include <inttypes.h>
#include <string.h>

#include "draw.h"

/* ---- Drawing */

static const char *draw_options(dice_state *dice, const char *engine) {
    static const char *const of_redis[] = {"", "?members_at_once=1", "?prefix=%7Ba%7D%20%2A:%5B", "?pool=1"};
    /* The other settings would spend nearly all time waiting for the disk. */
    static const char *const of_sqlite[] = {"?synchronous=off", "?synchronous=off&pool=1&wal_autocheckpoint_pages=1"};
    if (strncmp(engine, "redis", 5) == 0)
        return of_redis[dice_below(dice, 4)];
    if (strcmp(engine, "sqlite") == 0)
        return dice_once_in(dice, 20) ? "" : of_sqlite[dice_below(dice, 2)];
    return "";
}

/* One call in this many is the last of its batch: every call, a few calls a batch, or as many as fit. */
static unsigned draw_batch_size(dice_state *dice) {
    static const unsigned sizes[] = {1, 1, 3, 20, VOCABULARY_BATCH_MAX};
    return sizes[dice_below(dice, sizeof sizes / sizeof *sizes)];
}

void history_draw(history *out, uint64_t seed, const char *engine) {
    dice_state dice = {seed};
    draw_range range = {1 + dice_below(&dice, MODEL_USERS),   1 + dice_below(&dice, MODEL_LESSONS),
                        1 + dice_below(&dice, MODEL_COURSES), dice_below(&dice, MODEL_SESSIONS + 1),
                        dice_once_in(&dice, 3) ? 30 : 0,      false};
    unsigned batch_size = draw_batch_size(&dice);
    out->options = draw_options(&dice, engine);
    out->count = 20 + dice_below(&dice, batch_size > 1 ? HISTORY_CALLS_MAX - 20 : 100);
    for (size_t i = 0; i < out->count; i++) {
        out->calls[i] = draw_call(&dice, &range);
        out->calls[i].together = batch_size > 1 && !dice_once_in(&dice, batch_size);
    }
}

/* ---- Playing */

enum { CALLS_BETWEEN_LOOKS = 50 };

typedef struct playing {
    const history *history;
    lesson_store *store;
    model_state model;
    size_t looked_at;    /* number of calls done when the state was last compared */
    uint64_t exceptions; /* of the store */
    char *text;
} playing;

static bool expect_answer(playing *play, size_t number, const model_answer *found) {
    const model_call *call = &play->history->calls[number];
    model_answer expected = model_run(&play->model, call);
    if (model_answers_equal(&expected, found))
        return true;
    char of_call[MODEL_TEXT_SIZE], of_expected[MODEL_TEXT_SIZE], of_found[MODEL_TEXT_SIZE];
    snprintf(play->text, VOCABULARY_TEXT_SIZE, "call %zu: %s\n  expected %s\n  found    %s\n  message  %.200s", number,
             model_call_text(call, of_call), model_answer_text(&expected, of_expected),
             model_answer_text(found, of_found), found->code < 0 ? lesson_store_message() : "");
    return false;
}

static bool hear_finding(const lesson_store_finding *finding, void *context) {
    snprintf(context, VOCABULARY_TEXT_SIZE, "check finds: %s, %s", lesson_store_finding_text((int)finding->kind),
             finding->detail ? finding->detail : "");
    return false;
}

static bool look(playing *play) {
    uint64_t found = 0;
    model_state state;
    play->text[0] = '\0';
    if (vocabulary_read_state(&awkward_vocabulary, play->store, &state, play->text) != LESSON_STORE_OK ||
        !vocabulary_compare(&play->model, &state, play->text))
        return false;
    int code = lesson_store_check(play->store, 0, hear_finding, play->text, &found, NULL);
    if (code)
        snprintf(play->text, VOCABULARY_TEXT_SIZE, "check: %s", lesson_store_message());
    return code == LESSON_STORE_OK && found == 0;
}

/* With LESSON_STORE_EXCEPT_ORDER the model, which runs all calls in order, says nothing about a batch. */
static size_t batch_end(const playing *play, size_t begin) {
    const history *played = play->history;
    size_t end = begin + 1;
    if (play->exceptions & LESSON_STORE_EXCEPT_ORDER)
        return end;
    while (end < played->count && end - begin < VOCABULARY_BATCH_MAX && played->calls[end - 1].together)
        end++;
    return end;
}

static bool play_batch(playing *play, size_t begin, size_t end) {
    model_answer answers[VOCABULARY_BATCH_MAX];
    int code = vocabulary_run(&awkward_vocabulary, play->store, &play->history->calls[begin], end - begin, answers);
    if (code) {
        snprintf(play->text, VOCABULARY_TEXT_SIZE, "batch of the calls %zu to %zu: %s: %s", begin, end - 1,
                 lesson_store_code_name(code), lesson_store_message());
        return false;
    }
    for (size_t i = begin; i < end; i++) {
        if (!expect_answer(play, i, &answers[i - begin]))
            return false;
    }
    return true;
}

static bool play_calls(playing *play) {
    for (size_t begin = 0; begin < play->history->count;) {
        size_t end = batch_end(play, begin);
        if (!play_batch(play, begin, end))
            return false;
        begin = end;
        if (begin - play->looked_at < CALLS_BETWEEN_LOOKS && begin < play->history->count)
            continue;
        play->looked_at = begin;
        if (!look(play))
            return false;
    }
    return true;
}

bool history_play(const history *played, const history_stage *stage, char text[VOCABULARY_TEXT_SIZE]) {
    playing play = {.history = played, .text = text};
    model_begin(&play.model);
    play.store = stage->open(played->options, stage->context);
    lesson_store_abilities abilities = LESSON_STORE_ABILITIES_INIT;
    lesson_store_read_abilities(play.store, &abilities);
    play.exceptions = abilities.exceptions;
    bool agrees = play_calls(&play);
    stage->close(play.store, stage->context);
    return agrees;
}

void history_print(FILE *out, const history *printed) {
    char text[MODEL_TEXT_SIZE];
    fprintf(out, "    /* options \"%s\" */\n", printed->options);
    for (size_t i = 0; i < printed->count; i++)
        fprintf(out, "    %s\n", model_call_text(&printed->calls[i], text));
}
