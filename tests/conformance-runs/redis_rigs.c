/* The suite on the redis backend where others name its server. The argument says who: sentinel; cluster, with a tagged
 * prefix in one of three shards; shard, with plain keys in the only shard; or slots, with plain keys over three shards.
 * A second argument "--tls": all of them over TLS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_ask.h"
#include "redis_cluster.h"
#include "redis_sentinels.h"
#include "whole.h"

struct place {
    redis_sentinels *sentinels; /* or NULL */
    redis_cluster *cluster;     /* or NULL */
    char location[1024];
    bool is_down;
};

static int count_servers(const struct place *place) {
    return place->cluster ? redis_cluster_node_count(place->cluster) : redis_sentinels_server_count(place->sentinels);
}

static redis_server *server_at(const struct place *place, int index) {
    return place->cluster ? redis_cluster_node(place->cluster, index) : redis_sentinels_server(place->sentinels, index);
}

static bool is_whole(const struct place *place) {
    return place->cluster ? redis_cluster_wait_whole(place->cluster) : redis_sentinels_wait_whole(place->sentinels);
}

static int bring_up(void *context) {
    struct place *place = context;
    for (int i = 0; place->is_down && i < count_servers(place); i++) {
        if (!redis_server_restart(server_at(place, i)))
            return -1;
    }
    if (place->is_down && !is_whole(place))
        return -1;
    place->is_down = false;
    return 0;
}

static int take_down(void *context) {
    struct place *place = context;
    for (int i = 0; i < count_servers(place); i++)
        redis_server_kill(server_at(place, i));
    place->is_down = true;
    return 0;
}

static int flush(void *context) {
    struct place *place = context;
    if (bring_up(place) != 0)
        return -1;
    if (place->cluster)
        return redis_cluster_flush(place->cluster) ? 0 : -1;
    for (int i = 0; i < count_servers(place); i++) {
        redisReply *reply = redis_ask(server_at(place, i), NULL, NULL, "FLUSHALL"); /* a replica refuses it */
        if (reply)
            freeReplyObject(reply);
    }
    return 0;
}

static int open_place(lesson_store **out, void *context) {
    struct place *place = context;
    return lesson_store_open(out, place->location);
}

static void locate(struct place *place, const certificates *made, const char *options) {
    const char *location =
        place->cluster ? redis_cluster_location(place->cluster) : redis_sentinels_location(place->sentinels);
    certificates_locate(place->location, sizeof place->location, made, location, options);
}

static int run_over(const char *who, struct place *place, int argc, char **argv) {
    char name[32];
    bool is_over_tls = strncmp(place->location, "rediss", 6) == 0;
    snprintf(name, sizeof name, "redis-%s%s", who, is_over_tls ? "-tls" : "");
    lesson_store_conformance_backend redis = whole_backend(name);
    redis.capabilities |= LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_PERSIST;
    if (strcmp(who, "slots") == 0) {
        redis.calls &= ~(uint64_t)LESSON_STORE_CALL_FEED;
        redis.exceptions = LESSON_STORE_EXCEPTIONS_0_2;
    }
    redis.context = place;
    redis.prepare = flush;
    redis.open = open_place;
    redis.break_engine = take_down;
    redis.restore_engine = bring_up;
    return lesson_store_conformance_run(&redis, argc, argv) != 0;
}

static int run_behind_sentinels(const certificates *made, int argc, char **argv) {
    const redis_sentinels_options options = {.replicas = 1, .down_after_ms = 60000, .certificates = made};
    struct place place = {.sentinels = redis_sentinels_start(&options)};
    if (!place.sentinels)
        return 1;
    locate(&place, made, made ? "" : "feed=600");
    int failed = run_over("sentinel", &place, argc, argv);
    redis_sentinels_stop(place.sentinels);
    return failed;
}

static int run_in_cluster(const certificates *made, const char *who, int argc, char **argv) {
    bool is_only_shard = strcmp(who, "shard") == 0, is_plain = is_only_shard || strcmp(who, "slots") == 0;
    const redis_cluster_options options = {.primaries = is_only_shard ? 1 : 3, .certificates = made};
    struct place place = {.cluster = redis_cluster_start(&options)};
    if (!place.cluster)
        return 1;
    const char *tagged = made ? "prefix={school}" : "prefix={school}&feed=600";
    /* An operation over several slots takes several round trips, which a busy machine makes long. */
    locate(&place, made, is_only_shard ? "feed=600" : is_plain ? "timeout_ms=3000" : tagged);
    int failed = run_over(who, &place, argc, argv);
    redis_cluster_stop(place.cluster);
    return failed;
}

static int run_on(const char *who, const certificates *made, int argc, char **argv) {
    if (strcmp(who, "sentinel") == 0)
        return run_behind_sentinels(made, argc, argv);
    if (strcmp(who, "cluster") == 0 || strcmp(who, "shard") == 0 || strcmp(who, "slots") == 0)
        return run_in_cluster(made, who, argc, argv);
    fprintf(stderr, "usage: conformance-redis_rigs sentinel|cluster|shard|slots [--tls]\n");
    return 2;
}

int main(int argc, char **argv) {
    const char *who = argc > 1 ? argv[1] : "";
    certificates made;
    if (argc < 3 || strcmp(argv[2], "--tls") != 0)
        return run_on(who, NULL, argc - 1, argv + 1);
    if (certificates_make(&made))
        return 1;
    int status = run_on(who, &made, argc - 2, argv + 2);
    certificates_remove(&made);
    return status;
}
