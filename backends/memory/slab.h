/*
 * Memory for many small objects that live as long as the store lets them: blocks of equal size in a size class,
 * cut from large chunks and kept on a free list. Joining and quitting in a steady state therefore allocate
 * nothing. Chunks go back to the system only when the slab is closed.
 */
#ifndef LESSON_STORE_MEMORY_SLAB_H
#define LESSON_STORE_MEMORY_SLAB_H

#include <stddef.h>

#define SLAB_STEP 16 /* bytes between two size classes, and the alignment of every block */
#define SLAB_BLOCK_MAX 512
#define SLAB_CHUNK_BYTES (64 * 1024)
#define SLAB_CLASSES (SLAB_BLOCK_MAX / SLAB_STEP)

typedef struct memory_slab_block {
    struct memory_slab_block *next;
} memory_slab_block;

typedef struct memory_slab_chunk memory_slab_chunk;

typedef struct memory_slab {
    memory_slab_block *idle[SLAB_CLASSES];
    memory_slab_chunk *chunks;
    char *rest; /* what is left of the newest chunk */
    size_t rest_bytes;
    size_t bytes; /* in all chunks */
} memory_slab;

/* `size` bytes, at most SLAB_BLOCK_MAX; NULL if there is no memory. */
void *memory_slab_take(memory_slab *slab, size_t size);

/* Gives back what memory_slab_take gave for the same size. NULL is allowed. */
void memory_slab_give(memory_slab *slab, void *block, size_t size);

void memory_slab_close(memory_slab *slab);

#endif
