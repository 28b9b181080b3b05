/* The time without service after kill -9 of the primary that Sentinels watch: a store of ours, and redis-py's Sentinel
 * client (failover.py), which live through the same failovers. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"
#include "redis_ask.h"
#include "redis_sentinels.h"

#include <lessonstore/lessonstore.h>

#define FAILOVERS 7
#define PORTS_MAX 5

/* ---- redis-py */

typedef struct python {
    pid_t pid;
    FILE *stream;
} python;

static void run_python(int channel, const redis_sentinels *rig) {
    char ports[PORTS_MAX][8], program[] = "python3", script[] = FAILOVER_WAY;
    char *arguments[PORTS_MAX + 3] = {program, script};
    for (int i = 0; i < redis_sentinels_sentinel_count(rig); i++) {
        snprintf(ports[i], sizeof ports[i], "%d", redis_server_port(redis_sentinels_sentinel(rig, i)));
        arguments[2 + i] = ports[i];
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(channel, STDIN_FILENO);
    dup2(channel, STDOUT_FILENO);
    execv("/usr/bin/python3", arguments);
    _exit(127);
}

static void read_line(const python *way, char *line, int size) {
    measure_must(fgets(line, size, way->stream), "Python has ended");
}

static python start_python(const redis_sentinels *rig) {
    int channel[2];
    char line[64];
    measure_must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) == 0, "no channel to Python");
    python way = {.pid = fork()};
    measure_must(way.pid >= 0, "Python cannot be started");
    if (way.pid == 0)
        run_python(channel[1], rig);
    close(channel[1]);
    way.stream = fdopen(channel[0], "r+");
    read_line(&way, line, sizeof line);
    return way;
}

static double stop_python(const python *way) {
    char line[64];
    shutdown(fileno(way->stream), SHUT_WR);
    read_line(way, line, sizeof line);
    fclose(way->stream);
    waitpid(way->pid, NULL, 0);
    return strtod(line, NULL);
}

/* ---- Ours */

/* Writes each millisecond until a gap is over and `more` writes have followed, or for so many writes if there is no
 * gap. Returns the longest time between two successful writes, in milliseconds. */
static double write_through(lesson_store *store, uint64_t killed_ns, int more) {
    uint64_t last_ns = killed_ns, longest_ns = 0;
    for (int i = 0, after = 0; after < more; i++) {
        char uid[16];
        snprintf(uid, sizeof uid, "u%d", i % 1000);
        int code = lesson_store_join(store, uid, "C", "L", NULL, 0, NULL);
        uint64_t now_ns = measure_wall_ns();
        if (code != LESSON_STORE_OK)
            continue;
        longest_ns = now_ns - last_ns > longest_ns ? now_ns - last_ns : longest_ns;
        last_ns = now_ns;
        after += longest_ns > 100000000;
        redis_rest(1000);
    }
    return (double)longest_ns / 1e6;
}

static void measure_failover(double *ours, double *theirs) {
    redis_sentinels *rig = redis_sentinels_start(&(redis_sentinels_options){.down_after_ms = 1000});
    lesson_store *store;
    char location[512];
    measure_must(rig, "no Sentinels");
    snprintf(location, sizeof location, "%s?pool=1&timeout_ms=500", redis_sentinels_location(rig));
    measure_must(lesson_store_open(&store, location) == LESSON_STORE_OK, "%s", lesson_store_message());
    python way = start_python(rig);
    measure_must(lesson_store_join(store, "u", "C", "L", NULL, 0, NULL) == LESSON_STORE_OK, "%s",
                 lesson_store_message());
    uint64_t killed_ns = measure_wall_ns();
    redis_server_kill(redis_sentinels_server(rig, redis_sentinels_primary(rig)));
    *ours = write_through(store, killed_ns, 3000);
    *theirs = stop_python(&way);
    lesson_store_close(store);
    redis_sentinels_stop(rig);
}

int main(int argc, char **argv) {
    benchmark bench = measure_begin("failover", argc, argv);
    size_t count = measure_size(&bench, FAILOVERS, 1);
    double ours[FAILOVERS], theirs[FAILOVERS], ratios[FAILOVERS];
    for (size_t i = 0; i < count; i++) {
        measure_failover(&ours[i], &theirs[i]);
        ratios[i] = ours[i] / theirs[i];
    }
    measure_print_median(&bench, "kill", "ours", 1, "wall-ms", ours, count, "ms");
    measure_print_median(&bench, "kill", "redis-py", 1, "wall-ms", theirs, count, "ms");
    measure_print_median(&bench, "kill", "redis-py", 1, "wall-ms-ratio", ratios, count, "");
    return 0;
}
