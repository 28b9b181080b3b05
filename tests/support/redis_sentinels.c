#include "redis_sentinels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_ask.h"

#define EACH_MAX 6
#define ARGUMENTS_MAX 32
#define CONFIGURATION_SIZE 2048

/* After which the Sentinels give up a failover; twice that is between two attempts. */
#define FAILOVER_TIMEOUT_MS 5000

/* How often a Sentinel asks each server for its state, tells the others its own, and dials and pings: by default 10 s,
 * 2 s and 1 s. The first two would be most of a test's time; and with the last, a connection that a failover closes
 * twice counts as a server that is down for one second or less. A Redis without this command refuses it, and is only
 * slower. A Sentinel forgets it when it is restarted. */
#define HURRY "SENTINEL DEBUG INFO-PERIOD 500 PUBLISH-PERIOD 500 PING-PERIOD 300"

struct redis_sentinels {
    redis_sentinels_options options;
    const char *arguments[ARGUMENTS_MAX];
    redis_server *servers[EACH_MAX];
    redis_server *sentinels[EACH_MAX];
    int server_count;
    int sentinel_count;
    char location[256];
};

static int or_default(int value, int default_value) {
    return value ? value : default_value;
}

static bool set_arguments(redis_sentinels *rig) {
    const char *password = rig->options.password;
    const char *const fixed[] = {"--repl-diskless-sync-delay",
                                 "0",
                                 "--repl-ping-replica-period",
                                 "1",
                                 "--rdb-del-sync-files",
                                 "yes",
                                 password ? "--requirepass" : NULL,
                                 password,
                                 "--masterauth",
                                 password};
    size_t count = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed && fixed[i]; i++)
        rig->arguments[count++] = fixed[i];
    for (size_t i = 0; rig->options.arguments && rig->options.arguments[i]; i++) {
        if (count + 1 == ARGUMENTS_MAX)
            return false;
        rig->arguments[count++] = rig->options.arguments[i];
    }
    return true;
}

static redis_server *start_one(const redis_sentinels *rig, redis_server_options options) {
    options.certificates = rig->options.certificates;
    options.certificate = rig->options.certificate;
    options.is_tls_only = rig->options.certificates != NULL;
    return redis_server_start_with(&options);
}

/* CONFIG REWRITE, and with it the server's place among the others, needs a file. */
static bool start_servers(redis_sentinels *rig) {
    const redis_server_options options = {.arguments = rig->arguments, .configuration = ""};
    for (int i = 0; i <= or_default(rig->options.replicas, 2); i++) {
        redis_server *server = start_one(rig, options);
        if (!server)
            return false;
        rig->servers[rig->server_count++] = server;
        if (i == 0)
            continue;
        if (!redis_tell(server, rig->options.password, "REPLICAOF 127.0.0.1 %d", redis_server_port(rig->servers[0])) ||
            !redis_tell(server, rig->options.password, "CONFIG REWRITE"))
            return false;
    }
    return true;
}

static redisReply *ask_server(const redis_sentinels *rig, int index, const char *command) {
    return redis_ask(rig->servers[index], rig->options.password, NULL, command);
}

static bool is_primary(const redis_sentinels *rig, int index) {
    redisReply *role = ask_server(rig, index, "ROLE");
    bool is = role && role->elements > 0 && strcmp(role->element[0]->str, "master") == 0;
    freeReplyObject(role);
    return is;
}

int redis_sentinels_primary(const redis_sentinels *rig) {
    int primary = -1;
    for (int i = 0; i < rig->server_count; i++) {
        if (!is_primary(rig, i))
            continue;
        if (primary >= 0)
            return -1;
        primary = i;
    }
    return primary;
}

static int running_replicas(const redis_sentinels *rig, int primary) {
    int count = 0;
    for (int i = 0; i < rig->server_count; i++)
        count += i != primary && redis_server_is_running(rig->servers[i]);
    return count;
}

static int running_sentinels(const redis_sentinels *rig) {
    int count = 0;
    for (int i = 0; i < rig->sentinel_count; i++)
        count += redis_server_is_running(rig->sentinels[i]);
    return count;
}

static bool are_replicas_synced(void *context) {
    const redis_sentinels *rig = context;
    int primary = redis_sentinels_primary(rig);
    return primary >= 0 &&
           redis_synced_replicas(rig->servers[primary], rig->options.password) == running_replicas(rig, primary);
}

static bool configure_sentinel(const redis_sentinels *rig, char text[CONFIGURATION_SIZE]) {
    const redis_sentinels_options *options = &rig->options;
    const char *password = options->password, *own = options->sentinel_password;
    int size = snprintf(
        text, CONFIGURATION_SIZE,
        "sentinel monitor school 127.0.0.1 %d %d\n"
        "sentinel down-after-milliseconds school %d\n"
        "sentinel failover-timeout school %d\n"
        "%s%s%s%s%s%s%s%s%s%s",
        redis_server_port(rig->servers[0]), or_default(options->sentinels, 3) / 2 + 1,
        or_default(options->down_after_ms, 500), FAILOVER_TIMEOUT_MS, password ? "sentinel auth-pass school " : "",
        password ? password : "", password ? "\n" : "", own ? "requirepass " : "", own ? own : "", own ? "\n" : "",
        own ? "sentinel sentinel-pass " : "", own ? own : "", own ? "\n" : "", options->lines ? options->lines : "");
    return size > 0 && size < CONFIGURATION_SIZE;
}

static bool start_sentinels(redis_sentinels *rig) {
    char text[CONFIGURATION_SIZE];
    if (!configure_sentinel(rig, text))
        return false;
    const redis_server_options options = {.configuration = text, .is_sentinel = true};
    for (int i = 0; i < or_default(rig->options.sentinels, 3); i++) {
        rig->sentinels[i] = start_one(rig, options);
        if (!rig->sentinels[i])
            return false;
        rig->sentinel_count++;
        freeReplyObject(redis_ask(rig->sentinels[i], rig->options.sentinel_password, NULL, HURRY));
    }
    return true;
}

static void set_location(redis_sentinels *rig) {
    const char *scheme = rig->options.certificates ? "rediss" : "redis";
    size_t size = (size_t)snprintf(rig->location, sizeof rig->location, "%s+sentinel://", scheme);
    for (int i = 0; i < rig->sentinel_count; i++)
        size += (size_t)snprintf(rig->location + size, sizeof rig->location - size, "%s127.0.0.1:%d", i ? "," : "",
                                 redis_server_port(rig->sentinels[i]));
    snprintf(rig->location + size, sizeof rig->location - size, "/" REDIS_SENTINELS_NAME);
}

static bool start_all(redis_sentinels *rig) {
    /* The replicas first: a Sentinel asks a primary for its replicas at once, then only every ten seconds. */
    if (!set_arguments(rig) || !start_servers(rig) || !redis_wait(are_replicas_synced, rig) || !start_sentinels(rig))
        return false;
    set_location(rig);
    return redis_sentinels_wait_whole(rig);
}

redis_sentinels *redis_sentinels_start(const redis_sentinels_options *options) {
    if (options->replicas < 0 || options->replicas >= EACH_MAX || options->sentinels < 0 ||
        options->sentinels >= EACH_MAX) {
        fprintf(stderr, "redis_sentinels: more servers than there is room for, or none\n");
        return NULL;
    }
    redis_sentinels *rig = calloc(1, sizeof *rig);
    if (!rig)
        return NULL;
    rig->options = *options;
    if (start_all(rig))
        return rig;
    fprintf(stderr, "redis_sentinels: the servers and Sentinels did not start\n");
    redis_sentinels_stop(rig);
    return NULL;
}

void redis_sentinels_stop(redis_sentinels *rig) {
    if (!rig)
        return;
    for (int i = 0; i < rig->sentinel_count; i++)
        redis_server_stop(rig->sentinels[i]);
    for (int i = 0; i < rig->server_count; i++)
        redis_server_stop(rig->servers[i]);
    free(rig);
}

const char *redis_sentinels_location(const redis_sentinels *rig) {
    return rig->location;
}

int redis_sentinels_server_count(const redis_sentinels *rig) {
    return rig->server_count;
}

redis_server *redis_sentinels_server(const redis_sentinels *rig, int index) {
    return rig->servers[index];
}

int redis_sentinels_sentinel_count(const redis_sentinels *rig) {
    return rig->sentinel_count;
}

redis_server *redis_sentinels_sentinel(const redis_sentinels *rig, int index) {
    return rig->sentinels[index];
}

static redisReply *ask_sentinel(const redis_sentinels *rig, int index, char error[256], const char *command) {
    return redis_ask(rig->sentinels[index], rig->options.sentinel_password, error, command);
}

static int index_of_port(const redis_sentinels *rig, int port) {
    for (int i = 0; i < rig->server_count; i++) {
        if (redis_server_port(rig->servers[i]) == port)
            return i;
    }
    return -1;
}

/* The index of the server that this Sentinel names, or -1. */
static int named_primary(const redis_sentinels *rig, int sentinel) {
    redisReply *reply = ask_sentinel(rig, sentinel, NULL, "SENTINEL GET-MASTER-ADDR-BY-NAME school");
    int primary = reply && reply->elements == 2 ? index_of_port(rig, atoi(reply->element[1]->str)) : -1;
    freeReplyObject(reply);
    return primary;
}

/* The index of the server that all running Sentinels name, or -1. */
static int agreed_primary(const redis_sentinels *rig) {
    int agreed = -1;
    for (int i = 0; i < rig->sentinel_count; i++) {
        if (!redis_server_is_running(rig->sentinels[i]))
            continue;
        int named = named_primary(rig, i);
        if (named < 0 || (agreed >= 0 && named != agreed))
            return -1;
        agreed = named;
    }
    return agreed;
}

typedef struct primary_wait {
    const redis_sentinels *rig;
    int former;
    int primary;
} primary_wait;

static bool has_other_primary(void *context) {
    primary_wait *wait = context;
    wait->primary = agreed_primary(wait->rig);
    return wait->primary >= 0 && wait->primary != wait->former && is_primary(wait->rig, wait->primary);
}

int redis_sentinels_wait_primary(const redis_sentinels *rig, int former) {
    primary_wait wait = {.rig = rig, .former = former};
    return redis_wait(has_other_primary, &wait) ? wait.primary : -1;
}

/* Whether this Sentinel has a quorum and counts every running server and Sentinel, and no failover is under way. */
static bool knows_all(const redis_sentinels *rig, int sentinel) {
    redisReply *quorum = ask_sentinel(rig, sentinel, NULL, "SENTINEL CKQUORUM school");
    redisReply *info = ask_sentinel(rig, sentinel, NULL, "INFO sentinel");
    const char *line = info ? strstr(info->str, "master0:") : NULL;
    const char *slaves = line ? strstr(line, ",slaves=") : NULL;
    const char *sentinels = line ? strstr(line, ",sentinels=") : NULL;
    bool knows = quorum && slaves && sentinels && strstr(line, "status=ok") &&
                 atoi(slaves + strlen(",slaves=")) >= running_replicas(rig, agreed_primary(rig)) &&
                 atoi(sentinels + strlen(",sentinels=")) >= running_sentinels(rig);
    freeReplyObject(quorum);
    freeReplyObject(info);
    return knows;
}

static bool is_whole(void *context) {
    redis_sentinels *rig = context;
    int primary = redis_sentinels_primary(rig);
    if (primary < 0 || primary != agreed_primary(rig) || !are_replicas_synced(rig))
        return false;
    for (int i = 0; i < rig->sentinel_count; i++) {
        if (redis_server_is_running(rig->sentinels[i]) && !knows_all(rig, i))
            return false;
    }
    return true;
}

bool redis_sentinels_wait_whole(const redis_sentinels *rig) {
    redis_sentinels copy = *rig;
    return redis_wait(is_whole, &copy);
}

/* -NOGOODSLAVE or -INPROG: it has not seen a replica's state lately, or the last failover is not over. */
static bool failover_begins(void *context) {
    const redis_sentinels *rig = context;
    for (int i = 0; i < rig->sentinel_count; i++) {
        redisReply *reply = ask_sentinel(rig, i, NULL, "SENTINEL FAILOVER school");
        bool begins = reply && reply->type == REDIS_REPLY_STATUS;
        freeReplyObject(reply);
        if (begins)
            return true;
    }
    return false;
}

bool redis_sentinels_failover(const redis_sentinels *rig) {
    redis_sentinels copy = *rig;
    return redis_wait(failover_begins, &copy);
}
