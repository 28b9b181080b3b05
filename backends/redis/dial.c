/* hiredis could connect too. But it gives up at the first signal, tries one address only with the time for all, and
 * lets a program that is executed meanwhile inherit the socket. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dial.h"

#define SLICE_US INT64_C(20000) /* how often a wait looks whether it is still needed, or whether a queue has room */

/* ---- Waiting. These return 0 or an errno. */

/* Returns how long to wait until the next look at the time. 0: the time is over. */
static int64_t slice_us(const redis_dial *dial, int64_t until_us) {
    int64_t left_us = until_us - lesson_store_monotonic_us();
    if (left_us <= 0 || (dial->opening && lesson_store_location_gives_up(dial->opening)))
        return 0;
    return left_us < SLICE_US ? left_us : SLICE_US;
}

/* Waits for one slice. `socket` is -1 if nothing is awaited but time. */
static int wait_a_slice(const redis_dial *dial, int socket, int64_t until_us, bool *ready) {
    int64_t wait_us = slice_us(dial, until_us);
    if (wait_us == 0)
        return ETIMEDOUT;
    struct pollfd made = {.fd = socket, .events = POLLOUT};
    struct timespec left = {.tv_nsec = wait_us * 1000};
    int count = ppoll(&made, 1, &left, NULL);
    *ready = count > 0;
    return count < 0 && errno != EINTR ? errno : 0;
}

static int wait_until_connected(const redis_dial *dial, int socket, int64_t until_us) {
    bool ready = false;
    while (!ready) {
        int error = wait_a_slice(dial, socket, until_us, &ready);
        if (error)
            return error;
    }
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) < 0 ? errno : error;
}

/* A unix socket whose queue is full refuses with EAGAIN at once, where TCP would wait. */
static int connect_socket(const redis_dial *dial, int socket, const struct sockaddr *address, socklen_t size,
                          int64_t until_us) {
    while (connect(socket, address, size) != 0) {
        bool ready;
        if (errno == EINPROGRESS || errno == EINTR || errno == EALREADY)
            return wait_until_connected(dial, socket, until_us);
        if (errno != EAGAIN)
            return errno;
        int error = wait_a_slice(dial, -1, until_us, &ready);
        if (error)
            return error;
    }
    return 0;
}

/* ---- Sockets */

/* The channel waits in recv, which it limits by a timeout of the socket. A dead peer is noticed after half a minute. */
static int set_up(int socket, const redis_settings *settings, bool is_tcp) {
    const int on = 1, idle_s = 15, interval_s = 5, count = 3;
    struct timeval timeout = {.tv_sec = settings->timeout_ms / 1000, .tv_usec = settings->timeout_ms % 1000 * 1000L};
    int flags = fcntl(socket, F_GETFL);
    if (flags < 0 || fcntl(socket, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0)
        return errno;
    if (!is_tcp)
        return 0;
    bool is_set = setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
                  setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0 &&
                  setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s) == 0 &&
                  setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s) == 0 &&
                  setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count) == 0;
    return is_set ? 0 : errno;
}

static int make_socket(int *out, const redis_dial *dial, const struct sockaddr *address, socklen_t size,
                       int64_t until_us) {
    int made = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0)
        return errno;
    int error = connect_socket(dial, made, address, size, until_us);
    if (!error)
        error = set_up(made, dial->settings, address->sa_family != AF_UNIX);
    if (error)
        close(made);
    else
        *out = made;
    return error;
}

/* ---- Addresses */

/* As redis_channel_given_ms. Who gives up had no more time than until now. */
static int given_ms(const redis_dial *dial) {
    int64_t now_us = lesson_store_monotonic_us();
    return redis_rounded_ms((now_us < dial->until_us ? now_us : dial->until_us) - dial->began_us);
}

/* Where Sentinels or a Cluster named the server, the location does not say which one it is. */
static int fail(const redis_dial *dial, int error) {
    const redis_settings *settings = dial->settings;
    bool no_right = error == EACCES || error == EPERM;
    int code = no_right ? LESSON_STORE_DENIED : LESSON_STORE_UNREACHABLE;
    char to[REDIS_HOST_SIZE + 16] = "", within[32];
    if (settings->kind != REDIS_ONE_SERVER)
        snprintf(to, sizeof to, " to %s port %d", dial->address->host, dial->address->port);
    snprintf(within, sizeof within, " within %d ms", given_ms(dial));
    return error == ETIMEDOUT
               ? lesson_store_fail(code, "%s: no connection%s%s", settings->shown, to, within)
               : lesson_store_fail(code, "%s: no connection%s: %s", settings->shown, to, strerror(error));
}

static int dial_path(int *out, const redis_dial *dial) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", dial->settings->socket_path);
    int error = make_socket(out, dial, (const struct sockaddr *)&address, sizeof address, dial->until_us);
    return error ? fail(dial, error) : LESSON_STORE_OK;
}

static int fail_look_up(const redis_dial *dial, int error) {
    return lesson_store_fail(error == EAI_MEMORY ? LESSON_STORE_NO_MEMORY : LESSON_STORE_UNREACHABLE,
                             "%s: the host %s has no address: %s", dial->settings->shown, dial->address->host,
                             gai_strerror(error));
}

static int wait_for_addresses(redis_lookup *lookup, const redis_dial *dial) {
    int64_t wait_us;
    do {
        wait_us = slice_us(dial, dial->until_us);
        if (redis_lookup_wait(lookup, wait_us))
            return LESSON_STORE_OK;
    } while (wait_us > 0);
    return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the address of the host %s was not found within %d ms",
                             dial->settings->shown, dial->address->host, given_ms(dial));
}

static int count_of(const struct addrinfo *address) {
    int count = 0;
    for (; address; address = address->ai_next)
        count++;
    return count;
}

/* The time that is left is shared among the addresses that are left. */
static int dial_each(int *out, const redis_dial *dial, const struct addrinfo *addresses) {
    int error = ETIMEDOUT, left = count_of(addresses);
    for (const struct addrinfo *address = addresses; address && error; address = address->ai_next, left--) {
        int64_t now_us = lesson_store_monotonic_us();
        error =
            make_socket(out, dial, address->ai_addr, address->ai_addrlen, now_us + (dial->until_us - now_us) / left);
    }
    return error ? fail(dial, error) : LESSON_STORE_OK;
}

static int dial_host(int *out, const redis_dial *dial) {
    const struct addrinfo *addresses;
    redis_lookup *lookup = redis_lookup_begin(dial->lookups, dial->address);
    if (!lookup)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a connection", dial->settings->shown);
    int code = wait_for_addresses(lookup, dial);
    if (!code) {
        int error = redis_lookup_result(lookup, &addresses);
        code = error ? fail_look_up(dial, error) : dial_each(out, dial, addresses);
    }
    redis_lookup_end(lookup);
    return code;
}

int redis_dial_open(int *out, const redis_dial *dial) {
    return dial->address->host[0] ? dial_host(out, dial) : dial_path(out, dial);
}
