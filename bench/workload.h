/* The data of the benchmarks: ids, and joins in a random order that is the same in every run. */
#ifndef LESSON_STORE_BENCH_WORKLOAD_H
#define LESSON_STORE_BENCH_WORKLOAD_H

#include <lessonstore/lessonstore.h>

/* A random number (splitmix64). The state may be any number; the same state gives the same numbers. */
static inline uint64_t random_next(uint64_t *state) {
    uint64_t number = *state += 0x9e3779b97f4a7c15;
    number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
    number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
    return number ^ (number >> 31);
}

/* A random number below `limit`, which is at most 2^32. */
static inline uint32_t random_below(uint64_t *state, uint64_t limit) {
    return (uint32_t)(((random_next(state) >> 32) * limit) >> 32);
}

/* Makes `count` ids such as "user-0000041", each terminated by a NUL. Free them with workload_free_ids. */
lesson_store_id *workload_ids(const char *prefix, size_t count);
void workload_free_ids(lesson_store_id *ids);

/* Puts the ids in a random order. */
void workload_shuffle(lesson_store_id *ids, size_t count, uint64_t seed);

/* A join as data, so that all sides get the same. */
typedef struct workload_join {
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    uint32_t lesson; /* index of one of the workload's lessons */
} workload_join;

typedef struct workload {
    size_t user_count;
    size_t lesson_count;
    lesson_store_id *users;
    lesson_store_id *lessons;
    lesson_store_id course_id;
} workload;

workload workload_make(size_t user_count, size_t lesson_count);

/* Makes a workload of these ids, which it then owns. */
workload workload_of(lesson_store_id *users, size_t user_count, lesson_store_id *lessons, size_t lesson_count);
void workload_free(workload *load);

/* Every user once, in the order of the ids, into random lessons: fills a store. Free it with free. */
workload_join *workload_fill(const workload *load);

/* `count` joins of random users to random lessons, almost all of which are moves. Free them with free. */
workload_join *workload_moves(const workload *load, size_t count, uint64_t seed);

/* Turns each join to the next lesson. Without this before each round, the second round would find nearly every user
 * there already, and would measure something else. */
void workload_turn(const workload *load, workload_join *joins, size_t count);

/* Returns an operation for this join. */
static inline lesson_store_operation workload_operation(const workload_join *join) {
    lesson_store_operation operation = {.kind = LESSON_STORE_OPERATION_JOIN};
    operation.uid = join->uid;
    operation.course_id = join->course_id;
    operation.lesson_id = join->lesson_id;
    return operation;
}

/* Runs the joins in batches. Ends the program if one fails. */
void workload_put(lesson_store *store, const workload_join *joins, size_t count);

#endif
