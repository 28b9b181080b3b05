#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "cluster.h"
#include "condition.h"
#include "sentinel.h"
#include "topology.h"

#define FRESH_US INT64_C(20000)        /* how long what was found out is not asked again, at least */
#define HASTE_US INT64_C(10000)        /* an answer that is only waited for so long may be missed */
#define LISTEN_EVERY_US INT64_C(10000) /* how often announcements are looked for */

struct redis_topology {
    redis_settings settings;
    redis_shared shared;
    atomic_int users;
    _Atomic uint64_t generation;
    atomic_bool is_doubted;
    _Atomic int64_t listen_at_us;

    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t found;
    bool is_being_found;    /* by one thread, which then has the two below to itself */
    int64_t fresh_until_us; /* until then, those who know are not asked again */
    redis_place place;
    redis_address hint; /* the node that a redirection named; no host: none */

    redis_sentinels sentinels;
    redis_cluster cluster;
};

/* ---- Opening */

static int open_shared(redis_topology *topology) {
    redis_shared *shared = &topology->shared;
    shared->lookups = redis_lookups_open();
    if (!shared->lookups)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left for a connection");
    return topology->settings.over_tls ? redis_tls_context_open(&shared->tls, &topology->settings) : LESSON_STORE_OK;
}

static void close_shared(redis_topology *topology) {
    redis_tls_context_release(topology->shared.tls);
    redis_lookups_release(topology->shared.lookups);
}

static int open_finders(redis_topology *topology) {
    const redis_settings *settings = &topology->settings;
    if (settings->kind == REDIS_SENTINEL)
        return redis_sentinels_open(&topology->sentinels, settings, &topology->shared);
    if (settings->kind == REDIS_CLUSTER)
        return redis_cluster_open(&topology->cluster, settings, &topology->shared);
    topology->place.generation = 1;
    if (settings->address_count > 0)
        topology->place.address = settings->addresses[0];
    atomic_store(&topology->generation, 1);
    return LESSON_STORE_OK;
}

int redis_topology_open(redis_topology **out, const lesson_store_location *location) {
    redis_topology *topology = calloc(1, sizeof *topology);
    if (!topology)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left for a connection");
    int code = redis_settings_read(&topology->settings, location);
    if (!code)
        code = open_shared(topology);
    if (!code)
        code = open_finders(topology);
    if (code) {
        close_shared(topology);
        redis_settings_free(&topology->settings);
        free(topology);
        return code;
    }
    atomic_store(&topology->users, 1);
    pthread_mutex_init(&topology->mutex, NULL);
    redis_condition_open(&topology->found);
    *out = topology;
    return LESSON_STORE_OK;
}

redis_topology *redis_topology_share(redis_topology *topology) {
    atomic_fetch_add(&topology->users, 1);
    return topology;
}

void redis_topology_release(redis_topology *topology) {
    if (!topology || atomic_fetch_sub(&topology->users, 1) > 1)
        return;
    redis_sentinels_close(&topology->sentinels);
    redis_cluster_close(&topology->cluster);
    close_shared(topology);
    pthread_cond_destroy(&topology->found);
    pthread_mutex_destroy(&topology->mutex);
    redis_settings_free(&topology->settings);
    free(topology);
}

const redis_shared *redis_topology_shared(const redis_topology *topology) {
    return &topology->shared;
}

/* ---- Hearing */

/* One thread at a time looks, and only if nobody is asking: it must not wait. */
static void listen(redis_topology *topology, int64_t now_us) {
    if (pthread_mutex_trylock(&topology->mutex) != 0)
        return;
    atomic_store_explicit(&topology->listen_at_us, now_us + LISTEN_EVERY_US, memory_order_relaxed);
    if (!topology->is_being_found && redis_sentinels_hear(&topology->sentinels, &topology->place.address, now_us))
        atomic_store(&topology->is_doubted, true);
    pthread_mutex_unlock(&topology->mutex);
}

bool redis_topology_is_at(redis_topology *topology, const redis_place *place) {
    if (topology->settings.kind == REDIS_SENTINEL) {
        int64_t now_us = lesson_store_monotonic_us();
        if (now_us >= atomic_load_explicit(&topology->listen_at_us, memory_order_relaxed))
            listen(topology, now_us);
    }
    return place->generation == atomic_load_explicit(&topology->generation, memory_order_relaxed) &&
           !atomic_load_explicit(&topology->is_doubted, memory_order_relaxed);
}

/* ---- Finding */

/* True if the place is known, and nobody doubts it or it was found out just now. */
static bool is_known(const redis_topology *topology) {
    bool is_fresh = lesson_store_monotonic_us() < topology->fresh_until_us;
    return topology->place.generation > 0 && (!atomic_load(&topology->is_doubted) || is_fresh);
}

static int ask(redis_topology *topology, redis_place *found, int64_t until_us, const lesson_store_location *opening) {
    const redis_settings *settings = &topology->settings;
    if (settings->kind == REDIS_SENTINEL)
        return redis_sentinels_find(&topology->sentinels, &found->address, until_us, opening);
    return redis_cluster_find(&topology->cluster, &topology->hint, &found->address, until_us, opening);
}

/* True if the instance that is opened is not needed any more. */
static bool is_over(const lesson_store_location *opening) {
    return opening && lesson_store_location_gives_up(opening);
}

static bool is_new(const redis_topology *topology, const redis_address *found) {
    return topology->place.generation == 0 || !redis_address_is(found, &topology->place.address);
}

/* Asking those who hang takes long. If it brought nothing new, as much time passes until the next who asks, so that at
 * most half of the calls' time is spent on it. */
static void rest(redis_topology *topology, int64_t asked_us, bool is_changed) {
    int64_t now_us = lesson_store_monotonic_us(), took_us = now_us - asked_us;
    topology->fresh_until_us = now_us + (is_changed || took_us < FRESH_US ? FRESH_US : took_us);
}

static void tell_of_failover(const redis_topology *topology, const redis_address *from, const redis_place *place,
                             lesson_store_observer *observer) {
    const redis_address *to = &place->address;
    lesson_store_observe_count(observer, LESSON_STORE_ENGINE_FAILOVERS, 1);
    lesson_store_observe_event(observer, LESSON_STORE_LOG_FAILOVER, "%s: the primary is %s:%d now, after %s:%d",
                               topology->settings.shown, to->host, to->port, from->host, from->port);
}

/* Called with the mutex held, which is free while the others are asked. A caller whose time is nearly over may get no
 * answer, and takes the last server that was known. Others go on doubting it. */
static int find_out(redis_topology *topology, int64_t until_us, const lesson_store_location *opening,
                    redis_place *before) {
    redis_place found = topology->place;
    int64_t asked_us = lesson_store_monotonic_us();
    bool is_hasty = until_us - asked_us < HASTE_US;
    topology->is_being_found = true;
    atomic_store(&topology->is_doubted, false);
    pthread_mutex_unlock(&topology->mutex);

    int code = ask(topology, &found, until_us, opening);
    is_hasty = is_hasty || is_over(opening);

    pthread_mutex_lock(&topology->mutex);
    topology->is_being_found = false;
    topology->hint.host[0] = '\0';
    bool is_changed = !code && is_new(topology, &found.address);
    if (!code || code == LESSON_STORE_UNREACHABLE)
        rest(topology, asked_us, is_changed);
    if (code || is_hasty)
        atomic_store(&topology->is_doubted, true);
    if (is_changed) {
        *before = topology->place;
        found.generation++;
        topology->place = found;
        atomic_store(&topology->generation, found.generation);
    }
    pthread_cond_broadcast(&topology->found);
    return code;
}

/* Called with the mutex held. False if the time is over. */
static bool wait_for_finder(redis_topology *topology, int64_t until_us) {
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    while (topology->is_being_found) {
        if (pthread_cond_timedwait(&topology->found, &topology->mutex, &until) != 0)
            return !topology->is_being_found;
    }
    return true;
}

int redis_topology_find(redis_topology *topology, redis_place *place, int64_t until_us,
                        const lesson_store_location *opening, lesson_store_observer *observer) {
    redis_place before = {.generation = 0};
    int code = LESSON_STORE_OK;
    pthread_mutex_lock(&topology->mutex);
    if (topology->settings.kind == REDIS_ONE_SERVER)
        atomic_store(&topology->is_doubted, false);
    else if (!wait_for_finder(topology, until_us))
        code = lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the server was not found in time",
                                 topology->settings.shown);
    else if (!is_known(topology))
        code = find_out(topology, until_us, opening, &before);
    if (!code)
        *place = topology->place;
    pthread_mutex_unlock(&topology->mutex);
    if (before.generation > 0)
        tell_of_failover(topology, &before.address, place, observer);
    return code;
}

void redis_topology_doubt(redis_topology *topology, const redis_place *place, lesson_store_id error) {
    pthread_mutex_lock(&topology->mutex);
    if (place->generation == topology->place.generation) {
        atomic_store(&topology->is_doubted, topology->settings.kind != REDIS_ONE_SERVER);
        if (error.data && !topology->is_being_found)
            (void)redis_cluster_read_redirection(&topology->hint, error, &place->address);
    }
    pthread_mutex_unlock(&topology->mutex);
}

redis_topology_facts redis_topology_get_facts(redis_topology *topology) {
    pthread_mutex_lock(&topology->mutex);
    redis_topology_facts facts = {.changes = topology->place.generation > 0 ? topology->place.generation - 1 : 0};
    if (!topology->is_being_found)
        facts.epoch = topology->sentinels.epoch;
    pthread_mutex_unlock(&topology->mutex);
    return facts;
}
