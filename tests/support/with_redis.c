/*
 * with_redis [--sentinel|--cluster|--slots|--shard] [--tls] COMMAND ARGUMENT...: runs a command together with a private
 * Redis server, or with a primary, two replicas and three Sentinels, a cluster of three nodes (--cluster for keys with
 * a tag, --slots for plain keys), or a cluster of one. The command finds the locations in LESSONSTORE_TEST_REDIS (of a
 * single server: on its unix socket) and LESSONSTORE_TEST_REDIS_TCP. With --tls, that of a single server over TLS is in
 * LESSONSTORE_TEST_REDIS_TLS, and several servers have no other; a location over TLS has options already. With
 * --cluster, LESSONSTORE_TEST_PREFIX_TAG=1 says that a store's keys must share a slot. Returns the command's exit
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

/* `made` is NULL without TLS. */
typedef int run_with(const certificates *made, char *const command[]);

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

static int run_with_server(const certificates *made, char *const command[]) {
    redis_server *server = redis_server_start_tls(made, NULL, NULL);
    if (!server)
        return 99;
    export_locations(redis_server_unix_location(server), redis_server_tcp_location(server));
    if (made)
        setenv("LESSONSTORE_TEST_REDIS_TLS", redis_server_tls_location(server), 1);
    int status = run(command);
    redis_server_stop(server);
    return status;
}

#ifdef LESSONSTORE_TEST_RIGS

/* Long: these runs are about what the library does, not about an election that a busy machine brings about. */
#define DOWN_AFTER_MS 10000

static void export_rig(const certificates *made, const char *location) {
    char all[1024];
    certificates_locate(all, sizeof all, made, location, "");
    export_locations(all, all);
}

static int run_with_sentinels(const certificates *made, char *const command[]) {
    const redis_sentinels_options options = {.down_after_ms = DOWN_AFTER_MS, .certificates = made};
    redis_sentinels *rig = redis_sentinels_start(&options);
    if (!rig)
        return 99;
    export_rig(made, redis_sentinels_location(rig));
    int status = run(command);
    redis_sentinels_stop(rig);
    return status;
}

static int run_with_nodes(const certificates *made, char *const command[], int count, bool has_tag) {
    const redis_cluster_options options = {.primaries = count, .node_timeout_ms = DOWN_AFTER_MS, .certificates = made};
    redis_cluster *rig = redis_cluster_start(&options);
    if (!rig)
        return 99;
    export_rig(made, redis_cluster_location(rig));
    if (has_tag)
        setenv("LESSONSTORE_TEST_PREFIX_TAG", "1", 1);
    int status = run(command);
    redis_cluster_stop(rig);
    return status;
}

static int run_with_cluster(const certificates *made, char *const command[]) {
    return run_with_nodes(made, command, 3, true);
}

static int run_with_slots(const certificates *made, char *const command[]) {
    return run_with_nodes(made, command, 3, false);
}

static int run_with_shard(const certificates *made, char *const command[]) {
    return run_with_nodes(made, command, 1, false);
}

#endif

static int run_over_tls(run_with *run_command, char *const command[]) {
    certificates made;
    if (certificates_make(&made))
        return 99;
    int status = run_command(&made, command);
    certificates_remove(&made);
    return status;
}

/* NULL: there is no such option. */
static run_with *find_option(const char *option) {
#ifdef LESSONSTORE_TEST_RIGS
    if (strcmp(option, "--sentinel") == 0)
        return run_with_sentinels;
    if (strcmp(option, "--cluster") == 0)
        return run_with_cluster;
    if (strcmp(option, "--slots") == 0)
        return run_with_slots;
    if (strcmp(option, "--shard") == 0)
        return run_with_shard;
#else
    (void)option;
#endif
    return NULL;
}

int main(int argc, char **argv) {
    char *const *command = argv + (argc > 0);
    run_with *run_command = run_with_server;
    bool is_over_tls = false;
    for (; *command && strncmp(*command, "--", 2) == 0 && run_command; command++) {
        if (strcmp(*command, "--tls") == 0)
            is_over_tls = true;
        else
            run_command = find_option(*command);
    }
    if (!*command || !run_command) {
        fprintf(stderr, "usage: with_redis [--sentinel|--cluster|--slots|--shard] [--tls] COMMAND ARGUMENT...\n");
        return 2;
    }
    return is_over_tls ? run_over_tls(run_command, command) : run_command(NULL, command);
}
