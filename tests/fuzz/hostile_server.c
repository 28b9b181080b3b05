#include "hostile_server.h"

#include "count_requests.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define RECEIVE_TIMEOUT_NS SECOND_NS /* the timeout_ms of the location */

/* To HELLO, CLIENT SETNAME, ROLE, and EXISTS of the events. */
static const char greeting[] =
    "*14\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n7.0.15\r\n$5\r\nproto\r\n:2\r\n"
    "$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
    "$7\r\nmodules\r\n*0\r\n+OK\r\n*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n:0\r\n";
static const char no_events[] = ":0\r\n";
static const char role[] = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";
static const char nowhere[] = "*6\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n";
static const char no_entries[] = "*0\r\n"; /* to XRANGE and XREVRANGE */

static struct {
    fuzz_input answers;
    bool polite;
    bool sound;
    int64_t waited_ns; /* time spent waiting for the server, on a clock that jumps ahead */
    /* of the connection */
    char pending[65536]; /* replies to requests under way */
    size_t pending_size;
    bool dribbles;
    bool closes; /* after the pending replies */
    bool stalls;
} server;

static void forget_connection(void) {
    server.pending_size = 0;
    server.dribbles = server.closes = server.stalls = false;
}

void hostile_server_answer(const uint8_t *answers, size_t size, bool polite) {
    server.answers = (fuzz_input){answers, size};
    server.polite = polite;
    server.sound = false;
    server.waited_ns = 0;
    forget_connection();
}

void hostile_server_end(void) {
    server.waited_ns = 0;
}

void hostile_server_reform(void) {
    server.sound = true;
    forget_connection();
}

/* ---- Answering */

static void send_bytes(const void *bytes, size_t size) {
    size_t room = sizeof server.pending - server.pending_size;
    size = size < room ? size : room;
    memcpy(server.pending + server.pending_size, bytes, size);
    server.pending_size += size;
}

/* False if the request is not accepted. */
static bool answer_from_input(void) {
    if (server.answers.size == 0) {
        server.closes = true;
        return true;
    }
    fuzz_input answer = fuzz_take_part(&server.answers, '|');
    switch (answer.size > 0 ? answer.data[0] : 0) {
    case '!':
        server.closes = true;
        break;
    case '~':
        server.stalls = true;
        break;
    case '^':
        server.dribbles = true;
        break;
    case '=':
        server.closes = true;
        return false;
    default:
        send_bytes(answer.data, answer.size);
        return true;
    }
    send_bytes(answer.data + 1, answer.size - 1);
    return true;
}

static bool answer_each(const char *requests, size_t size) {
    bool accepted = true;
    for (int left = count_requests(requests, size); left > 0 && accepted && !server.closes; left--)
        accepted = answer_from_input();
    return accepted;
}

static bool answer(const char *request, size_t size) {
    bool greets = memmem(request, size, "\r\nHELLO\r\n", 9) != NULL;
    bool asks_role = size < 32 && memmem(request, size, "\r\nROLE\r\n", 8) != NULL;
    bool asks_events = memmem(request, size, "\r\nEXISTS\r\n", 10) != NULL;
    bool asks_entries = memmem(request, size, "RANGE\r\n", 7) != NULL;
    if (greets && (server.polite || server.sound))
        send_bytes(greeting, sizeof greeting - 1);
    else if (asks_role && server.sound)
        send_bytes(role, sizeof role - 1);
    else if (asks_events && server.sound)
        send_bytes(no_events, sizeof no_events - 1);
    else if (asks_entries && server.sound)
        send_bytes(no_entries, sizeof no_entries - 1);
    else if (server.sound)
        send_bytes(nowhere, sizeof nowhere - 1);
    else
        return answer_each(request, size);
    return true;
}

/* ---- What the backend calls */

int __wrap_connect(int descriptor, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int descriptor, const struct sockaddr *address, socklen_t size) {
    (void)descriptor, (void)address, (void)size;
    forget_connection();
    errno = ECONNREFUSED;
    return server.answers.size == 0 && !server.sound ? -1 : 0;
}

ssize_t __wrap_send(int descriptor, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int descriptor, const void *bytes, size_t size, int flags) {
    (void)descriptor, (void)flags;
    if (!server.closes && answer(bytes, size))
        return (ssize_t)size;
    errno = EPIPE;
    return -1;
}

ssize_t __wrap_recv(int descriptor, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int descriptor, void *bytes, size_t size, int flags) {
    (void)descriptor;
    if (server.pending_size == 0 && server.closes && !server.stalls)
        return 0;
    if (server.pending_size == 0) {
        server.waited_ns += flags & MSG_DONTWAIT ? 0 : RECEIVE_TIMEOUT_NS;
        errno = EAGAIN;
        return -1;
    }
    size_t most = server.dribbles ? 1 : size;
    size_t count = most < server.pending_size ? most : server.pending_size;
    memcpy(bytes, server.pending, count);
    if (flags & MSG_PEEK)
        return (ssize_t)count;
    server.pending_size -= count;
    memmove(server.pending, server.pending + count, server.pending_size);
    return (ssize_t)count;
}

int __wrap_ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *time, const sigset_t *signals);
int __wrap_ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *time, const sigset_t *signals) {
    (void)signals;
    if (count > 0 && (server.pending_size > 0 || (server.closes && !server.stalls))) {
        descriptors->revents = descriptors->events;
        return 1;
    }
    server.waited_ns += time->tv_sec * SECOND_NS + time->tv_nsec;
    return 0;
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now) {
    int result = __real_clock_gettime(clock, now);
    int64_t nanoseconds = now->tv_nsec + server.waited_ns;
    now->tv_sec += nanoseconds / SECOND_NS;
    now->tv_nsec = nanoseconds % SECOND_NS;
    return result;
}
