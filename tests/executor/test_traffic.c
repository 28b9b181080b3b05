/* Threads and an event loop share an executor: checks every answer, every callback, and the final content of the store.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"

#include "engine.h"
#include "school.h"

enum { TEACHERS = 5, DEEDS = 1200, WINDOW = 100 };

typedef struct classroom {
    school_teacher teacher;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    school_deed deeds[DEEDS];
    size_t refused; /* submits that were OVERLOADED */
} classroom;

static int submit(classroom *room, school_deed *deed) {
    return lesson_store_executor_submit(room->executor, &deed->operation, 0, room->queue, school_check, deed, NULL);
}

/* Callbacks run in threads of the executor. */
static void *teach_with_callbacks(void *context) {
    classroom *room = context;
    for (int i = 0; i < DEEDS; i++) {
        school_plan(&room->teacher, &room->deeds[i]);
        while (submit(room, &room->deeds[i]) == LESSON_STORE_OVERLOADED) {
            room->refused++;
            sched_yield();
        }
    }
    return NULL;
}

static void *teach_one_by_one(void *context) {
    classroom *room = context;
    for (int i = 0; i < DEEDS; i++) {
        school_deed *deed = &room->deeds[i];
        school_plan(&room->teacher, deed);
        while (lesson_store_executor_run(room->executor, &deed->operation, 0) == LESSON_STORE_OVERLOADED) {
            room->refused++;
            sched_yield();
        }
        school_check(&deed->operation, deed);
    }
    return NULL;
}

/* An event loop with up to WINDOW operations pending. */
static void *teach_in_a_loop(void *context) {
    classroom *room = context;
    struct pollfd pollfd = {.fd = lesson_store_completion_queue_descriptor(room->queue), .events = POLLIN};
    int planned = 0, submitted = 0, completed = 0;
    while (completed < DEEDS) {
        for (; submitted < DEEDS && submitted - completed < WINDOW; submitted++) {
            if (planned == submitted)
                school_plan(&room->teacher, &room->deeds[planned++]);
            if (submit(room, &room->deeds[submitted]) == LESSON_STORE_OVERLOADED)
                break;
        }
        if (submitted == completed) { /* the others have taken all the room */
            sched_yield();
            continue;
        }
        poll(&pollfd, 1, -1);
        completed += (int)lesson_store_completion_queue_drain(room->queue, (size_t)(completed % 3));
    }
    return NULL;
}

static void check_deeds(const classroom *room) {
    for (int i = 0; i < DEEDS; i++) {
        assert_int_equal(room->deeds[i].calls, 1);
        assert_int_equal(room->deeds[i].wrong, 0);
    }
}

static void teach(uint32_t lanes) {
    static void *(*const ways[TEACHERS])(void *) = {teach_with_callbacks, teach_with_callbacks, teach_one_by_one,
                                                    teach_one_by_one, teach_in_a_loop};
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    lesson_store *store = engine_open();
    lesson_store_executor *executor;
    classroom *rooms = calloc(TEACHERS, sizeof *rooms);
    school_teacher teachers[TEACHERS];
    pthread_t threads[TEACHERS];
    size_t refused = 0;
    assert_non_null(rooms);
    options.lanes = lanes;
    options.pending_max = 200;
    options.batch_max = 64;
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    for (int i = 0; i < TEACHERS; i++) {
        school_teacher_begin(&rooms[i].teacher, i);
        rooms[i].executor = executor;
        if (ways[i] == teach_in_a_loop)
            assert_int_equal(lesson_store_executor_add_queue(&rooms[i].queue, executor), LESSON_STORE_OK);
        assert_int_equal(pthread_create(&threads[i], NULL, ways[i], &rooms[i]), 0);
    }
    for (int i = 0; i < TEACHERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(lesson_store_executor_stop(executor, 0), LESSON_STORE_OK);
    for (int i = 0; i < TEACHERS; i++) {
        check_deeds(&rooms[i]);
        teachers[i] = rooms[i].teacher;
        refused += rooms[i].refused;
    }
    lesson_store_executor_figures figures = LESSON_STORE_EXECUTOR_FIGURES_INIT;
    lesson_store_executor_read_figures(executor, &figures);
    assert_int_equal(figures.accepted, TEACHERS * DEEDS);
    assert_int_equal(figures.completed, TEACHERS * DEEDS);
    assert_true(figures.overloaded >= refused);
    assert_true(figures.largest_batch <= 64 && figures.batches < figures.accepted);
    lesson_store_executor_close(executor);
    school_compare(store, teachers, TEACHERS);
    engine_close(store);
    free(rooms);
}

static void one_lane(void **state) {
    (void)state;
    teach(1);
}

static void several_lanes(void **state) {
    (void)state;
    teach(4);
}

int main(int argc, char **argv) {
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_lane),
        cmocka_unit_test(several_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
