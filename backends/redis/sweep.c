/* The sweep: finds the owners that are over, and puts their users out, page by page of the user records. */
#include "confirm.h"
#include "cursor.h"
#include "keys.h"
#include "malformed.h"
#include "texts.h"

#define LONGEST_GAP "127"
_Static_assert(LESSON_STORE_GAPS == 128, "the highest magnitude is LONGEST_GAP");

struct sweep {
    redis_store *store;
    const lesson_store_id *dropped; /* the one owner whose users are put out, or NULL */
    redis_texts over;               /* the owners that are over, each followed by its mark */
    lesson_store_seen *kept;        /* those among them whose users could not be put out; NULL: none */
    redis_malformed malformed;
    lesson_store_user_callback callback;
    void *context;
    bool stopped;
};

static int no_memory(const redis_store *store) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for a sweep", store->settings.shown);
}

static int read_over(struct sweep *sweep) {
    redis_reply *reply = &sweep->store->reply;
    lesson_store_id owner, mark;
    while (!redis_reply_at_end(reply)) {
        if (!redis_reply_next_text(reply, &owner) || !owner.data || !redis_reply_next_text(reply, &mark) || !mark.data)
            return redis_ask_garbled(sweep->store, true);
        if (!redis_texts_add(&sweep->over, owner) || !redis_texts_add(&sweep->over, mark))
            return no_memory(sweep->store);
    }
    return LESSON_STORE_OK;
}

/* A step. `skip` becomes that of the next one, or "" after the last one. */
static int look_for_late_owners(struct sweep *sweep, char skip[static 24]) {
    redis_store *store = sweep->store;
    lesson_store_id word;
    redis_ask_begin(store, &redis_sweep_script, NULL);
    redis_request_add_id(&store->request, sweep->dropped ? *sweep->dropped : (lesson_store_id){NULL, 0});
    redis_request_add_text(&store->request, LONGEST_GAP);
    redis_request_add_text(&store->request, skip);
    int code = redis_ask(store, &store->reply, true);
    if (code)
        return code;
    if (!redis_reply_next_text(&store->reply, &word) || !word.data || word.size >= 24)
        return redis_ask_garbled(store, true);
    if (redis_text_is(word, "NONE"))
        return LESSON_STORE_NOT_FOUND;
    snprintf(skip, 24, "%.*s", (int)word.size, word.data);
    return read_over(sweep);
}

static int begin_sweep(struct sweep *sweep) {
    char skip[24] = "0";
    int code;
    do
        code = look_for_late_owners(sweep, skip);
    while (!code && skip[0] != '\0');
    return code;
}

/* ---- Pages */

static bool read_departure(redis_reply *reply, lesson_store_user *user) {
    lesson_store_id joined_ms;
    bool is_read = redis_reply_next_text(reply, &user->uid) && redis_reply_next_text(reply, &user->course_id) &&
                   redis_reply_next_text(reply, &user->lesson_id) && redis_reply_next_text(reply, &user->session) &&
                   redis_reply_next_text(reply, &user->owner) && redis_reply_next_text(reply, &joined_ms) &&
                   user->uid.data && user->owner.data;
    if (is_read)
        user->joined_ms = redis_read_time(joined_ms);
    return is_read;
}

/* An owner is kept once, however many of its users stay. */
static int keep_owner(struct sweep *sweep, const lesson_store_user *user) {
    redis_malformed_note(&sweep->malformed, "user", user->uid);
    int code = lesson_store_seen_add(&sweep->kept, user->owner.data, user->owner.size);
    return code == LESSON_STORE_NO_MEMORY ? no_memory(sweep->store) : LESSON_STORE_OK;
}

/* Who has an invalid uid is out too, but cannot be given. */
static void give_departure(struct sweep *sweep, lesson_store_user *user) {
    user->course_id = redis_valid_or_none(redis_given(user->course_id));
    user->session = redis_valid_or_none(user->session);
    if (lesson_store_id_valid(user->uid.data, user->uid.size) &&
        lesson_store_id_valid(user->lesson_id.data, user->lesson_id.size))
        sweep->stopped = !sweep->callback(user, sweep->context);
    else
        redis_malformed_note(&sweep->malformed, "user", user->uid);
}

static int take_departures(struct sweep *sweep) {
    redis_reply *reply = &sweep->store->reply;
    int code = LESSON_STORE_OK;
    while (!code && !sweep->stopped && !redis_reply_at_end(reply)) {
        lesson_store_user user = {.session = {NULL, 0}};
        if (!read_departure(reply, &user))
            return redis_ask_garbled(sweep->store, true);
        if (user.lesson_id.data)
            give_departure(sweep, &user);
        else
            code = keep_owner(sweep, &user);
    }
    return code;
}

static int take_page(struct sweep *sweep, redis_cursor *cursor) {
    redis_store *store = sweep->store;
    redis_ask_begin(store, &redis_sweep_page_script, NULL);
    redis_request_add_text(&store->request, cursor->text);
    redis_request_add_text(&store->request, REDIS_PAGE_SIZE);
    redis_request_add_id(&store->request, sweep->dropped ? *sweep->dropped : (lesson_store_id){NULL, 0});
    int code = redis_ask_page(store, &store->reply, true);
    if (!code && !redis_cursor_read(cursor, &store->reply))
        code = redis_ask_garbled(store, true);
    return code ? code : take_departures(sweep);
}

/* All over one connection, because a cursor is valid only for the server that gave it. Nobody can join by an owner that
 * is over, so after a whole pass it has no users but those who could not be put out. */
static int make_pass(struct sweep *sweep) {
    redis_store *store = sweep->store;
    redis_cursor cursor = redis_cursor_start();
    uint64_t connections = store->connection.made;
    do {
        int code = take_page(sweep, &cursor);
        if (code || sweep->stopped)
            return code;
        if (connections != store->connection.made)
            return lesson_store_fail(LESSON_STORE_UNREACHABLE,
                                     "%s: the connection broke during the sweep; the next sweep goes on",
                                     store->settings.shown);
    } while (!redis_cursor_at_start(&cursor));
    return LESSON_STORE_OK;
}

/* EXISTS if the owner is kept. Each is asked once, so it does no harm that the question adds it. */
static int look_for_kept(struct sweep *sweep, lesson_store_id owner) {
    return sweep->kept ? lesson_store_seen_add(&sweep->kept, owner.data, owner.size) : LESSON_STORE_OK;
}

/* Adds the next owners to a request, none of which blocks the server for long. */
static int add_forgotten(struct sweep *sweep, size_t *at) {
    enum { FORGOTTEN_MAX = 1000 };
    redis_request *request = &sweep->store->request;
    lesson_store_id owner, mark;
    int code = LESSON_STORE_OK;
    for (int i = 0; i < FORGOTTEN_MAX && code != LESSON_STORE_NO_MEMORY; i++) {
        if (!redis_texts_next(&sweep->over, at, &owner) || !redis_texts_next(&sweep->over, at, &mark))
            break;
        code = look_for_kept(sweep, owner);
        if (code)
            continue;
        redis_request_add_id(request, owner);
        redis_request_add_id(request, mark);
    }
    return code == LESSON_STORE_NO_MEMORY ? no_memory(sweep->store) : LESSON_STORE_OK;
}

static int forget_owners(struct sweep *sweep) {
    redis_store *store = sweep->store;
    size_t at = 0;
    int code = LESSON_STORE_OK;
    while (!code && at < sweep->over.size) {
        redis_ask_begin(store, &redis_sweep_end_script, NULL);
        code = add_forgotten(sweep, &at);
        if (!code)
            code = redis_ask(store, &store->reply, true);
    }
    return code;
}

static int put_out(struct sweep *sweep) {
    if (sweep->over.size == 0)
        return LESSON_STORE_OK;
    int code = make_pass(sweep);
    if (code || sweep->stopped)
        return code;
    code = forget_owners(sweep);
    return code ? code : redis_malformed_report(&sweep->malformed, sweep->store);
}

int redis_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                void *context) {
    struct sweep sweep = {.store = redis_of(instance), .dropped = dropped, .callback = callback, .context = context};
    redis_confirm_begin(sweep.store);
    int code = begin_sweep(&sweep);
    if (!code)
        code = put_out(&sweep);
    if (!code)
        code = redis_confirm_code(sweep.store);
    redis_texts_free(&sweep.over);
    lesson_store_seen_free(sweep.kept);
    return code;
}
