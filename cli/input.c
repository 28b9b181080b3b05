#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"

bool fault_set(struct fault *fault, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
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

int input_open(struct input *input, const struct call *call, const char *path) {
    *input = (struct input){.name = path};
    if (path && strcmp(path, "-") != 0) {
        input->stream = fopen(path, "re");
        if (!input->stream)
            return cannot(input, call, "cannot be opened");
        measure(input);
        return EXIT_YES;
    }
    input->name = "standard input";
    if (call->program->in_shell)
        return complain_of(call, LESSON_STORE_INVALID, "the shell's commands come from standard input; name a file");
    input->stream = stdin;
    input->is_stdin = true;
    return EXIT_YES;
}

/* ---- Spooling */

static FILE *open_nameless_file(void) {
    const char *directory = getenv("TMPDIR");
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/lessonctl.XXXXXX", directory && *directory ? directory : "/tmp");
    if (size < 0 || (size_t)size >= sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    int descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor < 0)
        return NULL;
    unlink(path);
    FILE *file = fdopen(descriptor, "w+");
    if (!file)
        close(descriptor);
    return file;
}

static bool copy_all(FILE *from, FILE *to) {
    char block[16384];
    size_t size;
    while ((size = fread(block, 1, sizeof block, from)) > 0) {
        if (fwrite(block, 1, size, to) != size)
            return false;
    }
    return !ferror(from) && fflush(to) == 0;
}

int input_spool(struct input *input, const struct call *call) {
    if (input->size > 0)
        return EXIT_YES;
    FILE *copy = open_nameless_file();
    if (!copy)
        return cannot(input, call, "no temporary file for it");
    int status = copy_all(input->stream, copy) ? EXIT_YES : cannot(input, call, "cannot be copied");
    input_close(input);
    input->stream = copy;
    input->is_stdin = false;
    measure(input);
    input_rewind(input);
    return status;
}

void input_rewind(struct input *input) {
    rewind(input->stream);
    input->line_number = 0;
}

/* ---- Lines */

enum line_result input_line(struct input *input, const struct call *call, char *buffer, size_t size, size_t *length,
                            int *status) {
    errno = 0;
    enum line_result result = read_line(input->stream, buffer, size, length);
    *status = EXIT_YES;
    if (result != LINE_END)
        input->line_number++;
    if (result == LINE_FAILED)
        *status = cannot(input, call, "cannot be read");
    if (result == LINE_TOO_LONG) {
        struct fault fault;
        fault_set(&fault, "the line has %zu bytes or more", size);
        *status = input_malformed(input, call, &fault);
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
    input->stream = NULL;
}
