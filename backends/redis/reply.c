#include <stdlib.h>

#include "reply.h"

#define FIRST_CAPACITY 64
#define TEXTS_MAX ((size_t)256 << 20) /* bytes of one collected reply */
#define ITEMS_MAX ((size_t)16 << 20)

/* What the parser of hiredis gets as its objects: anything but NULL. */
static char collected;

static bool grow(void **memory, size_t *capacity, size_t needed, size_t item_size, size_t most) {
    if (needed <= *capacity)
        return true;
    if (needed > most)
        return false;
    size_t wanted = *capacity ? *capacity : FIRST_CAPACITY;
    while (wanted < needed)
        wanted *= 2;
    void *grown = realloc(*memory, wanted * item_size);
    if (!grown)
        return false;
    *memory = grown;
    *capacity = wanted;
    return true;
}

static redis_item *add_item(redis_reply *reply, redis_item_type type) {
    void *items = reply->items;
    if (!grow(&items, &reply->capacity, reply->count + 1, sizeof *reply->items, ITEMS_MAX))
        return NULL;
    reply->items = items;
    redis_item *item = &reply->items[reply->count++];
    *item = (redis_item){.type = type};
    return item;
}

static bool add_text(redis_reply *reply, const char *data, size_t size) {
    void *texts = reply->texts;
    /* One byte more, so that even an empty text has an address. */
    if (!grow(&texts, &reply->texts_capacity, reply->texts_size + size + 1, 1, TEXTS_MAX))
        return false;
    reply->texts = texts;
    redis_item *item = add_item(reply, REDIS_ITEM_TEXT);
    if (!item)
        return false;
    item->offset = reply->texts_size;
    item->size = size;
    if (size > 0)
        memcpy(reply->texts + reply->texts_size, data, size);
    reply->texts_size += size;
    return true;
}

/* ---- The functions that the parser of hiredis calls. NULL means that there was no memory */

static redis_reply *reply_of(const redisReadTask *task) {
    return task->privdata;
}

static bool is_dropped(const redisReadTask *task) {
    return task->parent && task->parent->parent && !reply_of(task)->flat;
}

static void *collect_text(const redisReadTask *task, char *data, size_t size) {
    redis_reply *reply = reply_of(task);
    if (is_dropped(task))
        return &collected;
    if (!task->parent)
        reply->is_error = task->type == REDIS_REPLY_ERROR;
    else if (reply->each) {
        reply->streamed++;
        reply->each(data, size, reply->context);
        return &collected;
    }
    return add_text(reply, data, size) ? &collected : NULL;
}

/* The only relevant difference between versions of hiredis: 1.0 made the count a size_t. */
#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static void *collect_array(const redisReadTask *task, element_count count) {
    redis_reply *reply = reply_of(task);
    if (!task->parent)
        reply->is_array = true;
    if (!task->parent || is_dropped(task) || (reply->flat && !reply->has_arrays))
        return &collected;
    redis_item *item = add_item(reply, REDIS_ITEM_ARRAY);
    if (item)
        item->number = (int64_t)count;
    return item ? &collected : NULL;
}

static void *collect_number(const redisReadTask *task, long long number) {
    if (is_dropped(task))
        return &collected;
    redis_item *item = add_item(reply_of(task), REDIS_ITEM_NUMBER);
    if (item)
        item->number = number;
    return item ? &collected : NULL;
}

static void *collect_nil(const redisReadTask *task) {
    if (is_dropped(task))
        return &collected;
    return add_item(reply_of(task), REDIS_ITEM_NIL) ? &collected : NULL;
}

/* Never written to. hiredis takes a pointer that is not const. */
static redisReplyObjectFunctions functions = {
    .createString = collect_text,
    .createArray = collect_array,
    .createInteger = collect_number,
    .createNil = collect_nil,
};

redisReader *redis_reader_create(void) {
    redisReader *reader = redisReaderCreateWithFunctions(&functions);
    if (reader)
        reader->maxbuf = 0; /* otherwise the buffer of a long reply is freed and allocated again at each read */
    return reader;
}

void redis_reader_collect(redisReader *reader, redis_reply *reply) {
    redis_reply_clear(reply);
    reader->privdata = reply;
}

/* ---- Reading the collected reply */

void redis_reply_clear(redis_reply *reply) {
    reply->count = 0;
    reply->next = 0;
    reply->texts_size = 0;
    reply->is_array = false;
    reply->is_error = false;
    reply->streamed = 0;
}

void redis_reply_free(redis_reply *reply) {
    free(reply->items);
    free(reply->texts);
    memset(reply, 0, sizeof *reply);
}

static lesson_store_id text_of(const redis_reply *reply, const redis_item *item) {
    if (item->type != REDIS_ITEM_TEXT)
        return (lesson_store_id){NULL, 0};
    return (lesson_store_id){reply->texts + item->offset, item->size};
}

bool redis_reply_next_text(redis_reply *reply, lesson_store_id *text) {
    if (redis_reply_at_end(reply))
        return false;
    const redis_item *item = &reply->items[reply->next++];
    *text = text_of(reply, item);
    return item->type == REDIS_ITEM_TEXT || item->type == REDIS_ITEM_NIL;
}

static bool next_with_number(redis_reply *reply, redis_item_type type, int64_t *number) {
    if (redis_reply_at_end(reply))
        return false;
    const redis_item *item = &reply->items[reply->next++];
    *number = item->number;
    return item->type == type;
}

bool redis_reply_next_number(redis_reply *reply, int64_t *number) {
    return next_with_number(reply, REDIS_ITEM_NUMBER, number);
}

bool redis_reply_next_array(redis_reply *reply, int64_t *count) {
    return next_with_number(reply, REDIS_ITEM_ARRAY, count);
}

bool redis_reply_at_end(const redis_reply *reply) {
    return reply->next >= reply->count;
}

lesson_store_id redis_reply_line(const redis_reply *reply) {
    return reply->count > 0 ? text_of(reply, &reply->items[0]) : (lesson_store_id){NULL, 0};
}

lesson_store_id redis_reply_last(const redis_reply *reply) {
    return reply->count > 0 ? text_of(reply, &reply->items[reply->count - 1]) : (lesson_store_id){NULL, 0};
}
