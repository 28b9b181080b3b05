#include "trace.h"

enum { TIME, EVENT, LESSON, COURSE, UID, FIELDS };

bool trace_parse_time(int64_t *unix_ms, const char *text, size_t size) {
    int64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, text[i] - '0', &value))
            return false;
    }
    *unix_ms = value;
    return size > 0;
}

/* Returns the number of fields in the line. Fields beyond the known ones are only counted. */
static size_t split(lesson_store_id fields[FIELDS], const char *text, size_t size) {
    size_t count = 0;
    for (const char *end = text + size;;) {
        const char *tab = memchr(text, '\t', (size_t)(end - text));
        if (count < FIELDS)
            fields[count] = (lesson_store_id){text, (size_t)((tab ? tab : end) - text)};
        count++;
        if (!tab)
            return count;
        text = tab + 1;
    }
}

static bool is_text(lesson_store_id field, const char *text) {
    return field.size == strlen(text) && memcmp(field.data, text, field.size) == 0;
}

static bool parse_event(enum trace_event *event, lesson_store_id field, struct fault *fault) {
    static const char *const words[] = {
        [TRACE_CREATE] = "create", [TRACE_JOIN] = "join", [TRACE_QUIT] = "quit", [TRACE_END] = "end"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_text(field, words[i])) {
            *event = (enum trace_event)i;
            return true;
        }
    }
    return fault_set(fault, "the event \"%.*s\" is not a valid event (create, join, quit, end)", (int)field.size,
                     field.data);
}

bool trace_parse(struct trace_line *out, const char *text, size_t size, struct fault *fault) {
    lesson_store_id fields[FIELDS];
    size_t count = split(fields, text, size);
    if (count != FIELDS)
        return fault_set(fault, "the line has %zu fields separated by tabs, not %d", count, FIELDS);
    if (size > 0 && text[size - 1] == '\r')
        return fault_set(fault, "the line ends with a carriage return");
    if (!trace_parse_time(&out->unix_ms, fields[TIME].data, fields[TIME].size))
        return fault_set(fault, "the time \"%.*s\" is not a number of milliseconds", (int)fields[TIME].size,
                         fields[TIME].data);
    if (!parse_event(&out->event, fields[EVENT], fault) || !fault_check_id(fault, "lesson_id", fields[LESSON]) ||
        !fault_check_id(fault, "course_id", fields[COURSE]) || !fault_check_id(fault, "uid", fields[UID]))
        return false;
    out->lesson_id = fields[LESSON];
    out->course_id = fields[COURSE];
    out->uid = is_text(fields[UID], "-") ? (lesson_store_id){NULL, 0} : fields[UID];
    if (!out->uid.data && (out->event == TRACE_JOIN || out->event == TRACE_QUIT))
        return fault_set(fault, "a %s names no user", out->event == TRACE_JOIN ? "join" : "quit");
    return true;
}
