/*
 * with_redis [--tls] COMMAND ARGUMENT...: runs a command together with a private Redis server. The command finds the
 * server's locations in LESSONSTORE_TEST_REDIS (unix socket), LESSONSTORE_TEST_REDIS_TCP, and with --tls in
 * LESSONSTORE_TEST_REDIS_TLS, which has options already. Returns the command's exit status; ctest takes 77 for
 * "skipped". Returns 99 if the server or the command did not start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certificates.h"
#include "redis_server.h"

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

static int run_with(redis_server *server, char *const command[], bool over_tls) {
    if (!server)
        return 99;
    setenv("LESSONSTORE_TEST_REDIS", redis_server_unix_location(server), 1);
    setenv("LESSONSTORE_TEST_REDIS_TCP", redis_server_tcp_location(server), 1);
    if (over_tls)
        setenv("LESSONSTORE_TEST_REDIS_TLS", redis_server_tls_location(server), 1);
    int status = run(command);
    redis_server_stop(server);
    return status;
}

static int run_with_tls(char *const command[]) {
    certificates made;
    if (certificates_make(&made))
        return 99;
    int status = run_with(redis_server_start_tls(&made, NULL, NULL), command, true);
    certificates_remove(&made);
    return status;
}

int main(int argc, char **argv) {
    bool over_tls = argc > 1 && strcmp(argv[1], "--tls") == 0;
    if (argc < (over_tls ? 3 : 2)) {
        fprintf(stderr, "usage: with_redis [--tls] COMMAND ARGUMENT...\n");
        return 2;
    }
    return over_tls ? run_with_tls(argv + 2) : run_with(redis_server_start(NULL), argv + 1, false);
}
