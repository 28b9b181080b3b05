/* Finding the node of a Cluster that has the keys of a prefix. */
#ifndef LESSON_STORE_REDIS_CLUSTER_H
#define LESSON_STORE_REDIS_CLUSTER_H

#include "connection.h"

#define REDIS_NODES_MAX 64 /* nodes that are remembered; others are found by those */

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

/* Reads the node that "MOVED SLOT HOST:PORT" names, or "ASK SLOT HOST:PORT", with the host of `from` for an empty one.
 * False, and `*node` as it was, if this is no such error. */
bool redis_cluster_read_redirection(redis_address *node, lesson_store_id error, const redis_address *from);

#endif
