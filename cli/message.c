#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "interrupt.h"
#include "lessonctl.h"

#define MESSAGE_SIZE 2048 /* of the longest text in this file, and no less than that of a fault */

/* What the library shows between :// and @ holds no password any more: USER:***. */
static bool is_shown_location(const char *begin, const char *at) {
    size_t user_size = strcspn(begin, ":@/?&=");
    return at - begin == (ptrdiff_t)user_size + 4 && memcmp(begin + user_size, ":***", 4) == 0;
}

/* Returns the last @ between the two, or NULL. */
static char *last_at(const char *begin, char *end) {
    while (end > begin) {
        if (*--end == '@')
            return end;
    }
    return NULL;
}

/* Replaces what stands before `end`. `size` is the room at `begin`; what does not fit is cut. */
static void hide(char *begin, size_t size, const char *end) {
    char rest[MESSAGE_SIZE];
    snprintf(rest, sizeof rest, "%s", end);
    snprintf(begin, size, "***%s", rest);
}

/* In every word with :// everything from there to the last @ can be the password, as in the locations that the library
 * shows. */
void hide_passwords(char *text, size_t size, bool is_cut) {
    for (char *begin = text; (begin = strstr(begin, "://")) != NULL; begin += strcspn(begin, " ")) {
        begin += 3;
        char *end = begin + strcspn(begin, " ");
        char *at = is_cut && !*end ? end : last_at(begin, end);
        if (at && at > begin && !is_shown_location(begin, at))
            hide(begin, size - (size_t)(begin - text), at);
    }
}

/* Writes "what: message" into `text`. Messages quote foreign text, which must neither break the line nor control a
 * terminal, nor show a password. */
LESSON_STORE_PRINTF(3, 0)
static void compose(char text[MESSAGE_SIZE], const char *what, const char *format, va_list arguments) {
    int size = snprintf(text, MESSAGE_SIZE, "%s%s", what ? what : "", what ? ": " : "");
    if (size >= 0 && size < MESSAGE_SIZE)
        size += vsnprintf(text + size, MESSAGE_SIZE - (size_t)size, format, arguments);
    hide_passwords(text, MESSAGE_SIZE, size >= MESSAGE_SIZE);
    lesson_store_make_printable(text); /* last, because a cut may have halved a character */
}

static void print_object(const struct program *program, int code, const char *text) {
    struct output output;
    output_begin(&output, stderr, true);
    struct field fields[] = {field_code(code), field_text("message", text),
                             field_number("line", program->shell_line_number)};
    output_row(&output, fields, program->shell_line_number > 0 ? 3 : 2);
}

static void print_line(const struct program *program, const char *text) {
    char line[32] = "";
    if (program->shell_line_number > 0)
        snprintf(line, sizeof line, "line %" PRIu64 ": ", program->shell_line_number);
    fprintf(stderr, "lessonctl: %s%s\n", line, text);
}

int complain(const struct program *program, const char *what, int code, const char *format, ...) {
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    compose(text, what, format, arguments);
    va_end(arguments);
    if (isatty(STDERR_FILENO))
        fputs(CLEAR_LINE, stderr); /* a progress bar may be shown */
    if (program->json)
        print_object(program, code, text);
    else
        print_line(program, text);
    return exit_status_of(code);
}

void note(const struct call *call, const char *format, ...) {
    if (call->program->json || !isatty(STDERR_FILENO))
        return;
    char text[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    compose(text, call->command->name, format, arguments);
    va_end(arguments);
    fputs(CLEAR_LINE, stderr);
    print_line(call->program, text);
}

int exit_status_of(int code) {
    if (code >= 0)
        return code == LESSON_STORE_OK ? EXIT_YES : EXIT_NO;
    return code == LESSON_STORE_INVALID ? EXIT_USAGE : EXIT_STORE;
}

int report_failure(const struct call *call, const char *where, int code) {
    const char *advice = "";
    if (code == LESSON_STORE_UNKNOWN)
        advice = "; the outcome is unknown: ask the store (where, show) before you do it again";
    return complain_of(call, code, "%s%s%s%s", where ? where : "", where ? ": " : "", lesson_store_message(), advice);
}

int report_stdout(struct program *program, const char *what, int error) {
    if (error == EPIPE && program->ends_by_pipe) {
        program->reader_is_gone = true;
        return EXIT_STORE;
    }
    return complain(program, what, LESSON_STORE_FAILED, "standard output: %s", strerror(error));
}

int flush_stdout(struct program *program) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_YES;
    int status = report_stdout(program, NULL, errno);
    clearerr(stdout);
    return status;
}
