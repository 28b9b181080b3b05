/* CLIENT PAUSE WRITE, as a failover does it: writes get no reply, and are perhaps executed afterwards. */
#include "ground_redis.h"

static void pause_writes(trouble_stage *stage) {
    (void)stage;
    raw_do(ground_server(), "CLIENT PAUSE 600000 WRITE");
}

static void end_pause(trouble_stage *stage) {
    (void)stage;
    raw_do(ground_server(), "CLIENT UNPAUSE");
}

const trouble_kind trouble_paused_writes = {.name = "CLIENT PAUSE WRITE",
                                            .engines = TROUBLE_REDIS,
                                            .rules = TROUBLE_BREAKS,
                                            .options = "&timeout_ms=60",
                                            .is_timed = true,
                                            .refuses_writes = true,
                                            .make = pause_writes,
                                            .take_back = end_pause};
