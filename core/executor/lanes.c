/* Lanes: operations and pages that wait, and the threads that run them in batches. */
#include <stdlib.h>

#include "executor.h"

int lesson_store__lane_open(lesson_store__lane *lane, lesson_store_executor *executor) {
    lane->executor = executor;
    lane->batch = calloc(executor->batch_max, sizeof(lesson_store__submission *));
    lane->running = calloc(executor->batch_max, sizeof *lane->running);
    int code = lane->batch && lane->running ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
    if (!code)
        code = lesson_store__ring_open(&lane->operations, &executor->slots, executor->pending_max);
    return code ? code : lesson_store__ring_open(&lane->pages, &executor->slots, executor->pending_max);
}

void lesson_store__lane_close(lesson_store__lane *lane) {
    free(lane->operations.indices);
    free(lane->pages.indices);
    free(lane->batch);
    free(lane->running);
}

lesson_store__submission *lesson_store__lane_first(lesson_store__lane *lane) {
    lesson_store__submission *first = lesson_store__ring_first(&lane->operations);
    return first ? first : lesson_store__ring_first(&lane->pages);
}

/* ---- The thread */

static void account_for_last_batch(lesson_store__lane *lane) {
    lesson_store__settle(lane->executor, lane->count);
    lane->count = 0;
    lane->timed = 0;
}

static bool has_work(const lesson_store__lane *lane) {
    return lane->operations.waiting > 0 || lane->pages.waiting > 0;
}

/* Operations and pages take turns, so that neither hold up the others. A page is a batch of its own. */
static void collect(lesson_store__lane *lane) {
    bool is_page = lane->pages.waiting > 0 && (lane->operations.waiting == 0 || !lane->page_was_last);
    size_t most = is_page ? 1 : lane->executor->batch_max;
    lesson_store__ring *ring = is_page ? &lane->pages : &lane->operations;
    lane->page_was_last = is_page;
    while (lane->count < most && ring->waiting > 0)
        lane->batch[lane->count++] = lesson_store__ring_take(ring);
}

/* False if the thread is to end. */
static bool take_batch(lesson_store__lane *lane) {
    lesson_store_executor *executor = lane->executor;
    pthread_mutex_lock(&executor->mutex);
    account_for_last_batch(lane);
    while (!has_work(lane) && !executor->quit) {
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

static void count_batch(lesson_store__lane *lane) {
    lesson_store_executor_figures *figures = &lane->executor->figures;
    if (lane->listing.cursor) {
        figures->pages++;
        return;
    }
    figures->batches++;
    if (lane->count > figures->largest_batch)
        figures->largest_batch = lane->count;
}

/* After this, no other thread changes the batch. */
static void end_batch(lesson_store__lane *lane) {
    lesson_store_executor *executor = lane->executor;
    pthread_mutex_lock(&executor->mutex);
    lane->operations.running_from = lane->operations.head;
    lane->pages.running_from = lane->pages.head;
    if (!lesson_store__page_waits_again(lane)) {
        count_batch(lane);
        if (lane->timed > 0)
            drop_early(lane);
    }
    pthread_mutex_unlock(&executor->mutex);
}

static void run_batch(lesson_store__lane *lane) {
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store__copy(&lane->running[i], &lane->batch[i]->operation, sizeof *lane->running);
        lane->timed += lane->batch[i]->timed;
    }
    lesson_store_batch(lane->executor->store, lane->running, lane->count);
}

/* The messages are in the slots already, because the operations point to them. */
static void write_answers(lesson_store__lane *lane) {
    if (lane->listing.cursor) {
        lesson_store__answer_page(lane);
        return;
    }
    for (size_t i = 0; i < lane->count; i++) {
        lesson_store__submission *submission = lane->batch[i];
        if (submission)
            lesson_store__copy_answers(&submission->operation, &lane->running[i]);
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
        if (lane->batch[0]->cursor)
            lesson_store__run_page(lane);
        else
            run_batch(lane);
        end_batch(lane);
        write_answers(lane);
        hand_out(lane);
    }
    return NULL;
}
