/* The executor: operations that complete before the store has answered, through a deadline or a cancel. */
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "gate.h"

/* Occupies the lane of a shut gate. */
static void occupy(struct gated *gated, struct witness *witness) {
    lesson_store_operation join = gate_join("first", "l");
    gate_shut();
    gate_submit(gated->executor, &join, 0, NULL, witness);
    gate_wait_inside(1);
}

static void drain_until_called(lesson_store_completion_queue *queue, struct witness *witness) {
    while (queue && witness_calls(witness) == 0)
        lesson_store_completion_queue_drain(queue, 0);
    witness_wait(witness);
}

static void what_waits_too_long_expires(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 8, 8);
        struct witness first = {0}, late = {0}, patient = {0};
        lesson_store_completion_queue *queue = NULL;
        if (queued)
            assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
        occupy(&gated, &first);
        lesson_store_operation join = gate_join("late", "l"), other = gate_join("patient", "l");
        lesson_store_place place;
        join.place = &place;
        gate_submit(gated.executor, &other, INT64_MAX, queue, &patient);
        gate_submit(gated.executor, &join, 2, queue, &late);
        drain_until_called(queue, &late);
        assert_int_equal(late.code, LESSON_STORE_EXPIRED);
        assert_string_equal(late.uid, "late");
        assert_non_null(strstr(late.message, "before it had begun"));
        assert_non_null(late.place_asked);
        while (gate_figures(gated.executor).pending > 2)
            ; /* the callback was called, but has not returned */
        assert_int_equal(gate_figures(gated.executor).pending, 2);
        gate_open();
        assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
        gated_close(&gated);
        assert_int_equal(late.calls, 1);
        assert_int_equal(patient.code, LESSON_STORE_OK);
        assert_int_equal(the_gate.seen_count, 2);
        assert_string_equal(the_gate.seen[1], "patient l");
    }
}

static void return_a_place(lesson_store_operation *operation) {
    if (operation->place)
        *operation->place = (lesson_store_place){.course_id = "late", .lesson_id = "late", .session = "late"};
}

static size_t batches_inside(void) {
    pthread_mutex_lock(&the_gate.mutex);
    size_t inside = the_gate.inside;
    pthread_mutex_unlock(&the_gate.mutex);
    return inside;
}

/* Submits one operation to a shut gate, and returns when it has timed out while it ran. On a busy machine it may time
 * out before it begins; then it gets a longer deadline. */
static void outrun(struct gated *gated, const lesson_store_operation *operation, lesson_store_completion_queue *queue,
                   struct witness *witness) {
    gate_shut();
    for (int64_t timeout_ms = 20; batches_inside() == 0; timeout_ms *= 2) {
        memset(witness, 0, sizeof *witness);
        while (lesson_store_executor_submit(gated->executor, operation, timeout_ms, queue, witness_see, witness,
                                            NULL) == LESSON_STORE_OVERLOADED)
            ; /* the callback was called, but has not returned */
        drain_until_called(queue, witness);
    }
}

static void submit_when_there_is_room(struct gated *gated, const lesson_store_operation *operation,
                                      lesson_store_completion_queue *queue, struct witness *witness) {
    while (lesson_store_executor_submit(gated->executor, operation, 0, queue, witness_see, witness, NULL) ==
           LESSON_STORE_OVERLOADED)
        ;
}

/* Nobody sees the late answer, and `pending` does not count completed operations. */
static void what_runs_too_long_is_completed_at_its_time(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 2, 8);
        struct witness write, read, next[2] = {0};
        lesson_store_completion_queue *queue = NULL;
        if (queued)
            assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
        the_gate.answer = return_a_place;
        lesson_store_place place;
        lesson_store_operation join = gate_join("writer", "l"), where = gate_where("reader");
        where.place = &place;

        outrun(&gated, &join, queue, &write);
        assert_int_equal(write.code, LESSON_STORE_UNKNOWN);
        assert_string_equal(write.uid, "writer");
        for (int i = 0; i < 2; i++) /* both of pending_max, although the lane still holds a slot */
            submit_when_there_is_room(&gated, &where, queue, &next[i]);
        gate_open();
        for (int i = 0; i < 2; i++) {
            drain_until_called(queue, &next[i]);
            assert_string_equal(next[i].place.lesson_id, "late");
        }

        outrun(&gated, &where, queue, &read);
        assert_int_equal(read.code, LESSON_STORE_EXPIRED);
        assert_non_null(strstr(read.message, "nothing was changed"));
        assert_string_equal(read.place.lesson_id, "");
        gate_open();
        assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
        lesson_store_executor_figures figures = gate_figures(gated.executor);
        assert_true(figures.expired >= 2);
        assert_int_equal(figures.accepted, figures.completed);
        assert_true(the_gate.seen_count >= 4); /* the store has run all of them */
        gated_close(&gated);
        assert_int_equal(write.calls, 1);
        assert_int_equal(read.calls, 1);
    }
}

/* More operations, one after another, than there are slots. */
static void what_has_run_too_long_gives_its_slot_back(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 1, 1);
    lesson_store_operation join = gate_join("writer", "l"), where = gate_where("reader");
    for (int i = 0; i < 4; i++) {
        struct witness late, next = {0};
        outrun(&gated, &join, NULL, &late);
        gate_open();
        submit_when_there_is_room(&gated, &where, NULL, &next);
        drain_until_called(NULL, &next);
        assert_int_equal(next.code, LESSON_STORE_OK);
    }
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    gated_close(&gated);
}

/* The store writes its answer while the operation, which has expired long before, waits to be drained. */
static void a_late_answer_is_not_seen(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 2, 8);
    struct witness read;
    lesson_store_completion_queue *queue;
    lesson_store_place place;
    lesson_store_operation where = gate_where("reader");
    bool ran = false;
    uint64_t expired = 0;
    where.place = &place;
    the_gate.answer = return_a_place;
    assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
    for (int64_t timeout_ms = 20; !ran; timeout_ms *= 2) {
        memset(&read, 0, sizeof read);
        gate_shut();
        gate_submit(gated.executor, &where, timeout_ms, queue, &read);
        while (gate_figures(gated.executor).expired == expired)
            ;
        expired++;
        ran = batches_inside() > 0; /* otherwise it had not begun, and gets a longer deadline */
        gate_open();
        while (ran && gate_figures(gated.executor).batches == 0)
            ;
        drain_until_called(queue, &read);
    }
    assert_int_equal(read.code, LESSON_STORE_EXPIRED);
    assert_non_null(read.place_asked);
    assert_string_equal(read.place.lesson_id, "");
    gated_close(&gated);
}

static void a_deadline_that_is_kept_does_nothing(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 64, 64);
    for (int i = 0; i < 500; i++) {
        lesson_store_operation where = gate_where("u");
        assert_int_equal(lesson_store_executor_run(gated.executor, &where, 60000), LESSON_STORE_OK);
    }
    assert_int_equal(gate_figures(gated.executor).expired, 0);
    gated_close(&gated);
}

static void run_ends_at_its_time(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct witness first = {0};
    occupy(&gated, &first);
    lesson_store_operation join = gate_join("u", "l");
    assert_int_equal(lesson_store_executor_run(gated.executor, &join, 2), LESSON_STORE_EXPIRED);
    assert_int_equal(join.code, LESSON_STORE_EXPIRED);
    assert_non_null(strstr(lesson_store_message(), "timed out"));
    gate_open();
    gated_close(&gated);
    assert_int_equal(the_gate.seen_count, 1);
}

static void what_waits_can_be_cancelled(void **state) {
    (void)state;
    for (int queued = 0; queued < 2; queued++) {
        struct gated gated = gated_open(1, 8, 8);
        struct witness witnesses[4] = {0};
        uint64_t tickets[4];
        lesson_store_completion_queue *queue = NULL;
        if (queued)
            assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
        occupy(&gated, &witnesses[0]);
        const char *const uids[] = {"", "one", "two", "three"};
        for (int i = 1; i < 4; i++) {
            lesson_store_operation join = gate_join(uids[i], "l");
            tickets[i] = gate_submit(gated.executor, &join, 60000, queue, &witnesses[i]);
        }
        assert_int_equal(lesson_store_executor_cancel(gated.executor, tickets[2]), LESSON_STORE_OK);
        assert_int_equal(lesson_store_executor_cancel(gated.executor, tickets[2]), LESSON_STORE_NOT_FOUND);
        drain_until_called(queue, &witnesses[2]); /* the gate is still shut */
        assert_int_equal(witnesses[2].code, LESSON_STORE_CANCELLED);
        assert_string_equal(witnesses[2].uid, "two");
        assert_non_null(strstr(witnesses[2].message, "cancelled before"));
        gate_open();
        assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
        assert_int_equal(gate_figures(gated.executor).cancelled, 1);
        gated_close(&gated);
        assert_int_equal(witnesses[2].calls, 1);
        assert_int_equal(the_gate.seen_count, 3);
        assert_string_equal(the_gate.seen[1], "one l");
        assert_string_equal(the_gate.seen[2], "three l");
    }
}

static void what_has_begun_cannot_be_cancelled(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 1, 8); /* one slot, so that tickets differ only in their numbers */
    struct witness running = {0}, next = {0};
    lesson_store_operation join = gate_join("u", "l");
    gate_shut();
    uint64_t ticket = gate_submit(gated.executor, &join, 0, NULL, &running);
    gate_wait_inside(1);
    assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_NOT_FOUND);
    gate_open();
    witness_wait(&running);
    assert_int_equal(running.code, LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_NOT_FOUND);
    assert_int_equal(lesson_store_executor_cancel(gated.executor, 0), LESSON_STORE_NOT_FOUND);
    assert_int_equal(lesson_store_executor_cancel(gated.executor, UINT64_MAX), LESSON_STORE_NOT_FOUND);

    /* An old ticket does not cancel the operation that is now in its slot. */
    gate_shut();
    uint64_t second;
    while (lesson_store_executor_submit(gated.executor, &join, 0, NULL, witness_see, &next, &second) != 0)
        ;
    assert_true(second != ticket);
    assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_NOT_FOUND);
    gate_open();
    witness_wait(&next);
    assert_int_equal(next.code, LESSON_STORE_OK);
    gated_close(&gated);
}

/* Submits and cancels at once. `stale` is the ticket of an earlier operation in the same slot. */
static uint64_t come_and_go(struct gated *gated, lesson_store_completion_queue *queue, uint64_t stale) {
    struct witness gone = {0};
    lesson_store_operation join = gate_join("gone", "l");
    uint64_t ticket = gate_submit(gated->executor, &join, 60000, queue, &gone);
    assert_int_equal(lesson_store_executor_cancel(gated->executor, stale), LESSON_STORE_NOT_FOUND);
    assert_int_equal(lesson_store_executor_cancel(gated->executor, ticket), LESSON_STORE_OK);
    assert_int_equal(lesson_store_completion_queue_drain(queue, 0), 1);
    assert_int_equal(gone.code, LESSON_STORE_CANCELLED);
    return ticket;
}

/* Cancelled operations leave gaps in the lane. The gaps must not fill it, and the other operations must still be found
 * after the gaps are closed. */
static void cancelling_leaves_room_and_order(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 5, 8);
    struct witness first = {0}, kept[3] = {0};
    lesson_store_completion_queue *queue;
    assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
    occupy(&gated, &first);
    lesson_store_operation one = gate_join("one", "l"), two = gate_join("two", "l"), three = gate_join("three", "l");
    uint64_t stale = come_and_go(&gated, queue, 0);
    gate_submit(gated.executor, &one, 0, queue, &kept[0]);
    uint64_t ticket = gate_submit(gated.executor, &two, 0, queue, &kept[1]);
    stale = come_and_go(&gated, queue, stale);
    for (int i = 0; i < 1000; i++)
        stale = come_and_go(&gated, queue, stale);
    gate_submit(gated.executor, &three, 0, queue, &kept[2]);
    assert_int_equal(lesson_store_executor_cancel(gated.executor, ticket), LESSON_STORE_OK);
    gate_open();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    gated_close(&gated);
    assert_int_equal(kept[1].code, LESSON_STORE_CANCELLED);
    assert_int_equal(the_gate.seen_count, 3);
    assert_string_equal(the_gate.seen[1], "one l");
    assert_string_equal(the_gate.seen[2], "three l");
}

/* ---- Answers, deadlines and cancels at the same time */

enum { THREADS = 3, ROUNDS = 1500 };

struct racer {
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue; /* or NULL */
    atomic_int calls[ROUNDS];
    atomic_int codes[5]; /* OK, EXPIRED, UNKNOWN, CANCELLED, another */
    size_t cancelled;
    size_t refused;
};

struct bet {
    struct racer *racer;
    int number;
};

static void count_call(const lesson_store_operation *operation, void *context) {
    struct bet *bet = context;
    const int codes[] = {LESSON_STORE_OK, LESSON_STORE_EXPIRED, LESSON_STORE_UNKNOWN, LESSON_STORE_CANCELLED};
    int i = 0;
    while (i < 4 && codes[i] != operation->code)
        i++;
    atomic_fetch_add(&bet->racer->codes[i], 1);
    atomic_fetch_add(&bet->racer->calls[bet->number], 1);
}

static void slow_down(lesson_store_operation *operation) {
    (void)operation;
    const struct timespec pause = {.tv_nsec = 30 * 1000};
    nanosleep(&pause, NULL);
}

static void *race(void *context) {
    struct racer *racer = context;
    static struct bet bets[THREADS][ROUNDS];
    static atomic_int next;
    struct bet *mine = bets[atomic_fetch_add(&next, 1) % THREADS];
    for (int i = 0; i < ROUNDS; i++) {
        mine[i] = (struct bet){racer, i};
        lesson_store_operation operation = i % 2 ? gate_where("u") : gate_join("u", "l");
        uint64_t ticket;
        if (lesson_store_executor_submit(racer->executor, &operation, i % 3, racer->queue, count_call, &mine[i],
                                         &ticket) != LESSON_STORE_OK) {
            racer->refused++;
            atomic_fetch_add(&racer->calls[i], 1); /* it counts as completed */
            slow_down(NULL);
        } else if (i % 5 == 0 && lesson_store_executor_cancel(racer->executor, ticket) == LESSON_STORE_OK) {
            racer->cancelled++;
        }
        if (racer->queue)
            lesson_store_completion_queue_drain(racer->queue, (size_t)(i % 4));
    }
    return NULL;
}

static void every_callback_is_called_once(void **state) {
    (void)state;
    struct gated gated = gated_open(2, 64, 8);
    the_gate.answer = slow_down;
    static struct racer racers[THREADS];
    memset(racers, 0, sizeof racers);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        racers[i].executor = gated.executor;
        if (i > 0)
            assert_int_equal(lesson_store_executor_add_queue(&racers[i].queue, gated.executor), LESSON_STORE_OK);
        assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
    }
    size_t refused = 0, cancelled = 0, expired = 0;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    for (int i = 1; i < THREADS; i++)
        lesson_store_completion_queue_drain(racers[i].queue, 0);
    for (int i = 0; i < THREADS; i++) {
        for (int k = 0; k < ROUNDS; k++)
            assert_int_equal(racers[i].calls[k], 1);
        assert_int_equal(racers[i].codes[4], 0);
        assert_int_equal(racers[i].codes[3], racers[i].cancelled);
        refused += racers[i].refused;
        cancelled += racers[i].cancelled;
        expired += (size_t)racers[i].codes[1] + (size_t)racers[i].codes[2];
    }
    lesson_store_executor_figures figures = gate_figures(gated.executor);
    assert_int_equal(figures.accepted, THREADS * ROUNDS - refused);
    assert_int_equal(figures.completed, figures.accepted);
    assert_int_equal(figures.overloaded, refused);
    assert_int_equal(figures.cancelled, cancelled);
    assert_int_equal(figures.expired, expired);
    assert_int_equal(figures.pending, 0);
    assert_true(expired > 0);
    gated_close(&gated);
}

struct slow_callback {
    atomic_bool called;
    atomic_bool may_return;
};

static void be_slow(const lesson_store_operation *operation, void *context) {
    const struct timespec pause = {.tv_nsec = 100 * 1000};
    struct slow_callback *slow = context;
    (void)operation;
    atomic_store(&slow->called, true);
    while (!atomic_load(&slow->may_return))
        nanosleep(&pause, NULL);
}

/* Neither a deadline that passes while the callback runs, nor one that was submitted meanwhile. */
static void a_slow_callback_delays_no_deadline(void **state) {
    (void)state;
    struct gated gated = gated_open(1, 8, 8);
    struct slow_callback slow = {false, false};
    struct witness first = {0}, queued = {0}, later = {0};
    lesson_store_completion_queue *queue;
    lesson_store_operation join = gate_join("u", "l");
    assert_int_equal(lesson_store_executor_add_queue(&queue, gated.executor), LESSON_STORE_OK);
    occupy(&gated, &first);
    gate_submit(gated.executor, &join, 20, queue, &queued);
    assert_int_equal(lesson_store_executor_submit(gated.executor, &join, 1, NULL, be_slow, &slow, NULL),
                     LESSON_STORE_OK);
    while (!atomic_load(&slow.called))
        ;
    gate_submit(gated.executor, &join, 1, queue, &later);
    drain_until_called(queue, &queued); /* would never return otherwise */
    drain_until_called(queue, &later);
    assert_int_equal(queued.code, LESSON_STORE_EXPIRED);
    assert_int_equal(later.code, LESSON_STORE_EXPIRED);
    atomic_store(&slow.may_return, true);
    gate_open();
    assert_int_equal(lesson_store_executor_stop(gated.executor, 0), LESSON_STORE_OK);
    gated_close(&gated);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_too_long_expires),
        cmocka_unit_test(a_slow_callback_delays_no_deadline),
        cmocka_unit_test(what_runs_too_long_is_completed_at_its_time),
        cmocka_unit_test(what_has_run_too_long_gives_its_slot_back),
        cmocka_unit_test(a_late_answer_is_not_seen),
        cmocka_unit_test(a_deadline_that_is_kept_does_nothing),
        cmocka_unit_test(run_ends_at_its_time),
        cmocka_unit_test(what_waits_can_be_cancelled),
        cmocka_unit_test(what_has_begun_cannot_be_cancelled),
        cmocka_unit_test(cancelling_leaves_room_and_order),
        cmocka_unit_test(every_callback_is_called_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
