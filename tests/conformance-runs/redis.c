/* The suite on the redis backend, with a server of its own, over a unix socket. The first argument can say otherwise:
 * --tcp: over TCP by the account with the least rights; --fault: behind the backend that makes faults, with no fault
 * set; --tls: over TLS, with a client certificate; --tls-open: over TLS to a server that asks for none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "certificates.h"
#include "redis_account.h"
#include "redis_server.h"
#include "whole.h"

struct place {
    redis_server *server;
    const char *location;
    bool is_down;
};

static int bring_up(void *context) {
    struct place *place = context;
    if (place->is_down && !redis_server_restart(place->server))
        return -1;
    place->is_down = false;
    return 0;
}

static int take_down(void *context) {
    struct place *place = context;
    redis_server_kill(place->server);
    place->is_down = true;
    return 0;
}

static int flush(void *context) {
    struct place *place = context;
    if (bring_up(place) != 0)
        return -1;
    redisContext *connection = redisConnectUnix(redis_server_socket(place->server));
    redisReply *reply = connection && !connection->err ? redisCommand(connection, "FLUSHALL") : NULL;
    int code = reply && reply->type == REDIS_REPLY_STATUS ? 0 : -1;
    if (reply)
        freeReplyObject(reply);
    if (connection)
        redisFree(connection);
    return code;
}

static int open_place(lesson_store **out, void *context) {
    struct place *place = context;
    return lesson_store_open(out, place->location);
}

/* The scripts have a form of their own where the store keeps a feed, so the suite runs on both. */
static bool keeps_feed(const char *name) {
    return strcmp(name, "fault-redis-socket") != 0 && strcmp(name, "redis-tls-open") != 0;
}

static int run_over(const char *name, redis_server *server, const char *location, int argc, char **argv) {
    char with_feed[1024];
    snprintf(with_feed, sizeof with_feed, "%s%cfeed=600", location, strchr(location, '?') ? '&' : '?');
    struct place place = {server, keeps_feed(name) ? with_feed : location, false};
    lesson_store_conformance_backend redis = whole_backend(name);
    redis.capabilities |= LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_PERSIST;
    redis.context = &place;
    redis.prepare = flush;
    redis.open = open_place;
    redis.break_engine = take_down;
    redis.restore_engine = bring_up;
    int failed = lesson_store_conformance_run(&redis, argc, argv);
    return bring_up(&place) == 0 ? failed : -1;
}

static redis_server *start_with_account(void) {
    static redis_account account;
    const char *arguments[REDIS_RIGHTS_MAX + 6] = {"--user", "school", "on", ">secret", "~STATUS:*"};
    redis_account_read(&account);
    memcpy(arguments + 5, account.rights, sizeof account.rights);
    return redis_server_start(arguments);
}

static int run_over_tls(bool with_certificate, int argc, char **argv) {
    const char *const open[] = {"--tls-auth-clients", "no", NULL};
    certificates made;
    char location[512];
    if (certificates_make(&made))
        return 1;
    redis_server *server = redis_server_start_tls(&made, NULL, with_certificate ? NULL : open);
    int failed = 1;
    if (server) {
        const char *full = redis_server_tls_location(server);
        size_t size = with_certificate ? strlen(full) : (size_t)(strstr(full, "&tls_cert") - full);
        snprintf(location, sizeof location, "%.*s", (int)size, full);
        failed = run_over(with_certificate ? "redis-tls" : "redis-tls-open", server, location, argc, argv) != 0;
    }
    redis_server_stop(server);
    certificates_remove(&made);
    return failed;
}

/* The least account reaches the server over TCP. */
static int run_on(redis_server *server, const char *way, int argc, char **argv) {
    char location[512];
    if (strcmp(way, "--tcp") == 0) {
        redis_account_locate(location, sizeof location, redis_server_tcp_location(server));
        return run_over("redis-tcp", server, location, argc - 1, argv + 1);
    }
    if (strcmp(way, "--fault") == 0) {
        snprintf(location, sizeof location, "fault+%s", redis_server_unix_location(server));
        return run_over("fault-redis-socket", server, location, argc - 1, argv + 1);
    }
    return run_over("redis-socket", server, redis_server_unix_location(server), argc, argv);
}

int main(int argc, char **argv) {
    const char *way = argc > 1 ? argv[1] : "";
    if (strncmp(way, "--tls", 5) == 0)
        return run_over_tls(strcmp(way, "--tls") == 0, argc - 1, argv + 1);
    redis_server *server = start_with_account();
    if (!server)
        return 1;
    int failed = run_on(server, way, argc, argv);
    redis_server_stop(server);
    return failed != 0;
}
