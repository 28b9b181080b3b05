#include "trial.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"
#include "opening.h"

enum { BATCHES = 3, CALLS = 12, LOST_MAX = 8 };
#define STALE "nothing has failed"

static const vocabulary *const words = &awkward_vocabulary;

struct trial {
    const trial_plan *plan;
    const sqlite_files *files;
    sqlite_files image; /* where copies are examined */
    dice_state dice;
    lesson_store *store;
    int database; /* kept open, because closing it would drop the store's locks */
    model_state sure;
    model_state maybe; /* after the batch that has just returned UNKNOWN */
    bool is_unknown;
    model_state lost[LOST_MAX]; /* what earlier UNKNOWN batches may have left in the log, until it is overwritten */
    size_t lost_count;
    trial_outcome *outcome;
    char *text;
};

static bool wrong(struct trial *trial, const char *format, ...) LESSON_STORE_PRINTF(2, 3);
static bool wrong(struct trial *trial, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trial->text, VOCABULARY_TEXT_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* Puts `what` before the text in `text`. */
static bool wrong_within(struct trial *trial, const char *what) {
    char text[VOCABULARY_TEXT_SIZE - 100];
    snprintf(text, sizeof text, "%s", trial->text);
    return wrong(trial, "%s: %s", what, text);
}

/* ---- The current state */

static bool is_lost(const struct trial *trial, const model_state *found) {
    for (size_t i = 0; i < trial->lost_count; i++) {
        if (memcmp(&trial->lost[i], found, sizeof *found) == 0)
            return true;
    }
    return false;
}

static bool may_be(struct trial *trial, const model_state *found, bool also_lost) {
    if (trial->is_unknown && memcmp(&trial->maybe, found, sizeof *found) == 0)
        return true;
    return (also_lost && is_lost(trial, found)) || vocabulary_compare(&trial->sure, found, trial->text);
}

/* For a store that works: its state must be an expected one, and is known from then on. */
static bool look(struct trial *trial, lesson_store *store, bool also_lost, const char *what) {
    model_state found;
    if (!history_read(store, &found, trial->text) || !may_be(trial, &found, also_lost))
        return wrong_within(trial, what);
    trial->sure = found;
    return true;
}

/* What another process would find if this one died now. */
static bool look_at_image(struct trial *trial) {
    lesson_store *store;
    model_state found;
    if (!opening_copy(trial->files, &trial->image, &trial->database))
        return wrong(trial, "no copy could be made");
    if (opening_open(&store, NULL, &trial->image, ""))
        return wrong(trial, "after a crash: %s", lesson_store_message());
    bool is_right = history_read(store, &found, trial->text) && may_be(trial, &found, true);
    lesson_store_close(store);
    return is_right || wrong_within(trial, "after a crash");
}

static void keep_lost(struct trial *trial) {
    if (trial->is_unknown && trial->lost_count < LOST_MAX)
        trial->lost[trial->lost_count++] = trial->maybe;
    trial->is_unknown = false;
}

/* After a failure, with the fault removed meanwhile. */
static bool look_around(struct trial *trial, const char *what) {
    shim_pause();
    bool is_right = look_at_image(trial) && look(trial, trial->store, false, "the same store");
    keep_lost(trial);
    shim_resume();
    return is_right || wrong_within(trial, what);
}

/* ---- The answers */

static void begin_call(void) {
    lesson_store_fail(LESSON_STORE_FAILED, STALE);
}

static bool fits(struct trial *trial, int code, const char *what) {
    trial->outcome->failed++;
    if (code > -32 && code < 0 && !(trial->plan->codes & 1u << -code))
        return wrong(trial, "%s: answered %s, which does not fit: %s", what, lesson_store_code_name(code),
                     lesson_store_message());
    if (code >= 0 || !strstr(lesson_store_message(), trial->files->database))
        return wrong(trial, "%s: answered %s with the message \"%s\"", what, lesson_store_code_name(code),
                     lesson_store_message());
    return shim_failed() > 0 || wrong(trial, "%s: answered %s, though nothing has failed: %s", what,
                                      lesson_store_code_name(code), lesson_store_message());
}

struct stretch {
    const model_call *calls;
    const model_answer *answers;
    size_t count;
};

static bool is_writing(const model_call *call) {
    return call->kind < LESSON_STORE_OPERATION_COUNT_MEMBERS && call->kind != LESSON_STORE_OPERATION_WHERE &&
           call->kind != LESSON_STORE_OPERATION_GET_LESSON;
}

/* A failed transaction: all of its operations have failed. */
static bool judge_failed(struct trial *trial, const struct stretch *stretch) {
    model_state after = trial->sure;
    for (size_t i = 0; i < stretch->count; i++) {
        int code = stretch->answers[i].code;
        model_run(&after, &stretch->calls[i]);
        if (code == LESSON_STORE_UNKNOWN && is_writing(&stretch->calls[i]))
            trial->is_unknown = true;
        else if (code == LESSON_STORE_UNREACHABLE && trial->outcome->unknown > 0)
            continue;
        if (!fits(trial, code, "an operation"))
            return false;
        trial->outcome->failed--;
    }
    trial->maybe = after;
    return true;
}

static bool judge_answered(struct trial *trial, const struct stretch *stretch) {
    model_state before = trial->sure;
    for (size_t i = 0; i < stretch->count; i++) {
        model_answer due = model_run(&trial->sure, &stretch->calls[i]);
        char call[MODEL_TEXT_SIZE], reported[MODEL_TEXT_SIZE], expected[MODEL_TEXT_SIZE];
        if (!model_answers_equal(&due, &stretch->answers[i]))
            return wrong(trial, "%s returned\n  %s instead of\n  %s", model_call_text(&stretch->calls[i], call),
                         model_answer_text(&stretch->answers[i], reported), model_answer_text(&due, expected));
    }
    if (memcmp(&before, &trial->sure, sizeof before) != 0)
        trial->lost_count = 0;
    return true;
}

/* INVALID calls split a batch into transactions. After one has failed, so have all later ones. */
static bool judge_answers(struct trial *trial, const model_call *calls, const model_answer *answers, size_t count,
                          int code) {
    bool has_failed = false;
    for (size_t first = 0, end; first < count; first = end + 1) {
        for (end = first; end < count && !calls[end].wrong; end++)
            ;
        if (end < count && answers[end].code != LESSON_STORE_INVALID)
            return wrong(trial, "an invalid operation is answered %s", lesson_store_code_name(answers[end].code));
        if (end == first)
            continue;
        const struct stretch stretch = {calls + first, answers + first, end - first};
        bool failed = answers[first].code < 0;
        if (has_failed && !failed)
            return wrong(trial, "operations are answered behind one that has failed");
        if (!(failed && !has_failed ? judge_failed(trial, &stretch) : has_failed || judge_answered(trial, &stretch)))
            return false;
        has_failed = failed;
    }
    return has_failed == (code < 0) ||
           wrong(trial, "the batch is answered %s, its operations otherwise", lesson_store_code_name(code));
}

/* ---- Steps */

static bool run_batch(struct trial *trial, const model_call *calls, size_t count) {
    model_answer answers[CALLS + 1];
    begin_call();
    int code = vocabulary_run(words, trial->store, calls, count, answers);
    trial->outcome->operations += count;
    trial->outcome->unknown += code == LESSON_STORE_UNKNOWN;
    if (code && !fits(trial, code, "a batch"))
        return false;
    if (!judge_answers(trial, calls, answers, count, code))
        return false;
    return !code || look_around(trial, "after a batch that failed");
}

static size_t draw_batch(struct trial *trial, model_call calls[CALLS]) {
    const draw_range range = {MODEL_USERS, MODEL_LESSONS, MODEL_COURSES, MODEL_SESSIONS, 60, 0};
    size_t count = 1 + dice_below(&trial->dice, CALLS);
    for (size_t i = 0; i < count; i++)
        calls[i] = draw_call(&trial->dice, &range);
    return count;
}

static bool run_drawn(struct trial *trial) {
    model_call calls[CALLS];
    size_t count = draw_batch(trial, calls);
    return run_batch(trial, calls, count);
}

/* A batch that certainly changes something. */
static bool run_change(struct trial *trial) {
    model_call calls[CALLS + 1];
    size_t count = draw_batch(trial, calls);
    model_state after = trial->sure;
    for (size_t i = 0; i < count; i++)
        model_run(&after, &calls[i]);
    calls[count++] =
        (model_call)MODEL_JOIN(0, 0, (int8_t)((after.users[0].lesson + 1) % MODEL_LESSONS), MODEL_NONE, 0, false, 0);
    return run_batch(trial, calls, count);
}

/* Opens the store. If that fails for an allowed reason, opens it with the fault removed. */
static bool open_store(struct trial *trial) {
    begin_call();
    int code = opening_open(&trial->store, trial->plan->backend, trial->files, trial->plan->options);
    if (!code)
        return true;
    if (!fits(trial, code, "opening"))
        return false;
    shim_pause();
    code = opening_open(&trial->store, trial->plan->backend, trial->files, trial->plan->options);
    shim_resume();
    if (code)
        return wrong(trial, "opening with the fault gone: %s", lesson_store_message());
    return look_around(trial, "after it could not be opened");
}

static bool read_all(struct trial *trial) {
    model_state found;
    begin_call();
    int code = vocabulary_read_state(words, trial->store, &found, trial->text);
    if (!code)
        return vocabulary_compare(&trial->sure, &found, trial->text) || wrong_within(trial, "reading");
    if (strcmp(lesson_store_message(), STALE) == 0)
        return wrong_within(trial, "reading");
    return fits(trial, code, "reading") && look_around(trial, "after a failed reading");
}

static bool keep_finding(const lesson_store_finding *finding, void *text) {
    snprintf(text, 200, "%s", finding->detail);
    return true;
}

static bool check_all(struct trial *trial) {
    char detail[200] = "";
    uint64_t found = 0;
    uint32_t flags = dice_once_in(&trial->dice, 2) ? LESSON_STORE_CHECK_REPAIR : 0;
    begin_call();
    int code = lesson_store_check(trial->store, flags, keep_finding, detail, &found, NULL);
    if (found > 0)
        return wrong(trial, "check finds: %s", detail);
    return !code || (fits(trial, code, "check") && look_around(trial, "after a failed check"));
}

static bool hear_fact(const char *name, const char *value, void *context) {
    (void)name, (void)value, (void)context;
    return true;
}

static bool inform(struct trial *trial) {
    begin_call();
    int code = lesson_store_info(trial->store, hear_fact, NULL);
    return !code || (fits(trial, code, "info") && look_around(trial, "after a failed info"));
}

static bool live(struct trial *trial) {
    for (int i = 0; i < BATCHES; i++) {
        if (!run_drawn(trial))
            return false;
    }
    return read_all(trial) && check_all(trial) && inform(trial);
}

/* Closing cannot fail: what it could not copy into the file stays in the log. */
static bool reopen(struct trial *trial) {
    lesson_store_close(trial->store);
    trial->store = NULL;
    if (!open_store(trial))
        return false;
    shim_pause();
    bool is_right = look(trial, trial->store, true, "opened again");
    shim_resume();
    return is_right;
}

static bool recover(struct trial *trial) {
    lesson_store *other;
    shim_disarm();
    if (!look(trial, trial->store, true, "with the fault gone") || !run_change(trial))
        return wrong_within(trial, "with the fault gone");
    if (opening_open(&other, NULL, trial->files, ""))
        return wrong(trial, "opening a second store: %s", lesson_store_message());
    bool is_right = look(trial, other, false, "a second store") && look_at_image(trial);
    lesson_store_close(other);
    return is_right && reopen(trial);
}

static bool go_through(struct trial *trial) {
    if (!trial->plan->from_new && !(open_store(trial) && run_change(trial)))
        return false;
    shim_arm(&trial->plan->fault);
    if (trial->plan->from_new && !open_store(trial))
        return false;
    bool is_right = live(trial) && (trial->plan->backend || reopen(trial));
    trial->outcome->faults = shim_failed();
    return is_right && recover(trial);
}

bool trial_run(const trial_plan *plan, dice_state dice, const sqlite_files *files, trial_outcome *outcome,
               char text[VOCABULARY_TEXT_SIZE]) {
    struct trial trial = {.plan = plan, .files = files, .dice = dice, .database = -1, .outcome = outcome, .text = text};
    int descriptors = descriptors_open();
    sqlite3_int64 memory = sqlite3_memory_used();
    *outcome = (trial_outcome){.faults = 0};
    opening_name_image(files, &trial.image);
    model_begin(&trial.sure);
    opening_clear(files);
    bool is_right = go_through(&trial);
    shim_disarm();
    lesson_store_close(trial.store);
    if (trial.database >= 0)
        close(trial.database);
    if (is_right && descriptors_open() != descriptors)
        return wrong(&trial, "%d descriptors are left open", descriptors_open() - descriptors);
    if (is_right && sqlite3_memory_used() != memory)
        return wrong(&trial, "%lld bytes of memory are left", (long long)(sqlite3_memory_used() - memory));
    return is_right;
}
