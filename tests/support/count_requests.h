/* How many requests bytes to a Redis server hold, for servers of tests that answer each with a prepared text. */
#ifndef LESSON_STORE_TESTS_COUNT_REQUESTS_H
#define LESSON_STORE_TESTS_COUNT_REQUESTS_H

#include <stdlib.h>
#include <string.h>

/* At least 1. Only the last request may be cut. */
static inline int count_requests(const char *bytes, size_t size) {
    const char *at = bytes, *end = bytes + size;
    int count = 0;
    while (at < end && *at == '*') {
        long arguments = strtol(at + 1, NULL, 10);
        const char *line = memchr(at, '\n', (size_t)(end - at));
        at = line ? line + 1 : end;
        for (long i = 0; i < arguments && at < end; i++) {
            long argument_size = strtol(at + 1, NULL, 10);
            line = memchr(at, '\n', (size_t)(end - at));
            at = line ? line + 1 + argument_size + 2 : end;
        }
        count++;
    }
    return count > 0 ? count : 1;
}

#endif
