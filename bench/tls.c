/* The redis backend over TLS, compared with the same over TCP: one server, one vCPU, and the same joins. */
#include <stdio.h>
#include <stdlib.h>

#include "certificates.h"
#include "redis_server.h"
#include "sides.h"

#define LESSONS 1000

/* The time of opening a store: a context with one CA, a connection, a full handshake, and the greeting. */
static void measure_opening(const benchmark *bench, const char *const locations[2]) {
    static const char *const names[] = {"tls", "tcp"};
    enum { OPENINGS = 50 };
    double times[OPENINGS];
    for (int i = 0; i < 2; i++) {
        size_t count = measure_size(bench, OPENINGS, 3);
        for (size_t k = 0; k < count; k++) {
            uint64_t began_ns = measure_wall_ns();
            lesson_store_close(sides_open_store(locations[i], ""));
            times[k] = (double)(measure_wall_ns() - began_ns) / 1e3;
        }
        measure_print_median(bench, "open", names[i], 1, "wall-us", times, count, "us");
    }
}

int main(int argc, char **argv) {
    benchmark bench = measure_begin("tls", argc, argv);
    certificates made;
    measure_pin();
    measure_must(certificates_make(&made) == 0, "no certificates");
    redis_server *server = redis_server_start_tls(&made, NULL, NULL);
    measure_must(server, "no Redis server with TLS");
    const char *const locations[] = {redis_server_tls_location(server), redis_server_tcp_location(server)};
    workload load = workload_make(measure_size(&bench, 100000, 2000), LESSONS);
    side sides[] = {{.name = "tls", .store = sides_open_store(locations[0], "&pool=1&prefix=TLS"), .load = &load},
                    {.name = "tcp", .store = sides_open_store(locations[1], "?pool=1&prefix=TCP"), .load = &load}};
    workload_join *joins = workload_fill(&load);
    for (int i = 0; i < 2; i++)
        workload_put(sides[i].store, joins, load.user_count);
    measure_watch(&bench, redis_server_pid(server));
    sides_compare(&bench, sides, "join", measure_size(&bench, 10000, 50), 1);
    sides_compare(&bench, sides, "join-64", measure_size(&bench, 32768, 1024), 64);
    sides_compare(&bench, sides, "join-256", measure_size(&bench, 32768, 1024), 256);
    measure_opening(&bench, locations);
    for (int i = 0; i < 2; i++)
        lesson_store_close(sides[i].store);
    free(joins);
    workload_free(&load);
    redis_server_stop(server);
    certificates_remove(&made);
    return 0;
}
