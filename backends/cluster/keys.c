#include <stdio.h>

#include "../redis/slots.h"
#include "keys.h"

unsigned cluster_key_write(cluster_key *key, const char *prefix, const char *middle, lesson_store_id id) {
    key->size = redis_key(key->text, prefix, middle, id);
    return redis_slot_of_key(key->text, key->size);
}

unsigned cluster_slot_of(const char *prefix, const char *middle, lesson_store_id id) {
    char key[REDIS_KEY_SIZE];
    return redis_slot_of_key(key, redis_key(key, prefix, middle, id));
}

#define TAG_SIZE 12

/* Finds a tag by trying: some 16,000 of them, which takes a millisecond. It is for ids that hardly any school has. */
static lesson_store_id find_tag(char tag[TAG_SIZE], unsigned slot) {
    for (unsigned number = 0;; number++) {
        size_t size = (size_t)snprintf(tag, TAG_SIZE, "%x", number);
        if (redis_slot_of_tag(tag, size) == slot)
            return (lesson_store_id){tag, size};
    }
}

void cluster_key_write_helper(cluster_key *helper, const cluster_key *key, const char *end) {
    char *out = helper->text;
    bool has_brace = memchr(key->text, '}', key->size) != NULL;
    *out++ = '{';
    if (has_brace) {
        char found[TAG_SIZE];
        lesson_store_id tag = redis_find_tag(key->text, key->size);
        if (tag.size == 0)
            tag = find_tag(found, redis_slot_of_key(key->text, key->size));
        memcpy(out, tag.data, tag.size);
        out += tag.size;
        *out++ = '}';
    }
    memcpy(out, key->text, key->size);
    out += key->size;
    if (!has_brace)
        *out++ = '}';
    memcpy(out, end, strlen(end) + 1);
    helper->size = (size_t)(out - helper->text) + strlen(end);
}

unsigned cluster_write_common_prefix(char out[CLUSTER_HELPER_SIZE], const char *prefix) {
    cluster_key key = {.size = strlen(prefix)}, helper;
    memcpy(key.text, prefix, key.size + 1);
    cluster_key_write_helper(&helper, &key, "");
    memcpy(out, helper.text, helper.size + 1);
    return redis_slot_of_key(out, helper.size);
}
