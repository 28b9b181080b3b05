/*
 * The executor: threads and event loops submit single operations, and those that have gathered meanwhile go to the
 * store as one batch. Under load the batches get larger, so the backlog shrinks faster. No thread that submits an
 * operation waits for an engine. Lists are submitted too, page by page.
 *
 * Words. An operation is *submitted*, and *accepted* if submit returns OK. It then waits in a *lane*. Each lane runs
 * one batch at a time in a thread of its own. The operation has *begun* once it was taken from its lane into a batch.
 * It is *decided* when it has its outcome, and *completed* when its callback has returned. Its callback is called
 * exactly once, whatever happens. From accepted to completed it is *pending*. A thread of the executor calls the
 * callback or, if the operation was submitted with a *completion queue*, a thread that drains this queue. poll, epoll
 * or an event loop can wait for the descriptor of the queue. A page of a list counts as an operation in all of this,
 * except that it is a batch of its own.
 *
 * Order. With one lane (the default) all operations take effect in the order in which they were accepted. With more
 * lanes, the operations that one thread submits on the same user keep their order; operations that name no user keep
 * the order among those on the same lesson, and holds among those of the same owner. A join and the create or end of
 * its lesson, or the hold of its owner, can then change places: wait for the answer of the first one. Callbacks come in
 * no particular order. Pages have no order among operations: submit a page when the operations that it must show are
 * completed.
 *
 * Threads. Every function may be called from any thread, also from callbacks, unless it says otherwise. The store can
 * be used directly at the same time. In a forked child every function is CLOSED, drain calls nothing, and close does
 * nothing. A callback returns: it must not call pthread_exit or longjmp, or throw. If it forks, it must not return in
 * the child.
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
#define LESSON_STORE_EXECUTOR_SWEEP_MAX_MS (LESSON_STORE_LEASE_MAX_MS / 2)

typedef struct lesson_store_executor lesson_store_executor;
typedef struct lesson_store_completion_queue lesson_store_completion_queue;

/* Begin with LESSON_STORE_EXECUTOR_OPTIONS_INIT or lesson_store_executor_options_init. 0 means the default. */
typedef struct lesson_store_executor_options {
    size_t size;          /* sizeof(lesson_store_executor_options) */
    uint32_t lanes;       /* batches that run at a time, 1 to LANES_MAX; 1 by default. More than the store's pool gain
                           * nothing */
    uint32_t pending_max; /* operations pending at a time, 1 to PENDING_MAX; 4096 by default. Beyond it: OVERLOADED */
    uint32_t batch_max;   /* operations in one batch, 1 to LESSON_STORE_BATCH_MAX; 1024 by default */
    uint32_t sweep_every_ms; /* calls lesson_store_sweep at this period, and once at the beginning, in a thread of its
                              * own: up to SWEEP_MAX_MS. At most half of the shortest lease (lessonstore.h, "Owners").
                              * 0: never */
} lesson_store_executor_options;

#define LESSON_STORE_EXECUTOR_OPTIONS_INIT \
    { sizeof(lesson_store_executor_options), 0, 0, 0, 0 }

LESSON_STORE_API void lesson_store_executor_options_init(lesson_store_executor_options *options, size_t size);

/* Starts an executor over `store`, which must stay open until the executor is closed. `options` may be NULL for the
 * defaults. It takes some 3.4 KB for each of pending_max + lanes * batch_max operations, by default 17.5 MB, which are
 * touched when first used; submitting an operation takes no memory. It has a thread for each lane, two more, and one
 * that sweeps if it is asked to. All signals are blocked in them. On failure `*out` is NULL and nothing needs to be
 * closed: INVALID, UNSUPPORTED (the backend cannot sweep), NO_MEMORY, FAILED (no thread could be made). */
LESSON_STORE_API int lesson_store_executor_open(lesson_store_executor **out, lesson_store *store,
                                                const lesson_store_executor_options *options);

/* Called with the outcome of an operation: `code` and the other answers in `operation`, which is borrowed until the
 * callback returns. Its ids are copies. Its `place` is the executor's own, or NULL if the submitted one was NULL. Its
 * `message` is never NULL: the message of its failure, cut to 255 bytes, or "". A callback in a thread of the executor
 * holds up the callbacks and the batches behind it, so it should be short. It delays no timeout. */
typedef void (*lesson_store_completion_callback)(const lesson_store_operation *operation, void *context);

/* Submits one operation, without waiting. OK: it is accepted, and `callback` is called exactly once with `context`,
 * maybe before this call has returned. Every other code: it is not accepted, `callback` is never called, and
 * lesson_store_message() says why.
 *
 * `operation` is copied with its ids and is the caller's again when the call returns. Nothing is ever written to its
 *   `place` or `message`: a place that is not NULL (`operation->place = &any`) asks for the place in the callback. Ids
 *   may point into it.
 * `timeout_ms`: how long it may take until it is decided, 0 for as long as the store takes. After that time it is
 *   decided, within some milliseconds: EXPIRED if it had not begun or only reads, UNKNOWN if it had begun and writes.
 * `queue`: where its callback is called; NULL for a thread of the executor.
 * `*ticket` (may be NULL): names it for lesson_store_executor_cancel. Written before the callback can be called and
 *   never afterwards; untouched if the operation is not accepted. Never 0, and none of the last 10^12 tickets again.
 *
 * INVALID, UNSUPPORTED: as the single calls, found at once; INVALID also for a NULL callback, a negative timeout and
 * another executor's queue. OVERLOADED: pending_max are pending. A loop is woken only by its own queue, so if none of
 * its operations is pending, retry on a timer. CLOSED: after stop. */
LESSON_STORE_API int lesson_store_executor_submit(lesson_store_executor *executor,
                                                  const lesson_store_operation *operation, int64_t timeout_ms,
                                                  lesson_store_completion_queue *queue,
                                                  lesson_store_completion_callback callback, void *context,
                                                  uint64_t *ticket);

/* Submits one operation and waits until it is decided, for servers with a thread for each client: the operations of
 * many such threads travel together. Writes the answers to `operation`, to its `place` and to its `message`; ids may
 * point into the place. Returns its code, which can also be one of submit. REENTERED: called in a callback of a thread
 * of the executor, or of a list of the store. In a callback that is drained it is allowed, and blocks the loop. */
LESSON_STORE_API int lesson_store_executor_run(lesson_store_executor *executor, lesson_store_operation *operation,
                                               int64_t timeout_ms);

/* ---- Lists */

/* Called with the next page of a list. If `code` is not OK, or the list has ended, `count` is 0. The array of the
 * list's kind has `count` entries; the others, and without entries all, are NULL. The page with its entries is borrowed
 * until the callback returns. `message` as in an operation. */
typedef struct lesson_store_page {
    int32_t code;
    uint32_t kind; /* lesson_store_list_kind */
    size_t count;
    const lesson_store_id *uids;
    const lesson_store_lesson *lessons;
    const lesson_store_user *users;
    const char *message;
    uint64_t reserved[8]; /* 0 */
} lesson_store_page;

typedef void (*lesson_store_page_callback)(const lesson_store_page *page, void *context);

/* Submits the next page of a list, without waiting, as lesson_store_executor_submit submits an operation that reads.
 * The rules for pages of lists (lessonstore.h, "Lists by page") hold too, with these differences.
 *
 * `list` is copied. `*cursor` is NULL for the first page. It is written before the callback can be called, and keeps
 *   its value if the page is not accepted. The first page takes memory for the cursor: NO_MEMORY.
 * A cursor has one page at a time: INVALID until the callback of the last one is called. So a callback may submit the
 *   next page. What it was given stays valid until it returns.
 * After EXPIRED and CANCELLED, as after every failure, the next page goes on where this one would have begun.
 * lesson_store_cursor_close may be called at any time, also in the callback or while a page is pending: this page still
 *   gets its callback. Other calls with this cursor are INVALID: it belongs to the executor.
 *
 * A lane runs a batch of operations and one page in turn, so an operation waits for one page at most. If the engine
 * gives nothing at once, the page waits again, behind others; then it counts as not begun for cancel and STOP_CANCEL.
 */
LESSON_STORE_API int lesson_store_executor_submit_page(lesson_store_executor *executor, const lesson_store_list *list,
                                                       lesson_store_cursor **cursor, int64_t timeout_ms,
                                                       lesson_store_completion_queue *queue,
                                                       lesson_store_page_callback callback, void *context,
                                                       uint64_t *ticket);

/* ---- Cancelling */

/* Cancels an operation that has not begun. OK: it is decided with CANCELLED, and nothing is changed. NOT_FOUND: it has
 * begun or is decided already, and this call does nothing. */
LESSON_STORE_API int lesson_store_executor_cancel(lesson_store_executor *executor, uint64_t ticket);

/* Makes a completion queue. It lives until it is removed or the executor is closed. INVALID, NO_MEMORY, FULL (there are
 * QUEUES_MAX), FAILED (no descriptor could be made). */
LESSON_STORE_API int lesson_store_executor_add_queue(lesson_store_completion_queue **out,
                                                     lesson_store_executor *executor);

/* Removes a completion queue and closes its descriptor, for a loop that ends before the executor does. Drain the queue
 * first: CONFLICT if an operation submitted with it is still pending, and the queue stays. OK: the queue is gone, and
 * its memory and number are free for another one. Not while another call uses this queue. */
LESSON_STORE_API int lesson_store_executor_remove_queue(lesson_store_executor *executor,
                                                        lesson_store_completion_queue *queue);

/* Returns a descriptor that is readable (POLLIN) while there is something to drain. Only wait for it: never read it or
 * close it. */
LESSON_STORE_API int lesson_store_completion_queue_descriptor(const lesson_store_completion_queue *queue);

/* Calls the callbacks of the operations that are in the queue now, at most `most` of them (0: all), in the calling
 * thread, and returns how many. Never waits for the store. Several threads may drain one queue at the same time, and a
 * callback may drain it too: no call takes what another has taken. */
LESSON_STORE_API size_t lesson_store_completion_queue_drain(lesson_store_completion_queue *queue, size_t most);

/* Closes the executor to new operations: from now on submit returns CLOSED. Operations that have not begun are still
 * run or, with LESSON_STORE_STOP_CANCEL, decided with CANCELLED. No sweep begins, and one that is under way ends at its
 * next user. Returns OK when no operation waits in a lane, no batch or sweep runs and every callback without a queue
 * has returned; queues can still be drained. That takes as long as the batches and, if the store hangs, the store's own
 * timeouts; in a loop's thread it blocks the loop. It may be called again, also while another thread is in it:
 * STOP_CANCEL then shortens that wait too. INVALID: an unknown flag. REENTERED: as run. */
enum { LESSON_STORE_STOP_CANCEL = 1 << 0 };
LESSON_STORE_API int lesson_store_executor_stop(lesson_store_executor *executor, uint32_t flags);

/* Stops the executor if that was not done, with the same wait, calls the callbacks of what is left in queues in the
 * calling thread, and frees the executor and its queues; NULL is allowed. In these callbacks submit and run return
 * CLOSED. If several loops have queues, stop first and let each drain its own. Not from a callback. No call of another
 * thread may be running on it, and none may follow. */
LESSON_STORE_API void lesson_store_executor_close(lesson_store_executor *executor);

/* Figures since the executor was opened, for a person or for metrics; taken at one instant. An operation that expired
 * or was cancelled is pending until its callback has returned, like any other. Begin with
 * LESSON_STORE_EXECUTOR_FIGURES_INIT or lesson_store_executor_figures_init. */
typedef struct lesson_store_executor_figures {
    size_t size;         /* sizeof(lesson_store_executor_figures) */
    uint64_t accepted;   /* completed + pending */
    uint64_t completed;  /* their callbacks have returned */
    uint64_t pending;    /* now: in lanes, in batches, in queues, or their callbacks are running */
    uint64_t overloaded; /* submitted and answered OVERLOADED */
    uint64_t expired;    /* decided because they timed out, with EXPIRED or UNKNOWN */
    uint64_t cancelled;  /* decided with CANCELLED */
    uint64_t batches;    /* of operations, run to their end */
    uint64_t largest_batch;
    uint64_t pages;   /* run to their end */
    uint64_t sweeps;  /* of `sweep_every_ms`, also those that failed */
    uint64_t put_out; /* users whom they put out, without the last step of one that was stopped */
    uint64_t sweeps_failed;
    int32_t sweep_failure; /* the code of the latest sweep that failed; 0: none has */
    uint32_t reserved;     /* 0 */
} lesson_store_executor_figures;

#define LESSON_STORE_EXECUTOR_FIGURES_INIT \
    { sizeof(lesson_store_executor_figures), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

LESSON_STORE_API void lesson_store_executor_figures_init(lesson_store_executor_figures *figures, size_t size);

/* Reads the figures. INVALID: an argument is missing, or `figures->size` is not valid. */
LESSON_STORE_API int lesson_store_executor_read_figures(lesson_store_executor *executor,
                                                        lesson_store_executor_figures *figures);

#ifdef __cplusplus
}
#endif

#endif
