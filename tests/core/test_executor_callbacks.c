/* The executor: queues, what callbacks may do, stopping and closing. */
#include <poll.h>
#include <stdatomic.h>

#include "gate.h"

static bool is_readable(const lesson_store_completion_queue *queue, int timeout_ms) {
    struct pollfd pollfd = {.fd = lesson_store_completion_queue_descriptor(queue), .events = POLLIN};
    return poll(&pollfd, 1, timeout_ms) == 1;
}

static lesson_store_completion_queue *add_queue(struct gated *gated) {
    lesson_store_completion_queue *queue;
    assert_int_equal(lesson_store_executor_add_queue(&queue, gated->executor), LESSON_STORE_OK);
    return queue;
}

static void a_queue_is_readable_while_there_is_something(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    lesson_store_completion_queue *queue = add_queue(&gated), *other = add_queue(&gated);
    struct witness witnesses[3] = {0};
    lesson_store_operation join = gate_join("u", "l");
    assert_int_equal(lesson_store_completion_queue_drain(queue, 0), 0);
    gate_shut();
    for (int i = 0; i < 3; i++)
        gate_submit(gated.executor, &join, 0, queue, &witnesses[i]);
    gate_wait_inside(1);
    assert_false(is_readable(queue, 0));
    gate_open();
    assert_true(is_readable(queue, -1));
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(witness_calls(&witnesses[0]), 0);
    assert_int_equal(lesson_store_completion_queue_drain(queue, 2), 2);
    assert_true(pthread_equal(witnesses[0].thread, pthread_self()));
    assert_true(is_readable(queue, 0));
    assert_int_equal(lesson_store_completion_queue_drain(queue, 2), 1);
    assert_false(is_readable(queue, 0));
    assert_false(is_readable(other, 0));
    gated_close(&gated);
    for (int i = 0; i < 3; i++)
        assert_int_equal(witnesses[i].calls, 1);
}

static void one_batch_serves_several_queues(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 64, 64);
    lesson_store_completion_queue *queues[] = {add_queue(&gated), NULL, add_queue(&gated)};
    struct witness witnesses[12] = {0};
    lesson_store_operation join = gate_join("u", "l");
    gate_shut();
    for (int i = 0; i < 12; i++)
        gate_submit(gated.executor, &join, 0, queues[i % 3], &witnesses[i]);
    gate_open();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(queues[i] ? lesson_store_completion_queue_drain(queues[i], 0) : 4, 4);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(witnesses[i].calls, 1);
        assert_true(!queues[i % 3] == !pthread_equal(witnesses[i].thread, pthread_self()));
    }
    gated_close(&gated);
}

static void there_are_no_more_queues_than_allowed(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    lesson_store_completion_queue *queue;
    for (int i = 0; i < LESSON_STORE_EXECUTOR_QUEUES_MAX; i++)
        add_queue(&gated);
    assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_FULL);
    assert_null(queue);
    assert_int_equal(lesson_store_executor_add_queue(NULL, gated.executor), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_executor_add_queue(&queue, NULL), LESSON_STORE_INVALID);
    gated_close(&gated);
}

/* ---- In callbacks */

struct chain {
    struct gated *gated;
    lesson_store_completion_queue *queue;
    atomic_int left;
    atomic_int codes; /* codes of all submits, combined by or */
    int run_code;
    int stop_code;
    int where_code;
    int cancel_code;
    uint64_t victim;
};

static void go_on(const lesson_store_operation *operation, void *context) {
    struct chain *chain = context;
    if (atomic_fetch_sub(&chain->left, 1) > 1)
        atomic_fetch_or(&chain->codes, lesson_store_executor_submit(chain->gated->executor, operation, 0, chain->queue,
                                                                    go_on, chain, NULL));
}

static void a_callback_may_submit(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 2, 8);
        struct chain chain = {.gated = &gated, .left = 100};
        chain.queue = queued ? add_queue(&gated) : NULL;
        lesson_store_operation join = gate_join("u", "l");
        assert_int_equal(lesson_store_executor_submit(gated.executor, &join, 0, chain.queue, go_on, &chain, NULL),
                         LESSON_STORE_OK);
        while (chain.left > 0) {
            if (queued && is_readable(chain.queue, -1))
                assert_int_equal(lesson_store_completion_queue_drain(chain.queue, 0), 1);
        }
        gated_close(&gated);
        assert_int_equal(chain.codes, LESSON_STORE_OK);
        assert_int_equal(the_gate.seen_count, 100);
    }
}

static void try_all(const lesson_store_operation *operation, void *context) {
    struct chain *chain = context;
    lesson_store_operation where = gate_where("u");
    (void)operation;
    chain->where_code = lesson_store_where(chain->gated->store, "u", NULL);
    chain->run_code = lesson_store_executor_run(chain->gated->executor, &where, 0);
    chain->cancel_code = lesson_store_executor_cancel(chain->gated->executor, chain->victim);
    chain->stop_code = lesson_store_executor_stop(chain->gated->executor, 0);
}

static void a_callback_of_the_executor_cannot_wait_for_it(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 1);
    struct chain chain = {.gated = &gated, .run_code = 1, .stop_code = 1, .where_code = 1, .cancel_code = 1};
    struct witness first = {0}, victim = {0};
    lesson_store_operation join = gate_join("u", "l");
    gate_shut();
    gate_submit(gated.executor, &join, 0, NULL, &first);
    assert_int_equal(lesson_store_executor_submit(gated.executor, &join, 0, NULL, try_all, &chain, NULL),
                     LESSON_STORE_OK);
    chain.victim = gate_submit(gated.executor, &join, 0, NULL, &victim);
    gate_open();
    witness_wait(&victim);
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(chain.run_code, LESSON_STORE_REENTERED);
    assert_int_equal(chain.stop_code, LESSON_STORE_REENTERED);
    assert_int_equal(chain.where_code, LESSON_STORE_OK);
    assert_int_equal(chain.cancel_code, LESSON_STORE_OK);
    assert_int_equal(victim.code, LESSON_STORE_CANCELLED);
    gated_close(&gated);
}

/* The timekeeper's thread also belongs to the executor. */
static void a_callback_of_the_timekeeper_cannot_wait_for_it(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct chain chain = {.gated = &gated, .run_code = 1, .stop_code = 1};
    struct witness first = {0};
    uint64_t ticket;
    lesson_store_operation join = gate_join("u", "l");
    gate_shut();
    gate_submit(gated.executor, &join, 0, NULL, &first);
    gate_wait_inside(1);
    assert_int_equal(lesson_store_executor_submit(gated.executor, &join, 0, NULL, try_all, &chain, &ticket),
                     LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_OK);
    gate_open();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    assert_int_equal(chain.run_code, LESSON_STORE_REENTERED);
    assert_int_equal(chain.stop_code, LESSON_STORE_REENTERED);
    gated_close(&gated);
}

/* A thread that drains may wait, because lanes do not wait for it. */
static void a_drained_callback_may_wait(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct chain chain = {.gated = &gated, .run_code = 1, .stop_code = 1};
    lesson_store_completion_queue *queue = add_queue(&gated);
    lesson_store_operation join = gate_join("u", "l");
    assert_int_equal(lesson_store_executor_submit(gated.executor, &join, 0, queue, try_all, &chain, NULL),
                     LESSON_STORE_OK);
    assert_true(is_readable(queue, -1));
    assert_int_equal(lesson_store_completion_queue_drain(queue, 0), 1);
    assert_int_equal(chain.run_code, LESSON_STORE_OK);
    assert_int_equal(chain.stop_code, LESSON_STORE_OK);
    gated_close(&gated);
}

struct look {
    struct gated *gated;
    lesson_store_completion_queue *queue;
    uint64_t ticket;
    uint64_t ticket_seen;
    int submit_code;
    size_t drained;
    lesson_store_executor_figures figures;
};

static void look_around(const lesson_store_operation *operation, void *context) {
    struct look *look = context;
    uint64_t untouched = 77;
    look->ticket_seen = look->ticket;
    look->figures = gate_figures(look->gated->executor);
    look->submit_code =
        lesson_store_executor_submit(look->gated->executor, operation, 0, look->queue, look_around, look, &untouched);
    assert_int_equal(untouched, 77);
    look->drained = look->queue ? lesson_store_completion_queue_drain(look->queue, 0) : 0;
}

static void an_operation_is_pending_until_its_callback_has_returned(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 1, 8);
        struct look look = {.gated = &gated, .queue = queued ? add_queue(&gated) : NULL, .drained = 1};
        lesson_store_operation join = gate_join("u", "l");
        assert_int_equal(
            lesson_store_executor_submit(gated.executor, &join, 0, look.queue, look_around, &look, &look.ticket),
            LESSON_STORE_OK);
        if (queued && is_readable(look.queue, -1))
            assert_int_equal(lesson_store_completion_queue_drain(look.queue, 0), 1);
        while (gate_figures(gated.executor).completed == 0)
            ;
        assert_int_equal(gate_figures(gated.executor).pending, 0);
        gated_close(&gated); /* reading the figures does not synchronize; the callback's writes are visible once its
                              * thread has ended */
        assert_true(look.ticket != 0 && look.ticket_seen == look.ticket);
        assert_int_equal(look.figures.pending, 1);
        assert_int_equal(look.figures.completed, 0);
        assert_int_equal(look.submit_code, LESSON_STORE_OVERLOADED);
        assert_int_equal(look.drained, 0);
    }
}

static bool run_in_stream(const lesson_store_id *uid, void *context) {
    struct chain *chain = context;
    lesson_store_operation where = gate_where("u");
    (void)uid;
    chain->run_code = lesson_store_executor_run(chain->gated->executor, &where, 0);
    chain->stop_code = lesson_store_executor_stop(chain->gated->executor, 0);
    return true;
}

/* The list holds the only instance, which the lane would wait for. */
static void a_stream_cannot_wait_for_the_executor(void **state) {
    (void)state;
    struct gated gated;
    struct chain chain = {.gated = &gated, .run_code = 1, .stop_code = 1};
    if (lesson_store_open(&gated.store, "memory:") == LESSON_STORE_UNSUPPORTED)
        skip();
    assert_int_equal(lesson_store_executor_open(&gated.executor, gated.store, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(gated.store, "u", "c", "l", NULL, 0, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_members(gated.store, "l", run_in_stream, &chain), LESSON_STORE_OK);
    assert_int_equal(chain.run_code, LESSON_STORE_REENTERED);
    assert_int_equal(chain.stop_code, LESSON_STORE_REENTERED);
    gated_close(&gated);
}

/* ---- Stopping and closing */

static void *open_the_gate(void *context) {
    gate_open();
    return context;
}

static void stop_runs_or_cancels_what_waits(void **state) {
    (void)state;
    const uint32_t flags[] = {0, LESSON_STORE_STOP_CANCEL};
    for (int i = 0; i < 2; i++) {
        struct gated gated = gated_open(1, 8, 1);
        lesson_store_completion_queue *queue = add_queue(&gated);
        struct witness witnesses[5] = {0};
        lesson_store_operation join = gate_join("u", "l");
        gate_shut();
        for (int k = 0; k < 4; k++)
            gate_submit(gated.executor, &join, 0, k % 2 ? queue : NULL, &witnesses[k]);
        gate_wait_inside(1);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, open_the_gate, NULL), 0);
        assert_int_equal(lesson_store_executor_stop(gated.executor, flags[i]), LESSON_STORE_OK);
        pthread_join(thread, NULL);
        assert_int_equal(lesson_store_executor_submit(gated.executor, &join, 0, NULL, witness_see, &witnesses[4], NULL),
                         LESSON_STORE_CLOSED);
        assert_int_equal(lesson_store_executor_run(gated.executor, &join, 0), LESSON_STORE_CLOSED);
        assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
        assert_int_equal(lesson_store_executor_stop(gated.executor, 2), LESSON_STORE_INVALID);
        assert_int_equal(lesson_store_executor_stop(NULL, 0), LESSON_STORE_INVALID);
        assert_int_equal(witnesses[0].calls + witnesses[2].calls, 2);
        assert_int_equal(lesson_store_completion_queue_drain(queue, 0), 2);
        gated_close(&gated);
        assert_int_equal(witnesses[4].calls, 0);
        for (int k = 0; k < 4; k++) {
            assert_int_equal(witnesses[k].calls, 1);
            assert_true(witnesses[k].code == LESSON_STORE_OK ||
                        (flags[i] && witnesses[k].code == LESSON_STORE_CANCELLED));
        }
        if (!flags[i])
            assert_int_equal(the_gate.seen_count, 4);
    }
}

struct stop {
    lesson_store_executor *executor;
    uint32_t flags;
    int code;
};

static void *stop_it(void *context) {
    struct stop *stop = context;
    stop->code = lesson_store_executor_stop(stop->executor, stop->flags);
    return NULL;
}

static void a_stop_that_cancels_shortens_one_that_waits(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 4, 1);
    lesson_store_completion_queue *queue = add_queue(&gated);
    struct stop patient = {gated.executor, 0, 1}, hasty = {gated.executor, LESSON_STORE_STOP_CANCEL, 1};
    struct witness witnesses[4] = {0}, refused = {0};
    pthread_t threads[2];
    lesson_store_operation join = gate_join("u", "l");
    gate_shut();
    for (int i = 0; i < 4; i++)
        gate_submit(gated.executor, &join, 0, queue, &witnesses[i]);
    gate_wait_inside(1);

    assert_int_equal(pthread_create(&threads[0], NULL, stop_it, &patient), 0);
    int code = LESSON_STORE_OVERLOADED;
    while (code == LESSON_STORE_OVERLOADED) /* until the first stop has begun */
        code = lesson_store_executor_submit(gated.executor, &join, 0, queue, witness_see, &refused, NULL);
    assert_int_equal(code, LESSON_STORE_CLOSED);
    assert_int_equal(pthread_create(&threads[1], NULL, stop_it, &hasty), 0);
    while (gate_figures(gated.executor).cancelled < 3)
        ;
    gate_open();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(patient.code, LESSON_STORE_OK);
    assert_int_equal(hasty.code, LESSON_STORE_OK);

    /* All are decided, and none has completed before the queue is drained. */
    lesson_store_executor_figures figures = gate_figures(gated.executor);
    assert_int_equal(figures.accepted, 4);
    assert_int_equal(figures.completed, 0);
    assert_int_equal(figures.pending, 4);
    assert_int_equal(figures.cancelled, 3);
    assert_int_equal(lesson_store_completion_queue_drain(queue, 0), 4);
    figures = gate_figures(gated.executor);
    assert_int_equal(figures.completed, 4);
    assert_int_equal(figures.pending, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(witnesses[i].code, i == 0 ? LESSON_STORE_OK : LESSON_STORE_CANCELLED);
    gated_close(&gated);
    assert_int_equal(refused.calls, 0);
    assert_int_equal(the_gate.seen_count, 1);
}

static void a_callback_of_close_finds_the_executor_closed(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct chain chain = {.gated = &gated, .run_code = 1, .stop_code = 1, .where_code = 1, .cancel_code = -1};
    lesson_store_operation join = gate_join("u", "l");
    assert_int_equal(
        lesson_store_executor_submit(gated.executor, &join, 0, add_queue(&gated), try_all, &chain, &chain.victim),
        LESSON_STORE_OK);
    gated_close(&gated);
    assert_int_equal(chain.where_code, LESSON_STORE_OK);
    assert_int_equal(chain.run_code, LESSON_STORE_CLOSED);
    assert_int_equal(chain.cancel_code, LESSON_STORE_NOT_FOUND);
    assert_int_equal(chain.stop_code, LESSON_STORE_OK);
}

static void close_calls_what_was_not_drained(void **state) {
    (void)state;
    struct gated gated = gated_open(2, 64, 8);
    lesson_store_completion_queue *queue = add_queue(&gated);
    struct witness witnesses[20] = {0};
    for (int i = 0; i < 20; i++) {
        lesson_store_operation join = gate_join(i % 2 ? "ann" : "bob", "l");
        gate_submit(gated.executor, &join, 0, queue, &witnesses[i]);
    }
    gated_close(&gated);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(witnesses[i].calls, 1);
        assert_int_equal(witnesses[i].code, LESSON_STORE_OK);
        assert_true(pthread_equal(witnesses[i].thread, pthread_self()));
    }
}

/* Repeated, as when loops end and others begin: a removed queue gives back its number and its descriptor. */
static void a_drained_queue_can_be_removed(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8), other = gated_open(1, 8, 8);
    for (int round = 0; round < 2 * LESSON_STORE_EXECUTOR_QUEUES_MAX; round++) {
        lesson_store_completion_queue *queue = add_queue(&gated);
        struct witness witness = {0};
        lesson_store_operation join = gate_join("u", "l");
        gate_shut();
        gate_submit(gated.executor, &join, 0, queue, &witness);
        assert_int_equal(lesson_store_executor_remove_queue(gated.executor, queue), LESSON_STORE_CONFLICT);
        gate_open();
        struct pollfd pollfd = {.fd = lesson_store_completion_queue_descriptor(queue), .events = POLLIN};
        assert_int_equal(poll(&pollfd, 1, -1), 1);
        assert_int_equal(lesson_store_executor_remove_queue(gated.executor, queue), LESSON_STORE_CONFLICT);
        assert_int_equal(lesson_store_completion_queue_drain(queue, 0), 1);
        assert_int_equal(witness.calls, 1);
        assert_int_equal(lesson_store_executor_remove_queue(other.executor, queue), LESSON_STORE_INVALID);
        assert_int_equal(lesson_store_executor_remove_queue(gated.executor, queue), LESSON_STORE_OK);
    }
    assert_int_equal(lesson_store_executor_remove_queue(gated.executor, NULL), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_executor_remove_queue(NULL, NULL), LESSON_STORE_INVALID);
    gated_close(&other);
    gated_close(&gated);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_is_readable_while_there_is_something),
        cmocka_unit_test(one_batch_serves_several_queues),
        cmocka_unit_test(there_are_no_more_queues_than_allowed),
        cmocka_unit_test(a_drained_queue_can_be_removed),
        cmocka_unit_test(a_callback_may_submit),
        cmocka_unit_test(a_callback_of_the_executor_cannot_wait_for_it),
        cmocka_unit_test(a_callback_of_the_timekeeper_cannot_wait_for_it),
        cmocka_unit_test(a_drained_callback_may_wait),
        cmocka_unit_test(an_operation_is_pending_until_its_callback_has_returned),
        cmocka_unit_test(a_stream_cannot_wait_for_the_executor),
        cmocka_unit_test(stop_runs_or_cancels_what_waits),
        cmocka_unit_test(a_stop_that_cancels_shortens_one_that_waits),
        cmocka_unit_test(a_callback_of_close_finds_the_executor_closed),
        cmocka_unit_test(close_calls_what_was_not_drained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
