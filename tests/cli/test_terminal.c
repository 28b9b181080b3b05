/* What lessonctl does only on a terminal: prompt, history, completion, tables, progress. */
#include <cmocka_all.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lessonstore/lessonstore.h>

#include "progress.h"
#include "terminal.h"

static void shell_goes_on_after_errors(void **state) {
    (void)state;
    start(shell);
    wait_for_prompt();
    type("where nobody\n");
    wait_for("lessonctl: where: the user \"nobody\" is in no lesson");
    wait_for_prompt();
    type("create 'x\n");
    wait_for("lessonctl: shell: a quote has no end");
    wait_for_prompt();
    type("odd\n");
    wait_for("there is no command \"odd\"");
    wait_for_prompt();
    type("help where\n");
    wait_for("usage: lessonctl where UID");
    wait_for_prompt();
    type("count room --store memory:\n");
    wait_for("lessonctl: count: --store: the shell has one open store");
    wait_for_prompt();
    type("quit\n");
    wait_for("usage: lessonctl quit UID");
    wait_for("lessonctl: shell: to leave: exit or Ctrl-D\r\n");
    wait_for_prompt();
    type("exit now\n");
    wait_for("lessonctl: exit: too many arguments");
    wait_for_prompt();
    type("help\n");
    wait_for("exit                       leave the shell, as Ctrl-D does");
    wait_for_prompt();
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

static void shell_ends_at_the_end_of_input(void **state) {
    (void)state;
    start(shell);
    wait_for_prompt();
    type("\004");
    assert_int_equal(wait_for_end(), 0);
}

/* If the user named no store, the first use prints its location. With --json it does not, nor does the second use. */
static void a_new_store_is_named(void **state) {
    (void)state;
    const char *backends = getenv("BACKENDS");
    if (!backends || !strstr(backends, "sqlite"))
        skip();
    for (int use = 1; use <= 2; use++) {
        start((const char *const[]){"count", "room", NULL});
        if (use == 1)
            wait_for("lessonctl: count: a new store: sqlite:");
        wait_for("0\r\n");
        assert_int_equal(wait_for_end(), 0);
        assert_true(use == 1 || !strstr(terminal.output, "new store"));
    }
    assert_int_equal(unlink(in_directory("data/lessonstore/lessons.db")), 0);
    start((const char *const[]){"count", "room", "--json", NULL});
    wait_for("{\"code\":\"OK\",\"lesson_id\":\"room\",\"count\":0}\r\n");
    assert_int_equal(wait_for_end(), 0);
    assert_null(strstr(terminal.output, "new store"));
}

static void tables_are_aligned_and_headed(void **state) {
    (void)state;
    start(shell);
    wait_for_prompt();
    type("create long-lesson-name\n");
    wait_for_prompt();
    type("join ann algebra \xe6\x95\xb0\xe5\xad\xa6\n");
    wait_for_prompt();
    type("lessons\n");
    wait_for("lesson_id         course_status  chat_status  count\r\n");
    wait_for("long-lesson-name  waiting        free         0\r\n");
    /* Two characters of two columns each. */
    wait_for("\xe6\x95\xb0\xe5\xad\xa6              -              -            1\r\n");
    wait_for_prompt();
    type("join ann algebra long-lesson-name\n");
    wait_for("lessonctl: join: moved from the lesson \"\xe6\x95\xb0\xe5\xad\xa6\"");
    wait_for_prompt();
    type("count long-lesson-name\n");
    wait_for("\r\n1\r\n");
    wait_for_prompt();
    type("lessons --json\n");
    wait_for("\r\n{\"lesson_id\":\"long-lesson-name\"");
    wait_for_prompt();
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

/* A table of several columns, and a list of one column without a heading. */
static void lists_are_sorted(void **state) {
    (void)state;
    static const char *const uids[] = {"eve", "ann", "gus", "bob", "fay", "cho", "dan"};
    char line[64];
    start(shell);
    for (size_t i = 0; i < sizeof uids / sizeof *uids; i++) {
        wait_for_prompt();
        snprintf(line, sizeof line, "join %s algebra room\n", uids[i]);
        type(line);
    }
    wait_for_prompt();
    type("members room\n");
    wait_for("members room\r\nann\r\nbob\r\ncho\r\ndan\r\neve\r\nfay\r\ngus\r\n");
    wait_for_prompt();
    type("users\n");
    wait_for("uid  lesson_id  course_id  session  owner\r\n"
             "ann  room       algebra    -        -\r\nbob ");
    wait_for("\r\ngus ");
    wait_for_prompt();
    type("create B\n");
    wait_for_prompt();
    type("create a\n");
    wait_for_prompt();
    type("lessons\n");
    wait_for("\r\nB ");
    wait_for("\r\na ");
    wait_for("\r\nroom ");
    wait_for_prompt();
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

static void long_tables_keep_one_heading(void **state) {
    (void)state;
    char line[64];
    start(shell);
    for (int i = 0; i < 300; i++) {
        wait_for_prompt();
        snprintf(line, sizeof line, "create lesson-%03d\n", i);
        type(line);
    }
    wait_for_prompt();
    type("lessons\n");
    wait_for("lesson_id   course_status");
    size_t heading = terminal.seen;
    wait_for_prompt();
    assert_null(strstr(terminal.output + heading, "course_status"));
    for (int i = 0; i < 300; i++) {
        snprintf(line, sizeof line, "lesson-%03d  waiting", i);
        assert_non_null(strstr(terminal.output + heading, line));
    }
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

/* An id may contain what a terminal obeys: U+009B is equal to ESC [, and U+202E reverses the text. */
static void ids_command_no_terminal(void **state) {
    (void)state;
    lesson_store *store;
    char location[600];
    const char *backends = getenv("BACKENDS");
    if (!backends || !strstr(backends, "sqlite"))
        skip();
    snprintf(location, sizeof location, "sqlite:%s", in_directory("odd.db"));
    assert_int_equal(lesson_store_open(&store, location), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store,
                                       "\xc2\x9b"
                                       "31mann",
                                       "maths",
                                       "\xe2\x80\xae"
                                       "algebra",
                                       NULL, 0, NULL),
                     LESSON_STORE_OK);
    lesson_store_close(store);
    start((const char *const[]){"--store", location, "members",
                                "\xe2\x80\xae"
                                "algebra",
                                NULL});
    wait_for("??31mann\r\n");
    assert_int_equal(wait_for_end(), 0);
    start((const char *const[]){"--store", location, "lessons", NULL});
    wait_for("???algebra  -");
    assert_int_equal(wait_for_end(), 0);
}

/* How the library draws a completion depends on the terminal, so the test checks the effect. */
static void completion_knows_commands_options_and_files(void **state) {
    (void)state;
    write_file(in_directory("some-trace"), "1\tcreate\tother\t-\t-\n");
    start(shell);
    wait_for_prompt();
    type("cre\troom\n");
    wait_for("\r\n");
    wait_for_prompt();
    type("create room --re\t\n");
    wait_for("\r\n");
    wait_for_prompt();
    assert_null(strstr(terminal.output, "exists already"));
    type("cou\troom\n");
    wait_for("\r\n0\r\n");
    wait_for_prompt();
    type("replay ");
    type(in_directory("some-tr\t\n"));
    wait_for("created         1\r\n");
    wait_for_prompt();
    type("lessons\n");
    wait_for("other      waiting");
    wait_for("room       waiting");
    wait_for_prompt();
    assert_null(strstr(terminal.output, "lessonctl: "));
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

static void history_is_kept(void **state) {
    (void)state;
    start(shell);
    wait_for_prompt();
    type("create \"remembered room\"\n");
    wait_for_prompt();
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
    struct stat status;
    assert_int_equal(stat(in_directory("state/lessonstore/history"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(in_directory("state/lessonstore"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);

    /* Up twice: the exit of the previous shell, and the line before it. */
    start(shell);
    wait_for_prompt();
    type("\033[A");
    wait_for("exit");
    type("\033[A");
    wait_for("remembered room");
    type("\n");
    wait_for_prompt();
    type("lessons\n");
    wait_for("remembered room  waiting");
    wait_for_prompt();
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

static void progress_is_shown_and_wiped(void **state) {
    (void)state;
    char trace[512];
    snprintf(trace, sizeof trace, "%s", in_directory("trace"));
    write_file(trace, "1\tcreate\troom\t-\t-\n");
    start((const char *const[]){"--store", "memory:", "replay", trace, NULL});
    wait_for("\r[..............................]   0 %  0 events\033[K");
    wait_for("\r\033[Kname            value\r\n");
    wait_for("events          1\r\n");
    assert_int_equal(wait_for_end(), 0);
}

/* Repeats half of the work until a key is pressed. */
static void work_until_key(void) {
    struct progress progress;
    struct pollfd key = {.fd = STDIN_FILENO, .events = POLLIN};
    progress_begin(&progress, NULL, "records", 200);
    while (poll(&key, 1, 0) == 0)
        progress_update(&progress, 100, 7);
    progress_update(&progress, 200, 14);
    progress_end(&progress);
    _exit(0);
}

static void progress_moves(void **state) {
    (void)state;
    if (terminal_is_child())
        work_until_key();
    wait_for("\r[..............................]   0 %  0 records\033[K");
    wait_for("\r[###############...............]  50 %  7 records\033[K");
    type("\n");
    wait_for("\r\033[K");
    assert_int_equal(wait_for_end(), 0);
}

static void an_export_is_watched(void **state) {
    (void)state;
    start(shell);
    wait_for_prompt();
    type("create room\n");
    wait_for_prompt();
    type("export\n");
    wait_for("\r0 records\033[K\r\033[K{\"type\":\"lesson\",\"lesson_id\":\"room\"");
    wait_for_prompt();
    type("export ");
    type(in_directory("copy.jsonl\n"));
    wait_for("\r0 records\033[K\r\033[K");
    wait_for_prompt();
    type("check\n");
    wait_for("\r0 found\033[K\r\033[K");
    wait_for("lessonctl: check: 0 found");
    wait_for_prompt();
    type("exit\n");
    assert_int_equal(wait_for_end(), 0);
}

static void messages_wipe_the_bar(void **state) {
    (void)state;
    char trace[512];
    snprintf(trace, sizeof trace, "%s", in_directory("bad"));
    write_file(trace, "1\tcreate\troom\t-\t-\nodd\n");
    start((const char *const[]){"--store", "memory:", "replay", trace, NULL});
    wait_for("\r\033[Klessonctl: replay: ");
    wait_for("line 2: the line has 1 fields separated by tabs, not 5\r\n");
    assert_int_equal(wait_for_end(), 2);
}

/* Replays a pipe that stays empty and open, interrupts it, and returns the signal that ended it. */
static int interrupt_replay(void (*interrupt)(void)) {
    char pipe[512];
    snprintf(pipe, sizeof pipe, "%s", in_directory("pipe"));
    assert_int_equal(mkfifo(pipe, 0600), 0);
    int writer = open(pipe, O_RDWR | O_CLOEXEC);
    assert_true(writer >= 0);
    start((const char *const[]){"--store", "memory:", "replay", pipe, NULL});
    wait_for("\r0 events\033[K");
    interrupt();
    wait_for("\r\033[K");
    int status = wait_for_wait_status();
    close(writer);
    unlink(pipe);
    assert_true(WIFSIGNALED(status));
    return WTERMSIG(status);
}

static void press_ctrl_c(void) {
    type("\003");
}

static void terminate(void) {
    assert_int_equal(kill(terminal.pid, SIGTERM), 0);
}

static void signals_wipe_the_bar(void **state) {
    (void)state;
    assert_int_equal(interrupt_replay(press_ctrl_c), SIGINT);
    assert_int_equal(interrupt_replay(terminate), SIGTERM);
}

int main(void) {
    int reason = terminal_begin();
    if (reason)
        return reason;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(shell_goes_on_after_errors, tear_down),
        cmocka_unit_test_teardown(shell_ends_at_the_end_of_input, tear_down),
        cmocka_unit_test_teardown(a_new_store_is_named, tear_down),
        cmocka_unit_test_teardown(tables_are_aligned_and_headed, tear_down),
        cmocka_unit_test_teardown(lists_are_sorted, tear_down),
        cmocka_unit_test_teardown(long_tables_keep_one_heading, tear_down),
        cmocka_unit_test_teardown(ids_command_no_terminal, tear_down),
        cmocka_unit_test_teardown(completion_knows_commands_options_and_files, tear_down),
        cmocka_unit_test_teardown(history_is_kept, tear_down),
        cmocka_unit_test_teardown(progress_is_shown_and_wiped, tear_down),
        cmocka_unit_test_teardown(progress_moves, tear_down),
        cmocka_unit_test_teardown(an_export_is_watched, tear_down),
        cmocka_unit_test_teardown(messages_wipe_the_bar, tear_down),
        cmocka_unit_test_teardown(signals_wipe_the_bar, tear_down),
    };
    return terminal_end(cmocka_run_group_tests_name("terminal", tests, NULL, NULL));
}
