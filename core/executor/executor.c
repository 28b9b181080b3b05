/* Opening, stopping and closing an executor. */
#include <signal.h>
#include <stdlib.h>

#include "executor.h"

/* ---- Opening and closing */

static int check_options(const lesson_store_executor_options *options) {
    if (options->size != sizeof *options || options->reserved)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: options of another version of the library");
    if (options->lanes < 1 || options->lanes > LESSON_STORE_EXECUTOR_LANES_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: %u lanes are not between 1 and %d",
                                 (unsigned)options->lanes, LESSON_STORE_EXECUTOR_LANES_MAX);
    if (options->pending_max < 1 || options->pending_max > LESSON_STORE_EXECUTOR_PENDING_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: pending_max %u is not between 1 and %d",
                                 (unsigned)options->pending_max, LESSON_STORE_EXECUTOR_PENDING_MAX);
    if (options->batch_max < 1 || options->batch_max > LESSON_STORE_BATCH_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: batch_max %u is not between 1 and %d",
                                 (unsigned)options->batch_max, LESSON_STORE_BATCH_MAX);
    return LESSON_STORE_OK;
}

/* So that all of them can be destroyed, however far opening came. */
static void open_locks(lesson_store_executor *executor) {
    lesson_store_condition_open(&executor->timekeeper_work);
    pthread_cond_init(&executor->settled, NULL);
    pthread_mutex_init(&executor->mutex, NULL);
    pthread_mutex_init(&executor->early.mutex, NULL);
    for (uint32_t i = 0; i < executor->lane_count; i++)
        pthread_cond_init(&executor->lanes[i].work, NULL);
}

static int open_memory(lesson_store_executor *executor) {
    int code =
        lesson_store_slots_open(&executor->slots, executor->pending_max, executor->lane_count * executor->batch_max);
    if (!code) {
        executor->deadlines_ms = calloc(executor->slots.count, sizeof *executor->deadlines_ms);
        code = executor->deadlines_ms ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
    }
    for (uint32_t i = 0; i < executor->lane_count && !code; i++)
        code = lesson_store_lane_open(&executor->lanes[i], executor);
    return code ? lesson_store_fail(code, "executor: no memory for %u operations", (unsigned)executor->pending_max)
                : LESSON_STORE_OK;
}

static bool start(pthread_t *thread, bool *started, void *(*work)(void *), void *context) {
    *started = pthread_create(thread, NULL, work, context) == 0;
    return *started;
}

/* Signals are for the threads of the application. The mutex keeps the new threads until all are known: a callback asks
 * whether it runs in one of them. */
static int start_threads(lesson_store_executor *executor) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_mutex_lock(&executor->mutex);
    bool started = start(&executor->timekeeper, &executor->timekeeper_started, lesson_store_timekeeper_main, executor);
    for (uint32_t i = 0; i < executor->lane_count && started; i++) {
        lesson_store_lane *lane = &executor->lanes[i];
        started = start(&lane->thread, &lane->started, lesson_store_lane_main, lane);
    }
    pthread_mutex_unlock(&executor->mutex);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started ? LESSON_STORE_OK : lesson_store_fail(LESSON_STORE_FAILED, "executor: a thread could not be made");
}

static void end_threads(lesson_store_executor *executor) {
    pthread_mutex_lock(&executor->mutex);
    executor->quit = true;
    pthread_cond_signal(&executor->timekeeper_work);
    for (uint32_t i = 0; i < executor->lane_count; i++)
        pthread_cond_signal(&executor->lanes[i].work);
    pthread_mutex_unlock(&executor->mutex);
    for (uint32_t i = 0; i < executor->lane_count; i++) {
        if (executor->lanes[i].started)
            pthread_join(executor->lanes[i].thread, NULL);
    }
    if (executor->timekeeper_started)
        pthread_join(executor->timekeeper, NULL);
}

static void free_executor(lesson_store_executor *executor) {
    for (size_t i = 0; i < executor->queue_count; i++) {
        lesson_store_queue_close(executor->queues[i]);
        free(executor->queues[i]);
    }
    for (uint32_t i = 0; i < executor->lane_count; i++) {
        lesson_store_lane_close(&executor->lanes[i]);
        pthread_cond_destroy(&executor->lanes[i].work);
    }
    lesson_store_slots_close(&executor->slots);
    free(executor->deadlines_ms);
    pthread_mutex_destroy(&executor->early.mutex);
    pthread_mutex_destroy(&executor->mutex);
    pthread_cond_destroy(&executor->settled);
    pthread_cond_destroy(&executor->timekeeper_work);
    free(executor);
}

int lesson_store_executor_open(lesson_store_executor **out, lesson_store *store,
                               const lesson_store_executor_options *options) {
    const lesson_store_executor_options defaults = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    if (!out)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: no place for it");
    *out = NULL;
    if (!store)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: no store");
    if (!options)
        options = &defaults;
    int code = check_options(options);
    if (code)
        return code;
    lesson_store_executor *executor = calloc(1, sizeof *executor + options->lanes * sizeof *executor->lanes);
    if (!executor)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "executor: no memory");
    executor->store = store;
    executor->lane_count = options->lanes;
    executor->pending_max = options->pending_max;
    executor->batch_max = options->batch_max < options->pending_max ? options->batch_max : options->pending_max;
    executor->early.descriptor = -1;
    open_locks(executor);

    code = open_memory(executor);
    if (!code)
        code = start_threads(executor);
    if (code) {
        end_threads(executor);
        free_executor(executor);
        return code;
    }
    *out = executor;
    return LESSON_STORE_OK;
}

static void cancel_all_waiting(lesson_store_executor *executor) {
    for (uint32_t i = 0; i < executor->lane_count; i++) {
        lesson_store_submission *first;
        while ((first = lesson_store_lane_first(&executor->lanes[i])))
            lesson_store_cancel_waiting(first);
    }
}

int lesson_store_executor_stop(lesson_store_executor *executor, uint32_t flags) {
    if (!executor || flags & ~(uint32_t)LESSON_STORE_STOP_CANCEL)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: %s", executor ? "unknown flag" : "there is none");
    int code = lesson_store_check_may_wait(executor);
    if (code)
        return code;
    pthread_mutex_lock(&executor->mutex);
    executor->closed = true;
    if (flags & LESSON_STORE_STOP_CANCEL)
        cancel_all_waiting(executor);
    while (executor->unsettled > 0)
        pthread_cond_wait(&executor->settled, &executor->mutex);
    pthread_mutex_unlock(&executor->mutex);
    return LESSON_STORE_OK;
}

void lesson_store_executor_close(lesson_store_executor *executor) {
    if (!executor || lesson_store_executor_stop(executor, 0) != LESSON_STORE_OK)
        return;
    for (size_t i = 0; i < executor->queue_count; i++)
        lesson_store_completion_queue_drain(executor->queues[i], 0);
    end_threads(executor);
    free_executor(executor);
}

/* ---- Queues */

/* With the mutex. */
static int add_queue(lesson_store_completion_queue **out, lesson_store_executor *executor) {
    if (executor->queue_count == LESSON_STORE_EXECUTOR_QUEUES_MAX)
        return lesson_store_fail(LESSON_STORE_FULL, "executor: there are %d queues already",
                                 LESSON_STORE_EXECUTOR_QUEUES_MAX);
    lesson_store_completion_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "executor: no memory for a queue");
    int code = lesson_store_queue_open(queue, executor, executor->queue_count + 1);
    if (code) {
        free(queue);
        return code;
    }
    executor->queues[executor->queue_count++] = queue;
    *out = queue;
    return LESSON_STORE_OK;
}

int lesson_store_executor_add_queue(lesson_store_completion_queue **out, lesson_store_executor *executor) {
    if (!out)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: no place for the queue");
    *out = NULL;
    if (!executor)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: there is none");
    pthread_mutex_lock(&executor->mutex);
    int code = add_queue(out, executor);
    pthread_mutex_unlock(&executor->mutex);
    return code;
}

/* ---- Figures */

void lesson_store_executor_read_figures(lesson_store_executor *executor, lesson_store_executor_figures *figures) {
    pthread_mutex_lock(&executor->mutex);
    *figures = executor->figures;
    figures->completed = atomic_load_explicit(&executor->completed, memory_order_relaxed);
    pthread_mutex_unlock(&executor->mutex);
    figures->pending = figures->accepted - figures->completed;
}
