/*
 * Hashing and comparing ids. They are short, so both read them in words that may overlap instead of calling a function
 * for any length: the last word of an id ends where the id ends, also if it was partly read before.
 */
#ifndef LESSON_STORE_MEMORY_BYTES_H
#define LESSON_STORE_MEMORY_BYTES_H

#include <lessonstore/lessonstore.h>

static inline uint64_t memory_word(const char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static inline uint32_t memory_half_word(const char *bytes) {
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

/* Fewer than eight bytes as one number, in which each of them counts. */
static inline uint64_t memory_short_word(const char *bytes, size_t size) {
    if (size >= 4)
        return (uint64_t)memory_half_word(bytes) << 32 | memory_half_word(bytes + size - 4);
    if (size == 0)
        return 0;
    const unsigned char *text = (const unsigned char *)bytes;
    return (uint64_t)text[0] << 16 | (uint64_t)text[size / 2] << 8 | text[size - 1];
}

static inline bool memory_same_id(lesson_store_id left, lesson_store_id right) {
    if (left.size != right.size)
        return false;
    if (left.size < 8)
        return memory_short_word(left.data, left.size) == memory_short_word(right.data, left.size);
    for (size_t done = 0; done + 8 < left.size; done += 8) {
        if (memory_word(left.data + done) != memory_word(right.data + done))
            return false;
    }
    return memory_word(left.data + left.size - 8) == memory_word(right.data + left.size - 8);
}

/* Mixes two numbers by one multiplication to 128 bits, folded to 64. */
static inline uint64_t memory_fold(uint64_t left, uint64_t right) {
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)left * right;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t product = left * right;
    return product ^ (product >> 29) ^ ((left ^ right) << 31);
#endif
}

/* The seed keeps outsiders from choosing ids that all fall together. */
static inline uint32_t memory_hash(lesson_store_id id, uint64_t seed) {
    const uint64_t odd1 = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t odd2 = UINT64_C(0xd1b54a32d192ed03);
    uint64_t state = seed ^ id.size * odd1;
    uint64_t tail;
    if (id.size < 8) {
        tail = memory_short_word(id.data, id.size);
    } else {
        for (size_t done = 0; done + 8 < id.size; done += 8)
            state = memory_fold(state ^ memory_word(id.data + done), odd1);
        tail = memory_word(id.data + id.size - 8);
    }
    state = memory_fold(state ^ tail, odd2);
    return (uint32_t)(state ^ state >> 32);
}

#endif
