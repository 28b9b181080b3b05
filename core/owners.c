/* Owners: their ids, the rule by which they are over, and the calls. */
#include <stdio.h>

#include "core.h"

#define NAME_MAX_BYTES 200
#define RANDOM_BYTES 8

int lesson_store_make_owner(char *owner, const char *name) {
    unsigned char bytes[RANDOM_BYTES];
    lesson_store_id id = lesson_store_id_of(name);
    int code = owner ? lesson_store_id_check("the name of the owner", id)
                     : lesson_store_fail(LESSON_STORE_INVALID, "owner: no memory for its id is given");
    if (!code && id.size > NAME_MAX_BYTES)
        code = lesson_store_fail(LESSON_STORE_INVALID, "the name of the owner has %zu bytes, more than %d", id.size,
                                 NAME_MAX_BYTES);
    if (!code)
        code = lesson_store_random(bytes, sizeof bytes);
    if (code)
        return code;
    int used = snprintf(owner, LESSON_STORE_ID_MAX + 1, "%s/", name);
    for (size_t i = 0; i < sizeof bytes; i++)
        used += snprintf(owner + used, 3, "%02x", bytes[i]);
    return LESSON_STORE_OK;
}

/* ---- The rule */

enum { LONGEST = LESSON_STORE_GAPS - 1 };

/* Four for each power of two, so that one is at most a quarter longer than it begins. */
static int magnitude_of(int64_t ms) {
    int power = 0;
    while (ms >> power > 1)
        power++;
    int quarter = power >= 2 ? (int)(ms >> (power - 2) & 3) : 0;
    int magnitude = 4 * power + quarter;
    return magnitude < LONGEST ? magnitude : LONGEST;
}

static void forget_future(lesson_store_sweeps *sweeps, int64_t now_ms) {
    for (int i = 0; i < LESSON_STORE_GAPS; i++) {
        if (sweeps->gap_ended_ms[i] > now_ms)
            sweeps->gap_ended_ms[i] = now_ms;
    }
}

int lesson_store_sweeps_note(lesson_store_sweeps *sweeps, int64_t now_ms) {
    int64_t gap_ms = now_ms - sweeps->last_ms;
    bool is_broken = sweeps->last_ms == 0 || gap_ms < 0;
    sweeps->last_ms = now_ms;
    if (is_broken)
        forget_future(sweeps, now_ms);
    if (gap_ms == 0)
        return -1;
    int magnitude = is_broken ? LONGEST : magnitude_of(gap_ms);
    sweeps->gap_ended_ms[magnitude] = now_ms;
    return magnitude;
}

bool lesson_store_sweeps_end(const lesson_store_sweeps *sweeps, int64_t now_ms, int64_t until_ms, int64_t lease_ms) {
    if (until_ms >= now_ms)
        return false;
    for (int i = magnitude_of(lease_ms / 2) + 1; i < LESSON_STORE_GAPS; i++) {
        if (sweeps->gap_ended_ms[i] > now_ms - lease_ms)
            return false;
    }
    return true;
}

/* ---- The calls */

struct tally {
    const lesson_store *store;
    lesson_store_user_callback callback;
    void *context;
    uint64_t put_out;
};

static bool count_user(const lesson_store_user *user, void *context) {
    struct tally *tally = context;
    tally->put_out++;
    bool wanted = !tally->callback || tally->callback(user, tally->context);
    return wanted && !lesson_store__origin_is_elsewhere(&tally->store->pool.origin);
}

static int sweep(lesson_store *store, const lesson_store_id *dropped, struct tally *tally) {
    int code;
    uint32_t call = dropped ? LESSON_STORE_COUNTED_DROP : LESSON_STORE_COUNTED_SWEEP;
    lesson_store__slot *slot = lesson_store__begin_stream(store, call, store && store->backend.sweep, true, &code);
    if (!store || !slot)
        return code;
    return lesson_store__end_stream(store, slot, store->backend.sweep(slot->instance, dropped, count_user, tally));
}

static int sweep_and_count(lesson_store *store, const lesson_store_id *dropped, lesson_store_user_callback callback,
                           void *context, uint64_t *put_out) {
    struct tally tally = {store, callback, context, 0};
    int code = sweep(store, dropped, &tally);
    if (put_out)
        *put_out = tally.put_out;
    return code;
}

int lesson_store_sweep(lesson_store *store, lesson_store_user_callback callback, void *context, uint64_t *put_out) {
    return sweep_and_count(store, NULL, callback, context, put_out);
}

int lesson_store_drop(lesson_store *store, const char *owner, lesson_store_user_callback callback, void *context,
                      uint64_t *put_out) {
    lesson_store_id id = lesson_store_id_of(owner);
    int code = lesson_store_id_check("owner", id);
    if (code && put_out)
        *put_out = 0;
    return code ? code : sweep_and_count(store, &id, callback, context, put_out);
}
