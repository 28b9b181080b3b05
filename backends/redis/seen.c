/* A balanced tree and no hash table: the texts are ids that clients choose, who could also choose colliding ones. */
#include <search.h>
#include <stdlib.h>

#include "seen.h"

struct text {
    size_t size;
    char bytes[];
};

static int compare(const void *left, const void *right) {
    const struct text *a = left;
    const struct text *b = right;
    if (a->size != b->size)
        return a->size < b->size ? -1 : 1;
    return memcmp(a->bytes, b->bytes, a->size);
}

int redis_seen_add(redis_seen *seen, const char *data, size_t size) {
    struct text *text = malloc(sizeof *text + size);
    if (!text)
        goto no_memory;
    text->size = size;
    if (size > 0)
        memcpy(text->bytes, data, size);
    struct text **found = tsearch(text, &seen->tree, compare);
    if (!found)
        goto no_memory;
    if (*found == text)
        return LESSON_STORE_OK;
    free(text);
    return LESSON_STORE_EXISTS;

no_memory:
    free(text);
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "redis: no memory left to note what was listed already");
}

void redis_seen_free(redis_seen *seen) {
    tdestroy(seen->tree, free);
    seen->tree = NULL;
}
