/* SCRIPT FLUSH, again and again: no call fails. */
#include "ground_redis.h"

static void flush_scripts(trouble_stage *stage) {
    (void)stage;
    raw_do(ground_server(), "SCRIPT FLUSH");
}

const trouble_kind trouble_flushed_scripts = {
    .name = "SCRIPT FLUSH", .engines = TROUBLE_REDIS, .strikes = 40, .strike = flush_scripts};
