#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "lessonctl.h"

#define MESSAGE_SIZE 2048
#define CLEAR_LINE "\r\033[K" /* wipes a progress bar that may stand there */

/* Messages quote what others wrote; a control byte must neither break the line nor reach a terminal. */
LESSON_STORE_PRINTF(3, 0)
static void print_line(const struct program *program, const char *what, const char *format, va_list arguments) {
    char text[MESSAGE_SIZE];
    vsnprintf(text, sizeof text, format, arguments);
    for (char *byte = text; *byte; byte++) {
        if ((unsigned char)*byte < 0x20 || *byte == 0x7f)
            *byte = '?';
    }
    char line[32] = "";
    if (program->shell_line_number > 0)
        snprintf(line, sizeof line, "line %" PRIu64 ": ", program->shell_line_number);
    const char *clear = isatty(STDERR_FILENO) ? CLEAR_LINE : "";
    fprintf(stderr, "%slessonctl: %s%s%s%s\n", clear, line, what ? what : "", what ? ": " : "", text);
}

void complain(const struct program *program, const char *what, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line(program, what, format, arguments);
    va_end(arguments);
}

void note(const struct call *call, const char *format, ...) {
    if (!isatty(STDERR_FILENO))
        return;
    va_list arguments;
    va_start(arguments, format);
    print_line(call->program, call->command->name, format, arguments);
    va_end(arguments);
}

int exit_status_of(int code) {
    if (code >= 0)
        return code == LESSON_STORE_OK ? EXIT_YES : EXIT_NO;
    return code == LESSON_STORE_INVALID ? EXIT_USAGE : EXIT_STORE;
}

int report_failure(const struct call *call, const char *where, int code) {
    const char *advice = "";
    if (code == LESSON_STORE_UNKNOWN)
        advice =
            "; the outcome is unknown: it may or may not have been done, so ask (where, show) before doing it again";
    complain_of(call, "%s%s%s%s", where ? where : "", where ? ": " : "", lesson_store_message(), advice);
    return exit_status_of(code);
}

int flush_stdout(const struct program *program) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return EXIT_YES;
    complain(program, "standard output", "%s", strerror(errno));
    clearerr(stdout);
    return EXIT_STORE;
}
