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
#define NUMBERS_OF_A_LESSON                                                                           \
    VALUE("course-status", OPTION_COURSE_STATUS, "STATUS", "offline, online, cantjoinin or waiting"), \
        VALUE("chat-status", OPTION_CHAT_STATUS, "STATUS", "free or banned"),                         \
        VALUE("capacity", OPTION_CAPACITY, "N", "the members that join --if-room allows; 0: any number")
#define OPTIONS_OF_EVERY_COMMAND                                                                      \
    HIDDEN("store", 0, POPT_ARG_STRING, OPTION_STORE), HIDDEN("json", 0, POPT_ARG_NONE, OPTION_JSON), \
        HIDDEN("help", 'h', POPT_ARG_NONE, OPTION_HELP), POPT_TABLEEND

const struct poptOption program_options[] = {
    VALUE("store", OPTION_STORE, "LOCATION",
          "memory:, sqlite:PATH, redis://HOST, redis+unix:///SOCKET;\n"
          "else $LESSONSTORE_LOCATION, else a file in your data directory"),
    FLAG("json", OPTION_JSON, "print one JSON object a line\n(both may also follow the command)"),
    FLAG("version", OPTION_VERSION, "show the version"),
    {"help", 'h', POPT_ARG_NONE, NULL, OPTION_HELP, "show this text, or that of a command", NULL},
    POPT_TABLEEND};

static const struct poptOption no_options[] = {OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption create_options[] = {
    FLAG("reset", OPTION_RESET, "an existing record goes back to waiting and free, or gets what is given"),
    VALUE("course", OPTION_COURSE, "COURSE", "the course of the lesson"), NUMBERS_OF_A_LESSON,
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption end_options[] = {
    FLAG("record-only", OPTION_RECORD_ONLY, "remove the record and leave the members where they are"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption join_options[] = {
    VALUE("session", OPTION_SESSION, "SESSION", "a token for this connection of the user"),
    VALUE("if-session", OPTION_IF_SESSION, "SESSION", "only if the user's last join carried this session"),
    FLAG("or-nowhere", OPTION_OR_NOWHERE, "with --if-session: also if the user is in no lesson"),
    FLAG("if-exists", OPTION_IF_EXISTS, "only if the lesson has a record"),
    FLAG("unless-banned", OPTION_UNLESS_BANNED, "only if the user is not banned from the lesson"),
    FLAG("if-open", OPTION_IF_OPEN, "only if the record says online or waiting"),
    FLAG("if-open-or-member", OPTION_IF_OPEN_OR_MEMBER, "as --if-open, but a member may come back"),
    FLAG("if-room", OPTION_IF_ROOM, "only if the lesson has fewer members than its capacity; a member may come back"),
    FLAG("stay", OPTION_STAY, "do not move a user who is in another lesson"),
    VALUE("owner", OPTION_OWNER, "OWNER", "who answers for the user: only if this owner holds a lease"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption ban_options[] = {
    VALUE("for", OPTION_FOR, "TIME", "how long the ban lasts from now, such as 10m, 2h or 7d, at most 30d"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption quit_options[] = {
    VALUE("lesson", OPTION_LESSON, "LESSON", "only if the user is in this lesson"),
    VALUE("session", OPTION_SESSION, "SESSION", "only if the user joined with this session"), OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption set_options[] = {
    NUMBERS_OF_A_LESSON,
    VALUE("if-course-status", OPTION_IF_COURSE_STATUS, "STATUS", "only if this is the current course status"),
    VALUE("if-chat-status", OPTION_IF_CHAT_STATUS, "STATUS", "only if this is the current chat status"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption lessons_options[] = {
    VALUE("course", OPTION_COURSE, "COURSE", "only the lessons of this course"),
    VALUE("course-status", OPTION_COURSE_STATUS, "STATUS", "only those with this course status"),
    VALUE("chat-status", OPTION_CHAT_STATUS, "STATUS", "only those with this chat status"), OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption users_options[] = {VALUE("owner", OPTION_OWNER, "OWNER", "only the users of this owner"),
                                                  OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption hold_options[] = {
    VALUE("lease", OPTION_LEASE, "MS", "how long the lease lasts from now, in ms"),
    FLAG("renew", OPTION_RENEW, "only if the owner holds a lease already"), OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption sweep_options[] = {
    VALUE("every", OPTION_EVERY, "TIME", "sweep again and again, such as every 5s or 500ms, until SIGINT or SIGTERM"),
    OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption events_options[] = {
    VALUE("lesson", OPTION_LESSON, "LESSON", "only those of this lesson"),
    VALUE("from", OPTION_FROM, "POSITION", "only those behind this position; by default all that are kept"),
    FLAG("follow", OPTION_FOLLOW, "go on until SIGINT or SIGTERM"), OPTIONS_OF_EVERY_COMMAND};
static const struct poptOption top_options[] = {
    VALUE("every", OPTION_EVERY, "TIME", "how long joins and quits are counted, 1s by default"),
    VALUE("lines", OPTION_LINES, "N", "the lessons that are shown, 20 by default"), OPTIONS_OF_EVERY_COMMAND};
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

static const struct poptOption info_options[] = {
    FLAG("metrics", OPTION_METRICS, "the figures of this run as OpenMetrics text instead"), OPTIONS_OF_EVERY_COMMAND};

static const struct poptOption complete_options[] = {
    VALUE("line", OPTION_LINE, "BREAKS", "the input is a line as it was typed; these bytes end a word for the shell"),
    OPTIONS_OF_EVERY_COMMAND};

static const struct poptOption shell_options[] = {
    FLAG("keep-going", OPTION_KEEP_GOING, "go on after a line that ends with status 1; the shell then ends with it"),
    OPTIONS_OF_EVERY_COMMAND};

static const struct command commands[] = {
    {"create", "LESSON", "make the record of a lesson",
     "Without options the lesson is waiting and free and has room for any number of members.\nWith --reset the members "
     "stay, and so do a course and a capacity that are not given.",
     create_options, 1, 1, true, command_create},
    {"end", "LESSON", "end a lesson: remove its record and put every member out", NULL, end_options, 1, 1, true,
     command_end},
    {"join", "UID COURSE LESSON", "put a user into a lesson and out of any other one", NULL, join_options, 3, 3, true,
     command_join},
    {"quit", "UID", "take a user out", NULL, quit_options, 1, 1, true, command_quit},
    {"ban", "LESSON UID", "ban a user from a lesson for a time; a member stays until they quit",
     "A ban counts for joins with --unless-banned. It replaces an earlier one, and ends with the lesson.", ban_options,
     2, 2, true, command_ban},
    {"unban", "LESSON UID", "lift the ban of a user from a lesson", NULL, no_options, 2, 2, true, command_unban},
    {"kick", "LESSON UID", "ban a user from a lesson, and take them out of it in the same step", NULL, ban_options, 2,
     2, true, command_kick},
    {"bans", "LESSON", "list the users who are banned from a lesson",
     "Prints uid and the ms that are left of the ban, in no particular order.", no_options, 1, 1, true, command_bans},
    {"where", "UID", "show where a user is",
     "Prints the lesson, the course, and the session if the user joined with one.", no_options, 1, 1, true,
     command_where},
    {"members", "LESSON", "list the members of a lesson", "Prints one uid a line, in no particular order.", no_options,
     1, 1, true, command_members},
    {"count", "LESSON", "count the members of a lesson", NULL, no_options, 1, 1, true, command_count},
    {"show", "LESSON", "show the record of a lesson and its count of members",
     "Prints the lesson, its course status, its chat status (\"-\" where there is none) and the count.\nThe "
     "course and the capacity follow if the lesson has them.",
     no_options, 1, 1, true, command_show},
    {"lessons", "", "list the lessons that have a record or members",
     "Prints the first four fields of show. An option leaves out lessons without a record.", lessons_options, 0, 0,
     true, command_lessons},
    {"set", "LESSON", "set the statuses and the capacity of a lesson in one step", NULL, set_options, 1, 1, true,
     command_set},
    {"users", "", "list the users who are in a lesson",
     "Prints uid, lesson, course, session and owner, \"-\" where there is none, in no particular order.", users_options,
     0, 0, true, command_users},
    {"owners", "", "list the owners that hold a lease or are over",
     "Prints the owner, its state (held, late or over), its lease in ms, and the ms that are left of it.", no_options,
     0, 0, true, command_owners},
    {"hold", "OWNER", "begin or renew the lease of an owner", NULL, hold_options, 1, 1, true, command_hold},
    {"sweep", "", "put out the users of owners that are over",
     "Prints uid, lesson, course and owner of each user who was put out.", sweep_options, 0, 0, true, command_sweep},
    {"drop", "OWNER", "put out the users of an owner at once", "Prints the same fields as sweep.", no_options, 1, 1,
     true, command_drop},
    {"events", "", "list the events that the store keeps",
     "Prints position, time, event, cause, lesson, uid, course, and the lesson that the user was in.", events_options,
     0, 0, true, command_events},
    {"top", "", "show the largest lessons, and joins and quits a second",
     "Prints lesson, course status, members, joins and quits a second; the first line is of all lessons.\nOn a "
     "terminal it "
     "goes on until SIGINT or SIGTERM.",
     top_options, 0, 0, true, command_top},
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
    {"info", "", "show facts about the store",
     "With --metrics it first asks the store for these facts, so that there are figures.", info_options, 0, 0, true,
     command_info},
    {"export", "[FILE|-]", "write the whole store as JSON, one object a line",
     "FILE appears only when it is complete. A pipe or a device is written to directly.", no_options, 0, 1, true,
     command_export},
    {"import", "[FILE|-]", "read an export", "All of it is checked before anything is changed.", import_options, 0, 1,
     true, command_import},
    {"shell", "", "run commands from standard input against one open store",
     "One command a line, with quoting as in a shell; # begins a comment line; exit or Ctrl-D leaves.", shell_options,
     0, 0, true, command_shell},
    {"complete", "", "list how a command line may go on, for the completion of shells",
     "Standard input has the words behind lessonctl, one a line. The last one is the word at the cursor.\n"
     "Prints kind (word; part, if more must follow; files), the word, and what it does.",
     complete_options, 0, 0, false, command_complete},
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

/* Reads the digits that a text begins with. Returns what follows, or NULL if there are none or too many. */
static const char *read_digits(const char *text, int64_t *number) {
    char *end;
    errno = 0;
    *number = strtoimax(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && !errno ? end : NULL;
}

bool option_number(const struct call *call, enum option option, const char *name, int64_t lowest, int64_t highest,
                   int64_t *number) {
    const char *text = call->options.text[option];
    if (!text)
        return true;
    int64_t value;
    const char *rest = read_digits(text, &value);
    if (rest && !*rest && value >= lowest && value <= highest) {
        *number = value;
        return true;
    }
    complain_of(call, LESSON_STORE_INVALID, "--%s: \"%s\" is not a number from %" PRId64 " to %" PRId64, name, text,
                lowest, highest);
    return false;
}

/* Returns 0 for an unknown unit. */
static int64_t ms_of_unit(const char *unit) {
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {{"ms", 1}, {"", 1000}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].name, unit) == 0)
            return units[i].ms;
    }
    return 0;
}

bool option_duration(const struct call *call, enum option option, const char *name, int64_t longest_ms,
                     int64_t *duration_ms) {
    const char *text = call->options.text[option];
    if (!text)
        return true;
    int64_t value;
    const char *unit = read_digits(text, &value);
    int64_t unit_ms = unit ? ms_of_unit(unit) : 0;
    if (unit_ms > 0 && value > 0 && value <= longest_ms / unit_ms) {
        *duration_ms = value * unit_ms;
        return true;
    }
    complain_of(call, LESSON_STORE_INVALID, "--%s: \"%s\" is not a time from 1ms to %" PRId64 "s, such as 5s or 500ms",
                name, text, longest_ms / 1000);
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
