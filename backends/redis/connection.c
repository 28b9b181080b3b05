#include "connection.h"
#include "greeting.h"

#define RECEIVE_SIZE 16384 /* bytes received at a time */

/* ---- Exchanging */

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* How long the call may still wait, at most as long as this limit. */
static int64_t time_left_us(const redis_connection *connection, int limit_ms) {
    int64_t limit_us = limit_ms * INT64_C(1000);
    return *connection->deadline_us ? least(limit_us, *connection->deadline_us - lesson_store_monotonic_us())
                                    : limit_us;
}

static void begin_patience(redis_connection *connection) {
    connection->channel.left_us = time_left_us(connection, connection->settings->timeout_ms);
}

static void announce(const redis_connection *connection, int code, const char *what) {
    lesson_store_fail(code, "%s: %s", connection->settings->shown, what);
}

static void announce_time(const redis_connection *connection, const char *what) {
    lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the server %s within %d ms", connection->settings->shown, what,
                      connection->settings->timeout_ms);
}

/* A server that takes what we send for TLS breaks the connection, or replies with an alert. */
static const char *hint(const redis_connection *connection, redis_exchange_end end) {
    bool was_heard = connection->heard_us >= connection->made_us;
    bool may_speak_tls = !connection->tls && connection->settings->host && !was_heard;
    return may_speak_tls && (end == REDIS_BROKEN || end == REDIS_GARBLED) ? " (if this port speaks TLS, use rediss://)"
                                                                          : "";
}

static redis_exchange_end fail(redis_connection *connection, redis_exchange_end end, int code, const char *what) {
    lesson_store_fail(code, "%s: %s%s", connection->settings->shown, what, hint(connection, end));
    redis_connection_close(connection);
    return end;
}

static bool feed(redis_connection *connection, const char *bytes, size_t size) {
    return redisReaderFeed(connection->reader, bytes, size) == REDIS_OK;
}

/* Receives replies while the next request is being sent. */
static void take(const char *bytes, size_t size, void *context) {
    feed(context, bytes, size); /* if memory is lacking, the reader reports it when the reply is read */
}

/* If it fails, the connection stays as it is. */
static redis_exchange_end try_to_send(redis_connection *connection, redis_bytes request) {
    bool alone = connection->under_way == 0;
    if (alone)
        begin_patience(connection);
    switch (redis_channel_send(&connection->channel, request.data, request.size, alone ? NULL : take, connection)) {
    case REDIS_CHANNEL_DONE:
        connection->under_way++;
        return REDIS_ANSWERED;
    case REDIS_CHANNEL_TIMED_OUT:
        announce_time(connection, "did not take the request");
        return REDIS_UNSENT_IN_TIME;
    case REDIS_CHANNEL_BROKEN:
        break;
    }
    announce(connection, connection->channel.code, connection->channel.problem);
    return REDIS_UNSENT;
}

redis_exchange_end redis_connection_send(redis_connection *connection, redis_bytes request) {
    redis_exchange_end end = try_to_send(connection, request);
    if (end != REDIS_ANSWERED && connection->under_way == 0)
        redis_connection_close(connection);
    return end;
}

/* Parses what has arrived. True if the reply is complete. */
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

static redis_exchange_end receive_all(redis_connection *connection) {
    char bytes[RECEIVE_SIZE];
    redis_exchange_end end;
    while (!parse(connection, &end)) {
        size_t size;
        switch (redis_channel_receive(&connection->channel, bytes, sizeof bytes, &size)) {
        case REDIS_CHANNEL_DONE:
            break;
        case REDIS_CHANNEL_TIMED_OUT:
            announce_time(connection, "did not reply");
            redis_connection_close(connection);
            return REDIS_UNANSWERED_IN_TIME;
        case REDIS_CHANNEL_BROKEN:
            return fail(connection, REDIS_BROKEN, connection->channel.code, connection->channel.problem);
        }
        if (!feed(connection, bytes, size))
            return fail(connection, REDIS_NO_MEMORY, LESSON_STORE_NO_MEMORY, "no memory left for the server's reply");
    }
    return end;
}

static redis_exchange_end receive(redis_connection *connection, redis_reply *reply) {
    redis_reader_collect(connection->reader, reply);
    redis_exchange_end end = receive_all(connection);
    if (end != REDIS_ANSWERED)
        return end;
    connection->under_way--;
    connection->heard_us = lesson_store_monotonic_us();
    if (connection->under_way == 0 && connection->reader->pos < connection->reader->len)
        return fail(connection, REDIS_GARBLED, LESSON_STORE_FAILED, "the server sent more than one reply to a request");
    return end;
}

redis_exchange_end redis_connection_receive(redis_connection *connection, redis_reply *reply) {
    redis_exchange_end end = receive(connection, reply);
    if (end == REDIS_ANSWERED) {
        *connection->deadline_us = 0;
        begin_patience(connection);
    }
    return end;
}

redis_exchange_end redis_connection_exchange(redis_connection *connection, redis_bytes request, redis_reply *reply) {
    redis_exchange_end end = redis_connection_send(connection, request);
    return end == REDIS_ANSWERED ? redis_connection_receive(connection, reply) : end;
}

redis_exchange_end redis_connection_exchange_greeting(redis_connection *connection, redis_bytes request,
                                                      redis_reply *reply) {
    redis_exchange_end end = try_to_send(connection, request);
    if (end == REDIS_UNSENT && redis_channel_has_arrivals(&connection->channel)) {
        connection->under_way++;
        end = REDIS_ANSWERED;
    }
    return end == REDIS_ANSWERED ? receive(connection, reply) : end;
}

/* ---- Connecting */

void redis_connection_close(redis_connection *connection) {
    redis_channel_close(&connection->channel);
    if (connection->reader)
        redisReaderFree(connection->reader);
    connection->reader = NULL;
    connection->under_way = 0;
}

static int connect_and_greet(redis_connection *connection, bool with_hello, bool *is_hello_refused) {
    int64_t left_us = time_left_us(connection, connection->settings->connect_timeout_ms);
    *is_hello_refused = false;
    int code = redis_channel_open(&connection->channel, connection->settings, connection->tls,
                                  connection->settings->host, lesson_store_monotonic_us() + left_us);
    if (code)
        return code;
    connection->reader = redis_reader_create();
    if (!connection->reader)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a connection",
                                 connection->settings->shown);
    connection->made++;
    connection->made_us = lesson_store_monotonic_us();
    return redis_greet(connection, with_hello, is_hello_refused);
}

static int connect_anew(redis_connection *connection) {
    bool is_hello_refused;
    int code = connect_and_greet(connection, true, &is_hello_refused);
    if (!code || !is_hello_refused)
        return code;
    redis_connection_close(connection);
    return connect_and_greet(connection, false, &is_hello_refused);
}

/* A connection that was used within this time is not checked for staleness, which saves a system call in each exchange.
 * A server that closes the connection in just that moment makes no more outcomes unknown than one that closes it a
 * moment later. */
#define FRESH_US 1000

static bool is_fresh(const redis_connection *connection) {
    return lesson_store_monotonic_us() - connection->heard_us < FRESH_US &&
           !redis_channel_has_pending(&connection->channel);
}

static int check_time(const redis_connection *connection) {
    if (time_left_us(connection, connection->settings->timeout_ms) > 0)
        return LESSON_STORE_OK;
    announce_time(connection, "was not reached");
    return LESSON_STORE_UNREACHABLE;
}

int redis_connection_prepare(redis_connection *connection) {
    int code = check_time(connection);
    if (code)
        return code;
    if (redis_channel_is_open(&connection->channel) &&
        (is_fresh(connection) || !redis_channel_is_stale(&connection->channel)))
        return LESSON_STORE_OK;
    redis_connection_close(connection);
    code = connect_anew(connection);
    if (!code)
        code = check_time(connection);
    if (code)
        redis_connection_close(connection);
    return code;
}
