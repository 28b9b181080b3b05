#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "interrupt.h"
#include "lessonctl.h"

#define ARGUMENTS_MAX 8
#define LINES_MAX 65536

static struct {
    const void *bytes;
    size_t size;
} offered;

void fuzz_offer_file(const void *bytes, size_t size) {
    offered.bytes = bytes;
    offered.size = size;
}

static bool running;

/* One byte more, because a stream of 0 bytes cannot be made. */
static FILE *open_bytes(const void *bytes, size_t size) {
    FILE *stream = fmemopen(NULL, size + 1, "w+");
    REQUIRE(stream);
    REQUIRE(fwrite(bytes ? bytes : "", 1, size, stream) == size);
    rewind(stream);
    return stream;
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode) {
    if (!running) /* libFuzzer calls it too, for its corpus */
        return __real_fopen(path, mode);
    REQUIRE(mode[0] == 'r');
    if (offered.bytes)
        return open_bytes(offered.bytes, offered.size);
    errno = ENOENT;
    return NULL;
}

int __wrap_interrupt_make_file(char *path_template);
int __wrap_interrupt_make_file(char *path_template) {
    (void)path_template;
    errno = EROFS;
    return -1;
}

static int64_t clock_ms;

int64_t __wrap_lesson_store_clock_ms(void);
int64_t __wrap_lesson_store_clock_ms(void) {
    return clock_ms += 500;
}

lesson_store *fuzz_open_memory(void) {
    clock_ms = 0;
    lesson_store *store;
    REQUIRE(lesson_store_open(&store, "memory:") == LESSON_STORE_OK);
    return store;
}

/* No terminal may be asked for commands, nor show a bar. */
static void leave_terminal(void) {
    static bool left;
    if (left)
        return;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    REQUIRE(nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO);
    close(nothing);
    left = true;
}

fuzz_run fuzz_run_command(lesson_store *store, const char *const *arguments, const void *input, size_t size) {
    struct program program = {.store = store};
    const char *argv[ARGUMENTS_MAX + 1] = {NULL};
    int argc = 0;
    for (; argc < ARGUMENTS_MAX && arguments[argc]; argc++)
        argv[argc] = arguments[argc];
    leave_terminal();
    fuzz_run run = {.status = 0};
    size_t out_size, err_size;
    FILE *const before[] = {stdin, stdout, stderr};
    stdin = open_bytes(input, size);
    FILE *const in = stdin;
    stdout = open_memstream(&run.out, &out_size);
    stderr = open_memstream(&run.err, &err_size);
    running = true;
    run.status = command_run(&program, argc, argv);
    running = false;
    fclose(in);
    fclose(stdout);
    fclose(stderr);
    stdin = before[0];
    stdout = before[1];
    stderr = before[2];
    return run;
}

void fuzz_end_run(fuzz_run *run) {
    free(run->out);
    free(run->err);
}

void fuzz_require_run(const fuzz_run *run) {
    REQUIRE(run->status >= EXIT_YES && run->status <= EXIT_STORE);
    for (const char *byte = run->err; *byte; byte++)
        REQUIRE(*byte == '\n' || ((unsigned char)*byte >= 0x20 && *byte != 0x7f));
}

/* ---- Exports */

static int compare_lines(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

char *fuzz_sorted_lines(const char *text) {
    static char *lines[LINES_MAX];
    size_t count = 0;
    char *copy = fuzz_copy_text(text, strlen(text)), *sorted = fuzz_copy_text(text, strlen(text)), *end = sorted;
    for (char *rest = copy, *line; (line = strsep(&rest, "\n")) != NULL && rest;) {
        REQUIRE(count < LINES_MAX);
        lines[count++] = line;
    }
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        end = stpcpy(end, lines[i]);
        *end++ = '\n';
    }
    *end = '\0';
    free(copy);
    return sorted;
}

char *fuzz_export(lesson_store *store) {
    fuzz_run run = fuzz_run_command(store, (const char *const[]){"export", NULL}, NULL, 0);
    REQUIRE(run.status == EXIT_YES && !*run.err);
    char *sorted = fuzz_sorted_lines(run.out);
    fuzz_end_run(&run);
    return sorted;
}
