/* The fault that is set over a store: whom it strikes, and the waiting. */
#include <stdlib.h>

#include "faults.h"

/* ---- Which calls are struck */

/* Splitmix64: even neighbouring numbers, as those of calls are, come out as if drawn. */
static uint64_t mix(uint64_t number) {
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

static bool has_bad_luck(const lesson_store_fault *fault, uint64_t number) {
    return fault->one_in <= 1 || mix(mix(fault->seed) + number) % fault->one_in == 0;
}

/* No engine needs room, or the right to write, for reading. */
static bool spares_reads(int code) {
    return code == LESSON_STORE_READ_ONLY || code == LESSON_STORE_FULL;
}

/* With the mutex held. */
static bool strikes(lesson_store_faults *faults, lesson_store_fault_target target) {
    const lesson_store_fault *fault = &faults->fault;
    if (!faults->is_set || !(fault->on & target.on) || (spares_reads(fault->code) && !target.writes))
        return false;
    uint64_t number = ++faults->watched;
    if (number < fault->at || (fault->times > 0 && faults->struck >= fault->times) || !has_bad_luck(fault, number))
        return false;
    faults->struck++;
    return true;
}

/* With the mutex held. What is opened has nothing yet that could be of unknown outcome. */
static lesson_store_strike strike_of(const lesson_store_faults *faults, lesson_store_fault_target target) {
    lesson_store_strike strike = {.struck = true,
                                  .code = faults->fault.code,
                                  .made = faults->struck,
                                  .fault = faults->fault,
                                  .changes = faults->changes};
    if (strike.code == LESSON_STORE_UNKNOWN && (!target.writes || target.on == LESSON_STORE_FAULT_ON_OPEN))
        strike.code = LESSON_STORE_UNREACHABLE;
    return strike;
}

lesson_store_strike lesson_store_faults_watch(lesson_store_faults *faults, lesson_store_fault_target target) {
    lesson_store_strike strike = {.struck = false};
    pthread_mutex_lock(&faults->mutex);
    if (strikes(faults, target))
        strike = strike_of(faults, target);
    pthread_mutex_unlock(&faults->mutex);
    return strike;
}

lesson_store_strike lesson_store_faults_watch_batch(lesson_store_faults *faults, lesson_store_operation *operations,
                                                    size_t count, size_t *at) {
    lesson_store_strike strike = {.struck = false};
    *at = count;
    pthread_mutex_lock(&faults->mutex);
    for (size_t i = 0; i < count && *at == count; i++) {
        lesson_store_fault_target target = {UINT32_C(1) << operations[i].kind,
                                            lesson_store_operation_writes(&operations[i])};
        if (!strikes(faults, target))
            continue;
        strike = strike_of(faults, target);
        if (strike.fault.scope == LESSON_STORE_FAULT_SCOPE_OPERATION && strike.code)
            operations[i].code = strike.code;
        else if (strike.code)
            *at = i;
    }
    pthread_mutex_unlock(&faults->mutex);
    return strike;
}

int lesson_store_faults_announce(const lesson_store_faults *faults, const lesson_store_strike *strike) {
    return lesson_store_fail(strike->code, "%s: %s (fault %llu, made on purpose)", faults->shown,
                             lesson_store_code_text(strike->code), (unsigned long long)strike->made);
}

/* ---- Waiting */

void lesson_store_faults_wait(lesson_store_faults *faults, const lesson_store_strike *strike) {
    if (strike->fault.delay_ms == 0)
        return;
    int64_t until_ms = lesson_store_now_ms() + strike->fault.delay_ms;
    int result = 0;
    pthread_mutex_lock(&faults->mutex);
    while (!result && faults->changes == strike->changes)
        result = lesson_store_wait_until(&faults->changed, &faults->mutex, until_ms);
    pthread_mutex_unlock(&faults->mutex);
}

/* ---- Setting and clearing */

static bool can_be_made(int code) {
    const int *known = lesson_store_fault_codes;
    while (*known && *known != code)
        known++;
    return *known == code;
}

/* A check does so if it repairs. */
static bool any_can_write(uint32_t on) {
    for (uint32_t kind = LESSON_STORE_OPERATION_CREATE; kind <= LESSON_STORE_OPERATION_COUNT; kind++) {
        lesson_store_operation operation = {.kind = kind};
        if (on >> kind & 1 && lesson_store_operation_writes(&operation))
            return true;
    }
    return on & (LESSON_STORE_FAULT_ON_CHECK | LESSON_STORE_FAULT_ON_OPEN);
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
    const uint32_t known = LESSON_STORE_FAULT_ON_CALLS | LESSON_STORE_FAULT_ON_OPEN;
    const char *what = NULL;
    if (!fault || fault->size != sizeof *fault)
        what = "begin with LESSON_STORE_FAULT_INIT";
    else if (!can_be_made(fault->code))
        what = "no engine fails with this code";
    else if (!fault->on || fault->on & ~known)
        what = "it watches nothing, or what there is not";
    else if (spares_reads(fault->code) && !any_can_write(fault->on))
        what = "READ_ONLY and FULL strike only what writes, and it watches nothing that does";
    else if (fault->scope > LESSON_STORE_FAULT_SCOPE_BATCH)
        what = "there is no such scope";
    else if (fault->scope == LESSON_STORE_FAULT_SCOPE_OPERATION && is_of_connection(fault->code))
        what = "a connection does not break for one operation alone";
    else if (fault->after_applying && fault->code != LESSON_STORE_UNKNOWN)
        what = "only UNKNOWN can strike after the operation was applied";
    else if (fault->at == 0 || fault->one_in == 0)
        what = "at and one_in are at least 1";
    else if (fault->delay_ms < 0 || fault->delay_ms > LESSON_STORE_FAULT_DELAY_MAX_MS)
        what = "the delay is too long, or negative";
    else if (!fault->code && fault->delay_ms == 0)
        what = "it has neither a code nor a delay";
    return what ? lesson_store_fail(LESSON_STORE_INVALID, "fault: %s", what) : LESSON_STORE_OK;
}

/* With the mutex held. */
static void change(lesson_store_faults *faults, bool is_set) {
    faults->is_set = is_set;
    faults->changes++;
    pthread_cond_broadcast(&faults->changed);
}

int lesson_store_faults_set(lesson_store_faults *faults, const lesson_store_fault *fault) {
    int code = check(fault);
    if (code)
        return code;
    pthread_mutex_lock(&faults->mutex);
    faults->fault = *fault;
    if (fault->scope == LESSON_STORE_FAULT_SCOPE_DEFAULT)
        faults->fault.scope = default_scope(fault->code);
    faults->watched = faults->struck = 0;
    change(faults, true);
    pthread_mutex_unlock(&faults->mutex);
    return LESSON_STORE_OK;
}

/* NULL with a code if there are none. */
static lesson_store_faults *find_faults(lesson_store *store, int *code) {
    *code = LESSON_STORE_OK;
    if (!store)
        *code = lesson_store_fail(LESSON_STORE_INVALID, "fault: no store");
    else if (!store->location.faults)
        *code = lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the store was not opened at fault+...",
                                  store->location.shown);
    return store ? store->location.faults : NULL;
}

int lesson_store_fault_set(lesson_store *store, const lesson_store_fault *fault) {
    int code;
    lesson_store_faults *faults = find_faults(store, &code);
    return faults ? lesson_store_faults_set(faults, fault) : code;
}

int lesson_store_fault_clear(lesson_store *store) {
    int code;
    lesson_store_faults *faults = find_faults(store, &code);
    if (!faults)
        return code;
    pthread_mutex_lock(&faults->mutex);
    change(faults, false);
    pthread_mutex_unlock(&faults->mutex);
    return LESSON_STORE_OK;
}

int lesson_store_fault_struck(lesson_store *store, uint64_t *struck) {
    int code;
    lesson_store_faults *faults = find_faults(store, &code);
    if (!faults)
        return code;
    if (!struck)
        return lesson_store_fail(LESSON_STORE_INVALID, "fault: no place for the number");
    pthread_mutex_lock(&faults->mutex);
    *struck = faults->struck;
    pthread_mutex_unlock(&faults->mutex);
    return LESSON_STORE_OK;
}

int lesson_store_faults_open(lesson_store_faults **out, const lesson_store_backend *inner, const char *shown) {
    lesson_store_faults *faults = calloc(1, sizeof *faults);
    if (!faults)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a store");
    faults->inner = *inner;
    faults->shown = shown;
    lesson_store_condition_open(&faults->changed);
    pthread_mutex_init(&faults->mutex, NULL);
    *out = faults;
    return LESSON_STORE_OK;
}

void lesson_store_faults_close(lesson_store_faults *faults) {
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->mutex);
    pthread_cond_destroy(&faults->changed);
    free(faults);
}
