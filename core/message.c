/* The message of each thread's latest failure. */
#include <stdarg.h>
#include <stdio.h>

#include "core.h"

/* Per thread: threads share a store, and open fails before there is a store. */
static _Thread_local char message[LESSON_STORE_MESSAGE_SIZE];

const char *lesson_store_message(void) {
    return message;
}

void lesson_store__message_save(char text[LESSON_STORE_MESSAGE_SIZE]) {
    memcpy(text, message, sizeof message);
}

void lesson_store__message_restore(const char text[LESSON_STORE_MESSAGE_SIZE]) {
    memcpy(message, text, sizeof message);
}

/* The characters that a terminal may obey, or that change how the text around them is read without being seen: C1
 * controls, marks of direction, separators of lines, and tags. */
static const struct {
    uint32_t first, last;
} harmful[] = {{0x80, 0x9f}, {0x61c, 0x61c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}, {0xe0000, 0xe007f}};

/* `size` is that of the UTF-8 sequence at `text`; 0 stands for a control byte or a malformed byte. */
static bool is_harmless(const unsigned char *text, size_t size) {
    if (size <= 1)
        return size == 1;
    uint32_t character = text[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++)
        character = character << 6 | (text[i] & 0x3fu);
    for (size_t i = 0; i < sizeof harmful / sizeof *harmful; i++) {
        if (character >= harmful[i].first && character <= harmful[i].last)
            return false;
    }
    return true;
}

void lesson_store_make_printable(char *text) {
    for (size_t left = strlen(text); left > 0;) {
        size_t size = lesson_store__utf8_sequence((unsigned char *)text, left);
        bool harmless = is_harmless((unsigned char *)text, size);
        size = size > 0 ? size : 1;
        if (!harmless)
            memset(text, '?', size);
        text += size;
        left -= size;
    }
}

int lesson_store_fail(int code, const char *format, ...) {
    /* Formatted in a second buffer, because an argument may be the message itself. */
    char text[LESSON_STORE_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lesson_store_make_printable(text); /* the message quotes names that users chose */
    memcpy(message, text, strlen(text) + 1);
    return code;
}

void lesson_store_keep_message(lesson_store_operation *operation) {
    if (!operation->message)
        return;
    snprintf(operation->message, operation->message_size, "%s", message);
    lesson_store_make_printable(operation->message); /* the cut may have halved a character */
}
