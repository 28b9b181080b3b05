/* shell: the commands of standard input, one a line, against one open store. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "prompt.h"
#include "words.h"

#define SHELL_LINE_SIZE 16384

/* Runs one line, whose words are cut in place; *done becomes true when it was exit. */
static int run_line(struct program *program, char *line, bool *done) {
    struct words words;
    struct fault fault;
    if (line[strspn(line, " \t")] == '#')
        return EXIT_YES;
    if (!words_split(&words, line, &fault))
        return complain(program, "shell", LESSON_STORE_INVALID, "%s", fault.text);
    if (words.count == 0)
        return EXIT_YES;
    *done = strcmp(words.text[0], "exit") == 0 && words.count == 1;
    if (*done)
        return EXIT_YES;
    if (strcmp(words.text[0], "shell") == 0)
        return complain(program, "shell", LESSON_STORE_INVALID, "is running already");
    return command_run(program, words.count, words.text);
}

static int run_interactively(struct program *program) {
    prompt_begin(program);
    bool done = false;
    char *line;
    while (!done && (line = prompt_line()) != NULL) {
        run_line(program, line, &done);
        free(line);
    }
    prompt_end(program);
    return EXIT_YES;
}

static int run_result(struct program *program, enum line_result result, char *line, size_t size, bool *done) {
    switch (result) {
    case LINE_READ:
        if (strlen(line) == size)
            return run_line(program, line, done);
        return complain(program, "shell", LESSON_STORE_INVALID, "the line has a NUL byte");
    case LINE_TOO_LONG:
        return complain(program, "shell", LESSON_STORE_INVALID, "the line has %d bytes or more", SHELL_LINE_SIZE);
    case LINE_FAILED:
        return complain(program, "shell", LESSON_STORE_FAILED, "standard input cannot be read: %s", strerror(errno));
    case LINE_END:
        *done = true;
    }
    return EXIT_YES;
}

static int run_script(struct program *program) {
    char line[SHELL_LINE_SIZE];
    int status = EXIT_YES;
    for (bool done = false; !done && !status;) {
        size_t size = 0;
        program->shell_line_number++;
        enum line_result result = read_line(stdin, line, sizeof line, &size);
        status = run_result(program, result, line, size, &done);
    }
    return status;
}

int command_shell(struct call *call) {
    struct program *program = call->program;
    program->in_shell = true;
    int status;
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
        status = run_interactively(program);
    else
        status = run_script(program);
    program->in_shell = false;
    program->shell_line_number = 0;
    return status;
}
