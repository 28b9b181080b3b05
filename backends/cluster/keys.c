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
static size_t write_found_tag(char *out, unsigned slot) {
    char tag[TAG_SIZE];
    size_t size;
    unsigned number = 0;
    do
        size = (size_t)snprintf(tag, sizeof tag, "%x", number++);
    while (redis_slot_of_tag(tag, size) != slot);
    memcpy(out, tag, size);
    return size;
}

static size_t write_tag(char *out, const cluster_key *key) {
    lesson_store_id tag = redis_find_tag(key->text, key->size);
    if (tag.size == 0)
        return write_found_tag(out, redis_slot_of_key(key->text, key->size));
    memcpy(out, tag.data, tag.size);
    return tag.size;
}

void cluster_key_write_helper(cluster_key *helper, const cluster_key *key, const char *end) {
    char *out = helper->text;
    bool has_brace = memchr(key->text, '}', key->size) != NULL;
    *out++ = '{';
    if (has_brace) {
        out += write_tag(out, key);
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
