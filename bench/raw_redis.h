/*
 * What one would write for Redis without the library, and as well as one can: a minimal script with its keys declared,
 * called by its hash through hiredis, one round trip at a time or pipelined; and for what needs no script plain
 * commands. What is stored is the same to the byte. Whatever fails ends the program.
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

/* The hash of the script that joins: KEYS user, members; ARGV course. It answers the lesson before, or nil. */
const char *raw_redis_join_hash(const raw_redis *raw);

/* One EVALSHA; whether the user came from another lesson. */
bool raw_redis_join(raw_redis *raw, const workload_join *join);

/* An EVALSHA for each, all of them written before the first reply is read. Returns how many users were moved. */
size_t raw_redis_join_pipelined(raw_redis *raw, const workload_join *joins, size_t count);

/* Fills a database: the same in pieces, of any number of joins. */
void raw_redis_put(raw_redis *raw, const workload_join *joins, size_t count);

/* One EVALSHA; false: the user is nowhere. */
bool raw_redis_quit(raw_redis *raw, lesson_store_id uid);

/* One HMGET, which needs no script. */
bool raw_redis_where(raw_redis *raw, lesson_store_id uid, lesson_store_place *place);

/* One SMEMBERS, its reply as hiredis gives it. Returns the sum of the sizes of the ids. */
size_t raw_redis_members(raw_redis *raw, lesson_store_id lesson_id);

/* How often the server has read from its clients, which is one for each request that waits for its reply. */
uint64_t raw_redis_reads(raw_redis *raw);

void raw_redis_command(raw_redis *raw, const char *command);

#endif
