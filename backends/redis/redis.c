#include <stdio.h>
#include <stdlib.h>

#include "primary.h"

#ifdef LESSON_STORE_WITH_CLUSTER
#include "../cluster/cluster.h"
#endif

extern const lesson_store_backend lesson_store__redis_backend;

static void redis_close(lesson_store_instance *instance) {
    redis_store *store = redis_of(instance);
    redis_connection_free(&store->connection);
    redis_topology_release(store->topology);
    redis_settings_free(&store->settings);
    redis_reply_free(&store->confirmation.reply);
    redis_request_free(&store->request);
    redis_reply_free(&store->reply);
    free(store);
}

/* The first instance of a store makes the topology, and the others share it. */
static int open_topology(redis_store *store, const lesson_store_location *location) {
    const redis_store *first = (const redis_store *)lesson_store_location_first(location);
    int code = LESSON_STORE_OK;
    if (first)
        store->topology = redis_topology_share(first->topology);
    else
        code = redis_topology_open(&store->topology, location);
    store->connection.shared = code ? NULL : redis_topology_shared(store->topology);
    return code;
}

static int redis_open(lesson_store_instance **out, const lesson_store_location *location) {
    redis_store *store = calloc(1, sizeof *store);
    if (!store)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left for a connection");
    store->base.capabilities =
        LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_PERSIST | LESSON_STORE_CAN_ADMIT;
    store->connection.settings = &store->settings;
    store->connection.observer = lesson_store_location_observer(location);
    store->connection.deadline_us = &store->base.deadline_us;
    store->connection.channel.socket = -1;
    store->connection.channel.opening = location;
    int code = redis_settings_read(&store->settings, location);
    store->base.end_at_once_max = strtoull(REDIS_END_AT_ONCE_MAX, NULL, 10);
    store->base.members_at_once_max = (uint64_t)store->settings.members_at_once;
    store->base.call_timeout_ms = (uint64_t)store->settings.timeout_ms;
    if (!code)
        code = open_topology(store, location);
    if (!code)
        code = redis_primary_reach(store);
    if (!code && !lesson_store_location_first(location) && lesson_store_location_has(location, "feed"))
        code = redis_turn_feed(store);
    store->connection.channel.opening = NULL;
    if (code) {
        redis_close(&store->base);
        return code;
    }
    *out = &store->base;
    return LESSON_STORE_OK;
}

const lesson_store_backend lesson_store__redis_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "redis|rediss|redis+unix|redis+sentinel|rediss+sentinel|redis+cluster|rediss+cluster",
    .summary = "a Redis or Valkey server, shared with all programs that write the same keys",
    .operations = LESSON_STORE_OPERATIONS_0_2,
    .flags = LESSON_STORE_FLAGS_0_2,
    .options = redis_options,
    .default_pool = 8,
    .open = redis_open,
    .close = redis_close,
    .run = redis_run,
    .members = redis_members,
    .lessons = redis_lessons,
    .users = redis_users,
    .check = redis_check,
    .info = redis_info,
    .members_page = redis_members_page,
    .lessons_page = redis_lessons_page,
    .users_page = redis_users_page,
    .sweep = redis_sweep,
    .owners = redis_owners,
    .bans = redis_bans,
    .find_lessons = redis_find_lessons,
    .find_lessons_page = redis_find_lessons_page,
    .events = redis_events,
#ifdef LESSON_STORE_WITH_CLUSTER
    .choose = cluster_choose,
#endif
    .host_list_schemes = "redis+sentinel|rediss+sentinel|redis+cluster|rediss+cluster",
};
