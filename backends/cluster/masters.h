/* The masters that can have keys, as they know each other. */
#ifndef LESSON_STORE_CLUSTER_MASTERS_H
#define LESSON_STORE_CLUSTER_MASTERS_H

#include "cluster.h"

/* Asks all masters of the view which slots they have and which masters they know, and brings into the map those that it
 * lacks: masters that have taken over slots since it was read, and masters without slots, which can be importing one.
 *
 * `*hash` is another one if the masters are others than before, or if a slot has changed its master since, also if it
 * has come back. `*are_moving`: slots are being moved. Returns OK, or a code with its message set. */
int cluster_masters_survey(cluster_store *store, uint64_t *hash, bool *are_moving);

#endif
