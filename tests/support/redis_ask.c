#include "redis_ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REPLY_LIMIT_S 10
#define POLL_US (10 * 1000)

static redisContext *connect_to(const redis_server *server, const char *password) {
    const struct timeval limit = {.tv_sec = REPLY_LIMIT_S};
    redisContext *connection = redisConnectUnixWithTimeout(redis_server_socket(server), limit);
    if (!connection)
        return NULL;
    if (connection->err || redisSetTimeout(connection, limit) != REDIS_OK)
        goto failed;
    if (!password)
        return connection;
    redisReply *reply = redisCommand(connection, "AUTH %s", password);
    bool is_known = reply && reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    if (is_known)
        return connection;
failed:
    redisFree(connection);
    return NULL;
}

static redisReply *ask(const redis_server *server, const char *password, char error[256], const char *format,
                       va_list arguments) {
    snprintf(error, 256, "no reply");
    if (!redis_server_is_running(server))
        return NULL;
    redisContext *connection = connect_to(server, password);
    if (!connection)
        return NULL;
    redisReply *reply = redisvCommand(connection, format, arguments);
    redisFree(connection);
    if (!reply || reply->type != REDIS_REPLY_ERROR)
        return reply;
    snprintf(error, 256, "%s", reply->str);
    freeReplyObject(reply);
    return NULL;
}

redisReply *redis_ask(const redis_server *server, const char *password, char error[256], const char *format, ...) {
    char unwanted[256];
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = ask(server, password, error ? error : unwanted, format, arguments);
    va_end(arguments);
    return reply;
}

bool redis_tell(const redis_server *server, const char *password, const char *format, ...) {
    char error[256];
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = ask(server, password, error, format, arguments);
    va_end(arguments);
    bool is_done = reply && reply->type == REDIS_REPLY_STATUS;
    if (!is_done)
        fprintf(stderr, "redis_tell: %s: %s\n", format, reply ? "not a status" : error);
    freeReplyObject(reply);
    return is_done;
}

void redis_rest(long microseconds) {
    const struct timespec pause = {.tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000};
    nanosleep(&pause, NULL);
}

int redis_synced_replicas(const redis_server *server, const char *password) {
    static const char online[] = "state=online,offset=";
    redisReply *reply = redis_ask(server, password, NULL, "INFO replication");
    int count = 0;
    for (const char *at = reply ? strstr(reply->str, online) : NULL; at; at = strstr(at + 1, online))
        count += at[strlen(online)] != '0';
    freeReplyObject(reply);
    return count;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

bool redis_wait(bool (*is_true)(void *context), void *context) {
    for (double end = now() + REDIS_WAIT_S; now() < end; redis_rest(POLL_US)) {
        if (is_true(context))
            return true;
    }
    return false;
}
