/*
 * The sqlite backend compared with raw prepared statements in the same transactions, and both compared with the
 * defaults of SQLite. Every side works on its own copy of one file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "measure.h"
#include "raw_sqlite.h"

#define LESSONS 1000
#define BATCH_MAX 1000
#define ROUNDS 5
#define PATH_SIZE (MEASURE_DIRECTORY_SIZE + 32)
#define ROW_GOAL 200000 /* rows that one round of listing reads in all */

/* Our defaults, and those of SQLite. */
static const char *const our_pragmas =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 10000;"
    "PRAGMA cache_size = -8192; PRAGMA trusted_schema = OFF";
static const char *const engine_pragmas = "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL";

/* What every side of a comparison does. */
typedef struct task {
    const char *work;
    void (*run)(void *side);
    const workload_join *joins; /* the users and, for joins, their lessons */
    size_t join_count;
    size_t batch;
    size_t repeats; /* of a list */
    bool added;     /* the joins add users, who are removed again before each round */
} task;

/* One side: one of our stores, or a raw connection. */
typedef struct party {
    char path[PATH_SIZE];
    lesson_store *store;
    raw_sqlite *raw;
    lesson_store_operation *operations; /* room for a batch */
    const workload *load;
    task job;
    workload_join *joins; /* a copy of the task's joins, turned before each round */
    size_t result;        /* must be the same on every side */
} party;

enum { OURS, RAW, ENGINE, OURS_FULL, SIDE_COUNT };

static const char *const names[SIDE_COUNT] = {"lessonstore", "raw", "sqlite-defaults", "lessonstore-full"};

typedef struct setting {
    char directory[MEASURE_DIRECTORY_SIZE];
    party sides[SIDE_COUNT]; /* the first two sides, or all */
    size_t side_count;
    workload load;
} setting;

/* ---- The files */

static lesson_store *open_store(const char *path, const char *options) {
    lesson_store *store;
    char location[PATH_SIZE + 64];
    snprintf(location, sizeof location, "sqlite:%s?pool=1%s", path, options);
    measure_must(lesson_store_open(&store, location) == LESSON_STORE_OK, "%s", lesson_store_message());
    return store;
}

static void make_first(const char *path, const workload_join *joins, size_t count) {
    lesson_store *store = open_store(path, "");
    workload_put(store, joins, count);
    lesson_store_close(store);
}

/* The first file is closed, so it is complete without its WAL. */
static void copy_first(const char *from, const char *to) {
    char sql[2 * PATH_SIZE];
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", to);
    raw_sqlite_execute(from, sql);
}

static void open_side(setting *all, size_t which, const char *first) {
    party *side = &all->sides[which];
    snprintf(side->path, sizeof side->path, "%s/%s.db", all->directory, names[which]);
    copy_first(first, side->path);
    if (which == OURS || which == OURS_FULL)
        side->store = open_store(side->path, which == OURS ? "" : "&synchronous=full");
    else
        side->raw = raw_sqlite_open(side->path, which == RAW ? our_pragmas : engine_pragmas);
    side->operations = malloc(BATCH_MAX * sizeof *side->operations);
    measure_must(side->operations, "no memory for a batch");
}

static setting set_up(const workload_join *joins, size_t count, workload load, size_t side_count) {
    setting all = {.load = load, .side_count = side_count};
    measure_make_directory(all.directory);
    char first[PATH_SIZE];
    snprintf(first, sizeof first, "%s/first.db", all.directory);
    make_first(first, joins, count);
    for (size_t i = 0; i < side_count; i++)
        open_side(&all, i, first);
    unlink(first);
    return all;
}

static void clear_up(setting *all) {
    for (size_t i = 0; i < all->side_count; i++) {
        party *side = &all->sides[i];
        lesson_store_close(side->store);
        if (side->raw)
            raw_sqlite_close(side->raw);
        free(side->operations);
        unlink(side->path);
    }
    rmdir(all->directory);
    workload_free(&all->load);
}

static void remove_added(const party *side) {
    raw_sqlite_execute(side->path, "DELETE FROM users WHERE uid >= 'new-' AND uid < 'new.'");
}

/* Each round begins with an empty WAL, so that all have the same number of checkpoints. */
static void prepare(void *context) {
    party *side = context;
    workload_turn(side->load, side->joins, side->job.join_count);
    if (side->job.added)
        remove_added(side);
    raw_sqlite_execute(side->path, "PRAGMA wal_checkpoint(TRUNCATE)");
}

/* ---- The work */

static void run_batch(party *side, size_t count) {
    measure_must(lesson_store_batch(side->store, side->operations, count) == LESSON_STORE_OK, "%s",
                 lesson_store_message());
}

static size_t join_batch(party *side, const workload_join *joins, size_t count) {
    if (side->raw)
        return raw_sqlite_join(side->raw, joins, count);
    size_t moved = 0;
    for (size_t i = 0; i < count; i++)
        side->operations[i] = workload_operation(&joins[i]);
    run_batch(side, count);
    for (size_t i = 0; i < count; i++) {
        measure_must(side->operations[i].code == LESSON_STORE_OK, "%s", lesson_store_message());
        moved += side->operations[i].arrival == LESSON_STORE_ARRIVAL_MOVED;
    }
    return moved;
}

static void run_joins(void *context) {
    party *side = context;
    size_t moved = 0;
    for (size_t first = 0; first < side->job.join_count; first += side->job.batch)
        moved += join_batch(side, side->joins + first, side->job.batch);
    side->result = moved;
}

static void run_where(void *context) {
    party *side = context;
    lesson_store_place place;
    size_t found = 0;
    for (size_t i = 0; i < side->job.join_count; i++) {
        lesson_store_id uid = side->joins[i].uid;
        found += side->raw ? raw_sqlite_where(side->raw, uid, &place)
                           : lesson_store_where(side->store, uid.data, &place) == LESSON_STORE_OK;
    }
    side->result = found;
}

static size_t where_batch(party *side, const workload_join *joins, size_t count) {
    lesson_store_id uids[BATCH_MAX];
    lesson_store_place places[BATCH_MAX];
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        uids[i] = joins[i].uid;
    if (side->raw)
        return raw_sqlite_where_all(side->raw, uids, count);
    for (size_t i = 0; i < count; i++) {
        side->operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_WHERE};
        side->operations[i].uid = uids[i];
        side->operations[i].place = &places[i];
    }
    run_batch(side, count);
    for (size_t i = 0; i < count; i++)
        found += side->operations[i].code == LESSON_STORE_OK;
    return found;
}

static void run_where_batches(void *context) {
    party *side = context;
    size_t found = 0;
    for (size_t first = 0; first < side->job.join_count; first += side->job.batch)
        found += where_batch(side, side->joins + first, side->job.batch);
    side->result = found;
}

static bool add_size(const lesson_store_id *uid, void *context) {
    *(size_t *)context += uid->size;
    return true;
}

static void run_members(void *context) {
    party *side = context;
    size_t sum = 0;
    for (size_t i = 0; i < side->job.repeats; i++) {
        if (side->raw)
            sum += raw_sqlite_members(side->raw, side->load->lessons[0]);
        else
            measure_must(lesson_store_members(side->store, side->load->lessons[0].data, add_size, &sum) ==
                             LESSON_STORE_OK,
                         "%s", lesson_store_message());
    }
    side->result = sum;
}

/* ---- Comparing */

static void give(party *side, const task *job) {
    side->job = *job;
    side->joins = malloc((job->join_count + 1) * sizeof *side->joins);
    measure_must(side->joins, "no memory for %zu joins", job->join_count);
    if (job->join_count)
        memcpy(side->joins, job->joins, job->join_count * sizeof *side->joins);
}

/* The first `side_count` sides run the task. */
static void compare(const benchmark *bench, setting *all, task job, uint64_t size, uint64_t operations,
                    size_t side_count) {
    measure_variant variants[SIDE_COUNT] = {{.name = NULL}};
    for (size_t i = 0; i < side_count; i++) {
        all->sides[i].load = &all->load;
        give(&all->sides[i], &job);
        variants[i] = (measure_variant){names[i], prepare, job.run, &all->sides[i], NULL};
    }
    measure_compare(bench, job.work, size, operations, variants, side_count);
    for (size_t i = 0; i < side_count; i++) {
        measure_must(all->sides[i].result == all->sides[0].result, "%s: %s has another result: %zu, %zu", job.work,
                     names[i], all->sides[i].result, all->sides[0].result);
        free(all->sides[i].joins);
    }
}

static void compare_moves(const benchmark *bench, setting *all, size_t batch, size_t count, size_t side_count) {
    char work[32];
    snprintf(work, sizeof work, "join-move-%zu", batch);
    workload_join *joins = workload_moves(&all->load, count, 2);
    compare(bench, all, (task){work, run_joins, joins, count, batch, 0, false}, all->load.user_count, count,
            side_count);
    measure_must(all->sides[OURS].result > count / 100 * 99, "most joins were not moves");
    free(joins);
}

static void compare_new(const benchmark *bench, setting *all, size_t batch, size_t count) {
    char work[32];
    snprintf(work, sizeof work, "join-new-%zu", batch);
    lesson_store_id *uids = workload_ids("new-", count);
    workload_join *joins = workload_moves(&all->load, count, 3);
    workload_shuffle(uids, count, 4);
    for (size_t i = 0; i < count; i++)
        joins[i].uid = uids[i];
    compare(bench, all, (task){work, run_joins, joins, count, batch, 0, true}, all->load.user_count, count, 2);
    measure_must(all->sides[OURS].result == 0, "some joins were moves");
    remove_added(&all->sides[OURS]);
    remove_added(&all->sides[RAW]);
    free(joins);
    workload_free_ids(uids);
}

static void compare_where(const benchmark *bench, setting *all, size_t count) {
    workload_join *joins = workload_moves(&all->load, count, 5);
    size_t users = all->load.user_count;
    compare(bench, all, (task){"where", run_where, joins, count, 1, 0, false}, users, count, 2);
    compare(bench, all, (task){"where-1000", run_where_batches, joins, count, BATCH_MAX, 0, false}, users, count, 2);
    measure_must(all->sides[OURS].result == count, "a user was not found");
    free(joins);
}

/* ---- The parts */

static void measure_users(const benchmark *bench, size_t users) {
    workload load = workload_make(users, LESSONS);
    workload_join *joins = workload_fill(&load);
    bool every_batch = users == measure_size(bench, 100000, 2000);
    setting all = set_up(joins, users, load, every_batch ? SIDE_COUNT : 2);
    free(joins);
    compare_where(bench, &all, measure_size(bench, 100000, 2000));
    compare_moves(bench, &all, 1, measure_size(bench, 6000, 20), 2);
    if (every_batch) {
        compare_moves(bench, &all, 64, measure_size(bench, 200 * 64, 64), 2);
        compare_new(bench, &all, 1, measure_size(bench, 6000, 20));
        compare_new(bench, &all, 64, measure_size(bench, 200 * 64, 64));
        compare_new(bench, &all, 1000, measure_size(bench, 20000, 1000));
    }
    compare_moves(bench, &all, 1000, measure_size(bench, 20000, 1000), all.side_count);
    clear_up(&all);
}

/* One lesson with this many members, among others of the same size. */
static void measure_members(const benchmark *bench, size_t members) {
    size_t users = 2 * members;
    workload load = workload_make(users, LESSONS);
    workload_join *joins = workload_fill(&load);
    for (size_t i = 0; i < users; i++) {
        if (i % 2 == 0)
            joins[i].lesson_id = load.lessons[0];
        else if (joins[i].lesson_id.data == load.lessons[0].data)
            joins[i].lesson_id = load.lessons[1];
    }
    setting all = set_up(joins, users, load, 2);
    free(joins);
    size_t repeats = measure_size(bench, ROW_GOAL, 0) / members + 1;
    compare(bench, &all, (task){"members", run_members, NULL, 0, 0, repeats, false}, members, repeats * members, 2);
    measure_must(all.sides[OURS].result == repeats * members * load.users[0].size, "not every member was listed");
    clear_up(&all);
}

int main(int argc, char **argv) {
    benchmark bench = measure_begin("sqlite", argc, argv);
    measure_pin();
    if (!bench.brief)
        bench.rounds = ROUNDS;
    if (bench.brief) {
        measure_users(&bench, 2000);
        measure_members(&bench, 100);
        return 0;
    }
    measure_users(&bench, 10000);
    measure_users(&bench, 100000);
    measure_users(&bench, 1000000);
    measure_members(&bench, 30);
    measure_members(&bench, 1000);
    measure_members(&bench, 100000);
    return 0;
}
