#include <stdio.h>
#include <stdlib.h>

#include "eviction.h"
#include "failure.h"
#include "greeting.h"
#include "password.h"

#define READ_ONLY_CALLS_SINCE 7 /* the first version of Redis with EVALSHA_RO; Valkey began with it */
#define STEPS_MAX 7

struct greeting;

/* Takes the reply to one command. Returns OK, or a code with its message set. */
typedef int (*step_function)(struct greeting *greeting);

/* All commands of the greeting are sent together, and their replies come in this order. */
struct greeting {
    redis_connection *connection;
    const redis_settings *settings;
    redis_request request;
    redis_reply reply;
    char *bytes;
    size_t size;
    bool no_memory;
    step_function steps[STEPS_MAX];
    int step_count;
};

static const redis_account *account_of(const struct greeting *greeting) {
    bool is_sentinel = greeting->connection->peer == REDIS_PEER_SENTINEL;
    return is_sentinel ? &greeting->settings->sentinel_account : &greeting->settings->account;
}

/* ---- Writing */

static void begin(struct greeting *greeting, const char *command) {
    redis_request_begin(&greeting->request);
    redis_request_add_text(&greeting->request, command);
}

static void add(struct greeting *greeting, const char *argument) {
    redis_request_add_text(&greeting->request, argument);
}

static void end(struct greeting *greeting, step_function step) {
    redis_bytes command = redis_request_finish(&greeting->request);
    char *bytes = command.data ? malloc(greeting->size + command.size) : NULL;
    if (!bytes) {
        greeting->no_memory = true;
        return;
    }
    if (greeting->size > 0)
        memcpy(bytes, greeting->bytes, greeting->size);
    memcpy(bytes + greeting->size, command.data, command.size);
    if (greeting->size > 0)
        explicit_bzero(greeting->bytes, greeting->size);
    free(greeting->bytes);
    greeting->bytes = bytes;
    greeting->size += command.size;
    greeting->steps[greeting->step_count++] = step;
}

/* The bytes hold a password. */
static void forget(struct greeting *greeting) {
    if (greeting->bytes)
        explicit_bzero(greeting->bytes, greeting->size);
    if (greeting->request.bytes)
        explicit_bzero(greeting->request.bytes, greeting->request.capacity);
    free(greeting->bytes);
    redis_request_free(&greeting->request);
    redis_reply_free(&greeting->reply);
}

/* ---- Reading */

static lesson_store_id error_of(const struct greeting *greeting) {
    return greeting->reply.is_error ? redis_reply_line(&greeting->reply) : (lesson_store_id){NULL, 0};
}

static int fail_with(const struct greeting *greeting, int code, lesson_store_id error) {
    greeting->connection->is_refused = redis_failure_is_transient(error);
    return lesson_store_fail(code, "%s: %s%.*s", greeting->settings->shown, greeting->connection->at, (int)error.size,
                             error.data);
}

static int take_auth(struct greeting *greeting) {
    lesson_store_id error = error_of(greeting);
    if (!error.data)
        return LESSON_STORE_OK;
    int code = redis_failure_code(error);
    if (code == LESSON_STORE_UNREACHABLE)
        return fail_with(greeting, code, error);
    /* Only the first word is quoted, because an error may repeat the arguments. */
    const char *space = memchr(error.data, ' ', error.size);
    int word = space ? (int)(space - error.data) : (int)error.size;
    return lesson_store_fail(code == LESSON_STORE_FAILED ? LESSON_STORE_DENIED : code,
                             "%s: %sthe server did not accept the %s (%.*s)", greeting->settings->shown,
                             greeting->connection->at, account_of(greeting)->user ? "user and password" : "password",
                             word, error.data);
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
    bool wants_password = redis_failure_is(error, "NOAUTH") && !settings->account.user && !settings->account.password;
    bool is_protected = redis_failure_is(error, "DENIED Redis");
    return wants_password || is_protected || code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_BUSY;
}

/* The location says what kind of server it is, so that nobody takes the keys of one node for all keys. */
static int check_mode(const struct greeting *greeting) {
    const char *mode = greeting->connection->mode, *shown = greeting->settings->shown;
    const char *scheme = redis_scheme(greeting->settings);
    bool is_node = strcmp(mode, "cluster") == 0;
    if (strcmp(mode, "sentinel") == 0)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: %sthe server is a Sentinel (write %s+sentinel://HOST/MASTER)", shown,
                                 greeting->connection->at, scheme);
    if (is_node && greeting->settings->kind != REDIS_CLUSTER)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: %sthe server is a node of a Cluster (write %s+cluster://HOST)", shown,
                                 greeting->connection->at, scheme);
    return LESSON_STORE_OK;
}

static int take_hello(struct greeting *greeting) {
    lesson_store_id error = error_of(greeting);
    if (error.data)
        return refuses_us(greeting->settings, error) ? fail_with(greeting, redis_failure_code(error), error)
                                                     : LESSON_STORE_OK;
    read_hello(greeting->connection, &greeting->reply);
    return check_mode(greeting);
}

static int take_select(struct greeting *greeting) {
    lesson_store_id error = error_of(greeting);
    if (!error.data)
        return LESSON_STORE_OK;
    int code = redis_failure_code(error);
    return lesson_store_fail(code == LESSON_STORE_FAILED ? LESSON_STORE_INVALID : code, "%s: database %d: %.*s",
                             greeting->settings->shown, greeting->settings->db, (int)error.size, error.data);
}

/* Any reply will do: a connection without a name works too. */
static int take_any(struct greeting *greeting) {
    (void)greeting;
    return LESSON_STORE_OK;
}

static int take_role(struct greeting *greeting) {
    redis_connection *connection = greeting->connection;
    connection->role = redis_connection_read_role(&greeting->reply);
    if (connection->role != REDIS_ROLE_REPLICA || greeting->settings->takes_any_role)
        return LESSON_STORE_OK;
    connection->is_refused = true;
    return lesson_store_fail(LESSON_STORE_READ_ONLY, "%s: %sthe server is a replica", greeting->settings->shown,
                             connection->at);
}

static int take_feed(struct greeting *greeting) {
    greeting->connection->was_asked_for_feed = true;
    greeting->connection->keeps_events = redis_connection_read_feed_answer(&greeting->reply);
    return LESSON_STORE_OK;
}

static int take_memory(struct greeting *greeting) {
    const redis_connection *connection = greeting->connection;
    char policy[REDIS_POLICY_SIZE];
    lesson_store_id info;
    bool is_told = !greeting->reply.is_error && redis_reply_next_text(&greeting->reply, &info) && info.data;
    const char *warning = is_told ? redis_eviction_read(info, policy) : NULL;
    if (warning)
        lesson_store_observe_event(connection->observer, LESSON_STORE_LOG_EVICTION, "%s: %s%s (it is %s)",
                                   greeting->settings->shown, connection->at, warning, policy);
    return LESSON_STORE_OK;
}

/* ---- The whole */

static int write_auth(struct greeting *greeting, const char *user, const char *password) {
    if (!user && !password)
        return LESSON_STORE_OK;
    begin(greeting, "AUTH");
    if (user)
        add(greeting, user);
    add(greeting, password ? password : "");
    end(greeting, take_auth);
    return LESSON_STORE_OK;
}

static int write_credentials(struct greeting *greeting) {
    const redis_account *account = account_of(greeting);
    redis_password password;
    int code = redis_password_read(&password, greeting->settings, account);
    if (!code)
        code = write_auth(greeting, account->user, password.text);
    redis_password_forget(&password);
    return code;
}

static void write_select(struct greeting *greeting) {
    char number[16];
    snprintf(number, sizeof number, "%d", greeting->settings->db);
    begin(greeting, "SELECT");
    add(greeting, number);
    end(greeting, take_select);
}

static void write_hello(struct greeting *greeting) {
    begin(greeting, "HELLO");
    add(greeting, "2");
    end(greeting, take_hello);
}

static void write_name(struct greeting *greeting) {
    begin(greeting, "CLIENT");
    add(greeting, "SETNAME");
    add(greeting, greeting->settings->client_name);
    end(greeting, take_any);
}

/* A server that expects TLS breaks the connection at the first bytes in the clear. In TLS 1.3 a server that does not
 * accept our certificate says so after the handshake, or breaks the connection. So there has to be a reply before the
 * connection counts as made. */
static void write_ping(struct greeting *greeting) {
    begin(greeting, "PING");
    end(greeting, take_any);
}

static void write_role(struct greeting *greeting) {
    begin(greeting, "ROLE");
    end(greeting, take_role);
}

static void write_feed_question(struct greeting *greeting) {
    redis_connection_begin_feed_question(greeting->connection, &greeting->request);
    end(greeting, take_feed);
}

/* Only for the log, and not for each instance of a pool: INFO is much for a server to say. */
static bool asks_for_memory(const redis_connection *connection) {
    const lesson_store_location *opening = connection->channel.opening;
    return lesson_store_observes_event(connection->observer, LESSON_STORE_LOG_EVICTION) &&
           !(opening && lesson_store_location_first(opening));
}

static void write_memory_question(struct greeting *greeting) {
    begin(greeting, "INFO");
    add(greeting, "memory");
    end(greeting, take_memory);
}

static int write_all(struct greeting *greeting, bool plain) {
    bool is_server = greeting->connection->peer == REDIS_PEER_SERVER;
    int code = write_credentials(greeting);
    if (code)
        return code;
    if (is_server && !plain)
        write_hello(greeting);
    if (is_server && greeting->settings->db != 0)
        write_select(greeting);
    if (plain && greeting->connection->address.host[0])
        write_ping(greeting);
    if (!plain)
        write_name(greeting);
    if (is_server && !plain) {
        write_role(greeting);
        write_feed_question(greeting);
        if (asks_for_memory(greeting->connection))
            write_memory_question(greeting);
    }
    return greeting->no_memory ? lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a request",
                                                   greeting->settings->shown)
                               : LESSON_STORE_OK;
}

/* A failure of the greeting has the same code whatever was sent, because no operation has been sent yet. */
static int code_of(const redis_connection *connection, redis_exchange_end end) {
    switch (end) {
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

static int exchange(struct greeting *greeting, bool *is_broken) {
    redis_connection *connection = greeting->connection;
    if (greeting->step_count == 0)
        return LESSON_STORE_OK;
    redis_exchange_end sent = redis_connection_send_greeting(connection, (redis_bytes){greeting->bytes, greeting->size},
                                                             greeting->step_count);
    int code = code_of(connection, sent);
    for (int i = 0; i < greeting->step_count && !code; i++) {
        redis_exchange_end received = redis_connection_receive_greeting(connection, &greeting->reply);
        code = code_of(connection, received);
        *is_broken = received == REDIS_BROKEN && code != LESSON_STORE_DENIED;
        if (!code)
            code = greeting->steps[i](greeting);
    }
    return code;
}

/* What is known of the feed stays: the request that is waiting for this connection was made by it. */
static void forget_server(redis_connection *connection) {
    snprintf(connection->engine, sizeof connection->engine, "unknown");
    snprintf(connection->mode, sizeof connection->mode, "unknown");
    connection->read_only_calls = REDIS_READ_ONLY_NO;
    connection->role = REDIS_ROLE_UNKNOWN;
    connection->was_asked_for_feed = false;
}

int redis_greet(redis_connection *connection, bool plain, bool *is_broken) {
    struct greeting greeting = {.connection = connection, .settings = connection->settings};
    *is_broken = false;
    forget_server(connection);
    int code = write_all(&greeting, plain);
    if (!code)
        code = exchange(&greeting, is_broken);
    forget(&greeting);
    return code;
}
