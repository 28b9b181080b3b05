/* The sweep: finds the owners that are over, by the scripts of the redis backend, and puts their users out. */
#include <stdlib.h>

#include "../redis/malformed.h"
#include "../redis/slots.h"
#include "../redis/texts.h"
#include "asks.h"
#include "scan.h"

#define LONGEST_GAP "127"
_Static_assert(LESSON_STORE_GAPS == 128, "the highest magnitude is LONGEST_GAP");

#define TOGETHER 256 /* users who are put out together */

struct departure {
    char uid[LESSON_STORE_ID_MAX + 1];
    char owner[LESSON_STORE_ID_MAX + 1];
    lesson_store_place place;
};

struct sweep {
    cluster_store *store;
    const lesson_store_id *dropped; /* the one owner whose users are put out, or NULL */
    redis_texts over;               /* the owners that are over, each followed by its mark */
    lesson_store_id *names;         /* of them, sorted */
    size_t name_count;
    struct departure *departures; /* users to be put out */
    lesson_store_operation *operations;
    size_t count;
    redis_malformed malformed;
    lesson_store_user_callback callback;
    void *context;
    bool stopped;
};

static int no_memory(const struct sweep *sweep) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a sweep",
                             sweep->store->redis.settings.shown);
}

/* ---- The owners that are over */

static int read_over(struct sweep *sweep) {
    redis_reply *reply = &sweep->store->redis.reply;
    lesson_store_id owner, mark;
    while (!redis_reply_at_end(reply)) {
        if (!redis_reply_next_text(reply, &owner) || !owner.data || !redis_reply_next_text(reply, &mark) || !mark.data)
            return cluster_garbled(sweep->store);
        if (!redis_texts_add(&sweep->over, owner) || !redis_texts_add(&sweep->over, mark))
            return no_memory(sweep);
    }
    return LESSON_STORE_OK;
}

/* A step. `skip` becomes that of the next one, or "" after the last one. */
static int look_for_late_owners(struct sweep *sweep, char skip[static 24]) {
    cluster_store *store = sweep->store;
    redis_request *request = &store->redis.request;
    lesson_store_id word;
    cluster_begin_common(&store->workshop, &redis_sweep_script);
    redis_request_add_id(request, sweep->dropped ? *sweep->dropped : (lesson_store_id){NULL, 0});
    redis_request_add_text(request, LONGEST_GAP);
    redis_request_add_text(request, skip);
    int code = cluster_ask_slot(store, store->workshop.common_slot);
    if (code)
        return code;
    if (!redis_reply_next_text(&store->redis.reply, &word) || !word.data || word.size >= 24)
        return cluster_garbled(store);
    if (redis_text_is(word, "NONE"))
        return LESSON_STORE_NOT_FOUND;
    snprintf(skip, 24, "%.*s", (int)word.size, word.data);
    return read_over(sweep);
}

static int order_of(const void *left, const void *right) {
    const lesson_store_id *a = left, *b = right;
    int order = memcmp(a->data, b->data, a->size < b->size ? a->size : b->size);
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static int name_over(struct sweep *sweep) {
    lesson_store_id owner, mark;
    size_t count = 0;
    for (size_t at = 0; redis_texts_next(&sweep->over, &at, &owner);)
        count++;
    sweep->names = malloc((count / 2 + 1) * sizeof *sweep->names);
    if (!sweep->names)
        return no_memory(sweep);
    for (size_t at = 0; redis_texts_next(&sweep->over, &at, &owner) && redis_texts_next(&sweep->over, &at, &mark);)
        sweep->names[sweep->name_count++] = owner;
    qsort(sweep->names, sweep->name_count, sizeof *sweep->names, order_of);
    return LESSON_STORE_OK;
}

static int begin_sweep(struct sweep *sweep) {
    char skip[24] = "0";
    int code;
    do
        code = look_for_late_owners(sweep, skip);
    while (!code && skip[0] != '\0');
    return code ? code : name_over(sweep);
}

/* ---- Their users */

static void give_departures(struct sweep *sweep) {
    for (size_t i = 0; i < sweep->count && !sweep->stopped; i++) {
        const struct departure *departure = &sweep->departures[i];
        const lesson_store_place *place = &departure->place;
        int code = sweep->operations[i].code;
        if (code == LESSON_STORE_MALFORMED)
            redis_malformed_note(&sweep->malformed, "user", lesson_store_id_of(departure->uid));
        if (code != LESSON_STORE_OK)
            continue;
        const lesson_store_user user = {.uid = lesson_store_id_of(departure->uid),
                                        .course_id = redis_given(lesson_store_id_of(place->course_id)),
                                        .lesson_id = lesson_store_id_of(place->lesson_id),
                                        .session = redis_given(lesson_store_id_of(place->session)),
                                        .owner = lesson_store_id_of(place->owner),
                                        .joined_ms = place->joined_ms};
        sweep->stopped = !sweep->callback(&user, sweep->context);
    }
}

/* Of a user who was not put out, though the others were. That of damaged data is noted apart. */
static int failure_of(const struct sweep *sweep) {
    for (size_t i = 0; i < sweep->count; i++) {
        int code = sweep->operations[i].code;
        if (code < 0 && code != LESSON_STORE_MALFORMED)
            return code;
    }
    return LESSON_STORE_OK;
}

static int put_out(struct sweep *sweep) {
    for (size_t i = 0; i < sweep->count; i++) {
        struct departure *departure = &sweep->departures[i];
        sweep->operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_QUIT,
                                                        .uid = lesson_store_id_of(departure->uid),
                                                        .owner = lesson_store_id_of(departure->owner),
                                                        .place = &departure->place,
                                                        .code = LESSON_STORE_UNANSWERED};
    }
    int code = sweep->count > 0 ? cluster_run(&sweep->store->base, sweep->operations, sweep->count) : LESSON_STORE_OK;
    code = code ? code : failure_of(sweep);
    give_departures(sweep);
    sweep->count = 0;
    return code;
}

static int add_departure(struct sweep *sweep, lesson_store_id uid, const lesson_store_id *owner) {
    struct departure *departure = &sweep->departures[sweep->count++];
    lesson_store_id_copy(departure->uid, uid);
    lesson_store_id_copy(departure->owner, *owner);
    return sweep->count == TOGETHER ? put_out(sweep) : LESSON_STORE_OK;
}

/* ---- Finding them: the owners of all user records, a page of keys at a time */

struct page {
    struct sweep *sweep;
    redis_texts texts;
    lesson_store_id *keys;
    const lesson_store_id **owners; /* for each key, one that is over, or NULL */
    cluster_request *requests;
    size_t count;
    int code; /* of the first reply that is no answer */
};

static void write_owner(size_t index, void *context) {
    const struct page *page = context;
    redis_request *request = &page->sweep->store->redis.request;
    redis_request_begin(request);
    redis_request_add_text(request, "HMGET");
    redis_request_add_id(request, page->keys[index]);
    redis_request_add_text(request, "lesson_id");
    redis_request_add_text(request, "session_lesson_id");
    redis_request_add_text(request, "owner");
}

/* Only the lesson of the join that named the owner counts. */
static const lesson_store_id *over_owner(const struct sweep *sweep, lesson_store_id owner, lesson_store_id lesson,
                                         lesson_store_id joined) {
    if (!owner.data || !lesson.data || !joined.data || !lesson_store_id_equal(lesson, joined))
        return NULL;
    return bsearch(&owner, sweep->names, sweep->name_count, sizeof *sweep->names, order_of);
}

/* No operation can name a user or a lesson whose id is none. */
static void note_owner(struct page *page, size_t index, const lesson_store_id *owner, lesson_store_id lesson) {
    lesson_store_id uid = cluster_id_in(page->sweep->store, page->keys[index], REDIS_USER);
    if (lesson_store_id_valid(uid.data, uid.size) && lesson_store_id_valid(lesson.data, lesson.size))
        page->owners[index] = owner;
    else
        redis_malformed_note(&page->sweep->malformed, "user", uid);
}

/* A record of a wrong type has no owner. */
static void take_owner(size_t index, redis_reply *reply, void *context) {
    struct page *page = context;
    const struct sweep *sweep = page->sweep;
    lesson_store_id lesson, joined, owner;
    int code = LESSON_STORE_OK;
    if (reply->is_error) {
        code = cluster_error(sweep->store, reply);
    } else if (!redis_reply_next_text(reply, &lesson) || !redis_reply_next_text(reply, &joined) ||
               !redis_reply_next_text(reply, &owner)) {
        code = cluster_garbled(sweep->store);
    } else {
        const lesson_store_id *over = over_owner(sweep, owner, lesson, joined);
        if (over)
            note_owner(page, index, over, lesson);
    }
    if (code != LESSON_STORE_MALFORMED && !page->code)
        page->code = code;
}

static int read_owners(struct page *page) {
    cluster_store *store = page->sweep->store;
    lesson_store_id key;
    for (size_t at = 0; redis_texts_next(&page->texts, &at, &key);)
        page->count++;
    page->keys = calloc(page->count + 1, sizeof *page->keys);
    page->owners = calloc(page->count + 1, sizeof *page->owners);
    page->requests = calloc(page->count + 1, sizeof *page->requests);
    if (!page->keys || !page->owners || !page->requests)
        return no_memory(page->sweep);
    size_t index = 0;
    for (size_t at = 0; redis_texts_next(&page->texts, &at, &key); index++) {
        page->keys[index] = key;
        page->requests[index] = (cluster_request){.slot = redis_slot_of_key(key.data, key.size), .may_repeat = true};
    }
    const cluster_exchange exchange = {page->requests, page->count, write_owner, take_owner, page, .writes = false};
    int code = page->count > 0 ? cluster_exchange_all(store, &exchange) : LESSON_STORE_OK;
    return code ? code : page->code;
}

static int put_out_page(struct sweep *sweep, lesson_store_position *position) {
    struct page page = {.sweep = sweep};
    int code = cluster_scan_page(sweep->store, "", REDIS_USER, SIZE_MAX, position, &page.texts);
    if (!code)
        code = read_owners(&page);
    for (size_t i = 0; !code && i < page.count && !sweep->stopped; i++) {
        if (page.owners[i])
            code = add_departure(sweep, cluster_id_in(sweep->store, page.keys[i], REDIS_USER), page.owners[i]);
    }
    redis_texts_free(&page.texts);
    free(page.keys);
    free(page.owners);
    free(page.requests);
    return code;
}

static int put_all_out(struct sweep *sweep) {
    lesson_store_position position = {.ended = false};
    int code = LESSON_STORE_OK;
    sweep->departures = malloc(TOGETHER * sizeof *sweep->departures);
    sweep->operations = malloc(TOGETHER * sizeof *sweep->operations);
    if (!sweep->departures || !sweep->operations)
        return no_memory(sweep);
    while (!code && !sweep->stopped && !position.ended)
        code = put_out_page(sweep, &position);
    return code || sweep->stopped ? code : put_out(sweep);
}

/* ---- The end */

/* Adds the next owners to the request, none of which blocks the node for long. */
static void add_forgotten(struct sweep *sweep, size_t *at) {
    enum { FORGOTTEN_MAX = 1000 };
    lesson_store_id owner, mark;
    for (int i = 0;
         i < FORGOTTEN_MAX && redis_texts_next(&sweep->over, at, &owner) && redis_texts_next(&sweep->over, at, &mark);
         i++) {
        redis_request_add_id(&sweep->store->redis.request, owner);
        redis_request_add_id(&sweep->store->redis.request, mark);
    }
}

static int forget_owners(struct sweep *sweep) {
    cluster_store *store = sweep->store;
    int code = LESSON_STORE_OK;
    for (size_t at = 0; !code && at < sweep->over.size;) {
        cluster_begin_common(&store->workshop, &redis_sweep_end_script);
        add_forgotten(sweep, &at);
        code = cluster_ask_slot(store, store->workshop.common_slot);
    }
    return code;
}

/* An owner is kept as long as users of it could not be put out. */
static int sweep_all(struct sweep *sweep) {
    int code = begin_sweep(sweep);
    if (code || sweep->name_count == 0)
        return code;
    code = put_all_out(sweep);
    if (code || sweep->stopped)
        return code;
    if (sweep->malformed.count == 0)
        return forget_owners(sweep);
    return redis_malformed_report(&sweep->malformed, &sweep->store->redis);
}

int cluster_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                  void *context) {
    struct sweep sweep = {.store = cluster_of(instance), .dropped = dropped, .callback = callback, .context = context};
    int code = sweep_all(&sweep);
    redis_texts_free(&sweep.over);
    free(sweep.names);
    free(sweep.departures);
    free(sweep.operations);
    return code;
}
