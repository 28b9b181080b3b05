/* A server of this program alone, which keeps what it has acknowledged when it is killed, and raw commands to it. The
 * store uses the least account of backends/redis/README.md. */
#ifndef LESSON_STORE_TESTS_GROUND_REDIS_H
#define LESSON_STORE_TESTS_GROUND_REDIS_H

#include "ground.h"
#include "raw.h"
#include "redis_account.h"

raw_server *ground_server(void);
const redis_account *ground_account(void);

/* Kills the server and starts it again, with its data. */
void ground_restart(trouble_stage *stage);

/* Returns a number that INFO shows behind `field`, such as "used_memory:". */
long long ground_info(const char *section, const char *field);

#endif
