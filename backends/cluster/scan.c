#include "../redis/cursor.h"
#include "../redis/keys.h"
#include "masters.h"
#include "scan.h"

#define LOOKED_AT_MAX 1000 /* keys that a node looks at in one step: a third of a millisecond */
#define PASSES_MAX 5

/* What is in the words of a position. */
enum { WORD_BEGAN_US = REDIS_WORD_BEGAN_US, WORD_MASTER, WORD_PASS, WORD_SURVEY };

static int begin_pass(cluster_store *store, lesson_store_position *position, uint64_t pass) {
    bool are_moving;
    position->id[0] = '\0';
    position->words[WORD_MASTER] = 0;
    position->words[WORD_PASS] = pass + 1;
    return cluster_masters_survey(store, &position->words[WORD_SURVEY], &are_moving);
}

static int end_pass(cluster_store *store, lesson_store_position *position) {
    uint64_t hash, pass = position->words[WORD_PASS] - 1;
    bool are_moving;
    int code = cluster_masters_survey(store, &hash, &are_moving);
    if (code)
        return code;
    bool is_settled = hash == position->words[WORD_SURVEY] && (!are_moving || pass > 0);
    if (is_settled || pass + 1 == PASSES_MAX) {
        position->ended = true;
        return LESSON_STORE_OK;
    }
    return begin_pass(store, position, pass + 1);
}

static void write_scan(cluster_store *store, const char *front, const char *rest, size_t most,
                       const redis_cursor *cursor) {
    char pattern[2 * LESSON_STORE_ID_MAX + 64], count[24];
    char *out = stpcpy(pattern, front);
    for (const char *at = store->redis.settings.prefix; *at; at++) {
        if (strchr("*?[]\\^", *at))
            *out++ = '\\';
        *out++ = *at;
    }
    snprintf(out, 32, "%s*", rest);
    snprintf(count, sizeof count, "%zu", most < LOOKED_AT_MAX ? most : LOOKED_AT_MAX);
    redis_request *request = &store->redis.request;
    redis_request_begin(request);
    redis_request_add_text(request, "SCAN");
    redis_request_add_text(request, cursor->text);
    redis_request_add_text(request, "MATCH");
    redis_request_add_text(request, pattern);
    redis_request_add_text(request, "COUNT");
    redis_request_add_text(request, count);
}

static int take_keys(cluster_store *store, redis_texts *keys) {
    lesson_store_id key;
    while (!redis_reply_at_end(&store->redis.reply)) {
        if (!redis_reply_next_text(&store->redis.reply, &key) || !key.data)
            return cluster_garbled(store);
        if (!redis_texts_add(keys, key))
            return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a list",
                                     store->redis.settings.shown);
    }
    return LESSON_STORE_OK;
}

/* Which of `count` masters comes next. Each pass goes the other way round. */
static int master_of(const lesson_store_position *position, int count) {
    int at = (int)position->words[WORD_MASTER];
    return position->words[WORD_PASS] % 2 == 1 ? at : count - 1 - at;
}

static int scan(cluster_store *store, const char *front, const char *rest, size_t most, lesson_store_position *position,
                redis_texts *keys) {
    redis_cursor cursor = redis_cursor_of(position);
    int node = cluster_router_node_of(&store->router, master_of(position, store->router.view.map.count));
    if (node < 0)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a list", store->redis.settings.shown);
    write_scan(store, front, rest, most, &cursor);
    int64_t asked_us = lesson_store_monotonic_us();
    store->redis.reply.flat = true;
    int code = cluster_ask_node(store, node);
    store->redis.reply.flat = false;
    if (code || !redis_cursor_is_of_this_server(position, &store->router.nodes[node]->connection, asked_us))
        return code;
    if (!redis_cursor_read(&cursor, &store->redis.reply))
        return cluster_garbled(store);
    code = take_keys(store, keys);
    if (code)
        return code;
    snprintf(position->id, sizeof position->id, "%s", cursor.text);
    if (redis_cursor_at_start(&cursor)) {
        position->id[0] = '\0';
        position->words[WORD_MASTER]++;
    }
    return LESSON_STORE_OK;
}

/* True if other masters have the slots now than when the pass began. */
static bool has_changed(cluster_store *store, uint64_t generation) {
    return !cluster_router_look(&store->router) && store->router.view.generation != generation;
}

int cluster_scan_page(cluster_store *store, const char *front, const char *rest, size_t most,
                      lesson_store_position *position, redis_texts *keys) {
    int code = cluster_router_look(&store->router);
    uint64_t generation = store->router.view.generation, pass = position->words[WORD_PASS];
    if (!code && pass == 0)
        code = begin_pass(store, position, 0);
    if (!code)
        code = position->words[WORD_MASTER] >= (uint64_t)store->router.view.map.count
                   ? end_pass(store, position)
                   : scan(store, front, rest, most, position, keys);
    bool begins_again = code == LESSON_STORE_UNREACHABLE && has_changed(store, generation) && pass < PASSES_MAX;
    return begins_again ? begin_pass(store, position, pass) : code;
}

lesson_store_id cluster_id_in(const cluster_store *store, lesson_store_id key, const char *middle) {
    const char *prefix = store->redis.settings.prefix;
    size_t prefix_size = strlen(prefix), size = prefix_size + strlen(middle);
    bool begins_so = key.size >= size && memcmp(key.data, prefix, prefix_size) == 0 &&
                     memcmp(key.data + prefix_size, middle, size - prefix_size) == 0;
    return begins_so ? (lesson_store_id){key.data + size, key.size - size} : (lesson_store_id){NULL, 0};
}
