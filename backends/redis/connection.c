/*
 * hiredis makes the connection; the bytes are then moved here, because hiredis neither bounds the time of a whole
 * request, nor tells a request that was not sent from one whose reply was lost, nor keeps SIGPIPE from the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "connection.h"
#include "failure.h"

#define RECEIVE_SIZE 16384 /* bytes read at a time */
#define MICROSECONDS INT64_C(1000000)

static int64_t now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * MICROSECONDS + now.tv_nsec / 1000;
}

static struct timeval time_of(int milliseconds) {
    return (struct timeval){.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000L};
}

/* ---- Exchanging */

static void begin_patience(redis_connection *connection) {
    connection->patience.whole_us = connection->settings->timeout_ms * INT64_C(1000);
    connection->patience.left_us = connection->patience.whole_us;
}

/* After a move of bytes that failed: true if it is to be tried again. */
static bool go_on(const redis_connection *connection) {
    return (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK) && connection->patience.left_us > 0;
}

static void announce(const redis_connection *connection, int code, const char *what) {
    lesson_store_fail(code, "%s: %s", connection->settings->shown, what);
}

static void announce_time(const redis_connection *connection, const char *what) {
    lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the server %s within %d ms", connection->settings->shown, what,
                      connection->settings->timeout_ms);
}

static redis_exchange_end fail(redis_connection *connection, redis_exchange_end end, int code, const char *what) {
    announce(connection, code, what);
    redis_connection_close(connection);
    return end;
}

/* Waits until the socket is ready for one of these events; which they are, or 0. */
static short wait_for(redis_connection *connection, short events) {
    redis_patience *patience = &connection->patience;
    struct pollfd ready = {.fd = connection->socket, .events = events};
    struct timespec left = {.tv_sec = patience->left_us / MICROSECONDS,
                            .tv_nsec = patience->left_us % MICROSECONDS * 1000};
    int64_t began_us = now_us();
    int count = ppoll(&ready, 1, &left, NULL);
    patience->left_us -= now_us() - began_us;
    return count > 0 ? ready.revents : 0;
}

static bool feed(redis_connection *connection, const char *bytes, ssize_t size) {
    return redisReaderFeed(connection->reader, bytes, (size_t)size) == REDIS_OK;
}

/* While the server takes no more: waits until it does, and takes in what it answers to the requests under way. False if
 * it has closed its side, for then it is readable for ever and will hardly take more. */
static bool make_way(redis_connection *connection) {
    char bytes[RECEIVE_SIZE];
    short awaited = connection->under_way > 0 ? POLLIN | POLLOUT : POLLOUT;
    if (!(wait_for(connection, awaited) & awaited & POLLIN))
        return true;
    ssize_t received = recv(connection->socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (received > 0)
        feed(connection, bytes, received); /* without memory the reader says so when it is asked for the reply */
    return received != 0;
}

static redis_exchange_end send_all(redis_connection *connection, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t sent = send(connection->socket, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            bytes += sent;
            size -= (size_t)sent;
        } else if (!go_on(connection)) {
            return connection->patience.left_us > 0 ? REDIS_UNSENT : REDIS_UNSENT_IN_TIME;
        } else if (errno != EINTR && !make_way(connection)) {
            errno = EPIPE;
            return REDIS_UNSENT;
        }
    }
    return REDIS_ANSWERED;
}

/* Leaves the connection as it is if that fails. */
static redis_exchange_end try_to_send(redis_connection *connection, redis_bytes request) {
    if (connection->under_way == 0)
        begin_patience(connection);
    redis_exchange_end end = send_all(connection, request.data, request.size);
    if (end == REDIS_ANSWERED)
        connection->under_way++;
    else if (end == REDIS_UNSENT_IN_TIME)
        announce_time(connection, "did not take the request");
    else
        announce(connection, LESSON_STORE_UNREACHABLE, strerror(errno));
    return end;
}

redis_exchange_end redis_connection_send(redis_connection *connection, redis_bytes request) {
    redis_exchange_end end = try_to_send(connection, request);
    if (end != REDIS_ANSWERED && connection->under_way == 0)
        redis_connection_close(connection);
    return end;
}

/* Parses what has come; true if the reply is whole. */
static bool parse(redis_connection *connection, redis_exchange_end *end) {
    redisReader *reader = connection->reader;
    void *whole = NULL;
    *end = REDIS_ANSWERED;
    if (redisReaderGetReply(reader, &whole) == REDIS_OK)
        return whole != NULL;
    if (reader->err == REDIS_ERR_OOM)
        *end = fail(connection, REDIS_NO_MEMORY, LESSON_STORE_NO_MEMORY, "no memory left for the server's reply");
    else
        *end = fail(connection, REDIS_GARBLED, LESSON_STORE_FAILED, reader->errstr);
    return true;
}

#define SLACK_US 1000

/* Receives once, as recv. As long as next to no time has been used, the socket's own timeout, which is the whole time,
 * does the waiting: one system call instead of two in nearly every exchange. */
static ssize_t receive_some(redis_connection *connection, char *bytes, size_t size) {
    redis_patience *patience = &connection->patience;
    if (patience->whole_us - patience->left_us > SLACK_US) {
        wait_for(connection, POLLIN);
        return recv(connection->socket, bytes, size, MSG_DONTWAIT);
    }
    int64_t began_us = now_us();
    ssize_t received = recv(connection->socket, bytes, size, 0);
    int error = errno;
    patience->left_us -= now_us() - began_us;
    errno = error;
    return received;
}

static redis_exchange_end receive_all(redis_connection *connection) {
    char bytes[RECEIVE_SIZE];
    redis_exchange_end end;
    while (!parse(connection, &end)) {
        ssize_t received;
        do
            received = receive_some(connection, bytes, sizeof bytes);
        while (received < 0 && go_on(connection));
        if (received < 0 && connection->patience.left_us <= 0) {
            announce_time(connection, "did not answer");
            redis_connection_close(connection);
            return REDIS_UNANSWERED_IN_TIME;
        }
        if (received <= 0)
            return fail(connection, REDIS_BROKEN, LESSON_STORE_UNREACHABLE,
                        received < 0 ? strerror(errno) : "the server closed the connection instead of answering");
        if (!feed(connection, bytes, received))
            return fail(connection, REDIS_NO_MEMORY, LESSON_STORE_NO_MEMORY, "no memory left for the server's reply");
    }
    return end;
}

redis_exchange_end redis_connection_receive(redis_connection *connection, redis_reply *reply) {
    redis_reader_collect(connection->reader, reply);
    redis_exchange_end end = receive_all(connection);
    if (end != REDIS_ANSWERED)
        return end;
    connection->under_way--;
    connection->heard_us = now_us();
    begin_patience(connection);
    if (connection->under_way == 0 && connection->reader->pos < connection->reader->len)
        return fail(connection, REDIS_GARBLED, LESSON_STORE_FAILED, "the server sent more than one reply to a request");
    return end;
}

redis_exchange_end redis_connection_exchange(redis_connection *connection, redis_bytes request, redis_reply *reply) {
    redis_exchange_end end = redis_connection_send(connection, request);
    return end == REDIS_ANSWERED ? redis_connection_receive(connection, reply) : end;
}

/* ---- Connecting */

void redis_connection_close(redis_connection *connection) {
    if (connection->socket >= 0)
        close(connection->socket);
    if (connection->reader)
        redisReaderFree(connection->reader);
    connection->socket = -1;
    connection->reader = NULL;
    connection->under_way = 0;
}

static redisContext *make_context(const redis_settings *settings) {
    struct timeval time = time_of(settings->connect_timeout_ms);
    if (settings->host)
        return redisConnectWithTimeout(settings->host, settings->port, time);
    return redisConnectUnixWithTimeout(settings->socket_path, time);
}

/* Takes over the connected socket; of the context nothing else is used. */
static int take_socket(redis_connection *connection, redisContext *context) {
    const redis_settings *settings = connection->settings;
    if (context->err)
        return lesson_store_fail(context->err == REDIS_ERR_OOM ? LESSON_STORE_NO_MEMORY : LESSON_STORE_UNREACHABLE,
                                 "%s: %s", settings->shown, context->errstr);
    if (settings->host)
        redisEnableKeepAlive(context);
    struct timeval time = time_of(settings->timeout_ms);
    if (setsockopt(context->fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) < 0 ||
        fcntl(context->fd, F_SETFD, FD_CLOEXEC) < 0)
        return lesson_store_fail(LESSON_STORE_FAILED, "%s: %s", settings->shown, strerror(errno));
    connection->reader = redis_reader_create();
    if (!connection->reader)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a connection", settings->shown);
    connection->socket = context->fd;
    connection->made++;
    return LESSON_STORE_OK;
}

static int make_socket(redis_connection *connection) {
    redisContext *context = make_context(connection->settings);
    if (!context)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a connection",
                                 connection->settings->shown);
    int code = take_socket(connection, context);
    if (code)
        redisFree(context);
    else
        redisFreeKeepFd(context);
    return code;
}

/* A server that lets nobody in says why and closes the connection, maybe before anything could be sent. */
static redis_exchange_end exchange_greeting(redis_connection *connection, redis_bytes bytes, redis_reply *reply) {
    char byte;
    redis_exchange_end end = try_to_send(connection, bytes);
    if (end == REDIS_UNSENT && recv(connection->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0) {
        connection->under_way++;
        end = REDIS_ANSWERED;
    }
    return end == REDIS_ANSWERED ? redis_connection_receive(connection, reply) : end;
}

/* One exchange of the greeting. Its failures are not told apart: nothing has been asked of the store yet. */
static int greet(redis_connection *connection, redis_request *request, redis_reply *reply) {
    redis_bytes bytes = redis_request_finish(request);
    if (!bytes.data)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a request",
                                 connection->settings->shown);
    switch (exchange_greeting(connection, bytes, reply)) {
    case REDIS_ANSWERED:
        return LESSON_STORE_OK;
    case REDIS_GARBLED:
        return LESSON_STORE_FAILED;
    case REDIS_NO_MEMORY:
        return LESSON_STORE_NO_MEMORY;
    default:
        return LESSON_STORE_UNREACHABLE;
    }
}

static int authenticate(redis_connection *connection, redis_request *request, redis_reply *reply) {
    const redis_settings *settings = connection->settings;
    if (!settings->user && !settings->password)
        return LESSON_STORE_OK;
    redis_request_begin(request, NULL);
    redis_request_add_text(request, "AUTH");
    if (settings->user)
        redis_request_add_text(request, settings->user);
    redis_request_add_text(request, settings->password ? settings->password : "");
    int code = greet(connection, request, reply);
    if (code || !reply->is_error)
        return code;
    lesson_store_id error = redis_reply_line(reply);
    code = redis_failure_code(error);
    if (code == LESSON_STORE_UNREACHABLE)
        return lesson_store_fail(code, "%s: %.*s", settings->shown, (int)error.size, error.data);
    /* Only the first word, because an error may quote the arguments. */
    const char *space = memchr(error.data, ' ', error.size);
    int word = space ? (int)(space - error.data) : (int)error.size;
    return lesson_store_fail(code == LESSON_STORE_FAILED ? LESSON_STORE_DENIED : code,
                             "%s: the server did not accept the %s (%.*s)", settings->shown,
                             settings->user ? "user and password" : "password", word, error.data);
}

/* Copies a text, or as much of it as there is room for. */
static void copy(char *out, size_t size, lesson_store_id text) {
    snprintf(out, size, "%.*s", (int)text.size, text.data ? text.data : "");
}

/* HELLO answers names and values in turn. */
static void read_hello(redis_connection *connection, redis_reply *reply) {
    char server[24] = "", version[24] = "";
    while (!redis_reply_at_end(reply)) {
        lesson_store_id name, value;
        bool is_text = redis_reply_next_text(reply, &name);
        bool has_text = redis_reply_next_text(reply, &value);
        if (!is_text || !has_text)
            continue;
        if (redis_text_is(name, "server"))
            copy(server, sizeof server, value);
        else if (redis_text_is(name, "version"))
            copy(version, sizeof version, value);
        else if (redis_text_is(name, "mode"))
            copy(connection->mode, sizeof connection->mode, value);
    }
    if (server[0] >= 'a' && server[0] <= 'z')
        server[0] = (char)(server[0] - 'a' + 'A');
    snprintf(connection->engine, sizeof connection->engine, "%s %s", server, version);
}

static int say_hello(redis_connection *connection, redis_request *request, redis_reply *reply) {
    snprintf(connection->engine, sizeof connection->engine, "unknown");
    snprintf(connection->mode, sizeof connection->mode, "unknown");
    redis_request_begin(request, NULL);
    redis_request_add_text(request, "HELLO");
    redis_request_add_text(request, "2");
    int code = greet(connection, request, reply);
    if (code)
        return code;
    lesson_store_id error = redis_reply_line(reply);
    /* A proxy, or an account that may not ask, is no reason not to work with the server. */
    if (reply->is_error && (redis_failure_is(error, "ERR unknown command") || redis_failure_is(error, "NOPERM")))
        return LESSON_STORE_OK;
    if (reply->is_error)
        return lesson_store_fail(redis_failure_code(error), "%s: %.*s", connection->settings->shown, (int)error.size,
                                 error.data);
    read_hello(connection, reply);
    if (strcmp(connection->mode, "cluster") == 0 || strcmp(connection->mode, "sentinel") == 0)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: the server runs in %s mode, which this backend does not work with",
                                 connection->settings->shown, connection->mode);
    return LESSON_STORE_OK;
}

static int select_db(redis_connection *connection, redis_request *request, redis_reply *reply) {
    const redis_settings *settings = connection->settings;
    if (settings->db == 0)
        return LESSON_STORE_OK;
    char number[16];
    snprintf(number, sizeof number, "%d", settings->db);
    redis_request_begin(request, NULL);
    redis_request_add_text(request, "SELECT");
    redis_request_add_text(request, number);
    int code = greet(connection, request, reply);
    if (code || !reply->is_error)
        return code;
    lesson_store_id error = redis_reply_line(reply);
    code = redis_failure_code(error);
    return lesson_store_fail(code == LESSON_STORE_FAILED ? LESSON_STORE_INVALID : code, "%s: database %d: %.*s",
                             settings->shown, settings->db, (int)error.size, error.data);
}

static int connect_anew(redis_connection *connection, redis_request *request, redis_reply *reply) {
    int code = make_socket(connection);
    if (!code)
        code = authenticate(connection, request, reply);
    if (!code)
        code = say_hello(connection, request, reply);
    if (!code)
        code = select_db(connection, request, reply);
    if (code)
        redis_connection_close(connection);
    return code;
}

/* True if the server has closed the connection, or said something unasked, which makes it useless. Looked at before
 * anything is sent, because afterwards a write might have been applied. */
static bool is_stale(const redis_connection *connection) {
    char byte;
    ssize_t waiting = recv(connection->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return waiting >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* On a busy connection it is not looked at: one system call less in each exchange, while a server that closed the
 * connection in just that moment would make no more outcomes unknown than one that closes it a moment later. */
#define FRESH_US 1000

static bool is_fresh(const redis_connection *connection) {
    return now_us() - connection->heard_us < FRESH_US;
}

int redis_connection_prepare(redis_connection *connection) {
    if (connection->socket >= 0 && (is_fresh(connection) || !is_stale(connection)))
        return LESSON_STORE_OK;
    redis_connection_close(connection);
    redis_request request = {0};
    redis_reply reply = {0};
    int code = connect_anew(connection, &request, &reply);
    redis_request_free(&request);
    redis_reply_free(&reply);
    return code;
}
