/* A server that forgets its scripts, refuses, stops, or dies. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "raw.h"

static int join(raw_server *raw, const char *uid, const char *lesson_id) {
    return lesson_store_join(raw->store, uid, "C1", lesson_id, NULL, 0, NULL);
}

/* ---- Scripts */

static void test_flushed_scripts(void **state) {
    raw_server *raw = *state;
    for (int i = 0; i < 3; i++) {
        raw_do(raw, "SCRIPT FLUSH");
        assert_code(join(raw, "ann", i % 2 ? "L1" : "L2"), OK);
    }
    raw_do(raw, "SCRIPT FLUSH");
    uint64_t found;
    assert_code(lesson_store_check(raw->store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, 0);
}

/* Once the server knows a script, the source is not sent again. */
static void test_source_is_sent_once(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "SCRIPT FLUSH");
    long long sources = raw_calls(raw, "eval");
    for (int i = 0; i < 10; i++)
        assert_code(join(raw, "ann", "L1"), OK);
    assert_int_equal(raw_calls(raw, "eval"), sources + 1);
}

struct flusher {
    redisContext *commands;
    atomic_bool ends;
};

static void *keep_flushing(void *context) {
    struct flusher *flusher = context;
    while (!flusher->ends)
        freeReplyObject(redisCommand(flusher->commands, "SCRIPT FLUSH"));
    return NULL;
}

/* Scripts are flushed in the middle of batches: everything still happens once, and in order. */
static void test_flushed_scripts_in_batches(void **state) {
    raw_server *raw = *state;
    enum { PAIRS = 1000 };
    static lesson_store_operation operations[2 * PAIRS];
    static lesson_store_place places[PAIRS];
    static char lessons[PAIRS][16];
    struct flusher flusher = {.commands = redisConnectUnix(redis_server_socket(raw->server))};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, keep_flushing, &flusher), 0);
    long long sources = raw_calls(raw, "eval");
    while (raw_calls(raw, "eval") < sources + 20) {
        for (int i = 0; i < PAIRS; i++) {
            snprintf(lessons[i], sizeof lessons[i], "L%d", i);
            lesson_store_operation *pair = operations + 2 * i;
            pair[0] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
            pair[0].uid = lesson_store_id_of("ann");
            pair[0].course_id = lesson_store_id_of("C1");
            pair[0].lesson_id = lesson_store_id_of(lessons[i]);
            pair[1] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_QUIT};
            pair[1].uid = lesson_store_id_of("ann");
            pair[1].place = &places[i];
        }
        assert_code(lesson_store_batch(raw->store, operations, 2 * PAIRS), OK);
        for (int i = 0; i < PAIRS; i++) {
            assert_int_equal(operations[2 * i].code, LESSON_STORE_OK);
            assert_int_equal(operations[2 * i].arrival, LESSON_STORE_ARRIVAL_NEW);
            assert_int_equal(operations[2 * i + 1].code, LESSON_STORE_OK);
            assert_string_equal(places[i].lesson_id, lessons[i]);
        }
    }
    flusher.ends = true;
    pthread_join(thread, NULL);
    redisFree(flusher.commands);
    raw_expect(raw, "");
}

/* ---- Servers that refuse */

static void test_no_memory_on_the_server(void **state) {
    raw_server *raw = *state;
    lesson_store_operation operations[3];
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    assert_code(join(raw, "ann", "L1"), OK);
    raw_do(raw, "HSET " USER("eve") " uid eve course_id C1 lesson_id L9"); /* but not among the members */
    char *before = raw_dump(raw);
    raw_do(raw, "CONFIG SET maxmemory 1");
    operations[0] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
    operations[0].uid = lesson_store_id_of("bob");
    operations[0].course_id = lesson_store_id_of("C1");
    operations[1] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_CREATE};
    operations[0].lesson_id = operations[1].lesson_id = lesson_store_id_of("L2");
    operations[2] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_WHERE};
    operations[2].uid = lesson_store_id_of("ann");
    assert_code(lesson_store_batch(raw->store, operations, 3), OK);
    assert_int_equal(operations[0].code, LESSON_STORE_FULL);
    assert_int_equal(operations[1].code, LESSON_STORE_FULL);
    assert_int_equal(operations[2].code, LESSON_STORE_OK);
    assert_code(lesson_store_set_chat_status(raw->store, "L1", 1), FULL);
    assert_code(lesson_store_check(raw->store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), FULL);
    raw_expect(raw, before);
    free(before);

    /* Moving or leaving needs no memory. */
    assert_code(join(raw, "ann", "L2"), OK);
    assert_code(lesson_store_quit(raw->store, "ann", NULL, NULL, NULL), OK);
    assert_code(lesson_store_end(raw->store, "L1", 0, NULL), OK);
    raw_do(raw, "CONFIG SET maxmemory 0");
}

static void test_read_only(void **state) {
    raw_server *raw = *state;
    lesson_store *store = raw_open_store(raw, "?pool=1&timeout_ms=50&connect_timeout_ms=50");
    assert_code(join(raw, "ann", "L1"), OK);
    assert_code(lesson_store_create(store, "L1", 0), OK);
    char *before = raw_dump(raw);
    raw_do(raw, "REPLICAOF 127.0.0.1 1"); /* no server is there */
    assert_code(lesson_store_join(store, "ann", "C1", "L2", NULL, 0, NULL), READ_ONLY);
    assert_code(lesson_store_quit(store, "ann", NULL, NULL, NULL), READ_ONLY);
    assert_code(lesson_store_end(store, "L1", 0, NULL), READ_ONLY);
    assert_code(lesson_store_create(store, "L3", 0), READ_ONLY);
    assert_code(lesson_store_where(store, "ann", NULL), READ_ONLY); /* known to be a replica now */
    raw_expect(raw, before);
    free(before);
    raw_do(raw, "CONFIG SET replica-serve-stale-data no");
    assert_code(lesson_store_where(store, "ann", NULL), READ_ONLY);
    raw_do(raw, "CONFIG SET replica-serve-stale-data yes");
    raw_do(raw, "REPLICAOF NO ONE");
    assert_code(lesson_store_join(store, "ann", "C1", "L2", NULL, 0, NULL), OK);
    lesson_store_close(store);
}

static void test_busy(void **state) {
    raw_server *raw = *state;
    redisContext *other = redisConnectUnix(redis_server_socket(raw->server));
    raw_do(raw, "CONFIG SET lua-time-limit 1");
    redisAppendCommand(other, "EVAL %s 0", "while true do end");
    int done = 0;
    while (!done)
        assert_int_equal(redisBufferWrite(other, &done), REDIS_OK);
    int code;
    do
        code = join(raw, "ann", "L1");
    while (code == LESSON_STORE_OK); /* until the other script has begun */
    assert_int_equal(code, LESSON_STORE_BUSY);
    raw_do(raw, "SCRIPT KILL");
    do
        code = join(raw, "ann", "L1");
    while (code == LESSON_STORE_BUSY); /* until the other script has ended */
    assert_int_equal(code, LESSON_STORE_OK);
    redisFree(other);
    raw_do(raw, "CONFIG SET lua-time-limit 5000");
}

/* ---- Servers that stop or die */

/* Also over TCP, where the first bytes sent to a dead server are accepted without an error. */
static void test_restart_while_idle(void **state) {
    raw_server *raw = *state;
    char location[256];
    lesson_store *by_tcp;
    snprintf(location, sizeof location, "%s?pool=1", redis_server_tcp_location(raw->server));
    assert_code(lesson_store_open(&by_tcp, location), OK);
    assert_code(join(raw, "ann", "L1"), OK);
    assert_true(redis_server_restart(raw->server));
    raw_reconnect(raw);
    assert_code(join(raw, "bob", "L1"), OK);
    assert_code(lesson_store_join(by_tcp, "eve", "C1", "L1", NULL, 0, NULL), OK);
    lesson_store_close(by_tcp);
    raw_expect(raw, "hash " USER("bob") "\n  uid=bob\n  course_id=C1\n  lesson_id=L1\n"
                                        "hash " USER("eve") "\n  uid=eve\n  course_id=C1\n  lesson_id=L1\n"
                                                            "set " MEMBERS("L1") "\n  bob\n  eve\n");
}

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid, (void)context;
    return true;
}

static bool ignore_information(const char *name, const char *value, void *context) {
    (void)name, (void)value, (void)context;
    return true;
}

static void test_dead_server(void **state) {
    raw_server *raw = *state;
    assert_code(join(raw, "ann", "L1"), OK);
    redis_server_kill(raw->server);
    assert_code(join(raw, "ann", "L2"), UNREACHABLE);
    assert_code(lesson_store_where(raw->store, "ann", NULL), UNREACHABLE);
    assert_code(lesson_store_members(raw->store, "L1", ignore_member, NULL), UNREACHABLE);
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, NULL, NULL), UNREACHABLE);
    assert_code(lesson_store_info(raw->store, ignore_information, NULL), UNREACHABLE);
    raw_refuse(redis_server_tcp_location(raw->server), LESSON_STORE_UNREACHABLE, "127.0.0.1");
    assert_true(redis_server_restart(raw->server));
    raw_reconnect(raw);
    assert_code(join(raw, "ann", "L2"), OK);
}

/* A server that does not answer, as in a long pause: the write is unknown, and may happen later. */
static void test_stopped_server(void **state) {
    raw_server *raw = *state;
    lesson_store_place place;
    lesson_store *store = raw_open_store(raw, "?pool=1&timeout_ms=100&connect_timeout_ms=100");
    assert_code(lesson_store_join(store, "ann", "C1", "L1", NULL, 0, NULL), OK);
    kill(redis_server_pid(raw->server), SIGSTOP);
    assert_code(lesson_store_join(store, "ann", "C1", "L2", NULL, 0, NULL), UNKNOWN);
    raw_assert_within("did not reply", 50, 100);
    assert_code(lesson_store_join(store, "bob", "C1", "L2", NULL, 0, NULL), UNREACHABLE);
    assert_code(lesson_store_where(store, "ann", &place), UNREACHABLE);
    kill(redis_server_pid(raw->server), SIGCONT);
    /* The late reply to the join is never taken for the answer to this call. */
    assert_code(lesson_store_where(store, "bob", &place), NOT_FOUND);
    assert_code(lesson_store_where(store, "ann", &place), OK);
    assert_string_equal(place.lesson_id, "L2");
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(flushed_scripts),         TEST(source_is_sent_once), TEST(flushed_scripts_in_batches),
        TEST(no_memory_on_the_server), TEST(read_only),           TEST(busy),
        TEST(restart_while_idle),      TEST(dead_server),         TEST(stopped_server),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
