/* What the nodes say of themselves. */
#include <stdio.h>

#include "../redis/info.h"
#include "cluster.h"

/* A section of what INFO says at a master; "" without the right to ask. */
static int ask_info(cluster_store *store, int master, const char *section, lesson_store_id *info) {
    int node = cluster_router_node_of(&store->router, master);
    *info = (lesson_store_id){"", 0};
    if (node < 0)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a connection",
                                 store->redis.settings.shown);
    redis_request_begin(&store->redis.request);
    redis_request_add_text(&store->redis.request, "INFO");
    redis_request_add_text(&store->redis.request, section);
    int code = cluster_ask_node(store, node);
    if (!code)
        *info = redis_reply_line(&store->redis.reply);
    return code == LESSON_STORE_DENIED ? LESSON_STORE_OK : code;
}

static int ask_version(cluster_store *store, char *out, size_t size) {
    char version[32];
    lesson_store_id info;
    int code = ask_info(store, 0, "server", &info);
    redis_find_info(info, "valkey_version", version, sizeof version);
    const char *name = version[0] ? "Valkey" : "Redis";
    if (!version[0])
        redis_find_info(info, "redis_version", version, sizeof version);
    snprintf(out, size, "%s %s", name, version[0] ? version : "unknown");
    return code;
}

static int danger_of(const redis_eviction *eviction) {
    return eviction->warning ? 2 : strcmp(eviction->policy, "noeviction") != 0;
}

/* Each master has its own policy. The worst one counts. */
static int ask_eviction(cluster_store *store, redis_eviction *worst) {
    lesson_store_id info;
    int code = LESSON_STORE_OK;
    for (int i = 0; !code && i < store->router.view.map.count; i++) {
        code = ask_info(store, i, "memory", &info);
        redis_eviction found = redis_info_read_eviction(info);
        if (i == 0 || danger_of(&found) > danger_of(worst))
            *worst = found;
    }
    return code;
}

static void write_masters(const cluster_store *store, char *out, size_t size) {
    const redis_slot_map *map = &store->router.view.map;
    size_t used = 0;
    for (int i = 0; i < map->count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s:%d", i > 0 ? " " : "", map->masters[i].host,
                                 map->masters[i].port);
}

int cluster_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context) {
    cluster_store *store = cluster_of(instance);
    char engine[80], masters[1024], slots[24];
    redis_eviction eviction = {.warning = NULL};
    int code = cluster_router_look(&store->router);
    if (!code)
        code = ask_version(store, engine, sizeof engine);
    if (!code)
        code = ask_eviction(store, &eviction);
    if (code)
        return code;
    write_masters(store, masters, sizeof masters);
    snprintf(slots, sizeof slots, "%d", store->router.view.map.covered);
    const redis_connection *connection = &store->router.nodes[store->node]->connection;
    if (callback("engine", engine, context) && callback("mode", "cluster", context) &&
        callback("keys", "spread over several shards", context) && callback("masters", masters, context) &&
        callback("slots_covered", slots, context) && redis_info_report_tls(connection, callback, context))
        (void)redis_info_report_eviction(&eviction, callback, context);
    return LESSON_STORE_OK;
}
