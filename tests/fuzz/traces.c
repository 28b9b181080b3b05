/*
 * Traces, replayed into a memory store in batches of some size. Every line is parsed again here, field by field, and
 * applied to the model. Both must agree on the result, and on the first malformed line, after which nothing is applied.
 *
 * The first byte of the input gives the size of a batch, and whether quits are fenced. The trace follows.
 */
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "model.h"
#include "trace.h"

enum { TIME, EVENT, LESSON, COURSE, UID, FIELDS };

static bool is_time(const char *text) {
    static const char most[] = "9223372036854775807";
    size_t size = strlen(text), zeros = strspn(text, "0");
    if (size == 0 || text[strspn(text, "0123456789")])
        return false;
    size_t digits = size - zeros;
    return digits < strlen(most) || (digits == strlen(most) && strcmp(text + zeros, most) <= 0);
}

/* Cuts the line at its tabs. False if the number of fields is wrong, or a field is invalid. */
static bool read_fields(char *line, size_t size, char *fields[FIELDS]) {
    size_t count = 0;
    if (memchr(line, '\0', size) || (size > 0 && line[size - 1] == '\r'))
        return false;
    for (char *field; (field = strsep(&line, "\t")) != NULL; count++) {
        if (count == FIELDS)
            return false;
        fields[count] = field;
    }
    if (count != FIELDS || !is_time(fields[TIME]))
        return false;
    for (size_t i = LESSON; i < FIELDS; i++) {
        if (!fuzz_is_id(fields[i], strlen(fields[i])))
            return false;
    }
    return true;
}

static bool apply(fuzz_model *model, char *const fields[FIELDS], bool fenced) {
    bool has_user = strcmp(fields[UID], "-") != 0;
    if (strcmp(fields[EVENT], "create") == 0)
        fuzz_model_create(model, fields[LESSON]);
    else if (strcmp(fields[EVENT], "end") == 0)
        fuzz_model_end_lesson(model, fields[LESSON]);
    else if (strcmp(fields[EVENT], "join") == 0 && has_user)
        fuzz_model_join(model, fields[UID], fields[COURSE], fields[LESSON], NULL);
    else if (strcmp(fields[EVENT], "quit") == 0 && has_user)
        fuzz_model_quit(model, fields[UID], fenced ? fields[LESSON] : NULL);
    else
        return false;
    return true;
}

/* Returns the number of the first malformed line, or 0. `*lines` becomes the number of applied lines. */
static size_t apply_all(fuzz_model *model, fuzz_input trace, bool fenced, size_t *lines) {
    for (*lines = 0; trace.size > 0; ++*lines) {
        fuzz_input part = fuzz_take_part(&trace, '\n');
        char *line = fuzz_copy_text(part.data, part.size);
        char *fields[FIELDS];
        bool sound =
            part.size + 1 < TRACE_LINE_SIZE && read_fields(line, part.size, fields) && apply(model, fields, fenced);
        free(line);
        if (!sound)
            return *lines + 1;
    }
    return 0;
}

static void judge(const fuzz_run *run, size_t malformed, size_t lines) {
    char expected[64];
    fuzz_require_run(run);
    REQUIRE(run->status == (malformed ? 2 : 0));
    snprintf(expected, sizeof expected, "replay: standard input: line %zu: ", malformed);
    REQUIRE(malformed ? strstr(run->err, expected) != NULL : !*run->err);
    snprintf(expected, sizeof expected, "events\t%zu\n", lines);
    REQUIRE(strncmp(run->out, expected, strlen(expected)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_input input = {data, size};
    uint8_t choice = fuzz_take_byte(&input);
    bool fenced = choice & 1;
    char batch[8];
    snprintf(batch, sizeof batch, "%d", choice % 16 + 1);
    fuzz_model model;
    fuzz_model_begin(&model);
    size_t lines;
    size_t malformed = apply_all(&model, input, fenced, &lines);

    lesson_store *store = fuzz_open_memory();
    const char *arguments[] = {"replay", "-", "--batch", batch, fenced ? NULL : "--unfenced", NULL};
    fuzz_run run = fuzz_run_command(store, arguments, input.data, input.size);
    judge(&run, malformed, lines);
    char *ours = fuzz_export(store), *reference = fuzz_model_export(&model);
    REQUIRE(strcmp(ours, reference) == 0);
    free(ours);
    free(reference);
    fuzz_end_run(&run);
    fuzz_model_end(&model);
    lesson_store_close(store);
    return 0;
}
