/* The lists of owners and of bans. Each is one key, so its pages come from one node. */
#include "../redis/cursor.h"
#include "../redis/malformed.h"
#include "asks.h"
#include "cluster.h"
#include "script.h"

#define PAGE_SIZE "200"

struct listing {
    cluster_store *store;
    unsigned slot;
    const lesson_store_id *lesson_id; /* of bans, else NULL */
    lesson_store_owner_callback give_owner;
    lesson_store_banned_callback give_banned;
    void *context;
    lesson_store_seen *seen;
    redis_malformed malformed;
    bool stopped;
};

static void begin_page(const struct listing *listing, const redis_cursor *cursor) {
    redis_store *redis = &listing->store->redis;
    if (listing->lesson_id)
        cluster_begin_script(redis, &redis_banned_script, REDIS_RECORD, *listing->lesson_id, CLUSTER_BANS);
    else
        cluster_begin_common(&listing->store->workshop, &redis_owners_script);
    redis_request_add_text(&redis->request, cursor->text);
    redis_request_add_text(&redis->request, PAGE_SIZE);
}

/* EXISTS if the entry was met before. */
static int check(struct listing *listing, lesson_store_id id, const char *what) {
    int code = lesson_store_seen_add(&listing->seen, id.data, id.size);
    if (code || lesson_store_id_valid(id.data, id.size))
        return code;
    redis_malformed_note(&listing->malformed, what, id);
    return LESSON_STORE_EXISTS;
}

static int take_entry(struct listing *listing) {
    redis_reply *reply = &listing->store->redis.reply;
    lesson_store_owner owner;
    lesson_store_banned banned;
    bool is_read = listing->lesson_id ? redis_read_banned(reply, &banned) : redis_read_owner(reply, &owner);
    if (!is_read)
        return cluster_garbled(listing->store);
    int code = listing->lesson_id ? check(listing, banned.uid, "banned user") : check(listing, owner.owner, "owner");
    if (code)
        return code == LESSON_STORE_EXISTS ? LESSON_STORE_OK : code;
    listing->stopped = listing->lesson_id ? !listing->give_banned(&banned, listing->context)
                                          : !listing->give_owner(&owner, listing->context);
    return LESSON_STORE_OK;
}

/* A cursor is valid only for the server that gave it. If the list has to begin again, those that were given are not
 * given again. */
static int list(struct listing *listing) {
    cluster_store *store = listing->store;
    lesson_store_position position = {.ended = false};
    int code = LESSON_STORE_OK;
    while (!code && !listing->stopped && !position.ended) {
        redis_cursor cursor = redis_cursor_of(&position);
        begin_page(listing, &cursor);
        int64_t asked_us = lesson_store_monotonic_us();
        code = cluster_ask_slot(store, listing->slot);
        if (code || !cluster_cursor_is_of_this_node(&position, store->router.nodes[store->node], asked_us))
            continue;
        if (!redis_cursor_read(&cursor, &store->redis.reply))
            code = cluster_garbled(store);
        while (!code && !listing->stopped && !redis_reply_at_end(&store->redis.reply))
            code = take_entry(listing);
        redis_cursor_keep(&cursor, &position);
    }
    lesson_store_seen_free(listing->seen);
    return code || listing->stopped ? code : redis_malformed_report(&listing->malformed, &store->redis);
}

int cluster_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context) {
    cluster_store *store = cluster_of(instance);
    struct listing listing = {
        .store = store, .slot = store->workshop.common_slot, .give_owner = callback, .context = context};
    return list(&listing);
}

int cluster_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                 lesson_store_banned_callback callback, void *context) {
    cluster_store *store = cluster_of(instance);
    struct listing listing = {.store = store,
                              .slot = cluster_slot_of(store->redis.settings.prefix, REDIS_RECORD, *lesson_id),
                              .lesson_id = lesson_id,
                              .give_banned = callback,
                              .context = context};
    return list(&listing);
}
