#include <stdlib.h>

#include "../redis/cursor.h"
#include "../redis/failure.h"
#include "asks.h"
#include "crowd.h"
#include "replies.h"

#define TOGETHER 512 /* requests that are under way together */
#define REMOVED_TOGETHER 256
#define PAGE_SIZE 1000 /* members, or versions, in a page */

void cluster_crowd_begin(cluster_crowd *crowd, cluster_store *store, lesson_store_id lesson_id) {
    *crowd = (cluster_crowd){.store = store, .lesson_id = lesson_id};
}

void cluster_crowd_free(cluster_crowd *crowd) {
    free(crowd->people);
    free(crowd->uids);
    free(crowd->index);
    free(crowd->asked);
    free(crowd->requests);
}

static int no_memory(const cluster_crowd *crowd) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the users of a lesson",
                             crowd->store->redis.settings.shown);
}

bool cluster_is_named(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_listed || person->is_added;
}

bool cluster_is_in(const cluster_crowd *crowd, const cluster_person *person) {
    (void)crowd;
    return person->is_in;
}

bool cluster_is_out(const cluster_crowd *crowd, const cluster_person *person) {
    return cluster_is_named(crowd, person) && !person->is_in;
}

void cluster_crowd_leave_out_invalid(cluster_crowd *crowd) {
    for (size_t i = 0; i < crowd->count; i++)
        crowd->people[i].is_failed = crowd->people[i].is_invalid;
}

/* ---- Finding people */

static size_t hash_of(lesson_store_id uid) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < uid.size; i++)
        hash = (hash ^ (unsigned char)uid.data[i]) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

/* Where the person is in the index, or would be. */
static size_t place_of(const cluster_crowd *crowd, lesson_store_id uid) {
    size_t at = hash_of(uid) & (crowd->index_size - 1);
    while (crowd->index[at] && !lesson_store_id_equal(cluster_uid_of(crowd, &crowd->people[crowd->index[at] - 1]), uid))
        at = (at + 1) & (crowd->index_size - 1);
    return at;
}

static bool grow_index(cluster_crowd *crowd) {
    size_t size = crowd->index_size ? 2 * crowd->index_size : 64;
    size_t *index = calloc(size, sizeof *index);
    if (!index)
        return false;
    free(crowd->index);
    crowd->index = index;
    crowd->index_size = size;
    for (size_t i = 0; i < crowd->count; i++)
        index[place_of(crowd, cluster_uid_of(crowd, &crowd->people[i]))] = i + 1;
    return true;
}

static bool make_room(cluster_crowd *crowd, size_t uid_size) {
    if (crowd->count == crowd->room) {
        size_t room = crowd->room ? 2 * crowd->room : 32;
        cluster_person *people = realloc(crowd->people, room * sizeof *people);
        if (!people)
            return false;
        crowd->people = people;
        crowd->room = room;
    }
    if (crowd->uids_size + uid_size > crowd->uids_room) {
        size_t room = 2 * (crowd->uids_room + uid_size);
        char *uids = realloc(crowd->uids, room);
        if (!uids)
            return false;
        crowd->uids = uids;
        crowd->uids_room = room;
    }
    return true;
}

cluster_person *cluster_crowd_find(cluster_crowd *crowd, lesson_store_id uid) {
    if (2 * crowd->count >= crowd->index_size && !grow_index(crowd))
        return NULL;
    size_t at = place_of(crowd, uid);
    if (crowd->index[at])
        return &crowd->people[crowd->index[at] - 1];
    if (!make_room(crowd, uid.size))
        return NULL;
    crowd->people[crowd->count] = (cluster_person){.uid = crowd->uids_size,
                                                   .uid_size = (uint32_t)uid.size,
                                                   .is_invalid = !lesson_store_id_valid(uid.data, uid.size)};
    if (uid.size > 0)
        memcpy(crowd->uids + crowd->uids_size, uid.data, uid.size);
    crowd->uids_size += uid.size;
    crowd->index[at] = ++crowd->count;
    return &crowd->people[crowd->count - 1];
}

/* ---- Reading the crowd */

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
        return no_memory(crowd);
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
        return no_memory(crowd);
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
        const cluster_exchange exchange = {reading.requests, count, write_page, take_page, &reading};
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
    const cluster_exchange exchange = {reading.requests, 1, write_page, take_page, &reading};
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
    const cluster_exchange exchange = {crowd->requests, count, write_one, take_one, asking};
    return count > 0 ? cluster_exchange_all(crowd->store, &exchange) : LESSON_STORE_OK;
}

static int ask_all(struct asking *asking, cluster_person_filter filter) {
    int code = LESSON_STORE_OK;
    if (!prepare(asking->crowd))
        return no_memory(asking->crowd);
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
    const cluster_exchange exchange = {&request, 1, write_remove, take_removed, &removing};
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
        return no_memory(crowd);
    for (size_t i = 0; i < crowd->count; i++)
        crowd->people[i].is_removed = false;
    for (size_t next = 0; !code && next < crowd->count;)
        code = remove_some(crowd, &next, filter);
    if (!code)
        code = cluster_crowd_inspect(crowd, was_removed);
    return code ? code : cluster_crowd_add(crowd, was_removed_and_is_in);
}
