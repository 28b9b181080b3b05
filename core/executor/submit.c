/* Submitting, cancelling, and running one operation. */
#include <stdio.h>

#include "executor.h"

/* A ticket is the operation's number, followed by its slot's index + 1 in the low bits, so it is never 0. */
#define INDEX_BITS 24
#define INDEX_MASK ((UINT64_C(1) << INDEX_BITS) - 1)

_Static_assert(LESSON_STORE_EXECUTOR_PENDING_MAX + LESSON_STORE_EXECUTOR_LANES_MAX * LESSON_STORE_BATCH_MAX <
                   INT64_C(1) << INDEX_BITS,
               "every slot has an index");

int lesson_store__check_terms(const lesson_store_executor *executor, const lesson_store__terms *terms) {
    int code = lesson_store__check_process(executor);
    if (code)
        return code;
    if (terms->timeout_ms < 0)
        return lesson_store_fail(LESSON_STORE_INVALID, "submit: timeout_ms is negative");
    if (terms->queue && terms->queue->executor != executor)
        return lesson_store_fail(LESSON_STORE_INVALID, "submit: the queue belongs to another executor");
    return LESSON_STORE_OK;
}

static int check_submission(const lesson_store_executor *executor, const lesson_store_operation *operation,
                            const lesson_store__terms *terms, lesson_store_completion_callback callback) {
    if (!executor || !operation || !callback)
        return lesson_store_fail(LESSON_STORE_INVALID, "submit: no %s",
                                 !executor    ? "executor"
                                 : !operation ? "operation"
                                              : "callback");
    int code = lesson_store__check_terms(executor, terms);
    if (code)
        return code;
    /* Ids may lie in the place, because the place is not written while they are read. */
    lesson_store_operation asked;
    lesson_store__copy(&asked, operation, sizeof asked);
    asked.place = NULL;
    return lesson_store__operation_check(executor->store, &asked);
}

static int fail_closed(void) {
    return lesson_store_fail(LESSON_STORE_CLOSED, "the executor was stopped");
}

/* There is no free slot. */
static int refuse(lesson_store_executor *executor) {
    pthread_mutex_lock(&executor->mutex);
    bool closed = executor->closed;
    executor->figures.overloaded += !closed;
    pthread_mutex_unlock(&executor->mutex);
    return closed ? fail_closed()
                  : lesson_store_fail(LESSON_STORE_OVERLOADED, "%u operations are pending",
                                      (unsigned)executor->pending_max);
}

lesson_store__submission *lesson_store__take_slot(lesson_store_executor *executor,
                                                  const lesson_store_operation *operation, int *code) {
    lesson_store__submission *submission = lesson_store__slots_take(&executor->slots);
    *code = submission ? LESSON_STORE_OK : refuse(executor);
    if (!submission)
        return NULL;
    lesson_store__submission_fill(submission, operation);
    submission->cursor = NULL;
    submission->entries = NULL;
    return submission;
}

#define DEADLINE_MAX_MS (INT64_MAX / 1000) /* in microseconds it must fit into the same type */

/* One millisecond more, because the clock's value is rounded down. */
static int64_t deadline_after(int64_t timeout_ms) {
    if (timeout_ms == 0)
        return 0;
    int64_t now_ms = lesson_store__now_ms() + 1;
    return timeout_ms < DEADLINE_MAX_MS - now_ms ? now_ms + timeout_ms : DEADLINE_MAX_MS;
}

/* FNV-1a. All operations of one user go to one lane; so do all operations that name only a lesson, or only an owner. */
static lesson_store__lane *lane_of(lesson_store_executor *executor, const lesson_store_operation *operation) {
    if (executor->lane_count == 1)
        return &executor->lanes[0];
    lesson_store_id id = operation->uid.data ? operation->uid : operation->lesson_id;
    if (operation->kind == LESSON_STORE_OPERATION_HOLD)
        id = operation->owner;
    uint32_t hash = UINT32_C(2166136261);
    for (size_t i = 0; i < id.size; i++)
        hash = (hash ^ (unsigned char)id.data[i]) * UINT32_C(16777619);
    return &executor->lanes[hash % executor->lane_count];
}

/* False if the executor is closed. */
static bool add_to_lane(lesson_store__submission *submission, lesson_store__lane *lane, int64_t deadline_ms,
                        uint64_t *ticket) {
    lesson_store_executor *executor = lane->executor;
    pthread_mutex_lock(&executor->mutex);
    if (executor->closed) {
        pthread_mutex_unlock(&executor->mutex);
        return false;
    }
    executor->figures.accepted++;
    executor->unsettled++;
    submission->early_code = 0;
    if (submission->queue)
        atomic_fetch_add_explicit(&submission->queue->pending, 1, memory_order_relaxed);
    submission->ticket =
        executor->figures.accepted << INDEX_BITS | (lesson_store__slots_index(&executor->slots, submission) + 1);
    if (ticket)
        *ticket = submission->ticket;
    submission->lane = lane;
    lesson_store__ring_add(submission->cursor ? &lane->pages : &lane->operations, submission);
    lesson_store__watch(executor, submission, deadline_ms);
    bool wake = lane->idle;
    lane->idle = false;
    pthread_mutex_unlock(&executor->mutex);
    if (wake)
        pthread_cond_signal(&lane->work);
    return true;
}

int lesson_store__accept(lesson_store__submission *submission, lesson_store__lane *lane,
                         const lesson_store__terms *terms, uint64_t *ticket) {
    submission->queue = terms->queue;
    submission->context = terms->context;
    submission->timed = terms->timeout_ms > 0;
    if (add_to_lane(submission, lane, deadline_after(terms->timeout_ms), ticket))
        return LESSON_STORE_OK;
    lesson_store__slots_free(&lane->executor->slots, submission, true);
    return fail_closed();
}

int lesson_store_executor_submit(lesson_store_executor *executor, const lesson_store_operation *operation,
                                 int64_t timeout_ms, lesson_store_completion_queue *queue,
                                 lesson_store_completion_callback callback, void *context, uint64_t *ticket) {
    const lesson_store__terms terms = {timeout_ms, queue, context};
    int code = check_submission(executor, operation, &terms, callback);
    if (code)
        return code;
    lesson_store__submission *submission = lesson_store__take_slot(executor, operation, &code);
    if (!submission)
        return code;
    submission->callback = callback;
    return lesson_store__accept(submission, lane_of(executor, operation), &terms, ticket);
}

int lesson_store_executor_cancel(lesson_store_executor *executor, uint64_t ticket) {
    if (!executor)
        return lesson_store_fail(LESSON_STORE_INVALID, "cancel: no executor");
    int code = lesson_store__check_process(executor);
    if (code)
        return code;
    uint64_t slot = ticket & INDEX_MASK;
    if (slot == 0 || slot > executor->slots.count)
        return LESSON_STORE_NOT_FOUND;
    lesson_store__submission *submission = &executor->slots.all[slot - 1];
    int cancel_state = lesson_store__disable_cancel();
    pthread_mutex_lock(&executor->mutex);
    bool waiting = submission->ticket == ticket && lesson_store__phase_of(submission) == LESSON_STORE_PHASE_WAITING;
    if (waiting)
        lesson_store__cancel_waiting(submission);
    pthread_mutex_unlock(&executor->mutex);
    lesson_store__restore_cancel(cancel_state);
    return waiting ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND;
}

/* ---- Running one and waiting */

int lesson_store__check_may_wait(lesson_store_executor *executor) {
    int code = lesson_store__check_process(executor);
    if (code)
        return code;
    bool own = pthread_equal(executor->notifier.thread, pthread_self());
    for (uint32_t i = 0; i < executor->lane_count; i++)
        own = own || pthread_equal(executor->lanes[i].thread, pthread_self());
    if (own)
        return lesson_store_fail(LESSON_STORE_REENTERED, "a callback in a thread of the executor cannot wait for it");
    return lesson_store__pool_check_caller(&executor->store->pool);
}

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t decided;
    bool is_decided;
    lesson_store_operation *operation;
    char message[LESSON_STORE_SUBMISSION_MESSAGE_SIZE];
};

static void answer(const lesson_store_operation *operation, void *context) {
    struct waiter *waiter = context;
    lesson_store_operation *asked = waiter->operation;
    pthread_mutex_lock(&waiter->mutex);
    if (operation->code < 0)
        snprintf(waiter->message, sizeof waiter->message, "%s", operation->message);
    bool has_course = operation->kind == LESSON_STORE_OPERATION_GET_LESSON && operation->code == LESSON_STORE_OK &&
                      operation->lesson.course_id.data;
    if (asked->place && (has_course || lesson_store__answer_has_place(operation->kind, operation->code)))
        *asked->place = *operation->place;
    lesson_store__copy_answers(asked, operation);
    waiter->is_decided = true;
    pthread_cond_signal(&waiter->decided);
    pthread_mutex_unlock(&waiter->mutex);
}

/* The thread cannot be cancelled here: the operation is answered in its stack. */
static int wait_for(struct waiter *waiter) {
    int cancel_state = lesson_store__disable_cancel();
    pthread_mutex_lock(&waiter->mutex);
    while (!waiter->is_decided)
        pthread_cond_wait(&waiter->decided, &waiter->mutex);
    pthread_mutex_unlock(&waiter->mutex);
    lesson_store__restore_cancel(cancel_state);
    int code = waiter->operation->code;
    return code < 0 ? lesson_store_fail(code, "%s", waiter->message) : code;
}

int lesson_store_executor_run(lesson_store_executor *executor, lesson_store_operation *operation, int64_t timeout_ms) {
    if (!executor || !operation)
        return lesson_store_fail(LESSON_STORE_INVALID, "run: no %s", executor ? "operation" : "executor");
    struct waiter waiter;
    waiter.is_decided = false;
    waiter.operation = operation;
    pthread_mutex_init(&waiter.mutex, NULL);
    pthread_cond_init(&waiter.decided, NULL);
    int code = lesson_store__check_may_wait(executor);
    if (!code)
        code = lesson_store_executor_submit(executor, operation, timeout_ms, NULL, answer, &waiter, NULL);
    if (!code)
        code = wait_for(&waiter);
    lesson_store_answer(operation, code);
    if (code >= 0 && operation->message)
        operation->message[0] = '\0';
    pthread_cond_destroy(&waiter.decided);
    pthread_mutex_destroy(&waiter.mutex);
    return code;
}
