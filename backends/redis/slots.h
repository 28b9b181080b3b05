/* The slots of a Cluster, by which it spreads keys over its nodes. */
#ifndef LESSON_STORE_REDIS_SLOTS_H
#define LESSON_STORE_REDIS_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

#define REDIS_SLOTS 16384

/* True if all keys that begin with this have the same slot, because it has a tag: text between its first { and the next
 * }. */
bool redis_has_tag(const char *front);

/* The slot of all keys that begin with this, which has a tag. */
unsigned redis_slot_of(const char *front);

/* The same for one key, which may have a tag or not. `*has_tag` (may be NULL) becomes whether it has. */
unsigned redis_slot_of_key(const char *key, size_t size, bool *has_tag);

/* The slot of a tag. */
unsigned redis_slot_of_tag(const char *tag, size_t size);

#endif
