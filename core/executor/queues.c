/* Completion queues: chains of decided submissions, and the descriptor that announces them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "executor.h"

int lesson_store__queue_make(lesson_store_completion_queue **out, lesson_store_executor *executor, size_t number) {
    lesson_store_completion_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "executor: no memory for a queue");
    queue->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->descriptor < 0) {
        free(queue);
        return lesson_store_fail(LESSON_STORE_FAILED, "executor: no descriptor for a queue: %s", strerror(errno));
    }
    queue->executor = executor;
    queue->number = number;
    pthread_mutex_init(&queue->mutex, NULL);
    *out = queue;
    return LESSON_STORE_OK;
}

void lesson_store__queue_free(lesson_store_completion_queue *queue) {
    if (!queue)
        return;
    /* The thread that pushed the last operation may still be unlocking the mutex. */
    pthread_mutex_lock(&queue->mutex);
    pthread_mutex_unlock(&queue->mutex);
    close(queue->descriptor);
    pthread_mutex_destroy(&queue->mutex);
    free(queue);
}

/* The counter is only ever 0 or 1, so read and write can fail only because of a signal. */
static void make_readable(int descriptor) {
    const uint64_t one = 1;
    while (write(descriptor, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void make_unreadable(int descriptor) {
    uint64_t count;
    while (read(descriptor, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

void lesson_store__chain_add(lesson_store__chain *chain, lesson_store__submission *submission) {
    submission->next = NULL;
    if (chain->last)
        chain->last->next = submission;
    else
        chain->first = submission;
    chain->last = submission;
    chain->count++;
}

static void append(lesson_store__chain *chain, const lesson_store__chain *more) {
    if (chain->last)
        chain->last->next = more->first;
    else
        chain->first = more->first;
    chain->last = more->last;
    chain->count += more->count;
}

void lesson_store__queue_push(lesson_store_completion_queue *queue, const lesson_store__chain *chain) {
    pthread_mutex_lock(&queue->mutex);
    bool was_empty = queue->chain.count == 0;
    append(&queue->chain, chain);
    if (was_empty && queue->descriptor >= 0)
        make_readable(queue->descriptor);
    pthread_mutex_unlock(&queue->mutex);
}

static lesson_store__chain cut(lesson_store__chain *chain, size_t count) {
    lesson_store__chain front = {chain->first, chain->first, count};
    for (size_t i = 1; i < count; i++)
        front.last = front.last->next;
    chain->first = front.last->next;
    chain->count -= count;
    front.last->next = NULL;
    return front;
}

lesson_store__chain lesson_store__queue_take(lesson_store_completion_queue *queue, size_t most) {
    const lesson_store__chain nothing = {NULL, NULL, 0};
    lesson_store__chain taken = nothing;
    pthread_mutex_lock(&queue->mutex);
    if (most > 0 && most < queue->chain.count) {
        taken = cut(&queue->chain, most);
    } else if (queue->chain.count > 0) {
        taken = queue->chain;
        queue->chain = nothing;
        if (queue->descriptor >= 0)
            make_unreadable(queue->descriptor);
    }
    pthread_mutex_unlock(&queue->mutex);
    return taken;
}

/* ---- Callbacks */

static void call_back(const lesson_store__submission *submission, const lesson_store_operation *operation) {
    if (operation->code < 0)
        lesson_store_fail(operation->code, "%s", operation->message);
    if (submission->cursor)
        lesson_store__call_back_page(submission, operation);
    else
        submission->callback(operation, submission->context);
}

/* Uses a copy: while the lane also holds the slot, the store may still read the operation and write its place and
 * message. */
static void call_back_early(const lesson_store__submission *submission) {
    lesson_store_operation operation = submission->operation;
    lesson_store_place nowhere = {.lesson_id = ""};
    char message[LESSON_STORE_SUBMISSION_MESSAGE_SIZE];
    snprintf(message, sizeof message, "%s", submission->early_message);
    operation.code = submission->early_code;
    operation.message = message;
    if (operation.place)
        operation.place = &nowhere;
    call_back(submission, &operation);
}

/* Called when the callback of an early operation has returned. True if the caller must free the slot. */
static bool let_go(lesson_store_executor *executor, lesson_store__submission *submission) {
    pthread_mutex_lock(&executor->mutex);
    bool last = submission->holders == LESSON_STORE_HELD_BY_CALLBACK;
    submission->holders = LESSON_STORE_HELD_BY_LANE;
    pthread_mutex_unlock(&executor->mutex);
    return last;
}

static void complete(lesson_store_executor *executor, lesson_store__submission *submission) {
    lesson_store_completion_queue *queue = submission->queue;
    bool last = true;
    if (submission->early_code) {
        call_back_early(submission);
        last = let_go(executor, submission);
    } else {
        call_back(submission, &submission->operation);
        free(submission->entries);
    }
    /* Counted before there is room again; otherwise more than pending_max operations could seem to be pending. */
    atomic_fetch_add_explicit(&executor->completed, 1, memory_order_release);
    if (last)
        lesson_store__slots_free(&executor->slots, submission, true);
    else
        lesson_store__slots_make_room(&executor->slots);
    if (queue)
        atomic_fetch_sub_explicit(&queue->pending, 1, memory_order_release);
}

void lesson_store__complete_chain(lesson_store_executor *executor, const lesson_store__chain *chain) {
    for (lesson_store__submission *next, *submission = chain->first; submission; submission = next) {
        next = submission->next;
        complete(executor, submission);
    }
}

int lesson_store_completion_queue_descriptor(const lesson_store_completion_queue *queue) {
    return queue->descriptor;
}

size_t lesson_store_completion_queue_drain(lesson_store_completion_queue *queue, size_t most) {
    if (lesson_store__check_process(queue->executor))
        return 0;
    int cancel_state = lesson_store__disable_cancel();
    lesson_store__chain chain = lesson_store__queue_take(queue, most);
    lesson_store__complete_chain(queue->executor, &chain);
    lesson_store__restore_cancel(cancel_state);
    return chain.count;
}
