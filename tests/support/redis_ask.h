/* Questions to a test's servers, without the library: each on a connection of its own, on the unix socket. */
#ifndef LESSON_STORE_TESTS_REDIS_ASK_H
#define LESSON_STORE_TESTS_REDIS_ASK_H

#include <stdbool.h>
#include <time.h>

#include <hiredis/hiredis.h>

#include "redis_server.h"

/* Runs a command, as redisCommand does; `password` is NULL or the default user's. NULL if the server is not running,
 * did not reply within seconds, or replied with an error, which is then copied to `error` (NULL: not wanted). The
 * caller frees the reply. */
redisReply *redis_ask(const redis_server *server, const char *password, char error[256], const char *format, ...);

/* As redis_ask. True if the reply is OK. Says on stderr what it is otherwise. */
bool redis_tell(const redis_server *server, const char *password, const char *format, ...);

/* How many replicas a primary sends its writes to. One that is online but has acknowledged nothing yet gets none. */
int redis_synced_replicas(const redis_server *server, const char *password);

/* A condition that is asked every few milliseconds, for at most REDIS_WAIT_S seconds. */
#define REDIS_WAIT_S 60
bool redis_wait(bool (*is_true)(void *context), void *context);
void redis_rest(long microseconds);

#endif
