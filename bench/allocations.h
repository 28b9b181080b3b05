/*
 * Counts what a piece of work takes from the heap. A program that links allocations.c has its malloc and the like led
 * through counters, also for the shared libraries it uses; while nothing is counted that costs a test of a flag, and
 * the same for every variant. Do not count where times are measured, nor while other threads run.
 */
#ifndef LESSON_STORE_BENCH_ALLOCATIONS_H
#define LESSON_STORE_BENCH_ALLOCATIONS_H

#include <stdint.h>

typedef struct allocation_figures {
    uint64_t calls;     /* of malloc, calloc, realloc and their aligned kin */
    int64_t bytes;      /* taken and not given back, as malloc_usable_size has it; below 0: more was given back */
    int64_t most_bytes; /* the highest that `bytes` was */
} allocation_figures;

void allocations_count_begin(void);
allocation_figures allocations_count_end(void);

#endif
