/* One connection to one server: making it, and the exchange of a request for a reply within a time. */
#ifndef LESSON_STORE_REDIS_CONNECTION_H
#define LESSON_STORE_REDIS_CONNECTION_H

#include "reply.h"
#include "request.h"
#include "settings.h"

typedef struct redis_connection {
    redis_settings settings;
    int socket;    /* -1: not connected */
    uint64_t made; /* connections so far */
    redisReader *reader;
    char engine[64]; /* "Redis 7.0.15" */
    char mode[32];   /* "standalone" */
} redis_connection;

/* How an exchange ended. After all but ANSWERED the connection is closed, so that a late reply can never be taken for
 * that to another request, and the failure is announced. */
typedef enum redis_exchange_end {
    REDIS_ANSWERED,
    REDIS_UNSENT,             /* broken before the server had all of the request: certainly not executed */
    REDIS_UNSENT_IN_TIME,     /* the same, because time ran out */
    REDIS_BROKEN,             /* sent, and the connection broke before the reply was whole */
    REDIS_UNANSWERED_IN_TIME, /* sent, and time ran out before the reply was whole */
    REDIS_GARBLED,            /* sent, and what came back is no reply of a Redis server */
    REDIS_NO_MEMORY,          /* sent, and there was no memory for the reply */
    REDIS_NO_MEMORY_TO_SEND   /* not an end of redis_connection_exchange: there was no memory for the request */
} redis_exchange_end;

/* Connects if there is no connection or the server has closed it meanwhile. OK, or a code, announced. */
int redis_connection_prepare(redis_connection *connection);

/* Sends a prepared connection one request and waits for the reply. */
redis_exchange_end redis_connection_exchange(redis_connection *connection, redis_bytes request, redis_reply *reply);

void redis_connection_close(redis_connection *connection);

#endif
