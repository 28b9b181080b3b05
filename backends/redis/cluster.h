/* Finding the nodes of a Cluster that have the keys of a prefix. */
#ifndef LESSON_STORE_REDIS_CLUSTER_H
#define LESSON_STORE_REDIS_CLUSTER_H

#include "connection.h"
#include "slots.h"

#define REDIS_NODES_MAX 64    /* nodes that are remembered; others are found by those */
#define REDIS_MASTERS_MAX 512 /* that can have slots */

/* Who has the keys, as one node says. */
typedef struct redis_slot_map {
    redis_address *masters; /* as the functions below make it, with room for all */
    int count;
    int covered;                    /* slots that have a master */
    int16_t master_of[REDIS_SLOTS]; /* -1: none has the slot */
} redis_slot_map;

void redis_slot_map_free(redis_slot_map *map);

/* Returns the number of a master, which is added if it is not there yet. -1 if there is no room for one more. */
int redis_slot_map_add_master(redis_slot_map *map, const redis_address *master);

/* Used by one thread at a time. */
typedef struct redis_cluster {
    const redis_settings *settings;
    redis_address *nodes; /* those that the latest answer named */
    int count;
    int64_t asked_us;
    int64_t deadline_us;
    redis_connection asked;
    redis_reply reply;
} redis_cluster;

int redis_cluster_open(redis_cluster *cluster, const redis_settings *settings, const redis_shared *shared);
void redis_cluster_close(redis_cluster *cluster); /* also one that was never opened */

/* Asks nodes in turn, `hint` first if it has a host, for the owner of the slot of the prefix; of a prefix without a
 * tag, for the owner of all slots. `*owner` is the last one known, or has no host. Returns OK, or a code with its
 * message set. */
int redis_cluster_find(redis_cluster *cluster, const redis_address *hint, redis_address *owner, int64_t until_us,
                       const lesson_store_location *opening);

/* The same for the masters of all slots. `suspect` is asked last: a node that may be cut off from the others; or it has
 * no host. `*map` is the last one known, or zero, and becomes the new one. Some slots may have no master. */
int redis_cluster_read_map(redis_cluster *cluster, const redis_address *suspect, redis_slot_map *map, int64_t until_us,
                           const lesson_store_location *opening);

/* Reads the node that "MOVED SLOT HOST:PORT" names, or "ASK SLOT HOST:PORT", with the host of `from` for an empty one.
 * False, and `*node` as it was, if this is no such error. */
bool redis_cluster_read_redirection(redis_address *node, lesson_store_id error, const redis_address *from);

#endif
