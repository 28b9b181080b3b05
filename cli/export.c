/* export: the whole store as JSON lines, lessons first. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "progress.h"
#include "record.h"
#include "target.h"

struct export {
    struct output *output;
    struct progress progress;
    uint64_t count;
};

static bool export_lesson(const lesson_store_lesson *lesson, void *context) {
    struct export *export = context;
    /* A lesson without a record needs no line: its members come back through their user records. */
    if (!lesson->has_record)
        return true;
    progress_update(&export->progress, 0, ++export->count);
    return record_write_lesson(export->output, lesson);
}

static bool export_user(const lesson_store_user *user, void *context) {
    struct export *export = context;
    progress_update(&export->progress, 0, ++export->count);
    return record_write_user(export->output, user);
}

static int finish_listing(const struct call *call, int code) {
    return code ? report_failure(call, "the export is not complete", code) : EXIT_YES;
}

static int write_store(struct call *call, struct output *output) {
    struct export export = {.output = output};
    progress_begin(&export.progress, output->stream, "records", 0);
    int code = lesson_store_lessons(call->store, export_lesson, &export);
    int status = finish_listing(call, code);
    /* The list has left out malformed lessons, but users can still be exported. */
    if ((!code || code == LESSON_STORE_MALFORMED) && !output->failed) {
        code = lesson_store_users(call->store, export_user, &export);
        status = code ? finish_listing(call, code) : status;
    }
    progress_end(&export.progress);
    return status;
}

/* ---- Files */

static int write_stream(struct call *call, const struct target *target) {
    struct output *output = calloc(1, sizeof *output);
    if (!output)
        return target_failed(target, call, ENOMEM);
    output_begin(output, target->stream, true);
    int status = write_store(call, output);
    bool written = output_end(output) && (!target->replaces || fsync(fileno(target->stream)) == 0);
    int error = output->failed ? output->error : errno;
    free(output);
    if (!status && !written)
        status = target_failed(target, call, error);
    return status;
}

static int export_to_file(struct call *call, const char *path) {
    struct target target;
    int status = target_open(&target, call, path);
    if (status)
        return status;
    return target_close(&target, call, write_stream(call, &target));
}

static bool names_stdout(const char *path) {
    return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0 || strcmp(path, "/dev/fd/1") == 0 ||
           strcmp(path, "/proc/self/fd/1") == 0;
}

int command_export(struct call *call) {
    const char *path = call->argument_count > 0 ? call->arguments[0] : "-";
    if (!names_stdout(path))
        return export_to_file(call, path);
    call->output.json = true;
    return write_store(call, &call->output);
}
