#include <assert.h>
#include <stdlib.h>

#include "pages.h"
#include "slab.h"

#define FIRST_CHUNKS 8

_Static_assert(SLAB_CHUNK_BYTES == MEMORY_HUGE_PAGE, "a chunk is a huge page");

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

static int make_room_for_a_chunk(memory_slab *slab) {
    if (slab->chunk_count < slab->chunk_capacity)
        return 1;
    size_t capacity = slab->chunk_capacity ? slab->chunk_capacity * 2 : FIRST_CHUNKS;
    if (capacity > SLAB_CHUNKS_MAX)
        return 0;
    memory_slab_chunk **chunks = realloc(slab->chunks, capacity * sizeof *chunks);
    if (!chunks)
        return 0;
    slab->chunks = chunks;
    slab->chunk_capacity = capacity;
    return 1;
}

static int grow(memory_slab *slab) {
    if (!make_room_for_a_chunk(slab))
        return 0;
    /* The first chunk is not made one huge page, since most stores of unit tests hold next to nothing. */
    memory_slab_chunk *chunk = memory_pages_take_aligned(SLAB_CHUNK_BYTES, slab->chunk_count > 0);
    if (!chunk)
        return 0;
    keep_rest(slab);
    chunk->number = (uint32_t)slab->chunk_count;
    slab->chunks[slab->chunk_count++] = chunk;
    slab->rest = chunk->blocks;
    slab->rest_bytes = SLAB_CHUNK_BYTES - sizeof *chunk;
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

size_t memory_slab_bytes(const memory_slab *slab) {
    return slab->chunk_count * SLAB_CHUNK_BYTES - slab->rest_bytes;
}

void memory_slab_close(memory_slab *slab) {
    for (size_t i = 0; i < slab->chunk_count; i++)
        free(slab->chunks[i]);
    free(slab->chunks);
}
