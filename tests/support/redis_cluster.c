#include "redis_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_ask.h"

#define SLOTS 16384
#define ARGUMENTS_MAX 32
#define NODE_ID_SIZE 41

struct redis_cluster {
    redis_cluster_options options;
    const char *arguments[ARGUMENTS_MAX];
    char node_timeout[16];
    redis_server *nodes[REDIS_CLUSTER_NODES_MAX];
    char ids[REDIS_CLUSTER_NODES_MAX][NODE_ID_SIZE];
    int count;
    char location[512];
};

static bool set_arguments(redis_cluster *rig) {
    const char *password = rig->options.password;
    int timeout = rig->options.node_timeout_ms;
    snprintf(rig->node_timeout, sizeof rig->node_timeout, "%d", timeout ? timeout : 1000);
    const char *const fixed[] = {"--cluster-node-timeout",
                                 rig->node_timeout,
                                 "--repl-diskless-sync-delay",
                                 "0",
                                 "--repl-ping-replica-period",
                                 "1",
                                 "--rdb-del-sync-files",
                                 "yes",
                                 password ? "--requirepass" : NULL,
                                 password,
                                 "--masterauth",
                                 password};
    size_t count = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed && fixed[i]; i++)
        rig->arguments[count++] = fixed[i];
    for (size_t i = 0; rig->options.arguments && rig->options.arguments[i]; i++) {
        if (count + 1 == ARGUMENTS_MAX)
            return false;
        rig->arguments[count++] = rig->options.arguments[i];
    }
    return true;
}

static redisReply *ask_node(const redis_cluster *rig, int index, const char *command) {
    return redis_ask(rig->nodes[index], rig->options.password, NULL, command);
}

static bool start_node(redis_cluster *rig) {
    const redis_server_options options = {.arguments = rig->arguments,
                                          .certificates = rig->options.certificates,
                                          .certificate = rig->options.certificate,
                                          .is_tls_only = rig->options.certificates != NULL,
                                          .is_cluster_node = true};
    int index = rig->count;
    if (index == REDIS_CLUSTER_NODES_MAX)
        return false;
    rig->nodes[index] = redis_server_start_with(&options);
    if (!rig->nodes[index])
        return false;
    rig->count++;
    redisReply *id = ask_node(rig, index, "CLUSTER MYID");
    if (id)
        snprintf(rig->ids[index], NODE_ID_SIZE, "%s", id->str);
    freeReplyObject(id);
    return strlen(rig->ids[index]) == NODE_ID_SIZE - 1;
}

static bool meet(const redis_cluster *rig, int index) {
    const redis_server *node = rig->nodes[index];
    return redis_tell(rig->nodes[0], rig->options.password, "CLUSTER MEET 127.0.0.1 %d %d", redis_server_port(node),
                      redis_server_bus_port(node));
}

static bool add_slots(const redis_cluster *rig, int primary) {
    int first = SLOTS * primary / rig->options.primaries, next = SLOTS * (primary + 1) / rig->options.primaries;
    return redis_tell(rig->nodes[primary], rig->options.password, "CLUSTER ADDSLOTSRANGE %d %d", first, next - 1) &&
           redis_tell(rig->nodes[primary], rig->options.password, "CLUSTER SET-CONFIG-EPOCH %d", primary + 1);
}

/* The line of a node in an answer to CLUSTER NODES, or NULL. */
static const char *line_of(const char *answer, const char *id) {
    for (const char *line = answer; line && *line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, id, NODE_ID_SIZE - 1) == 0)
            return line;
    }
    return NULL;
}

/* "ID address flags primary ping-sent pong-received epoch link slots..." */
static bool finds_connected(const char *answer, const char *id) {
    const char *line = line_of(answer, id);
    char flags[128], link[16];
    return line && sscanf(line, "%*s %*s %127s %*s %*s %*s %*s %15s", flags, link) == 2 && !strstr(flags, "fail") &&
           !strstr(flags, "handshake") && strcmp(link, "connected") == 0;
}

static bool knows_all(const redis_cluster *rig, int index) {
    redisReply *nodes = ask_node(rig, index, "CLUSTER NODES");
    bool knows = nodes != NULL;
    for (int i = 0; knows && i < rig->count; i++)
        knows = !redis_server_is_running(rig->nodes[i]) || finds_connected(nodes->str, rig->ids[i]);
    freeReplyObject(nodes);
    return knows;
}

static bool all_know_all(void *context) {
    const redis_cluster *rig = context;
    for (int i = 0; i < rig->count; i++) {
        if (redis_server_is_running(rig->nodes[i]) && !knows_all(rig, i))
            return false;
    }
    return true;
}

static bool replicate(const redis_cluster *rig) {
    const redis_cluster_options *options = &rig->options;
    for (int i = options->primaries; i < rig->count; i++) {
        const char *primary = rig->ids[(i - options->primaries) / options->replicas];
        if (!redis_tell(rig->nodes[i], options->password, "CLUSTER REPLICATE %s", primary))
            return false;
    }
    return true;
}

static bool answer_has(const redis_cluster *rig, int index, const char *command, const char *part) {
    redisReply *reply = ask_node(rig, index, command);
    bool has = reply && strstr(reply->str, part);
    freeReplyObject(reply);
    return has;
}

static bool has_role(const redis_cluster *rig, int index, const char *role) {
    redisReply *reply = ask_node(rig, index, "ROLE");
    bool has = reply && reply->elements > 0 && strcmp(reply->element[0]->str, role) == 0;
    freeReplyObject(reply);
    return has;
}

/* The number of the node that has this id, counted from 1, or 0. */
static int number_of(const redis_cluster *rig, const char *id) {
    for (int i = 0; i < rig->count; i++) {
        if (strcmp(rig->ids[i], id) == 0)
            return i + 1;
    }
    return 0;
}

/* For each slot, the number of its owner in this node's view. Leaves the slots without one. The port would not tell: a
 * question in the clear does not learn that for TLS. */
static bool read_owners(const redis_cluster *rig, int index, int owners[SLOTS]) {
    redisReply *ranges = ask_node(rig, index, "CLUSTER SLOTS");
    if (!ranges)
        return false;
    for (size_t i = 0; i < ranges->elements; i++) {
        redisReply **range = ranges->element[i]->element;
        int owner = number_of(rig, range[2]->element[2]->str);
        for (long long slot = range[0]->integer; slot <= range[1]->integer && slot < SLOTS; slot++)
            owners[slot] = owner;
    }
    freeReplyObject(ranges);
    return true;
}

typedef struct cluster_view {
    int owners[SLOTS];
    int epochs[REDIS_CLUSTER_NODES_MAX]; /* of the running nodes; else 0 */
} cluster_view;

static bool read_epochs(const redis_cluster *rig, int index, int epochs[REDIS_CLUSTER_NODES_MAX]) {
    redisReply *nodes = ask_node(rig, index, "CLUSTER NODES");
    bool are_read = nodes != NULL;
    for (int i = 0; are_read && i < rig->count; i++) {
        if (!redis_server_is_running(rig->nodes[i]))
            continue;
        const char *line = line_of(nodes->str, rig->ids[i]);
        are_read = line && sscanf(line, "%*s %*s %*s %*s %*s %*s %d", &epochs[i]) == 1;
    }
    freeReplyObject(nodes);
    return are_read;
}

static bool all_agree(void *context) {
    const redis_cluster *rig = context;
    cluster_view agreed, view;
    bool is_first = true;
    for (int i = 0; i < rig->count; i++) {
        if (!redis_server_is_running(rig->nodes[i]))
            continue;
        memset(&view, 0, sizeof view);
        if (!read_owners(rig, i, view.owners) || !read_epochs(rig, i, view.epochs) ||
            (!is_first && memcmp(&agreed, &view, sizeof agreed) != 0))
            return false;
        agreed = view;
        is_first = false;
    }
    return !is_first;
}

bool redis_cluster_flush(const redis_cluster *rig) {
    for (int i = 0; i < rig->count; i++) {
        bool has_keys = redis_server_is_running(rig->nodes[i]) && has_role(rig, i, "master");
        if (has_keys && !redis_tell(rig->nodes[i], rig->options.password, "FLUSHALL"))
            return false;
    }
    return true;
}

bool redis_cluster_wait_agreed(const redis_cluster *rig) {
    redis_cluster copy = *rig;
    return redis_wait(all_agree, &copy);
}

static bool are_replicas_synced(const redis_cluster *rig) {
    int replicas = 0, synced = 0;
    for (int i = 0; i < rig->count; i++) {
        if (!redis_server_is_running(rig->nodes[i]))
            continue;
        replicas += has_role(rig, i, "slave");
        synced += redis_synced_replicas(rig->nodes[i], rig->options.password);
    }
    return replicas == synced;
}

static bool is_whole(void *context) {
    const redis_cluster *rig = context;
    for (int i = 0; i < rig->count; i++) {
        if (redis_server_is_running(rig->nodes[i]) && !answer_has(rig, i, "CLUSTER INFO", "cluster_state:ok"))
            return false;
    }
    return all_know_all(context) && all_agree(context) && are_replicas_synced(rig);
}

bool redis_cluster_wait_whole(const redis_cluster *rig) {
    redis_cluster copy = *rig;
    return redis_wait(is_whole, &copy);
}

static void set_location(redis_cluster *rig) {
    const char *scheme = rig->options.certificates ? "rediss" : "redis";
    size_t size = (size_t)snprintf(rig->location, sizeof rig->location, "%s+cluster://", scheme);
    for (int i = 0; i < rig->count; i++)
        size += (size_t)snprintf(rig->location + size, sizeof rig->location - size, "%s127.0.0.1:%d", i ? "," : "",
                                 redis_server_port(rig->nodes[i]));
}

static bool start_all(redis_cluster *rig) {
    const redis_cluster_options *options = &rig->options;
    if (!set_arguments(rig))
        return false;
    for (int i = 0; i < options->primaries * (1 + options->replicas); i++) {
        if (!start_node(rig))
            return false;
    }
    /* Before they meet: an epoch can only be set at a node that knows no other. */
    for (int i = 0; i < options->primaries; i++) {
        if (!add_slots(rig, i))
            return false;
    }
    for (int i = 1; i < rig->count; i++) {
        if (!meet(rig, i))
            return false;
    }
    set_location(rig);
    return redis_wait(all_know_all, rig) && replicate(rig) && redis_cluster_wait_whole(rig);
}

redis_cluster *redis_cluster_start(const redis_cluster_options *options) {
    if (options->primaries < 1 || options->replicas < 0 || options->primaries > REDIS_CLUSTER_NODES_MAX ||
        options->replicas > REDIS_CLUSTER_NODES_MAX ||
        options->primaries * (1 + options->replicas) > REDIS_CLUSTER_NODES_MAX) {
        fprintf(stderr, "redis_cluster: more nodes than there is room for, or none\n");
        return NULL;
    }
    redis_cluster *rig = calloc(1, sizeof *rig);
    if (!rig)
        return NULL;
    rig->options = *options;
    if (start_all(rig))
        return rig;
    fprintf(stderr, "redis_cluster: the nodes did not start, or did not become a cluster\n");
    redis_cluster_stop(rig);
    return NULL;
}

void redis_cluster_stop(redis_cluster *rig) {
    if (!rig)
        return;
    for (int i = 0; i < rig->count; i++)
        redis_server_stop(rig->nodes[i]);
    free(rig);
}

const char *redis_cluster_location(const redis_cluster *rig) {
    return rig->location;
}

int redis_cluster_node_count(const redis_cluster *rig) {
    return rig->count;
}

redis_server *redis_cluster_node(const redis_cluster *rig, int index) {
    return rig->nodes[index];
}

const char *redis_cluster_node_id(const redis_cluster *rig, int index) {
    return rig->ids[index];
}

const char *redis_cluster_password(const redis_cluster *rig) {
    return rig->options.password;
}

int redis_cluster_slot(const redis_cluster *rig, const char *key) {
    for (int i = 0; i < rig->count; i++) {
        redisReply *reply = redis_ask(rig->nodes[i], rig->options.password, NULL, "CLUSTER KEYSLOT %s", key);
        int slot = reply ? (int)reply->integer : -1;
        freeReplyObject(reply);
        if (slot >= 0)
            return slot;
    }
    return -1;
}

static bool owns(const redis_cluster *rig, int index, int slot) {
    int owners[SLOTS] = {0};
    return slot >= 0 && slot < SLOTS && read_owners(rig, index, owners) && owners[slot] == index + 1;
}

int redis_cluster_owner(const redis_cluster *rig, int slot) {
    int owner = -1;
    for (int i = 0; i < rig->count; i++) {
        if (!owns(rig, i, slot))
            continue;
        if (owner >= 0)
            return -1;
        owner = i;
    }
    return owner;
}

typedef struct node_wait {
    const redis_cluster *rig;
    int slot;
    int node;
    int found;
} node_wait;

static bool has_other_owner(void *context) {
    node_wait *wait = context;
    wait->found = redis_cluster_owner(wait->rig, wait->slot);
    return wait->found >= 0 && wait->found != wait->node;
}

int redis_cluster_wait_owner(const redis_cluster *rig, int slot, int former) {
    node_wait wait = {.rig = rig, .slot = slot, .node = former};
    return redis_wait(has_other_owner, &wait) ? wait.found : -1;
}

static bool is_primary(void *context) {
    node_wait *wait = context;
    return has_role(wait->rig, wait->node, "master");
}

bool redis_cluster_failover(const redis_cluster *rig, int replica) {
    node_wait wait = {.rig = rig, .node = replica};
    return redis_tell(rig->nodes[replica], rig->options.password, "CLUSTER FAILOVER") && redis_wait(is_primary, &wait);
}

int redis_cluster_add_primary(redis_cluster *rig) {
    int index = rig->count;
    if (!start_node(rig) || !meet(rig, index) || !redis_cluster_wait_whole(rig))
        return -1;
    return index;
}
