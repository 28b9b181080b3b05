/* The table of commands, and the steps of each call: options, arguments, store, command, output. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lessonctl.h"
#include "own.h"

#define FLAG(name, option, text) \
    { name, 0, POPT_ARG_NONE, NULL, option, text, NULL }
#define VALUE(name, option, argument, text) \
    { name, 0, POPT_ARG_STRING, NULL, option, text, argument }
#define HIDDEN(name, letter, kind, option) \
    { name, letter, (kind) | POPT_ARGFLAG_DOC_HIDDEN, NULL, option, NULL, NULL }
#define OPTIONS_OF_EVERY_COMMAND                                                                      \
    HIDDEN("store", 0, POPT_ARG_STRING, OPTION_STORE), HIDDEN("json", 0, POPT_ARG_NONE, OPTION_JSON), \
        HIDDEN("help", 'h', POPT_ARG_NONE, OPTION_HELP), POPT_TABLEEND

static const struct poptOption no_options[] = {OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption create_options[] = {
    FLAG("reset", OPTION_RESET, "an existing record goes back to waiting and free; its members stay"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption end_options[] = {
    FLAG("record-only", OPTION_RECORD_ONLY, "remove the record and leave the members where they are"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption join_options[] = {
    VALUE("session", OPTION_SESSION, "SESSION", "a token for this connection of the user"),
    FLAG("if-exists", OPTION_IF_EXISTS, "only if the lesson has a record"),
    FLAG("if-open", OPTION_IF_OPEN, "only if the record says online or waiting"),
    FLAG("stay", OPTION_STAY, "do not move a user who is in another lesson"), OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption quit_options[] = {
    VALUE("lesson", OPTION_LESSON, "LESSON", "only if the user is in this lesson"),
    VALUE("session", OPTION_SESSION, "SESSION", "only if the user joined with this session"), OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption set_options[] = {
    VALUE("course-status", OPTION_COURSE_STATUS, "STATUS", "offline, online, cantjoinin or waiting"),
    VALUE("chat-status", OPTION_CHAT_STATUS, "STATUS", "free or banned"),
    VALUE("if-course-status", OPTION_IF_COURSE_STATUS, "STATUS", "only if this is the current course status"),
    VALUE("if-chat-status", OPTION_IF_CHAT_STATUS, "STATUS", "only if this is the current chat status"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption replay_options[] = {
    VALUE("until", OPTION_UNTIL, "UNIX_MS", "only the events up to this instant"),
    FLAG("unfenced", OPTION_UNFENCED, "a quit counts in whatever lesson the user is"),
    VALUE("batch", OPTION_BATCH, "N", "operations in one batch, 1000 by default"), OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption check_options[] = {
    FLAG("ended", OPTION_ENDED, "a lesson without a record counts as ended, and nobody may be in it"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption repair_options[] = {
    FLAG("dry-run", OPTION_DRY_RUN, "only report what would be repaired"),
    FLAG("ended", OPTION_ENDED, "a lesson without a record counts as ended, and nobody may be in it"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption import_options[] = {
    FLAG("merge", OPTION_MERGE, "import into a store that is not empty; imported data wins"), OPTIONS_OF_EVERY_COMMAND};

static const struct poptOption shell_options[] = {
    FLAG("keep-going", OPTION_KEEP_GOING, "go on after a line that ends with status 1; the shell then ends with it"),
    OPTIONS_OF_EVERY_COMMAND};

static const struct command commands[] = {
    {"create", "LESSON", "make the record of a lesson, waiting and free", NULL, create_options, 1, 1, true,
     command_create},
    {"end", "LESSON", "end a lesson: remove its record and put every member out", NULL, end_options, 1, 1, true,
     command_end},
    {"join", "UID COURSE LESSON", "put a user into a lesson and out of any other one", NULL, join_options, 3, 3, true,
     command_join},
    {"quit", "UID", "take a user out", NULL, quit_options, 1, 1, true, command_quit},
    {"where", "UID", "show where a user is",
     "Prints the lesson, the course, and the session if the user joined with one.", no_options, 1, 1, true,
     command_where},
    {"members", "LESSON", "list the members of a lesson", "Prints one uid a line, in no particular order.", no_options,
     1, 1, true, command_members},
    {"count", "LESSON", "count the members of a lesson", NULL, no_options, 1, 1, true, command_count},
    {"show", "LESSON", "show the record of a lesson and its count of members",
     "Prints the lesson, its course status, its chat status (\"-\" where there is none) and the count.", no_options, 1,
     1, true, command_show},
    {"lessons", "", "list the lessons that have a record or members", "Prints lines like those of show.", no_options, 0,
     0, true, command_lessons},
    {"set", "LESSON", "set the statuses of a lesson in one step", NULL, set_options, 1, 1, true, command_set},
    {"replay", "FILE|-", "apply the events of a trace",
     "An event is a line of five fields, separated by tabs: unix_ms, create, join, quit or end, lesson, course or -, "
     "uid or "
     "-.\nPrints the number of events of each kind.",
     replay_options, 1, 1, true, command_replay},
    {"check", "", "find disagreement between user records and members",
     "Prints verdict, finding, lesson, uid, detail. The exit status is 1 if anything was found.", check_options, 0, 0,
     true, command_check},
    {"repair", "", "repair what check finds",
     "Prints the same fields as check. The verdict is repaired or left; in a dry run, would repair or left.",
     repair_options, 0, 0, true, command_repair},
    {"info", "", "show facts about the store", NULL, no_options, 0, 0, true, command_info},
    {"export", "[FILE|-]", "write the whole store as JSON, one object a line",
     "FILE appears only when it is complete. A pipe or a device is written to directly.", no_options, 0, 1, true,
     command_export},
    {"import", "[FILE|-]", "read an export", "All of it is checked before anything is changed.", import_options, 0, 1,
     true, command_import},
    {"shell", "", "run commands from standard input against one open store",
     "One command a line, with quoting as in a shell; # begins a comment line; exit or Ctrl-D leaves.", shell_options,
     0, 0, true, command_shell},
    {"exit", "", "leave the shell, as Ctrl-D does on a terminal", NULL, no_options, 0, 0, false, command_exit},
    {"help", "[COMMAND]", "explain a command", NULL, no_options, 0, 1, false, command_help},
};

const struct command *command_at(size_t index) {
    return index < sizeof commands / sizeof *commands ? &commands[index] : NULL;
}

const struct command *command_find(const char *name) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        if (strcmp(command->name, name) == 0)
            return command;
    }
    return NULL;
}

/* ---- Options */

int options_read(struct program *program, const char *what, poptContext context, struct option_values *values) {
    int option;
    while ((option = poptGetNextOpt(context)) > 0) {
        char *text = poptGetOptArg(context);
        if (!text)
            text = strdup("");
        if (!text)
            return complain(program, what, LESSON_STORE_NO_MEMORY, "no memory left");
        free(values->text[option]);
        values->text[option] = text;
        if (option == OPTION_JSON)
            program->json = true;
    }
    if (option == -1)
        return EXIT_YES;
    return complain(program, what, LESSON_STORE_INVALID, "%s: %s", poptBadOption(context, POPT_BADOPTION_NOALIAS),
                    poptStrerror(option));
}

void options_free(struct option_values *values) {
    for (size_t i = 0; i < OPTIONS; i++)
        free(values->text[i]);
}

bool option_number(const struct call *call, enum option option, const char *name, int64_t lowest, int64_t highest,
                   int64_t *number) {
    const char *text = call->options.text[option];
    if (!text)
        return true;
    char *end;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    bool digits_only = text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
    if (digits_only && !errno && value >= lowest && value <= highest) {
        *number = value;
        return true;
    }
    complain_of(call, LESSON_STORE_INVALID, "--%s: \"%s\" is not a number from %" PRId64 " to %" PRId64, name, text,
                lowest, highest);
    return false;
}

/* ---- Calls */

static int check_arguments(const struct call *call) {
    if (call->argument_count >= call->command->fewest_arguments &&
        call->argument_count <= call->command->most_arguments)
        return EXIT_YES;
    bool few = call->argument_count < call->command->fewest_arguments;
    return complain_of(call, LESSON_STORE_INVALID, few ? "an argument is missing" : "too many arguments");
}

static int run_to_stdout(struct call *call) {
    if (own_descriptor(STDOUT_FILENO))
        return own_refuse(call, "standard output");
    output_begin(&call->output, stdout, call->program->json);
    int status = call->command->run(call);
    if (output_end(&call->output))
        return status;
    return report_stdout(call->program, call->command->name, call->output.error);
}

static int run_parsed(struct call *call) {
    int status = check_arguments(call);
    if (status) {
        print_usage(call->program, call->command);
        return status;
    }
    status = open_store(call);
    return status ? status : run_to_stdout(call);
}

static int run_call(struct call *call, poptContext context) {
    int status = options_read(call->program, call->command->name, context, &call->options);
    if (status == EXIT_USAGE)
        print_usage(call->program, call->command);
    if (status)
        return status;
    if (call->program->in_shell && option_given(call, OPTION_STORE))
        return complain_of(call, LESSON_STORE_INVALID,
                           "--store: the shell has one open store; start another shell for another store");
    if (option_given(call, OPTION_HELP)) {
        print_command_help(stdout, call->command);
        return flush_stdout(call->program);
    }
    call->arguments = poptGetArgs(context);
    while (call->arguments && call->arguments[call->argument_count])
        call->argument_count++;
    return run_parsed(call);
}

int command_run(struct program *program, int argc, const char **argv) {
    const struct command *command = command_find(argv[0]);
    if (!command) {
        /* A location is not quoted, because it may hold a password. */
        int status = strstr(argv[0], "://")
                         ? complain(program, NULL, LESSON_STORE_INVALID,
                                    "a location stands behind --store; the command comes after it")
                         : complain(program, NULL, LESSON_STORE_INVALID,
                                    "there is no command \"%s\"; lessonctl help lists them", argv[0]);
        print_usage(program, NULL);
        return status;
    }
    poptContext context = poptGetContext(command->name, argc, argv, command->options, POPT_CONTEXT_NO_EXEC);
    struct call *call = calloc(1, sizeof *call);
    /* --json after a command applies to that command only. */
    bool json_before = program->json;
    int status;
    if (context && call) {
        call->program = program;
        call->command = command;
        status = run_call(call, context);
        options_free(&call->options);
    } else {
        status = complain(program, command->name, LESSON_STORE_NO_MEMORY, "no memory left");
    }
    free(call);
    poptFreeContext(context);
    program->json = json_before;
    return status;
}
