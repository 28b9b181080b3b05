/* The end of a lesson that has too many members for one step. scripts/end_step.lua states what each step does. */
#include <stdio.h>

#include "cursor.h"
#include "redis.h"

#define MARK_BYTES 8

/* An end in steps that runs. */
struct ending {
    redis_store *store;
    lesson_store_id lesson_id;
    redis_cursor cursor;
    uint64_t left;
    bool done;
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

static int ask_step(const struct ending *ending) {
    redis_store *store = ending->store;
    redis_ask_begin(store, &redis_end_step_script);
    redis_request_add_id(&store->request, ending->lesson_id);
    redis_request_add_text(&store->request, ending->cursor.text);
    redis_request_add_text(&store->request, REDIS_END_PAGE_SIZE);
    redis_request_add_text(&store->request, ending->mark);
    redis_request_add_text(&store->request, ending->found);
    return redis_ask(store, &store->reply, true);
}

static bool read_step(struct ending *ending) {
    redis_reply *reply = &ending->store->reply;
    lesson_store_id word, found;
    int64_t number;
    if (!redis_reply_next_text(reply, &word) || !redis_reply_next_number(reply, &number) || number < 0 ||
        !redis_cursor_read(&ending->cursor, reply) || !redis_reply_next_text(reply, &found) || !found.data)
        return false;
    lesson_store_id_copy(ending->found, found);
    ending->done = !redis_text_is(word, "MORE");
    ending->left += (uint64_t)number;
    return !ending->done || redis_text_is(word, "DONE") || redis_text_is(word, "GONE");
}

static int take_step(struct ending *ending) {
    int code = ask_step(ending);
    return code || read_step(ending) ? code : redis_ask_garbled(ending->store, true);
}

/* If an end fails after its first step, its outcome is unknown. */
static int interrupted(const redis_store *store, lesson_store_id lesson_id) {
    char why[LESSON_STORE_MESSAGE_SIZE];
    snprintf(why, sizeof why, "%s", lesson_store_message());
    return lesson_store_fail(LESSON_STORE_UNKNOWN, "%s: lesson %.*s was only partly ended: %s", store->settings.shown,
                             (int)lesson_id.size, lesson_id.data, why);
}

int redis_end_in_steps(redis_store *store, lesson_store_operation *end) {
    struct ending ending = {.store = store, .lesson_id = end->lesson_id, .cursor = redis_cursor_start()};
    end->code = make_mark(&ending);
    for (bool first = true; !end->code && !ending.done; first = false) {
        int code = take_step(&ending);
        if (!code)
            continue;
        lesson_store_answer(end, first ? code : interrupted(store, end->lesson_id));
        return store->reply.is_error ? LESSON_STORE_OK : end->code;
    }
    end->count = ending.left;
    return LESSON_STORE_OK;
}
