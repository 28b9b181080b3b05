/* Malformed entries, which a list does not give: counts them, and names the first. */
#ifndef LESSON_STORE_REDIS_MALFORMED_H
#define LESSON_STORE_REDIS_MALFORMED_H

#include "redis.h"

typedef struct redis_malformed {
    size_t count;
    char first[160];
} redis_malformed;

void redis_malformed_note(redis_malformed *malformed, const char *what, lesson_store_id id);

/* Returns OK if there was none, else MALFORMED with its message set. */
int redis_malformed_report(const redis_malformed *malformed, const redis_store *store);

#endif
