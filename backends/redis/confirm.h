/* Confirmation of writes by replicas (the option wait_replicas): WAIT goes behind them, so it costs no round trip of
 * its own, but the time of the replicas. */
#ifndef LESSON_STORE_REDIS_CONFIRM_H
#define LESSON_STORE_REDIS_CONFIRM_H

#include "redis.h"

/* Sends one request that writes, and WAIT behind it, and waits for both replies. The end is that of the request. */
redis_exchange_end redis_confirm_exchange(redis_store *store, redis_bytes request, redis_reply *reply);

/* The two halves of it, for requests that are sent in another way. Does nothing without wait_replicas. */
void redis_confirm_send(redis_store *store);
void redis_confirm_receive(redis_store *store);

/* Instead of them, where WAIT cannot be sent behind writes: none of them counts as confirmed. */
void redis_confirm_skip(redis_store *store);

/* UNKNOWN, with its message set, if a write since the last redis_confirm_begin was not confirmed by enough replicas;
 * otherwise OK. */
void redis_confirm_begin(redis_store *store);
int redis_confirm_code(const redis_store *store);

#endif
