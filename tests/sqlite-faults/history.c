#include "history.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const vocabulary *const words = &awkward_vocabulary;

/* ---- Drawing */

static void draw_batch(drawn_history *history, dice_state *dice, size_t batch, model_state *model) {
    size_t *state = &history->state_after[batch + 1];
    *state = history->state_after[batch];
    history->call_counts[batch] = 1 + dice_below(dice, HISTORY_CALLS);
    for (size_t i = 0; i < history->call_counts[batch]; i++) {
        model_call call = share_draw(history->share, dice, history->wrong_in);
        if (call.wrong)
            history->states[++*state] = *model;
        history->calls[batch][i] = call;
        history->answers[batch][i] = model_run(model, &call);
    }
    history->states[++*state] = *model;
}

void history_draw(drawn_history *history, dice_state *dice, size_t batches) {
    model_state model;
    model_begin(&model);
    history->batch_count = batches;
    history->state_after[0] = 0;
    history->states[0] = model;
    for (size_t i = 0; i < batches; i++)
        draw_batch(history, dice, i, &model);
}

/* ---- Running */

bool history_run(const drawn_history *history, size_t batch, lesson_store *store, char text[VOCABULARY_TEXT_SIZE]) {
    model_answer answers[HISTORY_CALLS];
    int code = vocabulary_run(words, store, history->calls[batch], history->call_counts[batch], answers);
    if (code) {
        snprintf(text, VOCABULARY_TEXT_SIZE, "batch %zu: %s", batch, lesson_store_message());
        return false;
    }
    for (size_t i = 0; i < history->call_counts[batch]; i++) {
        char call[MODEL_TEXT_SIZE], reported[MODEL_TEXT_SIZE], due[MODEL_TEXT_SIZE];
        const model_answer *expected = &history->answers[batch][i];
        if (model_answers_equal(expected, &answers[i]))
            continue;
        snprintf(text, VOCABULARY_TEXT_SIZE, "batch %zu: %s returned\n  %s instead of\n  %s", batch,
                 model_call_text(&history->calls[batch][i], call), model_answer_text(&answers[i], reported),
                 model_answer_text(expected, due));
        return false;
    }
    return true;
}

/* ---- Judging */

static bool keep_detail(const lesson_store_finding *finding, void *text) {
    snprintf(text, VOCABULARY_TEXT_SIZE, "check finds: %s: %s", lesson_store_finding_text((int)finding->kind),
             finding->detail);
    return false;
}

bool history_read(lesson_store *store, model_state *found, char text[VOCABULARY_TEXT_SIZE]) {
    uint64_t findings = 0;
    if (lesson_store_check(store, 0, keep_detail, text, &findings, NULL)) {
        snprintf(text, VOCABULARY_TEXT_SIZE, "check: %s", lesson_store_message());
        return false;
    }
    return findings == 0 && vocabulary_read_state(words, store, found, text) == LESSON_STORE_OK;
}

bool history_compare(const drawn_history *history, const model_state *found, size_t first, size_t last,
                     char text[VOCABULARY_TEXT_SIZE]) {
    model_state own = *found;
    char difference[VOCABULARY_TEXT_SIZE - 200];
    size_t end = last < history->batch_count ? last : history->batch_count;
    share_keep(history->share, &own);
    for (size_t i = history->state_after[end] + 1; i-- > history->state_after[first];) {
        if (memcmp(&history->states[i], &own, sizeof own) == 0)
            return true;
    }
    vocabulary_compare(&history->states[history->state_after[first]], &own, text);
    snprintf(difference, sizeof difference, "%s", text);
    snprintf(text, VOCABULARY_TEXT_SIZE, "in no state from that after %zu batches to that after %zu: of the first, %s",
             first, end, difference);
    return false;
}

bool history_judge(const drawn_history *history, lesson_store *store, size_t first, size_t last,
                   char text[VOCABULARY_TEXT_SIZE]) {
    model_state found;
    return history_read(store, &found, text) && history_compare(history, &found, first, last, text);
}
