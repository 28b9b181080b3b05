#include <stdarg.h>
#include <stdio.h>

#include "core.h"

/* Per thread, because a store is shared by threads and open fails before there is a store. */
static _Thread_local char message[LESSON_STORE_MESSAGE_SIZE];

const char *lesson_store_code_name(int code) {
    switch (code) {
#define CASE(name, value, text) \
    case value:                 \
        return #name;
        LESSON_STORE_CODE_MAP(CASE)
#undef CASE
    default:
        return "?";
    }
}

const char *lesson_store_code_text(int code) {
    switch (code) {
#define CASE(name, value, text) \
    case value:                 \
        return text;
        LESSON_STORE_CODE_MAP(CASE)
#undef CASE
    default:
        return "unknown code";
    }
}

const char *lesson_store_message(void) {
    return message;
}

/* Messages quote names that others chose; a control byte in one must not reach a terminal or break the line. */
static void make_one_line(char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

int lesson_store_fail(int code, const char *format, ...) {
    /* Formatted beside the message, because an argument may be the message itself. */
    char text[LESSON_STORE_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    make_one_line(text);
    memcpy(message, text, strlen(text) + 1);
    return code;
}

const char *lesson_store_finding_text(int kind) {
    static const char *const texts[] = {
        [LESSON_STORE_FINDING_GHOST_MEMBER] = "ghost member",
        [LESSON_STORE_FINDING_MISSING_MEMBER] = "missing member",
        [LESSON_STORE_FINDING_INCOMPLETE_LESSON] = "incomplete lesson record",
        [LESSON_STORE_FINDING_INCOMPLETE_USER] = "incomplete user record",
        [LESSON_STORE_FINDING_ENDED_LESSON] = "user of an ended lesson",
        [LESSON_STORE_FINDING_MALFORMED] = "malformed data",
    };
    if (kind < 0 || (size_t)kind >= sizeof texts / sizeof *texts)
        return "?";
    return texts[kind];
}

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *lesson_store_version(void) {
    return VERSION_TEXT(LESSON_STORE_VERSION_MAJOR, LESSON_STORE_VERSION_MINOR, LESSON_STORE_VERSION_PATCH);
}
