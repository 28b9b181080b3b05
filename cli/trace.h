/* The lines of a trace: <unix_ms> <create|join|quit|end> <lesson_id> <course_id or -> <uid or ->, separated by tabs. */
#ifndef LESSONCTL_TRACE_H
#define LESSONCTL_TRACE_H

#include "input.h"

/* Bytes of a line, with the terminating NUL. A valid line has at most 19 bytes of time, 6 of event, three ids and four
 * tabs. */
#define TRACE_LINE_SIZE 1024

enum trace_event { TRACE_CREATE, TRACE_JOIN, TRACE_QUIT, TRACE_END };

/* The ids are borrowed from the line. A uid of "-" is "not given". A course of "-" is the course "-", because a join
 * needs one. */
struct trace_line {
    int64_t unix_ms;
    enum trace_event event;
    lesson_store_id lesson_id;
    lesson_store_id course_id;
    lesson_store_id uid;
};

bool trace_parse(struct trace_line *out, const char *text, size_t size, struct fault *fault);

/* A time of 1 to 19 digits that fits in 63 bits. */
bool trace_parse_time(int64_t *unix_ms, const char *text, size_t size);

#endif
