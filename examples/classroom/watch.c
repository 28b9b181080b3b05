/*
 * Watching a lesson: list, then follow (docs/feed.md). The worker has one feed of all lessons, which began before any
 * list. So every change after a list comes as an event. An event that comes while the pages of a list are read counts
 * more than the pages: in the end, the roster is as if the events had been applied to the whole list.
 *
 * A sorted roster for each client is enough for lessons of some thousand users. A server of many watchers keeps one for
 * each lesson, and finds the clients by lesson.
 */
#include "classroom.h"

#include <stdio.h>

enum { PAGE_SIZE = 500, EVENTS_AT_ONCE = 256 };

static void list(struct client *client);

void watch_end(struct client *client) {
    struct watch *watch = &client->watch;
    lesson_store_cursor_close(watch->cursor);
    roster_clear(&watch->roster);
    bool is_pending = watch->is_pending; /* its callback still comes */
    memset(watch, 0, sizeof *watch);
    watch->is_pending = is_pending;
}

/* The command has its answer. What comes next waits for the end of the callback. */
static void be_answered(struct client *client) {
    if (client->watch.is_asked)
        client->is_busy = false;
    client->watch.is_asked = false;
}

static void fail(struct client *client, const char *message) {
    client_say(client, "failed %s", message);
    be_answered(client);
    watch_end(client);
}

static void finish(struct client *client) {
    struct watch *watch = &client->watch;
    char head[LINE_SIZE];
    watch->is_listing = false;
    lesson_store_cursor_close(watch->cursor);
    watch->cursor = NULL;
    roster_remove_empty(&watch->roster);
    (void)snprintf(head, sizeof head, "watching %s %zu\n", watch->lesson_id, watch->roster.count);
    client_post(client, roster_print(&watch->roster, head, "= ", "\n"));
    be_answered(client);
}

static void take_page(const lesson_store_page *page, void *context);

static void ask_page(struct client *client) {
    struct watch *watch = &client->watch;
    const lesson_store_list members = {
        .kind = LESSON_STORE_LIST_MEMBERS,
        .most = PAGE_SIZE,
        .lesson_id = lesson_store_id_of(watch->lesson_id),
    };
    int code = lesson_store_executor_submit_page(client->worker->executor, &members, &watch->cursor, TIMEOUT_MS,
                                                 client->worker->queue, take_page, client, NULL);
    watch->is_pending = code == LESSON_STORE_OK;
    if (code != LESSON_STORE_OK)
        fail(client, lesson_store_message());
}

static void add_page(struct client *client, const lesson_store_page *page) {
    bool changed;
    for (size_t i = 0; i < page->count; i++) {
        if (roster_set(&client->watch.roster, page->uids[i], true, false, &changed))
            continue;
        be_answered(client);
        client_close(client);
        return;
    }
    if (page->count > 0)
        ask_page(client);
    else
        finish(client);
}

static void take_page(const lesson_store_page *page, void *context) {
    struct client *client = context;
    struct watch *watch = &client->watch;
    watch->is_pending = false;
    if (client->is_closed)
        be_answered(client);
    else if (watch->is_stale)
        list(client);
    else if (page->code != LESSON_STORE_OK)
        fail(client, page->message);
    else
        add_page(client, page);
    client_settle(client);
}

/* One page of a client is pending at a time. */
static void list(struct client *client) {
    struct watch *watch = &client->watch;
    watch->is_listing = true;
    watch->is_stale = watch->is_pending;
    if (watch->is_pending)
        return;
    lesson_store_cursor_close(watch->cursor);
    watch->cursor = NULL;
    roster_clear(&watch->roster);
    ask_page(client);
}

void watch_begin(struct client *client, const char *lesson_id) {
    if (lesson_store_id_check("lesson", lesson_store_id_of(lesson_id)) != LESSON_STORE_OK) {
        client_say(client, "failed %s", lesson_store_message());
        return;
    }
    watch_end(client);
    id_copy(client->watch.lesson_id, lesson_store_id_of(lesson_id));
    client->watch.is_asked = true;
    client->is_busy = true;
    list(client);
}

/* ---- Events */

/* Says only what changes the roster, so events that the list shows already do no harm. */
static void apply(struct client *client, lesson_store_id uid, bool is_there, const char *cause) {
    struct watch *watch = &client->watch;
    bool changed;
    if (!is_there && !watch->is_listing) {
        if (roster_remove(&watch->roster, uid))
            client_say(client, "- %.*s %s", (int)uid.size, uid.data, cause);
        return;
    }
    if (!roster_set(&watch->roster, uid, is_there, true, &changed)) {
        client_close(client);
        return;
    }
    if (changed && !watch->is_listing)
        client_say(client, "+ %.*s", (int)uid.size, uid.data);
}

/* A page that is pending may show the users of before. */
static void apply_end(struct client *client) {
    struct watch *watch = &client->watch;
    if (watch->is_listing) {
        list(client);
        return;
    }
    if (watch->roster.count > 0)
        client_post(client, roster_print(&watch->roster, "", "- ", " end\n"));
    roster_clear(&watch->roster);
}

static void apply_event(struct client *client, const lesson_store_event *event) {
    bool is_here = id_is(event->lesson_id, client->watch.lesson_id);
    if (event->kind == LESSON_STORE_EVENT_JOIN)
        apply(client, event->uid, is_here, "move");
    else if (event->kind == LESSON_STORE_EVENT_QUIT && is_here)
        apply(client, event->uid, false, lesson_store_cause_name(event->cause));
    else if (event->kind == LESSON_STORE_EVENT_END && is_here)
        apply_end(client);
}

static bool pass_on(const lesson_store_event *event, void *context) {
    struct worker *worker = context;
    for (struct client *client = worker->clients; client; client = client->next) {
        if (client->watch.lesson_id[0] && !client->is_closed)
            apply_event(client, event);
    }
    return true;
}

static void list_all_again(struct worker *worker) {
    for (struct client *client = worker->clients; client; client = client->next) {
        if (!client->watch.lesson_id[0] || client->is_closed)
            continue;
        if (!client->watch.is_asked)
            client_say(client, "! listed again");
        list(client);
    }
}

/* While the feed cannot be read, it tries again by itself: the descriptor says when there are events. */
static void report(struct worker *worker, int code) {
    bool is_blind = code != LESSON_STORE_OK;
    if (is_blind && !worker->is_blind)
        fprintf(stderr, "classroom: the feed: %s\n", code < 0 ? lesson_store_message() : lesson_store_code_text(code));
    worker->is_blind = is_blind;
}

/* Some at a time, so that many events do not hold up the commands. The descriptor stays readable for the others. */
static void drain(uv_poll_t *handle, int status, int events) {
    struct worker *worker = handle->data;
    (void)status, (void)events;
    int code = lesson_store_feed_drain(worker->feed, EVENTS_AT_ONCE, pass_on, worker, NULL);
    if (code == LESSON_STORE_GAP)
        list_all_again(worker);
    else
        report(worker, code);
}

int watch_open(struct worker *worker) {
    worker->events.data = worker;
    int error = uv_poll_init(&worker->loop, &worker->events, lesson_store_feed_descriptor(worker->feed));
    return error ? error : uv_poll_start(&worker->events, UV_READABLE, drain);
}
