#include "client.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "stage.h"

enum { UNKNOWN_MAX = 3, LISTS_IN = 8, WRONG_IN = 60 };

static const vocabulary *const words = &awkward_vocabulary;

/* ---- Asking */

/* With several unknown outcomes, only reads: otherwise there would soon be too many possible states. */
static model_call draw(stage_client *self) {
    model_call call = share_draw(self->share, &self->dice, WRONG_IN);
    if (self->unknown < UNKNOWN_MAX || !judge_is_write(&call))
        return call;
    return call.user != MODEL_NONE ? (model_call)MODEL_WHERE(call.user, false, 0)
                                   : (model_call)MODEL_GET_LESSON(call.lesson, false, 0);
}

static void draw_calls(stage_client *self) {
    self->lists = dice_once_in(&self->dice, LISTS_IN);
    self->listed_lesson = draw(self).lesson;
    self->count = dice_once_in(&self->dice, 2) ? 1 : 1 + dice_below(&self->dice, CLIENT_CALLS_MAX);
    for (size_t i = 0; i < self->count; i++)
        self->calls[i] = draw(self);
}

/* The only place where this thread can be cancelled. */
static void ask(stage_client *self) {
    lesson_store *store = self->stage->store;
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    self->code = self->lists ? listing_read(&self->listed, words, store, self->listed_lesson)
                             : vocabulary_run(words, store, self->calls, self->count, self->answers);
    self->progress = CLIENT_HEARD;
    pthread_testcancel();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
}

/* ---- Judging */

static bool is_calm(const stage_client *self) {
    return self->began_in == self->ended_in && self->began_in % STAGE_PHASES == STAGE_CALM;
}

static bool is_amid(const stage_client *self) {
    return self->began_in == self->ended_in && self->began_in % STAGE_PHASES == STAGE_TROUBLED;
}

static const judge_rules *rules_of(const stage_client *self) {
    const trouble_kind *trouble = self->stage->trouble;
    return is_calm(self) && !trouble->is_timed ? &judge_nothing_fails : &trouble->rules;
}

static int failure_of(const stage_client *self, size_t number) {
    int code = self->answers[number].code;
    return self->calls[number].wrong || code >= 0 ? LESSON_STORE_OK : code;
}

static void say(const stage_client *self, const char *text) {
    stage_fail(self->stage, "client %d: %.1400s", self->share.number, text);
}

/* Every failure has words. */
static void note(stage_client *self, int code) {
    if (code >= 0)
        return;
    self->codes |= 1u << -code;
    if (lesson_store_message()[0] == '\0' || strstr(lesson_store_message(), "secret"))
        say(self, "a failure without words, or with a secret");
}

static bool note_failures(stage_client *self) {
    uint32_t codes = self->codes;
    self->codes = 0;
    note(self, self->code);
    for (size_t i = 0; !self->lists && i < self->count; i++)
        note(self, failure_of(self, i));
    bool has_failed = self->codes != 0;
    self->codes |= codes;
    return has_failed;
}

/* While the data itself is changed, only the codes can be judged. */
static void judge_codes(const stage_client *self) {
    const judge_rules *rules = rules_of(self);
    char text[MODEL_TEXT_SIZE];
    for (size_t i = 0; !self->lists && i < self->count; i++) {
        uint32_t allowed = judge_is_write(&self->calls[i]) ? rules->writes : rules->reads;
        int code = failure_of(self, i);
        if (code && !(allowed >> -code & 1))
            say(self, model_answer_text(&self->answers[i], text));
    }
}

static void judge_acknowledged(const stage_client *self) {
    for (size_t i = 0; !self->lists && i < self->count; i++) {
        if (judge_is_write(&self->calls[i]) && self->answers[i].code == LESSON_STORE_OK)
            say(self, "a write was acknowledged that the trouble makes impossible");
    }
}

static bool judge_list(stage_client *self) {
    for (int i = 0; i < MODEL_USERS; i++) {
        if (!share_has(self->share, i))
            self->listed.users &= ~(UINT32_C(1) << i);
    }
    return judge_reading(self->judge, rules_of(self), false, self->code, listing_fits, &self->listed, "a list");
}

static void judge_answers(stage_client *self) {
    bool fits = self->lists
                    ? judge_list(self)
                    : judge_batch(self->judge, rules_of(self), self->calls, self->answers, self->count, self->code);
    if (fits)
        return;
    char text[2000];
    snprintf(text, sizeof text, "%s\n(%s)", judge_text(self->judge), lesson_store_message());
    say(self, text);
}

static void judge_heard(stage_client *self) {
    const trouble_kind *trouble = self->stage->trouble;
    bool has_failed = note_failures(self);
    self->unknown += self->code == LESSON_STORE_UNKNOWN;
    self->operations += self->lists ? 1 : self->count;
    if (trouble->refuses_writes && is_amid(self))
        judge_acknowledged(self);
    if (trouble->is_blind && !is_calm(self))
        judge_codes(self);
    else
        judge_answers(self);
    unsigned done = atomic_load(&self->done) + 1;
    if (has_failed)
        atomic_store(&self->failed_at, done);
    atomic_store(&self->done, done);
    self->progress = CLIENT_IDLE;
}

/* What a thread had begun when it was cancelled was done whole or not at all. */
static void judge_cancelled(stage_client *self) {
    if (self->progress == CLIENT_HEARD)
        judge_heard(self);
    else if (self->progress == CLIENT_ASKED && !self->lists &&
             !judge_batch_unheard(self->judge, self->calls, self->count))
        say(self, judge_text(self->judge));
    self->progress = CLIENT_IDLE;
}

/* ---- The thread */

static void leave(void *context) {
    stage_client *self = context;
    self->ended_in = stage_phase(self->stage);
    stage_leave_call(self->stage);
    atomic_store(&self->is_gone, true);
}

static void *live(void *context) {
    stage_client *self = context;
    int state;
    sigset_t all;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    while (stage_enter_call(self->stage, &self->began_in)) {
        draw_calls(self);
        self->progress = CLIENT_ASKED;
        pthread_cleanup_push(leave, self);
        ask(self);
        pthread_cleanup_pop(0);
        self->ended_in = stage_phase(self->stage);
        judge_heard(self);
        stage_leave_call(self->stage);
    }
    atomic_store(&self->is_gone, true);
    return NULL;
}

bool client_start(stage_client *self) {
    atomic_store(&self->is_gone, false);
    return pthread_create(&self->thread, NULL, live, self) == 0;
}

void client_replace(stage_client *self) {
    pthread_cancel(self->thread);
    if (!stage_wait_for(self->stage, &self->is_gone, "a cancelled thread does not end"))
        return;
    pthread_join(self->thread, NULL);
    judge_cancelled(self);
    client_start(self);
}
