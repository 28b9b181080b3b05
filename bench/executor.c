/*
 * Single joins through the executor: from an event loop that keeps a number of operations under way, and from threads
 * that each wait for one. They are compared with direct calls from as many threads, with EVALSHA pipelined at the same
 * depth, and with redis-benchmark, which keeps 3,200 requests under way.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <lessonstore/executor.h>

#include "measure.h"
#include "raw_redis.h"
#include "redis_benchmark.h"
#include "redis_server.h"

#define RANGE 316 /* of redis-benchmark: about 100,000 users */
#define TOOL_DEPTH 3200
#define THREADS_MAX 64
#define ROUNDS 5

enum { DATABASE_OURS, DATABASE_RAW, DATABASE_TOOL };

typedef struct setting {
    const benchmark *bench;
    const char *name; /* prefix of the names of the works */
    lesson_store *store;
    workload load;
    redis_server *server; /* only for Redis, as are the members below */
    raw_redis *raw;
    raw_redis *tool_data;
} setting;

/* The data that one way works on in its rounds. */
typedef struct share {
    const setting *all;
    workload_join *joins; /* its own copy, turned before each round */
    size_t join_count;
    size_t depth; /* operations under way, or threads */
    histogram times;
    lesson_store_executor_figures figures; /* of the latest round */
    double wall_ns;                        /* the time that redis-benchmark reports */
} share;

static void must_be_done(int code) {
    measure_must(code == LESSON_STORE_OK, "%s: %s", lesson_store_code_text(code), lesson_store_message());
}

static void turn(void *context) {
    share *mine = context;
    workload_turn(&mine->all->load, mine->joins, mine->join_count);
}

static lesson_store_executor *open_executor(const share *mine) {
    lesson_store_executor *executor;
    must_be_done(lesson_store_executor_open(&executor, mine->all->store, NULL));
    return executor;
}

static void close_executor(share *mine, lesson_store_executor *executor) {
    must_be_done(lesson_store_executor_stop(executor, 0)); /* waits, because run returns before its callback has */
    lesson_store_executor_figures_init(&mine->figures, sizeof mine->figures);
    lesson_store_executor_read_figures(executor, &mine->figures);
    measure_must(mine->figures.completed == mine->join_count, "not every join was completed");
    lesson_store_executor_close(executor);
}

/* ---- An event loop */

typedef struct loop {
    share *mine;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    size_t submitted;
    size_t completed;
} loop;

/* One operation under way. When it is done, the structure serves the next one. */
typedef struct flight {
    loop *loop;
    uint64_t begin_ns;
} flight;

static void submit_next(flight *mine);

static void complete(const lesson_store_operation *join, void *context) {
    flight *mine = context;
    must_be_done(join->code);
    histogram_record(&mine->loop->mine->times, measure_wall_ns() - mine->begin_ns);
    mine->loop->completed++;
    submit_next(mine);
}

static void submit_next(flight *mine) {
    loop *loop_of_all = mine->loop;
    if (loop_of_all->submitted == loop_of_all->mine->join_count)
        return;
    lesson_store_operation join = workload_operation(&loop_of_all->mine->joins[loop_of_all->submitted++]);
    mine->begin_ns = measure_wall_ns();
    must_be_done(
        lesson_store_executor_submit(loop_of_all->executor, &join, 0, loop_of_all->queue, complete, mine, NULL));
}

static void run_loop(void *context) {
    share *mine = context;
    loop events = {.mine = mine, .executor = open_executor(mine)};
    must_be_done(lesson_store_executor_add_queue(&events.queue, events.executor));
    flight *flights = calloc(mine->depth, sizeof *flights);
    measure_must(flights, "no memory for %zu joins", mine->depth);
    struct pollfd readable = {.fd = lesson_store_completion_queue_descriptor(events.queue), .events = POLLIN};
    for (size_t i = 0; i < mine->depth; i++) {
        flights[i].loop = &events;
        submit_next(&flights[i]);
    }
    while (events.completed < mine->join_count) {
        poll(&readable, 1, -1);
        lesson_store_completion_queue_drain(events.queue, 0);
    }
    close_executor(mine, events.executor);
    free(flights);
}

/* ---- Threads */

typedef struct worker {
    pthread_t thread;
    const share *mine;
    lesson_store_executor *executor; /* NULL: direct calls */
    size_t first;                    /* of its joins, which are every `depth`-th from here */
    histogram times;
} worker;

static int join_one(const worker *mine, const workload_join *join) {
    if (!mine->executor)
        return lesson_store_join(mine->mine->all->store, join->uid.data, join->course_id.data, join->lesson_id.data,
                                 NULL, 0, NULL);
    lesson_store_operation operation = workload_operation(join);
    return lesson_store_executor_run(mine->executor, &operation, 0);
}

static void *work(void *context) {
    worker *mine = context;
    for (size_t i = mine->first; i < mine->mine->join_count; i += mine->mine->depth) {
        uint64_t begin = measure_wall_ns();
        must_be_done(join_one(mine, &mine->mine->joins[i]));
        histogram_record(&mine->times, measure_wall_ns() - begin);
    }
    return NULL;
}

static void run_workers(share *mine, lesson_store_executor *executor) {
    worker *workers = calloc(mine->depth, sizeof *workers);
    measure_must(workers, "no memory for %zu threads", mine->depth);
    for (size_t i = 0; i < mine->depth; i++) {
        workers[i].mine = mine;
        workers[i].executor = executor;
        workers[i].first = i;
        measure_must(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0, "no thread");
    }
    for (size_t i = 0; i < mine->depth; i++) {
        pthread_join(workers[i].thread, NULL);
        histogram_add(&mine->times, &workers[i].times);
    }
    free(workers);
}

static void run_threads(void *context) {
    share *mine = context;
    lesson_store_executor *executor = open_executor(mine);
    run_workers(mine, executor);
    close_executor(mine, executor);
}

static void run_direct(void *context) {
    run_workers(context, NULL);
}

/* ---- The references on Redis */

static void run_pipelined(void *context) {
    share *mine = context;
    for (size_t first = 0; first < mine->join_count; first += mine->depth) {
        size_t left = mine->join_count - first;
        raw_redis_join_pipelined(mine->all->raw, mine->joins + first, left < mine->depth ? left : mine->depth);
    }
}

static void run_tool(void *context) {
    share *mine = context;
    mine->wall_ns = redis_benchmark_run(redis_server_socket(mine->all->server), DATABASE_TOOL,
                                        raw_redis_join_hash(mine->all->tool_data), RANGE, mine->join_count);
}

/* ---- Comparing */

typedef struct way {
    const char *name;
    void (*run)(void *share);
} way;

enum { WAYS_MAX = 3 };

static const way loops[] = {{"lessonstore", run_loop}, {"evalsha", run_pipelined}, {"redis-benchmark", run_tool}};
static const way threads[] = {{"lessonstore", run_threads}, {"direct", run_direct}};

static void print_share(const setting *all, const char *work_name, const way *how, const share *mine) {
    uint64_t size = mine->depth;
    if (mine->times.count)
        measure_print_latency(all->bench, work_name, how->name, size, &mine->times);
    if (!mine->figures.batches)
        return;
    measure_print(all->bench, work_name, how->name, size, "batch-mean",
                  (double)mine->figures.completed / (double)mine->figures.batches, "operations");
    measure_print(all->bench, work_name, how->name, size, "batch-largest", (double)mine->figures.largest_batch,
                  "operations");
}

static void compare(const setting *all, const char *kind, const way *ways, size_t way_count, size_t depth,
                    size_t join_count) {
    char work_name[64];
    snprintf(work_name, sizeof work_name, "%s-%s", all->name, kind);
    share *shares = calloc(way_count, sizeof *shares);
    measure_must(shares, "no memory for the shares");
    measure_variant variants[WAYS_MAX] = {{.name = NULL}};
    for (size_t i = 0; i < way_count; i++) {
        shares[i].all = all;
        shares[i].joins = workload_moves(&all->load, join_count, 2);
        shares[i].join_count = join_count;
        shares[i].depth = depth;
        variants[i] = (measure_variant){ways[i].name, turn, ways[i].run, &shares[i],
                                        ways[i].run == run_tool ? &shares[i].wall_ns : NULL};
    }
    measure_compare(all->bench, work_name, depth, join_count, variants, way_count);
    for (size_t i = 0; i < way_count; i++) {
        print_share(all, work_name, &ways[i], &shares[i]);
        free(shares[i].joins);
    }
    free(shares);
}

/* ---- The backends */

static setting open_setting(const benchmark *bench, const char *name, const char *location) {
    setting all = {.bench = bench, .name = name, .load = redis_benchmark_workload(RANGE)};
    must_be_done(lesson_store_open(&all.store, location));
    workload_join *joins = workload_fill(&all.load);
    workload_put(all.store, joins, all.load.user_count);
    free(joins);
    return all;
}

static void close_setting(setting *all) {
    lesson_store_close(all->store);
    workload_free(&all->load);
}

/* `most` is the number of joins that take a moment through the executor. A direct call waits for each, so `direct_most`
 * is smaller. */
static void measure_store(const setting *all, size_t most, size_t direct_most, size_t loop_ways) {
    static const size_t depths[] = {8, 64, 512};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        compare(all, "loop", loops, loop_ways, depths[i], measure_size(all->bench, most, 600));
    compare(all, "threads", threads, 2, 8, measure_size(all->bench, direct_most, 80));
    compare(all, "threads", threads, 2, THREADS_MAX, measure_size(all->bench, direct_most, 80));
}

static void measure_redis(benchmark *bench, const char *name, bool everything) {
    redis_server *server = redis_server_start(NULL);
    measure_must(server, "no Redis server");
    setting all = open_setting(bench, name, redis_server_unix_location(server));
    all.server = server;
    all.raw = raw_redis_open(redis_server_socket(server), DATABASE_RAW);
    all.tool_data = raw_redis_open(redis_server_socket(server), DATABASE_TOOL);
    workload_join *joins = workload_fill(&all.load);
    raw_redis_put(all.raw, joins, all.load.user_count);
    raw_redis_put(all.tool_data, joins, all.load.user_count);
    free(joins);
    measure_watch(bench, redis_server_pid(server));
    if (everything)
        measure_store(&all, 50000, 20000, 2);
    compare(&all, "loop", loops, 3, TOOL_DEPTH, measure_size(bench, 100000, 3200));
    measure_watch(bench, 0);
    raw_redis_close(all.tool_data);
    raw_redis_close(all.raw);
    close_setting(&all);
    redis_server_stop(server);
}

static void measure_memory(const benchmark *bench) {
    setting all = open_setting(bench, "memory", "memory:");
    measure_store(&all, 200000, 200000, 1);
    close_setting(&all);
}

static void measure_sqlite(const benchmark *bench) {
    char directory[MEASURE_DIRECTORY_SIZE], path[MEASURE_DIRECTORY_SIZE + 16], location[sizeof path + 16];
    measure_make_directory(directory);
    snprintf(path, sizeof path, "%s/lessons.db", directory);
    snprintf(location, sizeof location, "sqlite:%s", path);
    setting all = open_setting(bench, "sqlite", location);
    measure_store(&all, 10000, 4000, 1);
    close_setting(&all);
    unlink(path);
    rmdir(directory);
}

int main(int argc, char **argv) {
    benchmark bench = measure_begin("executor", argc, argv);
    if (!bench.brief)
        bench.rounds = ROUNDS;
    measure_redis(&bench, "redis", true);
    measure_pin();
    measure_redis(&bench, "redis-one-vcpu", false);
    measure_unpin();
    measure_memory(&bench);
    measure_sqlite(&bench);
    return 0;
}
