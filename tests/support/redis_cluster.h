/*
 * A Redis Cluster for a test: primaries with the 16384 slots spread evenly over them, and replicas of each. The nodes
 * are those of redis_server.h, whose functions kill, pause, resume and restart one of them. A node keeps its place in
 * the cluster over a restart, but no keys.
 */
#ifndef LESSON_STORE_TESTS_REDIS_CLUSTER_H
#define LESSON_STORE_TESTS_REDIS_CLUSTER_H

#include "redis_server.h"

#define REDIS_CLUSTER_NODES_MAX 12

typedef struct redis_cluster redis_cluster;

/* Everything must outlive the rig. */
typedef struct redis_cluster_options {
    int primaries;                    /* 1 or more */
    int replicas;                     /* of each primary */
    int node_timeout_ms;              /* after which a silent node counts as down; 0: 1000 */
    const char *const *arguments;     /* more arguments for each node, ended by a NULL, or NULL */
    const char *password;             /* of the default user, or NULL: none */
    const certificates *certificates; /* all ports are for TLS only, the bus too, or NULL: none is */
    const char *certificate;          /* the name of every node's certificate; NULL: "server" */
} redis_cluster_options;

/* Starts all and waits until all is whole (redis_cluster_wait_whole). NULL, with a message on stderr, if it did not
 * start. */
redis_cluster *redis_cluster_start(const redis_cluster_options *options);

/* Stops everything. NULL is allowed. No mover may run. */
void redis_cluster_stop(redis_cluster *rig);

/* "redis+cluster://127.0.0.1:PORT,127.0.0.1:PORT,...": all nodes of the start, without the password and options; with
 * certificates "rediss+cluster://..." */
const char *redis_cluster_location(const redis_cluster *rig);

/* At the start, the primaries come first; the replicas of primary p are then primaries + p * replicas and following. */
int redis_cluster_node_count(const redis_cluster *rig);
redis_server *redis_cluster_node(const redis_cluster *rig, int index);
const char *redis_cluster_node_id(const redis_cluster *rig, int index);
const char *redis_cluster_password(const redis_cluster *rig); /* or NULL */

/* Waits until the running nodes agree on the owner of every slot and on each other's epochs. */
bool redis_cluster_wait_agreed(const redis_cluster *rig);

/* And until each of them finds the state of the cluster ok and is connected to the others, and every running replica
 * gets its primary's writes. */
bool redis_cluster_wait_whole(const redis_cluster *rig);

/* FLUSHALL on every running primary. The slots stay where they are. */
bool redis_cluster_flush(const redis_cluster *rig);

/* The slot of a key, and the index of the only running node that says a slot is its own. -1: none does, or several. */
int redis_cluster_slot(const redis_cluster *rig, const char *key);
int redis_cluster_owner(const redis_cluster *rig, int slot);

/* Starts a further node, without a slot and without replicas, and waits until the cluster is whole. Returns its index,
 * or -1. No mover may run. */
int redis_cluster_add_primary(redis_cluster *rig);

/* CLUSTER FAILOVER at a replica. Waits until it is a primary. */
bool redis_cluster_failover(const redis_cluster *rig, int replica);

/* Waits until another node than `former` says that the slot is its own. Returns its index, or -1. */
int redis_cluster_wait_owner(const redis_cluster *rig, int slot, int former);

/* A slot's migration, in steps: MIGRATING and IMPORTING; then some of its keys, at most `limit`, one by one (returns
 * how many, 0 if none is left, or -1); then NODE, at the target first, on all running primaries, and
 * redis_cluster_wait_agreed: a slot that moves on before all know of its last move can end up as nobody's. */
bool redis_cluster_begin_move(const redis_cluster *rig, int slot, int source, int target);
int redis_cluster_move_keys(const redis_cluster *rig, int slot, int source, int target, int limit);
bool redis_cluster_finish_move(const redis_cluster *rig, int slot, int source, int target);

/* All steps, with this pause after each key. */
bool redis_cluster_move(const redis_cluster *rig, int slot, int source, int target, long pause_us);

/* A thread that moves a slot to and fro between its owner `source` and `target` with this pause after each key and each
 * move, until it is stopped; then the slot is whole at one of them. Both must stay primaries. */
typedef struct redis_cluster_mover redis_cluster_mover;
redis_cluster_mover *redis_cluster_mover_start(const redis_cluster *rig, int slot, int source, int target,
                                               long pause_us);

/* Returns how often the slot moved, or -1, with a message on stderr, if a move failed. */
long redis_cluster_mover_stop(redis_cluster_mover *mover);

#endif
