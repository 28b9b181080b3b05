#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include <editline/readline.h>

#include "directories.h"
#include "interrupt.h"
#include "own.h"
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

/* ---- Keys. The library reads them through this, because its own reading goes on after Ctrl-C. */

/* Waits for a byte. SIGINT is blocked everywhere else in the prompt, so it cannot come between the question and the
 * wait.
 */
static bool wait_for_key(void) {
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    sigset_t unblocked;
    sigprocmask(SIG_BLOCK, NULL, &unblocked);
    sigdelset(&unblocked, SIGINT);
    while (!interrupt_at_prompt()) {
        int count = ppoll(&input, 1, NULL, &unblocked);
        if (count > 0)
            return true;
        if (count < 0 && errno != EINTR)
            return false;
    }
    return false;
}

/* Returns a character, or -1 at the end of the input and after Ctrl-C. */
static int read_key(FILE *stream) {
    (void)stream;
    mbstate_t state = {0};
    wchar_t key;
    char byte;
    while (wait_for_key() && read(STDIN_FILENO, &byte, 1) == 1) {
        size_t size = mbrtowc(&key, &byte, 1, &state);
        if (size == (size_t)-1)
            memset(&state, 0, sizeof state);
        else if (size != (size_t)-2)
            return (int)key;
    }
    return -1;
}

/* ---- Lines and history */

static bool history_file(char path[PATH_MAX]) {
    return directory_file("XDG_STATE_HOME", ".local/state", "history", path);
}

void prompt_begin(const struct call *shell) {
    char path[PATH_MAX];
    /* The prompt is no data, so it goes to stderr like messages. */
    rl_outstream = stderr;
    rl_readline_name = "lessonctl";
    rl_getc_function = read_key;
    rl_attempted_completion_function = complete;
    using_history();
    stifle_history(HISTORY_LINES);
    if (!history_file(path))
        complain_of(shell, LESSON_STORE_FAILED, "no history is kept: %s", strerror(errno));
    else if (!own_path(shell, path))
        read_history(path);
}

/* Returns NULL at the end of the input and after Ctrl-C. */
static char *read_one(bool *interrupted) {
    sigset_t interrupt, before;
    sigemptyset(&interrupt);
    sigaddset(&interrupt, SIGINT);
    interrupt_prompts(true);
    sigprocmask(SIG_BLOCK, &interrupt, &before);
    char *line = readline("lessonctl> ");
    *interrupted = interrupt_at_prompt();
    interrupt_prompts(false);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return line;
}

char *prompt_line(void) {
    bool interrupted;
    char *line;
    while (!(line = read_one(&interrupted)) && interrupted)
        fputc('\n', stderr);
    if (line && line[strspn(line, " \t")] != '\0')
        add_history(line);
    return line;
}

void prompt_end(const struct call *shell) {
    char path[PATH_MAX];
    fputc('\n', stderr);
    if (!history_file(path) || own_path(shell, path))
        return;
    errno = 0;
    if (write_history(path) != 0 && errno != 0)
        complain_of(shell, LESSON_STORE_FAILED, "%s: the history cannot be written: %s", path, strerror(errno));
    else
        chmod(path, 0600);
}
