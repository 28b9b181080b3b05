/* lessonctl: the lesson store on the command line. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "interrupt.h"
#include "lessonctl.h"

/* Opens each closed standard stream onto /dev/null, in the direction that fails. Otherwise a database or a socket could
 * get its number, and output for the stream would be written there. */
static void hold_standard_streams(void) {
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[descriptor]) != descriptor)
            exit(EXIT_STORE);
    }
}

static const char *chosen_location(const struct option_values *options) {
    if (options->text[OPTION_STORE])
        return options->text[OPTION_STORE];
    const char *location = getenv("LESSONSTORE_LOCATION");
    return location && *location ? location : NULL;
}

static int say_on_stdout(struct program *program, const struct option_values *options) {
    if (options->text[OPTION_VERSION])
        printf("lessonctl %s\n", lesson_store_version());
    else
        print_help(stdout);
    return flush_stdout(program);
}

static int say_what_is_missing(const struct program *program) {
    if (program->json)
        return complain(program, NULL, LESSON_STORE_INVALID, "a command is missing");
    print_help(stderr);
    return EXIT_USAGE;
}

static int run_with_options(struct program *program, poptContext context, struct option_values *options) {
    int status = options_read(program, NULL, context, options);
    if (status == EXIT_USAGE)
        print_usage(program, NULL);
    if (status)
        return status;
    if (options->text[OPTION_VERSION] || options->text[OPTION_HELP])
        return say_on_stdout(program, options);
    const char **argv = poptGetArgs(context);
    if (!argv || !argv[0])
        return say_what_is_missing(program);
    int argc = 0;
    while (argv[argc])
        argc++;
    program->location = chosen_location(options);
    return command_run(program, argc, argv);
}

static int run(int argc, const char **argv, bool ends_by_pipe) {
    struct program program = {.ends_by_pipe = ends_by_pipe};
    struct option_values options = {{NULL}};
    /* Options after the command belong to the command. */
    poptContext context =
        poptGetContext("lessonctl", argc, argv, program_options, POPT_CONTEXT_POSIXMEHARDER | POPT_CONTEXT_NO_EXEC);
    if (!context)
        return EXIT_STORE;
    int status = run_with_options(&program, context, &options);
    lesson_store_close(program.store);
    options_free(&options);
    poptFreeContext(context);
    return program.reader_is_gone ? interrupt_end_by_pipe() : status;
}

int main(int argc, char **argv) {
    hold_standard_streams();
    setlocale(LC_CTYPE, "");
    bool ends_by_pipe = interrupt_begin();
    const char **arguments = calloc((size_t)argc + 1, sizeof *arguments);
    if (!arguments)
        return EXIT_STORE;
    for (int i = 0; i < argc; i++)
        arguments[i] = argv[i];
    int status = run(argc, arguments, ends_by_pipe);
    free(arguments);
    return status;
}
