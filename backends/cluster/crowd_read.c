/* Who is in a crowd: the members of the lesson and their versions. */
#include "../redis/cursor.h"
#include "crowd.h"
#include "replies.h"

#define PAGE_SIZE 1000 /* members, or versions, in a page */

/* The two keys are in one slot, and are read side by side. A cursor is valid only for the server that gave it, and
 * while the slot is being moved, each key can go to another node at any time. */
struct reading {
    cluster_crowd *crowd;
    size_t most; /* in a page, about */
    redis_cursor cursors[2];
    bool is_begun[2];
    int nodes[2];     /* that gave the cursors */
    uint64_t made[2]; /* and over which connections */
    bool goes_on;     /* the first page goes on from a position, which says of which node it is */
    size_t order[2];  /* which of the two a request is about */
    cluster_request requests[2];
    int code;
};

enum { OF_MEMBERS, OF_VERSIONS };

static void write_page(size_t index, void *context) {
    const struct reading *reading = context;
    size_t which = reading->order[index];
    redis_store *redis = &reading->crowd->store->redis;
    cluster_key key, helper;
    cluster_key_write(&key, redis->settings.prefix, REDIS_MEMBERS, reading->crowd->lesson_id);
    cluster_key_write_helper(&helper, &key, CLUSTER_VERSION);
    redis_request_begin(&redis->request);
    redis_request_add_text(&redis->request, which == OF_MEMBERS ? "SSCAN" : "HSCAN");
    redis_request_add_text(&redis->request, which == OF_MEMBERS ? key.text : helper.text);
    redis_request_add_text(&redis->request, reading->cursors[which].text);
    redis_request_add_text(&redis->request, "COUNT");
    char most[24];
    snprintf(most, sizeof most, "%zu", reading->most);
    redis_request_add_text(&redis->request, most);
}

static int note_member(cluster_crowd *crowd, redis_reply *reply) {
    lesson_store_id uid;
    if (!redis_reply_next_text(reply, &uid) || !uid.data)
        return cluster_garbled(crowd->store);
    cluster_person *person = cluster_crowd_find(crowd, uid);
    if (!person)
        return cluster_crowd_no_memory(crowd);
    person->is_listed = true;
    return LESSON_STORE_OK;
}

static int note_version(cluster_crowd *crowd, redis_reply *reply) {
    lesson_store_id uid, text;
    uint64_t known;
    if (!redis_reply_next_text(reply, &uid) || !uid.data || !redis_reply_next_text(reply, &text) || !text.data)
        return cluster_garbled(crowd->store);
    bool is_elsewhere = text.size > 0 && *text.data == '-';
    if (is_elsewhere)
        text = (lesson_store_id){text.data + 1, text.size - 1};
    if (!cluster_read_version(text, &known))
        return LESSON_STORE_OK; /* others have written here; what it says counts for nothing */
    cluster_person *person = cluster_crowd_find(crowd, uid);
    if (!person)
        return cluster_crowd_no_memory(crowd);
    person->is_added = !is_elsewhere;
    person->known = known;
    return LESSON_STORE_OK;
}

/* Begins this key again if its cursor is of another server. */
static bool is_of_same_server(struct reading *reading, size_t which, const cluster_request *request) {
    bool begins = redis_cursor_at_start(&reading->cursors[which]);
    bool is_same = reading->nodes[which] == request->node && reading->made[which] == request->made;
    reading->nodes[which] = request->node;
    reading->made[which] = request->made;
    if (begins || is_same || reading->goes_on)
        return true;
    reading->cursors[which] = redis_cursor_start();
    reading->is_begun[which] = false;
    return false;
}

static void take_page(size_t index, redis_reply *reply, void *context) {
    struct reading *reading = context;
    size_t which = reading->order[index];
    if (reading->code)
        return;
    if (reply->is_error)
        reading->code = cluster_error(reading->crowd->store, reply);
    else if (!is_of_same_server(reading, which, &reading->requests[index]))
        return;
    else if (!redis_cursor_read(&reading->cursors[which], reply))
        reading->code = cluster_garbled(reading->crowd->store);
    while (!reading->code && !redis_reply_at_end(reply))
        reading->code = which == OF_MEMBERS ? note_member(reading->crowd, reply) : note_version(reading->crowd, reply);
    reading->is_begun[which] = true;
}

static size_t open_cursors(struct reading *reading) {
    size_t count = 0;
    for (size_t which = OF_MEMBERS; which <= OF_VERSIONS; which++) {
        if (!reading->is_begun[which] || !redis_cursor_at_start(&reading->cursors[which]))
            reading->order[count++] = which;
    }
    return count;
}

int cluster_crowd_read(cluster_crowd *crowd) {
    cluster_store *store = crowd->store;
    struct reading reading = {
        .crowd = crowd, .most = PAGE_SIZE, .cursors = {redis_cursor_start(), redis_cursor_start()}};
    unsigned slot = cluster_slot_of(store->redis.settings.prefix, REDIS_MEMBERS, crowd->lesson_id);
    store->redis.reply.flat = true;
    int code = LESSON_STORE_OK;
    for (size_t count; !code && (count = open_cursors(&reading)) > 0;) {
        for (size_t i = 0; i < count; i++)
            cluster_request_begin(&reading.requests[i], slot, true);
        const cluster_exchange exchange = {reading.requests, count, write_page, take_page, &reading, .writes = false};
        code = cluster_exchange_all(store, &exchange);
        code = code ? code : reading.code;
    }
    store->redis.reply.flat = false;
    return code;
}

enum { WORD_WHICH = REDIS_WORD_BEGAN_US + 1 }; /* in a position: members, then versions */

int cluster_crowd_read_page(cluster_crowd *crowd, size_t most, lesson_store_position *position) {
    cluster_store *store = crowd->store;
    size_t which = (size_t)position->words[WORD_WHICH];
    struct reading reading = {
        .crowd = crowd, .most = most < PAGE_SIZE ? most : PAGE_SIZE, .order = {which}, .goes_on = true};
    reading.cursors[which] = redis_cursor_of(position);
    cluster_request_begin(&reading.requests[0],
                          cluster_slot_of(store->redis.settings.prefix, REDIS_MEMBERS, crowd->lesson_id), true);
    const cluster_exchange exchange = {reading.requests, 1, write_page, take_page, &reading, .writes = false};
    int64_t asked_us = lesson_store_monotonic_us();
    store->redis.reply.flat = true;
    int code = cluster_exchange_all(store, &exchange);
    store->redis.reply.flat = false;
    code = code ? code : reading.code;
    if (code || !cluster_cursor_is_of_this_node(position, store->router.nodes[reading.requests[0].node], asked_us))
        return code;
    redis_cursor_keep(&reading.cursors[which], position);
    if (position->ended && which == OF_MEMBERS) {
        position->ended = false;
        position->id[0] = '\0';
        position->words[WORD_WHICH] = OF_VERSIONS;
    }
    return LESSON_STORE_OK;
}
