#include <stdio.h>

#include "connection.h"
#include "failure.h"
#include "greeting.h"
#include "keys.h"

#define RECEIVE_SIZE 16384 /* bytes received at a time */

/* ---- Exchanging */

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

int64_t redis_connection_left_us(const redis_connection *connection, int limit_ms) {
    int64_t limit_us = limit_ms * INT64_C(1000);
    return *connection->deadline_us ? least(limit_us, *connection->deadline_us - lesson_store_monotonic_us())
                                    : limit_us;
}

static void begin_patience(redis_connection *connection) {
    redis_channel_give_time(&connection->channel,
                            redis_connection_left_us(connection, connection->settings->timeout_ms));
}

static void announce(const redis_connection *connection, int code, const char *what) {
    lesson_store_fail(code, "%s: %s%s", connection->settings->shown, connection->at, what);
}

static void announce_time(const redis_connection *connection, const char *what) {
    lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: %sthe server %s within %d ms", connection->settings->shown,
                      connection->at, what, redis_channel_given_ms(&connection->channel));
}

/* A server that takes what we send for TLS breaks the connection, or replies with an alert. */
static const char *hint(const redis_connection *connection, redis_exchange_end end) {
    bool was_heard = connection->heard_us >= connection->made_us;
    bool may_speak_tls = !connection->shared->tls && connection->address.host[0] && !was_heard;
    return may_speak_tls && (end == REDIS_BROKEN || end == REDIS_GARBLED) ? " (if this port speaks TLS, use rediss://)"
                                                                          : "";
}

static redis_exchange_end fail(redis_connection *connection, redis_exchange_end end, int code, const char *what) {
    lesson_store_fail(code, "%s: %s%s%s", connection->settings->shown, connection->at, what, hint(connection, end));
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

/* If it fails, the connection stays as it is. `count`: as many requests are in the bytes. */
static redis_exchange_end send_bytes(redis_connection *connection, redis_bytes bytes, int count) {
    bool alone = connection->under_way == 0;
    switch (redis_channel_send(&connection->channel, bytes.data, bytes.size, alone ? NULL : take, connection)) {
    case REDIS_CHANNEL_DONE:
        connection->under_way += count;
        lesson_store_observe_count(connection->observer, LESSON_STORE_ENGINE_REQUESTS, count > 0 ? (uint64_t)count : 1);
        lesson_store_observe_count(connection->observer, LESSON_STORE_ENGINE_BYTES_SENT, bytes.size);
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

/* A server that was the primary can become a replica while the connection lives on. Then it would go on replying to
 * what only reads, from data that no longer changes. And somebody may turn the feed on. */
static bool is_due(const redis_connection *connection) {
    return lesson_store_monotonic_us() - connection->asked_us >=
           connection->settings->failover_check_ms * INT64_C(1000);
}

static bool asks_for_role(const redis_connection *connection) {
    return connection->role == REDIS_ROLE_PRIMARY && !connection->settings->takes_any_role;
}

static bool asks_for_feed(const redis_connection *connection) {
    return connection->was_asked_for_feed && connection->settings->events_kept == 0;
}

void redis_connection_begin_feed_question(const redis_connection *connection, redis_request *request) {
    char key[REDIS_KEY_SIZE];
    redis_key(key, connection->settings->prefix, REDIS_EVENTS, (lesson_store_id){"", 0});
    redis_request_begin(request);
    redis_request_add_text(request, "EXISTS");
    redis_request_add_text(request, key);
}

/* While the server is busy or loads its data it does not say, and neither does a malformed reply. The form that writes
 * events is right then too: the script itself looks whether the feed is on. */
bool redis_connection_read_feed_answer(redis_reply *reply) {
    int64_t count;
    if (reply->is_error) {
        lesson_store_id error = redis_reply_line(reply);
        return redis_failure_is_transient(error) || redis_failure_code(error) == LESSON_STORE_BUSY;
    }
    return !redis_reply_next_number(reply, &count) || count > 0;
}

static redis_exchange_end send_role(redis_connection *connection) {
    char role[] = "*1\r\n$4\r\nROLE\r\n";
    redis_exchange_end end = send_bytes(connection, (redis_bytes){role, sizeof role - 1}, 0);
    connection->is_role_under_way = end == REDIS_ANSWERED;
    return end;
}

static redis_exchange_end send_feed_question(redis_connection *connection) {
    redis_request request = {0};
    redis_connection_begin_feed_question(connection, &request);
    redis_bytes question = redis_request_finish(&request);
    redis_exchange_end end = question.data ? send_bytes(connection, question, 0) : REDIS_NO_MEMORY_TO_SEND;
    redis_request_free(&request);
    connection->is_feed_under_way = end == REDIS_ANSWERED;
    return end;
}

/* These go ahead of the first request under way, so asking costs no round trip. */
static redis_exchange_end send_questions(redis_connection *connection) {
    redis_exchange_end end = asks_for_role(connection) ? send_role(connection) : REDIS_ANSWERED;
    if (end == REDIS_ANSWERED && asks_for_feed(connection))
        end = send_feed_question(connection);
    return end;
}

redis_exchange_end redis_connection_send_many(redis_connection *connection, redis_bytes requests, int count) {
    redis_exchange_end end = REDIS_ANSWERED;
    if (connection->under_way == 0) {
        begin_patience(connection);
        if (is_due(connection))
            end = send_questions(connection);
    }
    if (end == REDIS_ANSWERED)
        end = send_bytes(connection, requests, count);
    if (end != REDIS_ANSWERED && connection->under_way == 0)
        redis_connection_close(connection);
    return end;
}

redis_exchange_end redis_connection_send(redis_connection *connection, redis_bytes request) {
    return redis_connection_send_many(connection, request, 1);
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

/* `waits`: a reply that is late closes the connection. */
static redis_exchange_end receive_all(redis_connection *connection, bool waits) {
    char bytes[RECEIVE_SIZE];
    redis_exchange_end end;
    while (!parse(connection, &end)) {
        size_t size;
        switch (redis_channel_receive(&connection->channel, bytes, sizeof bytes, &size)) {
        case REDIS_CHANNEL_DONE:
            break;
        case REDIS_CHANNEL_TIMED_OUT:
            if (!waits)
                return REDIS_UNANSWERED_IN_TIME;
            announce_time(connection, "did not reply");
            redis_connection_close(connection);
            return REDIS_UNANSWERED_IN_TIME;
        case REDIS_CHANNEL_BROKEN:
            return fail(connection, REDIS_BROKEN, connection->channel.code, connection->channel.problem);
        }
        lesson_store_observe_count(connection->observer, LESSON_STORE_ENGINE_BYTES_RECEIVED, size);
        if (!feed(connection, bytes, size))
            return fail(connection, REDIS_NO_MEMORY, LESSON_STORE_NO_MEMORY, "no memory left for the server's reply");
    }
    return end;
}

redis_exchange_end redis_connection_take_arrived(redis_connection *connection) {
    redis_channel_give_time(&connection->channel, 0);
    return receive_all(connection, false);
}

static redis_exchange_end receive_reply(redis_connection *connection, redis_reply *reply) {
    redis_reader_collect(connection->reader, reply);
    return receive_all(connection, true);
}

/* A server that is a replica now has executed nothing of the request: it refuses writes, and what it says of its data
 * does not count. */
static redis_exchange_end receive_role(redis_connection *connection) {
    connection->is_role_under_way = false;
    redis_exchange_end end = receive_reply(connection, &connection->role_reply);
    if (end != REDIS_ANSWERED)
        return end;
    bool is_busy = connection->role_reply.is_error &&
                   redis_failure_code(redis_reply_line(&connection->role_reply)) == LESSON_STORE_BUSY;
    if (!is_busy) /* it says nothing of its role then */
        connection->role = redis_connection_read_role(&connection->role_reply);
    connection->asked_us = lesson_store_monotonic_us();
    return connection->role == REDIS_ROLE_REPLICA
               ? fail(connection, REDIS_DEMOTED, LESSON_STORE_READ_ONLY, "the server has become a replica")
               : REDIS_ANSWERED;
}

static redis_exchange_end receive_feed_answer(redis_connection *connection) {
    connection->is_feed_under_way = false;
    redis_exchange_end end = receive_reply(connection, &connection->role_reply);
    if (end != REDIS_ANSWERED)
        return end;
    connection->asked_us = lesson_store_monotonic_us();
    connection->keeps_events = redis_connection_read_feed_answer(&connection->role_reply);
    return end;
}

static redis_exchange_end receive(redis_connection *connection, redis_reply *reply) {
    redis_exchange_end end = connection->is_role_under_way ? receive_role(connection) : REDIS_ANSWERED;
    if (end == REDIS_ANSWERED && connection->is_feed_under_way)
        end = receive_feed_answer(connection);
    if (end == REDIS_ANSWERED)
        end = receive_reply(connection, reply);
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

redis_exchange_end redis_connection_send_words(redis_connection *connection, const char *const *words) {
    redis_request request = {0};
    redis_request_begin(&request);
    for (; *words; words++)
        redis_request_add_text(&request, *words);
    redis_bytes bytes = redis_request_finish(&request);
    redis_exchange_end end = bytes.data ? redis_connection_send(connection, bytes) : REDIS_NO_MEMORY_TO_SEND;
    redis_request_free(&request);
    if (end == REDIS_NO_MEMORY_TO_SEND)
        announce(connection, LESSON_STORE_NO_MEMORY, "no memory left for a request");
    return end;
}

redis_exchange_end redis_connection_exchange_words(redis_connection *connection, const char *const *words,
                                                   redis_reply *reply) {
    redis_exchange_end end = redis_connection_send_words(connection, words);
    return end == REDIS_ANSWERED ? redis_connection_receive(connection, reply) : end;
}

redis_exchange_end redis_connection_send_greeting(redis_connection *connection, redis_bytes requests, int count) {
    int64_t left_us = connection->open_until_us - lesson_store_monotonic_us();
    int64_t call_us = redis_connection_left_us(connection, connection->settings->timeout_ms);
    redis_channel_give_time(&connection->channel, least(left_us, call_us));
    redis_exchange_end end = send_bytes(connection, requests, count);
    if (end != REDIS_UNSENT || !redis_channel_has_arrivals(&connection->channel))
        return end;
    connection->under_way += count;
    return REDIS_ANSWERED;
}

redis_exchange_end redis_connection_receive_greeting(redis_connection *connection, redis_reply *reply) {
    return receive(connection, reply);
}

redis_role redis_connection_read_role(redis_reply *reply) {
    lesson_store_id role;
    if (reply->is_error || !redis_reply_next_text(reply, &role))
        return REDIS_ROLE_UNKNOWN;
    if (redis_text_is(role, "master"))
        return REDIS_ROLE_PRIMARY;
    return redis_text_is(role, "slave") ? REDIS_ROLE_REPLICA : REDIS_ROLE_UNKNOWN;
}

/* ---- Connecting */

void redis_connection_close(redis_connection *connection) {
    redis_channel_close(&connection->channel);
    if (connection->reader)
        redisReaderFree(connection->reader);
    connection->reader = NULL;
    connection->under_way = 0;
    connection->is_role_under_way = connection->is_feed_under_way = false;
}

void redis_connection_free(redis_connection *connection) {
    redis_connection_close(connection);
    redis_reply_free(&connection->role_reply);
}

static void name_peer(redis_connection *connection) {
    bool is_named = connection->settings->kind == REDIS_ONE_SERVER;
    connection->at[0] = '\0';
    if (!is_named)
        snprintf(connection->at, sizeof connection->at, "%s:%d: ", connection->address.host, connection->address.port);
}

static int connect_and_greet(redis_connection *connection, bool plain, bool *is_broken) {
    *is_broken = false;
    int code = redis_channel_open(&connection->channel, connection->settings, &connection->address, connection->at,
                                  connection->shared, connection->open_until_us);
    if (code)
        return code;
    connection->reader = redis_reader_create();
    if (!connection->reader)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a connection",
                                 connection->settings->shown);
    connection->made++;
    connection->made_us = lesson_store_monotonic_us();
    connection->asked_us = connection->made_us;
    return redis_greet(connection, plain, is_broken);
}

/* ---- What the log is told */

static bool is_first(const redis_connection *connection) {
    return connection->made == 1;
}

static void tell_of_success(redis_connection *connection) {
    lesson_store_observe_count(connection->observer, LESSON_STORE_ENGINE_CONNECTIONS, 1);
    if (connection->channel.tls && redis_tls_is_resumed(connection->channel.tls))
        lesson_store_observe_count(connection->observer, LESSON_STORE_ENGINE_TLS_RESUMPTIONS, 1);
    lesson_store_observe_event(connection->observer,
                               is_first(connection) ? LESSON_STORE_LOG_CONNECTED : LESSON_STORE_LOG_RECONNECTED,
                               "%s: %s%s to %s", connection->settings->shown, connection->at,
                               is_first(connection) ? "connected" : "connected anew", connection->engine);
    connection->was_unreachable = false;
}

/* Once, until there is a connection again: a server that is away is tried many times a second. */
static void tell_of_failure(redis_connection *connection) {
    lesson_store_observe_count(connection->observer, LESSON_STORE_ENGINE_CONNECTION_FAILURES, 1);
    if (!connection->was_unreachable)
        lesson_store_observe_event(connection->observer, LESSON_STORE_LOG_UNREACHABLE, "%s", lesson_store_message());
    connection->was_unreachable = true;
}

int redis_connection_open(redis_connection *connection, const redis_address *address, int64_t until_us) {
    bool is_broken;
    redis_connection_close(connection);
    connection->address = *address;
    connection->open_until_us = until_us;
    connection->is_refused = false;
    name_peer(connection);
    int code = connect_and_greet(connection, false, &is_broken);
    if (code && is_broken) {
        redis_connection_close(connection);
        code = connect_and_greet(connection, true, &is_broken);
    }
    if (!code)
        code = redis_connection_check_time(connection);
    if (!code) {
        tell_of_success(connection);
        return LESSON_STORE_OK;
    }
    redis_connection_close(connection);
    tell_of_failure(connection);
    return code;
}

/* A connection that was used within this time is not checked for staleness, which saves a system call in each exchange.
 * A server that closes the connection in just that moment makes no more outcomes unknown than one that closes it a
 * moment later. */
#define FRESH_US 1000

static bool is_fresh(const redis_connection *connection) {
    return lesson_store_monotonic_us() - connection->heard_us < FRESH_US &&
           !redis_channel_has_pending(&connection->channel);
}

bool redis_connection_is_usable(const redis_connection *connection) {
    return redis_channel_is_open(&connection->channel) &&
           (is_fresh(connection) || !redis_channel_is_stale(&connection->channel));
}

int redis_connection_check_time(const redis_connection *connection) {
    if (redis_connection_left_us(connection, connection->settings->timeout_ms) > 0)
        return LESSON_STORE_OK;
    announce(connection, LESSON_STORE_UNREACHABLE, "the server was not reached in time");
    return LESSON_STORE_UNREACHABLE;
}
