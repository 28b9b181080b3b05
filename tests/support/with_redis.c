/*
 * with_redis [--tls|--sentinel|--cluster|--shard] COMMAND ARGUMENT...: runs a command together with a private
 * Redis server, or with a primary, two replicas and three Sentinels, a cluster of three nodes, or a cluster of one. The
 * command finds the locations in LESSONSTORE_TEST_REDIS (of a single server: on its unix socket) and
 * LESSONSTORE_TEST_REDIS_TCP, and with --tls in LESSONSTORE_TEST_REDIS_TLS, which has options already. In a cluster of
 * several nodes, LESSONSTORE_TEST_PREFIX_TAG=1 says that a store's keys must share a slot. Returns the command's exit
 * status; ctest takes 77 for "skipped". Returns 99 if the servers or the command did not start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certificates.h"
#include "redis_server.h"
#ifdef LESSONSTORE_TEST_RIGS
#include "redis_cluster.h"
#include "redis_sentinels.h"
#endif

typedef int run_with(char *const command[]);

static int run(char *const command[]) {
    pid_t pid = fork();
    if (pid < 0)
        return 99;
    if (pid == 0) {
        execvp(command[0], command);
        fprintf(stderr, "with_redis: %s: %s\n", command[0], strerror(errno));
        _exit(99);
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return 99;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void export_locations(const char *first, const char *tcp) {
    setenv("LESSONSTORE_TEST_REDIS", first, 1);
    setenv("LESSONSTORE_TEST_REDIS_TCP", tcp, 1);
    unsetenv("LESSONSTORE_TEST_PREFIX_TAG");
}

static int run_with_server(char *const command[]) {
    redis_server *server = redis_server_start(NULL);
    if (!server)
        return 99;
    export_locations(redis_server_unix_location(server), redis_server_tcp_location(server));
    int status = run(command);
    redis_server_stop(server);
    return status;
}

static int run_with_tls(char *const command[]) {
    certificates made;
    if (certificates_make(&made))
        return 99;
    redis_server *server = redis_server_start_tls(&made, NULL, NULL);
    int status = 99;
    if (server) {
        export_locations(redis_server_unix_location(server), redis_server_tcp_location(server));
        setenv("LESSONSTORE_TEST_REDIS_TLS", redis_server_tls_location(server), 1);
        status = run(command);
    }
    redis_server_stop(server);
    certificates_remove(&made);
    return status;
}

#ifdef LESSONSTORE_TEST_RIGS

/* Long: these runs are about what the library does, not about an election that a busy machine brings about. */
#define DOWN_AFTER_MS 10000

static int run_with_sentinels(char *const command[]) {
    const redis_sentinels_options options = {.down_after_ms = DOWN_AFTER_MS};
    redis_sentinels *rig = redis_sentinels_start(&options);
    if (!rig)
        return 99;
    export_locations(redis_sentinels_location(rig), redis_sentinels_location(rig));
    int status = run(command);
    redis_sentinels_stop(rig);
    return status;
}

static int run_with_nodes(char *const command[], int count) {
    const redis_cluster_options options = {.primaries = count, .node_timeout_ms = DOWN_AFTER_MS};
    redis_cluster *rig = redis_cluster_start(&options);
    if (!rig)
        return 99;
    export_locations(redis_cluster_location(rig), redis_cluster_location(rig));
    if (count > 1)
        setenv("LESSONSTORE_TEST_PREFIX_TAG", "1", 1);
    int status = run(command);
    redis_cluster_stop(rig);
    return status;
}

static int run_with_cluster(char *const command[]) {
    return run_with_nodes(command, 3);
}

static int run_with_shard(char *const command[]) {
    return run_with_nodes(command, 1);
}

#endif

/* NULL: there is no such option. */
static run_with *find_option(const char *option) {
    if (strcmp(option, "--tls") == 0)
        return run_with_tls;
#ifdef LESSONSTORE_TEST_RIGS
    if (strcmp(option, "--sentinel") == 0)
        return run_with_sentinels;
    if (strcmp(option, "--cluster") == 0)
        return run_with_cluster;
    if (strcmp(option, "--shard") == 0)
        return run_with_shard;
#endif
    return NULL;
}

int main(int argc, char **argv) {
    bool has_option = argc > 1 && strncmp(argv[1], "--", 2) == 0;
    run_with *run_command = has_option ? find_option(argv[1]) : run_with_server;
    if (argc < 2 + has_option || !run_command) {
        fprintf(stderr, "usage: with_redis [--tls|--sentinel|--cluster|--shard] COMMAND ARGUMENT...\n");
        return 2;
    }
    return run_command(argv + 1 + has_option);
}
