/*
 * What the files of lessonctl share: one run of the program, one call of a command, and how both print.
 *
 *   main.c, shell.c    call command.c, which has the table of commands
 *   command.c          calls lessons.c, users.c, owners.c, events.c, top.c, maintenance.c, replay.c, export.c, import.c
 *   help.c, prompt.c, complete.c   read the same table
 *
 * Data goes to stdout through output.h, and messages go to stderr through message.c. Nothing else writes to either.
 */
#ifndef LESSONCTL_LESSONCTL_H
#define LESSONCTL_LESSONCTL_H

#include <popt.h>

#include <lessonstore/lessonstore.h>

#include "output.h"

enum exit_status {
    EXIT_YES = 0,   /* done, yes */
    EXIT_NO = 1,    /* not found, refused, conflict; a check found something */
    EXIT_USAGE = 2, /* wrong usage, an invalid id, malformed input */
    EXIT_STORE = 3  /* the store or a file could not be reached, or failed */
};

/* Every option of every command: the values that popt returns. */
enum option {
    OPTION_STORE = 1,
    OPTION_VERSION,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_RESET,
    OPTION_RECORD_ONLY,
    OPTION_SESSION,
    OPTION_IF_SESSION,
    OPTION_OR_NOWHERE,
    OPTION_LESSON,
    OPTION_IF_EXISTS,
    OPTION_IF_OPEN,
    OPTION_IF_OPEN_OR_MEMBER,
    OPTION_IF_ROOM,
    OPTION_STAY,
    OPTION_UNLESS_BANNED,
    OPTION_OWNER,
    OPTION_COURSE,
    OPTION_COURSE_STATUS,
    OPTION_CHAT_STATUS,
    OPTION_IF_COURSE_STATUS,
    OPTION_IF_CHAT_STATUS,
    OPTION_CAPACITY,
    OPTION_LEASE,
    OPTION_RENEW,
    OPTION_EVERY,
    OPTION_FOR,
    OPTION_FROM,
    OPTION_FOLLOW,
    OPTION_LINES,
    OPTION_UNTIL,
    OPTION_UNFENCED,
    OPTION_BATCH,
    OPTION_DRY_RUN,
    OPTION_ENDED,
    OPTION_MERGE,
    OPTION_METRICS,
    OPTION_KEEP_GOING,
    OPTION_LINE,
    OPTIONS
};

/* The options of a call: NULL if the option was not given, "" if it takes no value. */
struct option_values {
    char *text[OPTIONS];
};

/* One run of lessonctl. */
struct program {
    const char *location;       /* NULL: the default store */
    lesson_store *store;        /* opened by the first command that needs it */
    bool json;                  /* --json was given to the program or to the current command */
    bool in_shell;              /* the commands come from a shell */
    bool leaves_shell;          /* the command exit was run */
    bool ends_by_pipe;          /* if the reader of standard output goes away, the program ends quietly */
    bool reader_is_gone;        /* and this has happened */
    uint64_t shell_line_number; /* of the current line; 0: messages need no number */
};

/* One command with its arguments. */
struct call {
    struct program *program;
    const struct command *command;
    lesson_store *store;
    const char **arguments;
    int argument_count;
    struct option_values options;
    struct output output;
};

struct command {
    const char *name;
    const char *arguments; /* as the synopsis shows them */
    const char *summary;
    const char *details; /* more lines for its help, or NULL */
    const struct poptOption *options;
    int fewest_arguments;
    int most_arguments;
    bool needs_store;
    int (*run)(struct call *call); /* returns an exit status */
};

/* ---- command.c */

/* The options before the command. */
extern const struct poptOption program_options[];

/* The commands in the order of the help. NULL after the last. */
const struct command *command_at(size_t index);
const struct command *command_find(const char *name);

/* Runs argv[0] with its arguments and returns the exit status. */
int command_run(struct program *program, int argc, const char **argv);

/* Reads all options of a popt context. Returns an exit status, with a message if an option is wrong. --json applies as
 * soon as it is read, so it also shapes a message about a later option. */
int options_read(struct program *program, const char *what, poptContext context, struct option_values *values);
void options_free(struct option_values *values);

static inline bool option_given(const struct call *call, enum option option) {
    return call->options.text[option] != NULL;
}

/* Sets the number that an option gives, or `otherwise`. False with a message if it is out of range. */
bool option_number(const struct call *call, enum option option, const char *name, int64_t lowest, int64_t highest,
                   int64_t *number);

/* The same for a time from 1 ms on: "500ms", "5s", "10m", "2h", "7d", or a number of seconds. */
bool option_duration(const struct call *call, enum option option, const char *name, int64_t longest_ms,
                     int64_t *duration_ms);

/* ---- open.c */

/* Opens the store that the call, the program or the environment names, unless it is open. Returns an exit status. */
int open_store(struct call *call);

/* ---- message.c */

/* Prints one line on stderr that explains why the result is not a plain yes. Returns the exit status for the code. As
 * text the line is "lessonctl: what: message"; `what` may be NULL. With --json it is an object of code, message and, in
 * a shell, line. */
int complain(const struct program *program, const char *what, int code, const char *format, ...)
    LESSON_STORE_PRINTF(4, 5);
#define complain_of(call, ...) complain((call)->program, (call)->command->name, __VA_ARGS__)

/* For success: prints a line only if a person watches, and none with --json. */
void note(const struct call *call, const char *format, ...) LESSON_STORE_PRINTF(2, 3);

/* Says on stderr what the store warns of, such as a server that evicts keys. Before work that relies on it. */
void pass_warnings(struct call *call);

/* Reports a failed call of the library (negative code) and returns the exit status. `where` (NULL: nothing) is printed
 * before the library's message. */
int report_failure(const struct call *call, const char *where, int code);

/* Replaces passwords in `text`, which has room for `size` bytes, by ***. A message quotes arguments, and an argument in
 * the wrong place may be a location. `is_cut`: the end of the text was cut off, and perhaps the @ of its last word. */
void hide_passwords(char *text, size_t size, bool is_cut);

/* Returns the exit status for a code. */
int exit_status_of(int code);

/* Reports that standard output takes no more data, unless only its reader is gone. Returns an exit status. */
int report_stdout(struct program *program, const char *what, int error);

/* For output that bypasses struct output. Returns an exit status, with a message if writing failed. */
int flush_stdout(struct program *program);

/* ---- help.c */

/* Prints the synopsis of a command, or of the program for NULL, to stderr. Prints nothing with --json, because then
 * stderr carries only objects. */
void print_usage(const struct program *program, const struct command *command);
void print_help(FILE *stream);
void print_command_help(FILE *stream, const struct command *command);
int command_help(struct call *call);

/* ---- the commands, by theme */

int command_create(struct call *call);
int command_end(struct call *call);
int command_set(struct call *call);
int command_show(struct call *call);
int command_count(struct call *call);
int command_members(struct call *call);
int command_lessons(struct call *call);

int command_join(struct call *call);
int command_quit(struct call *call);
int command_where(struct call *call);

int command_ban(struct call *call);
int command_unban(struct call *call);
int command_kick(struct call *call);
int command_bans(struct call *call);

int command_users(struct call *call);
int command_owners(struct call *call);
int command_hold(struct call *call);
int command_sweep(struct call *call);
int command_drop(struct call *call);

int command_events(struct call *call);
int command_top(struct call *call);

int command_check(struct call *call);
int command_repair(struct call *call);
int command_info(struct call *call);

int command_replay(struct call *call);
int command_export(struct call *call);
int command_import(struct call *call);
int command_shell(struct call *call);
int command_exit(struct call *call);
int command_complete(struct call *call);

#endif
