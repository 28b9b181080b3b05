/* The help, generated from the table of commands. */
#include "lessonctl.h"

#define NAME_WIDTH 26

static bool is_listed(const struct poptOption *option) {
    return !(option->argInfo & POPT_ARGFLAG_DOC_HIDDEN);
}

/* The options without which their command is wrong usage. */
static bool is_required(const struct poptOption *option) {
    return option->val == OPTION_FOR || option->val == OPTION_LEASE;
}

/* Prints "hold OWNER --lease MS [--renew]", without a newline. */
static void print_synopsis(FILE *stream, const struct command *command) {
    fprintf(stream, "%s%s%s", command->name, *command->arguments ? " " : "", command->arguments);
    for (const struct poptOption *option = command->options; option->longName; option++) {
        if (!is_listed(option))
            continue;
        const char *argument = option->argDescrip ? option->argDescrip : "";
        bool required = is_required(option);
        fprintf(stream, " %s--%s%s%s%s", required ? "" : "[", option->longName, *argument ? " " : "", argument,
                required ? "" : "]");
    }
}

static void print_entry(FILE *stream, const char *name, const char *argument, const char *text) {
    char left[64];
    snprintf(left, sizeof left, "%s%s%s", name, *argument ? " " : "", argument);
    fprintf(stream, "  %-*s %s\n", NAME_WIDTH, left, text);
}

/* A text of several lines goes on below itself. */
static void print_general_options(FILE *stream) {
    for (const struct poptOption *option = program_options; option->longName; option++) {
        char name[32], text[128];
        snprintf(name, sizeof name, "--%s", option->longName);
        const char *argument = option->argDescrip ? option->argDescrip : "";
        for (const char *line = option->descrip; *line; line += strspn(line, "\n")) {
            size_t size = strcspn(line, "\n");
            snprintf(text, sizeof text, "%.*s", (int)size, line);
            print_entry(stream, name, argument, text);
            name[0] = '\0';
            argument = "";
            line += size;
        }
    }
}

static void print_general_usage(FILE *stream) {
    fputs("usage: lessonctl [--store LOCATION] [--json] COMMAND ...\n", stream);
}

void print_usage(const struct program *program, const struct command *command) {
    if (program->json)
        return;
    if (!command) {
        print_general_usage(stderr);
        return;
    }
    fputs("usage: lessonctl ", stderr);
    print_synopsis(stderr, command);
    putc('\n', stderr);
}

void print_help(FILE *stream) {
    print_general_usage(stream);
    putc('\n', stream);
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        print_entry(stream, command->name, command->arguments, command->summary);
    putc('\n', stream);
    print_general_options(stream);
    fputs("\nThe exit status is 0 for done or yes, 1 for no (not found, refused, conflict, found by check),\n"
          "2 for wrong usage, an invalid id or malformed input, 3 if the store or a file failed or could not be "
          "reached.\n",
          stream);
}

void print_command_help(FILE *stream, const struct command *command) {
    fputs("usage: lessonctl ", stream);
    print_synopsis(stream, command);
    fprintf(stream, "\n\n%s\n", command->summary);
    if (command->details)
        fprintf(stream, "%s\n", command->details);
    if (is_listed(command->options))
        putc('\n', stream);
    for (const struct poptOption *option = command->options; option->longName; option++) {
        if (!is_listed(option))
            continue;
        char name[32];
        snprintf(name, sizeof name, "--%s", option->longName);
        print_entry(stream, name, option->argDescrip ? option->argDescrip : "", option->descrip);
    }
}

static bool print_json(struct call *call, const struct command *command) {
    struct field row[] = {field_text("command", command->name), field_text("arguments", command->arguments),
                          field_text("summary", command->summary)};
    return output_row(&call->output, row, sizeof row / sizeof *row);
}

int command_help(struct call *call) {
    const struct command *command = call->argument_count > 0 ? command_find(call->arguments[0]) : NULL;
    if (call->argument_count > 0 && !command)
        return complain_of(call, LESSON_STORE_INVALID, "there is no command \"%s\"", call->arguments[0]);
    if (!call->output.json && command)
        print_command_help(stdout, command);
    else if (!call->output.json)
        print_help(stdout);
    else if (command)
        print_json(call, command);
    else
        for (size_t i = 0; command_at(i) && print_json(call, command_at(i)); i++)
            ;
    return EXIT_YES;
}
