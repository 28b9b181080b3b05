/* A server that evicts any key when it is full. The store cannot know what is lost: info has a warning, and check finds
 * what does not belong together. */
#include <string.h>

#include "ground_redis.h"
#include "stage.h"

enum { AROUND = 40000 };

static bool find_warning(const char *name, const char *value, void *context) {
    bool *is_there = context;
    *is_there = *is_there || (strcmp(name, "warning") == 0 && strstr(value, "evicts"));
    return true;
}

static void expect_warning(trouble_stage *stage) {
    bool is_there = false;
    lesson_store *store = raw_open_store(ground_server(), "");
    if (lesson_store_info(store, find_warning, &is_there) != LESSON_STORE_OK || !is_there)
        stage_fail(stage, "info has no warning of a server that evicts");
    lesson_store_close(store);
}

static void begin_evicting(trouble_stage *stage) {
    raw_do(ground_server(), "CONFIG SET maxmemory-policy allkeys-lru maxmemory 1gb");
    expect_warning(stage);
}

static void evict_some(trouble_stage *stage) {
    long long used = ground_info("memory", "used_memory:");
    raw_do(ground_server(), "CONFIG SET maxmemory %lld",
           used - AROUND + (long long)dice_below(&stage->dice, 2 * AROUND));
    stage_pause_at_random(stage);
}

static void end_evicting(trouble_stage *stage) {
    (void)stage;
    raw_do(ground_server(), "CONFIG SET maxmemory-policy noeviction maxmemory 0");
}

const trouble_kind trouble_evicting_server = {.name = "evicting server",
                                              .engines = TROUBLE_REDIS,
                                              .rules = TROUBLE_RULES(JUDGE_CODE(FULL), 0),
                                              .strikes = 10,
                                              .is_blind = true,
                                              .make = begin_evicting,
                                              .strike = evict_some,
                                              .take_back = end_evicting};
