/* Lanes: operations that wait, and the threads that run them in batches. */
#include <stdlib.h>

#include "executor.h"

#define GAP UINT32_MAX

/* ---- The ring */

/* Large enough that a full ring holds at least as many gaps as slots. */
static uint64_t ring_size(uint32_t pending_max) {
    uint64_t size = 2;
    while (size < 2 * (uint64_t)pending_max)
        size *= 2;
    return size;
}

int lesson_store__lane_open(lesson_store__lane *lane, lesson_store_executor *executor) {
    uint64_t size = ring_size(executor->pending_max);
    lane->executor = executor;
    lane->mask = size - 1;
    lane->ring = calloc(size, sizeof *lane->ring);
    lane->batch = calloc(executor->batch_max, sizeof(lesson_store__submission *));
    lane->operations = calloc(executor->batch_max, sizeof *lane->operations);
    return lane->ring && lane->batch && lane->operations ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
}

void lesson_store__lane_close(lesson_store__lane *lane) {
    free(lane->ring);
    free(lane->batch);
    free(lane->operations);
}

static void close_gaps(lesson_store__lane *lane) {
    uint64_t end = lane->head;
    for (uint64_t position = lane->head; position < lane->tail; position++) {
        uint32_t index = lane->ring[position & lane->mask];
        if (index == GAP)
            continue;
        lane->ring[end & lane->mask] = index;
        lane->executor->slots.all[index].position = end++;
    }
    lane->tail = end;
}

void lesson_store__lane_add(lesson_store__lane *lane, lesson_store__submission *submission) {
    if (lane->tail - lane->head > lane->mask)
        close_gaps(lane);
    submission->lane = lane;
    submission->position = lane->tail++;
    lane->ring[submission->position & lane->mask] = lesson_store__slots_index(&lane->executor->slots, submission);
    lane->waiting++;
}

void lesson_store__lane_remove(lesson_store__lane *lane, const lesson_store__submission *submission) {
    lane->ring[submission->position & lane->mask] = GAP;
    lane->waiting--;
}

lesson_store__submission *lesson_store__lane_first(lesson_store__lane *lane) {
    if (lane->waiting == 0)
        return NULL;
    while (lane->ring[lane->head & lane->mask] == GAP)
        lane->head++;
    return &lane->executor->slots.all[lane->ring[lane->head & lane->mask]];
}

lesson_store__phase lesson_store__phase_of(const lesson_store__submission *submission) {
    const lesson_store__lane *lane = submission->lane;
    if (submission->early_code || submission->position < lane->running_from)
        return LESSON_STORE_PHASE_DECIDED;
    return submission->position < lane->head ? LESSON_STORE_PHASE_BEGUN : LESSON_STORE_PHASE_WAITING;
}

/* ---- The thread */

static void account_for_last_batch(lesson_store__lane *lane) {
    lesson_store_executor *executor = lane->executor;
    executor->unsettled -= lane->count;
    if (executor->unsettled == 0)
        pthread_cond_broadcast(&executor->settled);
    lane->count = 0;
    lane->timed = 0;
}

static void collect(lesson_store__lane *lane) {
    lesson_store__submission *first;
    while (lane->count < lane->executor->batch_max && (first = lesson_store__lane_first(lane))) {
        lane->batch[lane->count++] = first;
        lane->head++;
        lane->waiting--;
    }
}

/* False if the thread is to end. */
static bool take_batch(lesson_store__lane *lane) {
    lesson_store_executor *executor = lane->executor;
    pthread_mutex_lock(&executor->mutex);
    account_for_last_batch(lane);
    while (lane->waiting == 0 && !executor->quit) {
        lane->idle = true;
        pthread_cond_wait(&lane->work, &executor->mutex);
    }
    lane->idle = false;
    collect(lane);
    pthread_mutex_unlock(&executor->mutex);
    return lane->count > 0;
}

/* Called with the mutex held. Removes from the batch the submissions that were decided early while it ran. */
static void drop_early(lesson_store__lane *lane) {
    lesson_store_executor *executor = lane->executor;
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store__submission *submission = lane->batch[i];
        executor->deadlines_ms[lesson_store__slots_index(&executor->slots, submission)] = 0;
        if (!submission->early_code)
            continue;
        lane->batch[i] = NULL;
        executor->unsettled--;
        if (submission->holders == LESSON_STORE_HELD_BY_LANE)
            lesson_store__slots_free(&executor->slots, submission, false);
        submission->holders = LESSON_STORE_HELD_BY_CALLBACK;
    }
}

/* After this, no other thread changes the batch. */
static void end_batch(lesson_store__lane *lane) {
    lesson_store_executor *executor = lane->executor;
    pthread_mutex_lock(&executor->mutex);
    lane->running_from = lane->head;
    executor->figures.batches++;
    if (lane->count > executor->figures.largest_batch)
        executor->figures.largest_batch = lane->count;
    if (lane->timed > 0)
        drop_early(lane);
    pthread_mutex_unlock(&executor->mutex);
}

static void run_batch(lesson_store__lane *lane) {
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store__copy(&lane->operations[i], &lane->batch[i]->operation, sizeof *lane->operations);
        lane->timed += lane->batch[i]->timed;
    }
    lesson_store_batch(lane->executor->store, lane->operations, lane->count);
}

/* The messages are in the slots already, because the operations point to them. */
static void write_answers(lesson_store__lane *lane) {
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store__submission *submission = lane->batch[i];
        if (submission)
            lesson_store__copy_answers(&submission->operation, &lane->operations[i]);
    }
}

static size_t sort_by_queue(lesson_store__lane *lane) {
    size_t used = 0;
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store__submission *submission = lane->batch[i];
        if (!submission)
            continue;
        size_t number = submission->queue ? submission->queue->number : 0;
        if (lane->chains[number].count == 0)
            lane->used[used++] = number;
        lesson_store__chain_add(&lane->chains[number], submission);
    }
    return used;
}

/* Locks each queue once, and wakes its loop once. The callbacks that this thread calls come last, because they may be
 * slow. `count` becomes the number settled here; submissions that were decided early were already counted. */
static void hand_out(lesson_store__lane *lane) {
    const lesson_store__chain nothing = {NULL, NULL, 0};
    size_t used = sort_by_queue(lane);
    lane->count = 0;
    for (size_t i = 0; i < used; i++) {
        lesson_store__chain *chain = &lane->chains[lane->used[i]];
        lane->count += chain->count;
        if (lane->used[i] == 0)
            continue;
        lesson_store__queue_push(chain->first->queue, chain);
        *chain = nothing;
    }
    lesson_store__chain own = lane->chains[0];
    lane->chains[0] = nothing;
    lesson_store__complete_chain(lane->executor, &own);
}

void *lesson_store__lane_main(void *context) {
    lesson_store__lane *lane = context;
    while (take_batch(lane)) {
        run_batch(lane);
        end_batch(lane);
        write_answers(lane);
        hand_out(lane);
    }
    return NULL;
}
