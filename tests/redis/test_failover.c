/* A primary that is demoted, behind a name that then leads to the new one; and what servers refuse only for a while. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <lessonstore/backend.h>

#include "raw.h"

/* ---- Two servers, and a link to the socket of the primary. The link is the name */

struct pair {
    redis_server *servers[2];
    redisContext *commands[2];
    char directory[64];
    char link[96];
    char location[192];
};

static void command(redisContext *commands, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(commands, format, arguments);
    va_end(arguments);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, reply->str);
    freeReplyObject(reply);
}

static bool info_has(redisContext *commands, const char *text) {
    redisReply *reply = redisCommand(commands, "INFO replication");
    assert_non_null(reply);
    bool has = reply->type == REDIS_REPLY_STRING && strstr(reply->str, text);
    freeReplyObject(reply);
    return has;
}

static void pause_ms(long milliseconds) {
    nanosleep(&(struct timespec){.tv_sec = milliseconds / 1000, .tv_nsec = milliseconds % 1000 * 1000000}, NULL);
}

static void wait_for_link(struct pair *pair, int replica) {
    for (int i = 0; i < 3000; i++) {
        if (info_has(pair->commands[replica], "master_link_status:up") &&
            info_has(pair->commands[!replica], "state=online"))
            return;
        pause_ms(10);
    }
    fail_msg("the replica does not follow");
}

/* The replica has everything that was written. WAIT counts from the last write of its own connection. */
static void synchronize(struct pair *pair) {
    command(pair->commands[0], "SET sync 1");
    command(pair->commands[0], "WAIT 1 60000");
}

static void follow(struct pair *pair, int replica) {
    command(pair->commands[replica], "REPLICAOF 127.0.0.1 %d", redis_server_port(pair->servers[!replica]));
    wait_for_link(pair, replica);
}

static void lead_to(struct pair *pair, int server) {
    char next[128];
    snprintf(next, sizeof next, "%s.next", pair->link);
    assert_int_equal(symlink(redis_server_socket(pair->servers[server]), next), 0);
    assert_int_equal(rename(next, pair->link), 0);
}

/* The old primary lives on as a replica, with its connections open. */
static void fail_over(struct pair *pair) {
    command(pair->commands[1], "REPLICAOF NO ONE");
    command(pair->commands[0], "REPLICAOF 127.0.0.1 %d", redis_server_port(pair->servers[1]));
    lead_to(pair, 1);
}

static int start(void **state) {
    struct pair *pair = calloc(1, sizeof *pair);
    const char *const arguments[] = {"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", NULL};
    assert_non_null(pair);
    strcpy(pair->directory, "/tmp/lessonstore-failover-XXXXXX");
    assert_non_null(mkdtemp(pair->directory));
    snprintf(pair->link, sizeof pair->link, "%.60s/primary", pair->directory);
    for (int i = 0; i < 2; i++) {
        pair->servers[i] = redis_server_start(arguments);
        assert_non_null(pair->servers[i]);
        pair->commands[i] = redisConnectUnix(redis_server_socket(pair->servers[i]));
        assert_true(pair->commands[i] && !pair->commands[i]->err);
    }
    lead_to(pair, 0);
    follow(pair, 1);
    snprintf(pair->location, sizeof pair->location, "redis+unix://%s", pair->link);
    *state = pair;
    return 0;
}

static int stop(void **state) {
    struct pair *pair = *state;
    for (int i = 0; i < 2; i++) {
        redisFree(pair->commands[i]);
        redis_server_stop(pair->servers[i]);
    }
    unlink(pair->link);
    rmdir(pair->directory);
    free(pair);
    return 0;
}

static lesson_store *open_store(const struct pair *pair, const char *options) {
    char location[256];
    lesson_store *store;
    snprintf(location, sizeof location, "%s%s", pair->location, options);
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

static int join(lesson_store *store, const char *uid, const char *lesson_id) {
    return lesson_store_join(store, uid, "C1", lesson_id, NULL, 0, NULL);
}

static void assert_where(lesson_store *store, const char *uid, const char *lesson_id) {
    lesson_store_place place;
    assert_code(lesson_store_where(store, uid, &place), OK);
    assert_string_equal(place.lesson_id, lesson_id);
}

/* ---- Failover behind a name */

/* One call is enough: a READONLY is no answer, because the server has executed nothing. */
static void test_writes_follow_the_name(void **state) {
    struct pair *pair = *state;
    lesson_store *store = open_store(pair, "?pool=1&failover_check_ms=600000");
    assert_code(join(store, "ann", "L1"), OK);
    synchronize(pair);
    fail_over(pair);
    assert_code(join(store, "ann", "L2"), OK);
    assert_where(store, "ann", "L2");
    lesson_store_close(store);
}

static void test_batches_follow_the_name(void **state) {
    struct pair *pair = *state;
    enum { COUNT = 1500 };
    static lesson_store_operation operations[COUNT];
    static char uids[COUNT][16];
    lesson_store *store = open_store(pair, "?pool=1&failover_check_ms=600000");
    assert_code(join(store, "ann", "L1"), OK);
    synchronize(pair);
    fail_over(pair);
    for (int i = 0; i < COUNT; i++) {
        snprintf(uids[i], sizeof uids[i], "u%d", i / 2);
        operations[i] = raw_operation(i % 2 ? LESSON_STORE_OPERATION_QUIT : LESSON_STORE_OPERATION_JOIN, uids[i],
                                      i % 2 ? NULL : "L1");
        operations[i].course_id = i % 2 ? (lesson_store_id){NULL, 0} : lesson_store_id_of("C1");
    }
    assert_code(lesson_store_batch(store, operations, COUNT), OK);
    for (int i = 0; i < COUNT; i++)
        assert_code(operations[i].code, OK);
    lesson_store_close(store);
}

/* A store that only reads never hears READONLY. Its server is asked for its role on the way. */
static void test_reads_follow_the_name(void **state) {
    struct pair *pair = *state;
    lesson_store *reader = open_store(pair, "?pool=1&failover_check_ms=10"), *writer;
    assert_code(join(reader, "ann", "before"), OK);
    synchronize(pair);
    fail_over(pair);
    command(pair->commands[0], "REPLICAOF 127.0.0.1 1"); /* it hears nothing of the new primary */
    writer = open_store(pair, "");
    assert_code(join(writer, "ann", "after"), OK);
    pause_ms(20);
    assert_where(reader, "ann", "after");
    uint64_t count;
    assert_code(lesson_store_count_members(reader, "before", &count), OK);
    assert_int_equal(count, 0);
    lesson_store_close(reader);
    lesson_store_close(writer);
}

static bool count_one(const lesson_store_id *uid, void *context) {
    (void)uid;
    ++*(int *)context;
    return true;
}

static void test_lists_follow_the_name(void **state) {
    struct pair *pair = *state;
    lesson_store *reader = open_store(pair, "?pool=1&failover_check_ms=10"), *writer;
    assert_code(join(reader, "ann", "L"), OK);
    synchronize(pair);
    fail_over(pair);
    command(pair->commands[0], "REPLICAOF 127.0.0.1 1");
    writer = open_store(pair, "");
    assert_code(join(writer, "bob", "L"), OK);
    pause_ms(20);
    int count = 0;
    assert_code(lesson_store_members(reader, "L", count_one, &count), OK);
    assert_int_equal(count, 2);
    lesson_store_close(reader);
    lesson_store_close(writer);
}

/* ---- Replicas */

static void test_a_replica_is_refused(void **state) {
    struct pair *pair = *state;
    lesson_store *store;
    char location[256];
    snprintf(location, sizeof location, "redis://127.0.0.1:%d?connect_timeout_ms=100",
             redis_server_port(pair->servers[1]));
    assert_code(lesson_store_open(&store, location), READ_ONLY);
    raw_assert_message("the server is a replica");
}

static void test_any_role_will_do(void **state) {
    struct pair *pair = *state;
    lesson_store *primary = open_store(pair, ""), *replica;
    char location[256];
    assert_code(join(primary, "ann", "L1"), OK);
    synchronize(pair);
    snprintf(location, sizeof location, "redis://127.0.0.1:%d?role=any&timeout_ms=60000&failover_check_ms=10",
             redis_server_port(pair->servers[1]));
    assert_code(lesson_store_open(&replica, location), OK);
    assert_where(replica, "ann", "L1");
    int64_t began_us = lesson_store_monotonic_us();
    assert_code(join(replica, "ann", "L2"), READ_ONLY);
    assert_true(lesson_store_monotonic_us() - began_us < 50000000); /* it stays a replica, so nothing is waited for */
    pause_ms(20);
    assert_where(replica, "ann", "L1");
    lesson_store_close(replica);
    lesson_store_close(primary);
}

/* ---- Refusals that pass */

struct helper {
    redisContext *commands;
    lesson_store *store;
    atomic_bool ended;
    int code;
};

static void *join_late(void *context) {
    struct helper *helper = context;
    helper->code = join(helper->store, "late", "L1");
    helper->ended = true;
    return NULL;
}

static long long rejected_calls(redisContext *commands) {
    redisReply *reply = redisCommand(commands, "INFO errorstats");
    assert_non_null(reply);
    const char *line = strstr(reply->str, "errorstat_NOREPLICAS:count=");
    long long count = line ? strtoll(strchr(line, '=') + 1, NULL, 10) : 0;
    freeReplyObject(reply);
    return count;
}

/* As during a failover, when the new primary has no replica yet. */
static void test_a_refusal_that_passes_is_waited_for(void **state) {
    struct pair *pair = *state;
    struct helper helper = {.store = open_store(pair, "?timeout_ms=60000")};
    pthread_t thread;
    command(pair->commands[0], "CONFIG SET min-replicas-to-write 2");
    assert_int_equal(pthread_create(&thread, NULL, join_late, &helper), 0);
    while (rejected_calls(pair->commands[0]) < 3)
        pause_ms(1);
    assert_false(helper.ended);
    command(pair->commands[0], "CONFIG SET min-replicas-to-write 0");
    pthread_join(thread, NULL);
    assert_code(helper.code, OK);
    assert_where(helper.store, "late", "L1");
    lesson_store_close(helper.store);
}

/* The call ends with its time, and with the server's reason. */
static void test_a_refusal_that_does_not_pass(void **state) {
    struct pair *pair = *state;
    lesson_store *store = open_store(pair, "?timeout_ms=200");
    command(pair->commands[0], "CONFIG SET min-replicas-to-write 2");
    int64_t began_us = lesson_store_monotonic_us();
    assert_code(join(store, "ann", "L1"), UNREACHABLE);
    int64_t took_us = lesson_store_monotonic_us() - began_us;
    raw_assert_message("NOREPLICAS");
    assert_true(took_us > 100000);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    command(pair->commands[0], "CONFIG SET min-replicas-to-write 0");
    lesson_store_close(store);
}

/* ---- wait_replicas */

static void test_confirmed_writes(void **state) {
    struct pair *pair = *state;
    lesson_store *store = open_store(pair, "?wait_replicas=1&pool=1"), *replica;
    char location[256];
    snprintf(location, sizeof location, "redis://127.0.0.1:%d?role=any", redis_server_port(pair->servers[1]));
    assert_code(lesson_store_open(&replica, location), OK);
    for (int i = 0; i < 100; i++) {
        char lesson_id[16];
        snprintf(lesson_id, sizeof lesson_id, "L%d", i);
        assert_code(join(store, "ann", lesson_id), OK);
        assert_where(replica, "ann", lesson_id); /* without a wait: it has confirmed */
    }
    lesson_store_close(replica);
    lesson_store_close(store);
}

/* An answer of the primary alone is not enough. The write is there, but may be lost. */
static void test_unconfirmed_writes(void **state) {
    struct pair *pair = *state;
    lesson_store *store = open_store(pair, "?wait_replicas=1&pool=1&timeout_ms=2000");
    kill(redis_server_pid(pair->servers[1]), SIGSTOP);
    assert_code(join(store, "ann", "L1"), UNKNOWN);
    raw_assert_message("0 of 1 replicas");
    assert_where(store, "ann", "L1");
    assert_code(lesson_store_quit(store, "bob", NULL, NULL, NULL), NOT_FOUND);
    kill(redis_server_pid(pair->servers[1]), SIGCONT);
    wait_for_link(pair, 1);
    lesson_store_close(store);
}

static void test_an_account_that_may_not_wait(void **state) {
    struct pair *pair = *state;
    command(pair->commands[0], "ACL SETUSER default -wait");
    lesson_store *store = open_store(pair, "?wait_replicas=1&pool=1");
    assert_code(join(store, "ann", "L1"), UNKNOWN);
    raw_assert_message("refused to wait for replicas: NOPERM");
    command(pair->commands[0], "ACL SETUSER default +wait");
    assert_code(join(store, "ann", "L2"), OK);
    lesson_store_close(store);
}

static void test_unconfirmed_batches(void **state) {
    struct pair *pair = *state;
    enum { COUNT = 600 };
    static lesson_store_operation operations[COUNT];
    static char uids[COUNT][16];
    lesson_store *store = open_store(pair, "?wait_replicas=1&pool=1&timeout_ms=2000");
    for (int i = 0; i < COUNT; i++) {
        snprintf(uids[i], sizeof uids[i], "u%d", i);
        operations[i] =
            raw_operation(i % 3 ? LESSON_STORE_OPERATION_JOIN : LESSON_STORE_OPERATION_COUNT_MEMBERS, uids[i], "L1");
        operations[i].course_id = i % 3 ? lesson_store_id_of("C1") : (lesson_store_id){NULL, 0};
        operations[i].uid = i % 3 ? operations[i].uid : (lesson_store_id){NULL, 0};
    }
    assert_code(lesson_store_batch(store, operations, COUNT), OK);
    kill(redis_server_pid(pair->servers[1]), SIGSTOP);
    lesson_store_batch(store, operations, COUNT);
    kill(redis_server_pid(pair->servers[1]), SIGCONT);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(operations[i].code, i % 3 ? LESSON_STORE_UNKNOWN : LESSON_STORE_OK);
    wait_for_link(pair, 1);
    lesson_store_close(store);
}

#define PAIR(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        PAIR(writes_follow_the_name),
        PAIR(batches_follow_the_name),
        PAIR(reads_follow_the_name),
        PAIR(lists_follow_the_name),
        PAIR(a_replica_is_refused),
        PAIR(any_role_will_do),
        PAIR(a_refusal_that_passes_is_waited_for),
        PAIR(a_refusal_that_does_not_pass),
        PAIR(confirmed_writes),
        PAIR(unconfirmed_writes),
        PAIR(an_account_that_may_not_wait),
        PAIR(unconfirmed_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
