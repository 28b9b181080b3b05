#include <stdlib.h>

#include "backends/redis/reply.h"
#include "cmocka_all.h"
#include "spoil.h"

const char *const spoil_way_names[WAYS] = {"nothing",      "no items",     "an error",
                                           "an item less", "another type", "another content"};

struct spoil spoil;

void spoil_begin(spoil_way way, long reply, size_t item) {
    spoil.way = way;
    spoil.reply = reply;
    spoil.item = item;
    spoil.seen = 0;
    spoil.has_happened = false;
}

static void set_text(redis_reply *reply, size_t item, const char *text) {
    size_t size = strlen(text), offset = reply->texts_size;
    reply->texts_capacity += size + 1;
    reply->texts = realloc(reply->texts, reply->texts_capacity);
    assert_non_null(reply->texts);
    memcpy(reply->texts + offset, text, size);
    reply->texts_size += size + 1;
    reply->items[item] = (redis_item){.type = REDIS_ITEM_TEXT, .offset = offset, .size = size};
}

/* False if the reply cannot be spoilt so. */
static bool spoil_now(redis_reply *reply) {
    if (reply->count == 0 || reply->is_error)
        return false;
    switch (spoil.way) {
    case NO_ITEMS:
        reply->count = 0;
        reply->is_array = true;
        return true;
    case ERROR:
        reply->count = 1;
        reply->is_array = false;
        reply->is_error = true;
        set_text(reply, 0, "NOPERM this is a test");
        return true;
    case TOO_SHORT:
        if (reply->count == 1)
            return false;
        reply->count--;
        return true;
    case OTHER_TYPE:
        if (spoil.item >= reply->count)
            return false;
        reply->items[spoil.item] = (redis_item){.type = REDIS_ITEM_ARRAY, .number = -7};
        return true;
    case OTHER_TEXT:
        if (spoil.item >= reply->count)
            return false;
        set_text(reply, spoil.item, "?");
        return true;
    default:
        return false;
    }
}

int __real_redisReaderGetReply(redisReader *reader, void **reply);
/* Visible, because the library that the tests share refers to it too. */
__attribute__((visibility("default"))) int __wrap_redisReaderGetReply(redisReader *reader, void **reply);

int __wrap_redisReaderGetReply(redisReader *reader, void **reply) {
    int result = __real_redisReaderGetReply(reader, reply);
    if (spoil.way != NOTHING && result == REDIS_OK && *reply && ++spoil.seen == spoil.reply)
        spoil.has_happened = spoil_now(reader->privdata);
    return result;
}
