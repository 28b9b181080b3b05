/* Lessons that are too large for one step: their end, as others see it during and after an interruption, and their
 * members, page by page. The limit of a step is counted in members here, because times depend on the machine. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

#include <lessonstore/backend.h>

enum { AT_ONCE = 1000, PAGE = 500, LARGE = 12345 };

static void test_end(void **state) {
    raw_server *raw = *state;
    uint64_t left;
    raw_make_lesson(raw, "L1", "1", LARGE);
    raw_do(raw, "SADD " MEMBERS("L1") " ghost-1 ghost-2");
    raw_do(raw, "SET " USER("ghost-2") " text");
    raw_do(raw, "HSET " USER("u-7") " lesson_id L2"); /* moved by a legacy join, which leaves the member behind */
    raw_do(raw, "SADD " MEMBERS("L2") " u-7");
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, LARGE - 1);
    raw_expect(raw, "string " USER("ghost-2") "\nhash " USER("u-7") "\n  uid=u-7\n  course_id=C\n  lesson_id=L2\n"
                                                                    "set " MEMBERS("L2") "\n  u-7\n");
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), NOT_FOUND);
}

static void test_end_without_record(void **state) {
    raw_server *raw = *state;
    uint64_t left;
    raw_make_lesson(raw, "L1", "", LARGE);
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, LARGE);
    raw_expect(raw, "");
}

/* The number of script calls, and of members that each step may look at. */
static void test_steps_of_an_end(void **state) {
    raw_server *raw = *state;
    uint64_t left;
    raw_make_lesson(raw, "L1", "1", AT_ONCE);
    long long scripts = raw_calls(raw, "evalsha") + raw_calls(raw, "eval");
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, AT_ONCE);
    long long after = raw_calls(raw, "evalsha") + raw_calls(raw, "eval");
    assert_in_range(after - scripts, 1, 2); /* two only if the script was not known */
    raw_expect(raw, "");

    raw_make_lesson(raw, "L1", "1", LARGE);
    scripts = raw_calls(raw, "evalsha");
    long long pages = raw_calls(raw, "sscan"), whole = raw_calls(raw, "smembers");
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, LARGE);
    /* A page of SSCAN may have a few more entries than asked for, so there may be fewer pages. */
    assert_in_range(raw_calls(raw, "sscan") - pages, LARGE / PAGE * 3 / 4, LARGE / PAGE * 2);
    assert_int_equal(raw_calls(raw, "smembers") - whole, 2); /* of no key by the first step, of one page by the last */
    assert_in_range(raw_calls(raw, "evalsha") - scripts, LARGE / PAGE * 3 / 4, LARGE / PAGE * 2);
}

/* ---- What others see meanwhile */

/* Negative if a user's record and the members disagree. While the lesson is being ended, the number of the round;
 * otherwise 0. */
static const char look[] = "for i = 1, #ARGV do\n"
                           "    local lesson = redis.call('HGET', 'STATUS:IN_LESSON:UID:' .. ARGV[i], 'lesson_id')\n"
                           "    local member = redis.call('SISMEMBER', 'STATUS:LESSON_USER:LESSON_ID:L1', ARGV[i])\n"
                           "    if (lesson == 'L1') ~= (member == 1) then return -1 end\n"
                           "end\n"
                           "local status = redis.call('HGET', 'STATUS:LESSON_STATUS:LESSON_ID:L1', 'course_status')\n"
                           "return status == '0' and tonumber(redis.call('GET', 'ROUND')) or 0";

struct observer {
    redisContext *commands;
    lesson_store *store;
    atomic_bool ends;
    atomic_int looks; /* during the end of the lesson */
    int disagreements;
    int joins_if_open; /* joins that were not refused during it */
    int created;       /* creates that succeeded during it */
};

static long long look_at_round(struct observer *observer) {
    redisReply *reply = redisCommand(observer->commands, "EVAL %s 0 u-0 u-1 u-99 u-5000 u-12344", look);
    long long round = reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
    observer->disagreements += round < 0;
    freeReplyObject(reply);
    return round;
}

/* An answer counts only if the same end was going on before and after it. */
static void *observe(void *context) {
    struct observer *observer = context;
    while (!observer->ends) {
        long long round = look_at_round(observer);
        int joined = lesson_store_join(observer->store, "late", "C", "L1", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL);
        int created = lesson_store_create(observer->store, "L1", 0);
        if (look_at_round(observer) != round || round <= 0)
            continue;
        observer->looks++;
        observer->joins_if_open += joined != LESSON_STORE_REFUSED;
        observer->created += created != LESSON_STORE_EXISTS;
    }
    return NULL;
}

static void test_others_during_an_end(void **state) {
    raw_server *raw = *state;
    struct observer observer = {.commands = redisConnectUnix(redis_server_socket(raw->server)),
                                .store = raw_open_store(raw, "?pool=1")};
    pthread_t thread;
    raw_do(raw, "SET ROUND 0");
    assert_int_equal(pthread_create(&thread, NULL, observe, &observer), 0);
    for (int round = 1; round <= 200 && observer.looks < 20; round++) {
        raw_do(raw, "SET ROUND %d", round);
        raw_make_lesson(raw, "L1", "1", LARGE);
        assert_code(lesson_store_end(raw->store, "L1", 0, NULL), OK);
    }
    observer.ends = true;
    pthread_join(thread, NULL);
    assert_in_range(observer.looks, 20, 1000000);
    assert_int_equal(observer.disagreements, 0);
    assert_int_equal(observer.joins_if_open, 0);
    assert_int_equal(observer.created, 0);
    redisFree(observer.commands);
    lesson_store_close(observer.store);
}

/* Another, faster end of the same lesson, after which another client creates it again; all in one step while our end
 * goes on. Does nothing if no end goes on. */
static const char end_and_create_again[] =
    "if redis.call('HGET', 'STATUS:LESSON_STATUS:LESSON_ID:L1', 'course_status') ~= '0' then return 0 end\n"
    "for i = 0, tonumber(ARGV[1]) - 1 do redis.call('DEL', 'STATUS:IN_LESSON:UID:u-' .. i) end\n"
    "redis.call('DEL', 'STATUS:LESSON_STATUS:LESSON_ID:L1', 'STATUS:LESSON_USER:LESSON_ID:L1')\n"
    "redis.call('HSET', 'STATUS:LESSON_STATUS:LESSON_ID:L1', 'lesson_id', 'L1', 'course_status', '3', 'chat_status', "
    "'0')\n"
    "redis.call('HSET', 'STATUS:IN_LESSON:UID:new', 'uid', 'new', 'course_id', 'C', 'lesson_id', 'L1')\n"
    "return redis.call('SADD', 'STATUS:LESSON_USER:LESSON_ID:L1', 'new')";

/* Another client removes only the record. */
static const char end_record[] =
    "if redis.call('HGET', 'STATUS:LESSON_STATUS:LESSON_ID:L1', 'course_status') ~= '0' then return 0 end\n"
    "return redis.call('DEL', 'STATUS:LESSON_STATUS:LESSON_ID:L1')";

struct faster {
    redisContext *commands;
    const char *script;
    atomic_bool ends;
    bool came_between;
};

static void *be_faster(void *context) {
    struct faster *faster = context;
    while (!faster->ends && !faster->came_between) {
        redisReply *reply = redisCommand(faster->commands, "EVAL %s 0 %d", faster->script, LARGE);
        faster->came_between = reply->type == REDIS_REPLY_INTEGER && reply->integer == 1;
        freeReplyObject(reply);
    }
    return NULL;
}

/* Ends a large lesson repeatedly, until the other client came between two of the steps. */
static void end_with_a_faster_one(raw_server *raw, const char *script) {
    struct faster faster = {.commands = redisConnectUnix(redis_server_socket(raw->server)), .script = script};
    for (int round = 0; round < 200 && !faster.came_between; round++) {
        pthread_t thread;
        faster.ends = false;
        raw_make_lesson(raw, "L1", "1", LARGE);
        assert_int_equal(pthread_create(&thread, NULL, be_faster, &faster), 0);
        assert_code(lesson_store_end(raw->store, "L1", 0, NULL), OK);
        faster.ends = true;
        pthread_join(thread, NULL);
    }
    assert_true(faster.came_between);
    redisFree(faster.commands);
}

static void test_a_lesson_created_again_during_its_end(void **state) {
    raw_server *raw = *state;
    end_with_a_faster_one(raw, end_and_create_again);
    raw_expect(raw, "hash " USER("new") "\n  uid=new\n  course_id=C\n  lesson_id=L1\n"
                                        "hash " RECORD("L1") "\n  lesson_id=L1\n  course_status=3\n  chat_status=0\n"
                                                             "set " MEMBERS("L1") "\n  new\n");
}

/* The members still belong to this lesson: a client that gets OK finds all of them gone. */
static void test_a_record_removed_during_its_end(void **state) {
    raw_server *raw = *state;
    end_with_a_faster_one(raw, end_record);
    raw_expect(raw, "");
}

/* ---- In batches */

/* Ends among many other operations, with the large one first, in the middle, or last in a request. */
static void test_order_of_a_batch(void **state) {
    raw_server *raw = *state;
    enum { COUNT = 2000 };
    static lesson_store_operation operations[COUNT];
    static const int places[] = {0, 1, 255, 256, 257, 1000, COUNT - 3};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int at = places[i];
        raw_do(raw, "FLUSHALL");
        raw_make_lesson(raw, "L1", "1", LARGE);
        for (int k = 0; k < COUNT; k++)
            operations[k] = raw_operation(LESSON_STORE_OPERATION_JOIN, k < at ? "before" : "behind", "L1");
        operations[at] = raw_operation(LESSON_STORE_OPERATION_END, NULL, "L1");
        operations[at + 1] = raw_operation(LESSON_STORE_OPERATION_COUNT_MEMBERS, NULL, "L1");
        assert_code(lesson_store_batch(raw->store, operations, COUNT), OK);
        for (int k = 0; k < COUNT; k++)
            assert_int_equal(operations[k].code, LESSON_STORE_OK);
        assert_int_equal(operations[at].count, LARGE + (at > 0));
        assert_int_equal(operations[at + 1].count, 0);
        assert_int_equal(operations[at + 2].arrival, LESSON_STORE_ARRIVAL_NEW);
        raw_expect(raw, "hash " USER("behind") "\n  uid=behind\n  course_id=C\n  lesson_id=L1\n"
                                               "set " MEMBERS("L1") "\n  behind\n");
    }
}

static void test_two_ends_in_a_batch(void **state) {
    raw_server *raw = *state;
    lesson_store_operation operations[5];
    raw_make_lesson(raw, "L1", "1", LARGE);
    operations[0] = raw_operation(LESSON_STORE_OPERATION_END, NULL, "L1");
    operations[1] = raw_operation(LESSON_STORE_OPERATION_END, NULL, "L1");
    operations[2] = raw_operation(LESSON_STORE_OPERATION_CREATE, NULL, "L1");
    operations[3] = raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", "L1");
    operations[4] = raw_operation(LESSON_STORE_OPERATION_END, NULL, "L1");
    assert_code(lesson_store_batch(raw->store, operations, 5), OK);
    assert_int_equal(operations[0].code, LESSON_STORE_OK);
    assert_int_equal(operations[1].code, LESSON_STORE_NOT_FOUND);
    assert_int_equal(operations[2].code, LESSON_STORE_OK);
    assert_int_equal(operations[4].count, 1);
    raw_expect(raw, "");
}

/* ---- Servers that refuse, and interrupted ends */

static void test_refused_ends(void **state) {
    raw_server *raw = *state;
    uint64_t left;
    raw_make_lesson(raw, "L1", "1", LARGE);
    raw_do(raw, "REPLICAOF 127.0.0.1 1"); /* no server is there */
    assert_code(lesson_store_end(raw->store, "L1", 0, NULL), READ_ONLY);
    raw_do(raw, "REPLICAOF NO ONE");
    assert_int_equal(raw_number(raw, "SCARD " MEMBERS("L1")), LARGE);
    assert_int_equal(raw_number(raw, "HLEN " RECORD("L1")), 3);
    raw_do(raw, "HSET " RECORD("L1") " course_status 1");

    char *record = raw_dump(raw);
    raw_do(raw, "SET " RECORD("L1") " text");
    assert_code(lesson_store_end(raw->store, "L1", 0, NULL), MALFORMED);
    raw_assert_message(RECORD("L1"));
    raw_do(raw, "DEL " RECORD("L1"));
    raw_do(raw, "HSET " RECORD("L1") " lesson_id L1 course_status 1 chat_status 0");
    raw_expect(raw, record);
    free(record);

    /* Leaving needs no memory. */
    raw_do(raw, "CONFIG SET maxmemory 1");
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    raw_do(raw, "CONFIG SET maxmemory 0");
    assert_int_equal(left, LARGE);
    raw_expect(raw, "");
}

static void test_interrupted_end(void **state) {
    raw_server *raw = *state;
    lesson_store_operation operations[2];
    uint64_t left;
    raw_make_lesson(raw, "L1", "1", LARGE);
    operations[0] = raw_operation(LESSON_STORE_OPERATION_END, NULL, "L1");
    operations[1] = raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", "L2");
    assert_code(lesson_store_where(raw->store, "u-0", NULL), OK);
    false_server_play(raw->between, LOSE_THIRD_REPLY); /* the reply to the first step, after a page of members */
    assert_code(lesson_store_batch(raw->store, operations, 2), UNKNOWN);
    assert_int_equal(operations[0].code, LESSON_STORE_UNKNOWN);
    assert_int_equal(operations[1].code, LESSON_STORE_UNREACHABLE);

    lesson_store_lesson lesson;
    uint64_t found;
    assert_code(lesson_store_get_lesson(raw->store, "L1", &lesson), OK);
    assert_int_equal(lesson.course_status, LESSON_STORE_COURSE_OFFLINE);
    assert_in_range(lesson.member_count, 1, LARGE - 1);
    assert_code(lesson_store_check(raw->store, 0, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, 0); /* records and members agree */
    assert_code(lesson_store_create(raw->store, "L1", 0), EXISTS);
    assert_code(lesson_store_end(raw->store, "L1", 0, &left), OK);
    assert_int_equal(left, lesson.member_count);
    raw_expect(raw, "");
}

/* After a malformed reply to a step, it is unknown whether the step was executed. */
static void test_step_that_is_answered_wrong(void **state) {
    raw_server *raw = *state;
    raw_make_lesson(raw, "L1", "1", LARGE);
    false_server_answer(raw->between, "*1\r\n$5\r\nLARGE\r\n"); /* correct only for the first request */
    assert_code(lesson_store_end(raw->store, "L1", 0, NULL), UNKNOWN);
    false_server_play(raw->between, PASS_ON);
    assert_int_equal(raw_number(raw, "SCARD " MEMBERS("L1")), LARGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(end),
        TEST(end_without_record),
        TEST(steps_of_an_end),
        TEST(others_during_an_end),
        TEST(a_lesson_created_again_during_its_end),
        TEST(a_record_removed_during_its_end),
        TEST(order_of_a_batch),
        TEST(two_ends_in_a_batch),
        TEST(refused_ends),
        TEST_BEHIND(interrupted_end),
        TEST_BEHIND(step_that_is_answered_wrong),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
