/* What the benchmarks work on: ids, and joins in a random order that is the same in every run. */
#ifndef LESSON_STORE_BENCH_WORKLOAD_H
#define LESSON_STORE_BENCH_WORKLOAD_H

#include <lessonstore/lessonstore.h>

/* A random number (splitmix64). The state is any number; the same one gives the same numbers. */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t number = *state += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

/* One below `limit`, which is at most 2^32. */
static inline uint32_t random_below(uint64_t *state, uint64_t limit) {
    return (uint32_t)(((random_next(state) >> 32) * limit) >> 32);
}

/* `count` ids, as "user-0000041", each closed by a NUL; freed with workload_free_ids. */
lesson_store_id *workload_ids(const char *prefix, size_t count);
void workload_free_ids(lesson_store_id *ids);

/* Puts them in a random order. */
void workload_shuffle(lesson_store_id *ids, size_t count, uint64_t seed);

/* A join as data, so that both sides are given the same. */
typedef struct workload_join {
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    uint32_t lesson; /* which of the workload's lessons */
} workload_join;

typedef struct workload {
    size_t user_count;
    size_t lesson_count;
    lesson_store_id *users;
    lesson_store_id *lessons;
    lesson_store_id course_id;
} workload;

workload workload_make(size_t user_count, size_t lesson_count);

/* With such ids; they become the workload's. */
workload workload_of(lesson_store_id *users, size_t user_count, lesson_store_id *lessons, size_t lesson_count);
void workload_free(workload *load);

/* Every user once, in the order of the ids, into random lessons: fills a store. Freed with free. */
workload_join *workload_fill(const workload *load);

/* `count` joins of random users to random lessons: almost all are moves. Freed with free. */
workload_join *workload_moves(const workload *load, size_t count, uint64_t seed);

/* Turns each join to the next lesson. Without that before each round the second one would find nearly everybody there
 * already, and measure something else. */
void workload_turn(const workload *load, workload_join *joins, size_t count);

/* An operation that does this join. */
static inline lesson_store_operation workload_operation(const workload_join *join) {
    lesson_store_operation operation = {.kind = LESSON_STORE_OPERATION_JOIN};
    operation.uid = join->uid;
    operation.course_id = join->course_id;
    operation.lesson_id = join->lesson_id;
    return operation;
}

/* Joins them in batches; ends the program if one fails. */
void workload_put(lesson_store *store, const workload_join *joins, size_t count);

#endif
