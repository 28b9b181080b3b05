#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "../redis/condition.h"
#include "map.h"

#define FRESH_US INT64_C(20000) /* how long an answer is not asked for again */
#define PAUSE_US INT64_C(20000) /* between two attempts at opening */
#define MOVED_MAX 8             /* slots that move one by one before the whole map is read */

struct cluster_map {
    redis_settings settings;
    redis_shared shared;
    atomic_int users;
    _Atomic uint64_t generation;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t answered;
    bool is_being_asked; /* by one thread, which then has `cluster` to itself */
    int64_t fresh_until_us;
    redis_slot_map map;
    int moved; /* slots, since it was read */

    redis_cluster cluster;
};

/* ---- Opening */

static int open_parts(cluster_map *map, const lesson_store_location *location) {
    int code = redis_settings_read(&map->settings, location);
    if (code)
        return code;
    map->shared.lookups = redis_lookups_open();
    if (!map->shared.lookups)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left for a connection");
    if (map->settings.over_tls)
        code = redis_tls_context_open(&map->shared.tls, &map->settings);
    return code ? code : redis_cluster_open(&map->cluster, &map->settings, &map->shared);
}

static void close_parts(cluster_map *map) {
    redis_cluster_close(&map->cluster);
    redis_tls_context_release(map->shared.tls);
    redis_lookups_release(map->shared.lookups);
    redis_slot_map_free(&map->map);
    redis_settings_free(&map->settings);
}

/* A Cluster that is being made, or has lost a master, may have slots without one for a while. */
static int ask_first(cluster_map *map, const lesson_store_location *location) {
    static const redis_address none;
    int64_t until_us = lesson_store_monotonic_us() + map->settings.connect_timeout_ms * INT64_C(1000);
    for (;;) {
        int code = redis_cluster_read_map(&map->cluster, &none, &map->map, until_us, location);
        bool is_late = lesson_store_monotonic_us() + PAUSE_US >= until_us;
        if (!code && map->map.covered < REDIS_SLOTS)
            code = lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the Cluster has slots without an owner",
                                     map->settings.shown);
        if (code != LESSON_STORE_UNREACHABLE || is_late || lesson_store_location_gives_up(location))
            return code;
        poll(NULL, 0, (int)(PAUSE_US / 1000));
    }
}

int cluster_map_open(cluster_map **out, const lesson_store_location *location) {
    cluster_map *map = calloc(1, sizeof *map);
    if (!map)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left for a connection");
    int code = open_parts(map, location);
    if (!code)
        code = ask_first(map, location);
    if (code) {
        close_parts(map);
        free(map);
        return code;
    }
    atomic_store(&map->users, 1);
    atomic_store(&map->generation, 1);
    pthread_mutex_init(&map->mutex, NULL);
    redis_condition_open(&map->answered);
    *out = map;
    return LESSON_STORE_OK;
}

cluster_map *cluster_map_share(cluster_map *map) {
    atomic_fetch_add(&map->users, 1);
    return map;
}

void cluster_map_release(cluster_map *map) {
    if (!map || atomic_fetch_sub(&map->users, 1) > 1)
        return;
    close_parts(map);
    pthread_cond_destroy(&map->answered);
    pthread_mutex_destroy(&map->mutex);
    free(map);
}

bool cluster_map_has_several_masters(const cluster_map *map) {
    return map->map.count > 1;
}

const redis_shared *cluster_map_shared(const cluster_map *map) {
    return &map->shared;
}

/* ---- Looking */

static bool copy(redis_slot_map *out, const redis_slot_map *map) {
    redis_address *masters = malloc((size_t)map->count * sizeof *masters);
    if (!masters)
        return false;
    memcpy(masters, map->masters, (size_t)map->count * sizeof *masters);
    free(out->masters);
    *out = *map;
    out->masters = masters;
    return true;
}

int cluster_map_look(cluster_map *map, cluster_view *view) {
    if (view->generation == atomic_load_explicit(&map->generation, memory_order_acquire))
        return LESSON_STORE_OK;
    pthread_mutex_lock(&map->mutex);
    uint64_t generation = atomic_load(&map->generation);
    bool is_copied = copy(&view->map, &map->map);
    pthread_mutex_unlock(&map->mutex);
    if (!is_copied)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the nodes", map->settings.shown);
    view->generation = generation;
    return LESSON_STORE_OK;
}

/* ---- Asking */

/* Called with the mutex held. */
static void wait_for_answer(cluster_map *map, int64_t until_us) {
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    while (map->is_being_asked && pthread_cond_timedwait(&map->answered, &map->mutex, &until) == 0)
        ;
}

/* Called with the mutex held, which is free while the nodes are asked. */
static int ask(cluster_map *map, const redis_address *suspect, int64_t until_us, const lesson_store_location *opening) {
    redis_slot_map found = {.masters = NULL};
    map->is_being_asked = true;
    pthread_mutex_unlock(&map->mutex);

    int code = redis_cluster_read_map(&map->cluster, suspect, &found, until_us, opening);

    pthread_mutex_lock(&map->mutex);
    map->is_being_asked = false;
    map->fresh_until_us = lesson_store_monotonic_us() + FRESH_US;
    if (!code) {
        redis_slot_map_free(&map->map);
        map->map = found;
        map->moved = 0;
        atomic_fetch_add(&map->generation, 1);
    }
    pthread_cond_broadcast(&map->answered);
    return code;
}

int cluster_map_ask(cluster_map *map, const redis_address *suspect, int64_t until_us,
                    const lesson_store_location *opening) {
    int code = LESSON_STORE_OK;
    pthread_mutex_lock(&map->mutex);
    if (map->is_being_asked)
        wait_for_answer(map, until_us);
    else if (lesson_store_monotonic_us() >= map->fresh_until_us)
        code = ask(map, suspect, until_us, opening);
    pthread_mutex_unlock(&map->mutex);
    return code;
}

bool cluster_map_move(cluster_map *map, unsigned slot, const redis_address *master) {
    pthread_mutex_lock(&map->mutex);
    int number = redis_slot_map_add_master(&map->map, master);
    if (number >= 0 && map->map.master_of[slot] != number) {
        map->map.covered += map->map.master_of[slot] < 0;
        map->map.master_of[slot] = (int16_t)number;
        map->moved++;
        atomic_fetch_add(&map->generation, 1);
    }
    bool have_many_moved = map->moved >= MOVED_MAX;
    pthread_mutex_unlock(&map->mutex);
    return have_many_moved;
}

bool cluster_map_add(cluster_map *map, const redis_address *master) {
    pthread_mutex_lock(&map->mutex);
    int before = map->map.count;
    redis_slot_map_add_master(&map->map, master);
    bool is_added = map->map.count > before;
    if (is_added)
        atomic_fetch_add(&map->generation, 1);
    pthread_mutex_unlock(&map->mutex);
    return is_added;
}
