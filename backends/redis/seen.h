/*
 * A set of texts: what a callback was given already, since the server's SCAN and SSCAN may give a thing more than once.
 * Of each text only a fingerprint of 128 bits is kept: 18 to 37 bytes, whatever its length.
 *
 * Two texts with one fingerprint would be taken for one. Of a million texts that happens with a probability of 10^-27;
 * and since the fingerprint (SipHash) is keyed by chance, nobody who chooses ids can bring it about.
 */
#ifndef LESSON_STORE_REDIS_SEEN_H
#define LESSON_STORE_REDIS_SEEN_H

#include <lessonstore/backend.h>

typedef struct redis_fingerprint {
    uint64_t low;
    uint64_t high; /* both 0: a free slot */
} redis_fingerprint;

typedef struct redis_seen {
    uint64_t key[2];
    redis_fingerprint *slots;
    size_t count;
    size_t capacity; /* a power of two, or 0 */
} redis_seen;

/* OK if the text was added, EXISTS if it was there, NO_MEMORY (announced). A set that is all zero is empty. */
int redis_seen_add(redis_seen *set, const char *data, size_t size);

void redis_seen_free(redis_seen *set);

#endif
