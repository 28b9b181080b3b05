/*
 * Memory for large arrays; to be freed with free(). A million users are reached at random, and with pages of 4 KiB
 * nearly each access would first miss in the tables of the pages, so large arrays are made of huge pages where the
 * system has them.
 */
#ifndef LESSON_STORE_MEMORY_PAGES_H
#define LESSON_STORE_MEMORY_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#define MEMORY_HUGE_PAGE ((size_t)2 << 20)

/* Zeroed, of any size. NULL if there is no memory. */
void *memory_pages_take(size_t size);

/* At a multiple of MEMORY_HUGE_PAGE, and not zeroed. NULL if there is no memory. */
void *memory_pages_take_aligned(size_t size, bool huge);

#endif
