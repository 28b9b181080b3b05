#include "cluster.h"
#include "confirm.h"
#include "failure.h"
#include "keys.h"
#include "primary.h"

const redis_script *redis_ask_form(const redis_store *store, const redis_script *script) {
    bool may_write_events = store->settings.events_kept > 0 || store->connection.keeps_events;
    script = may_write_events && script->feed ? script->feed : script;
    return store->settings.keys_are_apart && script->apart ? script->apart : script;
}

void redis_ask_begin(redis_store *store, const redis_script *script, const char *key) {
    char front[REDIS_KEY_SIZE];
    if (!key)
        redis_key(front, store->settings.prefix, REDIS_RECORD, (lesson_store_id){"", 0});
    redis_request_begin_call(&store->request, redis_ask_form(store, script), lesson_store_id_of(key ? key : front));
    redis_request_add_text(&store->request, store->settings.prefix);
}

void redis_ask_begin_scan(redis_store *store, const char *key, const char *cursor, const char *count) {
    redis_request *request = &store->request;
    redis_request_begin(request);
    redis_request_add_text(request, "SSCAN");
    redis_request_add_text(request, key);
    redis_request_add_text(request, cursor);
    redis_request_add_text(request, "COUNT");
    redis_request_add_text(request, count);
}

static redis_exchange_end exchange_bytes(redis_store *store, redis_request *request, redis_reply *reply, bool writes) {
    redis_bytes bytes = redis_request_finish(request);
    if (!bytes.data)
        return REDIS_NO_MEMORY_TO_SEND;
    if (writes && store->settings.wait_replicas > 0)
        return redis_confirm_exchange(store, bytes, reply);
    return redis_connection_exchange(&store->connection, bytes, reply);
}

/* Called when the server does not know the script, because it restarted or its scripts were flushed. So it has executed
 * nothing. After this call it knows the script. */
static redis_exchange_end exchange_with_source(redis_store *store, redis_reply *reply, bool writes) {
    redis_request request = {0};
    redis_request_carry_source(&request, &store->request);
    redis_exchange_end end = exchange_bytes(store, &request, reply, writes);
    redis_request_free(&request);
    lesson_store_observe_count(store->connection.observer, LESSON_STORE_ENGINE_SCRIPT_LOADS, 1);
    lesson_store_observe_event(store->connection.observer, LESSON_STORE_LOG_SCRIPT_LOADED,
                               "%s: %sthe server did not have the script %s", store->settings.shown,
                               store->connection.at, store->request.script->sha1);
    return end;
}

static redis_exchange_end exchange_script(redis_store *store, redis_reply *reply, bool writes) {
    redis_exchange_end end = exchange_bytes(store, &store->request, reply, writes);
    bool unknown_script = end == REDIS_ANSWERED && reply->is_error && store->request.script &&
                          redis_failure_is(redis_reply_line(reply), "NOSCRIPT");
    if (!unknown_script)
        return end;
    /* WAIT behind it may have used the time up. Nothing was executed. */
    if (!redis_channel_is_open(&store->connection.channel))
        return REDIS_UNSENT;
    return exchange_with_source(store, reply, writes);
}

/* An account may have the right to EVALSHA only, and a proxy may know no other call. */
static bool refuses_read_only_calls(const redis_reply *reply) {
    lesson_store_id error = redis_reply_line(reply);
    return reply->is_error && (redis_failure_is(error, "NOPERM") || redis_failure_is(error, "ERR unknown"));
}

static redis_exchange_end exchange(redis_store *store, redis_reply *reply, bool writes) {
    redis_connection *connection = &store->connection;
    redis_request *request = &store->request;
    request->reads_only = request->script && !writes && connection->read_only_calls != REDIS_READ_ONLY_NO;
    redis_exchange_end end = exchange_script(store, reply, writes);
    if (end != REDIS_ANSWERED || !request->reads_only)
        return end;
    connection->read_only_calls = REDIS_READ_ONLY_YES;
    if (!refuses_read_only_calls(reply))
        return end;
    connection->read_only_calls = REDIS_READ_ONLY_NO;
    request->reads_only = false;
    return exchange_script(store, reply, writes);
}

int redis_ask_code(redis_store *store, redis_exchange_end end, bool writes) {
    switch (end) {
    case REDIS_ANSWERED:
        return LESSON_STORE_OK;
    case REDIS_UNSENT:
    case REDIS_UNSENT_IN_TIME:
        return LESSON_STORE_UNREACHABLE;
    case REDIS_NO_MEMORY_TO_SEND:
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a request", store->settings.shown);
    case REDIS_BROKEN:
    case REDIS_UNANSWERED_IN_TIME:
        return writes ? LESSON_STORE_UNKNOWN : LESSON_STORE_UNREACHABLE;
    case REDIS_DEMOTED:
        return LESSON_STORE_READ_ONLY;
    case REDIS_GARBLED:
        return writes ? LESSON_STORE_UNKNOWN : LESSON_STORE_FAILED;
    case REDIS_NO_MEMORY:
        return writes ? LESSON_STORE_UNKNOWN : LESSON_STORE_NO_MEMORY;
    }
    return LESSON_STORE_FAILED;
}

int redis_ask_error(redis_store *store, const redis_reply *reply, bool writes) {
    lesson_store_id error = redis_reply_line(reply);
    bool is_moving = store->settings.kind == REDIS_CLUSTER && redis_failure_is_transient(error);
    int code = redis_failure_code(error);
    if (is_moving && code == LESSON_STORE_UNSUPPORTED)
        code = LESSON_STORE_UNREACHABLE; /* a redirection that was not followed in time */
    if (writes && redis_failure_is_of_lua(error))
        code = LESSON_STORE_UNKNOWN;
    return lesson_store_fail(code, "%s: %s%.*s", store->settings.shown, store->connection.at, (int)error.size,
                             error.data);
}

/* A timeout is not followed by a second attempt: the caller waits no longer than the location states. */
bool redis_ask_may_repeat(redis_exchange_end end, bool writes) {
    return end == REDIS_UNSENT || end == REDIS_DEMOTED || (end == REDIS_BROKEN && !writes);
}

/* ASK: the key is at the named node already, or is missing there too. ASKING lets that node answer for this one
 * request. Scripts cannot follow: there the node would look for none of the keys that are still here. */
static redis_exchange_end follow(redis_store *store, const redis_address *node, int64_t until_us, redis_reply *reply) {
    int64_t deadline_us = until_us;
    redis_connection guest = {.settings = &store->settings,
                              .shared = store->connection.shared,
                              .deadline_us = &deadline_us,
                              .observer = store->connection.observer};
    redis_bytes bytes = redis_request_finish(&store->request);
    guest.peer = REDIS_PEER_NODE;
    guest.channel.socket = -1;
    redis_exchange_end end = REDIS_UNSENT;
    if (!redis_connection_open(&guest, node, deadline_us)) {
        char asking[] = "*1\r\n$6\r\nASKING\r\n";
        end = redis_connection_exchange(&guest, (redis_bytes){asking, sizeof asking - 1}, reply);
    }
    deadline_us = until_us;
    if (end == REDIS_ANSWERED)
        end = redis_connection_exchange(&guest, bytes, reply);
    redis_connection_free(&guest);
    return end;
}

/* When the call must end. The reply to the first exchange gives it more time, but not for this. */
static int64_t end_of_call_us(const redis_store *store) {
    if (store->settings.kind != REDIS_CLUSTER)
        return 0;
    return lesson_store_monotonic_us() + redis_connection_left_us(&store->connection, store->settings.timeout_ms);
}

static bool may_follow(const redis_store *store, const redis_reply *reply, redis_address *node) {
    lesson_store_id error = redis_reply_line(reply);
    return store->request.may_follow && store->settings.kind == REDIS_CLUSTER && redis_failure_is(error, "ASK ") &&
           redis_cluster_read_redirection(node, error, &store->connection.address);
}

/* One attempt. */
static int ask_once(redis_store *store, redis_reply *reply, bool writes, redis_retry *retry) {
    int code = redis_primary_prepare(store, retry);
    if (code)
        return code;
    int64_t until_us = store->request.may_follow ? end_of_call_us(store) : 0;
    redis_exchange_end end = exchange(store, reply, writes);
    if (end != REDIS_ANSWERED) {
        *retry = redis_primary_lost(store, redis_ask_may_repeat(end, writes) && reply->streamed == 0);
        return redis_ask_code(store, end, writes);
    }
    redis_address node;
    if (reply->is_error && may_follow(store, reply, &node) && follow(store, &node, until_us, reply) != REDIS_ANSWERED) {
        *retry = REDIS_RETRY;
        return LESSON_STORE_UNREACHABLE;
    }
    if (!reply->is_error)
        return LESSON_STORE_OK;
    code = redis_ask_error(store, reply, writes);
    *retry = redis_primary_refused(store, redis_reply_line(reply));
    return code;
}

int redis_ask(redis_store *store, redis_reply *reply, bool writes) {
    redis_attempts attempts = redis_attempts_begin(store);
    redis_retry retry;
    int code;
    do
        code = ask_once(store, reply, writes, &retry);
    while (code && redis_attempts_again(&attempts, store, retry, code));
    return redis_attempts_end(&attempts, store, code);
}

/* The line of the node itself in CLUSTER NODES: it has all slots, and none is being moved. */
static bool has_all_keys(lesson_store_id nodes) {
    const char *line = nodes.data ? memmem(nodes.data, nodes.size, " myself,", 8) : NULL;
    if (!line)
        return false;
    size_t size = (size_t)(nodes.data + nodes.size - line);
    const char *end = memchr(line, '\n', size);
    size = end ? (size_t)(end - line) : size;
    return memmem(line, size, " 0-16383", 8) && !memchr(line, '[', size);
}

static int check_all_keys(redis_store *store) {
    static const char *const words[] = {"CLUSTER", "NODES", NULL};
    redis_reply reply = {0};
    redis_exchange_end end = redis_connection_exchange_words(&store->connection, words, &reply);
    int code = redis_ask_code(store, end, false);
    if (!code && reply.is_error)
        code = redis_ask_error(store, &reply, false);
    if (!code && !has_all_keys(redis_reply_line(&reply)))
        code = lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: keys are being moved to another shard",
                                 store->settings.shown);
    redis_reply_free(&reply);
    return code;
}

int redis_ask_page(redis_store *store, redis_reply *reply, bool writes) {
    int code = redis_ask(store, reply, writes);
    if (code || !store->settings.keys_are_apart)
        return code;
    code = check_all_keys(store);
    if (!code)
        return LESSON_STORE_OK;
    redis_primary_lost(store, false);
    return writes ? LESSON_STORE_UNKNOWN : code; /* what the page wrote is applied */
}

int redis_ask_garbled(redis_store *store, bool writes) {
    lesson_store_fail(LESSON_STORE_FAILED, "%s: the server's reply is malformed", store->settings.shown);
    redis_connection_close(&store->connection);
    return redis_ask_code(store, REDIS_GARBLED, writes);
}
