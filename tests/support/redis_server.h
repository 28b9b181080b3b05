/*
 * A Redis or Valkey server for a test: on a unix socket and a free loopback port, in its own temporary directory,
 * without persistence. It ends at redis_server_stop, or with the thread that started it. The program is
 * $LESSONSTORE_REDIS_SERVER, else redis-server, valkey-server or redis-check-rdb (the same program) in PATH.
 */
#ifndef LESSON_STORE_TESTS_REDIS_SERVER_H
#define LESSON_STORE_TESTS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "certificates.h"

typedef struct redis_server redis_server;

/* Starts a server and waits until it answers. `arguments` (NULL: none; ended by a NULL) are appended to its command
 * line, such as "--requirepass", "secret". NULL, with a message on stderr, if it did not start. */
redis_server *redis_server_start(const char *const arguments[]);

/* The same with a port for TLS, the certificate of this name (NULL: "server"), and the first CA for clients. Clients
 * must show a certificate, unless the arguments say otherwise. `made` may be NULL: no TLS. */
redis_server *redis_server_start_tls(const certificates *made, const char *name, const char *const arguments[]);
int redis_server_tls_port(const redis_server *server); /* on 127.0.0.1 */
const char *redis_server_tls_port_text(const redis_server *server);

/* "rediss://127.0.0.1:PORT?tls_ca=...&tls_cert=...&tls_key=...": options already. */
const char *redis_server_tls_location(const redis_server *server);

/* What else a server may be. All zero: what redis_server_start starts. */
typedef struct redis_server_options {
    const char *const *arguments;     /* as above; these and their texts must outlive the server */
    const char *configuration;        /* the text of its configuration file, which it may write to, or NULL: no file */
    bool is_sentinel;                 /* a Redis Sentinel, of this configuration */
    const certificates *certificates; /* has a port for TLS too, or NULL: none */
    const char *certificate;          /* the name of its certificate; NULL: "server" */
    bool is_tls_only;                 /* its only port is that for TLS, and it talks TLS to other servers too */
    bool is_cluster_node;             /* a node of a cluster, with a free port for the cluster's bus */
} redis_server_options;

redis_server *redis_server_start_with(const redis_server_options *options);

/* Kills the server by SIGKILL and starts it again with the same arguments, port and socket. */
bool redis_server_restart(redis_server *server);
void redis_server_kill(redis_server *server);

/* SIGSTOP: the server keeps its connections and accepts new ones, but says nothing more. SIGCONT. */
void redis_server_pause(redis_server *server);
void redis_server_resume(redis_server *server);

/* Neither killed nor paused. */
bool redis_server_is_running(const redis_server *server);

/* Stops the server and removes its directory. NULL is allowed. */
void redis_server_stop(redis_server *server);

pid_t redis_server_pid(const redis_server *server);          /* 0: killed */
int redis_server_port(const redis_server *server);           /* on 127.0.0.1; for TLS if it has no other */
int redis_server_bus_port(const redis_server *server);       /* of a node of a cluster */
const char *redis_server_socket(const redis_server *server); /* the path */

/* "redis+unix:///tmp/.../redis.sock" and "redis://127.0.0.1:PORT" */
const char *redis_server_unix_location(const redis_server *server);
const char *redis_server_tcp_location(const redis_server *server);

#endif
