/* The sweeper: a thread that sweeps the store at a period, if the options ask for that. */
#include "executor.h"

/* A sweep that is under way when the executor is stopped ends at the next user. */
static bool goes_on(const lesson_store_user *user, void *context) {
    lesson_store_executor *executor = context;
    (void)user;
    pthread_mutex_lock(&executor->mutex);
    bool closed = executor->closed;
    pthread_mutex_unlock(&executor->mutex);
    return !closed;
}

/* Called with the mutex held, which it releases meanwhile. Stop waits for what is unsettled. */
static void sweep(lesson_store_executor *executor) {
    lesson_store_executor_figures *figures = &executor->figures;
    uint64_t put_out = 0;
    executor->unsettled++;
    pthread_mutex_unlock(&executor->mutex);
    int code = lesson_store_sweep(executor->store, goes_on, executor, &put_out);
    pthread_mutex_lock(&executor->mutex);
    figures->sweeps++;
    figures->put_out += put_out;
    figures->sweeps_failed += code < 0;
    if (code < 0)
        figures->sweep_failure = code;
    lesson_store__settle(executor, 1);
}

void *lesson_store__sweeper_main(void *context) {
    lesson_store_executor *executor = context;
    pthread_mutex_lock(&executor->mutex);
    int64_t due_ms = lesson_store__now_ms();
    while (!executor->closed && !executor->quit) {
        int64_t now_ms = lesson_store__now_ms();
        if (now_ms < due_ms) {
            lesson_store__wait_until(&executor->sweeper.work, &executor->mutex, due_ms * 1000);
            continue;
        }
        due_ms = now_ms + executor->sweep_every_ms;
        sweep(executor);
    }
    pthread_mutex_unlock(&executor->mutex);
    return NULL;
}
