/*
 * The members of a lesson. Up to a number set by the location, they come as one reply that is passed on while it is
 * read. While the server makes that reply (SMEMBERS), it serves no other client. So a larger list is read page by page.
 */
#include <stdio.h>

#include "cursor.h"
#include "keys.h"
#include "malformed.h"
#include "primary.h"

#define SCRIPT_MEMBERS_MAX 256

struct members {
    redis_store *store;
    lesson_store_id lesson_id;
    char key[REDIS_KEY_SIZE];
    lesson_store_member_callback callback;
    void *context;
    redis_malformed malformed;
    lesson_store_seen *given; /* only for pages: SSCAN may return a member twice */
    uint64_t met;             /* only for pages: members that were given, without repetitions */
    bool stopped;
    bool is_page; /* a page for the application: core drops entries that were given before */
};

static void give(struct members *members, lesson_store_id uid) {
    if (!lesson_store_id_valid(uid.data, uid.size))
        redis_malformed_note(&members->malformed, "member", uid);
    else if (!members->callback(&uid, members->context)) {
        members->stopped = true;
        redis_channel_look_for_fork(&members->store->connection.channel); /* before the rest of the reply is read */
    }
}

static int code_of_error(struct members *members, int code) {
    if (code == LESSON_STORE_MALFORMED)
        lesson_store_fail(code, "%s: %s is not a set", members->store->settings.shown, members->key);
    return code;
}

/* ---- All at once */

/* After the callback has stopped, the rest of the reply is still read, so that the connection stays usable. */
static void give_streamed(const char *data, size_t size, void *context) {
    struct members *members = context;
    if (!members->stopped)
        give(members, (lesson_store_id){data, size});
}

/* Sends the instance's request. If `count` is given, the reply may be a number, which becomes `*count`. */
static int ask_all(struct members *members, int64_t *count) {
    redis_reply reply = {.each = give_streamed, .context = members};
    int code = redis_ask(members->store, &reply, false);
    bool only_texts = reply.is_array && reply.count == 0;
    bool only_number = count && !reply.is_array && reply.count == 1 && reply.items[0].number > 0;
    if (only_number)
        *count = reply.items[0].number;
    redis_reply_free(&reply);
    if (code)
        return code_of_error(members, code);
    return only_texts || only_number || members->stopped ? LESSON_STORE_OK : redis_ask_garbled(members->store, false);
}

/* Gives the members if they are few, else returns their number. */
static int give_few(struct members *members, int64_t *count) {
    char most[16];
    int at_once = members->store->settings.members_at_once;
    snprintf(most, sizeof most, "%d", at_once < SCRIPT_MEMBERS_MAX ? at_once : SCRIPT_MEMBERS_MAX);
    redis_ask_begin(members->store, &redis_members_script, members->key);
    redis_request_add_id(&members->store->request, members->lesson_id);
    redis_request_add_text(&members->store->request, most);
    return ask_all(members, count);
}

static int give_all(struct members *members) {
    redis_request *request = &members->store->request;
    redis_request_begin(request);
    redis_request_add_text(request, "SMEMBERS");
    redis_request_add_text(request, members->key);
    return ask_all(members, NULL);
}

/* ---- Page by page: the next page is asked for before the current one is given */

struct paging {
    struct members *members;
    redis_reply page;
    redis_cursor cursor; /* of the page that is asked for next, or that is under way */
};

static redis_exchange_end ask_page(struct paging *paging) {
    redis_store *store = paging->members->store;
    redis_ask_begin_scan(store, paging->members->key, paging->cursor.text, REDIS_MEMBERS_PAGE_SIZE);
    redis_bytes bytes = redis_request_finish(&store->request);
    return bytes.data ? redis_connection_send(&store->connection, bytes) : REDIS_NO_MEMORY_TO_SEND;
}

/* EXISTS if this list gave the member before. */
static int meet(struct members *members, lesson_store_id uid) {
    int code = members->is_page ? LESSON_STORE_OK : lesson_store_seen_add(&members->given, uid.data, uid.size);
    members->met += code == LESSON_STORE_OK;
    return code;
}

static int give_uids(struct members *members, redis_reply *page) {
    while (!members->stopped && !redis_reply_at_end(page)) {
        lesson_store_id uid;
        if (!redis_reply_next_text(page, &uid) || !uid.data)
            return redis_ask_garbled(members->store, false);
        int code = meet(members, uid);
        if (code == LESSON_STORE_OK)
            give(members, uid);
        else if (code != LESSON_STORE_EXISTS)
            return code;
    }
    return LESSON_STORE_OK;
}

/* Asks for the next page, unless this is the last, and gives the current one. OK also if the exchange failed; `*end`
 * then states how. */
static int pass_page(struct paging *paging, redis_exchange_end *end) {
    redis_store *store = paging->members->store;
    *end = redis_connection_receive(&store->connection, &paging->page);
    if (*end != REDIS_ANSWERED)
        return LESSON_STORE_OK;
    if (paging->page.is_error) {
        int code = code_of_error(paging->members, redis_ask_error(store, &paging->page, false));
        bool will_pass = redis_primary_refused(store, redis_reply_line(&paging->page)) == REDIS_RETRY;
        *end = will_pass ? REDIS_BROKEN : *end;
        return will_pass ? LESSON_STORE_OK : code;
    }
    if (!redis_cursor_read(&paging->cursor, &paging->page))
        return redis_ask_garbled(store, false);
    if (!redis_cursor_at_start(&paging->cursor))
        *end = ask_page(paging);
    return give_uids(paging->members, &paging->page);
}

/* One pass over the pages, on one connection, because a cursor is valid only for the server that gave it. */
static int pass_pages(struct paging *paging, redis_exchange_end *end) {
    redis_connection *connection = &paging->members->store->connection;
    int code = redis_primary_reach(paging->members->store);
    if (code)
        return code;
    paging->cursor = redis_cursor_start();
    *end = ask_page(paging);
    while (!code && *end == REDIS_ANSWERED && connection->under_way > 0 && !paging->members->stopped)
        code = pass_page(paging, end);
    /* The remaining replies are not needed, but the connection is. */
    while (connection->under_way > 0)
        redis_connection_receive(connection, &paging->page);
    return code;
}

/* If the connection breaks, makes another pass on a new connection. Members that were given before are not given again.
 * A server can close a connection that is idle while a callback takes its time, so after the second pass there may be
 * further ones as long as each gives something new. */
static int give_pages(struct members *members) {
    struct paging paging = {.members = members, .page = {.flat = true}};
    redis_exchange_end end;
    int code = LESSON_STORE_OK;
    uint64_t met;
    bool is_broken, is_again = false;
    do {
        met = is_again ? members->met : UINT64_MAX;
        end = REDIS_ANSWERED;
        code = pass_pages(&paging, &end);
        is_broken = redis_ask_may_repeat(end, false);
        is_again = true;
    } while (!code && !members->stopped && is_broken && members->met != met);
    if (!code && !members->stopped)
        code = redis_ask_code(members->store, end, false);
    lesson_store_seen_free(members->given);
    redis_reply_free(&paging.page);
    return code;
}

int redis_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                  lesson_store_member_callback callback, void *context) {
    redis_store *store = redis_of(instance);
    struct members members = {.store = store, .lesson_id = *lesson_id, .callback = callback, .context = context};
    int64_t count = 0;
    redis_key(members.key, store->settings.prefix, REDIS_MEMBERS, *lesson_id);
    int code = give_few(&members, &count);
    if (!code && count > store->settings.members_at_once)
        code = give_pages(&members);
    else if (!code && count > 0)
        code = give_all(&members);
    if (members.stopped)
        return LESSON_STORE_OK;
    return code ? code : redis_malformed_report(&members.malformed, store);
}

/* ---- A page for the application */

static int give_one_page(struct members *members, size_t most, lesson_store_position *position) {
    redis_store *store = members->store;
    redis_cursor cursor = redis_cursor_of(position);
    redis_reply page = {.flat = true};
    char count[8];
    redis_write_page_size(count, most, REDIS_MEMBERS_PAGE_SIZE);
    redis_ask_begin_scan(store, members->key, cursor.text, count);
    int64_t asked_us = lesson_store_monotonic_us();
    int code = redis_ask(store, &page, false);
    if (code) {
        code = code_of_error(members, code);
    } else if (redis_cursor_is_of_this_server(position, &store->connection, asked_us)) {
        code = redis_cursor_read(&cursor, &page) ? give_uids(members, &page) : redis_ask_garbled(store, false);
        if (!code && !members->stopped)
            redis_cursor_keep(&cursor, position);
    }
    redis_reply_free(&page);
    return code || members->stopped ? code : redis_malformed_report(&members->malformed, store);
}

int redis_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                       lesson_store_position *position, lesson_store_member_callback callback, void *context) {
    redis_store *store = redis_of(instance);
    struct members members = {
        .store = store, .lesson_id = *lesson_id, .callback = callback, .context = context, .is_page = true};
    redis_key(members.key, store->settings.prefix, REDIS_MEMBERS, *lesson_id);
    return give_one_page(&members, most, position);
}
