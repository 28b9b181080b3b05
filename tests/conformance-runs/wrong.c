/*
 * Tests the suite. It runs on wrong backends, each in its own process, and must fail on the clauses that they break and
 * on no others. With descriptions that do not fit, it must stop before the first test. On the correct wrappers, from
 * which the wrong backends are made, it must pass.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "wrapper.h"
#include "wrong_backends.h"

/* The random walk of STATE-1 meets any defect of an operation. So do the tests of the feed, which compare it with what
 * the operations do; only a defect of the feed itself must fail none but its own clauses. */
static bool may_always_fail(const char *clause, const char *must_fail) {
    bool is_of_feed = strncmp(clause, "FEED-", 5) == 0 && strncmp(must_fail, "FEED-", 5) != 0;
    return is_of_feed || strcmp(clause, "STATE-1") == 0;
}

#define BACKENDS_MAX 128
#define STOPPED 2                    /* the child's exit status if the suite returned -1 */
#define OUTPUT_MAX ((size_t)4 << 20) /* bytes of a run's output that are read */

/* ---- In the child */

static int break_engine(void *context) {
    (void)context;
    wrapper_engine_is_broken = true;
    return 0;
}

static int restore_engine(void *context) {
    (void)context;
    wrapper_engine_is_broken = false;
    return 0;
}

static int prepare(void *context) {
    return restore_engine(context);
}

static int open_table(lesson_store **out, void *context) {
    return lesson_store_open_with(out, context, "memory:?feed=600");
}

static int run_suite(const wrong_backend *wrong) {
    lesson_store_backend table = wrapper_backend();
    if (wrong->alter)
        wrong->alter(&table);
    lesson_store_conformance_backend description = LESSON_STORE_CONFORMANCE_BACKEND_INIT;
    description.operations = LESSON_STORE_OPERATIONS_0_2;
    description.flags = LESSON_STORE_FLAGS_0_2;
    description.calls = LESSON_STORE_CALLS_0_2;
    description.name = wrong->name;
    description.patience_s = 2;
    description.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_ADMIT;
    description.context = &table;
    description.prepare = prepare;
    description.open = open_table;
    description.break_engine = break_engine;
    description.restore_engine = restore_engine;
    if (wrong->describe)
        wrong->describe(&description);
    char program[] = "wrong";
    char *argv[] = {program, NULL};
    int failed = lesson_store_conformance_run(&description, 1, argv);
    return failed < 0 ? STOPPED : failed > 0;
}

/* ---- In the parent */

static pid_t start_child(const wrong_backend *wrong, int *output) {
    int ends[2];
    assert_return_code(pipe(ends), 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0) {
        close(ends[1]);
        *output = ends[0];
        return pid;
    }
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    close(ends[1]);
    int status = run_suite(wrong);
    fflush(NULL);
    _exit(status);
}

static char *read_all(int output) {
    char *text = calloc(1, OUTPUT_MAX + 1);
    assert_non_null(text);
    size_t size = 0;
    for (ssize_t got; size < OUTPUT_MAX && (got = read(output, text + size, OUTPUT_MAX - size)) > 0;)
        size += (size_t)got;
    close(output);
    return text;
}

/* Cuts the clauses that failed, separated by spaces, out of the output. NULL if the run did not finish. */
static char *failed_clauses(char *output, const char *name) {
    char mark[128];
    snprintf(mark, sizeof mark, "\n%s: failed clauses: ", name);
    char *clauses = strstr(output, mark);
    if (!clauses)
        return NULL;
    clauses += strlen(mark);
    clauses[strcspn(clauses, "\n")] = '\0';
    return clauses;
}

/* "JOIN-*" in a list stands for all clauses with this beginning. */
static bool is_meant(const char *entry, size_t entry_size, const char *clause) {
    if (entry_size > 0 && entry[entry_size - 1] == '*')
        return strncmp(entry, clause, entry_size - 1) == 0;
    return entry_size == strlen(clause) && strncmp(entry, clause, entry_size) == 0;
}

static bool list_has(const char *list, const char *clause) {
    for (size_t size; *list; list += size + (list[size] == ' ')) {
        size = strcspn(list, " ");
        if (is_meant(list, size, clause))
            return true;
    }
    return false;
}

/* Counts and prints the `clauses` that are in neither list. */
static size_t count_missing(const char *what, const char *clauses, const char *list, const char *other_list,
                            const char *must_fail) {
    size_t missing = 0;
    for (size_t size; *clauses; clauses += size + (clauses[size] == ' ')) {
        char clause[64];
        size = strcspn(clauses, " ");
        snprintf(clause, sizeof clause, "%.*s", (int)size, clauses);
        if (list_has(list, clause) || list_has(other_list, clause) || may_always_fail(clause, must_fail))
            continue;
        fprintf(stderr, "  %s: %s\n", what, clause);
        missing++;
    }
    return missing;
}

static void judge_clauses(const wrong_backend *wrong, char *output, int status) {
    const char *clauses = failed_clauses(output, wrong->name);
    if (!clauses || !WIFEXITED(status))
        fail_msg("%s: the run did not come to its end (status %d):\n%s", wrong->name, status, output);
    printf("%-30s %s\n", wrong->name, clauses);
    size_t problems = count_missing("must fail and did not", wrong->must_fail, clauses, "", wrong->must_fail);
    problems += count_missing("failed and may not", clauses, wrong->must_fail, wrong->may_fail, wrong->must_fail);
    assert_int_equal(problems, 0);
    assert_int_equal(WEXITSTATUS(status), strcmp(wrong->must_fail, "none") != 0);
}

/* Runs the suite in a child. Returns its output, which the caller frees. */
static char *output_of(const wrong_backend *wrong, int *status) {
    int output_end;
    pid_t pid = start_child(wrong, &output_end);
    char *output = read_all(output_end);
    assert_int_equal(waitpid(pid, status, 0), pid);
    return output;
}

static void judge_backend(void **state) {
    const wrong_backend *wrong = *state;
    int status = 0;
    char *output = output_of(wrong, &status);
    judge_clauses(wrong, output, status);
    free(output);
}

static void judge_description(void **state) {
    const wrong_description *wrong = *state;
    int status = 0;
    char *output = output_of(&wrong->backend, &status);
    char line[256];
    snprintf(line, sizeof line, "%s: %s\n", wrong->backend.name, wrong->line);
    assert_string_equal(output, line);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STOPPED);
    free(output);
}

int main(void) {
    static const wrong_backend *const lists[] = {wrong_claims, wrong_operations, wrong_streams,
                                                 wrong_pages,  wrong_filters,    wrong_sharing,
                                                 wrong_feeds,  wrong_bans,       wrong_exceptions};
    wrong_backend backends[BACKENDS_MAX];
    wrong_description descriptions[BACKENDS_MAX];
    struct CMUnitTest tests[2 * BACKENDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const wrong_backend *backend = lists[i]; backend->name && count < BACKENDS_MAX; backend++) {
            backends[count] = *backend;
            tests[count] = (struct CMUnitTest){backend->name, judge_backend, NULL, NULL, &backends[count]};
            count++;
        }
    }
    for (size_t i = 0; i < BACKENDS_MAX && wrong_descriptions[i].line; i++) {
        descriptions[i] = wrong_descriptions[i];
        tests[count++] =
            (struct CMUnitTest){descriptions[i].backend.name, judge_description, NULL, NULL, &descriptions[i]};
    }
    return _cmocka_run_group_tests("wrong backends", tests, count, NULL, NULL) ? 1 : 0;
}
