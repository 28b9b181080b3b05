/* The server is killed and started again. It has kept what it has acknowledged. */
#include "ground_redis.h"
#include "stage.h"

static void restart(trouble_stage *stage) {
    ground_restart(stage);
    stage->kills++;
}

const trouble_kind trouble_restarted_server = {
    .name = "restarted server", .engines = TROUBLE_REDIS, .rules = TROUBLE_BREAKS, .strikes = 2, .strike = restart};
