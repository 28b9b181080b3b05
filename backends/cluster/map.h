/*
 * Which node has which slot. All instances of a store share one map, so that what one of them learns counts for all.
 * Each instance works with a copy, its view, and takes a new copy when the map has changed.
 */
#ifndef LESSON_STORE_CLUSTER_MAP_H
#define LESSON_STORE_CLUSTER_MAP_H

#include "../redis/cluster.h"

typedef struct cluster_map cluster_map;

/* The map as one instance knows it. Begin with zeroes. */
typedef struct cluster_view {
    redis_slot_map map;
    uint64_t generation; /* 0: not known yet */
} cluster_view;

/* Opens the map of a new store, and asks the nodes of the location until they answer or the time for connecting is
 * over. Returns OK, or a code with its message set. */
int cluster_map_open(cluster_map **out, const lesson_store_location *location);

/* For one more instance of the same store. Each instance releases it once. */
cluster_map *cluster_map_share(cluster_map *map);
void cluster_map_release(cluster_map *map); /* NULL is allowed */

/* True if the slots are spread over several masters. Only before the map is shared. */
bool cluster_map_has_several_masters(const cluster_map *map);

/* What the connections of the store share. */
const redis_shared *cluster_map_shared(const cluster_map *map);

/* Brings a view up to date. NO_MEMORY if it cannot; the view is then as it was. */
int cluster_map_look(cluster_map *map, cluster_view *view);

/* Asks the nodes anew, `suspect` last: one that does not serve us. If another thread is asking, waits for its answer;
 * if one has asked just now, does nothing. */
int cluster_map_ask(cluster_map *map, const redis_address *suspect, int64_t until_us,
                    const lesson_store_location *opening);

/* A node has said that this master has the slot now. True if so many slots have moved one by one that the nodes should
 * be asked anew: a whole master may have handed over. */
bool cluster_map_move(cluster_map *map, unsigned slot, const redis_address *master);

/* Adds a master that may have keys, until the nodes are asked anew. False if the map has it already, or no room. */
bool cluster_map_add(cluster_map *map, const redis_address *master);

#endif
