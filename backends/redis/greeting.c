#include <stdio.h>
#include <stdlib.h>

#include "failure.h"
#include "greeting.h"

#define READ_ONLY_CALLS_SINCE 7 /* the first version of Redis with EVALSHA_RO; Valkey began with it */

/* One exchange of the greeting. Its failures all have the same code, because no operation has been sent yet. */
static int exchange(redis_connection *connection, redis_request *request, redis_reply *reply, redis_exchange_end *end) {
    redis_bytes bytes = redis_request_finish(request);
    *end = REDIS_NO_MEMORY_TO_SEND;
    if (!bytes.data)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a request",
                                 connection->settings->shown);
    *end = redis_connection_exchange_greeting(connection, bytes, reply);
    switch (*end) {
    case REDIS_ANSWERED:
        return LESSON_STORE_OK;
    case REDIS_GARBLED:
        return LESSON_STORE_FAILED;
    case REDIS_NO_MEMORY:
        return LESSON_STORE_NO_MEMORY;
    case REDIS_UNSENT:
    case REDIS_BROKEN:
        return connection->channel.code;
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
    redis_exchange_end end;
    int code = exchange(connection, request, reply, &end);
    if (code || !reply->is_error)
        return code;
    lesson_store_id error = redis_reply_line(reply);
    code = redis_failure_code(error);
    if (code == LESSON_STORE_UNREACHABLE)
        return lesson_store_fail(code, "%s: %.*s", settings->shown, (int)error.size, error.data);
    /* Only the first word is quoted, because an error may repeat the arguments. */
    const char *space = memchr(error.data, ' ', error.size);
    int word = space ? (int)(space - error.data) : (int)error.size;
    return lesson_store_fail(code == LESSON_STORE_FAILED ? LESSON_STORE_DENIED : code,
                             "%s: the server did not accept the %s (%.*s)", settings->shown,
                             settings->user ? "user and password" : "password", word, error.data);
}

/* Copies as much of a text as there is room for. */
static void copy(char *out, size_t size, lesson_store_id text) {
    snprintf(out, size, "%.*s", (int)text.size, text.data ? text.data : "");
}

/* HELLO replies with names and values in turn. */
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
    if (strtol(version, NULL, 10) >= READ_ONLY_CALLS_SINCE)
        connection->read_only_calls = REDIS_READ_ONLY_MAYBE;
}

/* A proxy may lack the command, or refuse it in words of its own, and an account may lack the right to it. None of
 * these is a reason to refuse the server: the first request decides. But a server that serves nobody, or not without a
 * password, says so here. */
static bool refuses_us(const redis_settings *settings, lesson_store_id error) {
    int code = redis_failure_code(error);
    bool wants_password = redis_failure_is(error, "NOAUTH") && !settings->user && !settings->password;
    bool is_protected = redis_failure_is(error, "DENIED Redis");
    return wants_password || is_protected || code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_BUSY;
}

static void forget_server(redis_connection *connection) {
    snprintf(connection->engine, sizeof connection->engine, "unknown");
    snprintf(connection->mode, sizeof connection->mode, "unknown");
    connection->read_only_calls = REDIS_READ_ONLY_NO;
}

/* `*is_refused`: the connection was closed instead of a reply. */
static int say_hello(redis_connection *connection, redis_request *request, redis_reply *reply, bool *is_refused) {
    redis_request_begin(request, NULL);
    redis_request_add_text(request, "HELLO");
    redis_request_add_text(request, "2");
    redis_exchange_end end;
    int code = exchange(connection, request, reply, &end);
    *is_refused = end == REDIS_BROKEN && code != LESSON_STORE_DENIED;
    if (code)
        return code;
    lesson_store_id error = redis_reply_line(reply);
    if (reply->is_error && !refuses_us(connection->settings, error))
        return LESSON_STORE_OK;
    if (reply->is_error)
        return lesson_store_fail(redis_failure_code(error), "%s: %.*s", connection->settings->shown, (int)error.size,
                                 error.data);
    read_hello(connection, reply);
    if (strcmp(connection->mode, "cluster") == 0 || strcmp(connection->mode, "sentinel") == 0)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: the server runs in %s mode, which this backend does not support",
                                 connection->settings->shown, connection->mode);
    return LESSON_STORE_OK;
}

/* A server that expects TLS breaks the connection at the first bytes in the clear. In TLS 1.3 a server that does not
 * accept our certificate says so after the handshake, or breaks the connection. So without HELLO there has to be
 * another reply before the connection counts as made. Any reply will do. */
static int await_acceptance(redis_connection *connection, redis_request *request, redis_reply *reply) {
    redis_exchange_end end;
    redis_request_begin(request, NULL);
    redis_request_add_text(request, "PING");
    return exchange(connection, request, reply, &end);
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
    redis_exchange_end end;
    int code = exchange(connection, request, reply, &end);
    if (code || !reply->is_error)
        return code;
    lesson_store_id error = redis_reply_line(reply);
    code = redis_failure_code(error);
    return lesson_store_fail(code == LESSON_STORE_FAILED ? LESSON_STORE_INVALID : code, "%s: database %d: %.*s",
                             settings->shown, settings->db, (int)error.size, error.data);
}

int redis_greet(redis_connection *connection, bool with_hello, bool *is_hello_refused) {
    redis_request request = {0};
    redis_reply reply = {0};
    forget_server(connection);
    int code = authenticate(connection, &request, &reply);
    *is_hello_refused = false;
    if (!code && with_hello)
        code = say_hello(connection, &request, &reply, is_hello_refused);
    if (!code && !with_hello && connection->settings->host)
        code = await_acceptance(connection, &request, &reply);
    if (!code)
        code = select_db(connection, &request, &reply);
    redis_request_free(&request);
    redis_reply_free(&reply);
    return code;
}
