/* Lanes: what waits, and the threads that run it in batches. */
#include <stdlib.h>

#include "executor.h"

#define GAP UINT32_MAX

/* ---- What waits */

/* So many entries that at least half of them are gaps when the ring is full. */
static uint64_t ring_size(uint32_t pending_max) {
    uint64_t size = 2;
    while (size < 2 * (uint64_t)pending_max)
        size *= 2;
    return size;
}

int lesson_store_lane_open(lesson_store_lane *lane, lesson_store_executor *executor) {
    uint64_t size = ring_size(executor->pending_max);
    lane->executor = executor;
    lane->mask = size - 1;
    lane->ring = calloc(size, sizeof *lane->ring);
    lane->batch = calloc(executor->batch_max, sizeof(lesson_store_submission *));
    lane->operations = calloc(executor->batch_max, sizeof *lane->operations);
    return lane->ring && lane->batch && lane->operations ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
}

void lesson_store_lane_close(lesson_store_lane *lane) {
    free(lane->ring);
    free(lane->batch);
    free(lane->operations);
}

static void close_gaps(lesson_store_lane *lane) {
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

void lesson_store_lane_add(lesson_store_lane *lane, lesson_store_submission *submission) {
    if (lane->tail - lane->head > lane->mask)
        close_gaps(lane);
    submission->lane = lane;
    submission->position = lane->tail++;
    lane->ring[submission->position & lane->mask] = lesson_store_slots_index(&lane->executor->slots, submission);
    lane->waiting++;
}

void lesson_store_lane_remove(lesson_store_lane *lane, const lesson_store_submission *submission) {
    lane->ring[submission->position & lane->mask] = GAP;
    lane->waiting--;
}

lesson_store_submission *lesson_store_lane_first(lesson_store_lane *lane) {
    if (lane->waiting == 0)
        return NULL;
    while (lane->ring[lane->head & lane->mask] == GAP)
        lane->head++;
    return &lane->executor->slots.all[lane->ring[lane->head & lane->mask]];
}

lesson_store_phase lesson_store_phase_of(const lesson_store_submission *submission) {
    const lesson_store_lane *lane = submission->lane;
    if (submission->early_code || submission->position < lane->running_from)
        return LESSON_STORE_PHASE_DECIDED;
    return submission->position < lane->head ? LESSON_STORE_PHASE_BEGUN : LESSON_STORE_PHASE_WAITING;
}

/* ---- The thread */

static void account_for_last_batch(lesson_store_lane *lane) {
    lesson_store_executor *executor = lane->executor;
    executor->unsettled -= lane->count;
    if (executor->unsettled == 0)
        pthread_cond_broadcast(&executor->settled);
    lane->count = 0;
    lane->timed = 0;
}

static void collect(lesson_store_lane *lane) {
    lesson_store_submission *first;
    while (lane->count < lane->executor->batch_max && (first = lesson_store_lane_first(lane))) {
        lane->batch[lane->count++] = first;
        lane->head++;
        lane->waiting--;
    }
}

/* False when the thread shall end. */
static bool take_batch(lesson_store_lane *lane) {
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

/* With the mutex. What was decided past the lane while the batch ran leaves it here. */
static void drop_early(lesson_store_lane *lane) {
    lesson_store_executor *executor = lane->executor;
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store_submission *submission = lane->batch[i];
        executor->deadlines_ms[lesson_store_slots_index(&executor->slots, submission)] = 0;
        if (!submission->lane_holds)
            continue;
        lane->batch[i] = NULL;
        submission->lane_holds = false;
        executor->unsettled--;
        if (submission->let_go)
            lesson_store_slots_free(&executor->slots, submission);
    }
}

/* From here on the batch is the lane's alone. */
static void end_batch(lesson_store_lane *lane) {
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

static int run_batch(lesson_store_lane *lane) {
    for (size_t i = 0; i < lane->count; i++) {
        lane->operations[i] = lane->batch[i]->operation;
        lane->timed += lane->batch[i]->timed;
    }
    return lesson_store_batch(lane->executor->store, lane->operations, lane->count);
}

/* The thread's message speaks of the last operation that failed, and of all that failed with the whole batch. An
 * operation that failed by itself before that one has left no message. */
static const char *message_of(const lesson_store_lane *lane, size_t i, int batch_code, size_t last_failed) {
    int code = lane->operations[i].code;
    bool with_batch = batch_code && (code == batch_code || code == LESSON_STORE_UNREACHABLE);
    return with_batch || i == last_failed ? lesson_store_message() : lesson_store_code_text(code);
}

static void keep_message(lesson_store_submission *submission, const char *message) {
    size_t size = strnlen(message, sizeof submission->message_text - 1);
    memcpy(submission->message_text, message, size);
    submission->message_text[size] = '\0';
    submission->message = submission->message_text;
}

static size_t last_failed(const lesson_store_lane *lane) {
    size_t i = lane->count;
    while (i > 0 && lane->operations[i - 1].code >= 0)
        i--;
    return i - 1; /* SIZE_MAX if none has failed */
}

static void write_answers(lesson_store_lane *lane, int batch_code) {
    size_t last = last_failed(lane);
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store_submission *submission = lane->batch[i];
        if (!submission)
            continue;
        lesson_store_copy_answers(&submission->operation, &lane->operations[i]);
        if (lane->operations[i].code < 0)
            keep_message(submission, message_of(lane, i, batch_code, last));
    }
}

static size_t sort_by_queue(lesson_store_lane *lane) {
    size_t used = 0;
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store_submission *submission = lane->batch[i];
        if (!submission)
            continue;
        size_t number = submission->queue ? submission->queue->number : 0;
        if (lane->chains[number].count == 0)
            lane->used[used++] = number;
        lesson_store_chain_add(&lane->chains[number], submission);
    }
    return used;
}

/* Each queue is locked once, and its loop woken once. The callbacks of this thread come last, for they may be slow.
 * `count` becomes what was settled here: who decided the others past the lane has accounted for them. */
static void hand_out(lesson_store_lane *lane) {
    const lesson_store_chain nothing = {NULL, NULL, 0};
    size_t used = sort_by_queue(lane);
    lane->count = 0;
    for (size_t i = 0; i < used; i++) {
        lesson_store_chain *chain = &lane->chains[lane->used[i]];
        lane->count += chain->count;
        if (lane->used[i] == 0)
            continue;
        lesson_store_queue_push(chain->first->queue, chain);
        *chain = nothing;
    }
    lesson_store_chain own = lane->chains[0];
    lane->chains[0] = nothing;
    lesson_store_complete_chain(lane->executor, &own);
}

void *lesson_store_lane_main(void *context) {
    lesson_store_lane *lane = context;
    while (take_batch(lane)) {
        int code = run_batch(lane);
        end_batch(lane);
        write_answers(lane, code);
        hand_out(lane);
    }
    return NULL;
}
