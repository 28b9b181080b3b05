/*
 * redis-benchmark, the server's own tool, which keeps 64 requests under way on each of 50 connections. It replaces
 * marked places by random numbers of 12 digits, all from one range. So the ids here are made of such numbers.
 */
#ifndef LESSON_STORE_BENCH_REDIS_BENCHMARK_H
#define LESSON_STORE_BENCH_REDIS_BENCHMARK_H

#include "workload.h"

/* The users and lessons that it will draw: `range` lessons, and `range` squared users. */
workload redis_benchmark_workload(size_t range);

/* Sends `count` EVALSHA of the script with this hash (raw_redis.h), which join random users of that workload. Returns
 * the time that the tool reports, in nanoseconds. */
double redis_benchmark_run(const char *socket, int database, const char *hash, size_t range, size_t count);

#endif
