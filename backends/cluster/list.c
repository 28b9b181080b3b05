/* The lists of lessons and users: the keys of all masters, page by page, and then the records that they name. A record
 * is read where its key is at that moment, also while its slot is being moved. */
#include <stdlib.h>

#include "../redis/apply.h"
#include "../redis/malformed.h"
#include "asks.h"
#include "replies.h"
#include "scan.h"
#include "script.h"

/* What was read of one entry. */
struct entry {
    lesson_store_id id; /* in the keys of the page */
    lesson_store_place place;
    lesson_store_lesson lesson;
    bool is_there;
    bool is_malformed;
};

struct listing {
    cluster_store *store;
    const char *rest;                         /* of the keys */
    const lesson_store_lesson_filter *filter; /* of lessons; NULL: none */
    lesson_store_lesson_callback give_lesson; /* of these two, one is NULL */
    lesson_store_user_callback give_user;
    void *context;
    redis_malformed malformed;
    lesson_store_seen *seen; /* not for pages: there core drops entries that were given before */
    bool is_page;
    bool stopped;

    redis_texts keys; /* of a page */
    struct entry *entries;
    size_t count;
    int code; /* of the first failure while the entries were read */
};

static bool is_of_lessons(const struct listing *listing) {
    return listing->give_lesson != NULL;
}

/* ---- Reading the entries: one request for a user, two for a lesson */

static size_t requests_of(const struct listing *listing) {
    return is_of_lessons(listing) ? 2 : 1;
}

static void write_user(cluster_store *store, lesson_store_id uid) {
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE, .uid = uid};
    redis_apply_begin(&store->redis, &where, 1);
}

static void write_count(cluster_store *store, lesson_store_id lesson_id) {
    lesson_store_operation count = {.kind = LESSON_STORE_OPERATION_COUNT_MEMBERS, .lesson_id = lesson_id};
    redis_apply_begin(&store->redis, &count, 1);
}

static void write_entry(size_t index, void *context) {
    const struct listing *listing = context;
    cluster_store *store = listing->store;
    lesson_store_id id = listing->entries[index / requests_of(listing)].id;
    if (!is_of_lessons(listing)) {
        write_user(store, id);
    } else if (index % 2 == 0) {
        cluster_begin_script(&store->redis, &redis_record_script, REDIS_RECORD, id, CLUSTER_BANS);
        redis_request_add_text(&store->redis.request, "");
    } else {
        write_count(store, id);
    }
}

/* The answer of WHERE is read as the operation would read it. */
static bool take_user(struct entry *entry, redis_store *redis) {
    lesson_store_operation where = {.kind = LESSON_STORE_OPERATION_WHERE, .uid = entry->id, .place = &entry->place};
    size_t answered;
    redis_rest rest;
    if (!redis_apply_read(redis, &where, 1, &answered, &rest))
        return false;
    entry->is_there = where.code != LESSON_STORE_NOT_FOUND;
    entry->is_malformed = where.code < 0;
    return true;
}

static bool take_record(struct entry *entry, redis_reply *reply) {
    cluster_record record;
    uint64_t count = entry->lesson.member_count;
    if (!cluster_read_record(reply, &record))
        return false;
    entry->lesson = record.lesson;
    entry->lesson.member_count = count;
    lesson_store_id_copy(entry->place.course_id, redis_valid_or_none(record.lesson.course_id));
    entry->is_malformed = entry->is_malformed || !record.is_valid;
    return true;
}

static bool take_count(struct entry *entry, redis_reply *reply) {
    int64_t count;
    if (!redis_reply_next_number(reply, &count) || count < 0)
        return false;
    entry->lesson.member_count = (uint64_t)count;
    return true;
}

static void take_entry(size_t index, redis_reply *reply, void *context) {
    struct listing *listing = context;
    struct entry *entry = &listing->entries[index / requests_of(listing)];
    bool is_read = true;
    if (reply->is_error) {
        int code = cluster_error(listing->store, reply);
        entry->is_malformed = entry->is_there = true;
        if (code != LESSON_STORE_MALFORMED && !listing->code)
            listing->code = code;
    } else if (!is_of_lessons(listing)) {
        is_read = take_user(entry, &listing->store->redis);
    } else {
        is_read = index % 2 == 0 ? take_record(entry, reply) : take_count(entry, reply);
    }
    if (!is_read && !listing->code)
        listing->code = cluster_garbled(listing->store);
}

static int read_entries(struct listing *listing) {
    cluster_store *store = listing->store;
    const char *prefix = store->redis.settings.prefix;
    size_t count = listing->count * requests_of(listing);
    cluster_request *requests = calloc(count, sizeof *requests);
    if (!requests)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a list", store->redis.settings.shown);
    for (size_t i = 0; i < count; i++) {
        const char *middle = !is_of_lessons(listing) ? REDIS_USER : i % 2 == 0 ? REDIS_RECORD : REDIS_MEMBERS;
        lesson_store_id id = listing->entries[i / requests_of(listing)].id;
        requests[i] = (cluster_request){.slot = cluster_slot_of(prefix, middle, id), .may_repeat = true};
    }
    const cluster_exchange exchange = {requests, count, write_entry, take_entry, listing, .writes = false};
    listing->code = LESSON_STORE_OK;
    int code = cluster_exchange_all(store, &exchange);
    free(requests);
    return code ? code : listing->code;
}

/* ---- Giving the entries */

static void give_lesson(struct listing *listing, struct entry *entry) {
    lesson_store_lesson *lesson = &entry->lesson;
    lesson->lesson_id = entry->id;
    lesson->course_id = redis_given(lesson_store_id_of(entry->place.course_id));
    bool is_there = lesson->has_record || lesson->member_count > 0 || entry->is_malformed;
    bool passes = entry->is_malformed || !listing->filter || lesson_store_filter_passes(listing->filter, lesson);
    if (!is_there || !passes)
        return;
    if (entry->is_malformed)
        redis_malformed_note(&listing->malformed, "lesson", entry->id);
    else
        listing->stopped = !listing->give_lesson(lesson, listing->context);
}

static void give_user(struct listing *listing, struct entry *entry) {
    const lesson_store_place *place = &entry->place;
    lesson_store_user user = {.uid = entry->id,
                              .course_id = redis_given(lesson_store_id_of(place->course_id)),
                              .lesson_id = lesson_store_id_of(place->lesson_id),
                              .session = redis_given(lesson_store_id_of(place->session)),
                              .owner = redis_given(lesson_store_id_of(place->owner)),
                              .joined_ms = place->joined_ms};
    if (!entry->is_there)
        return;
    if (entry->is_malformed)
        redis_malformed_note(&listing->malformed, "user", entry->id);
    else
        listing->stopped = !listing->give_user(&user, listing->context);
}

static void give(struct listing *listing) {
    for (size_t i = 0; i < listing->count && !listing->stopped; i++) {
        if (is_of_lessons(listing))
            give_lesson(listing, &listing->entries[i]);
        else
            give_user(listing, &listing->entries[i]);
    }
}

/* ---- Pages */

/* EXISTS if the entry was met before. */
static int meet(struct listing *listing, lesson_store_id id) {
    return listing->is_page ? LESSON_STORE_OK : lesson_store_seen_add(&listing->seen, id.data, id.size);
}

static lesson_store_id id_in(const struct listing *listing, lesson_store_id key) {
    if (!is_of_lessons(listing))
        return cluster_id_in(listing->store, key, REDIS_USER);
    lesson_store_id id = cluster_id_in(listing->store, key, REDIS_RECORD);
    return id.data ? id : cluster_id_in(listing->store, key, REDIS_MEMBERS);
}

/* Names the entries of a page. An id that is too long for a key of ours is malformed. */
static int name_entries(struct listing *listing) {
    lesson_store_id key;
    size_t keys = 0;
    listing->count = 0;
    for (size_t at = 0; redis_texts_next(&listing->keys, &at, &key);)
        keys++;
    listing->entries = calloc(keys + 1, sizeof *listing->entries);
    if (!listing->entries)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a list",
                                 listing->store->redis.settings.shown);
    for (size_t at = 0; redis_texts_next(&listing->keys, &at, &key);) {
        lesson_store_id id = id_in(listing, key);
        int code = id.data ? meet(listing, id) : LESSON_STORE_EXISTS;
        if (code < 0)
            return code;
        if (code)
            continue;
        if (!lesson_store_id_valid(id.data, id.size))
            redis_malformed_note(&listing->malformed, is_of_lessons(listing) ? "lesson" : "user", id);
        else
            listing->entries[listing->count++].id = id;
    }
    return LESSON_STORE_OK;
}

static int give_page(struct listing *listing, size_t most, lesson_store_position *position) {
    listing->keys.size = 0;
    int code = cluster_scan_page(listing->store, "", listing->rest, most, position, &listing->keys);
    if (!code)
        code = name_entries(listing);
    if (!code && listing->count > 0)
        code = read_entries(listing);
    if (!code)
        give(listing);
    free(listing->entries);
    listing->entries = NULL;
    return code;
}

static int give_all(struct listing *listing) {
    lesson_store_position position = {.ended = false};
    int code = LESSON_STORE_OK;
    while (!code && !listing->stopped && !position.ended)
        code = give_page(listing, SIZE_MAX, &position);
    lesson_store_seen_free(listing->seen);
    redis_texts_free(&listing->keys);
    return code;
}

static int list(struct listing *listing) {
    int code = give_all(listing);
    return code || listing->stopped ? code : redis_malformed_report(&listing->malformed, &listing->store->redis);
}

static int list_page(struct listing *listing, size_t most, lesson_store_position *position) {
    lesson_store_position next = *position;
    listing->is_page = true;
    int code = give_page(listing, most, &next);
    redis_texts_free(&listing->keys);
    if (code || listing->stopped)
        return code;
    *position = next;
    return redis_malformed_report(&listing->malformed, &listing->store->redis);
}

/* ---- The functions of the table */

static struct listing of_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                                 lesson_store_lesson_callback callback, void *context) {
    return (struct listing){.store = cluster_of(instance),
                            .rest = ":LESSON_",
                            .filter = filter,
                            .give_lesson = callback,
                            .context = context};
}

static struct listing of_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    return (struct listing){
        .store = cluster_of(instance), .rest = REDIS_USER, .give_user = callback, .context = context};
}

int cluster_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    struct listing listing = of_lessons(instance, NULL, callback, context);
    return list(&listing);
}

int cluster_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                         lesson_store_lesson_callback callback, void *context) {
    struct listing listing = of_lessons(instance, filter, callback, context);
    return list(&listing);
}

int cluster_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct listing listing = of_users(instance, callback, context);
    return list(&listing);
}

int cluster_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                         lesson_store_lesson_callback callback, void *context) {
    struct listing listing = of_lessons(instance, NULL, callback, context);
    return list_page(&listing, most, position);
}

/* Few lessons may pass, so each page looks at as many as possible. */
int cluster_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                              lesson_store_position *position, lesson_store_lesson_callback callback, void *context) {
    struct listing listing = of_lessons(instance, filter, callback, context);
    (void)most;
    return list_page(&listing, SIZE_MAX, position);
}

int cluster_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                       lesson_store_user_callback callback, void *context) {
    struct listing listing = of_users(instance, callback, context);
    return list_page(&listing, most, position);
}
