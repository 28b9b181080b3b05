/* Ways to join over Redis, compared by the same joins. */
#ifndef LESSON_STORE_BENCH_SIDES_H
#define LESSON_STORE_BENCH_SIDES_H

#include "measure.h"
#include "workload.h"

/* One of the ways, with a prefix of its own. */
typedef struct side {
    const char *name;
    lesson_store *store;
    workload *load;
    const char *owner;    /* of the joins; NULL: none */
    workload_join *joins; /* its own copy, turned before each round */
    size_t join_count;
    size_t batch;
    size_t moved;
} side;

/* Opens a store at the location, followed by these options. */
lesson_store *sides_open_store(const char *location, const char *options);

/* Compares single joins (`batch` 1) or batches of joins; the second side is the reference. */
void sides_compare(const benchmark *bench, side sides[2], const char *work, size_t count, size_t batch);

/* The same for up to SIDES_MAX sides, of which the first is judged. */
#define SIDES_MAX 4
void sides_compare_all(const benchmark *bench, side *sides, size_t side_count, const char *work, size_t count,
                       size_t batch);

#endif
