#include "opening.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int opening_open(lesson_store **out, const lesson_store_backend *backend, const sqlite_files *files,
                 const char *options) {
    char location[512];
    snprintf(location, sizeof location, "%s%s", files->location, options);
    return backend ? lesson_store_open_with(out, backend, location) : lesson_store_open(out, location);
}

void opening_clear(const sqlite_files *files) {
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    char path[400];
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        snprintf(path, sizeof path, "%s%s", files->database, endings[i]);
        unlink(path);
    }
}

/* ---- Copies */

void opening_name_image(const sqlite_files *files, sqlite_files *image) {
    snprintf(image->directory, sizeof image->directory, "%s", files->directory);
    snprintf(image->database, sizeof image->database, "%s/image.db", files->directory);
    snprintf(image->location, sizeof image->location, "sqlite:%s", image->database);
}

static bool copy(int from, const char *path) {
    char bytes[65536];
    ssize_t size = 0;
    int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    off_t offset = 0;
    while ((size = pread(from, bytes, sizeof bytes, offset)) > 0 && write(to, bytes, (size_t)size) == size)
        offset += size;
    close(to);
    return size == 0;
}

bool opening_copy(const sqlite_files *files, const sqlite_files *image, int *kept) {
    char from[400], to[400];
    opening_clear(image);
    if (*kept < 0)
        *kept = open(files->database, O_RDONLY | O_CLOEXEC);
    bool is_copied = copy(*kept, image->database);
    snprintf(from, sizeof from, "%s-wal", files->database);
    snprintf(to, sizeof to, "%s-wal", image->database);
    int log = open(from, O_RDONLY | O_CLOEXEC);
    if (log >= 0) {
        is_copied = copy(log, to) && is_copied;
        close(log);
    }
    return is_copied;
}

/* ---- Wrong backends: the library's own table with one function replaced */

static const lesson_store_backend *own_backend(void) {
    const lesson_store_backend *backend = NULL;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)); i++) {
        if (strcmp(backend->schemes, "sqlite") == 0)
            break;
    }
    return backend;
}

static int run_each(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++)
        code = own_backend()->run(instance, &operations[i], 1);
    return code;
}

lesson_store_backend wrong_commits_each(void) {
    lesson_store_backend backend = *own_backend();
    backend.run = run_each;
    return backend;
}

static int run_and_ignore(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    if (own_backend()->run(instance, operations, count) == LESSON_STORE_OK)
        return LESSON_STORE_OK;
    for (size_t i = 0; i < count; i++)
        operations[i].code = LESSON_STORE_OK;
    return LESSON_STORE_OK;
}

lesson_store_backend wrong_ignores_errors(void) {
    lesson_store_backend backend = *own_backend();
    backend.run = run_and_ignore;
    return backend;
}

static int list_and_ignore(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    own_backend()->users(instance, callback, context);
    return LESSON_STORE_OK;
}

lesson_store_backend wrong_ends_lists_early(void) {
    lesson_store_backend backend = *own_backend();
    backend.users = list_and_ignore;
    return backend;
}

/* The operations before the failure are committed, but are reported as failed together with the rest. */
static int run_halves(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    size_t half = count / 2;
    int code = half > 0 ? own_backend()->run(instance, operations, half) : LESSON_STORE_OK;
    if (!code)
        code = own_backend()->run(instance, operations + half, count - half);
    for (size_t i = 0; i < count && code; i++)
        operations[i].code = LESSON_STORE_UNANSWERED;
    return code;
}

lesson_store_backend wrong_keeps_half(void) {
    lesson_store_backend backend = *own_backend();
    backend.run = run_halves;
    return backend;
}
