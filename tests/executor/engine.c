#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmocka_all.h"

enum engine_kind { MEMORY, SQLITE, REDIS };

static struct {
    enum engine_kind kind;
    const char *redis_location;
    char folder[256];
    unsigned stores; /* opened so far */
} engine;

bool engine_choose(const char *name) {
    static const char *const names[] = {"memory", "sqlite", "redis"};
    for (size_t i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        engine.kind = (enum engine_kind)i;
        engine.redis_location = getenv("LESSONSTORE_TEST_REDIS");
        if (engine.kind != REDIS || engine.redis_location)
            return true;
    }
    fprintf(stderr, "the argument is memory or sqlite, or redis where with_redis runs this\n");
    return false;
}

static void make_folder(void) {
    const char *parent = getenv("TMPDIR");
    snprintf(engine.folder, sizeof engine.folder, "%s/lessonstore-executor.XXXXXX",
             parent && *parent ? parent : "/tmp");
    assert_non_null(mkdtemp(engine.folder));
}

static void remove_folder(void) {
    static const char *const names[] = {"lessons.db", "lessons.db-wal", "lessons.db-shm"};
    char path[300];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", engine.folder, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(engine.folder), 0);
}

lesson_store *engine_open(void) {
    char location[512] = "memory:";
    lesson_store *store;
    engine.stores++;
    if (engine.kind == SQLITE) {
        make_folder();
        snprintf(location, sizeof location, "sqlite:%s/lessons.db", engine.folder);
    } else if (engine.kind == REDIS) {
        snprintf(location, sizeof location, "%s?prefix=school%u", engine.redis_location, engine.stores);
    }
    if (lesson_store_open(&store, location) != LESSON_STORE_OK)
        fail_msg("%s", lesson_store_message());
    return store;
}

void engine_close(lesson_store *store) {
    lesson_store_close(store);
    if (engine.kind == SQLITE)
        remove_folder();
}
