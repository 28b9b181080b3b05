#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "dial.h"

#define MAKE_WAY_SIZE 16384 /* bytes received at a time while sending */
#define MICROSECONDS INT64_C(1000000)

/* ---- In the clear, or over TLS. These are send and recv, without waiting, and with the flags of recv. */

static ssize_t send_some(redis_channel *channel, const char *bytes, size_t size) {
    if (channel->tls)
        return redis_tls_send(channel->tls, bytes, size);
    return send(channel->socket, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t receive_by(redis_channel *channel, char *bytes, size_t size, int flags) {
    if (channel->tls)
        return redis_tls_receive(channel->tls, bytes, size, flags);
    return recv(channel->socket, bytes, size, flags);
}

/* The events that come before more can be sent, or received; 0 if bytes are here already. */
static short send_events(const redis_channel *channel) {
    return channel->tls ? redis_tls_send_events(channel->tls) : POLLOUT;
}

static short receive_events(const redis_channel *channel) {
    return channel->tls ? redis_tls_receive_events(channel->tls) : POLLIN;
}

/* ---- Moving bytes */

/* Called after a failed send or receive. True if it is to be retried. */
static bool go_on(const redis_channel *channel) {
    return (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) && channel->left_us > 0;
}

static redis_channel_end fail(redis_channel *channel, const char *problem) {
    channel->problem = problem;
    channel->code = LESSON_STORE_UNREACHABLE;
    return REDIS_CHANNEL_BROKEN;
}

/* Over TLS, errno would say only "protocol error". `problem` is for a channel in the clear. */
static redis_channel_end fail_by(redis_channel *channel, const char *problem) {
    if (!channel->tls)
        return fail(channel, problem);
    fail(channel, redis_tls_problem(channel->tls));
    channel->code = redis_tls_code(channel->tls);
    return REDIS_CHANNEL_BROKEN;
}

/* The result of a failed send or receive that is not to be retried. */
static redis_channel_end end_of_failure(redis_channel *channel) {
    return channel->left_us > 0 ? fail_by(channel, strerror(errno)) : REDIS_CHANNEL_TIMED_OUT;
}

#define SLICE_US INT64_C(20000) /* how often an instance that is opened is asked whether it is still needed */

int redis_channel_given_ms(const redis_channel *channel) {
    return redis_rounded_ms(channel->given_us);
}

/* Waits until the socket is ready for one of these events. Returns the events that are ready, or 0. */
static short wait_for(redis_channel *channel, short events) {
    if (channel->opening && lesson_store_location_gives_up(channel->opening)) {
        channel->given_us -= channel->left_us;
        channel->left_us = 0;
    }
    int64_t wait_us = channel->opening && channel->left_us > SLICE_US ? SLICE_US : channel->left_us;
    wait_us = wait_us > 0 ? wait_us : 0;
    struct pollfd ready = {.fd = channel->socket, .events = events};
    struct timespec left = {.tv_sec = wait_us / MICROSECONDS, .tv_nsec = wait_us % MICROSECONDS * 1000};
    int64_t began_us = lesson_store_monotonic_us();
    int count = ppoll(&ready, 1, &left, NULL);
    channel->left_us -= lesson_store_monotonic_us() - began_us;
    return count > 0 ? ready.revents : 0;
}

/* Called when the server accepts no more bytes: waits until it does, and receives what arrives meanwhile. False if the
 * server has closed its side, or what it sent is no TLS. Then the socket stays readable forever and will hardly accept
 * more. */
static bool make_way(redis_channel *channel, redis_take_function take, void *context) {
    char bytes[MAKE_WAY_SIZE];
    short awaited = send_events(channel);
    awaited = (short)(take ? awaited | POLLIN : awaited);
    if (!(wait_for(channel, awaited) & awaited & POLLIN) || !take)
        return true;
    ssize_t received = receive_by(channel, bytes, sizeof bytes, MSG_DONTWAIT);
    if (received > 0)
        take(bytes, (size_t)received, context);
    return received > 0 || (received < 0 && errno != EPROTO);
}

static const char inherited[] = "the connection belongs to the parent of this process";

redis_channel_end redis_channel_send(redis_channel *channel, const char *bytes, size_t size, redis_take_function take,
                                     void *context) {
    if (channel->is_inherited)
        return fail(channel, inherited);
    while (size > 0) {
        ssize_t sent = send_some(channel, bytes, size);
        if (sent >= 0) {
            bytes += sent;
            size -= (size_t)sent;
        } else if (!go_on(channel)) {
            return end_of_failure(channel);
        } else if (errno != EINTR && !make_way(channel, take, context)) {
            return fail_by(channel, strerror(EPIPE));
        }
    }
    return REDIS_CHANNEL_DONE;
}

#define SLACK_US 1000

/* Receives once, as recv does. If nearly as much time is left as the socket itself waits, recv does the waiting. This
 * saves one of two system calls in nearly every exchange. */
static ssize_t receive_some(redis_channel *channel, char *bytes, size_t size) {
    if (channel->opening || channel->socket_timeout_us - channel->left_us > SLACK_US) {
        short awaited = receive_events(channel);
        if (awaited)
            wait_for(channel, awaited);
        return receive_by(channel, bytes, size, MSG_DONTWAIT);
    }
    int64_t began_us = lesson_store_monotonic_us();
    ssize_t received = receive_by(channel, bytes, size, 0);
    int error = errno;
    channel->left_us -= lesson_store_monotonic_us() - began_us;
    errno = error;
    return received;
}

redis_channel_end redis_channel_receive(redis_channel *channel, char *bytes, size_t size, size_t *received) {
    if (channel->is_inherited)
        return fail(channel, inherited);
    ssize_t count;
    do
        count = receive_some(channel, bytes, size);
    while (count < 0 && go_on(channel));
    if (count < 0)
        return end_of_failure(channel);
    *received = (size_t)count;
    return count > 0 ? REDIS_CHANNEL_DONE : fail_by(channel, "the server closed the connection instead of replying");
}

/* ---- Looking */

static ssize_t peek(const redis_channel *channel) {
    char byte;
    return recv(channel->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
}

bool redis_channel_has_arrivals(const redis_channel *channel) {
    return redis_channel_has_pending(channel) || peek(channel) > 0;
}

bool redis_channel_is_stale(const redis_channel *channel) {
    if (channel->tls)
        return redis_tls_is_stale(channel->tls);
    return peek(channel) >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* ---- Connecting */

/* A child shares the socket with its parent, who goes on using it. */
void redis_channel_close(redis_channel *channel) {
    redis_tls_close(channel->tls, channel->process == getpid());
    channel->tls = NULL;
    if (channel->socket >= 0)
        close(channel->socket);
    channel->socket = -1;
}

void redis_channel_look_for_fork(redis_channel *channel) {
    channel->is_inherited = channel->process != getpid();
}

/* The handshake has the rest of the time for connecting. */
static int shake_hands(redis_channel *channel, const redis_settings *settings, const char *at, int64_t until_us) {
    redis_channel_give_time(channel, until_us - lesson_store_monotonic_us());
    while (redis_tls_shake_hands(channel->tls) < 0) {
        if (channel->left_us <= 0)
            return lesson_store_fail(LESSON_STORE_UNREACHABLE,
                                     "%s: %sno TLS handshake within %d ms (does this port speak TLS?)", settings->shown,
                                     at, redis_channel_given_ms(channel));
        if (!go_on(channel))
            return lesson_store_fail(redis_tls_code(channel->tls), "%s: %s%s", settings->shown, at,
                                     redis_tls_problem(channel->tls));
        wait_for(channel, receive_events(channel));
    }
    return LESSON_STORE_OK;
}

int redis_channel_open(redis_channel *channel, const redis_settings *settings, const redis_address *address,
                       const char *at, const redis_shared *shared, int64_t until_us) {
    const redis_dial dial = {.settings = settings,
                             .address = address,
                             .lookups = shared->lookups,
                             .opening = channel->opening,
                             .began_us = lesson_store_monotonic_us(),
                             .until_us = until_us};
    channel->socket_timeout_us = settings->timeout_ms * INT64_C(1000);
    channel->process = getpid();
    int code = redis_dial_open(&channel->socket, &dial);
    if (!code && shared->tls)
        code = redis_tls_open(&channel->tls, shared->tls, channel->socket, address->host);
    return code || !shared->tls ? code : shake_hands(channel, settings, at, until_us);
}
