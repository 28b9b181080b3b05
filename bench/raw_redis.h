/*
 * What an application would write for Redis without the library, as well as possible: a minimal script with declared
 * keys, called by its hash through hiredis, one round trip at a time or pipelined; and plain commands where no script
 * is needed. The stored data is the same to the byte. Any failure ends the program.
 */
#ifndef LESSON_STORE_BENCH_RAW_REDIS_H
#define LESSON_STORE_BENCH_RAW_REDIS_H

#include "workload.h"

#define RAW_USER_PREFIX "STATUS:IN_LESSON:UID:"
#define RAW_MEMBERS_PREFIX "STATUS:LESSON_USER:LESSON_ID:"

typedef struct raw_redis raw_redis;

/* Connects to a unix socket, selects a database and loads the scripts. */
raw_redis *raw_redis_open(const char *socket, int database);
void raw_redis_close(raw_redis *raw);

/* Returns the hash of the join script: KEYS user, members; ARGV course. The script replies the previous lesson, or nil.
 */
const char *raw_redis_join_hash(const raw_redis *raw);

/* One EVALSHA. True if the user came from another lesson. */
bool raw_redis_join(raw_redis *raw, const workload_join *join);

/* One EVALSHA for each join. All are written before the first reply is read. Returns the number of users who moved. */
size_t raw_redis_join_pipelined(raw_redis *raw, const workload_join *joins, size_t count);

/* Fills a database: the same in pieces, for any number of joins. */
void raw_redis_put(raw_redis *raw, const workload_join *joins, size_t count);

/* One EVALSHA. False: the user is in no lesson. */
bool raw_redis_quit(raw_redis *raw, lesson_store_id uid);

/* One HMGET, which needs no script. */
bool raw_redis_where(raw_redis *raw, lesson_store_id uid, lesson_store_place *place);

/* One SMEMBERS, with the reply that hiredis makes. Returns the sum of the sizes of the ids. */
size_t raw_redis_members(raw_redis *raw, lesson_store_id lesson_id);

/* Returns how often the server has read from its clients: once for each request that waits for its reply. */
uint64_t raw_redis_reads(raw_redis *raw);

void raw_redis_command(raw_redis *raw, const char *command);

#endif
