#include "ground.h"

#include <stdio.h>
#include <string.h>

#include "engine.h"

static bool begin_memory(void) {
    return true;
}

static void end_memory(void) {
}

static void clear_memory(trouble_stage *stage) {
    (void)stage;
}

static void locate_in_memory(trouble_stage *stage, char *out, size_t size) {
    (void)stage;
    snprintf(out, size, "memory:?pool=1");
}

static void locate_child_in_memory(char *out, size_t size) {
    snprintf(out, size, "memory:");
}

static const ground_kind ground_memory = {"memory",         begin_memory,           end_memory, clear_memory,
                                          locate_in_memory, locate_child_in_memory, NULL};
extern const ground_kind ground_sqlite, ground_redis;

static const ground_kind *const grounds[] = {
    &ground_memory,
#ifdef SYSTEMS_WITH_FILES
    &ground_sqlite,
#endif
#ifdef SYSTEMS_WITH_SERVERS
    &ground_redis,
#endif
};

const ground_kind *ground_chosen(void) {
    for (size_t i = 1; i < sizeof grounds / sizeof *grounds; i++) {
        if (strcmp(grounds[i]->engine, engine_name()) == 0)
            return grounds[i];
    }
    return &ground_memory;
}
