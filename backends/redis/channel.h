/*
 * A channel moves bytes to a server and back, within a time limit. It does not know requests and replies.
 *
 * Only channel.c knows sockets and whether bytes go over TLS (tls.h). A channel in the clear costs no more for that
 * than a look at one pointer.
 *
 * Of hiredis only the reader is used (reply.c). Its connections do not limit the time of a whole request, do not
 * distinguish a request that was not sent from one whose reply was lost, and do not keep SIGPIPE from the process.
 */
#ifndef LESSON_STORE_REDIS_CHANNEL_H
#define LESSON_STORE_REDIS_CHANNEL_H

#include <sys/types.h>

#include "lookup.h"
#include "tls.h"

/* What all connections of a store share. */
typedef struct redis_shared {
    redis_tls_context *tls; /* NULL: they are in the clear */
    redis_lookups *lookups;
} redis_shared;

typedef struct redis_channel {
    int socket;                /* -1: not connected */
    redis_tls *tls;            /* NULL: in the clear */
    int64_t socket_timeout_us; /* how long the socket itself waits in recv */

    /* The time that the server has for the oldest request under way. Only waiting counts, not what callbacks do with a
     * reply that is passed on in pieces. A server that sends its reply byte by byte gets no extra time. */
    int64_t left_us;
    int64_t given_us; /* what `left_us` was at first */

    pid_t process;                        /* that has connected */
    bool is_inherited;                    /* this process is a child of that one, and must not use the socket */
    const lesson_store_location *opening; /* while the instance is opened: waiting ends if this gives up. Else NULL */
    const char *problem;                  /* why the latest call returned BROKEN; valid until the next call */
    int code;                             /* then UNREACHABLE, or DENIED: one side refuses the other's certificate */
} redis_channel;

typedef enum redis_channel_end {
    REDIS_CHANNEL_DONE,
    REDIS_CHANNEL_BROKEN,
    REDIS_CHANNEL_TIMED_OUT /* the time is used up */
} redis_channel_end;

/* Receives what arrives while a request is being sent. */
typedef void (*redis_take_function)(const char *bytes, size_t size, void *context);

/* Connects to this address, until `until_us`; over TLS if there is a context for it, to a server whose certificate must
 * name the host. `at` is "HOST:PORT: " for messages, or "" if the location says it. Returns OK, or a code with its
 * message set; then the caller closes the channel. */
int redis_channel_open(redis_channel *channel, const redis_settings *settings, const redis_address *address,
                       const char *at, const redis_shared *shared, int64_t until_us);
void redis_channel_close(redis_channel *channel);

/* Called after a callback of the application, which can have forked. */
void redis_channel_look_for_fork(redis_channel *channel);

static inline bool redis_channel_is_open(const redis_channel *channel) {
    return channel->socket >= 0;
}

/* Begins to limit the time anew. */
static inline void redis_channel_give_time(redis_channel *channel, int64_t given_us) {
    channel->given_us = channel->left_us = given_us;
}

/* Returns the limit, for the message of a timeout. It is rarely a whole setting: the call, connecting and one server of
 * several have limits, and the first one ends the wait. */
int redis_channel_given_ms(const redis_channel *channel);

/* Sends all of the bytes. While the server accepts no more, waits until it does. Bytes that arrive meanwhile are passed
 * to `take`, if it is given. After BROKEN and TIMED_OUT the server did not get the last of the bytes. */
redis_channel_end redis_channel_send(redis_channel *channel, const char *bytes, size_t size, redis_take_function take,
                                     void *context);

/* Waits for bytes and receives up to `size` of them. `*received` becomes their number. */
redis_channel_end redis_channel_receive(redis_channel *channel, char *bytes, size_t size, size_t *received);

/* True if bytes have arrived that were not received yet. Over TLS they can be an alert, which receiving reports. */
bool redis_channel_has_arrivals(const redis_channel *channel);

/* True if bytes that have arrived are in memory already. After the last reply there should be none. */
static inline bool redis_channel_has_pending(const redis_channel *channel) {
    return channel->tls && redis_tls_has_pending(channel->tls);
}

/* True if the server has closed the channel, or has sent something unasked, which makes the channel useless. Check this
 * before sending anything: after sending, a write might have been applied. */
bool redis_channel_is_stale(const redis_channel *channel);

#endif
