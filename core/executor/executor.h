/*
 * What the files of the executor share. Nothing here is exported.
 *
 * The way of an operation. Submit copies it into a slot (slots.c) and puts the slot at the end of a lane. The lane's
 * thread (lanes.c) takes all waiting slots and runs them as one batch. It writes the answers into the slots and hands
 * these to their completion queues (queues.c). If an operation has no queue, the lane's thread calls its callback. A
 * cancel or a deadline can decide an operation before the store does (early.c). Such an operation goes to its callback
 * without its lane: the notifier's thread calls it, if the operation has no queue. The timekeeper's thread, which
 * watches the deadlines, calls no callback, so a slow one delays no deadline. The sweeper's thread has nothing to do
 * with operations (sweeper.c).
 *
 * A page of a list takes the same way (pages.c). It waits in a ring of its own in the lane, which runs a batch of
 * operations and one page in turn. If the engine has given nothing yet, the page goes back to the end of its ring.
 *
 * Locks. The executor's mutex protects the lanes' lists, the deadlines and most figures. It is never held while the
 * store works or a callback runs. Each queue has its own mutex, and so have the free slots. These are taken last.
 */
#ifndef LESSON_STORE_EXECUTOR_PRIVATE_H
#define LESSON_STORE_EXECUTOR_PRIVATE_H

#include <lessonstore/executor.h>

#include "../core.h"

#define LESSON_STORE_SUBMISSION_MESSAGE_SIZE 256 /* longer messages are cut */

typedef struct lesson_store__lane lesson_store__lane;
typedef struct lesson_store__ring lesson_store__ring;

/*
 * The life of a submission. WAITING, BEGUN and DECIDED follow from its position in the lane. EARLY means that it was
 * decided without its lane; `holders` then states who still uses the slot.
 *
 *   state              its batch begins   cancelled, timed out   its batch ends        its callback returns
 *   WAITING            BEGUN              EARLY (callback)       -                     -
 *   BEGUN              -                  EARLY (both) [1]       DECIDED               -
 *   DECIDED            -                  -                      -                     the caller of it frees the slot
 *   EARLY (callback)   -                  -                      -                     the caller of it frees the slot
 *   EARLY (both)       -                  -                      EARLY (callback) [2]  EARLY (lane)
 *   EARLY (lane)       -                  -                      lane frees slot [2]   -
 *
 * A page that gives nothing yet goes from BEGUN back to WAITING when its batch ends. If a stop has cancelled what
 * waits, it is then cancelled too.
 *
 * [1] Only by its deadline: an operation that has begun cannot be cancelled.
 *
 * The counts. Submit adds one to `unsettled`. The lane subtracts its whole batch when the callbacks without a queue
 * have returned. For an early submission, the thread that decides it subtracts one at once if it has a queue; otherwise
 * the notifier does so after the callback. At [1] one more is added, because the lane still uses the slot; at [2] the
 * lane subtracts it. When the callback returns, `completed`, the room for another submission and the queue's `pending`
 * change.
 */
typedef enum lesson_store__holders {
    LESSON_STORE_HELD_BY_CALLBACK,
    LESSON_STORE_HELD_BY_BOTH,
    LESSON_STORE_HELD_BY_LANE
} lesson_store__holders;

/* A slot, and the operation or the page in it. */
typedef struct lesson_store__submission {
    /* Protected by the executor's mutex. */
    uint64_t ticket;
    uint64_t position; /* in its ring */
    lesson_store__ring *ring;
    lesson_store__lane *lane;
    int early_code; /* not 0: it was decided early, with this code */
    const char *early_message;
    lesson_store__holders holders; /* only if it was decided early */

    /* Valid from submit until the callback has returned. */
    bool timed; /* it has a deadline */
    lesson_store_completion_queue *queue;
    lesson_store_completion_callback callback;
    void *context;
    struct lesson_store__submission *next; /* in a chain */

    /* Of a page; then `operation` has only its code and message. */
    lesson_store_cursor *cursor; /* NULL: this is an operation */
    lesson_store_page_callback page_callback;
    uint32_t kind; /* lesson_store_list_kind */
    size_t most;
    void *entries; /* freed when the callback has returned */
    size_t count;

    lesson_store_operation operation; /* its ids, its place and its message point to those below */
    char ids[6 * LESSON_STORE_ID_MAX];
    lesson_store_place place;
    char message[LESSON_STORE_SUBMISSION_MESSAGE_SIZE];
} lesson_store__submission;

/* Decided submissions, in the order of their callbacks. */
typedef struct lesson_store__chain {
    lesson_store__submission *first;
    lesson_store__submission *last;
    size_t count;
} lesson_store__chain;

/* ---- slots.c */

typedef struct lesson_store__slots {
    lesson_store__submission *all;
    uint32_t count;

    pthread_mutex_t mutex;          /* protects the members below */
    uint32_t room;                  /* how many more operations may be pending */
    uint32_t used;                  /* slots from this one on were never used, and their memory was never touched */
    lesson_store__submission *free; /* a chain */
} lesson_store__slots;

/* There are more slots than `pending_max`, because a lane can still hold slots that were decided early. */
int lesson_store__slots_open(lesson_store__slots *slots, uint32_t pending_max, uint32_t held_max);
void lesson_store__slots_close(lesson_store__slots *slots);

/* Returns NULL if pending_max operations are pending. */
lesson_store__submission *lesson_store__slots_take(lesson_store__slots *slots);

/* The first frees the slot itself and, if asked, makes room for one more operation. The second only makes room. */
void lesson_store__slots_free(lesson_store__slots *slots, lesson_store__submission *submission, bool makes_room);
void lesson_store__slots_make_room(lesson_store__slots *slots);

/* Returns how many slots, from the first on, were ever used. */
uint32_t lesson_store__slots_used(lesson_store__slots *slots);

uint32_t lesson_store__slots_index(const lesson_store__slots *slots, const lesson_store__submission *submission);

/* Copies a checked operation into a slot. */
void lesson_store__submission_fill(lesson_store__submission *submission, const lesson_store_operation *operation);

/* Copies the store's answer, except the place and the message. */
void lesson_store__copy_answers(lesson_store_operation *to, const lesson_store_operation *from);

/* ---- queues.c */

struct lesson_store_completion_queue {
    lesson_store_executor *executor;
    pthread_mutex_t mutex;
    lesson_store__chain chain;
    size_t number;             /* in the executor, from 1; 0 is the notifier's chain */
    _Atomic(uint32_t) pending; /* its operations whose callbacks have not returned */
    int descriptor;            /* readable while the chain is not empty; -1: it has none */
};

int lesson_store__queue_make(lesson_store_completion_queue **out, lesson_store_executor *executor, size_t number);
void lesson_store__queue_free(lesson_store_completion_queue *queue); /* NULL is allowed */

void lesson_store__chain_add(lesson_store__chain *chain, lesson_store__submission *submission);
void lesson_store__queue_push(lesson_store_completion_queue *queue, const lesson_store__chain *chain);

/* Takes at most `most` submissions from the queue; 0: all. */
lesson_store__chain lesson_store__queue_take(lesson_store_completion_queue *queue, size_t most);

/* Calls the callbacks, with no lock held, and frees the slots. */
void lesson_store__complete_chain(lesson_store_executor *executor, const lesson_store__chain *chain);

/* ---- rings.c */

/* A ring of slots: position p is at p & mask. Positions below `running_from` are done. Those from there to `head` are
 * in the batch that runs, and those from `head` to `tail` wait. Protected by the executor's mutex. */
struct lesson_store__ring {
    lesson_store__slots *slots;
    uint32_t *indices; /* of slots; a gap if the slot was taken out */
    uint64_t mask;
    uint64_t running_from;
    uint64_t head;
    uint64_t tail;
    uint32_t waiting; /* gaps not counted */
};

int lesson_store__ring_open(lesson_store__ring *ring, lesson_store__slots *slots, uint32_t pending_max);
void lesson_store__ring_add(lesson_store__ring *ring, lesson_store__submission *submission);
void lesson_store__ring_remove(const lesson_store__submission *submission);
lesson_store__submission *lesson_store__ring_first(lesson_store__ring *ring); /* the first that waits, or NULL */
lesson_store__submission *lesson_store__ring_take(lesson_store__ring *ring);  /* takes it out, into a batch */

typedef enum lesson_store__phase {
    LESSON_STORE_PHASE_WAITING,
    LESSON_STORE_PHASE_BEGUN,
    LESSON_STORE_PHASE_DECIDED
} lesson_store__phase;

lesson_store__phase lesson_store__phase_of(const lesson_store__submission *submission);

/* ---- lanes.c */

struct lesson_store__lane {
    lesson_store_executor *executor;
    pthread_t thread;
    bool started;

    /* Protected by the executor's mutex. */
    lesson_store__ring operations;
    lesson_store__ring pages;
    bool idle;
    pthread_cond_t work;

    /* Used only by the lane's thread. */
    lesson_store__submission **batch; /* NULL if the submission was decided early */
    lesson_store_operation *running;  /* the operations of the batch */
    struct {
        lesson_store_cursor *cursor; /* NULL: the batch is one of operations */
        lesson_store__page page;
        bool is_there;
    } listing;
    bool page_was_last;
    size_t count;
    size_t timed;                                                     /* those of the batch with a deadline */
    lesson_store__chain chains[LESSON_STORE_EXECUTOR_QUEUES_MAX + 1]; /* by the queue's number; 0: without a queue */
    size_t used[LESSON_STORE_EXECUTOR_QUEUES_MAX + 1];                /* numbers of the chains that are not empty */
};

int lesson_store__lane_open(lesson_store__lane *lane, lesson_store_executor *executor);
void lesson_store__lane_close(lesson_store__lane *lane);
void *lesson_store__lane_main(void *context); /* the lane */

/* Called with the executor's mutex held. Returns one that waits, or NULL. */
lesson_store__submission *lesson_store__lane_first(lesson_store__lane *lane);

/* ---- pages.c */

/* Runs the batch of a lane that is a page. */
void lesson_store__run_page(lesson_store__lane *lane);

/* Called with the executor's mutex held. True if the page waits again, because the engine has given nothing yet. */
bool lesson_store__page_waits_again(lesson_store__lane *lane);

/* Hands the page over to its submission. If that was decided early, the cursor takes the page back. */
void lesson_store__answer_page(lesson_store__lane *lane);

/* Calls the callback of a page. Its message is the one in `operation`. */
void lesson_store__call_back_page(const lesson_store__submission *submission, const lesson_store_operation *operation);

/* ---- early.c */

void *lesson_store__timekeeper_main(void *context); /* the executor */
void *lesson_store__notifier_main(void *context);   /* the executor */

/* Called with the executor's mutex held. A deadline is a time of lesson_store__now_ms, 0 for none. */
void lesson_store__watch(lesson_store_executor *executor, lesson_store__submission *submission, int64_t deadline_ms);
void lesson_store__cancel_waiting(lesson_store__submission *submission);
void lesson_store__settle(lesson_store_executor *executor, size_t count);

/* ---- sweeper.c */

void *lesson_store__sweeper_main(void *context); /* the executor */

/* ---- submit.c */

/* What all submissions have in common. */
typedef struct lesson_store__terms {
    int64_t timeout_ms;
    lesson_store_completion_queue *queue;
    void *context;
} lesson_store__terms;

int lesson_store__check_terms(const lesson_store_executor *executor, const lesson_store__terms *terms);

/* Takes a slot and copies a checked operation into it. NULL, with the code OVERLOADED or CLOSED, if there is none. */
lesson_store__submission *lesson_store__take_slot(lesson_store_executor *executor,
                                                  const lesson_store_operation *operation, int *code);

/* Puts a submission at the end of its lane. Returns CLOSED, and frees the slot, if the executor was stopped. */
int lesson_store__accept(lesson_store__submission *submission, lesson_store__lane *lane,
                         const lesson_store__terms *terms, uint64_t *ticket);

/* CLOSED in a forked child, where the executor has no threads, and its locks may be held for ever. */
static inline int lesson_store__check_process(const lesson_store_executor *executor);

/* The same. And REENTERED in a thread of the executor, which cannot wait for itself, and in a callback of the store,
 * which can hold the only instance. */
int lesson_store__check_may_wait(lesson_store_executor *executor);

/* ---- executor.c */

/* A thread of the executor that is no lane. */
typedef struct lesson_store__helper {
    pthread_t thread;
    bool started;
    pthread_cond_t work;
} lesson_store__helper;

struct lesson_store_executor {
    lesson_store *store;
    uint32_t lane_count;
    uint32_t pending_max;
    uint32_t batch_max;
    lesson_store__slots slots;

    pthread_mutex_t mutex; /* protects all members below that state nothing else */
    bool closed;           /* to new operations */
    bool cancels;          /* closed, and what would wait again is cancelled */
    bool quit;             /* threads end */
    size_t unsettled;      /* accepted, and neither in a queue nor called back yet; or held by a lane; or a sweep */
    pthread_cond_t settled;

    lesson_store__helper timekeeper;
    lesson_store__helper notifier;
    lesson_store__helper sweeper; /* not started if `sweep_every_ms` is 0 */
    int64_t sweep_every_ms;
    lesson_store_completion_queue early; /* submissions without a queue that were decided early */
    int64_t *deadlines_ms;               /* of each slot */
    int64_t earliest_ms;                 /* no deadline is earlier; 0: there is no deadline */

    lesson_store_completion_queue *queues[LESSON_STORE_EXECUTOR_QUEUES_MAX]; /* by number - 1; NULL: there is none */

    lesson_store_executor_figures figures; /* without `completed` and `pending` */
    _Atomic(uint64_t) completed;           /* not protected by the mutex */
    _Atomic(uint32_t) lists;               /* begun; not protected by the mutex */

    lesson_store__lane lanes[];
};

static inline int lesson_store__check_process(const lesson_store_executor *executor) {
    return lesson_store__origin_is_elsewhere(&executor->store->pool.origin) ? lesson_store__fail_in_child()
                                                                            : LESSON_STORE_OK;
}

#endif
