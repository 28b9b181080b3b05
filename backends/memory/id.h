/*
 * Hashing and comparing ids. Ids are short, so both functions read overlapping words instead of calling a function for
 * any length. The last word ends where the id ends, even if an earlier word already covered part of it.
 */
#ifndef LESSON_STORE_MEMORY_ID_H
#define LESSON_STORE_MEMORY_ID_H

#include <lessonstore/lessonstore.h>

static inline uint64_t memory_word(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Fewer than eight bytes as one number that depends on each of them. */
static inline uint64_t memory_short_word(const char *bytes, size_t size) {
    uint32_t first = 0, last = 0;
    if (size >= sizeof first) {
        memcpy(&first, bytes, sizeof first);
        memcpy(&last, bytes + size - sizeof last, sizeof last);
    } else if (size > 0) {
        first = (unsigned char)bytes[0];
        last = (uint32_t)((unsigned char)bytes[size / 2] << 8 | (unsigned char)bytes[size - 1]);
    }
    return (uint64_t)first << 32 | last;
}

static inline bool memory_same_bytes(const char *left, const char *right, size_t size) {
    if (size < 8)
        return memory_short_word(left, size) == memory_short_word(right, size);
    for (size_t done = 0; done + 8 < size; done += 8) {
        if (memory_word(left + done) != memory_word(right + done))
            return false;
    }
    return memory_word(left + size - 8) == memory_word(right + size - 8);
}

/* Mixes two numbers: their product of 128 bits, folded to 64. */
static inline uint64_t memory_fold(uint64_t left, uint64_t right) {
#ifdef __SIZEOF_INT128__
    __extension__ unsigned __int128 product = (unsigned __int128)left * right;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t product = left * right;
    return product ^ (product >> 29) ^ ((left ^ right) << 31);
#endif
}

/* Clients choose uids. Because they do not know the seed, they cannot choose many uids with the same hash. */
static inline uint32_t memory_hash(const char *bytes, size_t size, uint64_t seed) {
    const uint64_t odd1 = UINT64_C(0x9e3779b97f4a7c15), odd2 = UINT64_C(0xd1b54a32d192ed03);
    uint64_t state = seed ^ size * odd1;
    for (size_t done = 0; done + 8 < size; done += 8)
        state = memory_fold(state ^ memory_word(bytes + done), odd1);
    uint64_t tail = size < 8 ? memory_short_word(bytes, size) : memory_word(bytes + size - 8);
    state = memory_fold(state ^ tail, odd2);
    return (uint32_t)(state ^ state >> 32);
}

#endif
