#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <editline/readline.h>

#include "directories.h"
#include "prompt.h"

#define HISTORY_LINES 1000

/* ---- Completion. The library calls back with an index and without context, so each call searches again. */

static char *candidate(const char *text, const char *dashes, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "%s%s", dashes, name);
    return strncmp(full, text, strlen(text)) == 0 ? strdup(full) : NULL;
}

/* The library calls with 0, 1, 2 ... for one match after another. */
static char *complete_command(const char *text, int state) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        char *match = candidate(text, "", command->name);
        if (match && state-- == 0)
            return match;
        free(match);
    }
    return NULL;
}

static const struct command *command_of_line(void) {
    char name[32];
    const char *line = rl_line_buffer + strspn(rl_line_buffer, " \t");
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, " \t"), line);
    return command_find(name);
}

static char *complete_option(const char *text, int state) {
    const struct command *command = command_of_line();
    const struct poptOption *option = command ? command->options : NULL;
    for (; option && option->longName; option++) {
        /* A shell already has its store. */
        if (option->val == OPTION_STORE)
            continue;
        char *match = candidate(text, "--", option->longName);
        if (match && state-- == 0)
            return match;
        free(match);
    }
    return NULL;
}

static char **complete(const char *text, int start, int end) {
    (void)end;
    bool first_word = strspn(rl_line_buffer, " \t") >= (size_t)start;
    const struct command *command = command_of_line();
    bool takes_file = command && strstr(command->arguments, "FILE");
    /* File names are offered only where one is expected; ids cannot be guessed. */
    rl_attempted_completion_over = first_word || text[0] == '-' || !takes_file;
    if (first_word)
        return rl_completion_matches(text, complete_command);
    return text[0] == '-' ? rl_completion_matches(text, complete_option) : NULL;
}

/* ---- Lines and history */

static bool history_file(char path[PATH_MAX]) {
    return directory_file("XDG_STATE_HOME", ".local/state", "history", path);
}

void prompt_begin(const struct program *program) {
    char path[PATH_MAX];
    /* The prompt is no data, so it goes to stderr like messages. */
    rl_outstream = stderr;
    rl_readline_name = "lessonctl";
    rl_attempted_completion_function = complete;
    using_history();
    stifle_history(HISTORY_LINES);
    if (history_file(path))
        read_history(path);
    else
        complain(program, "shell", LESSON_STORE_FAILED, "no history is kept: %s", strerror(errno));
}

char *prompt_line(void) {
    char *line = readline("lessonctl> ");
    if (line && line[strspn(line, " \t")] != '\0')
        add_history(line);
    return line;
}

void prompt_end(const struct program *program) {
    char path[PATH_MAX];
    fputc('\n', stderr);
    if (!history_file(path))
        return;
    errno = 0;
    if (write_history(path) != 0 && errno != 0)
        complain(program, "shell", LESSON_STORE_FAILED, "%s: the history cannot be written: %s", path, strerror(errno));
    else
        chmod(path, 0600);
}
