/* Which bytes are an id. */
#include "core.h"

size_t lesson_store__utf8_sequence(const unsigned char *text, size_t size) {
    unsigned char lead = text[0];
    if (lead < 0x80)
        return lead >= 0x20 && lead != 0x7f ? 1 : 0;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length > size)
        return 0;
    unsigned char lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (text[1] < lowest || text[1] > highest)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* True if these eight bytes are ASCII without control bytes. For such a byte, adding 0x60 sets the high bit and adding
 * 1 does not, and neither carries into the next byte. */
static inline bool is_plain_word(uint64_t word) {
    return !(~((word + EVERY_BYTE(0x60u)) & ~(word + EVERY_BYTE(1u)) & ~word) & EVERY_BYTE(0x80u));
}

static inline bool is_plain_at(const unsigned char *text) {
    uint64_t word;
    memcpy(&word, text, sizeof word);
    return is_plain_word(word);
}

/* A word of nothing but the bytes of a text of 1 to 7 bytes, some of them twice, and spaces. */
static inline uint64_t word_of_short(const unsigned char *text, size_t size) {
    if (size < sizeof(uint32_t))
        return (EVERY_BYTE(' ') << 24) | ((uint64_t)text[size - 1] << 16) | ((uint64_t)text[size / 2] << 8) | text[0];
    uint32_t begin, end;
    memcpy(&begin, text, sizeof begin);
    memcpy(&end, text + size - sizeof end, sizeof end);
    return ((uint64_t)end << 32) | begin;
}

/* True if this is ASCII without control bytes. The last word may have bytes of the one before. */
static bool is_plain(const unsigned char *text, size_t size) {
    if (size < sizeof(uint64_t))
        return is_plain_word(word_of_short(text, size));
    size_t last = size - sizeof(uint64_t);
    for (size_t at = 0; at < last; at += sizeof(uint64_t)) {
        if (!is_plain_at(text + at))
            return false;
    }
    return is_plain_at(text + last);
}

/* Ids are checked at every call, and nearly all are plain, so words come first: a fifth of a join in memory is saved.
 */
bool lesson_store_id_valid(const char *data, size_t size) {
    const unsigned char *text = (const unsigned char *)data;
    if (!data || size == 0 || size > LESSON_STORE_ID_MAX)
        return false;
    if (is_plain(text, size))
        return true;
    for (size_t at = 0; at < size;) {
        size_t length = lesson_store__utf8_sequence(text + at, size - at);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

void lesson_store_id_copy(char field[LESSON_STORE_ID_MAX + 1], lesson_store_id id) {
    size_t size = id.data && id.size <= LESSON_STORE_ID_MAX ? id.size : 0;
    if (size > 0)
        memcpy(field, id.data, size);
    field[size] = '\0';
}
