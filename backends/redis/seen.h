/* A set of texts: what a callback was given already, since the server's SCAN may give a key more than once. */
#ifndef LESSON_STORE_REDIS_SEEN_H
#define LESSON_STORE_REDIS_SEEN_H

#include <lessonstore/backend.h>

typedef struct redis_seen {
    void *tree; /* NULL: empty */
} redis_seen;

/* OK if the text was added, EXISTS if it was there, NO_MEMORY (announced). */
int redis_seen_add(redis_seen *seen, const char *data, size_t size);

void redis_seen_free(redis_seen *seen);

#endif
