/*
 * A channel moves bytes to a server and back, in time. It knows nothing of requests and replies.
 *
 * Nothing else here touches the socket, so a channel over TLS can be a second implementation of these functions.
 *
 * hiredis makes the connection; the bytes are then moved here, because hiredis neither bounds the time of a whole
 * request, nor tells a request that was not sent from one whose reply was lost, nor keeps SIGPIPE from the process.
 */
#ifndef LESSON_STORE_REDIS_CHANNEL_H
#define LESSON_STORE_REDIS_CHANNEL_H

#include <sys/types.h>

#include "settings.h"

/* The time that the server has for the oldest request under way. Only waiting counts, and not what callbacks do with a
 * reply that is handed on piece by piece; a server that sends its reply byte by byte gets no more time by it. */
typedef struct redis_patience {
    int64_t whole_us;
    int64_t left_us;
} redis_patience;

typedef struct redis_channel {
    int socket; /* -1: not connected */
    redis_patience patience;
    const char *problem; /* why the latest call returned BROKEN; valid until the next call */
} redis_channel;

typedef enum redis_channel_end {
    REDIS_CHANNEL_DONE,
    REDIS_CHANNEL_BROKEN,
    REDIS_CHANNEL_TIMED_OUT /* no patience is left */
} redis_channel_end;

/* Takes what arrives while something is being sent. */
typedef void (*redis_take_function)(const char *bytes, size_t size, void *context);

/* Connects. OK, or a code, announced. */
int redis_channel_open(redis_channel *channel, const redis_settings *settings);
void redis_channel_close(redis_channel *channel);

static inline bool redis_channel_is_open(const redis_channel *channel) {
    return channel->socket >= 0;
}

/* Gives the server this much time from now on. */
void redis_channel_begin_patience(redis_channel *channel, int milliseconds);

/* Sends all of the bytes. While the server takes no more, waits until it does; if `take` is given, what arrives
 * meanwhile is handed to it. After BROKEN and TIMED_OUT the server never got the last of the bytes. */
redis_channel_end redis_channel_send(redis_channel *channel, const char *bytes, size_t size, redis_take_function take,
                                     void *context);

/* Waits for bytes, and receives up to `size` of them; `*received` becomes how many. */
redis_channel_end redis_channel_receive(redis_channel *channel, char *bytes, size_t size, size_t *received);

/* True if something has arrived that was not received yet. */
bool redis_channel_has_arrivals(const redis_channel *channel);

/* True if the server has closed the channel, or said something unasked, which makes it useless. Looked at before
 * anything is sent, because afterwards a write might have been applied. */
bool redis_channel_is_stale(const redis_channel *channel);

#endif
