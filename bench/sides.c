#include "sides.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH_MAX 256

lesson_store *sides_open_store(const char *location, const char *options) {
    char all[1024];
    lesson_store *store;
    snprintf(all, sizeof all, "%s%s", location, options);
    measure_must(lesson_store_open(&store, all) == LESSON_STORE_OK, "%s", lesson_store_message());
    return store;
}

static void turn(void *context) {
    side *mine = context;
    workload_turn(mine->load, mine->joins, mine->join_count);
}

static int join_one(const side *mine, const workload_join *join) {
    if (mine->owner)
        return lesson_store_join_for(mine->store, mine->owner, join->uid.data, join->course_id.data,
                                     join->lesson_id.data, NULL, 0, NULL);
    return lesson_store_join(mine->store, join->uid.data, join->course_id.data, join->lesson_id.data, NULL, 0, NULL);
}

static void run_single(void *context) {
    side *mine = context;
    for (size_t i = 0; i < mine->join_count; i++) {
        const workload_join *join = &mine->joins[i];
        int code = join_one(mine, join);
        measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
        mine->moved++;
    }
}

static void run_batches(void *context) {
    side *mine = context;
    lesson_store_operation operations[BATCH_MAX];
    for (size_t first = 0; first < mine->join_count; first += mine->batch) {
        for (size_t i = 0; i < mine->batch; i++) {
            operations[i] = workload_operation(&mine->joins[first + i]);
            operations[i].owner = lesson_store_id_of(mine->owner);
        }
        int code = lesson_store_batch(mine->store, operations, mine->batch);
        measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
        mine->moved += mine->batch;
    }
}

void sides_compare_all(const benchmark *bench, side *sides, size_t side_count, const char *work, size_t count,
                       size_t batch) {
    measure_variant variants[SIDES_MAX];
    workload_join *moves = workload_moves(sides[0].load, count, 2);
    for (size_t i = 0; i < side_count; i++) {
        sides[i].joins = malloc(count * sizeof *moves);
        measure_must(sides[i].joins, "no memory for %zu joins", count);
        memcpy(sides[i].joins, moves, count * sizeof *moves);
        sides[i].join_count = count;
        sides[i].batch = batch;
        variants[i] = (measure_variant){sides[i].name, turn, batch > 1 ? run_batches : run_single, &sides[i], NULL};
    }
    measure_compare(bench, work, sides[0].load->user_count, count, variants, side_count);
    for (size_t i = 0; i < side_count; i++)
        free(sides[i].joins);
    free(moves);
}

void sides_compare(const benchmark *bench, side sides[2], const char *work, size_t count, size_t batch) {
    sides_compare_all(bench, sides, 2, work, count, batch);
}
