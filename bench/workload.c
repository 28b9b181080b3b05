#include "workload.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure.h"

#define ID_SIZE 24 /* with the closing NUL */
#define PUT_BATCH 4096

/* The texts are stored behind the array, in the same block. */
lesson_store_id *workload_ids(const char *prefix, size_t count) {
    lesson_store_id *ids = malloc(count * (sizeof *ids + ID_SIZE));
    measure_must(ids, "no memory for %zu ids", count);
    char *text = (char *)(ids + count);
    for (size_t i = 0; i < count; i++, text += ID_SIZE) {
        int size = snprintf(text, ID_SIZE, "%s%07zu", prefix, i);
        measure_must(size > 0 && size < ID_SIZE, "an id of %d bytes", size);
        ids[i] = (lesson_store_id){text, (size_t)size};
    }
    return ids;
}

void workload_free_ids(lesson_store_id *ids) {
    free(ids);
}

void workload_shuffle(lesson_store_id *ids, size_t count, uint64_t seed) {
    for (size_t i = count; i > 1; i--) {
        size_t other = random_below(&seed, i);
        lesson_store_id id = ids[i - 1];
        ids[i - 1] = ids[other];
        ids[other] = id;
    }
}

workload workload_of(lesson_store_id *users, size_t user_count, lesson_store_id *lessons, size_t lesson_count) {
    return (workload){.user_count = user_count,
                      .lesson_count = lesson_count,
                      .users = users,
                      .lessons = lessons,
                      .course_id = lesson_store_id_of("course-1")};
}

workload workload_make(size_t user_count, size_t lesson_count) {
    return workload_of(workload_ids("user-", user_count), user_count, workload_ids("lesson-", lesson_count),
                       lesson_count);
}

void workload_free(workload *load) {
    workload_free_ids(load->users);
    workload_free_ids(load->lessons);
}

static workload_join *make_joins(size_t count) {
    workload_join *joins = malloc(count * sizeof *joins);
    measure_must(joins, "no memory for %zu joins", count);
    return joins;
}

static void set_lesson(const workload *load, workload_join *join, size_t lesson) {
    join->lesson = (uint32_t)lesson;
    join->lesson_id = load->lessons[lesson];
}

static workload_join join_of(const workload *load, size_t user, uint64_t *random) {
    workload_join join = {.uid = load->users[user], .course_id = load->course_id};
    set_lesson(load, &join, random_below(random, load->lesson_count));
    return join;
}

void workload_turn(const workload *load, workload_join *joins, size_t count) {
    for (size_t i = 0; i < count; i++)
        set_lesson(load, &joins[i], (joins[i].lesson + 1) % load->lesson_count);
}

workload_join *workload_fill(const workload *load) {
    uint64_t random = 1;
    workload_join *joins = make_joins(load->user_count);
    for (size_t i = 0; i < load->user_count; i++)
        joins[i] = join_of(load, i, &random);
    return joins;
}

workload_join *workload_moves(const workload *load, size_t count, uint64_t seed) {
    uint64_t random = seed;
    workload_join *joins = make_joins(count);
    for (size_t i = 0; i < count; i++)
        joins[i] = join_of(load, random_below(&random, load->user_count), &random);
    return joins;
}

static void put_batch(lesson_store *store, lesson_store_operation *operations, const workload_join *joins,
                      size_t count) {
    for (size_t i = 0; i < count; i++)
        operations[i] = workload_operation(&joins[i]);
    measure_must(lesson_store_batch(store, operations, count) == LESSON_STORE_OK, "%s", lesson_store_message());
    for (size_t i = 0; i < count; i++)
        measure_must(operations[i].code == LESSON_STORE_OK, "%s", lesson_store_message());
}

void workload_put(lesson_store *store, const workload_join *joins, size_t count) {
    lesson_store_operation *operations = malloc(PUT_BATCH * sizeof *operations);
    measure_must(operations, "no memory for a batch");
    for (size_t first = 0; first < count; first += PUT_BATCH)
        put_batch(store, operations, joins + first, count - first < PUT_BATCH ? count - first : PUT_BATCH);
    free(operations);
}
