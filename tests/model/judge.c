#include "judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUEST_MAX = 256, /* operations in a request, as in backends/redis/run.c */
    GROUPS_MAX = JUDGE_BATCH_MAX / REQUEST_MAX + 1,
    CHAINS_MAX = 6,
    WORLDS_MAX = 4096,
    TEXT_SIZE = 1600
};

/* The requests of one batch with an unknown outcome, in order. */
struct chain {
    size_t groups;
    size_t ends[GROUPS_MAX];
    model_call calls[JUDGE_BATCH_MAX];
};

struct world {
    model_state state;
    uint8_t done[CHAINS_MAX]; /* number of groups of each chain that were applied or never will be */
    uint8_t has_lost;
};

struct worlds {
    size_t count;
    struct world items[WORLDS_MAX];
};

struct judge_case {
    struct worlds now;
    struct worlds past; /* the states since judge_remember */
    size_t chains;
    struct chain chain[CHAINS_MAX];
    bool may_lose;
    bool remembers;
    bool overflow; /* there are more worlds or chains than fit, so no more verdicts are possible */
    char text[TEXT_SIZE];
};

const judge_rules judge_nothing_fails = {0, 0, false, NULL, NULL};

/* ---- Worlds */

static void add(judge_case *judge, struct worlds *worlds, const struct world *world) {
    for (size_t i = 0; i < worlds->count; i++) {
        if (memcmp(&worlds->items[i], world, sizeof *world) == 0)
            return;
    }
    if (worlds->count == WORLDS_MAX)
        judge->overflow = true;
    else
        worlds->items[worlds->count++] = *world;
}

/* Worlds that have become equal are merged. */
static void merge(judge_case *judge) {
    size_t count = judge->now.count;
    judge->now.count = 0;
    for (size_t i = 0; i < count; i++) {
        struct world world = judge->now.items[i];
        add(judge, &judge->now, &world);
    }
}

static void apply_next(const struct chain *chain, size_t index, struct world *world) {
    size_t group = world->done[index]++;
    model_answer ignored;
    for (size_t i = group ? chain->ends[group - 1] : 0; i < chain->ends[group]; i++)
        ignored = model_run(&world->state, &chain->calls[i]);
    (void)ignored;
}

static struct world lose(const judge_case *judge, struct world world) {
    model_begin(&world.state);
    for (size_t i = 0; i < judge->chains; i++)
        world.done[i] = (uint8_t)judge->chain[i].groups;
    world.has_lost = 1;
    return world;
}

/* Adds what may have happened meanwhile: late requests, and the loss of all data. */
static void pass_time(judge_case *judge, bool refuses_late) {
    for (size_t i = 0; i < judge->now.count; i++) {
        for (size_t k = 0; k < judge->chains; k++) {
            struct world world = judge->now.items[i];
            if (world.done[k] == judge->chain[k].groups)
                continue;
            apply_next(&judge->chain[k], k, &world);
            add(judge, &judge->now, &world);
            if (refuses_late) {
                world.state = judge->now.items[i].state;
                add(judge, &judge->now, &world);
            }
        }
        if (judge->may_lose && !judge->now.items[i].has_lost) {
            struct world world = lose(judge, judge->now.items[i]);
            add(judge, &judge->now, &world);
        }
    }
    for (size_t i = 0; judge->remembers && i < judge->now.count; i++)
        add(judge, &judge->past, &judge->now.items[i]);
}

static void forget_chains(judge_case *judge) {
    for (size_t i = 0; i < judge->now.count; i++)
        memset(judge->now.items[i].done, 0, sizeof judge->now.items[i].done);
    judge->chains = 0;
    merge(judge);
}

judge_case *judge_begin(const model_state *state) {
    judge_case *judge = calloc(1, sizeof *judge);
    if (!judge)
        abort();
    judge->now.count = 1;
    judge->now.items[0].state = *state;
    return judge;
}

void judge_free(judge_case *judge) {
    free(judge);
}

size_t judge_worlds(const judge_case *judge) {
    return judge->now.count;
}

const char *judge_text(const judge_case *judge) {
    return judge->overflow ? "there are more possible states than can be told apart" : judge->text;
}

/* ---- One operation */

bool judge_is_write(const model_call *call) {
    return call->kind != LESSON_STORE_OPERATION_GET_LESSON && call->kind != LESSON_STORE_OPERATION_WHERE &&
           call->kind != LESSON_STORE_OPERATION_COUNT_MEMBERS;
}

static bool is_failure(const model_call *call, int code) {
    return code < 0 && !call->wrong;
}

static bool reject(judge_case *judge, const char *why, const model_call *call, const model_answer *answer) {
    char asked[MODEL_TEXT_SIZE], reported[MODEL_TEXT_SIZE];
    snprintf(judge->text, sizeof judge->text, "%s:\n  %s\n  %s", why, model_call_text(call, asked),
             model_answer_text(answer, reported));
    return false;
}

static bool may_fail(const judge_rules *rules, bool writes, int code) {
    return code < 0 && code > -32 && (writes ? rules->writes : rules->reads) >> -code & 1;
}

static judge_verdict verdict_of(const judge_rules *rules, const model_state *state, const model_call *call) {
    return rules->verdict ? rules->verdict(state, call, rules->context) : JUDGE_MAY_FAIL;
}

/* Keeps the worlds in which the call fails. */
static bool take_failure(judge_case *judge, const judge_rules *rules, const model_call *call,
                         const model_answer *answer) {
    if (!may_fail(rules, judge_is_write(call), answer->code))
        return reject(judge, "a call must not fail so", call, answer);
    size_t kept = 0;
    for (size_t i = 0; i < judge->now.count; i++) {
        if (verdict_of(rules, &judge->now.items[i].state, call) != JUDGE_WORKS)
            judge->now.items[kept++] = judge->now.items[i];
    }
    judge->now.count = kept;
    return kept > 0 || reject(judge, "a call must not fail in this state", call, answer);
}

static bool is_answer(const model_answer *expected, const model_answer *answer) {
    model_answer known = *expected;
    if (answer->lesson == JUDGE_UNTOLD)
        known.course = known.lesson = known.session = known.owner = JUDGE_UNTOLD;
    return model_answers_equal(&known, answer);
}

/* Keeps the worlds that give this answer. */
static bool take_answer(judge_case *judge, const judge_rules *rules, const model_call *call,
                        const model_answer *answer) {
    char due[MODEL_TEXT_SIZE] = "a failure";
    size_t kept = 0, count = judge->now.count;
    for (size_t i = 0; i < count; i++) {
        struct world world = judge->now.items[i];
        judge_verdict verdict = call->wrong ? JUDGE_WORKS : verdict_of(rules, &world.state, call);
        model_answer expected = model_run(&world.state, call);
        if (rules->verdict && verdict == JUDGE_FAILS)
            continue;
        if (is_answer(&expected, answer))
            judge->now.items[kept++] = world;
        else
            model_answer_text(&expected, due);
    }
    judge->now.count = kept;
    if (kept > 0)
        return true;
    reject(judge, "an answer that no possible state gives", call, answer);
    size_t size = strlen(judge->text);
    snprintf(judge->text + size, sizeof judge->text - size, "\n  where one of %zu gives\n  %s", count, due);
    return false;
}

/* ---- Requests */

/* Returns the end of the request that begins with this operation: up to 256 operations, and an INVALID one stands
 * alone. */
static size_t end_of_request(const model_call *calls, size_t first, size_t count) {
    size_t end = first;
    while (end < count && end - first < REQUEST_MAX && !calls[end].wrong)
        end++;
    return end > first ? end : first + 1;
}

static bool is_unknown(const model_answer *answers, size_t first, size_t end) {
    while (first < end && answers[first].code != LESSON_STORE_UNKNOWN)
        first++;
    return first < end;
}

static struct chain *begin_chain(judge_case *judge) {
    if (judge->chains == CHAINS_MAX) {
        judge->overflow = true;
        return NULL;
    }
    struct chain *chain = &judge->chain[judge->chains++];
    chain->groups = 0;
    return chain;
}

static void add_group(judge_case *judge, struct chain *chain, const model_call *calls, size_t count) {
    if (chain->groups == GROUPS_MAX) {
        judge->overflow = true;
        return;
    }
    size_t begin = chain->groups ? chain->ends[chain->groups - 1] : 0;
    memcpy(chain->calls + begin, calls, count * sizeof *calls);
    chain->ends[chain->groups++] = begin + count;
}

/* A request with an unknown outcome was executed whole or not at all, so none of its operations has an answer. */
static bool take_unknown(judge_case *judge, const judge_rules *rules, struct chain *chain, const model_call *calls,
                         const model_answer *answers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool writes = judge_is_write(&calls[i]);
        if (writes != (answers[i].code == LESSON_STORE_UNKNOWN))
            return reject(judge, writes ? "half a request is unknown" : "a read is unknown", &calls[i], &answers[i]);
        if (!may_fail(rules, writes, answers[i].code))
            return reject(judge, "a call must not fail so", &calls[i], &answers[i]);
    }
    if (!chain)
        return false;
    add_group(judge, chain, calls, count);
    return true;
}

static bool take_request(judge_case *judge, const judge_rules *rules, const model_call *calls,
                         const model_answer *answers, size_t count) {
    pass_time(judge, rules->refuses_late);
    for (size_t i = 0; i < count; i++) {
        bool fits = is_failure(&calls[i], answers[i].code) ? take_failure(judge, rules, &calls[i], &answers[i])
                                                           : take_answer(judge, rules, &calls[i], &answers[i]);
        if (!fits)
            return false;
    }
    merge(judge);
    return true;
}

/* If the code of a batch is a failure, one of its operations failed. If an outcome is unknown, the code is UNKNOWN. */
static bool judge_code(judge_case *judge, const model_call *calls, const model_answer *answers, size_t count,
                       int code) {
    bool has_failure = false, unknown = is_unknown(answers, 0, count);
    for (size_t i = 0; i < count; i++)
        has_failure = has_failure || is_failure(&calls[i], answers[i].code);
    if (unknown == (code == LESSON_STORE_UNKNOWN) && (code == LESSON_STORE_OK || (code < 0 && has_failure)))
        return true;
    snprintf(judge->text, sizeof judge->text, "the batch says %s, where %s", lesson_store_code_name(code),
             unknown       ? "an outcome is unknown"
             : has_failure ? "another failure was reported"
                           : "every operation was answered");
    return false;
}

bool judge_batch(judge_case *judge, const judge_rules *rules, const model_call *calls, const model_answer *answers,
                 size_t count, int code) {
    struct chain *chain = NULL;
    bool fits = judge_code(judge, calls, answers, count, code);
    for (size_t first = 0, end; fits && first < count; first = end) {
        end = end_of_request(calls, first, count);
        if (!is_unknown(answers, first, end)) {
            fits = take_request(judge, rules, calls + first, answers + first, end - first);
            continue;
        }
        chain = chain ? chain : begin_chain(judge);
        fits = take_unknown(judge, rules, chain, calls + first, answers + first, end - first);
    }
    pass_time(judge, rules->refuses_late);
    return fits && !judge->overflow;
}

bool judge_batch_unheard(judge_case *judge, const model_call *calls, size_t count) {
    struct chain *chain = begin_chain(judge);
    for (size_t first = 0, end; chain && first < count; first = end) {
        end = end_of_request(calls, first, count);
        if (!calls[first].wrong)
            add_group(judge, chain, calls + first, end - first);
    }
    pass_time(judge, false);
    return !judge->overflow;
}

/* ---- States */

bool judge_reading(judge_case *judge, const judge_rules *rules, bool writes, int code,
                   bool (*fits)(const model_state *state, const void *context), const void *context, const char *what) {
    if (code && !may_fail(rules, writes, code)) {
        snprintf(judge->text, sizeof judge->text, "%s must not fail by %s", what, lesson_store_code_name(code));
        return false;
    }
    pass_time(judge, rules->refuses_late);
    size_t kept = 0, count = judge->now.count;
    for (size_t i = 0; i < count; i++) {
        if (fits(&judge->now.items[i].state, context))
            judge->now.items[kept++] = judge->now.items[i];
    }
    judge->now.count = kept;
    snprintf(judge->text, sizeof judge->text, "%s (%s) reported what none of %zu possible states is", what,
             lesson_store_code_name(code), count);
    return kept > 0 && !judge->overflow;
}

void judge_settle(judge_case *judge) {
    pass_time(judge, false);
    forget_chains(judge);
}

bool judge_state(judge_case *judge, const model_state *state) {
    char first[VOCABULARY_TEXT_SIZE] = "";
    judge_settle(judge);
    for (size_t i = 0; i < judge->now.count; i++) {
        if (vocabulary_compare(&judge->now.items[i].state, state, first)) {
            judge->now.items[0] = judge->now.items[i];
            judge->now.count = 1;
            return !judge->overflow;
        }
    }
    snprintf(judge->text, sizeof judge->text,
             "the state is none of %zu possible ones; of one of them it differs so: %s", judge->now.count, first);
    return false;
}

void judge_may_lose(judge_case *judge) {
    judge->may_lose = true;
}

void judge_lost(judge_case *judge) {
    for (size_t i = 0; i < judge->now.count; i++) {
        if (!judge->now.items[i].has_lost)
            judge->now.items[i] = lose(judge, judge->now.items[i]);
        judge->now.items[i].has_lost = 0;
    }
    judge->may_lose = false;
    forget_chains(judge);
}

void judge_remember(judge_case *judge) {
    judge->remembers = true;
    judge->past.count = 0;
}

void judge_fell_back(judge_case *judge) {
    pass_time(judge, false);
    judge->remembers = false;
    for (size_t i = 0; i < judge->past.count; i++)
        add(judge, &judge->now, &judge->past.items[i]);
    forget_chains(judge);
}
