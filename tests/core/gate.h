/*
 * A backend behind a gate. While the gate is shut, a batch or a page that has begun waits in it. The gate records which
 * operations pass and in which order, and returns what the test sets. Witnesses record what the executor makes of the
 * answers.
 */
#ifndef LESSON_STORE_TESTS_GATE_H
#define LESSON_STORE_TESTS_GATE_H

#include <pthread.h>

#include "cmocka_all.h"

#include <lessonstore/backend.h>
#include <lessonstore/executor.h>

enum { GATE_SEEN_MAX = 8192, GATE_RUNS_MAX = 4096 };

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool shut;
    size_t inside;                                     /* batches and pages that wait in it */
    size_t runs;                                       /* batches that began */
    size_t sizes[GATE_RUNS_MAX];                       /* of these batches */
    char seen[GATE_SEEN_MAX][2 * LESSON_STORE_ID_MAX]; /* "uid lesson_id", when the batch ended */
    size_t seen_count;

    int run_code;                                      /* of the batch; not 0: the whole batch fails and no operation
                                                        * is answered */
    void (*answer)(lesson_store_operation *operation); /* NULL: OK */

    /* The list of users: "u0", "u1", ... */
    uint64_t users;
    uint64_t extra;                     /* entries in a page besides those that were asked for */
    uint64_t empty_pages;               /* before each page that has entries */
    size_t pages;                       /* that were asked for */
    size_t pages_before[GATE_RUNS_MAX]; /* before each batch */
    int page_code;                      /* not 0: the page fails */

    bool is_sweeping; /* a sweep has begun. It gives users until the callback stops it */
    size_t sweeps;    /* that ended */
} gate;

extern gate the_gate;

/* Opens a store behind a gate, which is open and empty, and an executor on the store. */
struct gated {
    lesson_store *store;
    lesson_store_executor *executor;
};

struct gated gated_open(uint32_t lanes, uint32_t pending_max, uint32_t batch_max);
struct gated gated_open_with(const lesson_store_executor_options *options);
void gated_close(struct gated *gated);

void gate_shut(void);
void gate_open(void);
void gate_wait_inside(size_t batches);

/* Records one callback. */
struct witness {
    size_t calls;
    int code;
    pthread_t thread;
    char uid[LESSON_STORE_ID_MAX + 1];
    char message[LESSON_STORE_MESSAGE_SIZE];
    lesson_store_place *place_asked;
    lesson_store_place place;
    lesson_store_operation operation;
};

void witness_see(const lesson_store_operation *operation, void *context);
void witness_wait(struct witness *witness); /* until its callback was called */
size_t witness_calls(struct witness *witness);

lesson_store_operation gate_join(const char *uid, const char *lesson_id);
lesson_store_operation gate_where(const char *uid);

/* Submits an operation. The test fails if it is not accepted. Returns the ticket. */
uint64_t gate_submit(lesson_store_executor *executor, const lesson_store_operation *operation, int64_t timeout_ms,
                     lesson_store_completion_queue *queue, struct witness *witness);

lesson_store_executor_figures gate_figures(lesson_store_executor *executor);

#endif
