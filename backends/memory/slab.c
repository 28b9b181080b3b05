#include <assert.h>
#include <stdlib.h>

#include "slab.h"

#define CHUNK_BYTES ((size_t)64 << 10)

static size_t class_of(size_t size) {
    assert(size > 0 && size <= MEMORY_SLAB_BLOCK_MAX);
    return (size - 1) / MEMORY_SLAB_STEP;
}

/* The rest of the old chunk is given up: less than a block, of 64 KiB. */
static int add_chunk(memory_slab *slab) {
    memory_slab_link *chunk = malloc(CHUNK_BYTES);
    if (!chunk)
        return 0;
    chunk->next = slab->chunks;
    slab->chunks = chunk;
    slab->rest = (char *)chunk + MEMORY_SLAB_STEP;
    slab->rest_bytes = CHUNK_BYTES - MEMORY_SLAB_STEP;
    return 1;
}

void *memory_slab_take(memory_slab *slab, size_t size) {
    size_t class = class_of(size);
    memory_slab_link *block = slab->idle[class];
    if (block) {
        slab->idle[class] = block->next;
        return block;
    }
    size_t block_bytes = (class + 1) * MEMORY_SLAB_STEP;
    if (slab->rest_bytes < block_bytes && !add_chunk(slab))
        return NULL;
    void *fresh = slab->rest;
    slab->rest += block_bytes;
    slab->rest_bytes -= block_bytes;
    slab->used_bytes += block_bytes;
    return fresh;
}

void memory_slab_give(memory_slab *slab, void *block, size_t size) {
    if (!block)
        return;
    memory_slab_link *idle = block;
    idle->next = slab->idle[class_of(size)];
    slab->idle[class_of(size)] = idle;
}

void memory_slab_close(memory_slab *slab) {
    while (slab->chunks) {
        memory_slab_link *chunk = slab->chunks;
        slab->chunks = chunk->next;
        free(chunk);
    }
}
