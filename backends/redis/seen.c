#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "seen.h"

#define FIRST_CAPACITY ((size_t)4096)

/* ---- SipHash-2-4 with 128 bits of output (Aumasson, Bernstein) */

typedef struct sip {
    uint64_t v0, v1, v2, v3;
} sip;

static uint64_t rotate(uint64_t value, int bits) {
    return value << bits | value >> (64 - bits);
}

static void stir(sip *s, int rounds) {
    while (rounds-- > 0) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void take_word(sip *s, uint64_t word) {
    s->v3 ^= word;
    stir(s, 2);
    s->v0 ^= word;
}

static redis_fingerprint fingerprint_of(const uint64_t key[2], const char *data, size_t size) {
    sip s = {key[0] ^ UINT64_C(0x736f6d6570736575), key[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
             key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t word = 0;
    size_t rest = size;
    for (; rest >= sizeof word; data += sizeof word, rest -= sizeof word) {
        memcpy(&word, data, sizeof word);
        take_word(&s, word);
    }
    word = (uint64_t)size << 56;
    for (size_t i = 0; i < rest; i++)
        word |= (uint64_t)(unsigned char)data[i] << (8 * i);
    take_word(&s, word);
    redis_fingerprint fingerprint;
    s.v2 ^= 0xee;
    stir(&s, 4);
    fingerprint.low = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    s.v1 ^= 0xdd;
    stir(&s, 4);
    fingerprint.high = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    if (fingerprint.low == 0 && fingerprint.high == 0)
        fingerprint.low = 1;
    return fingerprint;
}

/* ---- The table: open addressing, at most seven eighths full */

static bool is_free(const redis_fingerprint *slot) {
    return slot->low == 0 && slot->high == 0;
}

/* Where the fingerprint is, or the free slot for it. */
static redis_fingerprint *find(const redis_seen *set, redis_fingerprint wanted) {
    size_t at = (size_t)wanted.low & (set->capacity - 1);
    while (!is_free(&set->slots[at]) && (set->slots[at].low != wanted.low || set->slots[at].high != wanted.high))
        at = (at + 1) & (set->capacity - 1);
    return &set->slots[at];
}

static void choose_key(uint64_t key[2]) {
    struct timespec now;
    if (getrandom(key, 2 * sizeof *key, GRND_NONBLOCK) == (ssize_t)(2 * sizeof *key))
        return;
    clock_gettime(CLOCK_MONOTONIC, &now); /* early in the life of a machine: better than a fixed one */
    key[0] = (uint64_t)now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15);
    key[1] = (uint64_t)now.tv_sec ^ (uint64_t)(uintptr_t)key;
}

static bool grow(redis_seen *set) {
    redis_seen grown = {.capacity = set->capacity > 0 ? 2 * set->capacity : FIRST_CAPACITY};
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    if (set->capacity == 0)
        choose_key(set->key);
    for (size_t i = 0; i < set->capacity; i++) {
        if (!is_free(&set->slots[i]))
            *find(&grown, set->slots[i]) = set->slots[i];
    }
    free(set->slots);
    set->slots = grown.slots;
    set->capacity = grown.capacity;
    return true;
}

int redis_seen_add(redis_seen *set, const char *data, size_t size) {
    if (set->count >= set->capacity / 8 * 7 && !grow(set))
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left to note what was listed already");
    redis_fingerprint fingerprint = fingerprint_of(set->key, data, size);
    redis_fingerprint *slot = find(set, fingerprint);
    if (!is_free(slot))
        return LESSON_STORE_EXISTS;
    *slot = fingerprint;
    set->count++;
    return LESSON_STORE_OK;
}

void redis_seen_free(redis_seen *set) {
    free(set->slots);
    memset(set, 0, sizeof *set);
}
