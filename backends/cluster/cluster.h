/*
 * The backend for plain keys over several shards of a Cluster. It stands on the connections, requests and replies of
 * the redis backend. Its files, from the top down:
 *
 *   cluster.c   the table of the backend; opening, closing; choosing between it and the redis backend
 *   run.c       batches of operations: in which order, and how many go together
 *   machine.c   one operation, in stages       asks.c  its requests       take.c, replies.c  their replies
 *   ask.c       questions that are no operations
 *   crowd.c     the users of a lesson          end.c   the end of a lesson    members.c  the list of its members
 *   list.c      lessons, users, owners and bans, over all nodes
 *   scan.c      the keys of all nodes          masters.c  which nodes those are
 *   check*.c    check and repair             sweep.c sweeps
 *   router.c    requests to the nodes that have their slots                   map.c  which nodes those are
 *   keys.c      the keys and their slots       scripts/  what the nodes run   info.c facts about the nodes
 */
#ifndef LESSON_STORE_CLUSTER_CLUSTER_H
#define LESSON_STORE_CLUSTER_CLUSTER_H

#include "machine.h"
#include "router.h"

typedef struct cluster_store {
    lesson_store_instance base;
    redis_store redis; /* only its settings, its request and its reply are used */
    cluster_map *map;  /* shared by all instances of the store */
    cluster_router router;
    cluster_workshop workshop;
    cluster_machine *machines; /* those that are under way */
    cluster_request *requests; /* of them: CLUSTER_ASKS_MAX each */
    size_t room;               /* for so many machines */
    int node;                  /* that the latest question went to */
} cluster_store;

static inline cluster_store *cluster_of(lesson_store_instance *instance) {
    return (cluster_store *)instance;
}

/* Until when the call may wait now. */
int64_t cluster_until_us(cluster_store *store);

/* Chooses this backend for the redis backend, unless all keys of the location are in one shard. */
int cluster_choose(const lesson_store_backend **out, const lesson_store_location *location);

extern const lesson_store_backend lesson_store__cluster_backend;

/* ---- ask.c */

/* Sends the instance's request to the node of a slot, and waits for its reply. Returns OK, or a code with its message
 * set. Only for requests that may be repeated. */
int cluster_ask_slot(cluster_store *store, unsigned slot);

/* The same for a request that must not be sent again. UNKNOWN: its reply was lost. */
int cluster_tell(cluster_store *store, unsigned slot);

/* The same for one node of the router, and a request that may be repeated. */
int cluster_ask_node(cluster_store *store, int node);

/* The code of a reply that is an error, or of a malformed one; the message is set. */
int cluster_error(const cluster_store *store, const redis_reply *reply);
int cluster_garbled(const cluster_store *store);

/* Runs an exchange, and returns OK, or the code of the first request that was not answered, with its message set. */
int cluster_exchange_all(cluster_store *store, const cluster_exchange *exchange);

/* ---- end.c */

int cluster_end(cluster_store *store, lesson_store_operation *end);

/* ---- The functions of the backend's table */

int cluster_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
int cluster_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                    lesson_store_member_callback callback, void *context);
int cluster_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                         lesson_store_position *position, lesson_store_member_callback callback, void *context);
int cluster_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
int cluster_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                         lesson_store_lesson_callback callback, void *context);
int cluster_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                         lesson_store_lesson_callback callback, void *context);
int cluster_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                              lesson_store_position *position, lesson_store_lesson_callback callback, void *context);
int cluster_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
int cluster_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                       lesson_store_user_callback callback, void *context);
int cluster_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context);
int cluster_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                 lesson_store_banned_callback callback, void *context);
int cluster_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                  void *context);
int cluster_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                  void *context);
int cluster_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context);

#endif
