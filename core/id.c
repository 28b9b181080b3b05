#include "core.h"
#include "plain.h"

size_t lesson_store_utf8_sequence(const unsigned char *text, size_t size) {
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

static bool valid_slowly(const unsigned char *text, size_t size) {
    while (size > 0) {
        size_t length = lesson_store_utf8_sequence(text, size);
        if (length == 0)
            return false;
        text += length;
        size -= length;
    }
    return true;
}

bool lesson_store_is_long_and_plain(const char *data, size_t size) {
    uint64_t plain = lesson_store_plain_bytes(lesson_store_word_at(data + size - 8));
    for (size_t done = 0; done + 8 < size; done += 8)
        plain &= lesson_store_plain_bytes(lesson_store_word_at(data + done));
    return lesson_store_all_plain(plain);
}

bool lesson_store_id_valid(const char *data, size_t size) {
    if (!data || size == 0 || size > LESSON_STORE_ID_MAX)
        return false;
    return lesson_store_is_plain(data, size) || valid_slowly((const unsigned char *)data, size);
}

void lesson_store_id_copy(char field[LESSON_STORE_ID_MAX + 1], lesson_store_id id) {
    size_t size = id.data && id.size <= LESSON_STORE_ID_MAX ? id.size : 0;
    if (size > 0)
        memcpy(field, id.data, size);
    field[size] = '\0';
}
