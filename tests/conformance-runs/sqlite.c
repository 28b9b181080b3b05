/* The suite on the sqlite backend, on a new file for each test. With the argument --fault: behind the backend that
 * makes faults, with no fault set. With --memory: on a database in memory. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "whole.h"

/* Under valgrind one thread runs at a time, and who waits for the lock of the database asks for it seldom. */
#define LONG_WAIT "busy_timeout_ms=60000"

struct directory {
    const char *scheme;
    const char *options;
    char path[PATH_MAX];
    char location[PATH_MAX + 32];
};

static int make_directory(void *context) {
    struct directory *directory = context;
    const char *parent = getenv("TMPDIR");
    int size = snprintf(directory->path, sizeof directory->path, "%s/lessonstore-conformance-XXXXXX",
                        parent && *parent ? parent : "/tmp");
    if (size < 0 || (size_t)size >= sizeof directory->path || !mkdtemp(directory->path))
        return -1;
    snprintf(directory->location, sizeof directory->location, "%s:%s/lessons.db%s", directory->scheme, directory->path,
             directory->options);
    return 0;
}

static void remove_directory(void *context) {
    static const char *const names[] = {"lessons.db", "lessons.db-wal", "lessons.db-shm", "lessons.db-journal"};
    struct directory *directory = context;
    char path[PATH_MAX + 32];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", directory->path, names[i]);
        unlink(path);
    }
    rmdir(directory->path);
}

static int open_file(lesson_store **out, void *context) {
    struct directory *directory = context;
    return lesson_store_open(out, directory->location);
}

static int open_memory(lesson_store **out, void *context) {
    (void)context;
    return lesson_store_open(out, "sqlite::memory:?feed=600&" LONG_WAIT);
}

static int run_on_file(const char *name, const char *scheme, const char *options, int argc, char **argv) {
    struct directory directory = {.scheme = scheme, .options = options};
    lesson_store_conformance_backend file = whole_backend(name);
    file.capabilities |= LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_PERSIST;
    file.context = &directory;
    file.prepare = make_directory;
    file.open = open_file;
    file.clean_up = remove_directory;
    return lesson_store_conformance_run(&file, argc, argv);
}

static int run_in_memory(int argc, char **argv) {
    lesson_store_conformance_backend memory = whole_backend("sqlite-memory");
    memory.open = open_memory;
    return lesson_store_conformance_run(&memory, argc, argv);
}

static int run(int argc, char **argv) {
    const char *where = argc > 1 ? argv[1] : "";
    if (strcmp(where, "--memory") == 0)
        return run_in_memory(argc - 1, argv + 1);
    if (strcmp(where, "--fault") == 0)
        return run_on_file("fault-sqlite-file", "fault+sqlite", "?" LONG_WAIT, argc - 1, argv + 1);
    return run_on_file("sqlite-file", "sqlite", "?feed=600&" LONG_WAIT, argc, argv);
}

int main(int argc, char **argv) {
    return run(argc, argv) != 0;
}
