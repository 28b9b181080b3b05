/*
 * Memory for many small objects that live as long as the store lets them: blocks of equal size in a size class, cut
 * from large chunks and kept on a free list. Joining and quitting in a steady state therefore allocate nothing. Chunks
 * go back to the system only when the slab is closed.
 *
 * Every block has a number of 31 bits, which takes half the room of its address in a table.
 */
#ifndef LESSON_STORE_MEMORY_SLAB_H
#define LESSON_STORE_MEMORY_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_STEP 16 /* bytes between two size classes, and the alignment of every block */
#define SLAB_BLOCK_MAX 512
#define SLAB_CLASSES (SLAB_BLOCK_MAX / SLAB_STEP)

/* A chunk lies at a multiple of its size, so that a block's address tells its chunk. Only the pages that are
 * used cost memory. */
#define SLAB_CHUNK_BITS 21
#define SLAB_CHUNK_BYTES ((size_t)1 << SLAB_CHUNK_BITS)
#define SLAB_STEPS_BITS (SLAB_CHUNK_BITS - 4)
#define SLAB_CHUNKS_MAX ((size_t)1 << (31 - SLAB_STEPS_BITS)) /* 32 GiB in all */

typedef struct memory_slab_block {
    struct memory_slab_block *next;
} memory_slab_block;

typedef struct memory_slab_chunk {
    uint32_t number;
    _Alignas(SLAB_STEP) char blocks[];
} memory_slab_chunk;

typedef struct memory_slab {
    memory_slab_block *idle[SLAB_CLASSES];
    memory_slab_chunk **chunks;
    size_t chunk_count;
    size_t chunk_capacity;
    char *rest; /* what is left of the newest chunk */
    size_t rest_bytes;
} memory_slab;

/* `size` bytes, at most SLAB_BLOCK_MAX; NULL if there is no memory. */
void *memory_slab_take(memory_slab *slab, size_t size);

/* Gives back what memory_slab_take gave for the same size. NULL is allowed. */
void memory_slab_give(memory_slab *slab, void *block, size_t size);

/* The number of a block, never 0, and the block of a number. */
static inline uint32_t memory_slab_number(const void *block) {
    size_t offset = (uintptr_t)block & (SLAB_CHUNK_BYTES - 1);
    const memory_slab_chunk *chunk = (const void *)((const char *)block - offset);
    return chunk->number << SLAB_STEPS_BITS | (uint32_t)(offset / SLAB_STEP);
}

static inline void *memory_slab_block_at(const memory_slab *slab, uint32_t number) {
    const size_t steps = ((size_t)1 << SLAB_STEPS_BITS) - 1;
    return (char *)slab->chunks[number >> SLAB_STEPS_BITS] + (number & steps) * SLAB_STEP;
}

/* What has been cut from the chunks. */
size_t memory_slab_bytes(const memory_slab *slab);

void memory_slab_close(memory_slab *slab);

#endif
