/* The fault that is set for a store: which calls it strikes, and the waiting. */
#include <stdlib.h>
#include <time.h>

#include "faults.h"

/* ---- Which calls are struck */

/* Splitmix64. Even consecutive numbers, such as those of calls, come out as if random. */
static uint64_t mix(uint64_t number) {
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

static bool has_bad_luck(const lesson_store_fault *fault, uint64_t number) {
    return fault->one_in <= 1 || mix(mix(fault->seed) + number) % fault->one_in == 0;
}

/* An engine needs neither room nor the right to write for a read. */
static bool spares_reads(int code) {
    return code == LESSON_STORE_READ_ONLY || code == LESSON_STORE_FULL;
}

/* Called with the mutex held. */
static bool strikes(fault_state *faults, fault_target target) {
    const lesson_store_fault *fault = &faults->fault;
    if (!faults->is_set || !(fault->on & target.on) || (spares_reads(fault->code) && !target.writes))
        return false;
    uint64_t number = ++faults->watched;
    if (number < fault->at || (fault->times > 0 && faults->struck >= fault->times) || !has_bad_luck(fault, number))
        return false;
    faults->struck++;
    return true;
}

/* Called with the mutex held. A failed open has no unknown outcome, because nothing has been asked yet. */
static fault_strike strike_of(const fault_state *faults, fault_target target) {
    fault_strike strike = {.struck = true,
                           .code = faults->fault.code,
                           .made = faults->struck,
                           .fault = faults->fault,
                           .changes = faults->changes};
    if (strike.code == LESSON_STORE_UNKNOWN && (!target.writes || target.on == LESSON_STORE_FAULT_ON_OPEN))
        strike.code = LESSON_STORE_UNREACHABLE;
    return strike;
}

int fault_announce(const fault_state *faults, const fault_strike *strike) {
    return lesson_store_fail(strike->code, "%s: %s (fault %llu, made on purpose)", faults->shown,
                             lesson_store_code_text(strike->code), (unsigned long long)strike->made);
}

fault_strike fault_watch(fault_state *faults, fault_target target) {
    fault_strike strike = {.struck = false};
    pthread_mutex_lock(&faults->mutex);
    if (strikes(faults, target))
        strike = strike_of(faults, target);
    pthread_mutex_unlock(&faults->mutex);
    return strike;
}

fault_strike fault_watch_batch(fault_state *faults, lesson_store_operation *operations, size_t count, size_t *at) {
    fault_strike strike = {.struck = false};
    *at = count;
    pthread_mutex_lock(&faults->mutex);
    for (size_t i = 0; i < count && *at == count; i++) {
        fault_target target = {UINT64_C(1) << operations[i].kind, lesson_store_operation_writes(&operations[i])};
        if (!strikes(faults, target))
            continue;
        strike = strike_of(faults, target);
        if (strike.fault.scope == LESSON_STORE_FAULT_SCOPE_OPERATION && strike.code)
            lesson_store_answer(&operations[i], fault_announce(faults, &strike));
        else if (strike.code)
            *at = i;
    }
    pthread_mutex_unlock(&faults->mutex);
    return strike;
}

/* ---- Waiting */

void fault_wait(fault_state *faults, const fault_strike *strike) {
    if (strike->fault.delay_ms == 0)
        return;
    int64_t until_us = lesson_store_monotonic_us() + strike->fault.delay_ms * 1000;
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000), .tv_nsec = (long)(until_us % 1000000) * 1000};
    int result = 0;
    pthread_mutex_lock(&faults->mutex);
    while (!result && faults->changes == strike->changes)
        result = pthread_cond_clockwait(&faults->changed, &faults->mutex, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&faults->mutex);
}

/* ---- Setting and clearing */

static bool can_be_made(int code) {
    const int *known = fault_codes;
    while (*known && *known != code)
        known++;
    return *known == code;
}

#define COUNT_ONE(name, number, word) COUNT_##name,
enum { LESSON_STORE_OPERATION_MAP(COUNT_ONE) OPERATIONS };
#undef COUNT_ONE

/* A check writes if it repairs. */
static bool any_can_write(uint64_t on) {
    for (uint32_t kind = 1; kind <= OPERATIONS; kind++) {
        lesson_store_operation operation = {.kind = kind};
        if (on >> kind & 1 && lesson_store_operation_writes(&operation))
            return true;
    }
    return on & (LESSON_STORE_FAULT_ON_CHECK | LESSON_STORE_FAULT_ON_SWEEP | LESSON_STORE_FAULT_ON_OPEN);
}

static bool is_of_connection(int code) {
    return code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_UNKNOWN;
}

static uint32_t default_scope(int code) {
    switch (code) {
    case LESSON_STORE_NO_MEMORY:
    case LESSON_STORE_MALFORMED:
    case LESSON_STORE_DENIED:
    case LESSON_STORE_READ_ONLY:
    case LESSON_STORE_FULL:
        return LESSON_STORE_FAULT_SCOPE_OPERATION;
    default:
        return LESSON_STORE_FAULT_SCOPE_REST;
    }
}

static int check(const lesson_store_fault *fault) {
    const uint64_t known = LESSON_STORE_FAULT_ON_CALLS | LESSON_STORE_FAULT_ON_OPEN | LESSON_STORE_FAULT_ON_EVENTS;
    const char *what = NULL;
    if (!can_be_made(fault->code))
        what = "no engine fails with this code";
    else if (fault->on & ~known)
        what = "the watched kind of call does not exist";
    else if (spares_reads(fault->code) && !any_can_write(fault->on))
        what = "READ_ONLY and FULL strike only calls that write, and no such call is watched";
    else if (fault->scope > LESSON_STORE_FAULT_SCOPE_BATCH)
        what = "the scope does not exist";
    else if (fault->scope == LESSON_STORE_FAULT_SCOPE_OPERATION && is_of_connection(fault->code))
        what = "UNREACHABLE and UNKNOWN cannot strike one operation alone";
    else if (fault->after_applying && fault->code != LESSON_STORE_UNKNOWN)
        what = "only UNKNOWN can strike after the operation was applied";
    else if (fault->delay_ms < 0 || fault->delay_ms > LESSON_STORE_FAULT_DELAY_MAX_MS)
        what = "the delay is too long, or negative";
    else if (!fault->code && fault->delay_ms == 0)
        what = "neither a code nor a delay is given";
    return what ? lesson_store_fail(LESSON_STORE_INVALID, "fault: %s", what) : LESSON_STORE_OK;
}

/* Called with the mutex held. */
static void change(fault_state *faults, bool is_set) {
    faults->is_set = is_set;
    faults->changes++;
    pthread_cond_broadcast(&faults->changed);
}

int fault_state_set(fault_state *faults, const lesson_store_fault *asked) {
    lesson_store_fault fault = *asked;
    if (fault.on == 0)
        fault.on = LESSON_STORE_FAULT_ON_CALLS;
    int code = check(&fault);
    if (code)
        return code;
    if (fault.scope == LESSON_STORE_FAULT_SCOPE_DEFAULT)
        fault.scope = default_scope(fault.code);
    pthread_mutex_lock(&faults->mutex);
    faults->fault = fault;
    faults->watched = faults->struck = 0;
    change(faults, true);
    pthread_mutex_unlock(&faults->mutex);
    return LESSON_STORE_OK;
}

void fault_state_clear(fault_state *faults) {
    pthread_mutex_lock(&faults->mutex);
    change(faults, false);
    pthread_mutex_unlock(&faults->mutex);
}

uint64_t fault_state_struck(fault_state *faults) {
    pthread_mutex_lock(&faults->mutex);
    uint64_t struck = faults->struck;
    pthread_mutex_unlock(&faults->mutex);
    return struck;
}

/* ---- The state of a store */

int fault_state_open(fault_state **out, const char *shown) {
    fault_state *faults = calloc(1, sizeof *faults);
    if (!faults)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a store");
    faults->shown = shown;
    faults->instances = 1;
    pthread_cond_init(&faults->changed, NULL);
    pthread_mutex_init(&faults->mutex, NULL);
    *out = faults;
    return LESSON_STORE_OK;
}

fault_state *fault_state_share(fault_state *faults) {
    pthread_mutex_lock(&faults->mutex);
    faults->instances++;
    pthread_mutex_unlock(&faults->mutex);
    return faults;
}

void fault_state_release(fault_state *faults) {
    pthread_mutex_lock(&faults->mutex);
    bool last = --faults->instances == 0;
    pthread_mutex_unlock(&faults->mutex);
    if (!last)
        return;
    pthread_mutex_destroy(&faults->mutex);
    pthread_cond_destroy(&faults->changed);
    free(faults);
}
