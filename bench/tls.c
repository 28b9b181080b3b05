/* The redis backend over TLS, compared with the same over TCP: one server, one vCPU, and the same joins. */
#include <stdio.h>
#include <stdlib.h>

#include "certificates.h"
#include "measure.h"
#include "redis_server.h"
#include "workload.h"

#define LESSONS 1000
#define BATCH_MAX 256

/* One of the two ways, with a prefix of its own. */
typedef struct side {
    lesson_store *store;
    workload *load;
    workload_join *joins; /* its own copy, turned before each round */
    size_t join_count;
    size_t batch;
    size_t moved;
} side;

static lesson_store *open_store(const char *location, const char *options) {
    char all[1024];
    lesson_store *store;
    snprintf(all, sizeof all, "%s%s", location, options);
    measure_must(lesson_store_open(&store, all) == LESSON_STORE_OK, "%s", lesson_store_message());
    return store;
}

static void turn(void *context) {
    side *mine = context;
    workload_turn(mine->load, mine->joins, mine->join_count);
}

static void run_single(void *context) {
    side *mine = context;
    for (size_t i = 0; i < mine->join_count; i++) {
        const workload_join *join = &mine->joins[i];
        int code =
            lesson_store_join(mine->store, join->uid.data, join->course_id.data, join->lesson_id.data, NULL, 0, NULL);
        measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
        mine->moved++;
    }
}

static void run_batches(void *context) {
    side *mine = context;
    lesson_store_operation operations[BATCH_MAX];
    for (size_t first = 0; first < mine->join_count; first += mine->batch) {
        for (size_t i = 0; i < mine->batch; i++)
            operations[i] = workload_operation(&mine->joins[first + i]);
        int code = lesson_store_batch(mine->store, operations, mine->batch);
        measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
        mine->moved += mine->batch;
    }
}

static void compare(const benchmark *bench, side sides[2], const char *work, size_t count, size_t batch) {
    static const char *const names[] = {"tls", "tcp"};
    measure_variant variants[2];
    workload_join *moves = workload_moves(sides[0].load, count, 2);
    for (int i = 0; i < 2; i++) {
        sides[i].joins = malloc(count * sizeof *moves);
        measure_must(sides[i].joins, "no memory for %zu joins", count);
        memcpy(sides[i].joins, moves, count * sizeof *moves);
        sides[i].join_count = count;
        sides[i].batch = batch;
        variants[i] = (measure_variant){names[i], turn, batch > 1 ? run_batches : run_single, &sides[i], NULL};
    }
    measure_compare(bench, work, sides[0].load->user_count, count, variants, 2);
    for (int i = 0; i < 2; i++)
        free(sides[i].joins);
    free(moves);
}

/* The time of opening a store: a context with one CA, a connection, a full handshake, and the greeting. */
static void measure_opening(const benchmark *bench, const char *const locations[2]) {
    static const char *const names[] = {"tls", "tcp"};
    enum { OPENINGS = 50 };
    double times[OPENINGS];
    for (int i = 0; i < 2; i++) {
        size_t count = measure_size(bench, OPENINGS, 3);
        for (size_t k = 0; k < count; k++) {
            uint64_t began_ns = measure_wall_ns();
            lesson_store_close(open_store(locations[i], ""));
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
    side sides[] = {{.store = open_store(locations[0], "&pool=1&prefix=TLS"), .load = &load},
                    {.store = open_store(locations[1], "?pool=1&prefix=TCP"), .load = &load}};
    workload_join *joins = workload_fill(&load);
    for (int i = 0; i < 2; i++)
        workload_put(sides[i].store, joins, load.user_count);
    measure_watch(&bench, redis_server_pid(server));
    compare(&bench, sides, "join", measure_size(&bench, 10000, 50), 1);
    compare(&bench, sides, "join-64", measure_size(&bench, 32768, 1024), 64);
    compare(&bench, sides, "join-256", measure_size(&bench, 32768, 1024), 256);
    measure_opening(&bench, locations);
    for (int i = 0; i < 2; i++)
        lesson_store_close(sides[i].store);
    free(joins);
    workload_free(&load);
    redis_server_stop(server);
    certificates_remove(&made);
    return 0;
}
