/* Plain keys over three and over six masters, compared with the same on one server: joins that move their users, by the
 * same client on the same vCPUs. Then what each side takes for a join and for a user: CPU time of client and servers,
 * requests, round trips and memory. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <lessonstore/figures.h>

#include "redis_ask.h"
#include "redis_cluster.h"
#include "sides.h"

#define LESSONS 1000
#define BATCH 256

enum { THREE, ONE, SIX, SIDES };

/* The servers of a side. */
typedef struct side_servers {
    redis_cluster *rig;
    redis_server *server; /* if there is no rig */
} side_servers;

static int count_servers(const side_servers *servers) {
    return servers->rig ? redis_cluster_node_count(servers->rig) : 1;
}

static redis_server *server_at(const side_servers *servers, int index) {
    return servers->rig ? redis_cluster_node(servers->rig, index) : servers->server;
}

static double info_of(const redis_server *server, const char *section, const char *name) {
    redisReply *reply = redis_ask(server, NULL, NULL, "INFO %s", section);
    const char *found = reply ? strstr(reply->str, name) : NULL;
    measure_must(found, "the server does not say its %s", name);
    double value = found ? strtod(found + strlen(name), NULL) : 0;
    freeReplyObject(reply);
    return value;
}

static double sum_of(const side_servers *servers, const char *section, const char *name) {
    double sum = 0;
    for (int i = 0; i < count_servers(servers); i++)
        sum += info_of(server_at(servers, i), section, name);
    return sum;
}

static double server_cpu_s(const side_servers *servers) {
    return sum_of(servers, "cpu", "used_cpu_user:") + sum_of(servers, "cpu", "used_cpu_sys:");
}

static double client_cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t requests_of(lesson_store *store) {
    lesson_store_figures figures = LESSON_STORE_FIGURES_INIT;
    measure_must(lesson_store_read_figures(store, &figures) == LESSON_STORE_OK, "%s", lesson_store_message());
    return figures.engine[LESSON_STORE_ENGINE_REQUESTS];
}

/* ---- What a join takes */

static void join_all(const side *mine, const workload_join *joins, size_t count) {
    lesson_store_operation operations[BATCH];
    for (size_t first = 0; first < count; first += BATCH) {
        for (size_t i = 0; i < BATCH; i++)
            operations[i] = workload_operation(&joins[first + i]);
        measure_must(lesson_store_batch(mine->store, operations, BATCH) == LESSON_STORE_OK, "%s",
                     lesson_store_message());
    }
}

static void measure_joins(const benchmark *bench, const side *mine, const side_servers *servers, size_t count) {
    workload_join *joins = workload_moves(mine->load, count, 7);
    double server_s = server_cpu_s(servers), client_s = client_cpu_s();
    uint64_t requests = requests_of(mine->store);
    join_all(mine, joins, count);
    size_t users = mine->load->user_count;
    measure_print(bench, "joins-in-256", mine->name, users, "server-cpu",
                  (server_cpu_s(servers) - server_s) * 1e6 / (double)count, "us");
    measure_print(bench, "joins-in-256", mine->name, users, "client-cpu",
                  (client_cpu_s() - client_s) * 1e6 / (double)count, "us");
    measure_print(bench, "joins-in-256", mine->name, users, "requests",
                  (double)(requests_of(mine->store) - requests) / (double)count, "requests");
    free(joins);
}

/* ---- What a user takes */

static void fill(const benchmark *bench, const side *mine, const side_servers *servers) {
    double before = sum_of(servers, "memory", "used_memory:");
    workload_join *joins = workload_fill(mine->load);
    workload_put(mine->store, joins, mine->load->user_count);
    free(joins);
    double bytes = (sum_of(servers, "memory", "used_memory:") - before) / (double)mine->load->user_count;
    measure_print(bench, "users", mine->name, mine->load->user_count, "memory", bytes, "bytes");
}

int main(int argc, char **argv) {
    benchmark bench = measure_begin("slots", argc, argv);
    measure_pin();
    side_servers places[SIDES] = {
        [THREE] = {.rig = redis_cluster_start(&(redis_cluster_options){.primaries = 3, .node_timeout_ms = 15000})},
        [SIX] = {.rig = redis_cluster_start(&(redis_cluster_options){.primaries = 6, .node_timeout_ms = 15000})},
        [ONE] = {.server = redis_server_start(NULL)}};
    measure_must(places[THREE].rig && places[SIX].rig && places[ONE].server, "no Redis servers");
    workload load = workload_make(measure_size(&bench, 100000, 2000), LESSONS);
    static const char *const names[SIDES] = {[THREE] = "three-masters", [ONE] = "server", [SIX] = "six-masters"};
    side sides[SIDES];
    size_t batched = measure_size(&bench, 32768, 1024);
    for (int i = 0; i < SIDES; i++) {
        const char *location =
            places[i].rig ? redis_cluster_location(places[i].rig) : redis_server_tcp_location(places[i].server);
        sides[i] =
            (side){.name = names[i], .store = sides_open_store(location, "?pool=1&timeout_ms=60000"), .load = &load};
        fill(&bench, &sides[i], &places[i]);
    }
    sides_compare_all(&bench, sides, SIDES, "join", measure_size(&bench, 5000, 50), 1);
    sides_compare_all(&bench, sides, SIDES, "join-256", batched, BATCH);
    for (int i = 0; i < SIDES; i++)
        measure_joins(&bench, &sides[i], &places[i], batched);
    for (int i = 0; i < SIDES; i++)
        lesson_store_close(sides[i].store);
    workload_free(&load);
    redis_server_stop(places[ONE].server);
    redis_cluster_stop(places[THREE].rig);
    redis_cluster_stop(places[SIX].rig);
    return 0;
}
