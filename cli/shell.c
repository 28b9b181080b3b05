/* shell: the commands of standard input, one a line, against one open store. */
#include <stdlib.h>
#include <unistd.h>

#include "input.h"
#include "prompt.h"

#define SHELL_LINE_SIZE 16384

static bool is_blank_or_comment(const char *line) {
    const char *first = line + strspn(line, " \t\r");
    return *first == '\0' || *first == '#';
}

/* Runs one line; *done becomes true when it was exit. */
static int run_line(struct program *program, const char *line, bool *done) {
    if (is_blank_or_comment(line))
        return EXIT_YES;
    int argc;
    const char **argv;
    int error = poptParseArgvString(line, &argc, &argv);
    if (error) {
        complain(program, "shell", "%s", error == POPT_ERROR_BADQUOTE ? "a quote has no end" : poptStrerror(error));
        return EXIT_USAGE;
    }
    int status = EXIT_YES;
    *done = strcmp(argv[0], "exit") == 0 && argc == 1;
    if (strcmp(argv[0], "shell") == 0) {
        complain(program, "shell", "is running already");
        status = EXIT_USAGE;
    } else if (!*done) {
        status = command_run(program, argc, argv);
    }
    free(argv);
    return status;
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

static int run_script(struct call *call, struct program *program) {
    struct input input = {.stream = stdin, .name = "standard input", .is_stdin = true};
    char line[SHELL_LINE_SIZE];
    size_t size;
    int status = EXIT_YES;
    bool done = false;
    while (!done && !status && input_line(&input, call, line, sizeof line, &size, &status) == LINE_READ) {
        program->shell_line_number = input.line_number;
        if (strlen(line) != size) {
            complain(program, "shell", "the line has a NUL byte");
            return EXIT_USAGE;
        }
        status = run_line(program, line, &done);
    }
    return status;
}

int command_shell(struct call *call) {
    struct program *program = call->program;
    program->in_shell = true;
    /* --json holds for every command of a shell that was started with it. */
    program->json = call->output.json;
    int status;
    if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
        status = run_interactively(program);
    else
        status = run_script(call, program);
    program->in_shell = false;
    program->shell_line_number = 0;
    return status;
}
