#include <stdio.h>
#include <stdlib.h>

#include "cluster.h"
#include "failure.h"

#define ASK_US INT64_C(300000) /* the most time for one node */

/* ---- Opening */

int redis_cluster_open(redis_cluster *cluster, const redis_settings *settings, const redis_shared *shared) {
    cluster->nodes = calloc(REDIS_NODES_MAX, sizeof *cluster->nodes);
    if (!cluster->nodes)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the nodes", settings->shown);
    cluster->settings = settings;
    cluster->asked.settings = settings;
    cluster->asked.shared = shared;
    cluster->asked.deadline_us = &cluster->deadline_us;
    cluster->asked.peer = REDIS_PEER_NODE;
    cluster->asked.channel.socket = -1;
    cluster->reply.flat = true;
    return LESSON_STORE_OK;
}

void redis_cluster_close(redis_cluster *cluster) {
    if (!cluster->settings)
        return;
    redis_connection_free(&cluster->asked);
    redis_reply_free(&cluster->reply);
    free(cluster->nodes);
}

/* ---- Reading CLUSTER SLOTS
 *
 * An array of ranges: the first slot, the last slot, and for each node its endpoint, port, id and maybe more. The
 * first node is the primary. The reply is collected flat: two numbers in a row begin a range, and a number between two
 * texts is a port, between an endpoint and an id. */

struct range {
    int64_t first;
    int64_t last;
    redis_address primary;
};

static bool is_number(const redis_reply *reply, size_t at) {
    return at < reply->count && reply->items[at].type == REDIS_ITEM_NUMBER;
}

static bool is_endpoint(const redis_reply *reply, size_t at) {
    return at + 2 < reply->count && !is_number(reply, at) && is_number(reply, at + 1) && !is_number(reply, at + 2);
}

/* An endpoint that is unknown, or empty, means the node that was asked. */
static bool read_endpoint(redis_reply *reply, redis_address *address, const redis_address *asked) {
    lesson_store_id host;
    int64_t port;
    if (!redis_reply_next_text(reply, &host) || !redis_reply_next_number(reply, &port))
        return false;
    bool is_given = host.size > 0 && !redis_text_is(host, "?");
    return redis_address_set(address, is_given ? host.data : asked->host, is_given ? host.size : strlen(asked->host),
                             port);
}

static bool is_remembered(const redis_cluster *cluster, const redis_address *node) {
    for (int i = 0; i < cluster->count; i++) {
        if (redis_address_is(&cluster->nodes[i], node))
            return true;
    }
    return false;
}

static void remember(redis_cluster *cluster, const redis_address *node) {
    if (cluster->count < REDIS_NODES_MAX && !is_remembered(cluster, node))
        cluster->nodes[cluster->count++] = *node;
}

static bool read_range(redis_cluster *cluster, struct range *range, const redis_address *asked) {
    redis_reply *reply = &cluster->reply;
    if (!redis_reply_next_number(reply, &range->first) || !redis_reply_next_number(reply, &range->last) ||
        range->first < 0 || range->first > range->last || range->last >= REDIS_SLOTS ||
        !read_endpoint(reply, &range->primary, asked))
        return false;
    remember(cluster, &range->primary);
    while (!redis_reply_at_end(reply) && !is_number(reply, reply->next)) {
        redis_address replica;
        if (!is_endpoint(reply, reply->next))
            reply->next++; /* an id, or what later versions tell of a node */
        else if (read_endpoint(reply, &replica, asked))
            remember(cluster, &replica);
        else
            return false;
    }
    return true;
}

void redis_slot_map_free(redis_slot_map *map) {
    free(map->masters);
    *map = (redis_slot_map){.masters = NULL};
}

static void clear(redis_slot_map *map) {
    map->count = map->covered = 0;
    for (int slot = 0; slot < REDIS_SLOTS; slot++)
        map->master_of[slot] = -1;
}

int redis_slot_map_add_master(redis_slot_map *map, const redis_address *master) {
    for (int i = map->count - 1; i >= 0; i--) {
        if (redis_address_is(&map->masters[i], master))
            return i;
    }
    if (map->count == REDIS_MASTERS_MAX)
        return -1;
    map->masters[map->count] = *master;
    return map->count++;
}

/* False if one of these slots has a master already. */
static bool cover(redis_slot_map *map, const struct range *range) {
    int master = redis_slot_map_add_master(map, &range->primary);
    for (int64_t slot = range->first; master >= 0 && slot <= range->last; slot++) {
        if (map->master_of[slot] >= 0)
            return false;
        map->master_of[slot] = (int16_t)master;
        map->covered++;
    }
    return master >= 0;
}

static bool read_map(redis_cluster *cluster, redis_slot_map *map, const redis_address *asked) {
    struct range range;
    clear(map);
    cluster->count = 0;
    while (!redis_reply_at_end(&cluster->reply)) {
        if (!read_range(cluster, &range, asked) || !cover(map, &range))
            return false;
    }
    return true;
}

/* ---- Asking */

static int fail_unreadable(const redis_cluster *cluster) {
    lesson_store_id error = redis_reply_line(&cluster->reply);
    const redis_settings *settings = cluster->settings;
    if (!cluster->reply.is_error)
        return lesson_store_fail(LESSON_STORE_FAILED, "%s: %sthe reply to CLUSTER SLOTS is malformed", settings->shown,
                                 cluster->asked.at);
    if (redis_failure_is(error, "ERR This instance has cluster support disabled"))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: %sthe server is no node of a Cluster (write %s://)",
                                 settings->shown, cluster->asked.at, redis_scheme(settings));
    return lesson_store_fail(redis_failure_code(error), "%s: %s%.*s", settings->shown, cluster->asked.at,
                             (int)error.size, error.data);
}

static int exchange(redis_cluster *cluster) {
    static const char *const words[] = {"CLUSTER", "SLOTS", NULL};
    switch (redis_connection_exchange_words(&cluster->asked, words, &cluster->reply)) {
    case REDIS_ANSWERED:
        return LESSON_STORE_OK;
    case REDIS_NO_MEMORY_TO_SEND:
        return LESSON_STORE_NO_MEMORY;
    default:
        return LESSON_STORE_UNREACHABLE;
    }
}

/* Asks one node. */
static int ask(redis_cluster *cluster, const redis_address *node, redis_slot_map *map, int64_t until_us) {
    const redis_address asked = *node; /* it can lie among the nodes that are read anew */
    cluster->deadline_us = until_us;
    int code = redis_connection_open(&cluster->asked, &asked, until_us);
    cluster->deadline_us = until_us;
    if (!code)
        code = exchange(cluster);
    if (!code && (cluster->reply.is_error || !cluster->reply.is_array || !read_map(cluster, map, &asked)))
        code = fail_unreadable(cluster);
    redis_connection_close(&cluster->asked);
    return code;
}

/* ---- Finding */

/* Which slots are looked for. */
enum wanted { WANTED_SLOT_OF_PREFIX, WANTED_ALL_IN_ONE_SHARD, WANTED_MAP };

/* The number of the master that has what is wanted, or -1. */
static int wanted_master(const redis_cluster *cluster, const redis_slot_map *map, enum wanted wanted) {
    if (wanted == WANTED_SLOT_OF_PREFIX)
        return map->master_of[redis_slot_of(cluster->settings->prefix)];
    return map->covered == REDIS_SLOTS ? 0 : -1;
}

static int check_map(const redis_cluster *cluster, const redis_slot_map *map, enum wanted wanted) {
    const redis_settings *settings = cluster->settings;
    if (wanted == WANTED_MAP && map->covered > 0)
        return LESSON_STORE_OK;
    if (wanted_master(cluster, map, wanted) < 0)
        return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the Cluster has slots without an owner",
                                 settings->shown);
    if (wanted == WANTED_ALL_IN_ONE_SHARD && map->count > 1)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: the keys of %s are spread over several shards: give the prefix a tag, as "
                                 "prefix={%s}",
                                 settings->shown, settings->prefix, settings->prefix);
    return LESSON_STORE_OK;
}

/* The candidates: the hint, the nodes of the latest answer, and those of the location, which may lead to others now. */
static const redis_address *candidate(const redis_cluster *cluster, const redis_address *hint, int index) {
    if (hint->host[0] && index-- == 0)
        return hint;
    if (index < cluster->count)
        return &cluster->nodes[index];
    index -= cluster->count;
    return index < cluster->settings->address_count ? &cluster->settings->addresses[index] : NULL;
}

/* Copied first, because each answer replaces the nodes. */
static int list_candidates(const redis_cluster *cluster, const redis_address *hint, redis_address **list) {
    int count = 0;
    *list = malloc((size_t)(1 + cluster->count + cluster->settings->address_count) * sizeof **list);
    for (const redis_address *node; *list && (node = candidate(cluster, hint, count)); count++)
        (*list)[count] = *node;
    return count;
}

/* The last owner is asked last. If it was cut off from the others, it would name itself for ever. `owner` may have no
 * host. */
static void put_last(redis_address *list, int count, const redis_address *owner) {
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (!redis_address_is(&list[i], owner))
            list[kept++] = list[i];
    }
    while (kept < count)
        list[kept++] = *owner;
}

/* Why no node has named an owner so far. The more a reason says, the higher it counts. */
enum { GONE, REFUSED, NO_OWNER };

struct reason {
    int kind;
    int code;
    char text[LESSON_STORE_MESSAGE_SIZE];
};

static void keep_reason(struct reason *reason, int code, bool is_answered) {
    int kind = is_answered ? NO_OWNER : code == LESSON_STORE_DENIED ? REFUSED : GONE;
    if (kind < reason->kind)
        return;
    reason->kind = kind;
    reason->code = code;
    snprintf(reason->text, sizeof reason->text, "%s", lesson_store_message());
}

/* True if another node may know more. One that refuses us, as by its certificate, says nothing of the others. */
static bool is_worth_asking_on(int code) {
    return code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_DENIED;
}

static int ask_all(redis_cluster *cluster, const redis_address *list, int count, redis_slot_map *map,
                   enum wanted wanted, int64_t until_us) {
    struct reason reason = {.kind = GONE};
    for (int i = 0; i < count; i++) {
        int64_t now_us = lesson_store_monotonic_us(), left_us = until_us - now_us;
        int64_t share_us = left_us / (count - i) < ASK_US ? left_us / (count - i) : ASK_US;
        int code = ask(cluster, &list[i], map, now_us + share_us);
        bool is_answered = !code;
        if (is_answered)
            code = check_map(cluster, map, wanted);
        if (!is_worth_asking_on(code))
            return code;
        keep_reason(&reason, code, is_answered);
    }
    return lesson_store_fail(reason.code, "%s", reason.text);
}

static int ask_in_turn(redis_cluster *cluster, const redis_address *hint, const redis_address *last,
                       redis_slot_map *map, enum wanted wanted, int64_t until_us,
                       const lesson_store_location *opening) {
    redis_address *list;
    int count = list_candidates(cluster, hint, &list);
    if (!list)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the nodes", cluster->settings->shown);
    put_last(list, count, last);
    cluster->asked.channel.opening = opening;
    int code = ask_all(cluster, list, count, map, wanted, until_us);
    cluster->asked.channel.opening = NULL;
    free(list);
    return code;
}

static int begin_map(const redis_cluster *cluster, redis_slot_map *map) {
    map->masters = malloc(REDIS_MASTERS_MAX * sizeof *map->masters);
    clear(map);
    return map->masters ? LESSON_STORE_OK
                        : lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the nodes",
                                            cluster->settings->shown);
}

int redis_cluster_find(redis_cluster *cluster, const redis_address *hint, redis_address *owner, int64_t until_us,
                       const lesson_store_location *opening) {
    enum wanted wanted = cluster->settings->keys_are_apart ? WANTED_ALL_IN_ONE_SHARD : WANTED_SLOT_OF_PREFIX;
    redis_slot_map map;
    int code = begin_map(cluster, &map);
    if (!code)
        code = ask_in_turn(cluster, hint, owner, &map, wanted, until_us, opening);
    if (!code)
        *owner = map.masters[wanted_master(cluster, &map, wanted)];
    redis_slot_map_free(&map);
    return code;
}

int redis_cluster_read_map(redis_cluster *cluster, const redis_address *suspect, redis_slot_map *map, int64_t until_us,
                           const lesson_store_location *opening) {
    static const redis_address none;
    redis_slot_map found;
    int code = begin_map(cluster, &found);
    if (!code)
        code = ask_in_turn(cluster, &none, suspect, &found, WANTED_MAP, until_us, opening);
    if (code) {
        redis_slot_map_free(&found);
        return code;
    }
    redis_slot_map_free(map);
    *map = found;
    return LESSON_STORE_OK;
}

/* ---- Redirections */

/* Where the next word begins, behind this one and a space. `end` if there is none. */
static const char *next_word(const char *word, const char *end) {
    const char *space = memchr(word, ' ', (size_t)(end - word));
    return space ? space + 1 : end;
}

/* A script's error has other words before, and maybe behind. */
static const char *find_redirection(lesson_store_id error) {
    const char *moved = error.data ? memmem(error.data, error.size, "MOVED ", 6) : NULL;
    return moved || !error.data ? moved : memmem(error.data, error.size, "ASK ", 4);
}

static bool is_slot(const char *digits, size_t size) {
    int64_t slot = size > 0 && size <= 5 ? 0 : REDIS_SLOTS;
    for (size_t i = 0; i < size && slot < REDIS_SLOTS; i++)
        slot = digits[i] >= '0' && digits[i] <= '9' ? slot * 10 + (digits[i] - '0') : REDIS_SLOTS;
    return slot < REDIS_SLOTS;
}

/* The last colon separates the port, because an IPv6 address has colons too. */
bool redis_cluster_read_redirection(redis_address *node, lesson_store_id error, const redis_address *from) {
    const char *end = error.data + error.size, *word = find_redirection(error);
    if (!word)
        return false;
    const char *slot = next_word(word, end), *host = next_word(slot, end);
    const char *behind = memchr(host, ' ', (size_t)(end - host));
    behind = behind ? behind : end;
    const char *colon = memrchr(host, ':', (size_t)(behind - host));
    if (host == end || !colon || !is_slot(slot, (size_t)(host - slot - 1)))
        return false;
    size_t size = (size_t)(colon - host);
    bool is_given = size > 0 && !(size == 1 && *host == '?');
    return redis_address_set(node, is_given ? host : from->host, is_given ? size : strlen(from->host),
                             redis_port_of(colon + 1, (size_t)(behind - colon - 1)));
}
