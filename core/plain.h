/*
 * Whether an id is plain ASCII. Ids are checked at every call and nearly all are, so this is in line and takes eight
 * bytes at a time.
 */
#ifndef LESSON_STORE_PLAIN_H
#define LESSON_STORE_PLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LESSON_STORE_EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Has the high bit of every byte set if all of them are ASCII and no control bytes: then adding 0x60 sets it, adding 1
 * does not, and nothing is carried from one byte into the next. Any other byte leaves at least one of them clear. */
static inline uint64_t lesson_store_plain_bytes(uint64_t word) {
    return (word + LESSON_STORE_EVERY_BYTE(0x60u)) & ~(word + LESSON_STORE_EVERY_BYTE(1u)) & ~word;
}

static inline uint64_t lesson_store_word_at(const char *data) {
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* Fewer than eight bytes as one word: some of them are in it twice, or letters fill it up. */
static inline uint64_t lesson_store_short_word(const char *data, size_t size) {
    uint32_t low, high;
    if (size >= sizeof low) {
        memcpy(&low, data, sizeof low);
        memcpy(&high, data + size - sizeof high, sizeof high);
        return (uint64_t)high << 32 | low;
    }
    const unsigned char *text = (const unsigned char *)data;
    return LESSON_STORE_EVERY_BYTE((uint64_t)'x') << 24 | (uint64_t)text[size - 1] << 16 |
           (uint64_t)text[size / 2] << 8 | text[0];
}

static inline bool lesson_store_all_plain(uint64_t plain_bytes) {
    return !(~plain_bytes & LESSON_STORE_EVERY_BYTE(0x80u));
}

/* For more than 16 bytes. */
bool lesson_store_is_long_and_plain(const char *data, size_t size);

/* At least one byte. The last word may overlap the one before it. */
static inline bool lesson_store_is_plain(const char *data, size_t size) {
    if (size < 8)
        return lesson_store_all_plain(lesson_store_plain_bytes(lesson_store_short_word(data, size)));
    if (size > 16)
        return lesson_store_is_long_and_plain(data, size);
    return lesson_store_all_plain(lesson_store_plain_bytes(lesson_store_word_at(data)) &
                                  lesson_store_plain_bytes(lesson_store_word_at(data + size - 8)));
}

#endif
