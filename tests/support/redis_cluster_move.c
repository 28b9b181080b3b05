/* Moving a slot of a cluster, as an operator's resharding does. */
#include "redis_cluster.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_ask.h"

#define MIGRATE_LIMIT_MS 5000

struct redis_cluster_mover {
    const redis_cluster *rig;
    int slot;
    int source;
    int target;
    long pause_us;
    long moves;
    bool has_failed;
    atomic_bool is_stopping;
    pthread_t thread;
};

bool redis_cluster_begin_move(const redis_cluster *rig, int slot, int source, int target) {
    const char *password = redis_cluster_password(rig);
    return redis_tell(redis_cluster_node(rig, target), password, "CLUSTER SETSLOT %d IMPORTING %s", slot,
                      redis_cluster_node_id(rig, source)) &&
           redis_tell(redis_cluster_node(rig, source), password, "CLUSTER SETSLOT %d MIGRATING %s", slot,
                      redis_cluster_node_id(rig, target));
}

static bool move_key(const redis_cluster *rig, int source, int target, const redisReply *key) {
    const char *password = redis_cluster_password(rig);
    const redis_server *from = redis_cluster_node(rig, source);
    int port = redis_server_port(redis_cluster_node(rig, target));
    if (!password)
        return redis_tell(from, NULL, "MIGRATE 127.0.0.1 %d %b 0 %d", port, key->str, (size_t)key->len,
                          MIGRATE_LIMIT_MS);
    return redis_tell(from, password, "MIGRATE 127.0.0.1 %d %b 0 %d AUTH %s", port, key->str, (size_t)key->len,
                      MIGRATE_LIMIT_MS, password);
}

int redis_cluster_move_keys(const redis_cluster *rig, int slot, int source, int target, int limit) {
    redisReply *keys = redis_ask(redis_cluster_node(rig, source), redis_cluster_password(rig), NULL,
                                 "CLUSTER GETKEYSINSLOT %d %d", slot, limit);
    if (!keys)
        return -1;
    int moved = 0;
    while ((size_t)moved < keys->elements && move_key(rig, source, target, keys->element[moved]))
        moved++;
    bool is_done = (size_t)moved == keys->elements;
    freeReplyObject(keys);
    return is_done ? moved : -1;
}

static bool is_primary(const redis_cluster *rig, int index) {
    redisReply *role = redis_ask(redis_cluster_node(rig, index), redis_cluster_password(rig), NULL, "ROLE");
    bool is = role && role->elements > 0 && strcmp(role->element[0]->str, "master") == 0;
    freeReplyObject(role);
    return is;
}

static bool set_owner(const redis_cluster *rig, int index, int slot, int owner) {
    return redis_tell(redis_cluster_node(rig, index), redis_cluster_password(rig), "CLUSTER SETSLOT %d NODE %s", slot,
                      redis_cluster_node_id(rig, owner));
}

/* A node whose last slot goes becomes a replica of the target, maybe before it is told. */
bool redis_cluster_finish_move(const redis_cluster *rig, int slot, int source, int target) {
    if (!set_owner(rig, target, slot, target))
        return false;
    if (!set_owner(rig, source, slot, target) && is_primary(rig, source))
        return false;
    for (int i = 0; i < redis_cluster_node_count(rig); i++) {
        if (i != target && i != source && is_primary(rig, i) && !set_owner(rig, i, slot, target))
            return false;
    }
    return redis_cluster_wait_agreed(rig);
}

bool redis_cluster_move(const redis_cluster *rig, int slot, int source, int target, long pause_us) {
    if (!redis_cluster_begin_move(rig, slot, source, target))
        return false;
    int moved;
    while ((moved = redis_cluster_move_keys(rig, slot, source, target, 1)) > 0)
        redis_rest(pause_us);
    return moved == 0 && redis_cluster_finish_move(rig, slot, source, target);
}

static void *move_to_and_fro(void *argument) {
    redis_cluster_mover *mover = argument;
    int from = mover->source, to = mover->target;
    while (!atomic_load(&mover->is_stopping)) {
        if (!redis_cluster_move(mover->rig, mover->slot, from, to, mover->pause_us)) {
            mover->has_failed = true;
            return NULL;
        }
        mover->moves++;
        int next = from;
        from = to;
        to = next;
        redis_rest(mover->pause_us);
    }
    return NULL;
}

redis_cluster_mover *redis_cluster_mover_start(const redis_cluster *rig, int slot, int source, int target,
                                               long pause_us) {
    redis_cluster_mover *mover = calloc(1, sizeof *mover);
    if (!mover)
        return NULL;
    mover->rig = rig;
    mover->slot = slot;
    mover->source = source;
    mover->target = target;
    mover->pause_us = pause_us;
    atomic_init(&mover->is_stopping, false);
    if (pthread_create(&mover->thread, NULL, move_to_and_fro, mover) == 0)
        return mover;
    free(mover);
    return NULL;
}

long redis_cluster_mover_stop(redis_cluster_mover *mover) {
    atomic_store(&mover->is_stopping, true);
    pthread_join(mover->thread, NULL);
    long moves = mover->has_failed ? -1 : mover->moves;
    if (mover->has_failed)
        fprintf(stderr, "redis_cluster_mover: a move of slot %d failed after %ld moves\n", mover->slot, mover->moves);
    free(mover);
    return moves;
}
