/*
 * The references for the memory backend: the same work done by loops written by hand, without our interface.
 *
 *   uthash_best      the best that uthash allows: users from slabs, ids inside them, an array of members in which
 *                    the last member takes a leaver's place, hashing and comparing by words
 *   uthash_plain     as most would write it: uthash unchanged, and three allocations for each user
 *   open_addressing  the limit: one table made only for this, ids of at most 23 bytes, no lock
 *
 * The first two take one mutex for each operation, as any store that threads share must. None checks anything. Each
 * keeps one course record and one lesson record for each id, and moves a user from the old lesson's members to the new
 * one's.
 */
#ifndef LESSON_STORE_BENCH_REFERENCES_H
#define LESSON_STORE_BENCH_REFERENCES_H

#include "workload.h"

typedef struct reference {
    const char *name;
    void *(*open)(void);
    void (*close)(void *table);
    /* Each runs all of these operations and returns how many of them found the user. */
    size_t (*join)(void *table, const workload_join *joins, size_t count);
    size_t (*quit)(void *table, const workload_join *joins, size_t count);
    size_t (*where)(void *table, const workload_join *joins, size_t count);
    /* Gives the members of a lesson; NULL: not measured. */
    void (*members)(void *table, lesson_store_id lesson_id, lesson_store_member_callback callback, void *context);
} reference;

extern const reference uthash_best;
extern const reference uthash_plain;
extern const reference open_addressing;

/* The answer to where. */
typedef struct reference_place {
    char course_id[LESSON_STORE_ID_MAX + 1];
    char lesson_id[LESSON_STORE_ID_MAX + 1];
} reference_place;

static inline void reference_copy(char *out, const char *id, size_t size) {
    memcpy(out, id, size);
    out[size] = '\0';
}

/* The loops over join_one, quit_one and where_one of a file, which the compiler can inline. */
#define REFERENCE_LOOPS(type)                                                          \
    static size_t join_all(void *context, const workload_join *joins, size_t count) {  \
        type *table = context;                                                         \
        size_t found = 0;                                                              \
        for (size_t i = 0; i < count; i++)                                             \
            found += join_one(table, &joins[i]);                                       \
        return found;                                                                  \
    }                                                                                  \
    static size_t quit_all(void *context, const workload_join *joins, size_t count) {  \
        type *table = context;                                                         \
        size_t found = 0;                                                              \
        for (size_t i = 0; i < count; i++)                                             \
            found += quit_one(table, joins[i].uid);                                    \
        return found;                                                                  \
    }                                                                                  \
    static size_t where_all(void *context, const workload_join *joins, size_t count) { \
        type *table = context;                                                         \
        reference_place place;                                                         \
        size_t found = 0;                                                              \
        for (size_t i = 0; i < count; i++)                                             \
            found += where_one(table, joins[i].uid, &place);                           \
        return found;                                                                  \
    }

/* ---- Shared by the two fast references: hashing and comparing by words */

static inline uint64_t reference_fold(uint64_t left, uint64_t right) {
    __extension__ unsigned __int128 product = (unsigned __int128)left * right;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t reference_word(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint64_t reference_half(const char *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* After wyhash: two overlapping words for short ids, sixteen bytes a step for long ones. */
static inline unsigned reference_hash(const char *key, size_t size) {
    const uint64_t odd1 = 0x9e3779b97f4a7c15, odd2 = 0xd1b54a32d192ed03;
    uint64_t state = reference_fold(size ^ odd1, odd2), first = 0, last = 0;
    size_t rest = size;
    for (; rest > 16; key += 16, rest -= 16)
        state = reference_fold(reference_word(key) ^ odd2, reference_word(key + 8) ^ state);
    if (rest >= 8) {
        first = reference_word(key);
        last = reference_word(key + rest - 8);
    } else if (rest >= 4) {
        first = reference_half(key);
        last = reference_half(key + rest - 4);
    } else if (rest > 0) {
        first = (uint64_t)(unsigned char)key[0] << 16 | (uint64_t)(unsigned char)key[rest / 2] << 8 |
                (unsigned char)key[rest - 1];
    }
    state = reference_fold(first ^ odd1 ^ state, last ^ state ^ size);
    return (unsigned)(state ^ state >> 32);
}

static inline bool reference_differs(const char *left, const char *right, size_t size) {
    if (size >= 8) {
        for (size_t done = 0; done + 8 < size; done += 8) {
            if (reference_word(left + done) != reference_word(right + done))
                return true;
        }
        return reference_word(left + size - 8) != reference_word(right + size - 8);
    }
    if (size >= 4)
        return reference_half(left) != reference_half(right) ||
               reference_half(left + size - 4) != reference_half(right + size - 4);
    return memcmp(left, right, size) != 0;
}

#endif
