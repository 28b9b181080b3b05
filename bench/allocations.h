/*
 * Counts what a piece of work allocates on the heap. In a program that links allocations.c, malloc and its relatives
 * pass through counters, also for the shared libraries that the program uses. While nothing is counted, this costs a
 * test of a flag, which is the same for every variant. Do not count while times are measured, nor while other threads
 * run.
 */
#ifndef LESSON_STORE_BENCH_ALLOCATIONS_H
#define LESSON_STORE_BENCH_ALLOCATIONS_H

#include <stdint.h>

typedef struct allocation_figures {
    uint64_t calls;     /* of malloc, calloc, realloc and the aligned functions */
    int64_t bytes;      /* allocated and not freed, by malloc_usable_size; below 0: more was freed */
    int64_t most_bytes; /* the highest value of `bytes` */
} allocation_figures;

void allocations_count_begin(void);
allocation_figures allocations_count_end(void);

#endif
