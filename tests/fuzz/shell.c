/*
 * The shell: its words compared with a second implementation of the same rules, and a script of commands on a memory
 * store.
 *
 *   - Quoted words come back unchanged.
 *   - A script stops at the first command whose exit status is not 0, and returns that status. Without that line the
 *     store ends the same: a failed command has changed nothing. A replay or an import may have changed something
 *     before it failed.
 *   - Afterwards check finds nothing in the store.
 *
 * The input up to the first NUL is the file that replay and import find under any name. The script follows.
 */
#include <stdlib.h>

#include "commands.h"
#include "words.h"

/* ---- Words */

enum state { BETWEEN, PLAIN, SINGLE, DOUBLE };

/* Returns the words as bytes, each terminated by a NUL, or NULL if the line is malformed. `*count` becomes their
 * number. */
static char *split_slowly(const char *line, size_t *count) {
    char *words = fuzz_copy_text(line, strlen(line)), *out = words;
    enum state state = BETWEEN;
    *count = 0;
    for (; *line; line++) {
        bool space = *line == ' ' || *line == '\t' || *line == '\r';
        if (state == BETWEEN && space)
            continue;
        if (state == BETWEEN) {
            state = PLAIN;
            ++*count;
        }
        if (state == PLAIN && space) {
            *out++ = '\0';
            state = BETWEEN;
        } else if (state == PLAIN && *line == '\'') {
            state = SINGLE;
        } else if (state == PLAIN && *line == '"') {
            state = DOUBLE;
        } else if ((state == SINGLE && *line == '\'') || (state == DOUBLE && *line == '"')) {
            state = PLAIN;
        } else {
            bool escapes = *line == '\\' && (state == PLAIN || (state == DOUBLE && line[1] && strchr("\"\\", line[1])));
            line += escapes;
            if (!*line) {
                state = SINGLE; /* text that begins with \ has no end either */
                break;
            }
            *out++ = *line;
        }
    }
    *out = '\0';
    if (state != SINGLE && state != DOUBLE)
        return words;
    free(words);
    return NULL;
}

static void judge_split(const char *line) {
    struct words words;
    struct fault fault;
    size_t count;
    char *slow = split_slowly(line, &count), *copy = fuzz_copy_text(line, strlen(line));
    bool split = words_split(&words, copy, &fault);
    REQUIRE(split || fault.text[0]);
    if (count <= WORDS_MAX)
        REQUIRE(split == (slow != NULL));
    REQUIRE(!split || (size_t)words.count == count);
    const char *expected = slow;
    for (int i = 0; split && i < words.count; i++) {
        REQUIRE(strcmp(words.text[i], expected) == 0);
        expected += strlen(expected) + 1;
    }
    free(copy);
    free(slow);
}

/* The line, quoted for a shell, is one word equal to the line. */
static void judge_quoted(const char *line) {
    size_t size = strlen(line);
    char *quoted = malloc(4 * size + 3), *out = quoted;
    REQUIRE(quoted);
    *out++ = '\'';
    for (const char *in = line; *in; in++)
        out = *in == '\'' ? stpcpy(out, "'\\''") : (*out = *in, out + 1);
    out = stpcpy(out, "'");
    struct words words;
    struct fault fault;
    REQUIRE(words_split(&words, quoted, &fault) && words.count == 1 && strcmp(words.text[0], line) == 0);
    free(quoted);
}

static void judge_words(fuzz_input script) {
    while (script.size > 0) {
        fuzz_input part = fuzz_take_part(&script, '\n');
        char *line = fuzz_copy_text(part.data, part.size);
        judge_split(line);
        judge_quoted(line);
        free(line);
    }
}

/* ---- Scripts */

static fuzz_run run_script(lesson_store *store, fuzz_input script) {
    fuzz_run run = fuzz_run_command(store, (const char *const[]){"shell", NULL}, script.data, script.size);
    fuzz_require_run(&run);
    uint64_t found = 1;
    REQUIRE(lesson_store_check(store, 0, NULL, NULL, &found, NULL) == LESSON_STORE_OK && found == 0);
    return run;
}

/* The part of the script before a line; lines are numbered from 1. */
static fuzz_input lines_before(fuzz_input script, unsigned long number) {
    const uint8_t *begin = script.data;
    while (number-- > 1)
        fuzz_take_part(&script, '\n');
    return (fuzz_input){begin, (size_t)(script.data - begin)};
}

/* True for a line that may be done in part. The word may be quoted, so this searches the whole line. */
static bool may_do_a_part(fuzz_input script, size_t before) {
    fuzz_input rest = {script.data + before, script.size - before};
    fuzz_input line = fuzz_take_part(&rest, '\n');
    char *text = fuzz_copy_text(line.data, line.size), *copy = fuzz_copy_text(text, strlen(text));
    struct words words;
    struct fault fault;
    bool may = words_split(&words, copy, &fault) && words.count > 0 &&
               (strcmp(words.text[0], "replay") == 0 || strcmp(words.text[0], "import") == 0);
    free(text);
    free(copy);
    return may;
}

/* Returns the number in "lessonctl: line 7: ..." or {"code":...,"line":7}. */
static unsigned long failed_line(const char *messages) {
    static const char plain[] = "lessonctl: line ", json[] = ",\"line\":";
    if (strncmp(messages, plain, strlen(plain)) == 0)
        return strtoul(messages + strlen(plain), NULL, 10);
    const char *field = strstr(messages, json);
    REQUIRE(messages[0] == '{' && field);
    return strtoul(field + strlen(json), NULL, 10);
}

static void judge_failure(const fuzz_run *run, fuzz_input script, const char *left) {
    if (run->status == 0)
        return;
    if (!*run->err) { /* a check reports its findings on stdout; nothing has failed */
        REQUIRE(run->status == 1);
        return;
    }
    unsigned long number = failed_line(run->err);
    fuzz_input before = lines_before(script, number);
    if (may_do_a_part(script, before.size))
        return;
    lesson_store *store = fuzz_open_memory();
    fuzz_run shorter = run_script(store, before);
    char *exported = fuzz_export(store);
    REQUIRE(shorter.status == 0);
    REQUIRE(strcmp(exported, left) == 0);
    free(exported);
    fuzz_end_run(&shorter);
    lesson_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input script = {data, size};
    fuzz_input file = fuzz_take_part(&script, '\0');
    fuzz_offer_file(file.size > 0 ? file.data : NULL, file.size);
    judge_words(script);
    lesson_store *store = fuzz_open_memory();
    fuzz_run run = run_script(store, script);
    char *left = fuzz_export(store);
    judge_failure(&run, script, left);
    free(left);
    fuzz_end_run(&run);
    lesson_store_close(store);
    return 0;
}
