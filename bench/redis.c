/*
 * The redis backend compared with hand-written EVALSHA through hiredis, with redis-benchmark, and with the Python
 * classes that it replaces. All use one server and one vCPU, each with a database of its own. Batches are also measured
 * unpinned, because there the work of a side while its requests are under way counts too.
 */
#include <stdio.h>
#include <stdlib.h>

#include "allocations.h"
#include "measure.h"
#include "python_way.h"
#include "raw_redis.h"
#include "redis_benchmark.h"
#include "redis_server.h"

#define LESSONS 1000
#define BATCH_MAX 1024
#define RANGE 316         /* of redis-benchmark: about 100,000 users */
#define LATENCY_TURN 1000 /* calls of one side before the other side's turn */

enum { DATABASE_OURS, DATABASE_RAW, DATABASE_PYTHON, DATABASE_TOOL };

typedef struct setting {
    redis_server *server;
    lesson_store *store;
    lesson_store *store_at_once; /* lists any lesson by one command */
    raw_redis *raw;
    raw_redis *python_data; /* fills the database that Python works on */
    raw_redis *tool_data;
    python_way *python;
    workload load;
} setting;

/* The data that one way works on in its rounds. */
typedef struct share {
    setting *all;
    workload_join *joins; /* its own copy, turned before each round */
    size_t join_count;
    size_t batch;
    double wall_ns; /* the time that redis-benchmark reports */
    size_t result;  /* users moved or found, or bytes listed */
} share;

/* One of the ways to do the work. */
typedef struct way {
    const char *name;
    void (*prepare)(void *share);
    void (*run)(void *share);
} way;

/* ---- The server and its data */

static lesson_store *open_store(const redis_server *server, const char *options) {
    lesson_store *store;
    char location[256];
    snprintf(location, sizeof location, "%s?pool=1%s", redis_server_unix_location(server), options);
    measure_must(lesson_store_open(&store, location) == LESSON_STORE_OK, "%s", lesson_store_message());
    return store;
}

static void open_stores(setting *all) {
    all->store = open_store(all->server, "");
    all->store_at_once = open_store(all->server, "&members_at_once=100000");
}

static setting set_up(benchmark *bench) {
    setting all = {.server = redis_server_start(NULL)};
    measure_must(all.server, "no Redis server");
    const char *socket = redis_server_socket(all.server);
    open_stores(&all);
    all.raw = raw_redis_open(socket, DATABASE_RAW);
    all.python_data = raw_redis_open(socket, DATABASE_PYTHON);
    all.tool_data = raw_redis_open(socket, DATABASE_TOOL);
    all.python = python_way_start(socket, DATABASE_PYTHON);
    measure_watch(bench, redis_server_pid(all.server));
    measure_add_helper(bench, python_way_pid(all.python));
    return all;
}

static void clear_up(setting *all) {
    python_way_stop(all->python);
    raw_redis_close(all->tool_data);
    raw_redis_close(all->python_data);
    raw_redis_close(all->raw);
    lesson_store_close(all->store_at_once);
    lesson_store_close(all->store);
    redis_server_stop(all->server);
}

/* Puts the same users into our database and that of EVALSHA, and on request into the others. */
static void fill(setting *all, workload load, bool for_all) {
    measure_log("redis: filling in %zu users", load.user_count);
    raw_redis_command(all->raw, "FLUSHALL");
    all->load = load;
    workload_join *joins = workload_fill(&load);
    workload_put(all->store, joins, load.user_count);
    raw_redis_put(all->raw, joins, load.user_count);
    if (for_all) {
        raw_redis_put(all->python_data, joins, load.user_count);
        raw_redis_put(all->tool_data, joins, load.user_count);
    }
    free(joins);
}

/* ---- Before a round */

static void turn(void *context) {
    share *mine = context;
    workload_turn(&mine->all->load, mine->joins, mine->join_count);
}

static void turn_python(void *context) {
    share *mine = context;
    turn(mine);
    python_way_give(mine->all->python, mine->joins, mine->join_count);
}

static void put_back_ours(void *context) {
    share *mine = context;
    workload_put(mine->all->store, mine->joins, mine->join_count);
}

static void put_back_raw(void *context) {
    share *mine = context;
    raw_redis_put(mine->all->raw, mine->joins, mine->join_count);
}

static void put_back_python(void *context) {
    share *mine = context;
    raw_redis_put(mine->all->python_data, mine->joins, mine->join_count);
    python_way_give(mine->all->python, mine->joins, mine->join_count);
}

/* ---- Single calls */

static bool join_ours(lesson_store *store, const workload_join *join) {
    lesson_store_place before;
    int code = lesson_store_join(store, join->uid.data, join->course_id.data, join->lesson_id.data, NULL, 0, &before);
    measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
    return before.lesson_id[0] && strcmp(before.lesson_id, join->lesson_id.data) != 0;
}

static void run_join_ours(void *context) {
    share *mine = context;
    for (size_t i = 0; i < mine->join_count; i++)
        mine->result += join_ours(mine->all->store, &mine->joins[i]);
}

static void run_join_raw(void *context) {
    share *mine = context;
    for (size_t i = 0; i < mine->join_count; i++)
        mine->result += raw_redis_join(mine->all->raw, &mine->joins[i]);
}

static void run_join_python(void *context) {
    share *mine = context;
    mine->result += python_way_do(mine->all->python, "join");
}

static void run_quit_ours(void *context) {
    share *mine = context;
    for (size_t i = 0; i < mine->join_count; i++)
        mine->result += lesson_store_quit(mine->all->store, mine->joins[i].uid.data, NULL, NULL, NULL) == 0;
}

static void run_quit_raw(void *context) {
    share *mine = context;
    for (size_t i = 0; i < mine->join_count; i++)
        mine->result += raw_redis_quit(mine->all->raw, mine->joins[i].uid);
}

static void run_quit_python(void *context) {
    share *mine = context;
    mine->result += python_way_do(mine->all->python, "quit");
}

static void run_where_ours(void *context) {
    share *mine = context;
    lesson_store_place place;
    for (size_t i = 0; i < mine->join_count; i++)
        mine->result += lesson_store_where(mine->all->store, mine->joins[i].uid.data, &place) == LESSON_STORE_OK;
}

static void run_where_raw(void *context) {
    share *mine = context;
    lesson_store_place place;
    for (size_t i = 0; i < mine->join_count; i++)
        mine->result += raw_redis_where(mine->all->raw, mine->joins[i].uid, &place);
}

static void run_where_python(void *context) {
    share *mine = context;
    mine->result += python_way_do(mine->all->python, "where");
}

/* ---- Batches */

static size_t join_batch(lesson_store *store, const workload_join *joins, size_t count) {
    lesson_store_operation operations[BATCH_MAX];
    size_t moved = 0;
    for (size_t i = 0; i < count; i++)
        operations[i] = workload_operation(&joins[i]);
    measure_must(lesson_store_batch(store, operations, count) == LESSON_STORE_OK, "%s", lesson_store_message());
    for (size_t i = 0; i < count; i++)
        moved += operations[i].code == LESSON_STORE_OK && operations[i].arrival == LESSON_STORE_ARRIVAL_MOVED;
    return moved;
}

static void run_batches_ours(void *context) {
    share *mine = context;
    for (size_t first = 0; first < mine->join_count; first += mine->batch)
        mine->result += join_batch(mine->all->store, mine->joins + first, mine->batch);
}

static void run_batches_raw(void *context) {
    share *mine = context;
    for (size_t first = 0; first < mine->join_count; first += mine->batch)
        mine->result += raw_redis_join_pipelined(mine->all->raw, mine->joins + first, mine->batch);
}

static void run_batches_python(void *context) {
    share *mine = context;
    char command[32];
    snprintf(command, sizeof command, "pipeline %zu", mine->batch);
    mine->result += python_way_do(mine->all->python, command);
}

static void run_tool(void *context) {
    share *mine = context;
    mine->wall_ns = redis_benchmark_run(redis_server_socket(mine->all->server), DATABASE_TOOL,
                                        raw_redis_join_hash(mine->all->tool_data), RANGE, mine->join_count);
    mine->result += mine->join_count;
}

/* ---- Listing: `batch` times */

static bool add_size(const lesson_store_id *uid, void *context) {
    *(size_t *)context += uid->size;
    return true;
}

static void list_store(share *mine, lesson_store *store) {
    int code = lesson_store_members(store, mine->all->load.lessons[0].data, add_size, &mine->result);
    measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
}

static void list_ours(share *mine) {
    list_store(mine, mine->all->store);
}

static void list_at_once(share *mine) {
    list_store(mine, mine->all->store_at_once);
}

static void list_raw(share *mine) {
    mine->result += raw_redis_members(mine->all->raw, mine->all->load.lessons[0]);
}

static void list_python(share *mine) {
    char command[64];
    snprintf(command, sizeof command, "members %s", mine->all->load.lessons[0].data);
    mine->result += python_way_do(mine->all->python, command) * mine->all->load.users[0].size;
}

static void repeat(share *mine, void (*list)(share *)) {
    for (size_t i = 0; i < mine->batch; i++)
        list(mine);
}

static void run_members_ours(void *context) {
    repeat(context, list_ours);
}

static void run_members_at_once(void *context) {
    repeat(context, list_at_once);
}

static void run_members_raw(void *context) {
    repeat(context, list_raw);
}

static void run_members_python(void *context) {
    repeat(context, list_python);
}

/* ---- Comparing */

static const way joins[] = {
    {"lessonstore", turn, run_join_ours}, {"evalsha", turn, run_join_raw}, {"python", turn_python, run_join_python}};
static const way quits[] = {{"lessonstore", put_back_ours, run_quit_ours},
                            {"evalsha", put_back_raw, run_quit_raw},
                            {"python", put_back_python, run_quit_python}};
static const way wheres[] = {
    {"lessonstore", turn, run_where_ours}, {"hmget", turn, run_where_raw}, {"python", turn_python, run_where_python}};
static const way batches[] = {{"lessonstore", turn, run_batches_ours},
                              {"evalsha", turn, run_batches_raw},
                              {"python", turn_python, run_batches_python}};
static const way against_tool[] = {
    {"lessonstore", turn, run_batches_ours}, {"evalsha", turn, run_batches_raw}, {"redis-benchmark", NULL, run_tool}};
static const way listings[] = {
    {"lessonstore", NULL, run_members_ours}, {"smembers", NULL, run_members_raw}, {"python", NULL, run_members_python}};
static const way listings_at_once[] = {{"lessonstore-at-once", NULL, run_members_at_once},
                                       {"smembers", NULL, run_members_raw},
                                       {"python", NULL, run_members_python},
                                       {"lessonstore", NULL, run_members_ours}};

enum { WAYS_MAX = 4 };

typedef struct task {
    const char *work;
    const way *ways;
    size_t way_count;
    const workload_join *joins;
    size_t join_count;
    size_t batch;
    uint64_t operations;
    size_t expected; /* results of each way in a round; a few may be missing, because a random join may name the
                      * user's current lesson */
} task;

static void begin_share(share *mine, setting *all, const task *job) {
    *mine = (share){.all = all, .join_count = job->join_count, .batch = job->batch};
    mine->joins = malloc((job->join_count + 1) * sizeof *mine->joins);
    measure_must(mine->joins, "no memory for %zu joins", job->join_count);
    if (job->join_count)
        memcpy(mine->joins, job->joins, job->join_count * sizeof *mine->joins);
}

static void end_share(share *mine, const task *job, const char *name, int rounds) {
    double found = (double)mine->result / rounds, expected = (double)job->expected;
    measure_must(found >= 0.95 * expected && found <= expected, "%s: %s had %g results instead of %g", job->work, name,
                 found, expected);
    free(mine->joins);
}

static void compare(const benchmark *bench, setting *all, const task *job) {
    share shares[WAYS_MAX];
    measure_variant variants[WAYS_MAX] = {{.name = NULL}};
    for (size_t i = 0; i < job->way_count; i++) {
        const way *this_way = &job->ways[i];
        begin_share(&shares[i], all, job);
        variants[i] = (measure_variant){this_way->name, this_way->prepare, this_way->run, &shares[i],
                                        this_way->run == run_tool ? &shares[i].wall_ns : NULL};
    }
    measure_compare(bench, job->work, all->load.user_count, job->operations, variants, job->way_count);
    for (size_t i = 0; i < job->way_count; i++)
        end_share(&shares[i], job, job->ways[i].name, bench->rounds);
}

/* The task for `count` random users. */
static void compare_random(const benchmark *bench, setting *all, const char *work, const way *ways, size_t way_count,
                           size_t count, size_t batch) {
    workload_join *moves = workload_moves(&all->load, count, 2);
    compare(bench, all, &(task){work, ways, way_count, moves, count, batch, count, count});
    free(moves);
}

static void compare_batches(const benchmark *bench, setting *all, size_t batch, size_t way_count, const char *where) {
    char work[32];
    snprintf(work, sizeof work, "join-%zu%s", batch, where);
    compare_random(bench, all, work, batches, way_count, measure_size(bench, 32768, 1024), batch);
}

static uint64_t time_join(setting *all, bool ours, const workload_join *join) {
    uint64_t begin = measure_wall_ns();
    if (ours)
        join_ours(all->store, join);
    else
        raw_redis_join(all->raw, join);
    return measure_wall_ns() - begin;
}

/* Single joins, each timed individually. */
static void measure_latency(const benchmark *bench, setting *all) {
    size_t count = measure_size(bench, 100000, 1000);
    histogram *times = calloc(2, sizeof *times);
    workload_join *all_joins = workload_moves(&all->load, count, 6);
    measure_must(times, "no memory for histograms");
    for (size_t i = 0; i < 2 * count; i++) {
        size_t first = i / (2 * LATENCY_TURN) * LATENCY_TURN, which = i / LATENCY_TURN % 2;
        histogram_record(&times[which], time_join(all, which == 0, &all_joins[first + i % LATENCY_TURN]));
    }
    measure_print_latency(bench, "join", "lessonstore", all->load.user_count, &times[0]);
    measure_print_latency(bench, "join", "evalsha", all->load.user_count, &times[1]);
    free(all_joins);
    free(times);
}

/* The round trips of one of our joins. Asking for the number is one of the reads between. */
static void count_round_trips(const benchmark *bench, setting *all) {
    size_t count = measure_size(bench, 1000, 100);
    workload_join *moves = workload_moves(&all->load, count, 7);
    uint64_t before = raw_redis_reads(all->raw);
    for (size_t i = 0; i < count; i++)
        join_ours(all->store, &moves[i]);
    double reads = (double)(raw_redis_reads(all->raw) - before - 1);
    measure_print(bench, "join", "lessonstore", all->load.user_count, "round-trips", reads / (double)count, "requests");
    free(moves);
}

/* ---- The parts */

/* The first two ways of every work are also measured with fewer and more users, to show how the cost grows. */
static void measure_growth(const benchmark *bench, setting *all, size_t users, size_t way_count) {
    size_t count = measure_size(bench, 10000, 50);
    fill(all, workload_make(users, LESSONS), way_count > 2);
    compare_random(bench, all, "join", joins, way_count, count, 1);
    compare_random(bench, all, "where", wheres, way_count, count, 1);
    compare_batches(bench, all, 256, 2, "");
}

/* Every user quits once in a round. */
static void measure_quits(const benchmark *bench, setting *all, size_t users) {
    fill(all, workload_make(users, LESSONS), true);
    workload_join *everybody = workload_fill(&all->load);
    compare(bench, all, &(task){"quit", quits, 3, everybody, users, 1, users, users});
    free(everybody);
    workload_free(&all->load);
}

static void measure_tool(const benchmark *bench, setting *all) {
    fill(all, redis_benchmark_workload(measure_size(bench, RANGE, RANGE / 8)), true);
    compare_random(bench, all, "join-256-as-redis-benchmark", against_tool, 3, measure_size(bench, 102400, 1024), 256);
    workload_free(&all->load);
}

/* The peak of one listing, on a connection that has listed nothing before, so that memory which it keeps for the next
 * one counts too. */
static void print_peak(const benchmark *bench, const setting *all, const char *name, void (*list)(share *)) {
    setting fresh = *all;
    open_stores(&fresh);
    fresh.raw = raw_redis_open(redis_server_socket(all->server), DATABASE_RAW);
    share mine = {.all = &fresh};
    allocations_count_begin();
    list(&mine);
    allocation_figures heap = allocations_count_end();
    measure_print(bench, "members", name, all->load.user_count, "peak-heap", (double)heap.most_bytes, "bytes");
    raw_redis_close(fresh.raw);
    lesson_store_close(fresh.store_at_once);
    lesson_store_close(fresh.store);
}

/* All users in one lesson. */
static void measure_members(const benchmark *bench, setting *all, size_t members, size_t repeats, bool at_once) {
    fill(all, workload_make(members, 1), true);
    size_t listed = members * repeats, bytes = listed * all->load.users[0].size;
    compare(bench, all, &(task){"members", listings, 3, NULL, 0, repeats, listed, bytes});
    print_peak(bench, all, "lessonstore", list_ours);
    print_peak(bench, all, "smembers", list_raw);
    if (at_once) {
        compare(bench, all, &(task){"members-at-once", listings_at_once, 4, NULL, 0, repeats, listed, bytes});
        print_peak(bench, all, "lessonstore-at-once", list_at_once);
    }
    workload_free(&all->load);
}

static void measure_on_one_vcpu(benchmark bench) {
    static const size_t sizes[] = {10000, 100000, 1000000};
    setting all = set_up(&bench);
    for (size_t i = 0; i < measure_size(&bench, 3, 1); i++) {
        size_t users = measure_size(&bench, sizes[i], 2000);
        bool all_ways = bench.brief || users == 100000;
        measure_growth(&bench, &all, users, all_ways ? 3 : 2);
        if (all_ways) {
            compare_batches(&bench, &all, 64, 3, "");
            compare_batches(&bench, &all, 1024, 2, "");
            measure_latency(&bench, &all);
            count_round_trips(&bench, &all);
        }
        workload_free(&all.load);
    }
    measure_quits(&bench, &all, measure_size(&bench, 5000, 100));
    measure_tool(&bench, &all);
    measure_members(&bench, &all, measure_size(&bench, 1000, 10), measure_size(&bench, 50, 1), bench.brief);
    if (!bench.brief) {
        measure_members(&bench, &all, 10000, 10, false);
        measure_members(&bench, &all, 100000, 2, true);
    }
    clear_up(&all);
}

static void measure_on_two_vcpus(benchmark bench) {
    setting all = set_up(&bench);
    fill(&all, workload_make(measure_size(&bench, 100000, 2000), LESSONS), true);
    for (size_t batch = 64; batch <= BATCH_MAX; batch *= 4)
        compare_batches(&bench, &all, batch, batch == 64 ? 3 : 2, "-2cpu");
    workload_free(&all.load);
    clear_up(&all);
}

int main(int argc, char **argv) {
    benchmark bench = measure_begin("redis", argc, argv);
    measure_pin();
    measure_on_one_vcpu(bench);
    measure_unpin();
    measure_on_two_vcpus(bench);
    return 0;
}
