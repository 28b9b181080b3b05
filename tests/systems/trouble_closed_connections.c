/* CLIENT KILL, again and again. */
#include "ground_redis.h"

static void close_all(trouble_stage *stage) {
    (void)stage;
    raw_do(ground_server(), "CLIENT KILL TYPE normal SKIPME yes");
}

const trouble_kind trouble_closed_connections = {
    .name = "CLIENT KILL", .engines = TROUBLE_REDIS, .rules = TROUBLE_BREAKS, .strikes = 20, .strike = close_all};
