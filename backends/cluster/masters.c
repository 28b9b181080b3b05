/* Asks each master for CLUSTER NODES. CLUSTER SLOTS would not do: it lacks masters without slots, and the node that is
 * asked for it may know less than the one that has handed a slot over. */
#include "../redis/texts.h"
#include "masters.h"

#define HASH_BASIS UINT64_C(14695981039346656037)

struct survey {
    cluster_store *store;
    uint64_t hash;
    bool are_moving;
    lesson_store_seen *asked; /* the ids of the nodes that have answered */
    lesson_store_seen *named; /* the ids of those in `others` */
    redis_texts others;       /* masters that were named: their ids, and each behind it its redis_address */
};

static uint64_t mix(uint64_t hash, const char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

static int no_memory(const cluster_store *store) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the nodes", store->redis.settings.shown);
}

/* ---- A line: id, endpoint, flags, primary, ping sent, pong received, config epoch, link, slots */

struct line {
    lesson_store_id id;
    lesson_store_id ip; /* may be empty */
    lesson_store_id port;
    lesson_store_id hostname; /* may be empty */
    lesson_store_id flags;
    lesson_store_id state; /* the epoch, and what is behind it */
};

/* Cuts off what is before the next such byte, and the byte. */
static lesson_store_id cut(lesson_store_id *rest, char byte) {
    if (rest->size == 0)
        return *rest;
    const char *end = memchr(rest->data, byte, rest->size);
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    size_t behind = end ? size + 1 : size;
    lesson_store_id piece = {rest->data, size};
    *rest = (lesson_store_id){rest->data + behind, rest->size - behind};
    return piece;
}

/* ip:port@bus,hostname, and maybe more. The last colon separates the port, because an IPv6 address has colons too. */
static void read_endpoint(struct line *line, lesson_store_id endpoint) {
    lesson_store_id address = cut(&endpoint, '@');
    const char *colon = address.size > 0 ? memrchr(address.data, ':', address.size) : NULL;
    size_t ip_size = colon ? (size_t)(colon - address.data) : address.size;
    line->ip = (lesson_store_id){address.data, ip_size};
    line->port = colon ? (lesson_store_id){colon + 1, address.size - ip_size - 1} : (lesson_store_id){"", 0};
    cut(&endpoint, ',');
    line->hostname = cut(&endpoint, ',');
}

static bool next_line(lesson_store_id *nodes, struct line *line) {
    lesson_store_id rest = cut(nodes, '\n');
    if (rest.size == 0)
        return false;
    line->id = cut(&rest, ' ');
    read_endpoint(line, cut(&rest, ' '));
    line->flags = cut(&rest, ' ');
    for (int skipped = 0; skipped < 3; skipped++)
        cut(&rest, ' ');
    line->state = rest;
    return true;
}

static bool has_flag(const struct line *line, const char *flag) {
    lesson_store_id flags = line->flags;
    while (flags.size > 0) {
        if (redis_text_is(cut(&flags, ','), flag))
            return true;
    }
    return false;
}

/* One that is only suspected to have failed is asked. */
static bool can_have_keys(const struct line *line) {
    return has_flag(line, "master") && !has_flag(line, "fail") && !has_flag(line, "noaddr") &&
           !has_flag(line, "handshake");
}

static bool find_own_line(lesson_store_id nodes, struct line *own) {
    while (next_line(&nodes, own)) {
        if (has_flag(own, "myself"))
            return true;
    }
    return false;
}

/* A node is named as the one that was asked: by its host name, or by its IP address. If that is known by neither, all
 * nodes are reached by the same host. */
static bool read_address(redis_address *address, const struct line *line, const struct line *own,
                         const redis_address *asked) {
    lesson_store_id host = line->ip;
    if (line->hostname.size > 0 && redis_text_is(own->hostname, asked->host))
        host = line->hostname;
    else if (own->ip.size > 0 && !redis_text_is(own->ip, asked->host) && !redis_text_is(own->hostname, asked->host))
        host = lesson_store_id_of(asked->host);
    return redis_address_set(address, host.data, host.size, redis_port_of(line->port.data, line->port.size));
}

/* ---- Asking */

/* The epoch rises when a node takes a slot over. So a slot that went away and came back has left its trace. */
static int note_own(struct survey *survey, const struct line *own) {
    survey->hash = mix(survey->hash, own->state.data, own->state.size);
    survey->are_moving = survey->are_moving || (own->state.size > 0 && memchr(own->state.data, '[', own->state.size));
    return lesson_store_seen_add(&survey->asked, own->id.data, own->id.size) < 0 ? no_memory(survey->store)
                                                                                 : LESSON_STORE_OK;
}

static int note_other(struct survey *survey, lesson_store_id id, const redis_address *address) {
    int code = lesson_store_seen_add(&survey->named, id.data, id.size);
    if (code == LESSON_STORE_EXISTS)
        return LESSON_STORE_OK;
    const lesson_store_id bytes = {(const char *)address, sizeof *address};
    bool is_noted = !code && redis_texts_add(&survey->others, id) && redis_texts_add(&survey->others, bytes);
    return is_noted ? LESSON_STORE_OK : no_memory(survey->store);
}

static int read_nodes(struct survey *survey, lesson_store_id nodes, const redis_address *asked) {
    struct line own, line;
    if (!find_own_line(nodes, &own))
        return LESSON_STORE_OK;
    int code = note_own(survey, &own);
    while (!code && next_line(&nodes, &line)) {
        redis_address address;
        if (can_have_keys(&line) && read_address(&address, &line, &own, asked))
            code = note_other(survey, line.id, &address);
    }
    return code;
}

static int ask_master(struct survey *survey, int master) {
    cluster_store *store = survey->store;
    const redis_address asked = store->router.view.map.masters[master]; /* the view may change meanwhile */
    redis_request_begin(&store->redis.request);
    redis_request_add_text(&store->redis.request, "CLUSTER");
    redis_request_add_text(&store->redis.request, "NODES");
    int node = cluster_router_node_of(&store->router, master);
    int code = cluster_ask_node(store, node);
    return code ? code : read_nodes(survey, redis_reply_line(&store->redis.reply), &asked);
}

/* Nodes are compared by their ids, because the map may know one by another name. */
static int add_others(struct survey *survey, bool *has_grown) {
    lesson_store_id id, bytes;
    int code = LESSON_STORE_OK;
    for (size_t at = 0;
         !code && redis_texts_next(&survey->others, &at, &id) && redis_texts_next(&survey->others, &at, &bytes);) {
        redis_address address;
        memcpy(&address, bytes.data, sizeof address);
        code = lesson_store_seen_add(&survey->asked, id.data, id.size);
        if (!code)
            *has_grown = cluster_map_add(survey->store->map, &address) || *has_grown;
        code = code < 0 ? no_memory(survey->store) : LESSON_STORE_OK;
    }
    return code;
}

static int ask_all(struct survey *survey, bool *has_grown) {
    const redis_slot_map *map = &survey->store->router.view.map;
    int code = cluster_router_look(&survey->store->router);
    for (int i = 0; !code && i < map->count; i++)
        code = ask_master(survey, i);
    return code ? code : add_others(survey, has_grown);
}

int cluster_masters_survey(cluster_store *store, uint64_t *hash, bool *are_moving) {
    bool has_grown = true;
    int code = LESSON_STORE_OK;
    while (!code && has_grown) {
        struct survey survey = {.store = store, .hash = HASH_BASIS};
        has_grown = false;
        code = ask_all(&survey, &has_grown);
        *hash = survey.hash ^ store->router.view.generation;
        *are_moving = survey.are_moving;
        lesson_store_seen_free(survey.asked);
        lesson_store_seen_free(survey.named);
        redis_texts_free(&survey.others);
    }
    return code;
}
