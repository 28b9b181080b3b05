/*
 * Sentinels, which know which server is the primary, as Redis' guidelines for their clients say
 * (https://redis.io/docs/latest/develop/reference/sentinel-clients/), and beyond them:
 *
 *   - The epoch of the configuration counts. A Sentinel that was cut off can name the primary of before a failover, so
 *     an answer of a lower epoch than the highest one met does not count.
 *   - Without any Sentinel the last primary is taken, if it still says that it is one.
 */
#ifndef LESSON_STORE_REDIS_SENTINEL_H
#define LESSON_STORE_REDIS_SENTINEL_H

#include "connection.h"

/* Used by one thread at a time. */
typedef struct redis_sentinels {
    const redis_settings *settings;
    redis_address *addresses; /* the one that answered last is the first */
    int count;
    uint64_t epoch; /* the highest one met */
    int64_t deadline_us;
    redis_connection asked; /* to the first Sentinel */
    redis_connection heard; /* to the same one, subscribed to its announcements */
    redis_reply reply;
    redis_reply announcement;
    bool is_poll_under_way;
    int64_t poll_at_us; /* when it is to be asked again */
    int64_t poll_pause_us;
} redis_sentinels;

int redis_sentinels_open(redis_sentinels *sentinels, const redis_settings *settings, const redis_shared *shared);
void redis_sentinels_close(redis_sentinels *sentinels); /* also one that was never opened */

/* Asks the Sentinels in turn for the primary. `*address` is the last one known, or has no host. Returns OK, or a code
 * with its message set. */
int redis_sentinels_find(redis_sentinels *sentinels, redis_address *address, int64_t until_us,
                         const lesson_store_location *opening);

/* Hears what was announced, and asks now and then without waiting for the answer. True if the primary may be another
 * one than this. */
bool redis_sentinels_hear(redis_sentinels *sentinels, const redis_address *primary, int64_t now_us);

#endif
