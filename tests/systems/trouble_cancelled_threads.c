/* Threads that are cancelled at any moment of a call, more often than the store has instances. */
#include "stage.h"

static void cancel_client(trouble_stage *stage) {
    client_replace(&stage->clients[dice_below(&stage->dice, STAGE_CLIENTS)]);
    stage->kills++;
}

const trouble_kind trouble_cancelled_threads = {
    .name = "cancelled threads", .engines = TROUBLE_EVERYWHERE, .strikes = 20, .strike = cancel_client};
