#include <assert.h>
#include <stdlib.h>

#include "slab.h"

struct memory_slab_chunk {
    memory_slab_chunk *next;
    _Alignas(SLAB_STEP) char blocks[];
};

static size_t class_of(size_t size) {
    assert(size > 0 && size <= SLAB_BLOCK_MAX);
    return (size - 1) / SLAB_STEP;
}

/* What is left of the old chunk is too small for this class, but not for others. */
static void keep_rest(memory_slab *slab) {
    if (slab->rest_bytes < SLAB_STEP)
        return;
    size_t size = slab->rest_bytes < SLAB_BLOCK_MAX ? slab->rest_bytes : SLAB_BLOCK_MAX;
    memory_slab_give(slab, slab->rest, size);
}

static int grow(memory_slab *slab) {
    memory_slab_chunk *chunk = malloc(sizeof *chunk + SLAB_CHUNK_BYTES);
    if (!chunk)
        return 0;
    keep_rest(slab);
    chunk->next = slab->chunks;
    slab->chunks = chunk;
    slab->rest = chunk->blocks;
    slab->rest_bytes = SLAB_CHUNK_BYTES;
    slab->bytes += sizeof *chunk + SLAB_CHUNK_BYTES;
    return 1;
}

void *memory_slab_take(memory_slab *slab, size_t size) {
    size_t class = class_of(size);
    memory_slab_block *block = slab->idle[class];
    if (block) {
        slab->idle[class] = block->next;
        return block;
    }
    size_t block_size = (class + 1) * SLAB_STEP;
    if (slab->rest_bytes < block_size && !grow(slab))
        return NULL;
    void *fresh = slab->rest;
    slab->rest += block_size;
    slab->rest_bytes -= block_size;
    return fresh;
}

void memory_slab_give(memory_slab *slab, void *block, size_t size) {
    if (!block)
        return;
    size_t class = class_of(size);
    memory_slab_block *idle = block;
    idle->next = slab->idle[class];
    slab->idle[class] = idle;
}

void memory_slab_close(memory_slab *slab) {
    while (slab->chunks) {
        memory_slab_chunk *next = slab->chunks->next;
        free(slab->chunks);
        slab->chunks = next;
    }
}
