#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"
#include "interrupt.h"
#include "own.h"

bool fault_set(struct fault *fault, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    /* Here and not only in the whole message, because only here it is known whether the text was cut. */
    hide_passwords(fault->text, sizeof fault->text, size < 0 || (size_t)size >= sizeof fault->text);
    return false;
}

bool fault_check_id(struct fault *fault, const char *what, lesson_store_id id) {
    if (lesson_store_id_check(what, id) == LESSON_STORE_OK)
        return true;
    return fault_set(fault, "%s", lesson_store_message());
}

bool fault_read_course_status(struct fault *fault, const char *what, const char *word, int *status) {
    *status = word ? lesson_store_course_status_of(word) : LESSON_STORE_STATUS_NONE;
    return !word || *status != LESSON_STORE_STATUS_NONE ||
           fault_set(fault, "%s: \"%s\" is not a valid course status (offline, online, cantjoinin, waiting)", what,
                     word);
}

bool fault_read_chat_status(struct fault *fault, const char *what, const char *word, int *status) {
    *status = word ? lesson_store_chat_status_of(word) : LESSON_STORE_STATUS_NONE;
    return !word || *status != LESSON_STORE_STATUS_NONE ||
           fault_set(fault, "%s: \"%s\" is not a valid chat status (free, banned)", what, word);
}

enum line_result read_line(FILE *stream, char *buffer, size_t size, size_t *length) {
    size_t count = 0;
    int byte;
    while ((byte = getc_unlocked(stream)) != EOF && byte != '\n') {
        if (count + 1 >= size)
            return LINE_TOO_LONG;
        buffer[count++] = (char)byte;
    }
    buffer[count] = '\0';
    *length = count;
    if (byte == EOF && ferror(stream))
        return LINE_FAILED;
    return byte == EOF && count == 0 ? LINE_END : LINE_READ;
}

static int cannot(const struct input *input, const struct call *call, const char *what) {
    return complain_of(call, LESSON_STORE_FAILED, "%s: %s: %s", input->name, what, strerror(errno));
}

/* Only a regular file can be read twice and has a known size. */
static void measure(struct input *input) {
    struct stat status;
    if (fstat(fileno(input->stream), &status) == 0 && S_ISREG(status.st_mode))
        input->size = (uint64_t)status.st_size;
}

static bool names_stdin(const char *path) {
    return !path || strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0 || strcmp(path, "/dev/fd/0") == 0 ||
           strcmp(path, "/proc/self/fd/0") == 0;
}

static int open_stdin(struct input *input, const struct call *call) {
    input->name = "standard input";
    if (call->program->in_shell)
        return complain_of(call, LESSON_STORE_INVALID, "the shell's commands come from standard input; name a file");
    if (own_descriptor(STDIN_FILENO))
        return own_refuse(call, input->name);
    input->stream = stdin;
    input->is_stdin = true;
    return EXIT_YES;
}

int input_open(struct input *input, const struct call *call, const char *path) {
    *input = (struct input){.name = path, .last_line = UINT64_MAX};
    if (names_stdin(path))
        return open_stdin(input, call);
    if (own_path(call, path))
        return own_refuse(call, path);
    input->stream = fopen(path, "re");
    if (!input->stream)
        return cannot(input, call, "cannot be opened");
    measure(input);
    return EXIT_YES;
}

/* ---- Reading twice */

static FILE *open_nameless_file(void) {
    const char *directory = getenv("TMPDIR");
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/lessonctl.XXXXXX", directory && *directory ? directory : "/tmp");
    if (size < 0 || (size_t)size >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    /* A signal comes only after the file has lost its name. */
    sigset_t before;
    interrupt_hold(&before);
    int descriptor = mkostemp(path, O_CLOEXEC);
    int error = errno;
    if (descriptor >= 0)
        unlink(path);
    interrupt_release(&before);
    errno = error;
    if (descriptor < 0)
        return NULL;
    FILE *file = fdopen(descriptor, "w+");
    if (!file)
        close(descriptor);
    return file;
}

int input_keep(struct input *input, const struct call *call) {
    if (input->size > 0)
        return EXIT_YES;
    input->copy = open_nameless_file();
    return input->copy ? EXIT_YES : cannot(input, call, "no temporary file for it");
}

static bool keep_line(struct input *input, const char *line, size_t size) {
    return !input->copy || (fwrite(line, 1, size, input->copy) == size && putc('\n', input->copy) != EOF);
}

int input_again(struct input *input, const struct call *call) {
    if (input->copy) {
        FILE *copy = input->copy;
        input->copy = NULL;
        input_close(input);
        input->stream = copy;
        input->is_stdin = false;
        if (fflush(copy) != 0)
            return cannot(input, call, "cannot be copied");
        measure(input);
    }
    rewind(input->stream);
    input->last_line = input->line_number;
    input->line_number = 0;
    return EXIT_YES;
}

/* ---- Lines */

enum line_result input_line(struct input *input, const struct call *call, char *buffer, size_t size, size_t *length,
                            int *status) {
    *status = EXIT_YES;
    if (input->line_number == input->last_line)
        return LINE_END;
    errno = 0;
    enum line_result result = read_line(input->stream, buffer, size, length);
    if (result != LINE_END)
        input->line_number++;
    if (result == LINE_FAILED)
        *status = cannot(input, call, "cannot be read");
    if (result == LINE_TOO_LONG) {
        struct fault fault;
        fault_set(&fault, "the line has %zu bytes or more", size);
        *status = input_malformed(input, call, &fault);
    }
    if (result == LINE_READ && !keep_line(input, buffer, *length)) {
        *status = cannot(input, call, "cannot be copied");
        return LINE_FAILED;
    }
    return result;
}

int input_malformed(const struct input *input, const struct call *call, const struct fault *fault) {
    return complain_of(call, LESSON_STORE_INVALID, "%s: line %" PRIu64 ": %s", input->name, input->line_number,
                       fault->text);
}

uint64_t input_done(const struct input *input) {
    long position = input->size > 0 ? ftell(input->stream) : 0;
    return position > 0 ? (uint64_t)position : 0;
}

void input_close(struct input *input) {
    if (input->stream && !input->is_stdin)
        (void)fclose(input->stream); /* it was only read, so a failure does not matter */
    if (input->copy)
        (void)fclose(input->copy);
    input->stream = NULL;
    input->copy = NULL;
}
