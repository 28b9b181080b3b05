/* Writing the requests of the protocol. All write into the request of the instance. */
#ifndef LESSON_STORE_CLUSTER_ASKS_H
#define LESSON_STORE_CLUSTER_ASKS_H

#include "machine.h"

/* Begins a call of a script that takes two keys: that of the stored form, and its helper with this end. */
void cluster_begin_script(redis_store *redis, const redis_script *script, const char *middle, lesson_store_id id,
                          const char *end);

/* Begins a call of a script of the redis backend that is about owners: the prefix is its first argument. */
void cluster_begin_common(cluster_workshop *workshop, const redis_script *script);

/* With a floor (not 0) it is a fence: unless the user is in that lesson, the version rises to it. `with_details`: asks
 * for the rest of the user record too. */
void cluster_begin_inspect(redis_store *redis, lesson_store_id uid, lesson_store_id unless, uint64_t floor,
                           bool with_details);

/* `last`: the operation that has put the user there, as INSPECT named it. */
void cluster_begin_evict(redis_store *redis, lesson_store_id uid, lesson_store_id lesson, const char *last);

/* `capacity` 0: any number. */
void cluster_begin_add(redis_store *redis, lesson_store_id lesson, lesson_store_id uid, uint64_t version,
                       uint64_t capacity);

/* Users who were seen elsewhere are added to the request one by one. */
void cluster_begin_remove(redis_store *redis, lesson_store_id lesson);
void cluster_add_removed(redis_store *redis, lesson_store_id uid, uint64_t version);

/* Of the machine's next ADD: the version, and how many members it allows (0: any number). */
uint64_t cluster_version_to_add(const cluster_machine *machine);
uint64_t cluster_capacity_to_keep(const cluster_machine *machine);

#endif
