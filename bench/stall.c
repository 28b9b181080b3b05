/*
 * How long a second client of a Redis server waits while long work runs. It sends one PING after another and records
 * the time of each. The server's own measurement, its longest command, is printed besides.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <hiredis/hiredis.h>

#include "measure.h"
#include "raw_redis.h"
#include "redis_server.h"
#include "slow_log.h"

#define LESSONS 1000
#define REPEATS_MAX 5
#define PAUSE_US 100 /* between two PINGs */
#define DAMAGE 10    /* lessons that lose their members before a repair */

typedef struct setting {
    const benchmark *bench;
    redis_server *server;
    lesson_store *store;
    raw_redis *raw; /* the same database */
    redisContext *commands;
    workload load;
} setting;

typedef struct watcher {
    redisContext *context;
    atomic_bool over;
    pthread_t thread;
    histogram times;
} watcher;

/* ---- The second client */

static void wait_us(long us) {
    nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static void ping(watcher *second) {
    uint64_t begin = measure_wall_ns();
    redisReply *reply = redisCommand(second->context, "PING");
    measure_must(reply && reply->type == REDIS_REPLY_STATUS, "the second client got no answer");
    histogram_record(&second->times, measure_wall_ns() - begin);
    freeReplyObject(reply);
}

static void *watch(void *context) {
    watcher *second = context;
    while (!atomic_load(&second->over)) {
        ping(second);
        wait_us(PAUSE_US);
    }
    return NULL;
}

static watcher *begin_watching(const setting *all) {
    watcher *second = calloc(1, sizeof *second);
    measure_must(second, "no memory for a histogram");
    second->context = redisConnectUnix(redis_server_socket(all->server));
    measure_must(second->context && second->context->err == 0, "the second client cannot connect");
    ping(second);
    second->times = (histogram){.count = 0};
    measure_must(pthread_create(&second->thread, NULL, watch, second) == 0, "no thread");
    return second;
}

/* The times are in its histogram; free it. */
static void end_watching(watcher *second) {
    atomic_store(&second->over, true);
    pthread_join(second->thread, NULL);
    redisFree(second->context);
}

/* ---- The server */

static void do_command(const setting *all, const char *text) {
    redisReply *reply = redisCommand(all->commands, text);
    measure_must(reply && reply->type != REDIS_REPLY_ERROR, "%s: %s", text, reply ? reply->str : "no answer");
    freeReplyObject(reply);
}

static setting set_up(const benchmark *bench) {
    static const char *const arguments[] = {SLOW_LOG_ARGUMENTS("1000"), NULL};
    setting all = {.bench = bench, .server = redis_server_start(arguments)};
    measure_must(all.server, "no Redis server");
    char location[256];
    snprintf(location, sizeof location, "%s?timeout_ms=60000", redis_server_unix_location(all.server));
    measure_must(lesson_store_open(&all.store, location) == LESSON_STORE_OK, "%s", lesson_store_message());
    all.raw = raw_redis_open(redis_server_socket(all.server), 0);
    all.commands = redisConnectUnix(redis_server_socket(all.server));
    measure_must(all.commands && all.commands->err == 0, "no connection");
    return all;
}

static void clear_up(setting *all) {
    redisFree(all->commands);
    raw_redis_close(all->raw);
    lesson_store_close(all->store);
    redis_server_stop(all->server);
}

static void fill(setting *all, size_t users, size_t lessons) {
    measure_log("stall: filling in %zu users", users);
    workload_free(&all->load);
    do_command(all, "FLUSHALL");
    all->load = workload_make(users, lessons);
    workload_join *joins = workload_fill(&all->load);
    workload_put(all->store, joins, users);
    free(joins);
}

/* ---- The long work. Each function returns the number of things it worked on */

static uint64_t do_nothing(setting *all) {
    for (size_t ms = 0; ms < measure_size(all->bench, 1000, 10); ms++)
        wait_us(1000);
    return all->load.user_count;
}

static void *spin(void *context) {
    uint64_t end_ns = measure_wall_ns() + *(size_t *)context * 1000000;
    while (measure_wall_ns() < end_ns)
        ;
    return NULL;
}

/* Runs as long as the longest of the other works, and keeps two parties busy as they do, the server and us, without
 * asking the server anything. So it shows how long the second client waits for its own turn on two vCPUs. */
static uint64_t be_busy(setting *all) {
    size_t ms = measure_size(all->bench, 12000, 10);
    pthread_t other;
    measure_must(pthread_create(&other, NULL, spin, &ms) == 0, "no thread could be made");
    spin(&ms);
    pthread_join(other, NULL);
    return all->load.user_count;
}

static void fill_lesson(setting *all) {
    fill(all, all->load.user_count, 1);
}

static uint64_t end_lesson(setting *all) {
    uint64_t left = 0;
    int code = lesson_store_end(all->store, all->load.lessons[0].data, 0, &left);
    measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
    return left;
}

static bool count_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    ++*(uint64_t *)context;
    return true;
}

static uint64_t list_members(setting *all) {
    uint64_t count = 0;
    int code = lesson_store_members(all->store, all->load.lessons[0].data, count_member, &count);
    measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
    return count;
}

static uint64_t list_raw(setting *all) {
    return raw_redis_members(all->raw, all->load.lessons[0]) / all->load.users[0].size;
}

static bool count_user(const lesson_store_user *user, void *context) {
    (void)user;
    ++*(uint64_t *)context;
    return true;
}

static uint64_t list_users(setting *all) {
    uint64_t count = 0;
    measure_must(lesson_store_users(all->store, count_user, &count) == LESSON_STORE_OK, "%s", lesson_store_message());
    return count;
}

static uint64_t check(setting *all) {
    uint64_t found = 0;
    int code = lesson_store_check(all->store, 0, NULL, NULL, &found, NULL);
    measure_must(code == LESSON_STORE_OK && found == 0, "check: %s", lesson_store_message());
    return all->load.user_count;
}

static void damage(setting *all) {
    for (size_t i = 0; i < DAMAGE; i++) {
        char text[128];
        snprintf(text, sizeof text, "DEL " RAW_MEMBERS_PREFIX "%s", all->load.lessons[i].data);
        do_command(all, text);
    }
}

static uint64_t repair(setting *all) {
    uint64_t repaired = 0;
    int code = lesson_store_check(all->store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, &repaired);
    measure_must(code == LESSON_STORE_OK && repaired > 0, "repair: %s", lesson_store_message());
    return all->load.user_count;
}

/* ---- Measuring */

typedef struct task {
    const char *work;
    const char *variant;
    void (*prepare)(setting *all); /* before each repeat; NULL: nothing */
    uint64_t (*run)(setting *all);
    size_t repeats;
} task;

static void measure_task(setting *all, const task *job) {
    double longest[REPEATS_MAX], commands[REPEATS_MAX], durations[REPEATS_MAX];
    histogram *times = calloc(1, sizeof *times);
    measure_must(times, "no memory for a histogram");
    size_t repeats = measure_size(all->bench, job->repeats, 1);
    uint64_t size = all->load.user_count;
    for (size_t i = 0; i < repeats; i++) {
        if (job->prepare)
            job->prepare(all);
        slow_log_reset(all->commands);
        watcher *second = begin_watching(all);
        uint64_t begin = measure_wall_ns();
        measure_must(job->run(all) == size, "%s was not about all users", job->work);
        durations[i] = (double)(measure_wall_ns() - begin) / 1e6;
        end_watching(second);
        longest[i] = (double)histogram_percentile(&second->times, 100) / 1000;
        commands[i] = slow_log_longest_us(all->commands);
        histogram_add(times, &second->times);
        free(second);
    }
    measure_print_median(all->bench, job->work, job->variant, size, "stall", longest, repeats, "us");
    measure_print_median(all->bench, job->work, job->variant, size, "longest-command", commands, repeats, "us");
    measure_print_median(all->bench, job->work, job->variant, size, "duration", durations, repeats, "ms");
    measure_print_latency(all->bench, job->work, job->variant, size, times);
    free(times);
}

static void measure_end(setting *all, size_t members) {
    fill(all, members, 1);
    measure_task(all, &(task){"end", "lessonstore", fill_lesson, end_lesson, REPEATS_MAX});
}

int main(int argc, char **argv) {
    benchmark bench = measure_begin("stall", argc, argv);
    setting all = set_up(&bench);
    measure_task(&all, &(task){"nothing", "lessonstore", NULL, do_nothing, REPEATS_MAX});
    measure_task(&all, &(task){"busy", "lessonstore", NULL, be_busy, 1});
    measure_end(&all, measure_size(&bench, 1000, 10));
    if (!bench.brief) {
        measure_end(&all, 10000);
        measure_end(&all, 100000);
    }
    fill(&all, measure_size(&bench, 1000000, 100), 1);
    measure_task(&all, &(task){"members", "lessonstore", NULL, list_members, 3});
    measure_task(&all, &(task){"members", "smembers", NULL, list_raw, 3});
    fill(&all, measure_size(&bench, 1000000, 2000), LESSONS);
    measure_task(&all, &(task){"users", "lessonstore", NULL, list_users, 1});
    measure_task(&all, &(task){"check", "lessonstore", NULL, check, 1});
    measure_task(&all, &(task){"repair", "lessonstore", damage, repair, 1});
    workload_free(&all.load);
    clear_up(&all);
    return 0;
}
