/* The server's own record of its long commands. It needs a threshold: slowlog-log-slower-than, in microseconds. */
#ifndef LESSON_STORE_BENCH_SLOW_LOG_H
#define LESSON_STORE_BENCH_SLOW_LOG_H

#include <hiredis/hiredis.h>

/* For a server that is to be started: a record of at least this many microseconds. */
#define SLOW_LOG_ARGUMENTS(us) "--slowlog-log-slower-than", us, "--slowlog-max-len", "100000"

void slow_log_reset(redisContext *commands);

/* In microseconds. 0 if no command was as long as the threshold. */
double slow_log_longest_us(redisContext *commands);

#endif
