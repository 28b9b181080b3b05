/* The end of a lesson that has too many members for one step. scripts/end_step.lua states what each step does. */
#include <stdio.h>

#include "cursor.h"
#include "failure.h"
#include "keys.h"
#include "redis.h"
#include "texts.h"

#define MARK_BYTES 8
#define PASSES_MAX 5 /* over the members, if the connection breaks in each */

/* An end in steps that runs. */
struct ending {
    redis_store *store;
    lesson_store_id lesson_id;
    char key[REDIS_KEY_SIZE]; /* of the members */
    redis_reply page;         /* members that leave next; the store's own reply holds those of the steps */
    bool began;               /* a step was taken */
    bool done;
    bool is_gone;         /* the record had another mark, or none */
    uint64_t connections; /* made when the first step was taken */
    uint64_t left;
    uint64_t stay;                       /* members that the latest step found besides those that it took out */
    uint64_t first_stay;                 /* the same of the first step */
    char mark[2 * MARK_BYTES + 1];       /* our mark; no two ends have the same */
    char found[LESSON_STORE_ID_MAX + 1]; /* the mark that the record carries, "" for none */
};

static int make_mark(struct ending *ending) {
    unsigned char bytes[MARK_BYTES];
    int code = lesson_store_random(bytes, sizeof bytes);
    for (size_t i = 0; !code && i < sizeof bytes; i++)
        snprintf(ending->mark + 2 * i, 3, "%02x", bytes[i]);
    return code;
}

/* ---- Steps */

static void begin_step(const struct ending *ending, bool is_last) {
    redis_request *request = &ending->store->request;
    redis_ask_begin(ending->store, &redis_end_step_script, ending->key);
    redis_request_add_id(request, ending->lesson_id);
    redis_request_add_text(request, REDIS_END_PAGE_SIZE);
    redis_request_add_text(request, ending->mark);
    redis_request_add_text(request, ending->found);
    redis_request_add_text(request, is_last ? "1" : "");
}

static bool read_step(struct ending *ending) {
    redis_reply *reply = &ending->store->reply;
    lesson_store_id word, found;
    int64_t left, stay;
    if (!redis_reply_next_text(reply, &word) || !redis_reply_next_number(reply, &left) || left < 0 ||
        !redis_reply_next_number(reply, &stay) || stay < 0 || !redis_reply_next_text(reply, &found) || !found.data)
        return false;
    lesson_store_id_copy(ending->found, found);
    ending->done = !redis_text_is(word, "MORE");
    ending->is_gone = redis_text_is(word, "GONE");
    ending->left += (uint64_t)left;
    ending->stay = (uint64_t)stay;
    if (!ending->began)
        ending->first_stay = ending->stay;
    return !ending->done || redis_text_is(word, "DONE") || ending->is_gone;
}

static int fail_changed(const struct ending *ending) {
    return lesson_store_fail(LESSON_STORE_UNKNOWN, "%s: another server may have taken over meanwhile",
                             ending->store->settings.shown);
}

/* Sends the step that was begun. */
static int take_step(struct ending *ending) {
    int code = redis_ask(ending->store, &ending->store->reply, true);
    if (!code && !read_step(ending))
        code = redis_ask_garbled(ending->store, true);
    if (!code && !ending->began)
        ending->connections = ending->store->connection.made;
    ending->began = ending->began || !code;
    /* After a failover the mark can be lost, and then the record is still that of the lesson that is being ended. */
    if (!code && ending->is_gone && ending->connections != ending->store->connection.made)
        code = fail_changed(ending);
    return code;
}

/* ---- Passes */

static int ask_page(struct ending *ending, redis_cursor *cursor, const char *count) {
    redis_ask_begin_scan(ending->store, ending->key, cursor->text, count);
    int code = redis_ask(ending->store, &ending->page, false);
    if (!code && !redis_cursor_read(cursor, &ending->page))
        code = redis_ask_garbled(ending->store, false);
    return code;
}

static bool next_uid(struct ending *ending, lesson_store_id *uid) {
    return redis_reply_next_text(&ending->page, uid) && uid->data;
}

/* A set that the server keeps in one piece (an intset or a listpack) is one page, whatever was asked for. Taking a
 * member out of it costs as much as moving the rest, so fewer leave in a step. */
static size_t step_size(const redis_reply *page) {
    size_t size = strtoul(REDIS_END_PAGE_SIZE, NULL, 10);
    return page->count > 4 * size ? size / 5 : size;
}

static int put_out_page(struct ending *ending) {
    size_t size = step_size(&ending->page);
    int code = LESSON_STORE_OK;
    while (!code && !ending->done && !redis_reply_at_end(&ending->page)) {
        begin_step(ending, false);
        for (size_t i = 0; i < size && !redis_reply_at_end(&ending->page); i++) {
            lesson_store_id uid;
            if (!next_uid(ending, &uid))
                return redis_ask_garbled(ending->store, ending->began);
            redis_request_add_id(&ending->store->request, uid);
        }
        code = take_step(ending);
    }
    return code;
}

/* Keeps the uids of a page for later. */
static int name_page(struct ending *ending, redis_texts *uids) {
    while (!redis_reply_at_end(&ending->page)) {
        lesson_store_id uid;
        if (!next_uid(ending, &uid))
            return redis_ask_garbled(ending->store, ending->began);
        if (!redis_texts_add(uids, uid))
            return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left to end a lesson",
                                     ending->store->settings.shown);
    }
    return LESSON_STORE_OK;
}

/* Others join faster than members leave. */
static bool is_outpaced(const struct ending *ending) {
    return ending->began && ending->stay > 2 * ending->first_stay;
}

/* One pass over the members, who leave, or who are only named if `uids` is given. SSCAN gives everyone who is a member
 * from its beginning to its end, as long as it is asked of the same server: `*whole` says so. Stops where others join
 * too fast for it. */
static int make_pass(struct ending *ending, redis_texts *uids, bool *whole) {
    redis_cursor cursor = redis_cursor_start();
    uint64_t connections = 0;
    int code;
    *whole = true;
    do {
        bool first = redis_cursor_at_start(&cursor);
        code = ask_page(ending, &cursor, uids ? REDIS_SNAPSHOT_PAGE_SIZE : REDIS_END_PAGE_SIZE);
        if (first)
            connections = ending->store->connection.made;
        *whole = *whole && connections == ending->store->connection.made;
        if (!code)
            code = uids ? name_page(ending, uids) : put_out_page(ending);
        if (!uids && is_outpaced(ending))
            *whole = false;
    } while (!code && !ending->done && *whole && !redis_cursor_at_start(&cursor));
    return code;
}

static int put_out_named(struct ending *ending, const redis_texts *uids) {
    const size_t most = strtoul(REDIS_END_PAGE_SIZE, NULL, 10);
    lesson_store_id uid;
    size_t at = 0;
    int code = LESSON_STORE_OK;
    while (!code && !ending->done && at < uids->size) {
        begin_step(ending, false);
        for (size_t i = 0; i < most && redis_texts_next(uids, &at, &uid); i++)
            redis_request_add_id(&ending->store->request, uid);
        code = take_step(ending);
    }
    return code;
}

/* Another server may have those back who were taken out of the last one. */
static int take_last_step(struct ending *ending, uint64_t connections) {
    begin_step(ending, true);
    int code = take_step(ending);
    return code || connections == ending->store->connection.made ? code : fail_changed(ending);
}

/* All over one connection, or it begins again. */
static int put_out_named_ones(struct ending *ending, redis_texts *uids) {
    for (int attempt = 0; attempt < PASSES_MAX; attempt++) {
        bool whole;
        uids->size = 0;
        int code = make_pass(ending, uids, &whole);
        uint64_t connections = ending->store->connection.made;
        if (!code && whole)
            code = put_out_named(ending, uids);
        if (code || ending->done)
            return code;
        if (whole && connections == ending->store->connection.made)
            return take_last_step(ending, connections);
    }
    return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: the connection breaks again and again",
                             ending->store->settings.shown);
}

/* Takes out those who are members now, and then leaves those who have come meanwhile. A pass that only names the
 * members is several times as fast as one that takes them out, so it ends even though others keep joining. */
static int put_out_present(struct ending *ending) {
    redis_texts uids = {NULL, 0, 0};
    int code = put_out_named_ones(ending, &uids);
    redis_texts_free(&uids);
    return code;
}

/* Members who join meanwhile leave with a later pass. But others may join as fast as members leave, and an end must
 * end. */
static int put_out_all(struct ending *ending) {
    int code = LESSON_STORE_OK;
    while (!code && !ending->done && !is_outpaced(ending)) {
        bool whole;
        uint64_t before = ending->stay;
        code = make_pass(ending, NULL, &whole);
        if (code || ending->done)
            break;
        if (whole && before != 0 && ending->stay > before / 2)
            return put_out_present(ending);
        begin_step(ending, false); /* they may be few enough for one step now */
        code = take_step(ending);
    }
    return code || ending->done ? code : put_out_present(ending);
}

/* True if the end itself has failed, and those behind it may go on. What is refused only for now stops a batch. */
static bool is_failure(const redis_reply *reply) {
    return reply->is_error && !redis_failure_is_transient(redis_reply_line(reply));
}

/* If an end fails after its first step, its outcome is unknown. */
static int interrupted(const redis_store *store, lesson_store_id lesson_id) {
    char why[LESSON_STORE_MESSAGE_SIZE];
    snprintf(why, sizeof why, "%s", lesson_store_message());
    return lesson_store_fail(LESSON_STORE_UNKNOWN, "%s: lesson %.*s was only partly ended: %s", store->settings.shown,
                             (int)lesson_id.size, lesson_id.data, why);
}

int redis_end_in_steps(redis_store *store, lesson_store_operation *end) {
    struct ending ending = {.store = store, .lesson_id = end->lesson_id, .page = {.flat = true}};
    redis_key(ending.key, store->settings.prefix, REDIS_MEMBERS, end->lesson_id);
    int code = make_mark(&ending);
    bool travelled = true;
    if (!code) {
        code = put_out_all(&ending);
        travelled = !code || is_failure(&store->reply) || is_failure(&ending.page);
    }
    redis_reply_free(&ending.page);
    end->count = ending.left;
    lesson_store_answer(end, code && ending.began ? interrupted(store, end->lesson_id) : code);
    return travelled ? LESSON_STORE_OK : end->code;
}
