/* Where the server's SCAN and SSCAN go on; a text, because it is the server's and may be any number of 64 bits. */
#ifndef LESSON_STORE_REDIS_CURSOR_H
#define LESSON_STORE_REDIS_CURSOR_H

#include "reply.h"

typedef struct redis_cursor {
    char text[24];
} redis_cursor;

static inline redis_cursor redis_cursor_start(void) {
    return (redis_cursor){"0"};
}

/* Also where a pass ends. */
static inline bool redis_cursor_at_start(const redis_cursor *cursor) {
    return strcmp(cursor->text, "0") == 0;
}

/* The next cursor, the first item of every page. False if it is not one. */
static inline bool redis_cursor_read(redis_cursor *cursor, redis_reply *reply) {
    lesson_store_id text;
    if (!redis_reply_next_text(reply, &text) || text.size == 0 || text.size >= sizeof cursor->text)
        return false;
    memcpy(cursor->text, text.data, text.size);
    cursor->text[text.size] = '\0';
    return strspn(cursor->text, "0123456789") == text.size;
}

#endif
