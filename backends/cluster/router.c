#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "../redis/cursor.h"
#include "../redis/failure.h"
#include "router.h"

#define SHORTEST_PAUSE_US INT64_C(2000) /* but the second attempt follows the first one at once */
#define LONGEST_PAUSE_US INT64_C(50000)
#define MAP_PATIENCE_US INT64_C(300000) /* how long one question for the map may take */
#define REDIRECTIONS_AT_ONCE 4          /* further ones are followed after a pause: the nodes do not agree */
#define FIRST_CAPACITY 4096
#define IS_ASKING SIZE_MAX

/* One run. */
struct run {
    cluster_router *router;
    const cluster_exchange *exchange;
    int64_t until_us;
    bool is_doubtful;      /* a node does not serve us, so the map may be old */
    redis_address suspect; /* that node, if it is known */
};

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void keep_failure(cluster_router *router) {
    snprintf(router->failure, sizeof router->failure, "%s", lesson_store_message());
}

/* ---- Nodes */

static void free_node(cluster_node *node) {
    redis_connection_free(&node->connection);
    free(node->bytes);
    free(node->sent);
    free(node);
}

void cluster_router_free(cluster_router *router) {
    for (int i = 0; i < router->node_count; i++)
        free_node(router->nodes[i]);
    free(router->nodes);
    free(router->node_of);
    redis_slot_map_free(&router->view.map);
}

static cluster_node *make_node(cluster_router *router, const redis_address *address) {
    cluster_node *node = calloc(1, sizeof *node);
    if (!node)
        return NULL;
    node->address = *address;
    node->connection.settings = router->settings;
    node->connection.shared = cluster_map_shared(router->map);
    node->connection.observer = router->observer;
    node->connection.deadline_us = &router->deadline_us;
    node->connection.peer = REDIS_PEER_NODE;
    node->connection.channel.socket = -1;
    return node;
}

/* Returns the number of the node at this address, or -1 if there is no memory. */
static int find_node(cluster_router *router, const redis_address *address) {
    for (int i = 0; i < router->node_count; i++) {
        if (redis_address_is(&router->nodes[i]->address, address))
            return i;
    }
    cluster_node **nodes = realloc(router->nodes, ((size_t)router->node_count + 1) * sizeof(cluster_node *));
    if (!nodes)
        return -1;
    router->nodes = nodes;
    nodes[router->node_count] = make_node(router, address);
    return nodes[router->node_count] ? router->node_count++ : -1;
}

static bool is_master(const cluster_router *router, const cluster_node *node) {
    int i = 0;
    while (i < router->view.map.count && !redis_address_is(&node->address, &router->view.map.masters[i]))
        i++;
    return i < router->view.map.count;
}

/* A node keeps its number, by which requests name it. It is not asked any more, unless it comes back. */
static void retire(cluster_node *node) {
    redis_connection_close(&node->connection);
    free(node->bytes);
    free(node->sent);
    node->bytes = NULL;
    node->sent = NULL;
    node->size = node->capacity = node->count = node->room = 0;
}

int cluster_router_look(cluster_router *router) {
    int code = cluster_map_look(router->map, &router->view);
    if (code || router->generation == router->view.generation)
        return code;
    int *node_of = realloc(router->node_of, (size_t)router->view.map.count * sizeof *node_of);
    if (!node_of)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the nodes", router->settings->shown);
    router->node_of = node_of;
    for (int i = 0; i < router->view.map.count; i++)
        node_of[i] = -1;
    for (int i = 0; i < router->node_count; i++) {
        if (!is_master(router, router->nodes[i]))
            retire(router->nodes[i]);
    }
    router->generation = router->view.generation;
    return LESSON_STORE_OK;
}

int cluster_router_node_of(cluster_router *router, int master) {
    if (router->node_of[master] < 0)
        router->node_of[master] = find_node(router, &router->view.map.masters[master]);
    return router->node_of[master];
}

/* ---- Writing */

static bool make_room(cluster_node *node, size_t more) {
    size_t needed = node->size + more, capacity = node->capacity ? node->capacity : FIRST_CAPACITY;
    if (needed <= node->capacity)
        return true;
    while (capacity < needed)
        capacity *= 2;
    char *bytes = realloc(node->bytes, capacity);
    if (!bytes)
        return false;
    node->bytes = bytes;
    node->capacity = capacity;
    return true;
}

static bool note(cluster_node *node, size_t index) {
    if (node->count == node->room) {
        size_t room = node->room ? 2 * node->room : 64;
        size_t *sent = realloc(node->sent, room * sizeof *sent);
        if (!sent)
            return false;
        node->sent = sent;
        node->room = room;
    }
    node->sent[node->count++] = index;
    return true;
}

static bool append(cluster_node *node, redis_bytes bytes, size_t index) {
    if (!bytes.data || !make_room(node, bytes.size) || !note(node, index))
        return false;
    memcpy(node->bytes + node->size, bytes.data, bytes.size);
    node->size += bytes.size;
    return true;
}

static bool append_with_source(cluster_node *node, const redis_request *call, size_t index) {
    redis_request whole = {.bytes = NULL};
    redis_request_carry_source(&whole, call);
    bool is_appended = append(node, redis_request_finish(&whole), index);
    redis_request_free(&whole);
    return is_appended;
}

static bool append_request(struct run *run, size_t index) {
    static char asking[] = "*1\r\n$6\r\nASKING\r\n";
    cluster_request *request = &run->exchange->requests[index];
    cluster_node *node = run->router->nodes[request->node];
    run->exchange->write(index, run->exchange->context);
    redis_request *written = run->router->request;
    if (request->asks && !append(node, (redis_bytes){asking, sizeof asking - 1}, IS_ASKING))
        return false;
    return request->with_source && written->script ? append_with_source(node, written, index)
                                                   : append(node, redis_request_finish(written), index);
}

/* ---- The ends of requests */

static void end_unsent(struct run *run, cluster_request *request, int code) {
    request->end = CLUSTER_UNSENT;
    request->code = code;
    keep_failure(run->router);
}

static void put_off(cluster_request *request) {
    request->due_us = request->pause_us ? lesson_store_monotonic_us() + request->pause_us : 0;
    request->pause_us = request->pause_us ? least(2 * request->pause_us, LONGEST_PAUSE_US) : SHORTEST_PAUSE_US;
}

/* The reply was lost, and the connection with it. */
static void lose(struct run *run, cluster_request *request) {
    request->asks = false;
    if (request->may_repeat) {
        request->was_lost = true;
        put_off(request);
        return;
    }
    request->end = CLUSTER_LOST;
    request->code = LESSON_STORE_UNKNOWN;
    keep_failure(run->router);
}

static void doubt(struct run *run, const cluster_node *node) {
    run->is_doubtful = true;
    run->suspect = node->address;
}

/* ---- Replies */

static void tell_of_redirection(struct run *run, const cluster_node *node, lesson_store_id error) {
    lesson_store_observe_count(run->router->observer, LESSON_STORE_ENGINE_REDIRECTIONS, 1);
    lesson_store_observe_event(run->router->observer, LESSON_STORE_LOG_REDIRECTED, "%s: %s%.*s",
                               run->router->settings->shown, node->connection.at, (int)error.size, error.data);
}

static void follow(struct run *run, const cluster_node *node, cluster_request *request, lesson_store_id error) {
    redis_address to;
    tell_of_redirection(run, node, error);
    if (++request->redirections > REDIRECTIONS_AT_ONCE)
        put_off(request);
    if (!redis_cluster_read_redirection(&to, error, &node->address)) {
        put_off(request);
        doubt(run, node);
        return;
    }
    if (!redis_failure_is(error, "ASK ")) {
        run->is_doubtful = cluster_map_move(run->router->map, request->slot, &to) || run->is_doubtful;
        return;
    }
    int target = find_node(run->router, &to);
    request->asks = target >= 0;
    request->node = target >= 0 ? target : request->node;
}

/* True if the request was not executed and is sent again. */
static bool is_repeated(struct run *run, const cluster_node *node, cluster_request *request, lesson_store_id error) {
    bool is_redirection = redis_failure_is(error, "MOVED ") || redis_failure_is(error, "ASK ");
    if (redis_failure_is(error, "NOSCRIPT") && !request->with_source) {
        lesson_store_observe_count(run->router->observer, LESSON_STORE_ENGINE_SCRIPT_LOADS, 1);
        request->with_source = true;
        return true;
    }
    if (!redis_failure_is_transient(error))
        return false;
    if (is_redirection && !request->is_pinned) {
        follow(run, node, request, error);
        return true;
    }
    request->code = redis_failure_code(error);
    lesson_store_fail(request->code, "%s: %s%.*s", run->router->settings->shown, node->connection.at, (int)error.size,
                      error.data);
    keep_failure(run->router);
    put_off(request);
    if (!redis_failure_is(error, "TRYAGAIN"))
        doubt(run, node);
    return true;
}

static void take_reply(struct run *run, const cluster_node *node, size_t index) {
    redis_reply *reply = run->router->reply;
    cluster_request *request = &run->exchange->requests[index];
    request->asks = false;
    if (reply->is_error && is_repeated(run, node, request, redis_reply_line(reply)))
        return;
    request->end = CLUSTER_ANSWERED;
    request->made = node->connection.made;
    run->exchange->take(index, reply, run->exchange->context);
}

/* A node that hangs gets only half of the time if what it was asked may be sent again, to the node that takes over. */
static int64_t patience_us(const struct run *run, const cluster_node *node) {
    bool may_repeat = true;
    for (size_t i = 0; i < node->count && may_repeat; i++)
        may_repeat = node->sent[i] == IS_ASKING || run->exchange->requests[node->sent[i]].may_repeat;
    int64_t left_us = run->until_us - lesson_store_monotonic_us();
    left_us = left_us > 0 ? left_us : 0;
    return may_repeat ? left_us / 2 : left_us;
}

/* Each reply has the time that is left, and not the whole time again. */
static redis_exchange_end receive(struct run *run, cluster_node *node, int64_t until_us) {
    int64_t left_us = until_us - lesson_store_monotonic_us();
    redis_channel_give_time(&node->connection.channel, left_us > 0 ? left_us : 0);
    return redis_connection_receive(&node->connection, run->router->reply);
}

static void lose_all(struct run *run, cluster_node *node, size_t first) {
    lesson_store_observe_count(run->router->observer, LESSON_STORE_ENGINE_CONNECTION_LOSSES, 1);
    redis_connection_close(&node->connection);
    keep_failure(run->router);
    doubt(run, node);
    for (size_t i = first; i < node->count; i++) {
        if (node->sent[i] != IS_ASKING)
            lose(run, &run->exchange->requests[node->sent[i]]);
    }
    node->count = 0;
}

static void receive_all(struct run *run, cluster_node *node) {
    int64_t until_us = node->count > 0 ? lesson_store_monotonic_us() + patience_us(run, node) : 0;
    size_t at = 0;
    while (at < node->count && receive(run, node, until_us) == REDIS_ANSWERED) {
        if (node->sent[at] != IS_ASKING)
            take_reply(run, node, node->sent[at]);
        at++;
    }
    if (at < node->count)
        lose_all(run, node, at);
}

/* ---- Sending */

/* One that hangs gets only half of the time, so that the node that takes over gets some too. */
static int64_t connect_until_us(const struct run *run) {
    int64_t now_us = lesson_store_monotonic_us();
    int64_t limit_us = run->router->settings->connect_timeout_ms * INT64_C(1000);
    return now_us + least((run->until_us - now_us) / 2, limit_us);
}

static int connect_to(struct run *run, cluster_node *node) {
    redis_connection *connection = &node->connection;
    if (redis_connection_is_usable(connection))
        return LESSON_STORE_OK;
    connection->channel.opening = run->router->opening;
    int code = redis_connection_open(connection, &node->address, connect_until_us(run));
    connection->channel.opening = NULL;
    return code;
}

/* Nothing was sent. What passes is tried again. */
static void keep_unsent(struct run *run, cluster_node *node, int code) {
    bool passes = code == LESSON_STORE_UNREACHABLE || node->connection.is_refused;
    keep_failure(run->router);
    doubt(run, node);
    for (size_t i = 0; i < node->count; i++) {
        if (node->sent[i] == IS_ASKING)
            continue;
        cluster_request *request = &run->exchange->requests[node->sent[i]];
        request->asks = false;
        request->code = code;
        if (passes)
            put_off(request);
        else
            end_unsent(run, request, code);
    }
    node->count = 0;
}

/* If not all of it could be sent, the node may have got some of the requests. */
static void send_to(struct run *run, cluster_node *node) {
    run->router->deadline_us = run->until_us;
    int code = connect_to(run, node);
    if (code) {
        keep_unsent(run, node, code);
        return;
    }
    run->router->deadline_us = run->until_us;
    redis_bytes bytes = {node->bytes, node->size};
    if (redis_connection_send_many(&node->connection, bytes, (int)node->count) != REDIS_ANSWERED)
        lose_all(run, node, 0);
}

/* ---- Rounds */

static int choose_node(struct run *run, const cluster_request *request) {
    cluster_router *router = run->router;
    if (request->asks || request->is_pinned)
        return request->node;
    int master = router->view.map.master_of[request->slot];
    return master >= 0 ? cluster_router_node_of(router, master) : -1;
}

static void begin_round(struct run *run) {
    cluster_router *router = run->router;
    run->is_doubtful = false;
    run->suspect.host[0] = '\0';
    for (int i = 0; i < router->node_count; i++)
        router->nodes[i]->size = router->nodes[i]->count = 0;
}

static void hand_to_node(struct run *run, size_t index) {
    cluster_router *router = run->router;
    cluster_request *request = &run->exchange->requests[index];
    request->node = choose_node(run, request);
    if (request->node < 0) {
        request->code = lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the Cluster has slots without an owner",
                                          router->settings->shown);
        keep_failure(router);
        put_off(request);
        run->is_doubtful = true;
    } else if (!append_request(run, index)) {
        int code =
            lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a request", router->settings->shown);
        end_unsent(run, request, code);
    }
}

/* Returns when the next one is due that waits for something; INT64_MAX: none does. */
static int64_t hand_out(struct run *run, bool *is_any_due) {
    int64_t now_us = lesson_store_monotonic_us(), next_us = INT64_MAX;
    for (size_t i = 0; i < run->exchange->count; i++) {
        cluster_request *request = &run->exchange->requests[i];
        if (request->end != CLUSTER_WAITS)
            continue;
        if (request->due_us > now_us) {
            next_us = least(next_us, request->due_us);
        } else {
            *is_any_due = true;
            hand_to_node(run, i);
        }
    }
    return next_us;
}

static void send_all(struct run *run) {
    cluster_router *router = run->router;
    for (int i = 0; i < router->node_count; i++) {
        if (router->nodes[i]->count > 0)
            send_to(run, router->nodes[i]);
    }
    for (int i = 0; i < router->node_count; i++)
        receive_all(run, router->nodes[i]);
}

static bool any_waits(const cluster_exchange *exchange) {
    size_t i = 0;
    while (i < exchange->count && exchange->requests[i].end != CLUSTER_WAITS)
        i++;
    return i < exchange->count;
}

/* What waits now was not executed, or was lost and may be sent again. */
static void give_up(struct run *run, int code) {
    cluster_router *router = run->router;
    for (size_t i = 0; i < run->exchange->count; i++) {
        cluster_request *request = &run->exchange->requests[i];
        if (request->end != CLUSTER_WAITS)
            continue;
        request->end = request->was_lost ? CLUSTER_LOST : CLUSTER_UNSENT;
        if (!request->code)
            request->code = code;
    }
    if (!router->failure[0])
        snprintf(router->failure, sizeof router->failure, "%s: the time was over before all was done",
                 router->settings->shown);
}

static bool is_over(const struct run *run) {
    const lesson_store_location *opening = run->router->opening;
    return lesson_store_monotonic_us() >= run->until_us || (opening && lesson_store_location_gives_up(opening));
}

static void wait_until(const struct run *run, int64_t until_us) {
    int64_t left_us = least(until_us, run->until_us) - lesson_store_monotonic_us();
    struct timespec wait = {.tv_nsec = least(left_us > 0 ? left_us : 0, LONGEST_PAUSE_US) * 1000};
    lesson_store_observe_count(run->router->observer, LESSON_STORE_ENGINE_RETRIES, 1);
    ppoll(NULL, 0, &wait, NULL);
}

bool cluster_router_round(cluster_router *router, const cluster_exchange *exchange, int64_t until_us) {
    struct run run = {.router = router, .exchange = exchange, .until_us = until_us};
    bool is_any_due = false;
    if (is_over(&run)) {
        give_up(&run, LESSON_STORE_UNREACHABLE);
        return false;
    }
    int code = cluster_router_look(router);
    if (code) {
        keep_failure(router);
        give_up(&run, code);
        return false;
    }
    begin_round(&run);
    int64_t next_us = hand_out(&run, &is_any_due);
    send_all(&run);
    if (!is_any_due && next_us < INT64_MAX)
        wait_until(&run, next_us);
    if (run.is_doubtful)
        cluster_map_ask(router->map, &run.suspect, least(until_us, lesson_store_monotonic_us() + MAP_PATIENCE_US),
                        router->opening);
    return any_waits(exchange);
}

void cluster_router_run(cluster_router *router, const cluster_exchange *exchange, int64_t until_us) {
    router->failure[0] = '\0';
    while (any_waits(exchange) && cluster_router_round(router, exchange, until_us))
        ;
}

/* ---- Cursors */

static uint64_t name_of(const cluster_node *node) {
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)node->address.port;
    for (const char *at = node->address.host; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    return hash;
}

bool cluster_cursor_is_of_this_node(lesson_store_position *position, const cluster_node *node, int64_t asked_us) {
    uint64_t name = name_of(node);
    if (position->id[0] && position->words[CLUSTER_WORD_NODE] != name) {
        position->words[REDIS_WORD_BEGAN_US] = (uint64_t)asked_us;
        position->id[0] = '\0';
        return false;
    }
    position->words[CLUSTER_WORD_NODE] = name;
    return redis_cursor_is_of_this_server(position, &node->connection, asked_us);
}

void cluster_request_begin(cluster_request *request, unsigned slot, bool may_repeat) {
    *request = (cluster_request){.slot = slot, .may_repeat = may_repeat};
}
