/*
 * What the files of the executor share. Nothing here is exported.
 *
 * The way of an operation. Submit copies it into a slot (slots.c) and puts that at the end of a lane. The
 * lane's thread (lanes.c) takes all that wait there, runs them as one batch, writes the answers into the slots
 * and hands them to their completion queues (queues.c), or calls the callbacks itself where there is none.
 * What a cancel or a deadline decides before the store has (early.c) goes to its callback past the lane.
 *
 * Locks. The executor's mutex keeps the lanes' lists, the deadlines and most figures, and is never held while the
 * store works or a callback runs. Each queue has a mutex of its own, and so have the free slots; these are
 * taken last.
 */
#ifndef LESSON_STORE_EXECUTOR_PRIVATE_H
#define LESSON_STORE_EXECUTOR_PRIVATE_H

#include <lessonstore/executor.h>

#include "../core.h"

#define LESSON_STORE_SUBMISSION_MESSAGE_SIZE 256 /* longer messages are cut */

typedef struct lesson_store__lane lesson_store__lane;

/*
 * The life of a submission. WAITING, RUNNING and DECIDED follow from its position in the lane. EARLY means that it was
 * decided past its lane; `holders` then says who still uses the slot.
 *
 *   state              its batch begins   cancelled, timed out   its batch ends        its callback returns
 *   WAITING            RUNNING            EARLY (callback)       -                     -
 *   RUNNING            -                  EARLY (both) [1]       DECIDED               -
 *   DECIDED            -                  -                      -                     the caller of it frees the slot
 *   EARLY (callback)   -                  -                      -                     the caller of it frees the slot
 *   EARLY (both)       -                  -                      EARLY (callback) [2]  EARLY (lane)
 *   EARLY (lane)       -                  -                      lane frees slot [2]   -
 *
 * [1] Only by its deadline: what has begun cannot be cancelled.
 *
 * Who counts. `unsettled` rises by one when a submission is accepted. The lane takes it off, for the whole batch, when
 * the callbacks without a queue have returned. If the submission is decided early, the one who decides takes it off: at
 * once if there is a queue, else the timekeeper when the callback has returned. At [1] it rises by one more, because
 * the lane still uses the slot, and at [2] the lane takes that off. `completed`, the room for another submission and
 * `pending` of the queue change when the callback returns.
 */
typedef enum lesson_store__holders {
    LESSON_STORE_HELD_BY_CALLBACK,
    LESSON_STORE_HELD_BY_BOTH,
    LESSON_STORE_HELD_BY_LANE
} lesson_store__holders;

/* A slot, and the operation in it. */
typedef struct lesson_store__submission {
    /* Under the executor's mutex. */
    uint64_t ticket;
    uint64_t position; /* in its lane */
    lesson_store__lane *lane;
    int early_code; /* not 0: it was decided early, with this code */
    const char *early_message;
    lesson_store__holders holders; /* if it was decided early */

    /* From submit until its callback has returned. */
    bool timed; /* it has a deadline */
    lesson_store_completion_queue *queue;
    lesson_store_completion_callback callback;
    void *context;
    struct lesson_store__submission *next; /* in a chain */

    lesson_store_operation operation; /* its ids, its place and its message point to those below */
    char ids[4 * LESSON_STORE_ID_MAX];
    lesson_store_place place;
    char message[LESSON_STORE_SUBMISSION_MESSAGE_SIZE];
} lesson_store__submission;

/* Decided submissions, in the order in which their callbacks will be called. */
typedef struct lesson_store__chain {
    lesson_store__submission *first;
    lesson_store__submission *last;
    size_t count;
} lesson_store__chain;

/* ---- slots.c */

typedef struct lesson_store__slots {
    lesson_store__submission *all;
    uint32_t count;

    pthread_mutex_t mutex;          /* keeps what follows */
    uint32_t room;                  /* how many more operations may be pending */
    uint32_t used;                  /* slots from here on were never used, and their memory never touched */
    lesson_store__submission *free; /* a chain */
} lesson_store__slots;

/* More slots than may be pending are needed where those that were decided are still held by a lane. */
int lesson_store__slots_open(lesson_store__slots *slots, uint32_t pending_max, uint32_t held_max);
void lesson_store__slots_close(lesson_store__slots *slots);

/* NULL if pending_max are pending. */
lesson_store__submission *lesson_store__slots_take(lesson_store__slots *slots);

/* Frees the slot itself, and room for one more operation with it, or only one of the two. */
void lesson_store__slots_free(lesson_store__slots *slots, lesson_store__submission *submission, bool makes_room);
void lesson_store__slots_make_room(lesson_store__slots *slots);

/* How many slots, from the first on, were ever used. */
uint32_t lesson_store__slots_used(lesson_store__slots *slots);

uint32_t lesson_store__slots_index(const lesson_store__slots *slots, const lesson_store__submission *submission);

/* Copies an operation that was checked into a slot. */
void lesson_store__submission_fill(lesson_store__submission *submission, const lesson_store_operation *operation);

/* Copies what the store has answered, except the place and the message. */
void lesson_store__copy_answers(lesson_store_operation *to, const lesson_store_operation *from);

/* ---- queues.c */

struct lesson_store_completion_queue {
    lesson_store_executor *executor;
    pthread_mutex_t mutex;
    lesson_store__chain chain;
    size_t number;             /* in the executor, from 1; 0 is what the timekeeper calls back */
    _Atomic(uint32_t) pending; /* operations submitted with it whose callbacks have not returned */
    int descriptor;            /* readable while the chain is not empty; -1: it has none */
};

int lesson_store__queue_make(lesson_store_completion_queue **out, lesson_store_executor *executor, size_t number);
void lesson_store__queue_free(lesson_store_completion_queue *queue); /* NULL is allowed */

void lesson_store__chain_add(lesson_store__chain *chain, lesson_store__submission *submission);
void lesson_store__queue_push(lesson_store_completion_queue *queue, const lesson_store__chain *chain);

/* At most `most` of those that are there; 0: all. */
lesson_store__chain lesson_store__queue_take(lesson_store_completion_queue *queue, size_t most);

/* Calls the callbacks, without any lock, and frees the slots. */
void lesson_store__complete_chain(lesson_store_executor *executor, const lesson_store__chain *chain);

/* ---- lanes.c */

struct lesson_store__lane {
    lesson_store_executor *executor;
    pthread_t thread;
    bool started;

    /* Under the executor's mutex. A ring of the slots that wait: position p is at p & mask. Those below `running_from`
     * are done with, those from there to `head` are in the batch that runs, those from `head` to `tail` wait. */
    uint32_t *ring; /* indices of slots; a gap where one was taken out */
    uint64_t mask;
    uint64_t running_from;
    uint64_t head;
    uint64_t tail;
    uint32_t waiting; /* without the gaps */
    bool idle;
    pthread_cond_t work;

    /* Of the lane's thread. */
    lesson_store__submission **batch; /* NULL where one was decided past the lane */
    lesson_store_operation *operations;
    size_t count;
    size_t timed;                                                     /* of them with a deadline */
    lesson_store__chain chains[LESSON_STORE_EXECUTOR_QUEUES_MAX + 1]; /* by the queue's number; 0 for those without */
    size_t used[LESSON_STORE_EXECUTOR_QUEUES_MAX + 1];                /* numbers of the chains that hold something */
};

typedef enum lesson_store__phase {
    LESSON_STORE_PHASE_WAITING,
    LESSON_STORE_PHASE_BEGUN,
    LESSON_STORE_PHASE_DECIDED
} lesson_store__phase;

int lesson_store__lane_open(lesson_store__lane *lane, lesson_store_executor *executor);
void lesson_store__lane_close(lesson_store__lane *lane);
void *lesson_store__lane_main(void *context); /* the lane */

/* These with the executor's mutex. */
void lesson_store__lane_add(lesson_store__lane *lane, lesson_store__submission *submission);
void lesson_store__lane_remove(lesson_store__lane *lane, const lesson_store__submission *submission);
lesson_store__submission *lesson_store__lane_first(lesson_store__lane *lane); /* that waits, or NULL */
lesson_store__phase lesson_store__phase_of(const lesson_store__submission *submission);

/* ---- early.c */

void *lesson_store__timekeeper_main(void *context); /* the executor */

/* These with the executor's mutex. A deadline is on the clock of lesson_store__now_ms, 0 for none. */
void lesson_store__watch(lesson_store_executor *executor, lesson_store__submission *submission, int64_t deadline_ms);
void lesson_store__cancel_waiting(lesson_store__submission *submission);

/* ---- submit.c */

/* REENTERED in a thread of the executor, which cannot wait for itself, and in a stream's callback of the store, which
 * can hold the only instance. */
int lesson_store__check_may_wait(lesson_store_executor *executor);

/* ---- executor.c */

struct lesson_store_executor {
    lesson_store *store;
    uint32_t lane_count;
    uint32_t pending_max;
    uint32_t batch_max;
    lesson_store__slots slots;

    pthread_mutex_t mutex; /* keeps all below, but what says otherwise */
    bool closed;           /* to new operations */
    bool quit;             /* threads end */
    size_t unsettled;      /* accepted, and not yet in a queue or, without one, called back; or held by a lane */
    pthread_cond_t settled;

    pthread_t timekeeper;
    bool timekeeper_started;
    pthread_cond_t timekeeper_work;
    lesson_store_completion_queue early; /* what has no queue and was decided past its lane */
    int64_t *deadlines_ms;               /* of each slot */
    int64_t earliest_ms;                 /* no deadline is before; 0: there is none */

    lesson_store_completion_queue
        *queues[LESSON_STORE_EXECUTOR_QUEUES_MAX]; /* by number - 1, NULL where there is none */

    lesson_store_executor_figures figures; /* without `completed` and `pending` */
    _Atomic(uint64_t) completed;           /* without the mutex */

    lesson_store__lane lanes[];
};

#endif
