/* lesson_store_id_valid compared with a plain implementation of RFC 3629, one byte at a time. */
#include <stdio.h>

#include <lessonstore/backend.h>

#include "cmocka_all.h"

/* Decodes one code point the slow way: computes its value, then checks for the shortest form and for surrogates. */
static size_t sequence(const unsigned char *text, size_t size) {
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = text[0];
    size_t length = lead < 0x80             ? 1
                    : (lead & 0xe0) == 0xc0 ? 2
                    : (lead & 0xf0) == 0xe0 ? 3
                    : (lead & 0xf8) == 0xf0 ? 4
                                            : 0;
    if (length == 0 || length > size)
        return 0;
    uint32_t value = length == 1 ? lead : lead & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text[i] & 0x3fu);
    }
    if (value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    return value < 0x20 || value == 0x7f ? 0 : length;
}

static bool plainly_valid(const char *data, size_t size) {
    if (size == 0 || size > LESSON_STORE_ID_MAX)
        return false;
    for (size_t done = 0; done < size;) {
        size_t length = sequence((const unsigned char *)data + done, size - done);
        if (length == 0)
            return false;
        done += length;
    }
    return true;
}

static void check(const char *data, size_t size) {
    if (lesson_store_id_valid(data, size) == plainly_valid(data, size))
        return;
    for (size_t i = 0; i < size; i++)
        print_error("%02x ", (unsigned char)data[i]);
    fail_msg("wrong verdict on these %zu bytes: %d", size, lesson_store_id_valid(data, size));
}

/* Every pair of bytes at every offset in a word, so that the eight-byte check meets each pair. */
static void every_pair_of_bytes_at_every_offset(void **state) {
    (void)state;
    char text[24];
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t offset = 0; offset < 10; offset++) {
                memset(text, 'a', sizeof text);
                text[offset] = (char)first;
                text[offset + 1] = (char)second;
                check(text, 18);
                check(text, offset + 2);
            }
        }
    }
}

static void every_byte_at_every_place_of_every_short_size(void **state) {
    (void)state;
    char text[24];
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t size = 1; size <= sizeof text; size++) {
            for (size_t place = 0; place < size; place++) {
                memset(text, 'a', sizeof text);
                text[place] = (char)byte;
                check(text, size);
            }
        }
    }
}

static void every_three_and_four_byte_lead(void **state) {
    (void)state;
    for (unsigned lead = 0xe0; lead < 256; lead++) {
        for (unsigned second = 0x70; second < 0xd0; second++) {
            for (unsigned third = 0x7e; third < 0xc2; third++) {
                const char text[] = {(char)lead, (char)second, (char)third, (char)0x80, 'a'};
                check(text, 3);
                check(text, 4);
                check(text, 5);
            }
        }
    }
}

static void the_length_is_limited(void **state) {
    (void)state;
    char text[LESSON_STORE_ID_MAX + 2];
    memset(text, 'u', sizeof text);
    assert_false(lesson_store_id_valid(text, 0));
    assert_true(lesson_store_id_valid(text, 1));
    assert_true(lesson_store_id_valid(text, LESSON_STORE_ID_MAX));
    assert_false(lesson_store_id_valid(text, LESSON_STORE_ID_MAX + 1));
    assert_false(lesson_store_id_valid(NULL, 0));
    assert_false(lesson_store_id_valid(NULL, 3));
}

static void copies_are_closed_and_never_too_long(void **state) {
    (void)state;
    char text[LESSON_STORE_ID_MAX + 1];
    char field[LESSON_STORE_ID_MAX + 1];
    memset(text, 'u', sizeof text);
    lesson_store_id_copy(field, (lesson_store_id){text, 3});
    assert_string_equal(field, "uuu");
    lesson_store_id_copy(field, (lesson_store_id){text, LESSON_STORE_ID_MAX});
    assert_int_equal(strlen(field), LESSON_STORE_ID_MAX);
    lesson_store_id_copy(field, (lesson_store_id){text, LESSON_STORE_ID_MAX + 1});
    assert_string_equal(field, "");
    lesson_store_id_copy(field, (lesson_store_id){NULL, 5});
    assert_string_equal(field, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_of_bytes_at_every_offset),
        cmocka_unit_test(every_byte_at_every_place_of_every_short_size),
        cmocka_unit_test(every_three_and_four_byte_lead),
        cmocka_unit_test(the_length_is_limited),
        cmocka_unit_test(copies_are_closed_and_never_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
