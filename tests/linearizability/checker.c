#include "checker.h"

#include <stdlib.h>
#include <string.h>

#include <lessonstore/lessonstore.h>

/* ---- The states that were visited */

typedef struct seen_state {
    uint64_t done; /* the calls that have taken effect, as bits; 0: the slot is free */
    model_state model;
} seen_state;

typedef struct seen_states {
    seen_state *places;
    size_t size; /* a power of two */
    size_t used;
} seen_states;

enum { FIRST_SIZE = 256 };

static uint64_t hash(uint64_t done, const model_state *model) {
    const unsigned char *bytes = (const unsigned char *)model;
    uint64_t mixed = done * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < sizeof *model; i++)
        mixed = (mixed ^ bytes[i]) * UINT64_C(0x100000001b3);
    return mixed ^ (mixed >> 32);
}

/* Returns the slot of this state, or the free slot for it. */
static seen_state *find(const seen_states *seen, uint64_t done, const model_state *model) {
    size_t at = hash(done, model) & (seen->size - 1);
    while (seen->places[at].done &&
           (seen->places[at].done != done || memcmp(&seen->places[at].model, model, sizeof *model) != 0))
        at = (at + 1) & (seen->size - 1);
    return &seen->places[at];
}

static bool grow(seen_states *seen) {
    seen_states larger = {NULL, seen->size ? 2 * seen->size : FIRST_SIZE, seen->used};
    larger.places = calloc(larger.size, sizeof *larger.places);
    if (!larger.places)
        return false;
    for (size_t i = 0; i < seen->size; i++) {
        if (seen->places[i].done)
            *find(&larger, seen->places[i].done, &seen->places[i].model) = seen->places[i];
    }
    free(seen->places);
    *seen = larger;
    return true;
}

/* ---- The search */

typedef struct checker_search {
    const history *calls;
    uint64_t before[HISTORY_CALLS_MAX];
    uint64_t needed; /* the calls that certainly took effect, as bits */
    size_t states_max;
    seen_states seen;
    bool is_given_up;
    uint8_t path[HISTORY_CALLS_MAX];
    checker_finding *finding;
} checker_search;

/* True if the search has not visited this state. */
static bool is_new(checker_search *search, uint64_t done, const model_state *model) {
    seen_states *seen = &search->seen;
    if (seen->used >= search->states_max || (2 * (seen->used + 1) > seen->size && !grow(seen))) {
        search->is_given_up = true;
        return false;
    }
    seen_state *place = find(seen, done, model);
    if (place->done)
        return false;
    *place = (seen_state){done, *model};
    seen->used++;
    return true;
}

static bool can_come_next(const checker_search *search, uint64_t done, size_t index) {
    return !(done >> index & 1) && !(search->before[index] & ~done) &&
           search->calls->calls[index].outcome != HISTORY_VOID;
}

static void keep_longest(checker_search *search, size_t depth) {
    if (depth <= search->finding->longest)
        return;
    search->finding->longest = depth;
    memcpy(search->finding->order, search->path, depth);
}

/* A call that changes nothing in any order, and has the right answer, can be placed first: whatever follows it could
 * follow without it. This is not true of a write that only happens to change nothing now. Returns the number of calls
 * if there is none. */
static size_t find_reading(const checker_search *search, uint64_t done, const model_state *model) {
    const history *calls = search->calls;
    for (size_t i = 0; i < calls->count; i++) {
        model_state next = *model;
        if (can_come_next(search, done, i) && !history_may_change(&calls->calls[i]) &&
            history_step(calls, &calls->calls[i], &next))
            return i;
    }
    return calls->count;
}

static bool go_on(checker_search *search, uint64_t done, const model_state *model, size_t depth);

static bool go_by(checker_search *search, uint64_t done, const model_state *model, size_t depth, size_t index) {
    model_state next = *model;
    if (!history_step(search->calls, &search->calls->calls[index], &next))
        return false;
    search->path[depth] = (uint8_t)index;
    return go_on(search, done | UINT64_C(1) << index, &next, depth + 1);
}

static bool go_on(checker_search *search, uint64_t done, const model_state *model, size_t depth) {
    keep_longest(search, depth);
    if (!(search->needed & ~done))
        return true;
    if (done && !is_new(search, done, model))
        return false;
    size_t reading = find_reading(search, done, model);
    if (reading < search->calls->count)
        return go_by(search, done, model, depth, reading);
    for (size_t i = 0; i < search->calls->count && !search->is_given_up; i++) {
        if (can_come_next(search, done, i) && go_by(search, done, model, depth, i))
            return true;
    }
    return false;
}

checker_finding checker_judge(const history *calls, size_t states_max) {
    checker_finding finding = {CHECKER_NOT_LINEARIZABLE, 0, 0, {0}};
    checker_search search = {.calls = calls, .states_max = states_max, .finding = &finding};
    for (size_t i = 0; i < calls->count; i++) {
        uint8_t outcome = calls->calls[i].outcome;
        search.before[i] = history_before(calls, i);
        if (outcome == HISTORY_ANSWERED || outcome == HISTORY_SILENT)
            search.needed |= UINT64_C(1) << i;
    }
    if (go_on(&search, 0, &calls->begin, 0))
        finding.verdict = CHECKER_LINEARIZABLE;
    else if (search.is_given_up)
        finding.verdict = CHECKER_UNDECIDED;
    finding.states = search.seen.used;
    free(search.seen.places);
    return finding;
}

/* ---- For a person */

static void print_due(FILE *out, const history_call *call, model_state model) {
    char text[MODEL_TEXT_SIZE];
    fprintf(out, "  ");
    history_print_call(out, call);
    if (call->kind != HISTORY_OPERATION)
        return;
    model_answer due = model_run(&model, &call->call);
    fprintf(out, "    instead of %s\n", model_answer_text(&due, text));
}

static void print_next(FILE *out, const history *calls, uint64_t done, const model_state *model) {
    history_call state = history_call_of(HISTORY_STATE, (model_call){0});
    state.outcome = HISTORY_ANSWERED;
    state.answer.listed = *model;
    fprintf(out, "then: ");
    history_print_call(out, &state);
    fprintf(out, "but of what could come next none is right with all that follows:\n");
    for (size_t i = 0; i < calls->count; i++) {
        const history_call *call = &calls->calls[i];
        if (!(done >> i & 1) && !(history_before(calls, i) & ~done) && call->outcome == HISTORY_ANSWERED)
            print_due(out, call, *model);
    }
}

void checker_print(FILE *out, const history *calls, const checker_finding *finding) {
    static const char *const verdicts[] = {"linearizable", "NOT linearizable", "undecided"};
    model_state model = calls->begin;
    uint64_t done = 0;
    fprintf(out, "%s, %zu states: ", verdicts[finding->verdict], finding->states);
    history_print(out, calls);
    fprintf(out, "the longest right order found:");
    for (size_t i = 0; i < finding->longest; i++) {
        fprintf(out, " %d", finding->order[i]);
        history_step(calls, &calls->calls[finding->order[i]], &model);
        done |= UINT64_C(1) << finding->order[i];
    }
    fprintf(out, "\n");
    print_next(out, calls, done, &model);
}
