/* The message of each thread's latest failure. */
#include <stdarg.h>
#include <stdio.h>

#include "core.h"

/* Per thread: threads share a store, and open fails before there is a store. */
static _Thread_local char message[LESSON_STORE_MESSAGE_SIZE];

const char *lesson_store_message(void) {
    return message;
}

/* `size` is that of the UTF-8 sequence at `text`; 0 stands for a control byte or a malformed byte. */
static bool is_harmless(const unsigned char *text, size_t size) {
    if (size == 2 && text[0] == 0xc2)
        return text[1] > 0x9f;
    if (size == 3 && text[0] == 0xe2)
        return !(text[1] == 0x80 && text[2] >= 0xaa && text[2] <= 0xae) &&
               !(text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9);
    return size > 0;
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
