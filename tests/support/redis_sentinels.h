/*
 * Redis Sentinels for a test: a primary, its replicas, and the Sentinels that watch it under the name "school". Servers
 * and Sentinels are those of redis_server.h, whose functions kill, pause, resume and restart one of them.
 *
 * A server keeps nothing over a restart but whose replica it is. So a primary that is restarted before the Sentinels
 * miss it is an empty one.
 */
#ifndef LESSON_STORE_TESTS_REDIS_SENTINELS_H
#define LESSON_STORE_TESTS_REDIS_SENTINELS_H

#include "redis_server.h"

#define REDIS_SENTINELS_NAME "school"

typedef struct redis_sentinels redis_sentinels;

/* Everything must outlive the rig. */
typedef struct redis_sentinels_options {
    int replicas;                     /* at most 5; 0: 2 */
    int sentinels;                    /* at most 5; 0: 3 */
    int down_after_ms;                /* after which a silent server counts as down, 500 or more; 0: 500 */
    const char *const *arguments;     /* more arguments for each server, ended by a NULL, or NULL */
    const char *lines;                /* more lines for each Sentinel's configuration, each with its newline, or NULL */
    const char *password;             /* of the servers' default user, or NULL: none */
    const char *sentinel_password;    /* of the Sentinels' default user, or NULL: none */
    const certificates *certificates; /* all ports are for TLS only, or NULL: none is */
    const char *certificate;          /* the name of everybody's certificate; NULL: "server" */
} redis_sentinels_options;

/* Starts all and waits until all is whole (redis_sentinels_wait_whole). NULL, with a message on stderr, if it did not
 * start. */
redis_sentinels *redis_sentinels_start(const redis_sentinels_options *options);

/* Stops everything. NULL is allowed. */
void redis_sentinels_stop(redis_sentinels *rig);

/* "redis+sentinel://127.0.0.1:PORT,127.0.0.1:PORT,127.0.0.1:PORT/school", without passwords and options; with
 * certificates "rediss+sentinel://..." */
const char *redis_sentinels_location(const redis_sentinels *rig);

/* The primary and the replicas: at the start, 0 is the primary. */
int redis_sentinels_server_count(const redis_sentinels *rig);
redis_server *redis_sentinels_server(const redis_sentinels *rig, int index);
int redis_sentinels_sentinel_count(const redis_sentinels *rig);
redis_server *redis_sentinels_sentinel(const redis_sentinels *rig, int index);

/* The index of the only running server whose ROLE is master. -1: none is, or several are. */
int redis_sentinels_primary(const redis_sentinels *rig);

/* Asks a Sentinel for a failover, again while it refuses because it is not ready for one. It only begins then. */
bool redis_sentinels_failover(const redis_sentinels *rig);

/* Waits until all running Sentinels name the same server other than `former` (-1: any) as the primary, and its ROLE is
 * master. Returns its index; -1 if that did not come to be. */
int redis_sentinels_wait_primary(const redis_sentinels *rig, int former);

/* Waits until all running servers but one are its replicas that get its writes, and the running Sentinels know all of
 * them and each other. */
bool redis_sentinels_wait_whole(const redis_sentinels *rig);

#endif
