/* One connection to one server: making it, sending requests, and receiving their replies in that order and in time. */
#ifndef LESSON_STORE_REDIS_CONNECTION_H
#define LESSON_STORE_REDIS_CONNECTION_H

#include "channel.h"
#include "reply.h"
#include "request.h"

typedef struct redis_connection {
    const redis_settings *settings; /* of the instance, which owns them */
    redis_channel channel;
    uint64_t made;    /* connections so far */
    int64_t made_us;  /* when the current one was made */
    int under_way;    /* requests that were sent and not answered yet */
    int64_t heard_us; /* when the latest reply was whole */
    redisReader *reader;
    char engine[64]; /* "Redis 7.0.15" */
    char mode[32];   /* "standalone" */
} redis_connection;

/* How sending, or receiving, or an exchange (both) ended. After all but ANSWERED the failure is announced and the
 * connection closed, so that a late reply can never be taken for that to another request. */
typedef enum redis_exchange_end {
    REDIS_ANSWERED,           /* of sending: the request is under way */
    REDIS_UNSENT,             /* broken before the server had all of the request: certainly not executed */
    REDIS_UNSENT_IN_TIME,     /* the same, because time ran out */
    REDIS_BROKEN,             /* sent, and the connection broke before the reply was whole */
    REDIS_UNANSWERED_IN_TIME, /* sent, and time ran out before the reply was whole */
    REDIS_GARBLED,            /* sent, and what came back is no reply of a Redis server */
    REDIS_NO_MEMORY,          /* sent, and there was no memory for the reply */
    REDIS_NO_MEMORY_TO_SEND   /* told by the callers of these: there was no memory for the request */
} redis_exchange_end;

/* Connects if there is no connection or the server has closed it meanwhile. Nothing may be under way. OK, or a code,
 * announced. */
int redis_connection_prepare(redis_connection *connection);

/* Sends a prepared connection a request, also while others are under way. Then what they are answered is taken in
 * meanwhile, so that this side and the server never wait for each other; and if the request cannot be sent, the
 * connection is left open, so that the answers can still be received. */
redis_exchange_end redis_connection_send(redis_connection *connection, redis_bytes request);

/* Waits for the reply to the oldest request under way. */
redis_exchange_end redis_connection_receive(redis_connection *connection, redis_reply *reply);

/* Sends one request and waits for the reply. */
redis_exchange_end redis_connection_exchange(redis_connection *connection, redis_bytes request, redis_reply *reply);

/* The same in the greeting: a server that lets nobody in says why and closes the connection, maybe before anything
 * could be sent. What it says is the reply then. The connection may be left open. */
redis_exchange_end redis_connection_exchange_greeting(redis_connection *connection, redis_bytes request,
                                                      redis_reply *reply);

void redis_connection_close(redis_connection *connection);

#endif
