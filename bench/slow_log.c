#include "slow_log.h"

#include <string.h>

#include "measure.h"

static redisReply *command(redisContext *commands, const char *text) {
    redisReply *reply = redisCommand(commands, text);
    measure_must(reply && reply->type != REDIS_REPLY_ERROR, "%s: %s", text, reply ? reply->str : "no answer");
    return reply;
}

void slow_log_reset(redisContext *commands) {
    freeReplyObject(command(commands, "SLOWLOG RESET"));
}

/* The reset of a long log is itself a long command, and the first one in the next log. */
static bool is_ours(const redisReply *entry) {
    return strcmp(entry->element[3]->element[0]->str, "SLOWLOG") == 0;
}

double slow_log_longest_us(redisContext *commands) {
    redisReply *log = command(commands, "SLOWLOG GET -1");
    long long longest = 0;
    for (size_t i = 0; i < log->elements; i++) {
        long long us = log->element[i]->element[2]->integer;
        longest = us > longest && !is_ours(log->element[i]) ? us : longest;
    }
    freeReplyObject(log);
    return (double)longest;
}
