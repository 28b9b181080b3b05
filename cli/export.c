/* export: the whole store as JSON lines, lessons first. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "progress.h"
#include "record.h"

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

static int cannot_write(const struct call *call, const char *path, int error) {
    return complain_of(call, LESSON_STORE_FAILED, "%s: cannot be written: %s", path, strerror(error));
}

static int write_stream(struct call *call, FILE *stream, const char *path) {
    struct output *output = calloc(1, sizeof *output);
    if (!output)
        return cannot_write(call, path, ENOMEM);
    output_begin(output, stream, true);
    int status = write_store(call, output);
    bool written = output_end(output) && fsync(fileno(stream)) == 0;
    int error = output->failed ? output->error : errno;
    free(output);
    if (!status && !written)
        status = cannot_write(call, path, error);
    return status;
}

/* An existing file of that name stays until the export is complete. */
static int write_and_rename(struct call *call, const char *temporary, int descriptor, const char *path) {
    FILE *stream = fdopen(descriptor, "w");
    if (!stream) {
        close(descriptor);
        return cannot_write(call, path, errno);
    }
    int status = write_stream(call, stream, path);
    if (fclose(stream) != 0 && !status)
        status = cannot_write(call, path, errno);
    if (!status && rename(temporary, path) != 0)
        status = cannot_write(call, path, errno);
    return status;
}

static int export_to_file(struct call *call, const char *path) {
    struct stat present;
    if (stat(path, &present) == 0 && !S_ISREG(present.st_mode))
        return complain_of(call, LESSON_STORE_INVALID, "%s: is not a regular file; write to standard output instead",
                           path);
    char temporary[PATH_MAX];
    int size = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (size < 0 || (size_t)size >= sizeof temporary)
        return cannot_write(call, path, ENAMETOOLONG);
    int descriptor = interrupt_make_file(temporary);
    if (descriptor < 0)
        return cannot_write(call, path, errno);
    int status = write_and_rename(call, temporary, descriptor, path);
    if (status)
        unlink(temporary);
    interrupt_forgets_file();
    return status;
}

int command_export(struct call *call) {
    const char *path = call->argument_count > 0 ? call->arguments[0] : "-";
    if (strcmp(path, "-") != 0)
        return export_to_file(call, path);
    call->output.json = true;
    return write_store(call, &call->output);
}
