#include <cmocka_all.h>

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "terminal.h"

#define PATIENCE_MS 60000 /* the longest wait for expected output */

struct terminal terminal;
const char *const shell[] = {"--store", "memory:", "shell", NULL};
static char directory[400];

const char *in_directory(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

bool terminal_is_child(void) {
    struct winsize size = {.ws_row = 40, .ws_col = 120};
    memset(&terminal, 0, sizeof terminal);
    terminal.pid = forkpty(&terminal.descriptor, NULL, NULL, &size);
    assert_true(terminal.pid >= 0);
    return terminal.pid == 0;
}

void start(const char *const arguments[]) {
    if (!terminal_is_child())
        return;
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    char *argv[16] = {strdup(getenv("LESSONCTL"))};
    for (size_t i = 0; arguments[i]; i++)
        argv[i + 1] = strdup(arguments[i]);
    execv(argv[0], argv);
    _exit(99);
}

/* Reads the available output. False if the other side has closed. */
static bool read_more(void) {
    struct pollfd poll_for = {.fd = terminal.descriptor, .events = POLLIN};
    if (poll(&poll_for, 1, PATIENCE_MS) != 1)
        fail_msg("nothing more came after: %s", terminal.output);
    assert_true(terminal.size + 1 < sizeof terminal.output);
    ssize_t size =
        read(terminal.descriptor, terminal.output + terminal.size, sizeof terminal.output - terminal.size - 1);
    if (size <= 0)
        return false; /* EIO, once no process holds the other side */
    terminal.size += (size_t)size;
    return true;
}

void wait_for(const char *text) {
    const char *found;
    while (!(found = strstr(terminal.output + terminal.seen, text))) {
        if (!read_more())
            fail_msg("ended without printing \"%s\": %s", text, terminal.output + terminal.seen);
    }
    terminal.seen = (size_t)(found - terminal.output) + strlen(text);
}

/* The prompt is printed before the terminal switches to single keys. Keys typed between the two would be read in
 * another mode. */
void wait_for_prompt(void) {
    struct termios mode;
    wait_for("lessonctl> ");
    do {
        assert_int_equal(tcgetattr(terminal.descriptor, &mode), 0);
    } while (mode.c_lflag & ICANON);
}

void type(const char *text) {
    assert_int_equal(write(terminal.descriptor, text, strlen(text)), (ssize_t)strlen(text));
}

int wait_for_wait_status(void) {
    while (read_more())
        ;
    int status = 0;
    assert_int_equal(waitpid(terminal.pid, &status, 0), terminal.pid);
    close(terminal.descriptor);
    terminal.pid = 0;
    return status;
}

int wait_for_end(void) {
    int status = wait_for_wait_status();
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

int tear_down(void **state) {
    (void)state;
    if (terminal.pid > 0) {
        kill(terminal.pid, SIGKILL);
        waitpid(terminal.pid, NULL, 0);
        close(terminal.descriptor);
        terminal.pid = 0;
    }
    return 0;
}

void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* Without /dev/pts, as in some containers, no test of this kind can run. */
static bool has_terminals(void) {
    int controller, other;
    if (openpty(&controller, &other, NULL, NULL, NULL) != 0) {
        printf("skipped: this system gives no pseudo-terminal: %s\n", strerror(errno));
        return false;
    }
    close(controller);
    close(other);
    return true;
}

int terminal_begin(void) {
    const char *temporary = getenv("TMPDIR");
    snprintf(directory, sizeof directory, "%s/lessonctl-terminal.XXXXXX", temporary ? temporary : "/tmp");
    if (!has_terminals())
        return 77;
    if (!getenv("LESSONCTL") || !mkdtemp(directory))
        return 99;
    setenv("HOME", directory, 1);
    setenv("XDG_STATE_HOME", in_directory("state"), 1);
    setenv("XDG_DATA_HOME", in_directory("data"), 1);
    unsetenv("LESSONSTORE_LOCATION");
    return 0;
}

int terminal_end(int failures) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    return system(command) == 0 ? failures : 99;
}
