#include "python_way.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

struct python_way {
    pid_t pid;
    FILE *commands;
    FILE *answers;
};

static void run_python(int channel, const char *socket, int database) {
    char number[16];
    snprintf(number, sizeof number, "%d", database);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(channel, STDIN_FILENO);
    dup2(channel, STDOUT_FILENO);
    /* The system's Python, because the system's packages are installed for it. */
    execl("/usr/bin/python3", "python3", PYTHON_WAY, socket, number, (char *)NULL);
    _exit(127);
}

python_way *python_way_start(const char *socket, int database) {
    int channel[2];
    python_way *python = calloc(1, sizeof *python);
    measure_must(python && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == 0, "no channel to Python");
    python->pid = fork();
    measure_must(python->pid >= 0, "Python cannot be started");
    if (python->pid == 0)
        run_python(channel[1], socket, database);
    close(channel[1]);
    python->commands = fdopen(channel[0], "w");
    python->answers = fdopen(dup(channel[0]), "r");
    measure_must(python->commands && python->answers, "no channel to Python");
    measure_must(python_way_do(python, "where") == 0, "python3 with redis-py does not answer");
    return python;
}

void python_way_stop(python_way *python) {
    fclose(python->answers);
    shutdown(fileno(python->commands), SHUT_WR);
    fclose(python->commands);
    waitpid(python->pid, NULL, 0);
    free(python);
}

pid_t python_way_pid(const python_way *python) {
    return python->pid;
}

void python_way_give(python_way *python, const workload_join *joins, size_t count) {
    fprintf(python->commands, "clear\n");
    for (size_t i = 0; i < count; i++)
        fprintf(python->commands, "JOIN %s %s %s\n", joins[i].uid.data, joins[i].course_id.data,
                joins[i].lesson_id.data);
    /* The reply shows that the process has read all joins, so that reading them is not measured with the next command.
     */
    python_way_do(python, "ready");
}

size_t python_way_do(python_way *python, const char *command) {
    size_t number;
    fprintf(python->commands, "%s\n", command);
    measure_must(fflush(python->commands) == 0 && fscanf(python->answers, "%zu", &number) == 1,
                 "python3 with redis-py does not answer (the packages python3-redis and python3-hiredis)");
    return number;
}
