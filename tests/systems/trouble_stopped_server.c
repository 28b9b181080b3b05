/* SIGSTOP: the server hangs, and calls are bounded all the same. */
#include <signal.h>

#include "ground_redis.h"

static void stop_server(trouble_stage *stage) {
    (void)stage;
    kill(redis_server_pid(ground_server()->server), SIGSTOP);
}

static void let_go_on(trouble_stage *stage) {
    (void)stage;
    kill(redis_server_pid(ground_server()->server), SIGCONT);
}

const trouble_kind trouble_stopped_server = {.name = "stopped server",
                                             .engines = TROUBLE_REDIS,
                                             .rules = TROUBLE_BREAKS,
                                             .options = "&timeout_ms=60&connect_timeout_ms=60",
                                             .is_timed = true,
                                             .refuses_writes = true,
                                             .make = stop_server,
                                             .take_back = let_go_on};
