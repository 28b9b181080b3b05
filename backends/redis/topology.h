/*
 * Where the server of a store is. All instances of a store share one topology, so that what one of them learns counts
 * for all. It has no thread: the connections that need to know ask, and hear on their way what was announced.
 *
 * An address belongs to a generation. When another server takes over, the generation changes, and each instance
 * replaces its connection before it uses it again.
 */
#ifndef LESSON_STORE_REDIS_TOPOLOGY_H
#define LESSON_STORE_REDIS_TOPOLOGY_H

#include "connection.h"

typedef struct redis_topology redis_topology;

/* The server as one instance knows it. */
typedef struct redis_place {
    redis_address address;
    uint64_t generation; /* 0: not known yet */
} redis_place;

/* Opens the topology of a new store. The location says how to find the server. Returns OK, or a code with its message
 * set. */
int redis_topology_open(redis_topology **out, const lesson_store_location *location);

/* For one more instance of the same store. Each instance releases it once. */
redis_topology *redis_topology_share(redis_topology *topology);
void redis_topology_release(redis_topology *topology); /* NULL is allowed */

/* What the connections of the store share. */
const redis_shared *redis_topology_shared(const redis_topology *topology);

/* True if the place is still the right one, as far as is known. Hears what was announced meanwhile, without waiting. */
bool redis_topology_is_at(redis_topology *topology, const redis_place *place);

/* Finds out where the server is, until `until_us`, and if anybody doubts it asks those who know. The observer is told
 * of a failover, once for the store. Returns OK, or a code with its message set. */
int redis_topology_find(redis_topology *topology, redis_place *place, int64_t until_us,
                        const lesson_store_location *opening, lesson_store_observer *observer);

/* The server at this place does not serve us: the next to find it asks anew. `error` is what it said, or {NULL, 0}; the
 * error of a node can name the right one. */
void redis_topology_doubt(redis_topology *topology, const redis_place *place, lesson_store_id error);

/* What info reports. */
typedef struct redis_topology_facts {
    uint64_t epoch;   /* of the Sentinels' configuration; 0: unknown */
    uint64_t changes; /* how often another server took over */
} redis_topology_facts;
redis_topology_facts redis_topology_get_facts(redis_topology *topology);

#endif
