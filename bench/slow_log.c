#include "slow_log.h"

#include "measure.h"

static redisReply *command(redisContext *commands, const char *text) {
    redisReply *reply = redisCommand(commands, text);
    measure_must(reply && reply->type != REDIS_REPLY_ERROR, "%s: %s", text, reply ? reply->str : "no answer");
    return reply;
}

void slow_log_reset(redisContext *commands) {
    freeReplyObject(command(commands, "SLOWLOG RESET"));
}

double slow_log_longest_us(redisContext *commands) {
    redisReply *log = command(commands, "SLOWLOG GET -1");
    long long longest = 0;
    for (size_t i = 0; i < log->elements; i++) {
        long long us = log->element[i]->element[2]->integer;
        longest = us > longest ? us : longest;
    }
    freeReplyObject(log);
    return (double)longest;
}
