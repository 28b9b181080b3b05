/*
 * The executor: threads and event loops hand in single operations, and what has gathered meanwhile goes to the store as
 * one batch. So load makes batches larger instead of queues longer, and nobody who hands in an operation waits for an
 * engine.
 *
 * Words. An operation that was *submitted* waits in a *lane*, each of which runs one batch at a time in a thread of its
 * own, and is then *completed*: its callback is called exactly once, whatever happens. The callback runs in a thread of
 * the executor or, if the operation was submitted with a *completion queue*, in the thread that drains this queue,
 * which is told by a descriptor that poll, epoll or an event loop can wait for.
 *
 * Order. With one lane (the default) all operations take effect in the order in which they were submitted. With more,
 * those that one thread submits on the same user do; operations that name no user keep the order among those on the
 * same lesson. Callbacks come in no particular order.
 *
 * Threads. Every function may be called from any thread, also from callbacks, unless it says otherwise. The store can
 * be used directly at the same time.
 */
#ifndef LESSONSTORE_EXECUTOR_H
#define LESSONSTORE_EXECUTOR_H

#include <lessonstore/lessonstore.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LESSON_STORE_EXECUTOR_LANES_MAX LESSON_STORE_POOL_MAX
#define LESSON_STORE_EXECUTOR_PENDING_MAX 1048576 /* operations */
#define LESSON_STORE_EXECUTOR_QUEUES_MAX 256

typedef struct lesson_store_executor lesson_store_executor;
typedef struct lesson_store_completion_queue lesson_store_completion_queue;

/* Begin with LESSON_STORE_EXECUTOR_OPTIONS_INIT. */
typedef struct lesson_store_executor_options {
    size_t size;          /* sizeof(lesson_store_executor_options) */
    uint32_t lanes;       /* batches that run at a time, 1 to LANES_MAX; more than the store's pool only wait there */
    uint32_t pending_max; /* operations submitted and not yet completed, 1 to PENDING_MAX; beyond it: OVERLOADED */
    uint32_t batch_max;   /* operations in one batch, 1 to LESSON_STORE_BATCH_MAX */
    uint32_t reserved;    /* 0 */
} lesson_store_executor_options;

#define LESSON_STORE_EXECUTOR_OPTIONS_INIT \
    { sizeof(lesson_store_executor_options), 1, 4096, 1024, 0 }

/* Starts an executor over `store`, which must stay open until the executor is closed. `options` may be NULL for the
 * defaults. All memory is taken here, and none later by submitting: some 2 KiB for each of pending_max and for each
 * operation that can be in a batch, touched when first used. Its threads (one a lane, and one) block all signals.
 * On failure `*out` is NULL and nothing is owed: INVALID, NO_MEMORY, FAILED (no thread or descriptor could be made). */
LESSON_STORE_API int lesson_store_executor_open(lesson_store_executor **out, lesson_store *store,
                                                const lesson_store_executor_options *options);

/* Told of an operation that is completed: `code` and the other answers are in it. It is borrowed until the callback
 * returns; its ids are copies, and `place` is the executor's own, or NULL if the submitted one was NULL.
 * lesson_store_message() speaks of it if it failed. A callback in a thread of the executor holds up the operations
 * behind it, so it should be short; it may submit and cancel, and call the store. */
typedef void (*lesson_store_completion_callback)(const lesson_store_operation *operation, void *context);

/* Hands in one operation, without waiting. OK: it is accepted, and `callback` will be called exactly once with
 * `context`, maybe before this call has returned. Every other code: it is not, and `callback` will never be called.
 *
 * `operation` is copied with its ids and is the caller's again when the call returns. Nothing is ever written to its
 * `place`: one that is not NULL (`operation->place = &any`) asks for the place in the callback. Ids may lie in it.
 * `timeout_ms`: how long it may take, 0 for as long as the store takes. When the time is over it is completed, within
 *   some milliseconds: EXPIRED if it had not begun, or only reads; UNKNOWN if it writes and its batch is running.
 * `queue`: where it is completed; NULL for a thread of the executor.
 * `*ticket` (may be NULL) names it for lesson_store_executor_cancel.
 *
 * INVALID, UNSUPPORTED: as the single calls, found at once; INVALID also for a negative timeout and another executor's
 * queue. OVERLOADED: pending_max are pending, that is, accepted and their callbacks have not returned. CLOSED: after
 * stop. */
LESSON_STORE_API int lesson_store_executor_submit(lesson_store_executor *executor,
                                                  const lesson_store_operation *operation, int64_t timeout_ms,
                                                  lesson_store_completion_queue *queue,
                                                  lesson_store_completion_callback callback, void *context,
                                                  uint64_t *ticket);

/* Submits one operation and waits for it, for servers with a thread for each client: the operations of many such
 * threads travel together. Answers are written to `operation`, and to its `place`, in which ids may lie; returns its
 * code. Beside the codes of the operation itself those of submit; REENTERED in a callback that a thread of the executor
 * runs, and in one of a stream of the store. */
LESSON_STORE_API int lesson_store_executor_run(lesson_store_executor *executor, lesson_store_operation *operation,
                                               int64_t timeout_ms);

/* Takes back an operation that has not begun. OK: it will be completed with CANCELLED, and nothing is changed.
 * NOT_FOUND: it has begun or is completed already, and is completed as if nobody had asked. */
LESSON_STORE_API int lesson_store_executor_cancel(lesson_store_executor *executor, uint64_t ticket);

/* Makes a completion queue, which lives until the executor is closed. INVALID, NO_MEMORY, FULL (there are
 * QUEUES_MAX already), FAILED (no descriptor could be made). */
LESSON_STORE_API int lesson_store_executor_add_queue(lesson_store_completion_queue **out,
                                                     lesson_store_executor *executor);

/* A descriptor that is readable (POLLIN) while there is something to drain. Only to be waited for: never read it or
 * close it. */
LESSON_STORE_API int lesson_store_completion_queue_descriptor(const lesson_store_completion_queue *queue);

/* Calls the callbacks of at most `most` completed operations (0: of all that are there) in the calling thread, and
 * returns how many. Never waits for the store. Operations that callbacks submit may be completed in the same
 * call or a later one; with `most` 0 it ends when those are done that were there at its beginning. */
LESSON_STORE_API size_t lesson_store_completion_queue_drain(lesson_store_completion_queue *queue, size_t most);

/* Ends the taking in of operations: submit answers CLOSED from now on. Those that wait are run or, with
 * LESSON_STORE_STOP_CANCEL, completed with CANCELLED. Returns when none waits or runs any more and every callback
 * without a queue has returned; what is in queues can still be drained. OK also if it was stopped before. INVALID: an
 * unknown flag. REENTERED: as run. */
enum { LESSON_STORE_STOP_CANCEL = 1 << 0 };
LESSON_STORE_API int lesson_store_executor_stop(lesson_store_executor *executor, uint32_t flags);

/* Stops it if that was not done, calls the callbacks of what was left in queues in the calling thread, and frees the
 * executor and its queues; NULL is allowed. A loop that wants all callbacks in its own thread stops, drains, then
 * closes. Not from a callback; no call may be running on it, nor any come after. */
LESSON_STORE_API void lesson_store_executor_close(lesson_store_executor *executor);

/* Figures since it was opened, for a person or for metrics; taken at one instant. */
typedef struct lesson_store_executor_figures {
    uint64_t submitted;  /* accepted */
    uint64_t completed;  /* of these: handed to their callbacks */
    uint64_t overloaded; /* not accepted */
    uint64_t expired;    /* completed because their time was over, with EXPIRED or UNKNOWN */
    uint64_t cancelled;
    uint64_t batches; /* run to their end */
    uint64_t largest_batch;
    uint64_t pending; /* submitted and not completed, now */
} lesson_store_executor_figures;

LESSON_STORE_API void lesson_store_executor_read_figures(lesson_store_executor *executor,
                                                         lesson_store_executor_figures *figures);

#ifdef __cplusplus
}
#endif

#endif
