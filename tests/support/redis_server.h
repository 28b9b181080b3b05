/*
 * A Redis or Valkey server for a test: on a unix socket and a free loopback port, in a temporary folder of its own,
 * without persistence. It ends with redis_server_stop, and with the test's process if that dies first.
 * The program is $LESSONSTORE_REDIS_SERVER, else redis-server, valkey-server or redis-check-rdb (which is the same
 * program) in PATH.
 */
#ifndef LESSON_STORE_TESTS_REDIS_SERVER_H
#define LESSON_STORE_TESTS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct redis_server redis_server;

/* Starts a server and waits until it answers. `arguments` (NULL: none; closed by a NULL) are added to its command
 * line, as "--requirepass", "secret". NULL with a message on stderr if it did not start. */
redis_server *redis_server_start(const char *const arguments[]);

/* Kills the server with SIGKILL and starts it again with the same arguments on the same port and socket. */
bool redis_server_restart(redis_server *server);
void redis_server_kill(redis_server *server);

/* Stops the server and removes its folder. NULL is allowed. */
void redis_server_stop(redis_server *server);

pid_t redis_server_pid(const redis_server *server);
int redis_server_port(const redis_server *server);           /* on 127.0.0.1 */
const char *redis_server_socket(const redis_server *server); /* the path */

/* "redis+unix:///tmp/.../redis.sock" and "redis://127.0.0.1:PORT" */
const char *redis_server_unix_location(const redis_server *server);
const char *redis_server_tcp_location(const redis_server *server);

#endif
