/* What the server says of itself. */
#include <inttypes.h>
#include <stdio.h>

#include "info.h"
#include "primary.h"

redis_eviction redis_info_read_eviction(lesson_store_id info) {
    redis_eviction eviction = {.policy = "unknown (the account has no right to INFO)"};
    if (info.size > 0)
        eviction.warning = redis_eviction_read(info, eviction.policy);
    return eviction;
}

bool redis_info_report_eviction(const redis_eviction *eviction, lesson_store_info_callback callback, void *context) {
    return callback("eviction_policy", eviction->policy, context) &&
           (!eviction->warning || callback("warning", eviction->warning, context));
}

static bool report_eviction(redis_store *store, lesson_store_info_callback callback, void *context) {
    redis_request_begin(&store->request);
    redis_request_add_text(&store->request, "INFO");
    redis_request_add_text(&store->request, "memory");
    lesson_store_id text = {NULL, 0};
    if (!redis_ask(store, &store->reply, false))
        (void)redis_reply_next_text(&store->reply, &text);
    redis_eviction eviction = redis_info_read_eviction(text);
    return redis_info_report_eviction(&eviction, callback, context);
}

static const char *role_text(redis_role role) {
    switch (role) {
    case REDIS_ROLE_PRIMARY:
        return "primary";
    case REDIS_ROLE_REPLICA:
        return "replica";
    case REDIS_ROLE_UNKNOWN:
        break;
    }
    return "unknown (a proxy, or the account has no right to ROLE)";
}

/* Where the server is, if others name it. */
static bool report_place(redis_store *store, lesson_store_info_callback callback, void *context) {
    redis_role role = store->connection.role;
    if (!callback("server_role", role_text(role), context))
        return false;
    if (role == REDIS_ROLE_REPLICA && !callback("warning", "the server is a replica: what it says can be old", context))
        return false;
    if (store->settings.kind == REDIS_ONE_SERVER)
        return true;
    char text[REDIS_HOST_SIZE + 16];
    snprintf(text, sizeof text, "%s:%d", store->place.address.host, store->place.address.port);
    if (!callback("address", text, context))
        return false;
    redis_topology_facts facts = redis_topology_get_facts(store->topology);
    snprintf(text, sizeof text, "%llu", (unsigned long long)facts.changes);
    if (!callback("changes_of_primary", text, context))
        return false;
    if (store->settings.kind != REDIS_SENTINEL)
        return callback("keys", store->settings.keys_are_apart ? "in one shard with all slots" : "in one slot",
                        context);
    snprintf(text, sizeof text, "%llu", (unsigned long long)facts.epoch);
    return callback("sentinel_epoch", text, context);
}

bool redis_info_report_tls(const redis_connection *connection, lesson_store_info_callback callback, void *context) {
    static const char *const verified[] = {"full", "ca", "none"};
    char session[96], line[128], resumed[24];
    redis_tls_verify verify = connection->settings->tls_verify;
    if (!connection->channel.tls)
        return callback("tls", "none", context);
    redis_tls_describe(connection->channel.tls, session, sizeof session);
    snprintf(line, sizeof line, "%s, verify %s", session, verified[verify]);
    snprintf(resumed, sizeof resumed, "%" PRIu64, redis_tls_context_resumed(connection->shared->tls));
    if (!callback("tls", line, context) || !callback("tls_resumed", resumed, context))
        return false;
    return verify != REDIS_TLS_VERIFY_NONE ||
           callback(
               "warning",
               "the server's certificate is not checked (tls_verify=none): others can read and change what is sent",
               context);
}

int redis_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context) {
    redis_store *store = redis_of(instance);
    redis_connection *connection = &store->connection;
    /* Connects first, so that the information is about the server that is there now. */
    int code = redis_primary_reach(store);
    if (code)
        return code;
    char db[16];
    snprintf(db, sizeof db, "%d", store->settings.db);
    if (callback("engine", connection->engine, context) && callback("mode", connection->mode, context) &&
        callback("database", db, context) && report_place(store, callback, context) &&
        redis_info_report_tls(connection, callback, context))
        report_eviction(store, callback, context);
    return LESSON_STORE_OK;
}
