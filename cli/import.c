/* import: reads an export. It reads twice: all lines are checked before anything is changed. */
#include <inttypes.h>
#include <stdlib.h>

#include "batch.h"
#include "progress.h"
#include "record.h"

#define NO_COURSE "-" /* as in traces */

#define BATCH_LINES 1000

struct import {
    struct call *call;
    struct input input;
    struct batch batch;
    struct progress progress;
    struct record records[BATCH_LINES]; /* own the ids of the batch */
    size_t record_count;
    uint64_t lessons;
    uint64_t users;
    char line[RECORD_LINE_SIZE];
};

/* ---- Is the store empty? */

static bool stop_at_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson;
    *(bool *)context = false;
    return false;
}

static bool stop_at_user(const lesson_store_user *user, void *context) {
    (void)user;
    *(bool *)context = false;
    return false;
}

static int check_empty(const struct call *call) {
    bool empty = true;
    int code = lesson_store_lessons(call->store, stop_at_lesson, &empty);
    if (!code && empty)
        code = lesson_store_users(call->store, stop_at_user, &empty);
    if (code)
        return report_failure(call, NULL, code);
    if (empty)
        return EXIT_YES;
    return complain_of(call, LESSON_STORE_CONFLICT, "the store is not empty; use --merge to import into it");
}

/* ---- Lines */

/* Reads the next record. *more becomes false at the end. */
static int take_record(struct import *import, struct record *record, bool *more) {
    size_t size;
    int status;
    *more = input_line(&import->input, import->call, import->line, sizeof import->line, &size, &status) == LINE_READ;
    if (!*more)
        return status;
    struct fault fault;
    if (record_parse(record, import->line, size, &fault))
        return EXIT_YES;
    return input_malformed(&import->input, import->call, &fault);
}

static int check_all(struct import *import) {
    for (bool more = true; more;) {
        struct record record;
        int status = take_record(import, &record, &more);
        if (status)
            return status;
        if (more)
            record_free(&record);
    }
    return EXIT_YES;
}

/* ---- Applying */

/* One operation, so that nobody sees or joins a lesson that has only a part of its line. */
static void add_lesson(struct import *import, const struct record *record) {
    lesson_store_operation *create =
        batch_add(&import->batch, LESSON_STORE_OPERATION_CREATE, import->input.line_number);
    create->lesson_id = record->lesson_id;
    create->flags = LESSON_STORE_CREATE_RESET;
    create->course_id = record->course_id;
    if (record->course_status != LESSON_STORE_STATUS_NONE) {
        create->given |= LESSON_STORE_GIVEN_COURSE_STATUS;
        create->course_status = record->course_status;
    }
    if (record->chat_status != LESSON_STORE_STATUS_NONE) {
        create->given |= LESSON_STORE_GIVEN_CHAT_STATUS;
        create->chat_status = record->chat_status;
    }
    /* A reset would leave an existing lesson its capacity. In an empty store there is none to remove, and a record need
     * not say that it has none. */
    if (record->capacity > 0 || option_given(import->call, OPTION_MERGE)) {
        create->given |= LESSON_STORE_GIVEN_CAPACITY;
        create->capacity = record->capacity;
    }
}

static void add_user(struct import *import, const struct record *record) {
    lesson_store_operation *join = batch_add(&import->batch, LESSON_STORE_OPERATION_JOIN, import->input.line_number);
    join->uid = record->uid;
    /* Other writers may leave a record without a course. It gets a placeholder, because otherwise the store could not
     * be moved. */
    join->course_id = record->course_id.data ? record->course_id : lesson_store_id_of(NO_COURSE);
    join->lesson_id = record->lesson_id;
    join->session = record->session;
}

static void count_answer(const lesson_store_operation *operation, void *context) {
    struct import *import = context;
    import->lessons += operation->kind == LESSON_STORE_OPERATION_CREATE;
    import->users += operation->kind == LESSON_STORE_OPERATION_JOIN;
}

static int run_batch(struct import *import) {
    int status = EXIT_YES;
    if (import->batch.count > 0)
        status = batch_run(&import->batch, import->call, &import->input, count_answer, import);
    while (import->record_count > 0)
        record_free(&import->records[--import->record_count]);
    progress_update(&import->progress, input_done(&import->input), import->input.line_number);
    return status;
}

static int apply_all(struct import *import) {
    int status = EXIT_YES;
    for (bool more = true; more && !status;) {
        struct record *record = &import->records[import->record_count];
        status = take_record(import, record, &more);
        if (!status && more) {
            import->record_count++;
            if (record->is_user)
                add_user(import, record);
            else
                add_lesson(import, record);
        }
        if (!status && (!more || import->record_count == BATCH_LINES))
            status = run_batch(import);
    }
    while (import->record_count > 0)
        record_free(&import->records[--import->record_count]);
    return status;
}

static void report(struct import *import) {
    struct field facts[] = {field_only_json(field_number("lessons", import->lessons)),
                            field_only_json(field_number("users", import->users))};
    output_facts(&import->call->output, facts, sizeof facts / sizeof *facts);
    note(import->call, "%" PRIu64 " lessons and %" PRIu64 " users", import->lessons, import->users);
}

static int apply(struct import *import) {
    progress_begin(&import->progress, NULL, "records", import->input.size);
    int status = apply_all(import);
    progress_end(&import->progress);
    report(import);
    return status;
}

static int import_opened(struct import *import) {
    int status = input_keep(&import->input, import->call);
    if (!status)
        status = check_all(import);
    if (!status)
        status = input_again(&import->input, import->call);
    if (!status && !option_given(import->call, OPTION_MERGE))
        status = check_empty(import->call);
    if (status)
        return status;
    if (batch_begin(&import->batch, BATCH_LINES))
        status = apply(import);
    else
        status = complain_of(import->call, LESSON_STORE_NO_MEMORY, "no memory for a batch");
    batch_end(&import->batch);
    return status;
}

int command_import(struct call *call) {
    struct import *import = calloc(1, sizeof *import);
    if (!import)
        return complain_of(call, LESSON_STORE_NO_MEMORY, "no memory left");
    import->call = call;
    int status = input_open(&import->input, call, call->argument_count > 0 ? call->arguments[0] : NULL);
    if (!status) {
        pass_warnings(call);
        status = import_opened(import);
        input_close(&import->input);
    }
    free(import);
    return status;
}
