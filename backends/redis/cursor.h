/* A cursor of SCAN or SSCAN. It is kept as text, because the server may return any number of 64 bits. */
#ifndef LESSON_STORE_REDIS_CURSOR_H
#define LESSON_STORE_REDIS_CURSOR_H

#include <stdio.h>
#include <stdlib.h>

#include "connection.h"

typedef struct redis_cursor {
    char text[24];
} redis_cursor;

static inline redis_cursor redis_cursor_start(void) {
    return (redis_cursor){"0"};
}

/* A pass ends where it starts: with the cursor 0. */
static inline bool redis_cursor_at_start(const redis_cursor *cursor) {
    return strcmp(cursor->text, "0") == 0;
}

/* Reads the next cursor, the first item of every page. False if it is malformed. */
static inline bool redis_cursor_read(redis_cursor *cursor, redis_reply *reply) {
    lesson_store_id text;
    if (!redis_reply_next_text(reply, &text) || text.size == 0 || text.size >= sizeof cursor->text)
        return false;
    memcpy(cursor->text, text.data, text.size);
    cursor->text[text.size] = '\0';
    return strspn(cursor->text, "0123456789") == text.size;
}

/* ---- A list by pages may continue over any instance, and so over any connection of the store. A cursor is valid only
 * for the server that gave it, and a connection that was made after the list began may lead to another server. Then the
 * list begins again, and core drops the entries that were given before. */

enum { REDIS_WORD_BEGAN_US }; /* in a position: when the list began */

static inline redis_cursor redis_cursor_of(const lesson_store_position *position) {
    redis_cursor cursor = redis_cursor_start();
    if (position->id[0])
        snprintf(cursor.text, sizeof cursor.text, "%.*s", (int)sizeof cursor.text - 1, position->id);
    return cursor;
}

/* Called after a page was asked for, at `asked_us`. False if the list must begin again; the position is then reset. */
static inline bool redis_cursor_is_of_this_server(lesson_store_position *position, const redis_connection *connection,
                                                  int64_t asked_us) {
    bool begins = !position->id[0];
    if (!begins && connection->made_us <= (int64_t)position->words[REDIS_WORD_BEGAN_US])
        return true;
    position->words[REDIS_WORD_BEGAN_US] = (uint64_t)asked_us;
    position->id[0] = '\0';
    return begins;
}

static inline void redis_cursor_keep(const redis_cursor *cursor, lesson_store_position *position) {
    snprintf(position->id, sizeof position->id, "%s", cursor->text);
    position->ended = redis_cursor_at_start(cursor);
}

/* Writes the number of entries to ask for. */
static inline void redis_write_page_size(char text[8], size_t most, const char *largest) {
    size_t size = strtoul(largest, NULL, 10);
    snprintf(text, 8, "%zu", most < size ? most : size);
}

#endif
