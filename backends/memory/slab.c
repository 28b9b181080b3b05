#include <assert.h>
#include <stdlib.h>

#include "slab.h"

#define CHUNK_BYTES ((size_t)64 << 10)
/* With aligned chunks, a user with a uid of 5 to 12 bytes (96 bytes in all) lies in two cache lines, not in three. */
#define CACHE_LINE 64

/* The rest of the previous chunk stays unused: it is smaller than one block. */
static int add_chunk(memory_slab *slab) {
    void *memory;
    if (posix_memalign(&memory, CACHE_LINE, CHUNK_BYTES) != 0)
        return 0;
    memory_slab_link *chunk = memory;
    chunk->next = slab->chunks;
    slab->chunks = chunk;
    slab->rest = (char *)chunk + CACHE_LINE;
    slab->rest_bytes = CHUNK_BYTES - CACHE_LINE;
    return 1;
}

void *memory_slab_cut(memory_slab *slab, size_t size) {
    assert(size > 0 && size <= MEMORY_SLAB_BLOCK_MAX);
    size_t block_bytes = (size + MEMORY_SLAB_STEP - 1) / MEMORY_SLAB_STEP * MEMORY_SLAB_STEP;
    if (slab->rest_bytes < block_bytes && !add_chunk(slab))
        return NULL;
    void *block = slab->rest;
    slab->rest += block_bytes;
    slab->rest_bytes -= block_bytes;
    slab->used_bytes += block_bytes;
    return block;
}

void memory_slab_close(memory_slab *slab) {
    for (memory_slab_link *chunk = slab->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
}
