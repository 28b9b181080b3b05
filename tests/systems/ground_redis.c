#include "ground_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "descriptors.h"
#include "stage.h"

enum { FIXED_ARGUMENTS = 9 };

static struct {
    raw_server raw;
    redis_account account;
} here;

raw_server *ground_server(void) {
    return &here.raw;
}

const redis_account *ground_account(void) {
    return &here.account;
}

/* The account is among the arguments, so that the server has it when it is started again. */
static bool begin(void) {
    const char *arguments[FIXED_ARGUMENTS + REDIS_RIGHTS_MAX + 1] = {
        "--appendonly", "yes", "--appendfsync", "always", "--user", "school", "on", ">secret", "~STATUS:*"};
    redis_account_read(&here.account);
    memcpy(arguments + FIXED_ARGUMENTS, here.account.rights, here.account.count * sizeof *arguments);
    here.raw.server = redis_server_start(arguments);
    if (!here.raw.server)
        return false;
    raw_reconnect(&here.raw);
    return true;
}

static void end(void) {
    if (here.raw.commands)
        redisFree(here.raw.commands);
    redis_server_stop(here.raw.server);
}

static void clear(trouble_stage *stage) {
    (void)stage;
    raw_do(&here.raw, "FLUSHALL");
}

static void locate(trouble_stage *stage, char *out, size_t size) {
    char account[256];
    bool by_port = dice_once_in(&stage->dice, 2);
    redis_account_locate(account, sizeof account,
                         by_port ? redis_server_tcp_location(here.raw.server)
                                 : redis_server_unix_location(here.raw.server));
    /* Some troubles shorten the time of a call. In the others it must not end because the machine is busy. */
    snprintf(out, size, "%s?pool=%d&members_at_once=%d%s", account, stage->pool,
             dice_once_in(&stage->dice, 2) ? 1 : 10000, stage->trouble->options ? "" : "&timeout_ms=30000");
}

static void locate_for_child(char *out, size_t size) {
    snprintf(out, size, "%s?prefix=CHILD", redis_server_unix_location(here.raw.server));
}

long long ground_info(const char *section, const char *field) {
    redisReply *reply = redisCommand(here.raw.commands, "INFO %s", section);
    const char *found = reply && reply->str ? strstr(reply->str, field) : NULL;
    long long number = found ? strtoll(found + strlen(field), NULL, 10) : -1;
    freeReplyObject(reply);
    return number;
}

/* The server has the connections that this process has, and no longer any that it has given up. */
static bool is_drained(trouble_stage *stage) {
    return ground_info("clients", "connected_clients:") == 1 + descriptors_open() - stage->files;
}

static void drain(trouble_stage *stage) {
    stage_wait(stage, is_drained, "the server does not end the connections that were given up");
}

static bool is_ready(trouble_stage *stage) {
    (void)stage;
    redisReply *reply = redisCommand(here.raw.commands, "PING");
    bool ready = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return ready;
}

void ground_restart(trouble_stage *stage) {
    redis_server_kill(here.raw.server);
    stage_pause_at_random(stage);
    if (!redis_server_restart(here.raw.server)) {
        stage_fail(stage, "the server does not start again");
        return;
    }
    raw_reconnect(&here.raw);
    stage_wait(stage, is_ready, "the server does not load its data");
}

const ground_kind ground_redis = {"redis", begin, end, clear, locate, locate_for_child, drain};
