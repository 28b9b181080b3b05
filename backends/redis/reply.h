/*
 * A reply. Functions of ours collect it on the parser of hiredis: as a flat list of items in memory that is reused, or
 * as the items of a long reply, passed on one by one. So no tree of the whole reply is ever built.
 */
#ifndef LESSON_STORE_REDIS_REPLY_H
#define LESSON_STORE_REDIS_REPLY_H

#include <hiredis/hiredis.h>

#include <lessonstore/backend.h>

typedef enum redis_item_type {
    REDIS_ITEM_NIL,
    REDIS_ITEM_NUMBER,
    REDIS_ITEM_TEXT,
    REDIS_ITEM_ARRAY /* within the array; its number is that of its items */
} redis_item_type;

typedef struct redis_item {
    redis_item_type type;
    int64_t number;
    size_t offset; /* of the text, in redis_reply.texts */
    size_t size;
} redis_item;

/* Receives each text of a streamed reply. The bytes are borrowed until it returns. */
typedef void (*redis_text_function)(const char *data, size_t size, void *context);

typedef struct redis_reply {
    redis_item *items;
    size_t count;
    size_t capacity;
    size_t next; /* the item that redis_reply_next returns */
    char *texts;
    size_t texts_size;
    size_t texts_capacity;
    bool is_array; /* otherwise the only item is the reply itself */
    bool is_error;
    size_t streamed; /* texts that were passed on */
    bool flat;       /* items of an array within the array are collected as if they were its own; otherwise they are
                      * dropped */
    bool has_arrays; /* `flat`, and each of those arrays is an item too, ahead of its own */
    redis_text_function each;
    void *context;
} redis_reply;

/* Clears the items and keeps the memory. `flat`, `has_arrays` and `each` stay. */
void redis_reply_clear(redis_reply *reply);
void redis_reply_free(redis_reply *reply);

/* Makes a parser that collects into the reply that redis_reader_collect named last. NULL if there is no memory. */
redisReader *redis_reader_create(void);
void redis_reader_collect(redisReader *reader, redis_reply *reply);

/* Return the next item of a reply. A reply that is no array is its own only item. False if the next item is not of that
 * type; then the reply is malformed. A text may also be nil: {NULL, 0}. Texts are borrowed until the reply is cleared.
 */
bool redis_reply_next_text(redis_reply *reply, lesson_store_id *text);
bool redis_reply_next_number(redis_reply *reply, int64_t *number);
bool redis_reply_next_array(redis_reply *reply, int64_t *count);
bool redis_reply_at_end(const redis_reply *reply);

static inline bool redis_text_is(lesson_store_id text, const char *expected) {
    return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

/* True for a stored id that is valid or missing. */
static inline bool redis_text_is_id_or_nil(lesson_store_id text) {
    return !text.data || lesson_store_id_valid(text.data, text.size);
}

/* Returns a stored id. An invalid one counts as missing. */
static inline lesson_store_id redis_valid_or_none(lesson_store_id id) {
    return redis_text_is_id_or_nil(id) ? id : (lesson_store_id){NULL, 0};
}

/* Returns the text of the first item, an error or a status, and of the last one. */
lesson_store_id redis_reply_line(const redis_reply *reply);
lesson_store_id redis_reply_last(const redis_reply *reply);

#endif
