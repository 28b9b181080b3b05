/* The hash of an id. Ids are short, so it takes eight bytes at a time. The last eight bytes may overlap those before.
 */
#ifndef LESSON_STORE_MEMORY_HASH_H
#define LESSON_STORE_MEMORY_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint64_t memory_word(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
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
    uint64_t state = seed ^ size * odd1, tail = 0;
    for (size_t done = 0; done + 8 < size; done += 8)
        state = memory_fold(state ^ memory_word(bytes + done), odd1);
    if (size >= 8)
        tail = memory_word(bytes + size - 8);
    for (size_t i = 0; size < 8 && i < size; i++)
        tail = tail << 8 | (unsigned char)bytes[i];
    state = memory_fold(state ^ tail, odd2);
    return (uint32_t)(state ^ state >> 32);
}

#endif
