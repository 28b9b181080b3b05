/*
 * A set of texts. It keeps only a fingerprint of 128 bits of each: 18 to 37 bytes, whatever the length.
 *
 * Two texts with the same fingerprint would count as one. Among a million texts this happens with a probability of
 * 10^-27. The fingerprint (SipHash) has a random key, so nobody who chooses ids can cause it.
 */
#include <stdlib.h>

#include "core.h"

#define FIRST_CAPACITY ((size_t)4096)

typedef struct fingerprint {
    uint64_t low;
    uint64_t high; /* both 0: the slot is free */
} fingerprint;

struct lesson_store_seen {
    uint64_t key[2];
    fingerprint *slots;
    size_t count;
    size_t capacity; /* a power of two, or 0 */
};

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

static fingerprint fingerprint_of(const uint64_t key[2], const char *data, size_t size) {
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
    fingerprint made;
    s.v2 ^= 0xee;
    stir(&s, 4);
    made.low = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    s.v1 ^= 0xdd;
    stir(&s, 4);
    made.high = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    if (made.low == 0 && made.high == 0)
        made.low = 1;
    return made;
}

/* ---- The table: open addressing, at most seven eighths full */

static bool is_free(const fingerprint *slot) {
    return slot->low == 0 && slot->high == 0;
}

/* Returns the slot of the fingerprint, or the free slot for it. */
static fingerprint *find(const lesson_store_seen *set, fingerprint wanted) {
    size_t at = (size_t)wanted.low & (set->capacity - 1);
    while (!is_free(&set->slots[at]) && (set->slots[at].low != wanted.low || set->slots[at].high != wanted.high))
        at = (at + 1) & (set->capacity - 1);
    return &set->slots[at];
}

static bool grow(lesson_store_seen *set) {
    lesson_store_seen grown = {.capacity = set->capacity > 0 ? 2 * set->capacity : FIRST_CAPACITY};
    grown.slots = calloc(grown.capacity, sizeof *grown.slots);
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < set->capacity; i++) {
        if (!is_free(&set->slots[i]))
            *find(&grown, set->slots[i]) = set->slots[i];
    }
    free(set->slots);
    set->slots = grown.slots;
    set->capacity = grown.capacity;
    return true;
}

static int no_memory(void) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory left for the set of listed entries");
}

/* NULL, with the code, if there is no memory or no random bytes. */
static lesson_store_seen *make(int *code) {
    lesson_store_seen *set = calloc(1, sizeof *set);
    *code = set ? lesson_store_random(set->key, sizeof set->key) : no_memory();
    if (set && *code) {
        free(set);
        set = NULL;
    }
    return set;
}

int lesson_store_seen_add(lesson_store_seen **seen, const char *data, size_t size) {
    int code = LESSON_STORE_OK;
    lesson_store_seen *set = *seen ? *seen : make(&code);
    if (!set)
        return code;
    *seen = set;
    if (set->count >= set->capacity / 8 * 7 && !grow(set))
        return no_memory();
    fingerprint made = fingerprint_of(set->key, data, size);
    fingerprint *slot = find(set, made);
    if (!is_free(slot))
        return LESSON_STORE_EXISTS;
    *slot = made;
    set->count++;
    return LESSON_STORE_OK;
}

void lesson_store_seen_free(lesson_store_seen *seen) {
    if (seen)
        free(seen->slots);
    free(seen);
}
