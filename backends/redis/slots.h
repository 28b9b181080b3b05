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

#endif
