/* Questions to the nodes that are no operations. */
#include "../redis/failure.h"
#include "cluster.h"

/* The deadline of the call counts for the first request. What a call has begun it may finish as long as the nodes
 * reply. */
int64_t cluster_until_us(cluster_store *store) {
    int64_t deadline_us = store->base.deadline_us;
    store->base.deadline_us = 0;
    return deadline_us ? deadline_us : lesson_store_monotonic_us() + store->redis.settings.timeout_ms * INT64_C(1000);
}

int cluster_error(const cluster_store *store, const redis_reply *reply) {
    lesson_store_id error = redis_reply_line(reply);
    return lesson_store_fail(redis_failure_code(error), "%s: %.*s", store->redis.settings.shown, (int)error.size,
                             error.data);
}

int cluster_garbled(const cluster_store *store) {
    return lesson_store_fail(LESSON_STORE_FAILED, "%s: the server's reply is malformed", store->redis.settings.shown);
}

int cluster_exchange_all(cluster_store *store, const cluster_exchange *exchange) {
    cluster_router_run(&store->router, exchange, cluster_until_us(store));
    for (size_t i = 0; i < exchange->count; i++) {
        const cluster_request *request = &exchange->requests[i];
        bool is_doubtful = exchange->writes && (request->end == CLUSTER_LOST || request->was_lost);
        if (request->end != CLUSTER_ANSWERED)
            return lesson_store_fail(is_doubtful ? LESSON_STORE_UNKNOWN : request->code, "%s", store->router.failure);
    }
    return LESSON_STORE_OK;
}

/* The request is written already, and the reply is read by the caller. */
static void write_nothing(size_t index, void *context) {
    (void)index;
    (void)context;
}

static void take_nothing(size_t index, redis_reply *reply, void *context) {
    (void)index;
    (void)reply;
    (void)context;
}

static int ask(cluster_store *store, cluster_request *request) {
    const cluster_exchange exchange = {request, 1, write_nothing, take_nothing, NULL, .writes = false};
    int code = cluster_exchange_all(store, &exchange);
    store->node = request->node;
    if (code)
        return code;
    return store->redis.reply.is_error ? cluster_error(store, &store->redis.reply) : LESSON_STORE_OK;
}

int cluster_ask_slot(cluster_store *store, unsigned slot) {
    cluster_request request = {.slot = slot, .may_repeat = true};
    return ask(store, &request);
}

int cluster_ask_node(cluster_store *store, int node) {
    cluster_request request = {.is_pinned = true, .node = node, .may_repeat = true};
    return ask(store, &request);
}

int cluster_tell(cluster_store *store, unsigned slot) {
    cluster_request request = {.slot = slot};
    return ask(store, &request);
}
