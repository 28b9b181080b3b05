/*
 * with_redis COMMAND ARGUMENT...: runs a command together with a private Redis server. The command finds the server's
 * locations in LESSONSTORE_TEST_REDIS (unix socket) and LESSONSTORE_TEST_REDIS_TCP. Returns the command's exit status;
 * ctest takes 77 for "skipped". Returns 99 if the server or the command did not start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: with_redis COMMAND ARGUMENT...\n");
        return 2;
    }
    redis_server *server = redis_server_start(NULL);
    if (!server)
        return 99;
    setenv("LESSONSTORE_TEST_REDIS", redis_server_unix_location(server), 1);
    setenv("LESSONSTORE_TEST_REDIS_TCP", redis_server_tcp_location(server), 1);
    int status = run(argv + 1);
    redis_server_stop(server);
    return status;
}
