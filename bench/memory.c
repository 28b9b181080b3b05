/*
 * The memory backend compared with loops written by hand (references.h): the CPU time of an operation, the memory of a
 * user, the allocations in a steady state, and the speed of listing a lesson's members.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "allocations.h"
#include "measure.h"
#include "references.h"

#define LESSONS 1000
#define BATCH 64
#define MOVES_MAX 50000
#define EACH_ONCE_MAX 1000000 /* users; drawing others before each round would take longer than the measured work */
#define ROUNDS 11
#define MEMBERS_GOAL 500000 /* members that one round of listing gives in all */

#define REQUEST_ID_SIZE 32

/* The ids of an operation as a server has them: in one piece, and just read. So no side waits for the memory of the
 * benchmark's own input. */
typedef struct request {
    char uid[REQUEST_ID_SIZE];
    char lesson_id[REQUEST_ID_SIZE];
} request;

/* One side: our store, or the table of a reference. */
typedef struct party {
    lesson_store *store;
    const reference *reference;
    void *table;
    const workload *load;
    workload_join *joins; /* its work; its own copy, because the joins are turned */
    request *requests;    /* their ids, in the same block */
    size_t join_count;
    uint64_t seed;
    size_t found;
} party;

enum { OURS, BEST, PLAIN, LIMIT, SIDE_COUNT };

static const reference *const references[SIDE_COUNT] = {NULL, &uthash_best, &uthash_plain, &open_addressing};

static const char *name_of(const party *side) {
    return side->reference ? side->reference->name : "lessonstore";
}

/* ---- The work as data */

static void take_joins(party *side, workload_join *joins, size_t count) {
    side->join_count = count;
    side->joins = malloc(count * (sizeof *side->joins + sizeof *side->requests));
    measure_must(side->joins, "no memory for %zu joins", count);
    side->requests = (request *)(side->joins + count);
    for (size_t i = 0; i < count; i++) {
        side->joins[i] = joins[i];
        reference_copy(side->requests[i].uid, joins[i].uid.data, joins[i].uid.size);
        reference_copy(side->requests[i].lesson_id, joins[i].lesson_id.data, joins[i].lesson_id.size);
        side->joins[i].uid.data = side->requests[i].uid;
        side->joins[i].lesson_id.data = side->requests[i].lesson_id;
    }
    free(joins);
}

/* Moves each join on by this many lessons, so that the second round also consists of moves. */
static void turn(party *side, size_t lessons) {
    for (size_t i = 0; i < side->join_count; i++) {
        workload_join *join = &side->joins[i];
        join->lesson = (uint32_t)((join->lesson + lessons) % side->load->lesson_count);
        const lesson_store_id lesson = side->load->lessons[join->lesson];
        reference_copy(side->requests[i].lesson_id, lesson.data, lesson.size);
    }
}

/* Users without repetition, for work that finds each of them once. */
static workload_join *some_users(const workload *load, size_t count, uint64_t seed) {
    workload_join *joins = workload_fill(load);
    for (size_t i = 0; i < count; i++) {
        size_t other = i + random_below(&seed, load->user_count - i);
        workload_join join = joins[i];
        joins[i] = joins[other];
        joins[other] = join;
    }
    return joins;
}

/* Draws other users for the next round; the same ones on every side. */
static void redraw(party *side) {
    size_t count = side->join_count;
    free(side->joins);
    take_joins(side, some_users(side->load, count, ++side->seed), count);
}

/* ---- The work of each side */

static size_t join_all(party *side) {
    if (side->reference)
        return side->reference->join(side->table, side->joins, side->join_count);
    for (size_t i = 0; i < side->join_count; i++)
        lesson_store_join(side->store, side->joins[i].uid.data, side->joins[i].course_id.data,
                          side->joins[i].lesson_id.data, NULL, 0, NULL);
    return side->join_count;
}

static size_t quit_all(party *side) {
    if (side->reference)
        return side->reference->quit(side->table, side->joins, side->join_count);
    size_t found = 0;
    for (size_t i = 0; i < side->join_count; i++)
        found += lesson_store_quit(side->store, side->joins[i].uid.data, NULL, NULL, NULL) == LESSON_STORE_OK;
    return found;
}

static size_t where_all(party *side) {
    if (side->reference)
        return side->reference->where(side->table, side->joins, side->join_count);
    size_t found = 0;
    lesson_store_place place;
    for (size_t i = 0; i < side->join_count; i++)
        found += lesson_store_where(side->store, side->joins[i].uid.data, &place) == LESSON_STORE_OK;
    return found;
}

static void run_join(void *context) {
    party *side = context;
    side->found = join_all(side);
}

static void run_quit(void *context) {
    party *side = context;
    side->found = quit_all(side);
}

static void run_where(void *context) {
    party *side = context;
    side->found = where_all(side);
}

static void run_batches(void *context) {
    party *side = context;
    lesson_store_operation operations[BATCH];
    for (size_t first = 0; first + BATCH <= side->join_count; first += BATCH) {
        for (size_t i = 0; i < BATCH; i++)
            operations[i] = workload_operation(&side->joins[first + i]);
        measure_must(lesson_store_batch(side->store, operations, BATCH) == LESSON_STORE_OK, "%s",
                     lesson_store_message());
    }
    side->found = side->join_count / BATCH * BATCH;
}

static void prepare_move(void *context) {
    turn(context, 1);
}

/* Draws other users and removes them, so that the round joins users who are not in the store. They differ in each
 * round, because a user who quits has usually been there for long. */
static void prepare_absence(void *context) {
    party *side = context;
    redraw(side);
    quit_all(side);
}

static void prepare_presence(void *context) {
    party *side = context;
    join_all(side);
    redraw(side);
}

/* ---- Comparing */

static void fill_with(party *side, const workload *load, workload_join *joins) {
    side->load = load;
    if (side->reference) {
        side->table = side->reference->open();
    } else {
        measure_must(lesson_store_open(&side->store, "memory:") == LESSON_STORE_OK, "%s", lesson_store_message());
        for (size_t i = 0; i < load->lesson_count; i++)
            lesson_store_create(side->store, load->lessons[i].data, 0);
    }
    side->joins = joins;
    side->join_count = load->user_count;
    join_all(side);
    free(joins);
}

static void fill(party *side, const workload *load) {
    fill_with(side, load, workload_fill(load));
}

/* Gives every lesson the same number of members. */
static void fill_evenly(party *side, const workload *load) {
    workload_join *joins = workload_fill(load);
    for (size_t i = 0; i < load->user_count; i++)
        joins[i].lesson_id = load->lessons[i % load->lesson_count];
    fill_with(side, load, joins);
}

static void empty(party *side) {
    if (side->reference)
        side->reference->close(side->table);
    lesson_store_close(side->store);
}

typedef struct task {
    const char *work;
    void (*prepare)(void *side);
    void (*run)(void *side);
    bool each_once;
    size_t expected; /* users that are found: 0 or all */
} task;

static void give_joins(party *side, const task *job, size_t count, uint64_t seed) {
    workload_join *joins =
        job->each_once ? some_users(side->load, count, seed) : workload_moves(side->load, count, seed);
    take_joins(side, joins, count);
    side->seed = seed;
}

static void compare(const benchmark *bench, party *sides, const task *job, size_t count) {
    measure_variant variants[SIDE_COUNT];
    for (size_t i = 0; i < SIDE_COUNT; i++) {
        give_joins(&sides[i], job, count, 11);
        variants[i] = (measure_variant){name_of(&sides[i]), job->prepare, job->run, &sides[i], NULL};
    }
    measure_compare(bench, job->work, sides[OURS].load->user_count, count, variants, SIDE_COUNT);
    for (size_t i = 0; i < SIDE_COUNT; i++) {
        measure_must(i == OURS || sides[i].found == job->expected * count, "%s: %s found %zu of %zu", job->work,
                     name_of(&sides[i]), sides[i].found, count);
        free(sides[i].joins);
    }
}

/* Compares moves in batches with single moves, both in our store. */
static void compare_batches(const benchmark *bench, party *ours, size_t count) {
    const task job = {"batch-64", prepare_move, run_batches, false, 1};
    party batches = *ours, singles = *ours;
    give_joins(&batches, &job, count, 13);
    give_joins(&singles, &job, count, 17);
    const measure_variant variants[] = {{"lessonstore", prepare_move, run_batches, &batches, NULL},
                                        {"lessonstore-single", prepare_move, run_join, &singles, NULL}};
    measure_compare(bench, "batch-64", ours->load->user_count, count, variants, 2);
    free(batches.joins);
    free(singles.joins);
}

/* ---- The same with other work between the operations, as every server has. In a bare loop, if the code of an
 * operation is short enough, a processor begins to wait for the memory of the next operation while it still waits for
 * that of the current one. Reading a request and writing its answer in between prevents that. */

#define OTHER_WORK_STEPS 25 /* about 100 ns */

static __attribute__((noinline)) void do_other_work(uint64_t *state) {
    for (int i = 0; i < OTHER_WORK_STEPS; i++)
        *state ^= random_next(state);
}

static void run_apart(party *side, size_t (*run)(party *)) {
    party one = *side;
    uint64_t state = 1;
    one.join_count = 1;
    for (size_t i = 0; i < side->join_count; i++, one.joins++) {
        do_other_work(&state);
        if (run)
            run(&one);
    }
    side->found = state != 0;
}

static void run_move_apart(void *context) {
    run_apart(context, join_all);
}

static void run_where_apart(void *context) {
    run_apart(context, where_all);
}

static void run_quit_apart(void *context) {
    run_apart(context, quit_all);
}

static void run_nothing_apart(void *context) {
    run_apart(context, NULL);
}

static void compare_apart(const benchmark *bench, party *sides, size_t count, size_t some) {
    static const task jobs[] = {{"join-move-apart", prepare_move, run_move_apart, false, 1},
                                {"where-apart", NULL, run_where_apart, false, 1},
                                {"quit-apart", prepare_presence, run_quit_apart, true, 1}};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        measure_variant variants[3];
        for (size_t side = OURS; side <= BEST; side++) {
            give_joins(&sides[side], &jobs[i], jobs[i].each_once ? some : count, 31);
            variants[side] = (measure_variant){name_of(&sides[side]), jobs[i].prepare, jobs[i].run, &sides[side], NULL};
        }
        variants[2] = (measure_variant){"other-work", NULL, run_nothing_apart, &sides[OURS], NULL};
        measure_compare(bench, jobs[i].work, sides[OURS].load->user_count, sides[OURS].join_count, variants, 3);
        free(sides[OURS].joins);
        free(sides[BEST].joins);
    }
}

static void measure_latency(const benchmark *bench, party *ours, size_t count) {
    const task job = {"join-move", NULL, NULL, false, 1};
    give_joins(ours, &job, count, 19);
    histogram latency = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        const workload_join *join = &ours->joins[i];
        uint64_t began = measure_wall_ns();
        lesson_store_join(ours->store, join->uid.data, join->course_id.data, join->lesson_id.data, NULL, 0, NULL);
        histogram_record(&latency, measure_wall_ns() - began);
    }
    measure_print_latency(bench, "join-move", "lessonstore", ours->load->user_count, &latency);
    free(ours->joins);
}

/* ---- Allocations in a steady state: every user does again what was done before. */

static void move_there_and_back(void *context) {
    party *side = context;
    turn(side, 1);
    join_all(side);
    turn(side, side->load->lesson_count - 1);
    join_all(side);
}

static void quit_and_join(void *context) {
    quit_all(context);
    join_all(context);
}

static void measure_allocations(const benchmark *bench, party *ours, size_t count) {
    static const task jobs[] = {{"join-move", NULL, move_there_and_back, false, 1},
                                {"quit-join", NULL, quit_and_join, true, 0},
                                {"where", NULL, run_where, false, 1}};
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        give_joins(ours, &jobs[i], count, 23);
        jobs[i].run(ours);
        jobs[i].run(ours);
        allocations_count_begin();
        jobs[i].run(ours);
        allocation_figures figures = allocations_count_end();
        measure_print(bench, jobs[i].work, "lessonstore", ours->load->user_count, "allocations",
                      (double)figures.calls / (double)count, "an operation");
        free(ours->joins);
    }
}

static void measure_users(const benchmark *bench, size_t users) {
    static const task jobs[] = {
        {"join-move", prepare_move, run_join, false, 1},
        {"where", NULL, run_where, false, 1},
        {"quit", prepare_presence, run_quit, true, 1},
        {"join-new", prepare_absence, run_join, true, 0},
    };
    measure_log("memory: %zu users", users);
    workload load = workload_make(users, LESSONS);
    party sides[SIDE_COUNT];
    for (size_t i = 0; i < SIDE_COUNT; i++) {
        sides[i] = (party){.reference = references[i]};
        fill(&sides[i], &load);
    }
    size_t moves = measure_size(bench, users < MOVES_MAX ? MOVES_MAX / 4 : MOVES_MAX, 1000);
    size_t some = users / 2 < MOVES_MAX ? users / 2 : MOVES_MAX;
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        if (!jobs[i].each_once || users <= EACH_ONCE_MAX)
            compare(bench, sides, &jobs[i], jobs[i].each_once ? some : moves);
    }
    if (users <= EACH_ONCE_MAX)
        compare_apart(bench, sides, moves, some);
    compare_batches(bench, &sides[OURS], moves);
    measure_latency(bench, &sides[OURS], moves);
    measure_allocations(bench, &sides[OURS], some);
    for (size_t i = 0; i < SIDE_COUNT; i++)
        empty(&sides[i]);
    workload_free(&load);
}

/* ---- Members: our list compared with the array of the best loop. Both are called through a pointer, with the same
 * callback. Users have moved before, so the members of a lesson are scattered in memory, as in a server. */

typedef struct listing {
    party side;
    lesson_store_id lesson_id;
    size_t repeats;
    size_t sum;
} listing;

static bool add_size(const lesson_store_id *uid, void *context) {
    *(size_t *)context += uid->size + (unsigned char)uid->data[uid->size - 1];
    return true;
}

static void list_members(void *context) {
    listing *list = context;
    list->sum = 0;
    for (size_t i = 0; i < list->repeats; i++)
        lesson_store_members(list->side.store, list->lesson_id.data, add_size, &list->sum);
}

static void walk_array(void *context) {
    listing *list = context;
    list->sum = 0;
    for (size_t i = 0; i < list->repeats; i++)
        list->side.reference->members(list->side.table, list->lesson_id, add_size, &list->sum);
}

static void measure_members(const benchmark *bench, size_t members) {
    measure_log("memory: a lesson of %zu members", members);
    size_t lessons = members < LESSONS ? LESSONS : 2;
    workload load = workload_make(members * lessons, lessons);
    workload_shuffle(load.users, load.user_count, 29);
    size_t repeats = measure_size(bench, MEMBERS_GOAL, members) / members;
    listing stream = {.lesson_id = load.lessons[0], .repeats = repeats};
    listing array = {.side.reference = &uthash_best, .lesson_id = load.lessons[0], .repeats = repeats};
    fill_evenly(&stream.side, &load);
    fill_evenly(&array.side, &load);
    const measure_variant variants[] = {{"lessonstore", NULL, list_members, &stream, NULL},
                                        {"array-walk", NULL, walk_array, &array, NULL}};
    measure_compare(bench, "members", members, repeats * members, variants, 2);
    measure_must(stream.sum == array.sum && stream.sum > members, "the members are not the same");
    empty(&stream.side);
    empty(&array.side);
    workload_free(&load);
}

/* ---- Memory: each side in its own process, so that none reuses memory of another. */

static void measure_bytes(const benchmark *bench, size_t users) {
    for (size_t i = 0; i < SIDE_COUNT; i++) {
        fflush(stdout);
        pid_t child = fork();
        measure_must(child >= 0, "no process could be made");
        if (child == 0) {
            workload load = workload_make(users, LESSONS);
            workload_join *touched = workload_fill(&load);
            free(touched);
            party side = {.reference = references[i]};
            uint64_t before = measure_resident_bytes();
            fill(&side, &load);
            measure_print(bench, "memory", name_of(&side), users, "bytes",
                          (double)(measure_resident_bytes() - before) / (double)users, "a user");
            fflush(stdout);
            _exit(0);
        }
        int status;
        measure_must(waitpid(child, &status, 0) == child && status == 0, "the process that was measured failed");
    }
}

int main(int argc, char **argv) {
    static const size_t users[] = {1000, 10000, 100000, 1000000, 5000000};
    static const size_t members[] = {1, 30, 1000, 100000};
    benchmark bench = measure_begin("memory", argc, argv);
    measure_pin();
    measure_bytes(&bench, measure_size(&bench, 1000000, 1000));
    bench.rounds = bench.brief ? bench.rounds : ROUNDS;
    for (size_t i = 0; i < measure_size(&bench, sizeof users / sizeof *users, 1); i++)
        measure_users(&bench, users[i]);
    for (size_t i = 0; i < measure_size(&bench, sizeof members / sizeof *members, 3); i++)
        measure_members(&bench, members[i]);
    return 0;
}
