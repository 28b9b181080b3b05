/* What tests of a store over several shards share: clients at work, what disturbs them, and who is where afterwards. */
#ifndef LESSON_STORE_TESTS_CLUSTER_UNDER_WAY_H
#define LESSON_STORE_TESTS_CLUSTER_UNDER_WAY_H

#include <pthread.h>
#include <stdatomic.h>

#include <lessonstore/lessonstore.h>

#include "dice.h"
#include "redis_cluster.h"

enum { UNDER_WAY_USERS = 300, UNDER_WAY_LESSONS = 40, UNDER_WAY_CODES = 64 };

#define UNDER_WAY_CODE(code) (32 + (code))

/* A client: a thread with a store of its own, which runs random operations, single and in batches, until it is told to
 * end. */
typedef struct shard_client {
    pthread_t thread;
    const char *location;
    dice_state dice;
    bool joins_and_quits_only; /* writes no lesson record, so that none is UNKNOWN but those overtaken */
    atomic_bool ends;
    atomic_int done;            /* operations */
    int codes[UNDER_WAY_CODES]; /* by UNDER_WAY_CODE(code) */
    int overtaken; /* of those that are UNKNOWN: another operation of the user came after, while a reply was lost */
    char failure[LESSON_STORE_MESSAGE_SIZE]; /* the latest other one */
    int64_t longest_ms;                      /* of all calls */
} shard_client;

void client_start(shard_client *client, const char *location, uint64_t seed, bool joins_and_quits_only);
void client_wait(const shard_client *client, int more);
void client_stop(shard_client *client);

/* The same as a process, which can be killed. */
pid_t client_fork(const char *location, uint64_t seed);
void client_kill(pid_t process);

/* A program that knows no versions: HMSET and SADD, or HGET, DEL and SREM, on a random user. */
void write_as_others(const redis_cluster *rig, dice_state *dice);

/* What the keys of the stored form say, read without the library. */
typedef struct agreement {
    int users;      /* in a lesson */
    int ghosts;     /* members whose user record names another lesson or none */
    char ghost[64]; /* the first of them */
    int missing;    /* users whose lesson does not have them among its members */
} agreement;
agreement look_at_keys(const redis_cluster *rig);

#endif
