/* What the nodes say of themselves. */
#include <stdio.h>

#include "cluster.h"

/* The value of a line "name:value" in what INFO says. */
static void copy_value(char *out, size_t size, lesson_store_id info, const char *name) {
    const char *at = info.data ? memmem(info.data, info.size, name, strlen(name)) : NULL;
    const char *value = at ? at + strlen(name) : NULL;
    size_t left = value ? (size_t)(info.data + info.size - value) : 0;
    size_t length = 0;
    while (length < left && value[length] != '\r' && value[length] != '\n')
        length++;
    snprintf(out, size, "%.*s", value ? (int)length : 7, value ? value : "unknown");
}

static int ask_version(cluster_store *store, char *out, size_t size) {
    char version[32], name[32];
    redis_request_begin(&store->redis.request);
    redis_request_add_text(&store->redis.request, "INFO");
    redis_request_add_text(&store->redis.request, "server");
    int code = cluster_ask_node(store, cluster_router_node_of(&store->router, 0));
    lesson_store_id info = code ? (lesson_store_id){NULL, 0} : redis_reply_line(&store->redis.reply);
    copy_value(version, sizeof version, info, "valkey_version:");
    snprintf(name, sizeof name, "%s", strcmp(version, "unknown") == 0 ? "Redis" : "Valkey");
    if (strcmp(version, "unknown") == 0)
        copy_value(version, sizeof version, info, "redis_version:");
    snprintf(out, size, "%s %s", name, version);
    return code == LESSON_STORE_DENIED ? LESSON_STORE_OK : code;
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
    int code = cluster_router_look(&store->router);
    if (!code)
        code = ask_version(store, engine, sizeof engine);
    if (code)
        return code;
    write_masters(store, masters, sizeof masters);
    snprintf(slots, sizeof slots, "%d", store->router.view.map.covered);
    bool goes_on = callback("engine", engine, context) && callback("mode", "cluster", context) &&
                   callback("keys", "spread over several shards", context) && callback("masters", masters, context) &&
                   callback("slots_covered", slots, context);
    (void)goes_on;
    return LESSON_STORE_OK;
}
