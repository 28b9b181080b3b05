/* shell: runs the commands of standard input, one a line, on one open store. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "prompt.h"
#include "words.h"

#define SHELL_LINE_SIZE 16384

/* Runs one line. Its words are cut in place. */
static int run_line(const struct call *shell, char *line) {
    struct program *program = shell->program;
    struct words words;
    struct fault fault;
    if (line[strspn(line, " \t")] == '#')
        return EXIT_YES;
    if (!words_split(&words, line, &fault))
        return complain_of(shell, LESSON_STORE_INVALID, "%s", fault.text);
    if (words.count == 0)
        return EXIT_YES;
    if (strcmp(words.text[0], "shell") == 0)
        return complain_of(shell, LESSON_STORE_INVALID, "is running already");
    int status = command_run(program, words.count, words.text);
    /* In other programs this word leaves the shell. */
    if (words.count == 1 && strcmp(words.text[0], "quit") == 0)
        note(shell, "to leave: exit or Ctrl-D");
    return status;
}

static int run_interactively(const struct call *shell) {
    struct program *program = shell->program;
    prompt_begin(shell);
    char *line;
    while (!program->leaves_shell && !program->reader_is_gone && (line = prompt_line()) != NULL) {
        run_line(shell, line);
        free(line);
    }
    prompt_end(shell);
    return EXIT_YES;
}

static int run_result(const struct call *shell, enum line_result result, char *line, size_t size) {
    switch (result) {
    case LINE_READ:
        if (strlen(line) == size)
            return run_line(shell, line);
        return complain_of(shell, LESSON_STORE_INVALID, "the line has a NUL byte");
    case LINE_TOO_LONG:
        return complain_of(shell, LESSON_STORE_INVALID, "the line has %d bytes or more", SHELL_LINE_SIZE);
    case LINE_FAILED:
        return complain_of(shell, LESSON_STORE_FAILED, "standard input cannot be read: %s", strerror(errno));
    case LINE_END:
        shell->program->leaves_shell = true;
    }
    return EXIT_YES;
}

/* Returns the status of the line that stopped it. With --keep-going, a no is remembered and stops nothing. */
static int run_script(const struct call *shell) {
    char line[SHELL_LINE_SIZE];
    bool keeps_going = option_given(shell, OPTION_KEEP_GOING);
    int status = EXIT_YES, remembered = EXIT_YES;
    while (!shell->program->leaves_shell && !status) {
        size_t size = 0;
        shell->program->shell_line_number++;
        enum line_result result = read_line(stdin, line, sizeof line, &size);
        status = run_result(shell, result, line, size);
        if (keeps_going && status == EXIT_NO) {
            remembered = EXIT_NO;
            status = EXIT_YES;
        }
    }
    return status ? status : remembered;
}

int command_exit(struct call *call) {
    if (!call->program->in_shell)
        return complain_of(call, LESSON_STORE_INVALID, "there is no shell to leave");
    call->program->leaves_shell = true;
    return EXIT_YES;
}

int command_shell(struct call *call) {
    struct program *program = call->program;
    program->in_shell = true;
    int status;
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
        status = run_interactively(call);
    else
        status = run_script(call);
    program->in_shell = false;
    program->shell_line_number = 0;
    return status;
}
