/*
 * The end of a lesson: the record goes first, then all members leave. Who joins meanwhile may stay, unless the join
 * asks for the record: the end fences those who are about to join, so that they look at it again. A second pass finds
 * those who had looked just before the record went.
 */
#include "asks.h"
#include "crowd.h"
#include "script.h"

#define PASSES 2

static bool must_be_fenced(const cluster_crowd *crowd, const cluster_person *person) {
    return cluster_is_out(crowd, person) && person->is_added && person->known > person->version;
}

/* `*may_have_left`: from then on it is not certain that nobody has left. */
static int put_out(cluster_crowd *crowd, uint64_t *left, bool *may_have_left) {
    int code = cluster_crowd_read(crowd);
    if (!code)
        code = cluster_crowd_inspect(crowd, cluster_is_named);
    for (size_t i = 0; !code && i < crowd->count; i++)
        *may_have_left = *may_have_left || crowd->people[i].is_in;
    if (!code)
        code = cluster_crowd_evict(crowd, cluster_is_in);
    for (size_t i = 0; i < crowd->count; i++)
        *left += crowd->people[i].is_evicted;
    if (!code)
        code = cluster_crowd_fence(crowd, must_be_fenced);
    return code ? code : cluster_crowd_remove(crowd, cluster_is_out);
}

/* The number of records that are gone: 0 or 1. The request has no version, so it is never sent again. */
static int unlink_record(cluster_store *store, lesson_store_id lesson_id, int64_t *count) {
    cluster_begin_script(&store->redis, &redis_unlink_record_script, REDIS_RECORD, lesson_id, CLUSTER_BANS);
    int code = cluster_tell(store, cluster_slot_of(store->redis.settings.prefix, REDIS_RECORD, lesson_id));
    if (!code && !redis_reply_next_number(&store->redis.reply, count))
        code = cluster_garbled(store);
    return code;
}

static int put_all_out(cluster_store *store, const lesson_store_operation *end, uint64_t *left, bool *may_have_left) {
    int code = LESSON_STORE_OK;
    for (int pass = 0; !code && pass < PASSES; pass++) {
        cluster_crowd crowd;
        cluster_crowd_begin(&crowd, store, end->lesson_id);
        code = put_out(&crowd, left, may_have_left);
        if (!code && crowd.code)
            code = lesson_store_fail(crowd.code, "%s", crowd.failure);
        cluster_crowd_free(&crowd);
    }
    return code;
}

/* True if the failure concerns only this lesson, so that the batch can go on. */
static bool is_of_data(int code) {
    return code == LESSON_STORE_MALFORMED || code == LESSON_STORE_DENIED;
}

int cluster_end(cluster_store *store, lesson_store_operation *end) {
    int64_t records = 0;
    uint64_t left = 0;
    bool may_have_left = false;
    int code = unlink_record(store, end->lesson_id, &records);
    if (!code)
        code = put_all_out(store, end, &left, &may_have_left);
    bool goes_on = !code || is_of_data(code);
    if (code && (records > 0 || may_have_left))
        code = lesson_store_fail(LESSON_STORE_UNKNOWN, "%s (the lesson has begun to end; some members may be left)",
                                 lesson_store_message());
    if (!code)
        code = records > 0 || left > 0 ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
    if (code == LESSON_STORE_OK)
        end->count = left;
    lesson_store_answer(end, code);
    return goes_on ? LESSON_STORE_OK : code;
}
