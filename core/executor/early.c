/* Operations that are decided early, outside their lane: cancelled or timed out. The timekeeper watches the deadlines.
 * The notifier calls the callbacks of those early operations that have no queue. */
#include <limits.h>
#include <time.h>

#include "executor.h"

#define EXPIRED_WAITING "timed out before it had begun; nothing was changed"
#define EXPIRED_READING "timed out before the store had answered; nothing was changed"
#define EXPIRED_WRITING "timed out before the store had answered; it may be applied, now or a little later"
#define CANCELLED "cancelled before it had begun"

void lesson_store__settle(lesson_store_executor *executor, size_t count) {
    executor->unsettled -= count;
    if (executor->unsettled == 0)
        pthread_cond_broadcast(&executor->settled);
}

static void decide_early(lesson_store__submission *submission, lesson_store__holders holders, int code,
                         const char *message) {
    lesson_store_executor *executor = submission->lane->executor;
    lesson_store__chain chain = {NULL, NULL, 0};
    executor->deadlines_ms[lesson_store__slots_index(&executor->slots, submission)] = 0;
    submission->early_code = code;
    submission->early_message = message;
    submission->holders = holders;
    lesson_store__chain_add(&chain, submission);
    if (submission->queue) {
        lesson_store__queue_push(submission->queue, &chain);
        lesson_store__settle(executor, 1);
    } else {
        lesson_store__queue_push(&executor->early, &chain);
        pthread_cond_signal(&executor->notifier.work);
    }
}

static void remove_waiting(lesson_store__submission *submission) {
    lesson_store__ring_remove(submission);
    if (submission->cursor)
        lesson_store_cursor_close(submission->cursor); /* for the lane, which does not need it any more */
}

void lesson_store__cancel_waiting(lesson_store__submission *submission) {
    remove_waiting(submission);
    submission->lane->executor->figures.cancelled++;
    decide_early(submission, LESSON_STORE_HELD_BY_CALLBACK, LESSON_STORE_CANCELLED, CANCELLED);
}

/* ---- Deadlines */

void lesson_store__watch(lesson_store_executor *executor, lesson_store__submission *submission, int64_t deadline_ms) {
    executor->deadlines_ms[lesson_store__slots_index(&executor->slots, submission)] = deadline_ms;
    if (deadline_ms == 0 || (executor->earliest_ms != 0 && executor->earliest_ms <= deadline_ms))
        return;
    executor->earliest_ms = deadline_ms;
    pthread_cond_signal(&executor->timekeeper.work);
}

static void expire_waiting(lesson_store__submission *submission) {
    remove_waiting(submission);
    decide_early(submission, LESSON_STORE_HELD_BY_CALLBACK, LESSON_STORE_EXPIRED, EXPIRED_WAITING);
}

static void expire_running(lesson_store__submission *submission) {
    bool writes = lesson_store_operation_writes(&submission->operation);
    submission->lane->executor->unsettled++; /* because the lane still runs it */
    decide_early(submission, LESSON_STORE_HELD_BY_BOTH, writes ? LESSON_STORE_UNKNOWN : LESSON_STORE_EXPIRED,
                 writes ? EXPIRED_WRITING : EXPIRED_READING);
}

static void expire(lesson_store_executor *executor, uint32_t index) {
    lesson_store__submission *submission = &executor->slots.all[index];
    lesson_store__phase phase = lesson_store__phase_of(submission);
    executor->deadlines_ms[index] = 0;
    if (phase == LESSON_STORE_PHASE_DECIDED)
        return;
    executor->figures.expired++;
    if (phase == LESSON_STORE_PHASE_WAITING)
        expire_waiting(submission);
    else
        expire_running(submission);
}

static void expire_all_due(lesson_store_executor *executor, int64_t now_ms) {
    uint32_t used = lesson_store__slots_used(&executor->slots);
    int64_t earliest_ms = INT64_MAX;
    for (uint32_t i = 0; i < used; i++) {
        int64_t deadline_ms = executor->deadlines_ms[i];
        if (deadline_ms == 0)
            continue;
        if (deadline_ms <= now_ms)
            expire(executor, i);
        else if (deadline_ms < earliest_ms)
            earliest_ms = deadline_ms;
    }
    executor->earliest_ms = earliest_ms == INT64_MAX ? 0 : earliest_ms;
}

/* ---- The threads */

void *lesson_store__timekeeper_main(void *context) {
    lesson_store_executor *executor = context;
    pthread_mutex_lock(&executor->mutex);
    while (!executor->quit) {
        int64_t now_ms = lesson_store__now_ms();
        if (executor->earliest_ms != 0 && executor->earliest_ms <= now_ms)
            expire_all_due(executor, now_ms);
        else
            lesson_store__wait_until(&executor->timekeeper.work, &executor->mutex, executor->earliest_ms * 1000);
    }
    pthread_mutex_unlock(&executor->mutex);
    return NULL;
}

/* True if there were any. */
static bool complete_without_queue(lesson_store_executor *executor) {
    lesson_store__chain chain = lesson_store__queue_take(&executor->early, 0);
    if (chain.count == 0)
        return false;
    pthread_mutex_unlock(&executor->mutex);
    lesson_store__complete_chain(executor, &chain);
    pthread_mutex_lock(&executor->mutex);
    lesson_store__settle(executor, chain.count);
    return true;
}

void *lesson_store__notifier_main(void *context) {
    lesson_store_executor *executor = context;
    pthread_mutex_lock(&executor->mutex);
    while (!executor->quit) {
        if (!complete_without_queue(executor))
            pthread_cond_wait(&executor->notifier.work, &executor->mutex);
    }
    pthread_mutex_unlock(&executor->mutex);
    return NULL;
}
