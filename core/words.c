/* The names, words and texts of codes, operations, statuses and findings. */
#include "core.h"

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

const char *lesson_store_operation_name(uint32_t kind) {
    switch (kind) {
#define CASE(name, number, word) \
    case number:                 \
        return word;
        LESSON_STORE_OPERATION_MAP(CASE)
#undef CASE
    case LESSON_STORE_OPERATION_NONE:
        return "none";
    default:
        return "?";
    }
}

const char *lesson_store_finding_text(int kind) {
    static const char *const texts[] = {
        [LESSON_STORE_FINDING_GHOST_MEMBER] = "ghost member",
        [LESSON_STORE_FINDING_MISSING_MEMBER] = "missing member",
        [LESSON_STORE_FINDING_INCOMPLETE_LESSON] = "incomplete lesson record",
        [LESSON_STORE_FINDING_INCOMPLETE_USER] = "incomplete user record",
        [LESSON_STORE_FINDING_ENDED_LESSON] = "user of an ended lesson",
        [LESSON_STORE_FINDING_MALFORMED] = "malformed data",
        [LESSON_STORE_FINDING_STALE_BANS] = "bans of an ended lesson",
    };
    if (kind < 0 || (size_t)kind >= sizeof texts / sizeof *texts)
        return "?";
    return texts[kind];
}

static const char *const course_status_words[] = {"offline", "online", "cantjoinin", "waiting"};
static const char *const chat_status_words[] = {"free", "banned"};
enum {
    COURSE_STATUSES = sizeof course_status_words / sizeof *course_status_words,
    CHAT_STATUSES = sizeof chat_status_words / sizeof *chat_status_words
};

static const char *word_of(const char *const *words, int count, int status) {
    return status >= 0 && status < count ? words[status] : NULL;
}

static int status_of(const char *const *words, int count, const char *word) {
    for (int status = 0; word && status < count; status++) {
        if (strcmp(words[status], word) == 0)
            return status;
    }
    return LESSON_STORE_STATUS_NONE;
}

const char *lesson_store_course_status_word(int course_status) {
    return word_of(course_status_words, COURSE_STATUSES, course_status);
}

const char *lesson_store_chat_status_word(int chat_status) {
    return word_of(chat_status_words, CHAT_STATUSES, chat_status);
}

int lesson_store_course_status_of(const char *word) {
    return status_of(course_status_words, COURSE_STATUSES, word);
}

int lesson_store_chat_status_of(const char *word) {
    return status_of(chat_status_words, CHAT_STATUSES, word);
}

#define TEXT_OF(number) #number
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *lesson_store_version(void) {
    return VERSION_TEXT(LESSON_STORE_VERSION_MAJOR, LESSON_STORE_VERSION_MINOR, LESSON_STORE_VERSION_PATCH);
}
