/* The end of a lesson that has too many members for one step; scripts/end_step.lua says what each step does. */
#include <stdio.h>

#include "cursor.h"
#include "redis.h"

static int ask_step(redis_store *store, lesson_store_id lesson_id, const redis_cursor *cursor) {
    redis_ask_begin(store, &redis_end_step_script);
    redis_request_add_id(&store->request, lesson_id);
    redis_request_add_text(&store->request, cursor->text);
    redis_request_add_text(&store->request, REDIS_END_PAGE_SIZE);
    return redis_ask(store, &store->reply, true);
}

static bool read_step(redis_reply *reply, bool *done, uint64_t *left, redis_cursor *cursor) {
    lesson_store_id word;
    int64_t number;
    if (!redis_reply_next_text(reply, &word) || !redis_reply_next_number(reply, &number) || number < 0 ||
        !redis_cursor_read(cursor, reply))
        return false;
    *done = redis_text_is(word, "DONE");
    *left += (uint64_t)number;
    return *done || redis_text_is(word, "MORE");
}

/* Of an end that had begun nothing better can be said than that its outcome is unknown. */
static int interrupted(const redis_store *store, lesson_store_id lesson_id) {
    char why[LESSON_STORE_MESSAGE_SIZE];
    snprintf(why, sizeof why, "%s", lesson_store_message());
    return lesson_store_fail(LESSON_STORE_UNKNOWN, "%s: lesson %.*s was ended in part only: %s",
                             store->connection.settings.shown, (int)lesson_id.size, lesson_id.data, why);
}

int redis_end_in_steps(redis_store *store, lesson_store_operation *end) {
    redis_cursor cursor = redis_cursor_start();
    uint64_t left = 0;
    bool done = false;
    for (bool first = true; !done; first = false) {
        int code = ask_step(store, end->lesson_id, &cursor);
        if (!code && !read_step(&store->reply, &done, &left, &cursor))
            code = redis_ask_garbled(store, true);
        if (!code)
            continue;
        end->code = first ? code : interrupted(store, end->lesson_id);
        return store->reply.is_error ? LESSON_STORE_OK : end->code;
    }
    end->count = left;
    end->code = LESSON_STORE_OK;
    return LESSON_STORE_OK;
}
