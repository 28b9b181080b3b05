/* The entry of the suite: which descriptions it accepts, which tests it selects, and what it returns. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <lessonstore/conformance.h>

/* The suite runs inside this test, and cmocka runs one test at a time, so this file cannot use cmocka. */
#define EXPECT(condition) expect((condition), #condition, __LINE__)

static void expect(bool holds, const char *condition, int line) {
    if (holds)
        return;
    fprintf(stderr, "entry.c:%d: %s\n", line, condition);
    exit(1);
}

static int open_memory(lesson_store **out, void *context) {
    (void)context;
    return lesson_store_open(out, "memory:");
}

static int open_nothing(lesson_store **out, void *context) {
    (void)out;
    (void)context;
    return lesson_store_fail(LESSON_STORE_UNREACHABLE, "nothing is here");
}

static int prepare_nothing(void *context) {
    (void)context;
    return 7;
}

static lesson_store_conformance_backend describe_memory(void) {
    lesson_store_conformance_backend memory = LESSON_STORE_CONFORMANCE_BACKEND_INIT;
    memory.operations = LESSON_STORE_OPERATIONS_0_2;
    memory.flags = LESSON_STORE_FLAGS_0_2;
    memory.calls = LESSON_STORE_CALLS_0_2;
    memory.name = "entry";
    memory.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_ADMIT;
    memory.open = open_memory;
    return memory;
}

/* Runs with up to two arguments and keeps the printed text in `output`. */
static int run(const lesson_store_conformance_backend *backend, const char *first, const char *second, char *output,
               size_t output_size) {
    char arguments[3][64];
    snprintf(arguments[0], sizeof arguments[0], "entry");
    snprintf(arguments[1], sizeof arguments[1], "%s", first ? first : "");
    snprintf(arguments[2], sizeof arguments[2], "%s", second ? second : "");
    char *argv[] = {arguments[0], first ? arguments[1] : NULL, second ? arguments[2] : NULL, NULL};
    FILE *file = tmpfile();
    EXPECT(file != NULL);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    int result = lesson_store_conformance_run(backend, 1 + (first != NULL) + (second != NULL), argv);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    rewind(file);
    output[fread(output, 1, output_size - 1, file)] = '\0';
    fclose(file);
    return result;
}

static char output[1 << 16];

static int run_memory(const char *first, const char *second) {
    lesson_store_conformance_backend memory = describe_memory();
    return run(&memory, first, second, output, sizeof output);
}

static void selects_by_mode_and_clause(void) {
    EXPECT(run_memory("--list", "JOIN-1") == 0);
    EXPECT(strstr(output, "single: JOIN-1 ") != NULL);
    EXPECT(strstr(output, "batch: JOIN-1 ") != NULL);
    EXPECT(strstr(output, "JOIN-10") == NULL);
    EXPECT(strstr(output, "two-stores") == NULL);
    EXPECT(run_memory("batch", "QUIT-3") == 0);
    EXPECT(strstr(output, "batch: QUIT-3 ") != NULL);
    EXPECT(strstr(output, "single: QUIT-3 ") == NULL);
    EXPECT(strstr(output, "entry: failed clauses: none\n") != NULL);
}

static void selects_nothing(void) {
    EXPECT(run_memory("NOSUCH-1", NULL) == 1);
    EXPECT(run_memory("--nosuch", NULL) == -1);
    EXPECT(run_memory("JOIN-1", "--list") == -1);
}

static void incomplete_descriptions(void) {
    lesson_store_conformance_backend memory = describe_memory();
    EXPECT(run(NULL, NULL, NULL, output, sizeof output) == -1);
    memory.size = offsetof(lesson_store_conformance_backend, open);
    EXPECT(run(&memory, NULL, NULL, output, sizeof output) == -1);
    memory = describe_memory();
    memory.name = NULL;
    EXPECT(run(&memory, NULL, NULL, output, sizeof output) == -1);
    memory = describe_memory();
    memory.open = NULL;
    EXPECT(run(&memory, NULL, NULL, output, sizeof output) == -1);
}

/* A program that was compiled before the last hooks were added: the memory behind its structure must not be read. */
static void older_description(void) {
    lesson_store_conformance_backend memory = describe_memory();
    memory.size = offsetof(lesson_store_conformance_backend, clean_up);
    memory.break_engine = prepare_nothing;
    memory.restore_engine = prepare_nothing;
    EXPECT(run(&memory, "ERROR-3", NULL, output, sizeof output) == 0);
    EXPECT(strstr(output, "entry: 0 passed, 1 skipped, 0 failed\n") != NULL);
}

static void failing_hooks_fail_tests(void) {
    lesson_store_conformance_backend memory = describe_memory();
    memory.open = open_nothing;
    EXPECT(run(&memory, "single", "COUNT-2", output, sizeof output) == 1);
    EXPECT(strstr(output, "entry: failed clauses: COUNT-2\n") != NULL);
    memory = describe_memory();
    memory.prepare = prepare_nothing;
    EXPECT(run(&memory, "single", "COUNT-2", output, sizeof output) == 1);
    EXPECT(strstr(output, "entry: 0 passed, 0 skipped, 1 failed\n") != NULL);
}

int main(void) {
    selects_by_mode_and_clause();
    selects_nothing();
    incomplete_descriptions();
    older_description();
    failing_hooks_fail_tests();
    return 0;
}
