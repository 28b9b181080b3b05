#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "false_server.h"

#include "count_requests.h"

#define LOOK_AGAIN_MS 5 /* how soon a change of part is noticed while no bytes come */

struct false_server {
    char directory[128];
    char path[160];
    char location[256];
    const char *_Atomic real;
    int listener;
    int port;
    pthread_t thread;
    atomic_bool ends;
    atomic_int part;
    atomic_int connections;
    const char *_Atomic answer;
    const char *const *_Atomic answers; /* the next one, and those behind it; NULL: `answer` for each */
    atomic_int direction;               /* of CUT, SHUT and HOLD */
    atomic_size_t bytes_left;           /* until the part takes effect */
};

static struct sockaddr_un address_of(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    return address;
}

/* Small pieces are to be sent as they are. */
static int without_delay(int made) {
    const int on = 1;
    setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return made;
}

static int connect_to(const char *to) {
    bool is_path = to[0] == '/';
    struct sockaddr_un by_path = address_of(is_path ? to : "");
    struct sockaddr_in by_port = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    by_port.sin_port = htons((uint16_t)strtol(to, NULL, 10));
    int real = socket(is_path ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = is_path ? connect(real, (struct sockaddr *)&by_path, sizeof by_path)
                         : connect(real, (struct sockaddr *)&by_port, sizeof by_port);
    if (!failed)
        return is_path ? real : without_delay(real);
    close(real);
    return -1;
}

/* Gives up when the connection is to be closed, because the thread that closes it may be the one that does not read. */
static bool send_all(false_server *server, int to, const char *bytes, size_t size) {
    while (size > 0 && !server->ends && server->part != CLOSE_NOW) {
        struct pollfd ready = {.fd = to, .events = POLLOUT};
        if (poll(&ready, 1, LOOK_AGAIN_MS) <= 0)
            continue;
        ssize_t sent = send(to, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0)
            return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return size == 0;
}

static bool dribble(false_server *server, int to, const char *bytes, size_t size) {
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    for (size_t i = 0; i < size; i++) {
        if (server->ends || !send_all(server, to, bytes + i, 1))
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* ---- Bytes that are counted */

static bool breaks(const false_server *server, false_server_direction direction) {
    int part = server->part;
    return (part == CUT || part == SHUT || part == HOLD) && server->direction == (int)direction;
}

/* The other direction goes on until one of the two sides closes the connection. */
static bool shut(false_server *server, int to, int from) {
    server->part = PASS_ON;
    shutdown(to, SHUT_WR);
    for (char bytes[4096]; !server->ends;) {
        struct pollfd ready[2] = {{.fd = to, .events = POLLIN}, {.fd = from, .events = POLLIN}};
        poll(ready, 2, LOOK_AGAIN_MS);
        if (ready[1].revents && recv(from, bytes, sizeof bytes, 0) <= 0)
            break;
        ssize_t size = ready[0].revents ? recv(to, bytes, sizeof bytes, 0) : 0;
        if (ready[0].revents && (size <= 0 || !send_all(server, from, bytes, (size_t)size)))
            break;
    }
    return false;
}

/* Passes on as many bytes as allowed. False if the connection is to be closed. */
static bool pass_counted(false_server *server, int to, int from, const char *bytes, size_t size) {
    size_t most = server->bytes_left, passed = size < most ? size : most;
    server->bytes_left = most - passed;
    if (!send_all(server, to, bytes, passed))
        return false;
    if (passed < most)
        return true;
    if (server->part == SHUT)
        return shut(server, to, from);
    if (server->part == CUT) {
        server->part = PASS_ON;
        return false;
    }
    while (!server->ends && server->part == HOLD)
        poll(NULL, 0, 1);
    return send_all(server, to, bytes + passed, size - passed);
}

/* Passes on the first bytes one by one, and later ones in growing pieces, so that a long reply does not take a system
 * call for each byte. */
static bool chop(false_server *server, int to, const char *bytes, size_t size) {
    for (size_t sent = 0, piece; sent < size; sent += piece) {
        piece = 1 + sent / 64;
        piece = piece < size - sent ? piece : size - sent;
        if (!send_all(server, to, bytes + sent, piece))
            return false;
    }
    return true;
}

static void say_no_more(false_server *server, int client) {
    shutdown(client, SHUT_WR);
    while (!server->ends && server->part == SAY_NO_MORE)
        poll(NULL, 0, LOOK_AGAIN_MS);
}

static const char *next_answer(false_server *server) {
    const char *const *answers = server->answers;
    if (!answers)
        return server->answer;
    if (answers[1])
        server->answers = answers + 1;
    return answers[0];
}

static bool answer_each(false_server *server, int client, const char *bytes, size_t size) {
    for (int left = count_requests(bytes, size); left > 0; left--) {
        const char *text = next_answer(server);
        if (!send_all(server, client, text, strlen(text)))
            return false;
    }
    return true;
}

/* Each of these two is false if the connection is to be closed. */
static bool on_request(false_server *server, int client, int real) {
    char bytes[65536];
    if (server->part == SAY_NO_MORE) {
        say_no_more(server, client);
        return false;
    }
    ssize_t size = recv(client, bytes, sizeof bytes, 0);
    if (size <= 0)
        return false;
    int part = server->part;
    if (part == ANSWER)
        return answer_each(server, client, bytes, (size_t)size);
    if (part == CUT_REQUEST) {
        server->part = PASS_ON;
        send_all(server, real, bytes, (size_t)size / 2);
        return false;
    }
    if (breaks(server, REQUESTS))
        return pass_counted(server, real, client, bytes, (size_t)size);
    return part == CHOP ? chop(server, real, bytes, (size_t)size) : send_all(server, real, bytes, (size_t)size);
}

static bool on_reply(false_server *server, int client, int real) {
    char bytes[65536];
    ssize_t size = recv(real, bytes, sizeof bytes, 0);
    if (size <= 0)
        return false;
    if (breaks(server, REPLIES))
        return pass_counted(server, client, real, bytes, (size_t)size);
    switch ((false_server_part)atomic_load(&server->part)) {
    case GARBLE_REPLY:
        server->part = PASS_ON;
        return send_all(server, client, server->answer, strlen(server->answer));
    case CHOP:
        return chop(server, client, bytes, (size_t)size);
    case LOSE_REPLY:
        server->part = PASS_ON;
        return false;
    case LOSE_THIRD_REPLY:
        server->part = LOSE_SECOND_REPLY;
        return send_all(server, client, bytes, (size_t)size);
    case LOSE_SECOND_REPLY:
        server->part = LOSE_REPLY;
        return send_all(server, client, bytes, (size_t)size);
    case LOSE_EVERY_REPLY:
        return false;
    case CUT_REPLY:
        server->part = PASS_ON;
        send_all(server, client, bytes, (size_t)size / 2);
        return false;
    case DRIBBLE:
        return dribble(server, client, bytes, (size_t)size);
    default:
        return send_all(server, client, bytes, (size_t)size);
    }
}

/* The client sees the end of the replies. It may be sending still: if that were left unread, the kernel would tell it
 * of a reset connection instead. */
static void hang_up(const false_server *server, int client) {
    struct pollfd ready = {.fd = client, .events = POLLIN};
    char unread[4096];
    ssize_t size = 1;
    shutdown(client, SHUT_WR);
    while (!server->ends && server->part != CLOSE_NOW && size > 0) {
        if (poll(&ready, 1, LOOK_AGAIN_MS) > 0)
            size = read(client, unread, sizeof unread);
    }
}

static void serve(false_server *server, int client, int real) {
    while (!server->ends && server->part != CLOSE_NOW) {
        struct pollfd ready[2] = {{.fd = client, .events = server->part == TAKE_NOTHING ? 0 : POLLIN},
                                  {.fd = real, .events = POLLIN}};
        poll(ready, 2, LOOK_AGAIN_MS);
        if (ready[0].revents & (POLLIN | POLLHUP) && !on_request(server, client, real))
            return;
        if (ready[1].revents && !on_reply(server, client, real)) {
            hang_up(server, client);
            return;
        }
    }
}

static void *run(void *context) {
    false_server *server = context;
    while (!server->ends) {
        struct pollfd ready = {.fd = server->listener, .events = POLLIN};
        if (poll(&ready, 1, LOOK_AGAIN_MS) <= 0) {
            if (server->part == CLOSE_NOW) /* there is none to close */
                server->part = PASS_ON;
            continue;
        }
        int client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (server->port)
            without_delay(client);
        int real = connect_to(server->real);
        server->connections++;
        if (real >= 0) {
            serve(server, client, real);
            close(real);
        }
        close(client);
        if (server->part == CLOSE_NOW)
            server->part = PASS_ON;
    }
    return NULL;
}

static void listen_on_port(false_server *server) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    snprintf(server->location, sizeof server->location, "redis://127.0.0.1:%d?pool=1&timeout_ms=300", server->port);
}

static void listen_on_socket(false_server *server) {
    const char *base = getenv("TMPDIR");
    snprintf(server->directory, sizeof server->directory, "%s/false-server-XXXXXX", base && *base ? base : "/tmp");
    assert_non_null(mkdtemp(server->directory));
    snprintf(server->path, sizeof server->path, "%s/socket", server->directory);
    snprintf(server->location, sizeof server->location, "redis+unix://%s?pool=1&timeout_ms=300", server->path);
    struct sockaddr_un address = address_of(server->path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
}

false_server *false_server_start(const char *real) {
    false_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    server->real = real;
    if (real[0] == '/')
        listen_on_socket(server);
    else
        listen_on_port(server);
    assert_int_equal(listen(server->listener, 16), 0);
    assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
    return server;
}

void false_server_stop(false_server *server) {
    server->ends = true;
    pthread_join(server->thread, NULL);
    close(server->listener);
    if (!server->port) {
        unlink(server->path);
        rmdir(server->directory);
    }
    free(server);
}

void false_server_play(false_server *server, false_server_part part) {
    server->part = (int)part;
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    while (part == CLOSE_NOW && server->part == CLOSE_NOW)
        nanosleep(&pause, NULL);
}

void false_server_answer(false_server *server, const char *text) {
    server->answers = NULL;
    server->answer = text;
    server->part = ANSWER;
}

void false_server_answer_in_turn(false_server *server, const char *const *texts) {
    server->answers = texts;
    server->part = ANSWER;
}

void false_server_garble(false_server *server, const char *text) {
    server->answer = text;
    server->part = GARBLE_REPLY;
}

void false_server_break(false_server *server, false_server_part part, false_server_direction direction, size_t after) {
    server->direction = (int)direction;
    server->bytes_left = after;
    server->part = (int)part;
}

bool false_server_is_armed(const false_server *server) {
    return server->part == CUT || server->part == SHUT;
}

void false_server_lead_to(false_server *server, const char *real) {
    server->real = real;
}

const char *false_server_location(const false_server *server) {
    return server->location;
}

int false_server_port(const false_server *server) {
    return server->port;
}

int false_server_connections(const false_server *server) {
    return server->connections;
}
