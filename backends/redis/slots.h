/* The slots of a Cluster, by which it spreads keys over its nodes. */
#ifndef LESSON_STORE_REDIS_SLOTS_H
#define LESSON_STORE_REDIS_SLOTS_H

#include <lessonstore/lessonstore.h>

#define REDIS_SLOTS 16384

/* True if all keys that begin with this have the same slot, because it has a tag: text between its first { and the next
 * }. */
bool redis_has_tag(const char *front);

/* The slot of all keys that begin with this, which has a tag. */
unsigned redis_slot_of(const char *front);

/* The same for one key, which may have a tag or not. */
unsigned redis_slot_of_key(const char *key, size_t size);

/* Returns the tag of a key, within it. Its size is 0 if it has none. */
lesson_store_id redis_find_tag(const char *key, size_t size);

/* The slot of a tag. */
unsigned redis_slot_of_tag(const char *tag, size_t size);

#endif
