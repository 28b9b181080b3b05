/*
 * The keys of a store that is spread over the slots of a Cluster, and their slots.
 *
 * The three keys of the stored form are those of the redis backend (keys.h there). Each helper key lives in the slot of
 * the key K that it belongs to: it is {K}:x, or if K has a }, as an id can give it, {t}K:x. There t is the tag of K, or
 * if K has none, a text with the slot of K. (K:x would have the tag of K too, but it could be the key of another id.)
 */
#ifndef LESSON_STORE_CLUSTER_KEYS_H
#define LESSON_STORE_CLUSTER_KEYS_H

#include "../redis/keys.h"

/* The ends of helper keys. */
#define CLUSTER_VERSION ":v" /* of a user record, and of members */
#define CLUSTER_BANS ":bans" /* of a lesson record */

#define CLUSTER_HELPER_SIZE (2 * REDIS_KEY_SIZE + sizeof "{}" CLUSTER_BANS)

typedef struct cluster_key {
    char text[CLUSTER_HELPER_SIZE];
    size_t size;
} cluster_key;

/* Writes a key of the stored form. `middle` is REDIS_USER, REDIS_RECORD or REDIS_MEMBERS. Returns its slot. */
unsigned cluster_key_write(cluster_key *key, const char *prefix, const char *middle, lesson_store_id id);

/* Writes the helper key of a key that was written so. */
void cluster_key_write_helper(cluster_key *helper, const cluster_key *key, const char *end);

/* The slot of such a key, without writing it down. */
unsigned cluster_slot_of(const char *prefix, const char *middle, lesson_store_id id);

/* Writes the prefix of the keys that a store has only once, as those of its owners. It gives them a common tag. Returns
 * their slot. */
unsigned cluster_write_common_prefix(char out[CLUSTER_HELPER_SIZE], const char *prefix);

#endif
