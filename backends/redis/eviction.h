/* Whether the server deletes keys when its memory is full. */
#ifndef LESSON_STORE_REDIS_EVICTION_H
#define LESSON_STORE_REDIS_EVICTION_H

#include <lessonstore/backend.h>

#define REDIS_POLICY_SIZE 64

/* Copies the value of a line "name:value" of INFO, cut to this size; "" if there is none. */
void redis_find_info(lesson_store_id info, const char *name, char *value, size_t size);

/* Reads the policy from INFO memory. Returns a warning for a person, or NULL if our keys are safe. */
const char *redis_eviction_read(lesson_store_id info, char policy[REDIS_POLICY_SIZE]);

#endif
