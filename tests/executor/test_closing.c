/* Stopping an executor while threads keep submitting: no operation is lost or completed twice, and the store agrees
 * with the completions. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"

#include "engine.h"
#include "school.h"

enum { CROWD = 4, MOVES_MAX = 200000, ENOUGH = 1000 };

/* A user who is moved from lesson to lesson until the executor is closed. */
struct mover {
    int number;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue; /* or NULL */
    unsigned char *calls;                 /* of the callback of each move */
    size_t accepted;
    atomic_size_t called;
    size_t last_done; /* the last move that was OK, from 1; 0: none */
    atomic_size_t cancelled;
    atomic_int wrong;
    int end_code; /* the code that ended the moving */
};

struct move {
    struct mover *mover;
    size_t number; /* from 1 */
};

static void see_move(const lesson_store_operation *operation, void *context) {
    struct move *moved = context;
    struct mover *mover = moved->mover;
    mover->calls[moved->number - 1]++;
    if (operation->code == LESSON_STORE_OK)
        mover->last_done = moved->number > mover->last_done ? moved->number : mover->last_done;
    else if (operation->code == LESSON_STORE_CANCELLED)
        atomic_fetch_add(&mover->cancelled, 1);
    else
        atomic_fetch_add(&mover->wrong, 1);
    atomic_fetch_add(&mover->called, 1);
}

static void name_move(char lesson_id[32], size_t number) {
    school_name_shared(lesson_id, (int)(number % SCHOOL_SHARED));
}

static int submit_move(struct mover *mover, struct move *moved) {
    char uid[32], lesson_id[32];
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN};
    school_name_user(uid, mover->number, 0);
    name_move(lesson_id, moved->number);
    join.uid = lesson_store_id_of(uid);
    join.course_id = lesson_store_id_of("course");
    join.lesson_id = lesson_store_id_of(lesson_id);
    return lesson_store_executor_submit(mover->executor, &join, 0, mover->queue, see_move, moved, NULL);
}

static void *move_on(void *context) {
    struct mover *mover = context;
    struct move *moves = calloc(MOVES_MAX, sizeof *moves);
    while (moves && mover->accepted < MOVES_MAX) {
        moves[mover->accepted] = (struct move){mover, mover->accepted + 1};
        int code = submit_move(mover, &moves[mover->accepted]);
        mover->accepted += code == LESSON_STORE_OK;
        mover->end_code = code;
        if (code != LESSON_STORE_OK && code != LESSON_STORE_OVERLOADED)
            break;
        if (mover->queue)
            lesson_store_completion_queue_drain(mover->queue, 0);
        else if (code)
            sched_yield();
    }
    /* Drains what is in the queue, and what is still on its way to it. */
    struct pollfd pollfd = {.fd = mover->queue ? lesson_store_completion_queue_descriptor(mover->queue) : -1,
                            .events = POLLIN};
    while (mover->queue && mover->called < mover->accepted) {
        poll(&pollfd, 1, -1);
        lesson_store_completion_queue_drain(mover->queue, 0);
    }
    while (mover->called < mover->accepted)
        sched_yield();
    free(moves);
    return NULL;
}

static void check_mover(lesson_store *store, const struct mover *mover) {
    char uid[32], lesson_id[32] = "";
    lesson_store_place place = {.lesson_id = ""};
    assert_true(mover->end_code == LESSON_STORE_CLOSED || mover->accepted == MOVES_MAX);
    assert_int_equal(mover->called, mover->accepted);
    assert_int_equal(mover->wrong, 0);
    for (size_t i = 0; i < MOVES_MAX; i++)
        assert_int_equal(mover->calls[i], i < mover->accepted);
    school_name_user(uid, mover->number, 0);
    if (mover->last_done > 0)
        name_move(lesson_id, mover->last_done);
    assert_int_equal(lesson_store_where(store, uid, &place),
                     mover->last_done > 0 ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
    assert_string_equal(place.lesson_id, lesson_id);
}

static void wait_for_traffic(lesson_store_executor *executor) {
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    while (figures.completed < ENOUGH) {
        sched_yield();
        lesson_store_executor_read_figures(executor, &figures);
    }
}

static void close_under_load(uint32_t flags) {
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    lesson_store *store = engine_open();
    lesson_store_executor *executor;
    static struct mover movers[CROWD];
    pthread_t threads[CROWD];
    memset(movers, 0, sizeof movers);
    options.lanes = 2;
    options.pending_max = 500;
    options.batch_max = 50;
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    for (int i = 0; i < CROWD; i++) {
        movers[i].number = i;
        movers[i].executor = executor;
        movers[i].calls = calloc(MOVES_MAX, 1);
        assert_non_null(movers[i].calls);
        if (i % 2)
            assert_int_equal(lesson_store_executor_add_queue(&movers[i].queue, executor), LESSON_STORE_OK);
        assert_int_equal(pthread_create(&threads[i], NULL, move_on, &movers[i]), 0);
    }
    wait_for_traffic(executor);
    assert_int_equal(lesson_store_executor_stop(executor, flags), LESSON_STORE_OK);
    size_t accepted = 0, cancelled = 0;
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
        accepted += movers[i].accepted;
        cancelled += movers[i].cancelled;
    }
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    lesson_store_executor_read_figures(executor, &figures);
    assert_int_equal(figures.accepted, accepted);
    assert_int_equal(figures.completed, accepted);
    assert_int_equal(figures.cancelled, cancelled);
    assert_true(flags || cancelled == 0);
    lesson_store_executor_close(executor);
    for (int i = 0; i < CROWD; i++) {
        check_mover(store, &movers[i]);
        free(movers[i].calls);
    }
    engine_close(store);
}

static void what_waits_is_run(void **state) {
    (void)state;
    close_under_load(0);
}

static void what_waits_is_cancelled(void **state) {
    (void)state;
    close_under_load(LESSON_STORE_STOP_CANCEL);
}

int main(int argc, char **argv) {
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_run),
        cmocka_unit_test(what_waits_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
