/* What a stream does not give, because it is not of this library's shape: counted, and the first of it named. */
#ifndef LESSON_STORE_REDIS_MALFORMED_H
#define LESSON_STORE_REDIS_MALFORMED_H

#include "redis.h"

typedef struct redis_malformed {
    size_t count;
    char first[160];
} redis_malformed;

void redis_malformed_note(redis_malformed *malformed, const char *what, lesson_store_id id);

/* OK if there was none, else MALFORMED, announced. */
int redis_malformed_tell(const redis_malformed *malformed, const redis_store *store);

#endif
