/* One connection to one server: connecting, sending requests, and receiving their replies in order and within a time
 * limit. */
#ifndef LESSON_STORE_REDIS_CONNECTION_H
#define LESSON_STORE_REDIS_CONNECTION_H

#include "channel.h"
#include "reply.h"
#include "request.h"

/* Whether the server has EVALSHA_RO, and the account may call it. */
typedef enum redis_read_only_calls {
    REDIS_READ_ONLY_NO,
    REDIS_READ_ONLY_MAYBE,
    REDIS_READ_ONLY_YES
} redis_read_only_calls;

typedef struct redis_connection {
    const redis_settings *settings; /* of the instance, which owns them */
    int64_t *deadline_us;           /* of the instance: see lesson_store_instance */
    redis_tls_context *tls;         /* of the instance; NULL: in the clear */
    redis_channel channel;
    uint64_t made;    /* number of connections made so far */
    int64_t made_us;  /* when the current one was made */
    int under_way;    /* requests that were sent and have no reply yet */
    int64_t heard_us; /* when the latest reply was complete */
    redisReader *reader;
    redis_read_only_calls read_only_calls;
    char engine[64]; /* "Redis 7.0.15" */
    char mode[32];   /* "standalone" */
} redis_connection;

/* The result of sending, of receiving, or of an exchange (both). After every result but ANSWERED, the message is set
 * and the connection is closed, so that a late reply can never be taken for the reply to another request. */
typedef enum redis_exchange_end {
    REDIS_ANSWERED,           /* for sending: the request is under way */
    REDIS_UNSENT,             /* the connection broke before the server had the whole request: it was certainly not
                               * executed */
    REDIS_UNSENT_IN_TIME,     /* the same, because of a timeout */
    REDIS_BROKEN,             /* sent, but the connection broke before the reply was complete */
    REDIS_UNANSWERED_IN_TIME, /* sent, but the reply was not complete in time */
    REDIS_GARBLED,            /* sent, but the reply is not one of a Redis server */
    REDIS_NO_MEMORY,          /* sent, but there was no memory for the reply */
    REDIS_NO_MEMORY_TO_SEND   /* set by the callers of these functions: there was no memory for the request */
} redis_exchange_end;

/* Connects if there is no connection, or if the server has closed it meanwhile. No request may be under way. Returns
 * OK, or a code with its message set.
 *
 * The deadline of the call limits connecting, greeting and the first exchange. Each further exchange has the whole
 * `timeout_ms` again: what a call has begun it may finish as long as the server replies. */
int redis_connection_prepare(redis_connection *connection);

/* Sends a request over a prepared connection, also while others are under way. Replies to those are received meanwhile,
 * so that client and server never wait for each other. If the request cannot be sent while others are under way, the
 * connection stays open, so that their replies can still be received. */
redis_exchange_end redis_connection_send(redis_connection *connection, redis_bytes request);

/* Waits for the reply to the oldest request under way. */
redis_exchange_end redis_connection_receive(redis_connection *connection, redis_reply *reply);

/* Sends one request and waits for the reply. */
redis_exchange_end redis_connection_exchange(redis_connection *connection, redis_bytes request, redis_reply *reply);

/* The same for the greeting. A server that refuses a client states why and closes the connection, maybe before the
 * client could send anything. In that case the reply is the server's statement. The connection may stay open. */
redis_exchange_end redis_connection_exchange_greeting(redis_connection *connection, redis_bytes request,
                                                      redis_reply *reply);

void redis_connection_close(redis_connection *connection);

#endif
