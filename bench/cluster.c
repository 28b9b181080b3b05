/* The redis backend in a Cluster of three shards, with a tagged prefix, compared with the same on one server: one vCPU,
 * and the same joins. Wall time, because the two sides have servers of their own. */
#include <stdlib.h>

#include "redis_cluster.h"
#include "sides.h"

#define LESSONS 1000

int main(int argc, char **argv) {
    benchmark bench = measure_begin("cluster", argc, argv);
    measure_pin();
    redis_cluster *rig = redis_cluster_start(&(redis_cluster_options){.primaries = 3, .node_timeout_ms = 15000});
    redis_server *server = redis_server_start(NULL);
    measure_must(rig && server, "no Redis servers");
    workload load = workload_make(measure_size(&bench, 100000, 2000), LESSONS);
    side sides[] = {{.name = "cluster",
                     .store = sides_open_store(redis_cluster_location(rig), "?pool=1&prefix={school}"),
                     .load = &load},
                    {.name = "server",
                     .store = sides_open_store(redis_server_tcp_location(server), "?pool=1&prefix={school}"),
                     .load = &load}};
    workload_join *joins = workload_fill(&load);
    for (int i = 0; i < 2; i++)
        workload_put(sides[i].store, joins, load.user_count);
    sides_compare(&bench, sides, "join", measure_size(&bench, 10000, 50), 1);
    sides_compare(&bench, sides, "join-256", measure_size(&bench, 32768, 1024), 256);
    for (int i = 0; i < 2; i++)
        lesson_store_close(sides[i].store);
    free(joins);
    workload_free(&load);
    redis_server_stop(server);
    redis_cluster_stop(rig);
    return 0;
}
