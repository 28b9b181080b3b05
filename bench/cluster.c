/* The redis backend in a Cluster of three shards, with a tagged prefix, compared with the same on one server: one vCPU,
 * and the same joins. Wall time, because the two sides have servers of their own. What Redis itself takes for its mode
 * is measured beside it: the commands of a join in a bare script. */
#include <stdio.h>
#include <stdlib.h>

#include "redis_ask.h"
#include "redis_cluster.h"
#include "sides.h"

#define LESSONS 1000
#define BATCH 256
#define HASH_SIZE 41

/* ---- A bare script */

static const char script[] = "local call = redis.call\n"
                             "for i = 1, #ARGV, 2 do\n"
                             "    local user = '{school}:IN_LESSON:UID:' .. ARGV[i]\n"
                             "    local old = call('HGET', user, 'lesson_id')\n"
                             "    call('SMOVE', '{school}:LESSON_USER:LESSON_ID:' .. old,\n"
                             "         '{school}:LESSON_USER:LESSON_ID:' .. ARGV[i + 1], ARGV[i])\n"
                             "    call('HSET', user, 'course_id', 'course', 'lesson_id', ARGV[i + 1])\n"
                             "    call('HLEN', user)\n"
                             "end\n";

/* One of the servers, with a connection of its own. */
typedef struct bare {
    redisContext *context;
    char hash[HASH_SIZE];
    workload *load;
    workload_join *joins;
    size_t count;
} bare;

static bare bare_open(const redis_server *server, workload *load, size_t count) {
    bare mine = {.context = redisConnectUnix(redis_server_socket(server)),
                 .load = load,
                 .joins = workload_moves(load, count, 3),
                 .count = count};
    measure_must(mine.context && mine.context->err == 0, "no connection");
    redisReply *reply = redisCommand(mine.context, "SCRIPT LOAD %s", script);
    measure_must(reply && reply->type == REDIS_REPLY_STRING, "the script was not loaded");
    snprintf(mine.hash, sizeof mine.hash, "%s", reply->str);
    freeReplyObject(reply);
    return mine;
}

static void bare_close(bare *mine) {
    redisFree(mine->context);
    free(mine->joins);
}

static void turn(void *context) {
    bare *mine = context;
    workload_turn(mine->load, mine->joins, mine->count);
}

static void run_script(void *context) {
    bare *mine = context;
    const char *arguments[3 + 2 * BATCH] = {"EVALSHA", mine->hash, "0"};
    size_t sizes[3 + 2 * BATCH] = {sizeof "EVALSHA" - 1, HASH_SIZE - 1, 1};
    for (size_t first = 0; first < mine->count; first += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            const workload_join *join = &mine->joins[first + i];
            const lesson_store_id pair[] = {join->uid, join->lesson_id};
            for (int j = 0; j < 2; j++) {
                arguments[3 + 2 * i + (size_t)j] = pair[j].data;
                sizes[3 + 2 * i + (size_t)j] = pair[j].size;
            }
        }
        redisReply *reply = redisCommandArgv(mine->context, 3 + 2 * BATCH, arguments, sizes);
        measure_must(reply && reply->type != REDIS_REPLY_ERROR, "%s", reply ? reply->str : mine->context->errstr);
        freeReplyObject(reply);
    }
}

static void compare_scripts(const benchmark *bench, const redis_server *node, const redis_server *server,
                            workload *load, size_t count) {
    bare sides[] = {bare_open(node, load, count), bare_open(server, load, count)};
    const measure_variant variants[] = {{"cluster", turn, run_script, &sides[0], NULL},
                                        {"server", turn, run_script, &sides[1], NULL}};
    measure_compare(bench, "bare-join-256", load->user_count, count, variants, 2);
    for (int i = 0; i < 2; i++)
        bare_close(&sides[i]);
}

/* ---- The store */

static redis_server *owner_of_keys(redis_cluster *rig) {
    int owner = redis_cluster_owner(rig, redis_cluster_slot(rig, "{school}"));
    measure_must(owner >= 0, "no node owns the slot");
    return redis_cluster_node(rig, owner);
}

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
    size_t batched = measure_size(&bench, 32768, 1024);
    workload_join *joins = workload_fill(&load);
    for (int i = 0; i < 2; i++)
        workload_put(sides[i].store, joins, load.user_count);
    sides_compare(&bench, sides, "join", measure_size(&bench, 10000, 50), 1);
    sides_compare(&bench, sides, "join-256", batched, BATCH);
    compare_scripts(&bench, owner_of_keys(rig), server, &load, batched);
    for (int i = 0; i < 2; i++)
        lesson_store_close(sides[i].store);
    free(joins);
    workload_free(&load);
    redis_server_stop(server);
    redis_cluster_stop(rig);
    return 0;
}
