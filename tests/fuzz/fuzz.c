#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_broken(const char *file, int line, const char *condition) {
    fprintf(stderr, "%s:%d: does not hold: %s (the latest message: %s)\n", file, line, condition,
            lesson_store_message());
    abort();
}

/* ---- Reading the input */

uint8_t fuzz_take_byte(fuzz_input *input) {
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

fuzz_input fuzz_take_part(fuzz_input *input, uint8_t separator) {
    const uint8_t *end = input->size > 0 ? memchr(input->data, separator, input->size) : NULL;
    fuzz_input part = {input->data, end ? (size_t)(end - input->data) : input->size};
    size_t taken = part.size + (end ? 1 : 0);
    input->data = taken > 0 ? input->data + taken : input->data;
    input->size -= taken;
    return part;
}

char *fuzz_copy(const void *data, size_t size) {
    char *copy = malloc(size > 0 ? size : 1);
    REQUIRE(copy);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

char *fuzz_copy_text(const void *data, size_t size) {
    char *copy = malloc(size + 1);
    REQUIRE(copy);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

/* ---- UTF-8 */

/* Returns the size of the code point at `text`, and sets `*code_point`. 0 if there is none. */
static size_t decode(const uint8_t *text, size_t size, uint32_t *code_point) {
    static const struct {
        uint8_t mask, lead;
        uint32_t lowest;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if ((text[0] & forms[i].mask) != forms[i].lead)
            continue;
        uint32_t value = text[0] & (uint8_t)~forms[i].mask;
        for (size_t k = 1; k <= i; k++) {
            if (k >= size || text[k] / 64 != 2)
                return 0;
            value = value * 64 + text[k] % 64;
        }
        *code_point = value;
        bool is_surrogate = value >= 0xd800 && value <= 0xdfff;
        return value >= forms[i].lowest && value <= 0x10ffff && !is_surrogate ? i + 1 : 0;
    }
    return 0;
}

size_t fuzz_sequence(const uint8_t *text, size_t size) {
    uint32_t code_point = 0;
    size_t length = decode(text, size, &code_point);
    return code_point < 0x20 || code_point == 0x7f ? 0 : length;
}

bool fuzz_is_id(const char *data, size_t size) {
    if (!data || size < 1 || size > LESSON_STORE_ID_MAX)
        return false;
    for (size_t at = 0, length; at < size; at += length) {
        length = fuzz_sequence((const uint8_t *)data + at, size - at);
        if (length == 0)
            return false;
    }
    return true;
}

static bool is_for_terminals(uint32_t code_point) {
    return code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f) || code_point == 0x61c ||
           code_point == 0x200e || code_point == 0x200f || (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2066 && code_point <= 0x2069) || (code_point >= 0xe0000 && code_point <= 0xe007f);
}

void fuzz_make_printable(char *text) {
    size_t left = strlen(text);
    while (left > 0) {
        uint32_t code_point = 0;
        size_t length = decode((const uint8_t *)text, left, &code_point);
        if (length == 0 || is_for_terminals(code_point))
            memset(text, '?', length > 0 ? length : 1);
        length = length > 0 ? length : 1;
        text += length;
        left -= length;
    }
}
