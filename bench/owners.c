/* Owners in the redis backend: joins that name one, compared with joins that do not, on one server and one vCPU; and
 * the renewal of a lease, which is for all users of an owner; and how long the server is busy at a time while the users
 * of one owner are put out. */
#include <stdio.h>
#include <stdlib.h>

#include "raw_redis.h"
#include "redis_server.h"
#include "sides.h"
#include "slow_log.h"

#define LESSONS 1000
#define OWNER "worker-7/1"
#define SWEEPS 5

static void hold_of(lesson_store *store, const char *owner) {
    int code = lesson_store_hold(store, owner, LESSON_STORE_LEASE_MAX_MS, 0);
    measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
}

static void hold(lesson_store *store) {
    hold_of(store, OWNER);
}

static void put_for(lesson_store *store, const workload_join *joins, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const workload_join *join = &joins[i];
        int code = lesson_store_join_for(store, OWNER, join->uid.data, join->course_id.data, join->lesson_id.data, NULL,
                                         0, NULL);
        measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
    }
}

static void compare_joins(const benchmark *bench, const char *location, workload *load) {
    side sides[] = {
        {.name = "owner", .store = sides_open_store(location, "?pool=1&prefix=OWNED"), .load = load, .owner = OWNER},
        {.name = "no-owner", .store = sides_open_store(location, "?pool=1&prefix=PLAIN"), .load = load}};
    workload_join *joins = workload_fill(load);
    hold(sides[0].store);
    put_for(sides[0].store, joins, load->user_count);
    workload_put(sides[1].store, joins, load->user_count);
    sides_compare(bench, sides, "join", measure_size(bench, 10000, 50), 1);
    sides_compare(bench, sides, "join-64", measure_size(bench, 32768, 1024), 64);
    sides_compare(bench, sides, "join-256", measure_size(bench, 32768, 1024), 256);
    for (int i = 0; i < 2; i++)
        lesson_store_close(sides[i].store);
    free(joins);
}

/* One renewal is for all users of an owner. */
struct renewing {
    lesson_store *store;
    const char *owner;
    size_t count;
};

static void renew(void *context) {
    const struct renewing *renewing = context;
    for (size_t i = 0; i < renewing->count; i++)
        hold_of(renewing->store, renewing->owner);
}

/* Asking for the number is one of the reads between. */
static double count_requests(const redis_server *server, struct renewing *renewing) {
    raw_redis *raw = raw_redis_open(redis_server_socket(server), 0);
    uint64_t before = raw_redis_reads(raw);
    renew(renewing);
    double reads = (double)(raw_redis_reads(raw) - before - 1);
    raw_redis_close(raw);
    return reads / (double)renewing->count;
}

static void measure_renewal(const benchmark *bench, const redis_server *server, const workload *load) {
    size_t owned = measure_size(bench, 10000, 200), count = measure_size(bench, 10000, 50);
    lesson_store *store = sides_open_store(redis_server_unix_location(server), "?pool=1&prefix=RENEWED");
    workload_join *joins = workload_fill(load);
    struct renewing of_many = {store, OWNER, count}, of_none = {store, OWNER "-of-none", count};
    const measure_variant variants[] = {{"owner", NULL, renew, &of_many, NULL},
                                        {"owner-of-none", NULL, renew, &of_none, NULL}};
    hold(store);
    hold_of(store, of_none.owner);
    put_for(store, joins, owned);
    measure_compare(bench, "renewal", owned, count, variants, 2);
    measure_print(bench, "renewal", "owner", owned, "round-trips", count_requests(server, &of_many), "requests");
    free(joins);
    lesson_store_close(store);
}

/* The users of the owner are among others, who stay. */
static void measure_sweep(const benchmark *bench, const redis_server *server, const workload *load) {
    lesson_store *store = sides_open_store(redis_server_unix_location(server), "?pool=1&prefix=SWEPT");
    redisContext *commands = redisConnectUnix(redis_server_socket(server));
    measure_must(commands && commands->err == 0, "no connection");
    workload_join *joins = workload_fill(load);
    size_t owned = measure_size(bench, 10000, 200);
    double longest[SWEEPS], durations[SWEEPS];
    workload_put(store, joins, load->user_count);
    for (int i = 0; i < SWEEPS; i++) {
        uint64_t put_out;
        hold(store);
        put_for(store, joins, owned);
        slow_log_reset(commands);
        uint64_t began_ns = measure_wall_ns();
        int code = lesson_store_drop(store, OWNER, NULL, NULL, &put_out);
        durations[i] = (double)(measure_wall_ns() - began_ns) / 1e6;
        measure_must(code == LESSON_STORE_OK && put_out == owned, "%s", lesson_store_message());
        longest[i] = slow_log_longest_us(commands);
    }
    measure_print_median(bench, "sweep", "lessonstore", owned, "longest-command", longest, SWEEPS, "us");
    measure_print_median(bench, "sweep", "lessonstore", owned, "duration", durations, SWEEPS, "ms");
    free(joins);
    redisFree(commands);
    lesson_store_close(store);
}

int main(int argc, char **argv) {
    static const char *const arguments[] = {SLOW_LOG_ARGUMENTS("10"), NULL};
    benchmark bench = measure_begin("owners", argc, argv);
    measure_pin();
    redis_server *server = redis_server_start(arguments);
    measure_must(server, "no Redis server");
    workload load = workload_make(measure_size(&bench, 100000, 2000), LESSONS);
    measure_watch(&bench, redis_server_pid(server));
    compare_joins(&bench, redis_server_unix_location(server), &load);
    measure_renewal(&bench, server, &load);
    measure_sweep(&bench, server, &load);
    workload_free(&load);
    redis_server_stop(server);
    return 0;
}
