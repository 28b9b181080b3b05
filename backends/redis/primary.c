#include <poll.h>
#include <stdio.h>

#include "failure.h"
#include "primary.h"

#define SHORTEST_PAUSE_US INT64_C(5000) /* but the second attempt follows the first one at once */
#define LONGEST_PAUSE_US INT64_C(50000)
#define SLICE_US INT64_C(20000) /* how often a wait looks whether it is still needed */

/* ---- Attempts */

redis_attempts redis_attempts_begin(const redis_store *store) {
    const redis_connection *connection = &store->connection;
    bool is_opening = connection->channel.opening != NULL;
    int limit_ms = is_opening ? store->settings.connect_timeout_ms : store->settings.timeout_ms;
    int64_t left_us = redis_connection_left_us(connection, limit_ms);
    return (redis_attempts){.until_us = lesson_store_monotonic_us() + left_us, .pause_us = 0};
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static bool gives_up(const redis_store *store) {
    const lesson_store_location *opening = store->connection.channel.opening;
    return opening && lesson_store_location_gives_up(opening);
}

/* The next attempt may end with its time, and not say why the server does not serve us. */
static void keep_failure(redis_attempts *attempts, redis_store *store, int code, int64_t left_us) {
    attempts->code = left_us < LONGEST_PAUSE_US ? code : LESSON_STORE_OK;
    if (attempts->code)
        snprintf(store->failure, sizeof store->failure, "%s", lesson_store_message());
}

bool redis_attempts_again(redis_attempts *attempts, redis_store *store, redis_retry retry, int code) {
    bool is_exhausted = retry == REDIS_RETRY_ONCE && attempts->is_repeated && !attempts->fails_over;
    if (retry == REDIS_RETRY_NO || is_exhausted)
        return false;
    attempts->fails_over = attempts->fails_over || retry == REDIS_RETRY;
    int64_t now_us = lesson_store_monotonic_us(), end_us = now_us + attempts->pause_us;
    if (end_us >= attempts->until_us)
        return false;
    for (; now_us < end_us; now_us = lesson_store_monotonic_us()) {
        struct timespec wait = {.tv_nsec = least(end_us - now_us, SLICE_US) * 1000};
        if (gives_up(store))
            return false;
        ppoll(NULL, 0, &wait, NULL);
    }
    attempts->pause_us = attempts->pause_us ? least(2 * attempts->pause_us, LONGEST_PAUSE_US) : SHORTEST_PAUSE_US;
    attempts->is_repeated = true;
    keep_failure(attempts, store, code, attempts->until_us - now_us);
    *store->connection.deadline_us = attempts->until_us;
    lesson_store_observe_count(store->connection.observer, LESSON_STORE_ENGINE_RETRIES, 1);
    return true;
}

int redis_attempts_end(const redis_attempts *attempts, const redis_store *store, int code) {
    return attempts->code && code == LESSON_STORE_UNREACHABLE ? lesson_store_fail(attempts->code, "%s", store->failure)
                                                              : code;
}

/* ---- Connecting */

/* True if others name the server, so that another one can take its place. */
static bool can_change(const redis_store *store) {
    return store->settings.kind != REDIS_ONE_SERVER;
}

/* Where another server can take over, one that hangs gets only half of the time, so that the other one gets some too.
 */
static int64_t connect_until_us(const redis_store *store) {
    int64_t left_us = redis_connection_left_us(&store->connection, store->settings.connect_timeout_ms);
    return lesson_store_monotonic_us() + (can_change(store) ? left_us / 2 : left_us);
}

static int connect_anew(redis_store *store, redis_retry *retry) {
    redis_connection *connection = &store->connection;
    store->leaves = false;
    connection->is_refused = false;
    redis_topology_doubt(store->topology, &store->place, (lesson_store_id){NULL, 0});
    int code = redis_topology_find(store->topology, &store->place, connect_until_us(store), connection->channel.opening,
                                   connection->observer);
    if (!code)
        code = redis_connection_open(connection, &store->place.address, connect_until_us(store));
    if (!code)
        return LESSON_STORE_OK;
    redis_topology_doubt(store->topology, &store->place, (lesson_store_id){NULL, 0});
    if (connection->is_refused || (can_change(store) && code == LESSON_STORE_UNREACHABLE))
        *retry = REDIS_RETRY;
    else if (code == LESSON_STORE_UNREACHABLE)
        *retry = REDIS_RETRY_ONCE;
    return code;
}

/* True if the connection still leads to the right server. If that is in doubt and nobody can be asked, it does. */
static bool is_at_primary(redis_store *store) {
    if (redis_topology_is_at(store->topology, &store->place))
        return true;
    redis_place place = store->place;
    int code = redis_topology_find(store->topology, &place, connect_until_us(store), store->connection.channel.opening,
                                   store->connection.observer);
    return code == LESSON_STORE_UNREACHABLE || (!code && place.generation == store->place.generation);
}

int redis_primary_prepare(redis_store *store, redis_retry *retry) {
    redis_connection *connection = &store->connection;
    *retry = REDIS_RETRY_NO;
    int code = redis_connection_check_time(connection);
    if (code)
        return code;
    if (!store->leaves && redis_channel_is_open(&connection->channel) && is_at_primary(store)) {
        if (redis_connection_is_usable(connection))
            return LESSON_STORE_OK;
        lesson_store_observe_count(connection->observer, LESSON_STORE_ENGINE_CONNECTION_LOSSES, 1);
    }
    return connect_anew(store, retry);
}

int redis_primary_reach(redis_store *store) {
    redis_attempts attempts = redis_attempts_begin(store);
    redis_retry retry;
    int code;
    do
        code = redis_primary_prepare(store, &retry);
    while (code && redis_attempts_again(&attempts, store, retry, code));
    return redis_attempts_end(&attempts, store, code);
}

/* ---- Failures */

redis_retry redis_primary_lost(redis_store *store, bool is_unexecuted) {
    lesson_store_observe_count(store->connection.observer, LESSON_STORE_ENGINE_CONNECTION_LOSSES, 1);
    redis_connection_close(&store->connection);
    redis_topology_doubt(store->topology, &store->place, (lesson_store_id){NULL, 0});
    if (!is_unexecuted)
        return REDIS_RETRY_NO;
    return can_change(store) ? REDIS_RETRY : REDIS_RETRY_ONCE;
}

/* While keys are being moved, the server stays the right one: it will say MOVED when it is not. */
static bool is_about_moving(lesson_store_id error) {
    return redis_failure_is(error, "ASK ") || redis_failure_is(error, "TRYAGAIN");
}

redis_retry redis_primary_refused(redis_store *store, lesson_store_id error) {
    if (store->settings.takes_any_role && redis_failure_is(error, "READONLY"))
        return REDIS_RETRY_NO; /* a replica was wanted, and stays one */
    bool is_redirection = redis_failure_is(error, "MOVED ") || redis_failure_is(error, "ASK ");
    if (!redis_failure_is_transient(error) || (is_redirection && store->settings.kind != REDIS_CLUSTER))
        return REDIS_RETRY_NO;
    if (is_redirection) {
        lesson_store_observe_count(store->connection.observer, LESSON_STORE_ENGINE_REDIRECTIONS, 1);
        lesson_store_observe_event(store->connection.observer, LESSON_STORE_LOG_REDIRECTED, "%s: %s%.*s",
                                   store->settings.shown, store->connection.at, (int)error.size, error.data);
    }
    if (!is_about_moving(error)) {
        redis_topology_doubt(store->topology, &store->place, error);
        store->leaves = true;
    }
    return REDIS_RETRY;
}
