/*
 * What counting costs: this library beside the same sources built without counting (LESSON_STORE_UNCOUNTED), in memory
 * and on one Redis server, on one vCPU. Both are built by the same flags and opened by dlopen, so that neither has
 * another way to its functions.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "measure.h"
#include "redis_server.h"

#include <lessonstore/lessonstore.h>

struct library {
    void *handle;
    lesson_store *store;
    size_t count;
    int (*open)(lesson_store **out, const char *location);
    int (*join)(lesson_store *store, const char *uid, const char *course_id, const char *lesson_id, const char *session,
                uint32_t flags, lesson_store_place *before);
    int (*where)(lesson_store *store, const char *uid, lesson_store_place *place);
    void (*close)(lesson_store *store);
};

/* Through a copy of the bytes: ISO C has no conversion from a pointer to an object. */
static void find(const struct library *library, const char *name, void *function) {
    void *found = dlsym(library->handle, name);
    measure_must(found, "no function %s", name);
    memcpy(function, &found, sizeof found);
}

static struct library open_library(const char *path) {
    struct library library = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    measure_must(library.handle, "%s", dlerror());
    find(&library, "lesson_store_open", &library.open);
    find(&library, "lesson_store_join", &library.join);
    find(&library, "lesson_store_where", &library.where);
    find(&library, "lesson_store_close", &library.close);
    return library;
}

static void run_where(void *context) {
    const struct library *library = context;
    for (size_t i = 0; i < library->count; i++)
        measure_must(library->where(library->store, "ann", NULL) == LESSON_STORE_OK, "where failed");
}

static void run_join(void *context) {
    const struct library *library = context;
    for (size_t i = 0; i < library->count; i++) {
        const char *lesson_id = i % 2 ? "algebra" : "geometry";
        measure_must(library->join(library->store, "ann", "maths", lesson_id, NULL, 0, NULL) == LESSON_STORE_OK,
                     "join failed");
    }
}

static void compare(const benchmark *bench, struct library *both, const char *where, const char *location,
                    size_t count) {
    char work[32];
    for (int i = 0; i < 2; i++) {
        measure_must(both[i].open(&both[i].store, location) == LESSON_STORE_OK, "open failed");
        /* The other lesson keeps a member, so that no join makes or removes a lesson. */
        both[i].join(both[i].store, "bob", "maths", "algebra", NULL, 0, NULL);
        both[i].join(both[i].store, "cid", "maths", "geometry", NULL, 0, NULL);
        both[i].join(both[i].store, "ann", "maths", "algebra", NULL, 0, NULL);
        both[i].count = count;
    }
    const measure_variant wheres[] = {{"counting", NULL, run_where, &both[0], NULL},
                                      {"not-counting", NULL, run_where, &both[1], NULL}};
    const measure_variant joins[] = {{"counting", NULL, run_join, &both[0], NULL},
                                     {"not-counting", NULL, run_join, &both[1], NULL}};
    snprintf(work, sizeof work, "where-%s", where);
    measure_compare(bench, work, 1, count, wheres, 2);
    snprintf(work, sizeof work, "join-%s", where);
    measure_compare(bench, work, 1, count, joins, 2);
    for (int i = 0; i < 2; i++)
        both[i].close(both[i].store);
}

int main(int argc, char **argv) {
    benchmark bench = measure_begin("figures", argc, argv);
    bench.rounds = MEASURE_ROUNDS_MAX;
    measure_pin();
    redis_server *server = redis_server_start(NULL);
    measure_must(server, "no Redis server");
    struct library both[] = {open_library(COUNTING), open_library(NOT_COUNTING)};
    compare(&bench, both, "memory", "memory:", measure_size(&bench, 1000000, 1000));
    measure_watch(&bench, redis_server_pid(server));
    compare(&bench, both, "redis", redis_server_unix_location(server), measure_size(&bench, 5000, 50));
    redis_server_stop(server);
    return 0;
}
