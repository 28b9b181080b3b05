#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "faults.h"

enum { POLLS = 6000 }; /* of 5 ms */

#define BREAKS \
    { JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE), JUDGE_CODE(UNREACHABLE), false, NULL, NULL }
#define NOTHING \
    { 0, 0, false, NULL, NULL }
#define PATIENT(where, through) \
    { .place = PLACE_##where, .behind = (through), .timeout_ms = FAULT_LONG_MS }
#define IMPATIENT \
    { .place = PLACE_MAIN, .timeout_ms = FAULT_SHORT_MS }

const fault_kind *fault_at(size_t index) {
    const fault_kind *const lists[] = {faults_of_refusals, faults_of_servers, faults_of_bytes};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        for (const fault_kind *fault = lists[i]; fault->name; fault++) {
            if (index-- == 0)
                return fault;
        }
    }
    return NULL;
}

void fault_pause(fault_bench *bench) {
    dice_state dice = {bench->soak->seed};
    unsigned most_us = dice_once_in(&dice, 2) ? 300 : 8000;
    struct timespec pause = {.tv_nsec = (long)dice_below(&dice, most_us) * 1000};
    nanosleep(&pause, NULL);
}

static bool command(raw_server *raw, const char *text) {
    redisReply *reply = redisCommand(raw->commands, text);
    bool done = reply && reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    return done;
}

/* ---- Killed */

static void kill_server(fault_bench *bench) {
    redis_server_kill(bench->at->server);
}

static void *kill_server_beside(void *context) {
    fault_pause(context);
    kill_server(context);
    return NULL;
}

static void start_server(fault_bench *bench) {
    assert_true(redis_server_restart(bench->at->server));
    raw_reconnect(bench->at);
    while (!command(bench->at, "PING")) /* it is still loading its data */
        poll(NULL, 0, 1);
}

static void start_empty_server(fault_bench *bench) {
    start_server(bench);
    judge_lost(bench->judge);
}

/* ---- Replaced by another server, which is empty or a replica. Afterwards that one is the first of the pair */

static void swap_pair(fault_bench *bench) {
    raw_server second = bench->places[PLACE_SECOND_OF_PAIR];
    bench->places[PLACE_SECOND_OF_PAIR] = bench->places[PLACE_PAIR];
    bench->places[PLACE_PAIR] = second;
}

static void go_over(fault_bench *bench, bench_place which) {
    false_server_lead_to(bench->between, bench_door(bench, which));
    false_server_play(bench->between, CLOSE_NOW);
}

static void make_second_empty(fault_bench *bench) {
    raw_server *second = &bench->places[PLACE_SECOND_OF_PAIR];
    raw_do(second, "REPLICAOF NO ONE");
    raw_do(second, "FLUSHALL");
    judge_may_lose(bench->judge);
}

static void *replace_server(void *context) {
    fault_pause(context);
    go_over(context, PLACE_SECOND_OF_PAIR);
    return NULL;
}

static void take_second(fault_bench *bench) {
    swap_pair(bench);
    judge_lost(bench->judge);
}

static void wait_for_info(raw_server *raw, const char *field, const char *value) {
    char text[32] = "";
    for (int i = 0; i < POLLS; i++) {
        bench_info(raw, "replication", field, text, sizeof text);
        if (strcmp(text, value) == 0)
            return;
        poll(NULL, 0, 5);
    }
    fail_msg("%s%s, and not %s", field, text, value);
}

static void wait_for_replica(raw_server *master) {
    raw_do(master, "SET SYNC 1");
    raw_do(master, "DEL SYNC");
    assert_int_equal(raw_number(master, "WAIT 1 60000"), 1);
}

static void make_replica(fault_bench *bench) {
    raw_server *first = &bench->places[PLACE_PAIR], *second = &bench->places[PLACE_SECOND_OF_PAIR];
    raw_do(first, "REPLICAOF NO ONE");
    raw_do(second, "REPLICAOF 127.0.0.1 %d", redis_server_port(first->server));
    wait_for_info(second, "master_link_status:", "up");
    wait_for_replica(first);
}

static void *hand_over(void *context) {
    fault_bench *bench = context;
    fault_pause(bench);
    command(bench->at, "FAILOVER TIMEOUT 2000");
    return NULL;
}

/* If the replica did not catch up in time, the server goes on unchanged. */
static void follow_hand_over(fault_bench *bench) {
    char role[16];
    wait_for_info(bench->at, "master_failover_state:", "no-failover");
    bench_info(bench->at, "replication", "role:", role, sizeof role);
    if (strcmp(role, "slave") != 0)
        return;
    wait_for_info(&bench->places[PLACE_SECOND_OF_PAIR], "role:", "master");
    go_over(bench, PLACE_SECOND_OF_PAIR);
    swap_pair(bench);
}

/* From now on only what the replica has received counts. */
static void count_on_replica(fault_bench *bench) {
    wait_for_replica(bench->at);
    judge_remember(bench->judge);
}

static void promote_replica(fault_bench *bench) {
    raw_do(&bench->places[PLACE_SECOND_OF_PAIR], "REPLICAOF NO ONE");
    start_server(bench);
    go_over(bench, PLACE_SECOND_OF_PAIR);
    swap_pair(bench);
    judge_fell_back(bench->judge);
}

/* ---- Stopped, paused, asleep */

static void stop_server(fault_bench *bench) {
    kill(redis_server_pid(bench->at->server), SIGSTOP);
}

static void *stop_server_beside(void *context) {
    fault_pause(context);
    stop_server(context);
    return NULL;
}

static void go_on(fault_bench *bench) {
    kill(redis_server_pid(bench->at->server), SIGCONT);
}

static void pause_writes(fault_bench *bench) {
    raw_do(bench->at, "CLIENT PAUSE 600000 WRITE");
}

static void end_pause(fault_bench *bench) {
    raw_do(bench->at, "CLIENT UNPAUSE");
}

static void pause_all(fault_bench *bench) {
    raw_do(bench->at, "CLIENT PAUSE %d ALL", 3 * FAULT_SHORT_MS);
}

static void wait_for_answer(fault_bench *bench) {
    raw_do(bench->at, "PING");
}

static void sleep_long(fault_bench *bench) {
    bench->other = redisConnectUnix(redis_server_socket(bench->at->server));
    redisAppendCommand(bench->other, "DEBUG SLEEP %s", "0.2");
    for (int done = 0; !done;)
        assert_int_equal(redisBufferWrite(bench->other, &done), REDIS_OK);
}

static void wait_for_sleeper(fault_bench *bench) {
    void *reply = NULL;
    assert_int_equal(redisGetReply(bench->other, &reply), REDIS_OK);
    assert_string_equal(((redisReply *)reply)->str, "OK");
    freeReplyObject(reply);
    redisFree(bench->other);
}

/* ---- Connections closed and scripts flushed, again and again */

static void *again_and_again(fault_bench *bench, const char *text) {
    for (unsigned i = 0; i < 1 + bench->soak->seed % 20; i++) {
        fault_pause(bench);
        command(bench->at, text);
    }
    return NULL;
}

static void *keep_closing(void *context) {
    return again_and_again(context, "CLIENT KILL TYPE normal SKIPME yes");
}

static void *keep_flushing(void *context) {
    return again_and_again(context, "SCRIPT FLUSH");
}

static void flush_scripts(fault_bench *bench) {
    raw_do(bench->at, "SCRIPT FLUSH");
}

#define REPLICATED \
    { .place = PLACE_PAIR, .behind = true, .timeout_ms = FAULT_LONG_MS, .prepare = make_replica }
#define LED_ASTRAY \
    { .place = PLACE_PAIR, .behind = true, .timeout_ms = FAULT_SHORT_MS, .prepare = make_replica }
#define HANDED_OVER                                                            \
    {                                                                          \
        JUDGE_CODE(READ_ONLY) | JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE), \
            JUDGE_CODE(READ_ONLY) | JUDGE_CODE(UNREACHABLE), false, NULL, NULL \
    }

const fault_kind faults_of_servers[] = {
    {"killed", LESSON_STORE_UNREACHABLE, NULL, BREAKS, PATIENT(MAIN, false), false, kill_server, NULL,
     start_empty_server, true},
    {"killed amid", LESSON_STORE_UNREACHABLE, NULL, BREAKS, PATIENT(MAIN, false), false, NULL, kill_server_beside,
     start_empty_server, true},
    {"killed amid, appendfsync always", LESSON_STORE_UNREACHABLE, NULL, BREAKS, PATIENT(DURABLE, false), false, NULL,
     kill_server_beside, start_server, false},
    {"replaced by an empty server amid", LESSON_STORE_UNKNOWN, NULL, BREAKS, PATIENT(PAIR, true), false,
     make_second_empty, replace_server, take_second, true},
    {"failover, handed over", LESSON_STORE_READ_ONLY, "replica", HANDED_OVER, LED_ASTRAY, true, NULL, hand_over,
     follow_hand_over, false},
    {"failover, master killed", LESSON_STORE_UNREACHABLE, NULL, BREAKS, REPLICATED, false, count_on_replica,
     kill_server_beside, promote_replica, true},
    {"stopped (SIGSTOP)", LESSON_STORE_UNREACHABLE, NULL, BREAKS, IMPATIENT, true, stop_server, NULL, go_on, false},
    {"stopped amid (SIGSTOP)", LESSON_STORE_UNKNOWN, NULL, BREAKS, IMPATIENT, true, NULL, stop_server_beside, go_on,
     false},
    {"CLIENT PAUSE WRITE", LESSON_STORE_UNKNOWN, "did not reply within", BREAKS, IMPATIENT, true, pause_writes, NULL,
     end_pause, false},
    {"CLIENT PAUSE ALL", LESSON_STORE_UNREACHABLE, NULL, BREAKS, IMPATIENT, true, pause_all, NULL, wait_for_answer,
     false},
    {"DEBUG SLEEP", LESSON_STORE_UNREACHABLE, NULL, BREAKS, IMPATIENT, true, sleep_long, NULL, wait_for_sleeper, false},
    {"CLIENT KILL amid", LESSON_STORE_UNKNOWN, NULL, BREAKS, PATIENT(MAIN, false), false, NULL, keep_closing, NULL,
     false},
    {"SCRIPT FLUSH", LESSON_STORE_OK, NULL, NOTHING, PATIENT(MAIN, false), false, flush_scripts, NULL, NULL, false},
    {"SCRIPT FLUSH amid", LESSON_STORE_OK, NULL, NOTHING, PATIENT(MAIN, false), false, NULL, keep_flushing, NULL,
     false},
    {.name = NULL},
};
