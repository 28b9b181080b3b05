/* The names that glibc keeps for programs that replace its malloc. */
#include "allocations.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

/* Visible, so that shared libraries find these functions first. */
#define REPLACED __attribute__((visibility("default")))
REPLACED void *malloc(size_t size);
REPLACED void *calloc(size_t count, size_t size);
REPLACED void *realloc(void *block, size_t size);
REPLACED void *aligned_alloc(size_t alignment, size_t size);
REPLACED int posix_memalign(void **out, size_t alignment, size_t size);
REPLACED void free(void *block);

static bool counting;
static allocation_figures figures;

void allocations_count_begin(void) {
    figures = (allocation_figures){.calls = 0};
    counting = true;
}

allocation_figures allocations_count_end(void) {
    counting = false;
    return figures;
}

static void count_block(void *block) {
    figures.calls++;
    figures.bytes += (int64_t)malloc_usable_size(block);
    if (figures.bytes > figures.most_bytes)
        figures.most_bytes = figures.bytes;
}

static inline void *counted(void *block) {
    if (counting)
        count_block(block);
    return block;
}

static inline void uncount(void *block) {
    if (counting)
        figures.bytes -= (int64_t)malloc_usable_size(block);
}

void *malloc(size_t size) {
    return counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size) {
    return counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size) {
    uncount(block);
    return counted(__libc_realloc(block, size));
}

void *aligned_alloc(size_t alignment, size_t size) {
    return counted(__libc_memalign(alignment, size));
}

int posix_memalign(void **out, size_t alignment, size_t size) {
    void *block = counted(__libc_memalign(alignment, size));
    if (!block)
        return ENOMEM;
    *out = block;
    return 0;
}

void free(void *block) {
    uncount(block);
    __libc_free(block);
}
