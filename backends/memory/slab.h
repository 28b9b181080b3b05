/*
 * Memory for many small objects: blocks cut from large chunks. A freed block is kept for the next object of its size,
 * so joins and quits in a steady state allocate nothing. Chunks are freed only when the slab is closed.
 */
#ifndef LESSON_STORE_MEMORY_SLAB_H
#define LESSON_STORE_MEMORY_SLAB_H

#include <stddef.h>

#define MEMORY_SLAB_STEP 8 /* sizes are rounded up to a multiple of this, and blocks are aligned to it */
#define MEMORY_SLAB_BLOCK_MAX 384

typedef struct memory_slab_link {
    struct memory_slab_link *next;
} memory_slab_link;

typedef struct memory_slab {
    memory_slab_link *idle[MEMORY_SLAB_BLOCK_MAX / MEMORY_SLAB_STEP]; /* freed blocks, by size */
    memory_slab_link *chunks;
    char *rest; /* unused bytes of the newest chunk */
    size_t rest_bytes;
    size_t used_bytes; /* bytes cut from all chunks */
} memory_slab;

/* Cuts a block that was never used before. */
void *memory_slab_cut(memory_slab *slab, size_t size);

/* Returns `size` bytes, 1 to MEMORY_SLAB_BLOCK_MAX. NULL if there is no memory. */
static inline void *memory_slab_take(memory_slab *slab, size_t size) {
    memory_slab_link **idle = &slab->idle[(size - 1) / MEMORY_SLAB_STEP];
    memory_slab_link *block = *idle;
    if (!block)
        return memory_slab_cut(slab, size);
    *idle = block->next;
    return block;
}

/* Takes back a block that memory_slab_take returned for the same size. */
static inline void memory_slab_give(memory_slab *slab, void *block, size_t size) {
    memory_slab_link **idle = &slab->idle[(size - 1) / MEMORY_SLAB_STEP];
    memory_slab_link *link = block;
    link->next = *idle;
    *idle = link;
}

void memory_slab_close(memory_slab *slab);

#endif
