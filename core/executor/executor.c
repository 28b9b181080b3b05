/* Opening, stopping and closing an executor. */
#include <signal.h>
#include <stdlib.h>

#include "executor.h"

/* ---- Opening and closing */

#define LANES_DEFAULT 1
#define PENDING_DEFAULT 4096
#define BATCH_DEFAULT 1024

/* Copies the caller's options (NULL: the defaults) into a structure of this version. */
static int read_options(lesson_store_executor_options *options, const lesson_store_executor_options *asked) {
    const lesson_store_executor_options defaults = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    const size_t least = offsetof(lesson_store_executor_options, sweep_every_ms) + sizeof defaults.sweep_every_ms;
    if (!lesson_store_sized_read(options, sizeof *options, asked ? asked : &defaults, least))
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: the options have an unknown size or unknown fields");
    options->lanes = options->lanes ? options->lanes : LANES_DEFAULT;
    options->pending_max = options->pending_max ? options->pending_max : PENDING_DEFAULT;
    options->batch_max = options->batch_max ? options->batch_max : BATCH_DEFAULT;
    return LESSON_STORE_OK;
}

static int check_options(const lesson_store_executor_options *options) {
    if (options->lanes > LESSON_STORE_EXECUTOR_LANES_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: %u lanes are more than %d", (unsigned)options->lanes,
                                 LESSON_STORE_EXECUTOR_LANES_MAX);
    if (options->pending_max > LESSON_STORE_EXECUTOR_PENDING_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: pending_max %u is more than %d",
                                 (unsigned)options->pending_max, LESSON_STORE_EXECUTOR_PENDING_MAX);
    if (options->batch_max > LESSON_STORE_BATCH_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: batch_max %u is more than %d",
                                 (unsigned)options->batch_max, LESSON_STORE_BATCH_MAX);
    if (options->sweep_every_ms > LESSON_STORE_EXECUTOR_SWEEP_MAX_MS)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: sweep_every_ms %u is more than %d",
                                 (unsigned)options->sweep_every_ms, LESSON_STORE_EXECUTOR_SWEEP_MAX_MS);
    return LESSON_STORE_OK;
}

/* Initializes every lock first, so that all of them can be destroyed wherever opening fails. */
static void open_locks(lesson_store_executor *executor) {
    lesson_store__condition_open(&executor->timekeeper.work);
    lesson_store__condition_open(&executor->sweeper.work);
    pthread_cond_init(&executor->notifier.work, NULL);
    pthread_cond_init(&executor->settled, NULL);
    pthread_mutex_init(&executor->mutex, NULL);
    pthread_mutex_init(&executor->early.mutex, NULL);
    for (uint32_t i = 0; i < executor->lane_count; i++)
        pthread_cond_init(&executor->lanes[i].work, NULL);
}

static int open_memory(lesson_store_executor *executor) {
    int code =
        lesson_store__slots_open(&executor->slots, executor->pending_max, executor->lane_count * executor->batch_max);
    if (!code) {
        executor->deadlines_ms = calloc(executor->slots.count, sizeof *executor->deadlines_ms);
        code = executor->deadlines_ms ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
    }
    for (uint32_t i = 0; i < executor->lane_count && !code; i++)
        code = lesson_store__lane_open(&executor->lanes[i], executor);
    return code ? lesson_store_fail(code, "executor: no memory for %u operations", (unsigned)executor->pending_max)
                : LESSON_STORE_OK;
}

static bool start(pthread_t *thread, bool *started, void *(*work)(void *), void *context) {
    *started = pthread_create(thread, NULL, work, context) == 0;
    return *started;
}

static bool start_helper(lesson_store__helper *helper, void *(*work)(void *), lesson_store_executor *executor) {
    return start(&helper->thread, &helper->started, work, executor);
}

static void join_helper(const lesson_store__helper *helper) {
    if (helper->started)
        pthread_join(helper->thread, NULL);
}

/* Signals are for the threads of the application, so the new threads block them. The mutex holds the new threads back
 * until all thread ids are stored: a callback compares itself with them. */
static int start_threads(lesson_store_executor *executor) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_mutex_lock(&executor->mutex);
    bool started = start_helper(&executor->timekeeper, lesson_store__timekeeper_main, executor) &&
                   start_helper(&executor->notifier, lesson_store__notifier_main, executor);
    if (started && executor->sweep_every_ms > 0)
        started = start_helper(&executor->sweeper, lesson_store__sweeper_main, executor);
    for (uint32_t i = 0; i < executor->lane_count && started; i++) {
        lesson_store__lane *lane = &executor->lanes[i];
        started = start(&lane->thread, &lane->started, lesson_store__lane_main, lane);
    }
    pthread_mutex_unlock(&executor->mutex);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started ? LESSON_STORE_OK
                   : lesson_store_fail(LESSON_STORE_FAILED, "executor: a thread could not be started");
}

static void end_threads(lesson_store_executor *executor) {
    pthread_mutex_lock(&executor->mutex);
    executor->quit = true;
    pthread_cond_signal(&executor->timekeeper.work);
    pthread_cond_signal(&executor->notifier.work);
    pthread_cond_signal(&executor->sweeper.work);
    for (uint32_t i = 0; i < executor->lane_count; i++)
        pthread_cond_signal(&executor->lanes[i].work);
    pthread_mutex_unlock(&executor->mutex);
    for (uint32_t i = 0; i < executor->lane_count; i++) {
        if (executor->lanes[i].started)
            pthread_join(executor->lanes[i].thread, NULL);
    }
    join_helper(&executor->timekeeper);
    join_helper(&executor->notifier);
    join_helper(&executor->sweeper);
}

static void free_executor(lesson_store_executor *executor) {
    for (size_t i = 0; i < LESSON_STORE_EXECUTOR_QUEUES_MAX; i++)
        lesson_store__queue_free(executor->queues[i]);
    for (uint32_t i = 0; i < executor->lane_count; i++) {
        lesson_store__lane_close(&executor->lanes[i]);
        pthread_cond_destroy(&executor->lanes[i].work);
    }
    lesson_store__slots_close(&executor->slots);
    free(executor->deadlines_ms);
    pthread_mutex_destroy(&executor->early.mutex);
    pthread_mutex_destroy(&executor->mutex);
    pthread_cond_destroy(&executor->settled);
    pthread_cond_destroy(&executor->timekeeper.work);
    pthread_cond_destroy(&executor->notifier.work);
    pthread_cond_destroy(&executor->sweeper.work);
    free(executor);
}

int lesson_store_executor_open(lesson_store_executor **out, lesson_store *store,
                               const lesson_store_executor_options *asked) {
    lesson_store_executor_options options;
    if (!out)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: no argument for the executor");
    *out = NULL;
    if (!store)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: no store");
    int code = read_options(&options, asked);
    if (!code)
        code = check_options(&options);
    if (!code && lesson_store__origin_is_elsewhere(&store->pool.origin))
        code = lesson_store__fail_in_child();
    if (!code && options.sweep_every_ms > 0 && !store->backend.sweep)
        code = lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend cannot sweep", store->location.shown);
    if (code)
        return code;
    lesson_store_executor *executor = calloc(1, sizeof *executor + options.lanes * sizeof *executor->lanes);
    if (!executor)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "executor: no memory");
    executor->store = store;
    executor->lane_count = options.lanes;
    executor->pending_max = options.pending_max;
    executor->batch_max = options.batch_max < options.pending_max ? options.batch_max : options.pending_max;
    executor->sweep_every_ms = options.sweep_every_ms;
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
    executor->cancels = true;
    for (uint32_t i = 0; i < executor->lane_count; i++) {
        lesson_store__submission *first;
        while ((first = lesson_store__lane_first(&executor->lanes[i])))
            lesson_store__cancel_waiting(first);
    }
}

int lesson_store_executor_stop(lesson_store_executor *executor, uint32_t flags) {
    if (!executor || flags & ~(uint32_t)LESSON_STORE_STOP_CANCEL)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: %s", executor ? "unknown flag" : "is NULL");
    int code = lesson_store__check_may_wait(executor);
    if (code)
        return code;
    int cancel_state = lesson_store__disable_cancel();
    pthread_mutex_lock(&executor->mutex);
    executor->closed = true;
    pthread_cond_signal(&executor->sweeper.work);
    if (flags & LESSON_STORE_STOP_CANCEL)
        cancel_all_waiting(executor);
    while (executor->unsettled > 0)
        pthread_cond_wait(&executor->settled, &executor->mutex);
    pthread_mutex_unlock(&executor->mutex);
    lesson_store__restore_cancel(cancel_state);
    return LESSON_STORE_OK;
}

void lesson_store_executor_close(lesson_store_executor *executor) {
    if (!executor || lesson_store_executor_stop(executor, 0) != LESSON_STORE_OK) /* in a child it fails */
        return;
    int cancel_state = lesson_store__disable_cancel();
    for (size_t i = 0; i < LESSON_STORE_EXECUTOR_QUEUES_MAX; i++) {
        if (executor->queues[i])
            lesson_store_completion_queue_drain(executor->queues[i], 0);
    }
    end_threads(executor);
    free_executor(executor);
    lesson_store__restore_cancel(cancel_state);
}

/* ---- Queues */

/* Called with the mutex held. */
static int add_queue(lesson_store_completion_queue **out, lesson_store_executor *executor) {
    size_t index = 0;
    while (index < LESSON_STORE_EXECUTOR_QUEUES_MAX && executor->queues[index])
        index++;
    if (index == LESSON_STORE_EXECUTOR_QUEUES_MAX)
        return lesson_store_fail(LESSON_STORE_FULL, "executor: there are %d queues already",
                                 LESSON_STORE_EXECUTOR_QUEUES_MAX);
    int code = lesson_store__queue_make(&executor->queues[index], executor, index + 1);
    *out = executor->queues[index];
    return code;
}

int lesson_store_executor_add_queue(lesson_store_completion_queue **out, lesson_store_executor *executor) {
    if (!out)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: no argument for the queue");
    *out = NULL;
    if (!executor)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: is NULL");
    int code = lesson_store__check_process(executor);
    if (code)
        return code;
    pthread_mutex_lock(&executor->mutex);
    code = add_queue(out, executor);
    pthread_mutex_unlock(&executor->mutex);
    return code;
}

int lesson_store_executor_remove_queue(lesson_store_executor *executor, lesson_store_completion_queue *queue) {
    if (!executor || !queue || queue->executor != executor)
        return lesson_store_fail(LESSON_STORE_INVALID, "executor: not a queue of this executor");
    int code = lesson_store__check_process(executor);
    if (code)
        return code;
    pthread_mutex_lock(&executor->mutex);
    bool in_use = atomic_load_explicit(&queue->pending, memory_order_acquire) > 0;
    if (!in_use)
        executor->queues[queue->number - 1] = NULL;
    pthread_mutex_unlock(&executor->mutex);
    if (in_use)
        return LESSON_STORE_CONFLICT;
    lesson_store__queue_free(queue);
    return LESSON_STORE_OK;
}

/* ---- Structures that begin with `size` */

void lesson_store_executor_options_init(lesson_store_executor_options *options, size_t size) {
    const lesson_store_executor_options init = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    lesson_store_sized_init(options, size, &init, sizeof init);
}

void lesson_store_executor_figures_init(lesson_store_executor_figures *figures, size_t size) {
    const lesson_store_executor_figures init = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    lesson_store_sized_init(figures, size, &init, sizeof init);
}

lesson_store *lesson_store__executor_store(const lesson_store_executor *executor) {
    return executor->store;
}

int lesson_store_executor_read_figures(lesson_store_executor *executor, lesson_store_executor_figures *figures) {
    if (!executor || !figures)
        return lesson_store_fail(LESSON_STORE_INVALID, "figures: no %s", executor ? "structure to fill" : "executor");
    int code = lesson_store__check_process(executor);
    if (code)
        return code;
    pthread_mutex_lock(&executor->mutex);
    lesson_store_executor_figures found = executor->figures;
    found.completed = atomic_load_explicit(&executor->completed, memory_order_acquire);
    pthread_mutex_unlock(&executor->mutex);
    found.pending = found.accepted - found.completed;
    if (!lesson_store__sized_write(figures, &found, sizeof found))
        return lesson_store_fail(LESSON_STORE_INVALID, "figures: the size is not valid");
    return LESSON_STORE_OK;
}
