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

/* What a connection leads to. Only a server of lessons is asked for its version and its role. */
typedef enum redis_peer { REDIS_PEER_SERVER, REDIS_PEER_SENTINEL, REDIS_PEER_NODE } redis_peer;

typedef enum redis_role {
    REDIS_ROLE_UNKNOWN, /* a proxy, or an account without the right to ROLE */
    REDIS_ROLE_PRIMARY,
    REDIS_ROLE_REPLICA
} redis_role;

typedef struct redis_connection {
    const redis_settings *settings;  /* of the instance, which owns them */
    int64_t *deadline_us;            /* of the instance: see lesson_store_instance */
    const redis_shared *shared;      /* of the topology */
    lesson_store_observer *observer; /* of the instance; NULL for peers that are no servers of lessons */
    redis_peer peer;
    redis_channel channel;
    redis_address address;        /* of the peer */
    char at[REDIS_HOST_SIZE + 8]; /* "HOST:PORT: " for messages, if the location does not name the peer; else "" */
    int64_t open_until_us;        /* when connecting and greeting must be done */
    uint64_t made;                /* number of connections made so far */
    int64_t made_us;              /* when the current one was made */
    int under_way;                /* requests that were sent and have no reply yet */
    int64_t heard_us;             /* when the latest reply was complete */
    redisReader *reader;
    redis_read_only_calls read_only_calls;
    redis_role role;
    int64_t asked_us;        /* when the server last answered ROLE, or the question for events */
    bool is_role_under_way;  /* ROLE was sent before the request under way */
    bool is_feed_under_way;  /* and so was the question for events, behind it */
    bool was_asked_for_feed; /* in the greeting: a proxy that knows no greeting is asked for nothing */
    redis_reply role_reply;
    bool keeps_events;    /* the server has events, so the scripts write them */
    bool was_unreachable; /* the latest attempt to connect failed */
    bool is_refused;      /* the latest failure to connect was a refusal that will pass, such as that of a replica */
    char engine[64];      /* "Redis 7.0.15" */
    char mode[32];        /* "standalone" */
} redis_connection;

/* The result of sending, of receiving, or of an exchange (both). After every result but ANSWERED, the message is set
 * and, unless stated otherwise, the connection is closed, so that a late reply can never be taken for the reply to
 * another request. */
typedef enum redis_exchange_end {
    REDIS_ANSWERED,           /* for sending: the request is under way */
    REDIS_UNSENT,             /* the connection broke before the server had the whole request: it was certainly not
                               * executed */
    REDIS_UNSENT_IN_TIME,     /* the same, because of a timeout */
    REDIS_BROKEN,             /* sent, but the connection broke before the reply was complete */
    REDIS_UNANSWERED_IN_TIME, /* sent, but the reply was not complete in time */
    REDIS_DEMOTED,            /* sent to a server that is the primary no more, so no answer of it counts */
    REDIS_GARBLED,            /* sent, but the reply is not one of a Redis server */
    REDIS_NO_MEMORY,          /* sent, but there was no memory for the reply */
    REDIS_NO_MEMORY_TO_SEND   /* there was no memory for the request, and the connection stays as it was */
} redis_exchange_end;

/* Connects to a peer and greets it. An open connection is closed first. Returns OK, or a code with its message set.
 *
 * The deadline of the call limits connecting, greeting and the first exchange. Each further exchange has the whole
 * `timeout_ms` again: what a call has begun it may finish as long as the server replies. `until_us` limits connecting
 * further. */
int redis_connection_open(redis_connection *connection, const redis_address *address, int64_t until_us);

/* True if there is a connection that the server has not closed meanwhile. No request may be under way. */
bool redis_connection_is_usable(const redis_connection *connection);

/* UNREACHABLE if the time of the call is over, otherwise OK. */
int redis_connection_check_time(const redis_connection *connection);

/* How long the call may still wait, at most for this limit. */
int64_t redis_connection_left_us(const redis_connection *connection, int limit_ms);

/* Sends a request over a usable connection, also while others are under way. Replies to those are received meanwhile,
 * so that client and server never wait for each other. If the request cannot be sent while others are under way, the
 * connection stays open, so that their replies can still be received. */
redis_exchange_end redis_connection_send(redis_connection *connection, redis_bytes request);

/* The same for several requests at once. */
redis_exchange_end redis_connection_send_many(redis_connection *connection, redis_bytes requests, int count);

/* Waits for the reply to the oldest request under way. */
redis_exchange_end redis_connection_receive(redis_connection *connection, redis_reply *reply);

/* Receives what has arrived, without waiting, into the reply that the reader collects. ANSWERED: that reply is
 * complete. UNANSWERED_IN_TIME: more is to come, and the connection stays open. Otherwise it is closed. */
redis_exchange_end redis_connection_take_arrived(redis_connection *connection);

/* Sends one request and waits for the reply. */
redis_exchange_end redis_connection_exchange(redis_connection *connection, redis_bytes request, redis_reply *reply);

/* The same for a plain command of these words, which end with a NULL. */
redis_exchange_end redis_connection_send_words(redis_connection *connection, const char *const *words);
redis_exchange_end redis_connection_exchange_words(redis_connection *connection, const char *const *words,
                                                   redis_reply *reply);

/* The same for the greeting, which is several requests at once. A server that refuses a client states why and closes
 * the connection, maybe before the client could send anything. In that case the first reply is the server's statement.
 * The connection may stay open. */
redis_exchange_end redis_connection_send_greeting(redis_connection *connection, redis_bytes requests, int count);
redis_exchange_end redis_connection_receive_greeting(redis_connection *connection, redis_reply *reply);

/* Returns the role in a reply to ROLE. */
redis_role redis_connection_read_role(redis_reply *reply);

/* Begins the question whether the server has events. */
void redis_connection_begin_feed_question(const redis_connection *connection, redis_request *request);

/* Reads the reply. An account without the right to ask writes no events. */
bool redis_connection_read_feed_answer(redis_reply *reply);

void redis_connection_close(redis_connection *connection);

/* Closes it, and frees what it keeps. */
void redis_connection_free(redis_connection *connection);

#endif
