/* A list of texts that only grows: ids that are to be looked at after the reply that named them is gone. Begin with
 * zeroes. */
#ifndef LESSON_STORE_REDIS_TEXTS_H
#define LESSON_STORE_REDIS_TEXTS_H

#include <stdlib.h>

#include <lessonstore/backend.h>

typedef struct redis_texts {
    char *bytes; /* for each text its size, a size_t, and its bytes */
    size_t size;
    size_t capacity;
} redis_texts;

/* False if there is no memory. */
static inline bool redis_texts_add(redis_texts *texts, lesson_store_id text) {
    size_t needed = texts->size + sizeof text.size + text.size;
    if (!texts->bytes || needed > texts->capacity) {
        char *grown = realloc(texts->bytes, 2 * needed);
        if (!grown)
            return false;
        texts->bytes = grown;
        texts->capacity = 2 * needed;
    }
    memcpy(texts->bytes + texts->size, &text.size, sizeof text.size);
    if (text.size > 0)
        memcpy(texts->bytes + texts->size + sizeof text.size, text.data, text.size);
    texts->size = needed;
    return true;
}

/* Takes the text at `*at`, which begins with 0, and moves `*at` behind it. False at the end of the list. */
static inline bool redis_texts_next(const redis_texts *texts, size_t *at, lesson_store_id *text) {
    if (*at >= texts->size)
        return false;
    memcpy(&text->size, texts->bytes + *at, sizeof text->size);
    text->data = texts->bytes + *at + sizeof text->size;
    *at += sizeof text->size + text->size;
    return true;
}

static inline void redis_texts_free(redis_texts *texts) {
    free(texts->bytes);
    *texts = (redis_texts){NULL, 0, 0};
}

#endif
