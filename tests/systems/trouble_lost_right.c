/* The account loses one of its rights, any one, and gets it back. */
#include "ground_redis.h"
#include "stage.h"

static const char *any_right(trouble_stage *stage) {
    const redis_account *account = ground_account();
    return account->rights[dice_below(&stage->dice, (unsigned)account->count)] + 1;
}

static void take_one(trouble_stage *stage) {
    const char *right = any_right(stage);
    raw_do(ground_server(), "ACL SETUSER school -%s", right);
    stage_pause_at_random(stage);
    raw_do(ground_server(), "ACL SETUSER school +%s", right);
}

const trouble_kind trouble_lost_right = {
    .name = "lost right", .engines = TROUBLE_REDIS, .rules = TROUBLE_ONE(DENIED), .strikes = 30, .strike = take_one};
