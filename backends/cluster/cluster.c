#include <stdlib.h>

#include "cluster.h"

static void cluster_close(lesson_store_instance *instance) {
    cluster_store *store = cluster_of(instance);
    cluster_router_free(&store->router);
    cluster_map_release(store->map);
    redis_settings_free(&store->redis.settings);
    redis_request_free(&store->redis.request);
    redis_reply_free(&store->redis.reply);
    free(store->machines);
    free(store->requests);
    free(store);
}

/* The first instance of a store makes the map, and the others share it. */
static int open_map(cluster_store *store, const lesson_store_location *location) {
    const cluster_store *first = (const cluster_store *)lesson_store_location_first(location);
    if (!first)
        return cluster_map_open(&store->map, location);
    store->map = cluster_map_share(first->map);
    return LESSON_STORE_OK;
}

/* What would have to be one step of several slots. */
static int check_options(const redis_settings *settings) {
    const char *what = settings->events_kept > 0 ? "feed" : settings->wait_replicas > 0 ? "wait_replicas" : NULL;
    return what ? lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                    "%s: %s is not possible where the keys are spread over several shards",
                                    settings->shown, what)
                : LESSON_STORE_OK;
}

static int open_router(cluster_store *store, const lesson_store_location *location) {
    store->router.settings = &store->redis.settings;
    store->router.map = store->map;
    store->router.observer = lesson_store_location_observer(location);
    store->router.request = &store->redis.request;
    store->router.reply = &store->redis.reply;
    return cluster_router_look(&store->router);
}

/* A connection to one master at least. The others are made when they are needed. */
static int reach(cluster_store *store, const lesson_store_location *location) {
    store->router.opening = location;
    redis_request_begin(&store->redis.request);
    redis_request_add_text(&store->redis.request, "PING");
    int node = cluster_router_node_of(&store->router, 0);
    int code = node < 0 ? lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left for a connection")
                        : cluster_ask_node(store, node);
    store->router.opening = NULL;
    return code;
}

static int open_parts(cluster_store *store, const lesson_store_location *location) {
    int code = redis_settings_read(&store->redis.settings, location);
    if (!code)
        code = check_options(&store->redis.settings);
    if (!code)
        code = cluster_workshop_open(&store->workshop, &store->redis);
    if (!code)
        code = open_map(store, location);
    if (!code)
        code = open_router(store, location);
    return code ? code : reach(store, location);
}

static int cluster_open(lesson_store_instance **out, const lesson_store_location *location) {
    cluster_store *store = calloc(1, sizeof *store);
    if (!store)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left for a connection");
    int code = open_parts(store, location);
    store->base.capabilities =
        LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_PERSIST | LESSON_STORE_CAN_ADMIT;
    store->base.exceptions = LESSON_STORE_EXCEPT_STEPS | LESSON_STORE_EXCEPT_ADMISSION | LESSON_STORE_EXCEPT_ORDER;
    store->base.end_at_once_max = store->base.members_at_once_max = 1;
    store->base.call_timeout_ms = (uint64_t)store->redis.settings.timeout_ms;
    if (code) {
        cluster_close(&store->base);
        return code;
    }
    *out = &store->base;
    return LESSON_STORE_OK;
}

int cluster_choose(const lesson_store_backend **out, const lesson_store_location *location) {
    cluster_map *map;
    redis_settings settings;
    int code = redis_settings_read(&settings, location);
    if (code)
        return code;
    bool is_here = settings.keys_are_apart;
    redis_settings_free(&settings);
    if (!is_here)
        return LESSON_STORE_OK;
    code = cluster_map_open(&map, location);
    if (code)
        return code;
    if (cluster_map_has_several_masters(map))
        *out = &lesson_store__cluster_backend;
    cluster_map_release(map);
    return LESSON_STORE_OK;
}

const lesson_store_backend lesson_store__cluster_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "redis+cluster|rediss+cluster",
    .summary = "a Redis or Valkey Cluster of several shards, shared with all programs that write the same keys",
    .operations = LESSON_STORE_OPERATIONS_0_2,
    .flags = LESSON_STORE_FLAGS_0_2,
    .options = redis_options,
    .default_pool = 8,
    .open = cluster_open,
    .close = cluster_close,
    .run = cluster_run,
    .members = cluster_members,
    .lessons = cluster_lessons,
    .users = cluster_users,
    .check = cluster_check,
    .info = cluster_info,
    .members_page = cluster_members_page,
    .lessons_page = cluster_lessons_page,
    .users_page = cluster_users_page,
    .sweep = cluster_sweep,
    .owners = cluster_owners,
    .bans = cluster_bans,
    .find_lessons = cluster_find_lessons,
    .find_lessons_page = cluster_find_lessons_page,
    .host_list_schemes = "redis+cluster|rediss+cluster",
};
