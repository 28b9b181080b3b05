/*
 * Memory for many small objects: blocks cut from large chunks. A block that is given back is kept for the next object
 * of its size, so joins and quits in a steady state allocate nothing. Chunks are freed only when the slab is closed.
 */
#ifndef LESSON_STORE_MEMORY_SLAB_H
#define LESSON_STORE_MEMORY_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define MEMORY_SLAB_STEP 8 /* sizes are rounded up to a multiple of this, and blocks are aligned to it */
#define MEMORY_SLAB_BLOCK_MAX 384

typedef struct memory_slab_link {
    struct memory_slab_link *next;
} memory_slab_link;

typedef struct memory_slab {
    memory_slab_link *idle[MEMORY_SLAB_BLOCK_MAX / MEMORY_SLAB_STEP]; /* blocks that were given back, by size */
    memory_slab_link *chunks;
    char *rest; /* of the newest chunk */
    size_t rest_bytes;
    size_t used_bytes; /* cut from chunks so far */
} memory_slab;

/* `size` bytes, 1 to MEMORY_SLAB_BLOCK_MAX; NULL if there is no memory. */
void *memory_slab_take(memory_slab *slab, size_t size);

/* Gives back what memory_slab_take returned for the same size. NULL is allowed. */
void memory_slab_give(memory_slab *slab, void *block, size_t size);

void memory_slab_close(memory_slab *slab);

#endif
