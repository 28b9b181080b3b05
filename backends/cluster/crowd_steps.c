/* What is asked of everybody in a crowd: the steps of the protocol. */
#include <stdlib.h>

#include "asks.h"
#include "crowd.h"
#include "replies.h"

#define TOGETHER 512 /* requests that are under way together */
#define REMOVED_TOGETHER 256

/* ---- Asking about people */

/* One kind of request about each who is meant. */
struct asking {
    cluster_crowd *crowd;
    void (*write)(const cluster_crowd *crowd, const cluster_person *person);
    bool (*read)(cluster_crowd *crowd, cluster_person *person, redis_reply *reply, bool was_lost);
    const char *middle; /* of the key that says the slot */
};

static void write_one(size_t index, void *context) {
    const struct asking *asking = context;
    asking->write(asking->crowd, &asking->crowd->people[asking->crowd->asked[index]]);
}

/* A user record of a wrong type concerns only that user. */
static void note_failure(cluster_crowd *crowd, cluster_person *person, int code) {
    person->is_failed = true;
    if (crowd->code)
        return;
    crowd->code = code;
    snprintf(crowd->failure, sizeof crowd->failure, "%s", lesson_store_message());
}

static void take_one(size_t index, redis_reply *reply, void *context) {
    const struct asking *asking = context;
    cluster_crowd *crowd = asking->crowd;
    cluster_person *person = &crowd->people[crowd->asked[index]];
    if (reply->is_error)
        note_failure(crowd, person, cluster_error(crowd->store, reply));
    else if (!asking->read(crowd, person, reply, crowd->requests[index].was_lost))
        note_failure(crowd, person, cluster_garbled(crowd->store));
}

static bool prepare(cluster_crowd *crowd) {
    if (!crowd->asked)
        crowd->asked = malloc(TOGETHER * sizeof *crowd->asked);
    if (!crowd->requests)
        crowd->requests = malloc(TOGETHER * sizeof *crowd->requests);
    return crowd->asked && crowd->requests;
}

/* A key of a uid that is none could be of any length. */
static int ask_some(struct asking *asking, size_t *next, cluster_person_filter filter) {
    cluster_crowd *crowd = asking->crowd;
    const char *prefix = crowd->store->redis.settings.prefix;
    bool is_of_user = strcmp(asking->middle, REDIS_USER) == 0;
    size_t count = 0;
    for (; *next < crowd->count && count < TOGETHER; ++*next) {
        const cluster_person *person = &crowd->people[*next];
        if (person->is_failed || (is_of_user && person->is_invalid) || !filter(crowd, person))
            continue;
        lesson_store_id id = is_of_user ? cluster_uid_of(crowd, person) : crowd->lesson_id;
        crowd->asked[count] = *next;
        crowd->requests[count++] =
            (cluster_request){.slot = cluster_slot_of(prefix, asking->middle, id), .may_repeat = true};
    }
    const cluster_exchange exchange = {crowd->requests, count, write_one, take_one, asking, .writes = true};
    return count > 0 ? cluster_exchange_all(crowd->store, &exchange) : LESSON_STORE_OK;
}

static int ask_all(struct asking *asking, cluster_person_filter filter) {
    int code = LESSON_STORE_OK;
    if (!prepare(asking->crowd))
        return cluster_crowd_no_memory(asking->crowd);
    for (size_t next = 0; !code && next < asking->crowd->count;)
        code = ask_some(asking, &next, filter);
    return code;
}

/* ---- The steps */

static void write_look(const cluster_crowd *crowd, const cluster_person *person) {
    redis_store *redis = &crowd->store->redis;
    cluster_key key;
    cluster_key_write(&key, redis->settings.prefix, REDIS_USER, cluster_uid_of(crowd, person));
    redis_request_begin(&redis->request);
    redis_request_add_text(&redis->request, "HGET");
    redis_request_add(&redis->request, key.text, key.size);
    redis_request_add_text(&redis->request, "lesson_id");
}

static bool read_look(cluster_crowd *crowd, cluster_person *person, redis_reply *reply, bool was_lost) {
    lesson_store_id lesson;
    (void)was_lost;
    if (!redis_reply_next_text(reply, &lesson))
        return false;
    person->is_in = lesson.data && lesson_store_id_equal(lesson, crowd->lesson_id);
    return true;
}

int cluster_crowd_look(cluster_crowd *crowd, cluster_person_filter filter) {
    struct asking asking = {crowd, write_look, read_look, REDIS_USER};
    return ask_all(&asking, filter);
}

static void write_inspect(const cluster_crowd *crowd, const cluster_person *person) {
    cluster_begin_inspect(&crowd->store->redis, cluster_uid_of(crowd, person), (lesson_store_id){NULL, 0}, 0, false);
}

static bool read_inspect(cluster_crowd *crowd, cluster_person *person, redis_reply *reply, bool was_lost) {
    cluster_whereabouts found;
    (void)was_lost;
    if (!cluster_read_inspect(reply, &found))
        return false;
    person->is_in = lesson_store_id_equal(found.lesson, crowd->lesson_id);
    person->version = found.version;
    snprintf(person->last, sizeof person->last, "%.*s", (int)found.last.size, found.last.data);
    return true;
}

int cluster_crowd_inspect(cluster_crowd *crowd, cluster_person_filter filter) {
    struct asking asking = {crowd, write_inspect, read_inspect, REDIS_USER};
    return ask_all(&asking, filter);
}

/* The version above which no commit can have been prepared when the members and their versions were read. */
static uint64_t floor_of(const cluster_person *person) {
    if (person->is_added)
        return person->known;
    return person->is_listed && person->known > 0 ? person->known + 1 : 0;
}

static void write_fence(const cluster_crowd *crowd, const cluster_person *person) {
    cluster_begin_inspect(&crowd->store->redis, cluster_uid_of(crowd, person), crowd->lesson_id, floor_of(person),
                          false);
}

static bool is_below_floor(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return !person->is_in && floor_of(person) > person->version;
}

int cluster_crowd_fence(cluster_crowd *crowd, cluster_person_filter filter) {
    struct asking asking = {crowd, write_fence, read_inspect, REDIS_USER};
    return ask_all(&asking, filter ? filter : is_below_floor);
}

static void write_evict(const cluster_crowd *crowd, const cluster_person *person) {
    cluster_begin_evict(&crowd->store->redis, cluster_uid_of(crowd, person), crowd->lesson_id, person->last);
}

/* If the reply was lost before, and nothing has changed since, this or the lost request has done it. */
static bool read_evict(cluster_crowd *crowd, cluster_person *person, redis_reply *reply, bool was_lost) {
    cluster_evicted evicted;
    if (!cluster_read_evict(reply, &evicted))
        return false;
    person->is_in = lesson_store_id_equal(evicted.now, crowd->lesson_id);
    person->is_evicted = evicted.done > 0 || (was_lost && evicted.now.size == 0 && evicted.version == person->version);
    person->version = evicted.version;
    return true;
}

int cluster_crowd_evict(cluster_crowd *crowd, cluster_person_filter filter) {
    struct asking asking = {crowd, write_evict, read_evict, REDIS_USER};
    return ask_all(&asking, filter);
}

static void write_add(const cluster_crowd *crowd, const cluster_person *person) {
    cluster_begin_add(&crowd->store->redis, crowd->lesson_id, cluster_uid_of(crowd, person), person->version, 0);
}

static bool read_add(cluster_crowd *crowd, cluster_person *person, redis_reply *reply, bool was_lost) {
    cluster_added added;
    (void)was_lost;
    if (!cluster_read_add(reply, &added))
        return false;
    (void)crowd;
    person->is_stale = !added.is_added;
    person->known = added.is_added ? person->version : added.version;
    return true;
}

/* A version of somebody seen elsewhere that is not lower than the user's own: only after a helper or a write was lost.
 * The user's is raised above it. */
static bool is_stale(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_stale;
}

static void write_raise(const cluster_crowd *crowd, const cluster_person *person) {
    cluster_begin_inspect(&crowd->store->redis, cluster_uid_of(crowd, person), (lesson_store_id){NULL, 0},
                          person->known + 1, false);
}

static bool is_stale_and_in(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_stale && person->is_in;
}

int cluster_crowd_add(cluster_crowd *crowd, cluster_person_filter filter) {
    struct asking adding = {crowd, write_add, read_add, REDIS_MEMBERS};
    struct asking raising = {crowd, write_raise, read_inspect, REDIS_USER};
    for (size_t i = 0; i < crowd->count; i++)
        crowd->people[i].is_stale = false;
    int code = ask_all(&adding, filter);
    if (!code)
        code = ask_all(&raising, is_stale);
    return code ? code : ask_all(&adding, is_stale_and_in);
}

/* ---- Removing: many in one request */

struct removing {
    cluster_crowd *crowd;
    size_t count;
};

static void write_remove(size_t index, void *context) {
    const struct removing *removing = context;
    const cluster_crowd *crowd = removing->crowd;
    (void)index;
    cluster_begin_remove(&crowd->store->redis, crowd->lesson_id);
    for (size_t i = 0; i < removing->count; i++) {
        const cluster_person *person = &crowd->people[crowd->asked[i]];
        cluster_add_removed(&crowd->store->redis, cluster_uid_of(crowd, person),
                            person->is_invalid ? floor_of(person) : person->version);
    }
}

static void take_removed(size_t index, redis_reply *reply, void *context) {
    const struct removing *removing = context;
    cluster_crowd *crowd = removing->crowd;
    (void)index;
    int code = reply->is_error ? cluster_error(crowd->store, reply) : LESSON_STORE_OK;
    for (size_t i = 0; i < removing->count; i++) {
        cluster_person *person = &crowd->people[crowd->asked[i]];
        int64_t removed = 0;
        if (!code && !redis_reply_next_number(reply, &removed))
            code = cluster_garbled(crowd->store);
        if (code)
            note_failure(crowd, person, code);
        person->is_removed = removed > 0;
    }
}

static int remove_some(cluster_crowd *crowd, size_t *next, cluster_person_filter filter) {
    struct removing removing = {.crowd = crowd};
    for (; *next < crowd->count && removing.count < REMOVED_TOGETHER; ++*next) {
        const cluster_person *person = &crowd->people[*next];
        if (!person->is_failed && filter(crowd, person))
            crowd->asked[removing.count++] = *next;
    }
    if (removing.count == 0)
        return LESSON_STORE_OK;
    cluster_request request = {
        .slot = cluster_slot_of(crowd->store->redis.settings.prefix, REDIS_MEMBERS, crowd->lesson_id),
        .may_repeat = true};
    const cluster_exchange exchange = {&request, 1, write_remove, take_removed, &removing, .writes = true};
    return cluster_exchange_all(crowd->store, &exchange);
}

static bool was_removed(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_removed;
}

static bool was_removed_and_is_in(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_removed && person->is_in;
}

int cluster_crowd_remove(cluster_crowd *crowd, cluster_person_filter filter) {
    int code = LESSON_STORE_OK;
    if (!prepare(crowd))
        return cluster_crowd_no_memory(crowd);
    for (size_t i = 0; i < crowd->count; i++)
        crowd->people[i].is_removed = false;
    for (size_t next = 0; !code && next < crowd->count;)
        code = remove_some(crowd, &next, filter);
    if (!code)
        code = cluster_crowd_inspect(crowd, was_removed);
    return code ? code : cluster_crowd_add(crowd, was_removed_and_is_in);
}
