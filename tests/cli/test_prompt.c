/* Signals at the prompt and with an unfinished file, the locks of an open store, and JSON on a terminal. */
#include <cmocka_all.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lessonstore/lessonstore.h>

#include "interrupt.h"
#include "terminal.h"

/* ---- Ctrl-C at the prompt */

static void ctrl_c_gives_a_new_prompt(void **state) {
    (void)state;
    start(shell);
    wait_for_prompt();
    type("\003");
    wait_for_prompt();
    type("create half a li");
    wait_for("half a li");
    type("\003");
    wait_for_prompt();
    type("create \"数学\"\n");
    wait_for_prompt();
    type("\003\003");
    wait_for_prompt();
    type("lessons\n");
    wait_for("数学       waiting");
    wait_for_prompt();
    assert_null(strstr(terminal.output, "lessonctl: "));
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

static void a_signal_to_the_process_gives_a_new_prompt(void **state) {
    (void)state;
    start(shell);
    for (int i = 0; i < 20; i++) {
        wait_for_prompt();
        assert_int_equal(kill(terminal.pid, SIGINT), 0);
    }
    wait_for_prompt();
    type("\004");
    assert_int_equal(wait_for_end(), 0);
}

/* A command that runs ends as it does outside of a shell, and so does the shell. */
static void ctrl_c_ends_a_command(void **state) {
    (void)state;
    char pipe[512], line[600];
    snprintf(pipe, sizeof pipe, "%s", in_directory("pipe"));
    snprintf(line, sizeof line, "mkfifo '%s'", pipe);
    assert_int_equal(system(line), 0);
    start(shell);
    wait_for_prompt();
    type("\003");
    wait_for_prompt();
    snprintf(line, sizeof line, "replay %s\n", pipe);
    type(line);
    FILE *writer = fopen(pipe, "w");
    assert_non_null(writer);
    wait_for("\r0 events\033[K");
    type("\003");
    int status = wait_for_wait_status();
    fclose(writer);
    unlink(pipe);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

/* ---- The locks of an open store */

/* The locks of lessonctl, as Linux lists them. While other processes lock, a lock can be listed twice or be left out.
 */
static int look_for_locks(void) {
    char line[256], pid[24];
    int count = 0;
    snprintf(pid, sizeof pid, " %d ", (int)terminal.pid);
    FILE *locks = fopen("/proc/locks", "r");
    assert_non_null(locks);
    while (fgets(line, sizeof line, locks))
        count += strstr(line, pid) != NULL;
    fclose(locks);
    return count;
}

static int count_locks(void) {
    int before, count = look_for_locks(), same = 0;
    while (same < 5) {
        before = count;
        count = look_for_locks();
        same = count == before ? same + 1 : 0;
    }
    return count;
}

/* SQLite would lose them if lessonctl closed one of its files. */
static void refused_commands_keep_the_locks(void **state) {
    (void)state;
    static const struct {
        const char *command;
        const char *suffix;
    } commands[] = {{"import", ""}, {"replay", "-wal"}, {"import --merge", "-shm"}, {"export", "-shm"}};
    const char *backends = getenv("BACKENDS");
    if (!backends || !strstr(backends, "sqlite"))
        skip();
    char path[512], location[600], line[600];
    snprintf(path, sizeof path, "%s", in_directory("locks.db"));
    snprintf(location, sizeof location, "sqlite:%s", path);
    start((const char *const[]){"--store", location, "shell", NULL});
    wait_for_prompt();
    type("create room\n");
    wait_for_prompt();
    int locks = count_locks();
    assert_true(locks > 0);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        snprintf(line, sizeof line, "%s %s%s\n", commands[i].command, path, commands[i].suffix);
        type(line);
        wait_for("is a file of the store itself");
        wait_for_prompt();
        assert_int_equal(count_locks(), locks);
    }
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

/* ---- An unfinished file with a name */

static void leave_file_by(int signal_number, char *path) {
    interrupt_begin();
    int descriptor = interrupt_make_file(path);
    if (descriptor < 0 || access(path, F_OK) != 0)
        _exit(99);
    raise(signal_number);
    _exit(98);
}

static void signals_remove_the_file(void **state) {
    (void)state;
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGALRM, SIGUSR1,
                                  SIGUSR2, SIGXCPU, SIGPROF, SIGVTALRM, SIGIO};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        int status;
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            char path[512];
            snprintf(path, sizeof path, "%s", in_directory("unfinished.XXXXXX"));
            leave_file_by(signals[i], path);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), signals[i]);
        char command[600];
        snprintf(command, sizeof command, "ls '%s' | grep -q unfinished", in_directory(""));
        assert_int_not_equal(system(command), 0);
    }
}

/* ---- JSON */

/* C1 controls (U+009B, U+0085), directions, separators of lines, tags. The other characters stay as they are. */
static void json_commands_no_terminal(void **state) {
    (void)state;
    start((const char *const[]){"--store", "memory:", "--json", "where",
                                "\xc2\x9b"
                                "31mann \xe2\x80\xae\xe2\x81\xa6 数学 🎵\xc2\x85 \xd8\x9c\xe2\x80\x8e\xe2\x80\x8f"
                                "\xe2\x80\xa8\xe2\x80\xa9\xf3\xa0\x80\x80\xf3\xa0\x81\xbf",
                                NULL});
    wait_for("\"uid\":\"\\u009b31mann \\u202e\\u2066 数学 🎵\\u0085 \\u061c\\u200e\\u200f"
             "\\u2028\\u2029\\udb40\\udc00\\udb40\\udc7f\"}");
    assert_int_equal(wait_for_end(), 1);
    assert_null(strstr(terminal.output, "\xc2\x9b"));
    assert_null(strstr(terminal.output, "\xe2\x80\xae"));
    assert_null(strstr(terminal.output, "\xf3\xa0"));
}

int main(void) {
    int reason = terminal_begin();
    if (reason)
        return reason;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ctrl_c_gives_a_new_prompt, tear_down),
        cmocka_unit_test_teardown(a_signal_to_the_process_gives_a_new_prompt, tear_down),
        cmocka_unit_test_teardown(ctrl_c_ends_a_command, tear_down),
        cmocka_unit_test_teardown(refused_commands_keep_the_locks, tear_down),
        cmocka_unit_test_teardown(signals_remove_the_file, tear_down),
        cmocka_unit_test_teardown(json_commands_no_terminal, tear_down),
    };
    return terminal_end(cmocka_run_group_tests_name("prompt", tests, NULL, NULL));
}
