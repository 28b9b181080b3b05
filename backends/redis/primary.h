/* Keeping an instance connected to the server that is the primary now, and trying again what it refused. */
#ifndef LESSON_STORE_REDIS_PRIMARY_H
#define LESSON_STORE_REDIS_PRIMARY_H

#include "redis.h"

/* Whether a call that failed is worth another attempt. */
typedef enum redis_retry {
    REDIS_RETRY_NO,
    REDIS_RETRY_ONCE, /* the connection broke, and may work again */
    REDIS_RETRY       /* the failure is one that passes, as during a failover */
} redis_retry;

/* Connects if there is no usable connection, or if another server has taken over. No request may be under way. Returns
 * OK, or a code with its message set. */
int redis_primary_prepare(redis_store *store, redis_retry *retry);

/* The same, tried again until the time of the call is over. */
int redis_primary_reach(redis_store *store);

/* Called with an error of the server. RETRY if it refused the request without executing it, and it, or another server,
 * will take it later. */
redis_retry redis_primary_refused(redis_store *store, lesson_store_id error);

/* Called when an exchange has failed: the server is looked for anew. `is_unexecuted`: the request can be sent again. */
redis_retry redis_primary_lost(redis_store *store, bool is_unexecuted);

/* The attempts of one request. */
typedef struct redis_attempts {
    int64_t until_us;
    int64_t pause_us; /* before the next one */
    bool is_repeated;
    bool fails_over; /* a failure that passes was met, so a server that is down will come back, or another one */
    int code;        /* of the attempt before the last one, if that one has hardly any time */
} redis_attempts;

redis_attempts redis_attempts_begin(const redis_store *store);

/* Waits a moment before the next attempt. False if there shall be none, or if the time of the call is over. `code` is
 * that of the attempt that failed, with its message set. */
bool redis_attempts_again(redis_attempts *attempts, redis_store *store, redis_retry retry, int code);

/* Returns the code of the call, with its message set: that of the last attempt. Only if that one did not even have the
 * time to find out what is wrong, it is that of the attempt before. */
int redis_attempts_end(const redis_attempts *attempts, const redis_store *store, int code);

#endif
