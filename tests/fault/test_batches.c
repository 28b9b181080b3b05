/*
 * Random batches under random faults, on each engine. The answers of all operations, the code of the batch, the number
 * of struck operations and the content of the store are compared with the model and with the rules in fault.h.
 */
#include <stdio.h>

#include "cmocka_all.h"

#include "draw.h"
#include "engine.h"
#include "soak.h"
#include "vocabulary.h"
#include <lessonstore/fault.h>

enum { ROUNDS = 60, BATCHES = 20, CALLS_MAX = 40 };

static const int codes[] = {LESSON_STORE_UNREACHABLE, LESSON_STORE_DENIED, LESSON_STORE_READ_ONLY,
                            LESSON_STORE_FULL,        LESSON_STORE_BUSY,   LESSON_STORE_UNKNOWN,
                            LESSON_STORE_MALFORMED,   LESSON_STORE_FAILED, LESSON_STORE_NO_MEMORY};
enum { CODES = sizeof codes / sizeof *codes };

/* A batch, and its expected result. */
struct play {
    const lesson_store_fault *fault;
    uint64_t watched;
    uint64_t struck;
    const model_call *calls;
    size_t count;
    model_state model;
    model_answer answers[CALLS_MAX];
    int code;
};

static bool writes(const model_call *call) {
    return call->kind != LESSON_STORE_OPERATION_GET_LESSON && call->kind != LESSON_STORE_OPERATION_WHERE &&
           call->kind != LESSON_STORE_OPERATION_COUNT_MEMBERS;
}

static bool is_alone(const lesson_store_fault *fault) {
    if (fault->scope)
        return fault->scope == LESSON_STORE_FAULT_SCOPE_OPERATION;
    return fault->code != LESSON_STORE_UNREACHABLE && fault->code != LESSON_STORE_UNKNOWN &&
           fault->code != LESSON_STORE_BUSY && fault->code != LESSON_STORE_FAILED;
}

static bool strikes(struct play *play, const model_call *call) {
    const lesson_store_fault *fault = play->fault;
    bool spared = !writes(call) && (fault->code == LESSON_STORE_READ_ONLY || fault->code == LESSON_STORE_FULL);
    if (!(fault->on >> call->kind & 1) || spared || ++play->watched < fault->at)
        return false;
    if (fault->times > 0 && play->struck == fault->times)
        return false;
    play->struck++;
    return true;
}

static void apply(struct play *play, size_t first, size_t end) {
    for (size_t i = first; i < end; i++) {
        if (play->answers[i].code != play->fault->code)
            play->answers[i] = model_run(&play->model, &play->calls[i]);
    }
}

/* Operations from `first` to `sent` fail with the code, and those behind are not sent. INVALID operations stay INVALID.
 */
static void fail_from(struct play *play, size_t first, size_t sent) {
    bool unknown = play->fault->code == LESSON_STORE_UNKNOWN;
    play->code = unknown ? LESSON_STORE_UNREACHABLE : play->fault->code;
    for (size_t i = first; i < play->count; i++) {
        bool lost = unknown && i < sent && writes(&play->calls[i]);
        play->answers[i].code = play->calls[i].wrong ? LESSON_STORE_INVALID
                                : lost               ? LESSON_STORE_UNKNOWN
                                : unknown            ? LESSON_STORE_UNREACHABLE
                                                     : play->fault->code;
        if (lost)
            play->code = LESSON_STORE_UNKNOWN;
    }
}

/* The operations from `first` to `end`, none of which is INVALID. False if the batch ends here. */
static bool expect_stretch(struct play *play, size_t first, size_t end) {
    size_t at = first;
    for (; at < end; at++) {
        if (!strikes(play, &play->calls[at]))
            continue;
        if (!is_alone(play->fault))
            break;
        play->answers[at].code = play->fault->code;
    }
    if (at == end) {
        apply(play, first, end);
        return true;
    }
    bool whole = play->fault->scope == LESSON_STORE_FAULT_SCOPE_BATCH;
    size_t lost = whole ? first : at;
    size_t sent = whole ? end : at + 1;
    apply(play, first, play->fault->after_applying ? sent : lost);
    fail_from(play, lost, sent);
    return false;
}

static void expect(struct play *play) {
    size_t first = 0;
    memset(play->answers, 0, sizeof play->answers);
    for (size_t end = 0; end <= play->count; end++) {
        if (end < play->count && !play->calls[end].wrong)
            continue;
        if (!expect_stretch(play, first, end))
            return;
        if (end < play->count)
            play->answers[end].code = LESSON_STORE_INVALID;
        first = end + 1;
    }
}

static lesson_store_fault draw_fault(dice_state *dice) {
    lesson_store_fault fault = LESSON_STORE_FAULT_INIT(codes[dice_below(dice, CODES)]);
    bool of_connection = fault.code == LESSON_STORE_UNREACHABLE || fault.code == LESSON_STORE_UNKNOWN;
    fault.on = dice_once_in(dice, 2) ? LESSON_STORE_FAULT_ON_CALLS : 1 + dice_below(dice, 0xff);
    fault.on |= LESSON_STORE_OPERATION_MASK_JOIN; /* a code that can only strike writes then has something to strike */
    fault.scope = dice_below(dice, 4);
    if (of_connection && fault.scope == LESSON_STORE_FAULT_SCOPE_OPERATION)
        fault.scope = LESSON_STORE_FAULT_SCOPE_DEFAULT;
    fault.after_applying = fault.code == LESSON_STORE_UNKNOWN && dice_once_in(dice, 2);
    fault.at = 1 + dice_below(dice, CALLS_MAX);
    fault.times = dice_below(dice, 4);
    return fault;
}

static void assert_answers(const struct play *play, const model_answer *answers, uint64_t seed) {
    char call[MODEL_TEXT_SIZE], expected[MODEL_TEXT_SIZE], found[MODEL_TEXT_SIZE];
    for (size_t i = 0; i < play->count; i++) {
        const model_answer *answer = &play->answers[i];
        bool equal = answer->code < 0 ? answer->code == answers[i].code : model_answers_equal(answer, &answers[i]);
        if (!equal)
            fail_msg(
                "operation %zu of %zu, %s\nexpected %s\nfound    %s\nfault %s, scope %u, after %d, at %d" SOAK_SEED, i,
                play->count, model_call_text(&play->calls[i], call), model_answer_text(answer, expected),
                model_answer_text(&answers[i], found), lesson_store_code_name(play->fault->code),
                (unsigned)play->fault->scope, play->fault->after_applying, (int)play->fault->at, seed);
    }
}

static void play_batch(lesson_store *store, dice_state *dice, model_state *model, soak_run *soak) {
    const draw_range range = {8, 3, MODEL_COURSES, MODEL_SESSIONS, dice_once_in(dice, 3) ? 6 : 0, 0};
    model_call calls[CALLS_MAX];
    model_answer answers[CALLS_MAX];
    char text[VOCABULARY_TEXT_SIZE];
    const lesson_store_fault fault = draw_fault(dice);
    struct play play = {.fault = &fault, .calls = calls, .count = 1 + dice_below(dice, CALLS_MAX), .model = *model};
    for (size_t i = 0; i < play.count; i++)
        calls[i] = draw_call(dice, &range);
    expect(&play);

    uint64_t struck;
    assert_int_equal(lesson_store_fault_set(store, &fault), LESSON_STORE_OK);
    int code = vocabulary_run(&awkward_vocabulary, store, calls, play.count, answers);
    assert_int_equal(lesson_store_fault_clear(store), LESSON_STORE_OK);
    assert_answers(&play, answers, soak->seed);
    assert_int_equal(code, play.code);
    assert_int_equal(lesson_store_fault_struck(store, &struck), LESSON_STORE_OK);
    assert_int_equal(struck, play.struck);

    *model = play.model;
    model_state found;
    if (vocabulary_read_state(&awkward_vocabulary, store, &found, text) != LESSON_STORE_OK ||
        !vocabulary_compare(model, &found, text))
        fail_msg("%s" SOAK_SEED, text, soak->seed);
    soak->operations += play.count;
    soak->faults += struck;
}

static void batches_keep_their_promises_under_faults(void **state) {
    (void)state;
    soak_run soak = soak_begin("faults made on purpose", engine_name(), ROUNDS);
    while (soak_next(&soak)) {
        char location[512];
        lesson_store *store;
        dice_state dice = {soak.seed};
        model_state model;
        model_begin(&model);
        snprintf(location, sizeof location, "fault+%s", engine_make());
        assert_int_equal(lesson_store_open(&store, location), LESSON_STORE_OK);
        for (int i = 0; i < BATCHES; i++)
            play_batch(store, &dice, &model, &soak);
        engine_close(store);
    }
    assert_true(soak.faults > 0);
    soak_end(&soak);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(batches_keep_their_promises_under_faults)};
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
