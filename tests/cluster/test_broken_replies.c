/*
 * Three masters, each behind a false server that loses, cuts and garbles what it passes on. Joins and quits are sent
 * again and take effect once; what writes a record is UNKNOWN; what only reads is asked again. Afterwards the store
 * says what is true.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lessonstore/backend.h>

#include "figures_of.h"
#include "raw.h"
#include "redis_ask.h"
#include "redis_cluster.h"

enum { NODES = 3 };

struct front {
    redis_cluster *rig;
    char ports[NODES][16]; /* of the nodes */
    false_server *servers[NODES];
    char location[512];
    lesson_store *store; /* through the false servers */
};

/* Clients are sent to the false servers. */
static bool announces(void *context) {
    const struct front *front = context;
    bool is_announced = true;
    for (int i = 0; i < NODES; i++) {
        redisReply *slots = redis_ask(redis_cluster_node(front->rig, i), NULL, NULL, "CLUSTER SLOTS");
        for (size_t range = 0; slots && range < slots->elements; range++) {
            long long port = slots->element[range]->element[2]->element[1]->integer;
            bool is_false = false;
            for (int server = 0; server < NODES; server++)
                is_false = is_false || port == false_server_port(front->servers[server]);
            is_announced = is_announced && is_false;
        }
        is_announced = is_announced && slots;
        if (slots)
            freeReplyObject(slots);
    }
    return is_announced;
}

static int start(void **state) {
    const redis_cluster_options wanted = {.primaries = NODES};
    struct front *front = calloc(1, sizeof *front);
    front->rig = redis_cluster_start(&wanted);
    assert_non_null(front->rig);
    int size = snprintf(front->location, sizeof front->location, "redis+cluster://");
    for (int i = 0; i < NODES; i++) {
        redis_server *node = redis_cluster_node(front->rig, i);
        snprintf(front->ports[i], sizeof front->ports[i], "%d", redis_server_port(node));
        front->servers[i] = false_server_start(front->ports[i]);
        assert_non_null(front->servers[i]);
        assert_true(
            redis_tell(node, NULL, "CONFIG SET cluster-announce-port %d", false_server_port(front->servers[i])));
        size += snprintf(front->location + size, sizeof front->location - (size_t)size, "%s127.0.0.1:%d",
                         i > 0 ? "," : "", false_server_port(front->servers[i]));
    }
    assert_true(redis_wait(announces, front));
    *state = front;
    return 0;
}

static int stop(void **state) {
    struct front *front = *state;
    for (int i = 0; i < NODES; i++)
        false_server_stop(front->servers[i]);
    redis_cluster_stop(front->rig);
    free(front);
    return 0;
}

static void play(const struct front *front, false_server_part part) {
    for (int i = 0; i < NODES; i++)
        false_server_play(front->servers[i], part);
}

/* A false server serves one connection at a time, so there is one store. */
static lesson_store *open_with(struct front *front, const char *options) {
    char location[600];
    play(front, PASS_ON);
    lesson_store_close(front->store);
    snprintf(location, sizeof location, "%s?pool=1&connect_timeout_ms=20000&%s", front->location, options);
    assert_code(lesson_store_open(&front->store, location), OK);
    return front->store;
}

static int open_front(void **state) {
    struct front *front = *state;
    play(front, PASS_ON);
    for (int i = 0; i < NODES; i++)
        assert_true(redis_tell(redis_cluster_node(front->rig, i), NULL, "FLUSHALL"));
    open_with(front, "timeout_ms=10000");
    return 0;
}

static int close_front(void **state) {
    struct front *front = *state;
    play(front, PASS_ON);
    lesson_store_close(front->store);
    front->store = NULL;
    return 0;
}

static void expect_in(const struct front *front, const char *uid, const char *lesson_id) {
    lesson_store_place place = {.lesson_id = ""};
    uint64_t found = 0, repaired = 0;
    play(front, PASS_ON);
    int code = lesson_store_where(front->store, uid, &place);
    assert_true(code == LESSON_STORE_OK || code == LESSON_STORE_NOT_FOUND);
    assert_string_equal(code ? "" : place.lesson_id, lesson_id);
    assert_code(lesson_store_check(front->store, 0, NULL, NULL, &found, &repaired), OK);
    assert_int_equal(found, 0);
}

/* ---- Joins and quits: every node breaks once in each */

static const false_server_part losses[] = {LOSE_REPLY, LOSE_SECOND_REPLY, CUT_REPLY, CUT_REQUEST, CLOSE_NOW};

enum { LOSSES = sizeof losses / sizeof *losses };

static int join(lesson_store *store, const char *uid, const char *lesson_id) {
    return lesson_store_join(store, uid, "C1", lesson_id, NULL, 0, NULL);
}

static void test_moves_are_sent_again(void **state) {
    const struct front *front = *state;
    char lesson_id[16];
    for (int i = 0; i < 8 * LOSSES; i++) {
        snprintf(lesson_id, sizeof lesson_id, "L%d", i % 8);
        play(front, losses[i % LOSSES]);
        assert_code(join(front->store, "ann", lesson_id), OK);
        expect_in(front, "ann", lesson_id);
        if (i % 3)
            continue;
        play(front, losses[i % LOSSES]);
        assert_code(lesson_store_quit(front->store, "ann", lesson_id, NULL, NULL), OK);
        expect_in(front, "ann", "");
    }
}

static void test_an_end_goes_on(void **state) {
    const struct front *front = *state;
    char uid[16];
    uint64_t left;
    for (int loss = 0; loss < LOSSES; loss++) {
        for (int i = 0; i < 20; i++) {
            snprintf(uid, sizeof uid, "u%d", i);
            assert_code(join(front->store, uid, "L1"), OK);
        }
        assert_code(lesson_store_create(front->store, "L1", 0), OK);
        /* Behind the removal of the record, which is never sent again. */
        for (int i = 0; i < NODES; i++)
            false_server_play(front->servers[i], losses[loss] == LOSE_REPLY ? LOSE_SECOND_REPLY : PASS_ON);
        int code = lesson_store_end(front->store, "L1", 0, &left);
        assert_true(code == LESSON_STORE_OK || code == LESSON_STORE_UNKNOWN);
        if (code == LESSON_STORE_OK)
            assert_int_equal(left, 20);
        play(front, PASS_ON);
        (void)lesson_store_end(front->store, "L1", 0, NULL);
        expect_in(front, "u7", "");
    }
}

/* ---- Records: a reply that was lost leaves it open */

static int node_of(const struct front *front, const char *key) {
    return redis_cluster_owner(front->rig, redis_cluster_slot(front->rig, key));
}

static long long ask_number(const redis_server *server, const char *format, const char *uid) {
    redisReply *reply = redis_ask(server, NULL, NULL, format, uid);
    assert_non_null(reply);
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

/* Names a user whose record has another node than the lesson L1. */
static int name_user(const struct front *front, char uid[16]) {
    char key[64];
    for (int i = 0;; i++) {
        snprintf(uid, 16, "u%d", i);
        snprintf(key, sizeof key, USER("%s"), uid);
        if (node_of(front, key) != node_of(front, MEMBERS("L1")) && node_of(front, key) != node_of(front, RECORD("L1")))
            return node_of(front, key);
    }
}

/* The user has an owner and is in L1, or is missing there, by commands that go past the false servers. */
static void put_in(const struct front *front, int node, const char *uid, bool is_missing) {
    redis_server *members = redis_cluster_node(front->rig, node_of(front, MEMBERS("L1")));
    redis_server *owners = redis_cluster_node(front->rig, node_of(front, "{STATUS}:OWNERS"));
    ask_number(redis_cluster_node(front->rig, node),
               "HSET " USER("%s") " course_id C1 lesson_id L1 session_lesson_id L1 owner w", uid);
    ask_number(members, is_missing ? "SREM " MEMBERS("L1") " %s" : "SADD " MEMBERS("L1") " %s", uid);
    ask_number(owners, "ZADD {STATUS}:OWNERS 9999999999999 w", uid);
    ask_number(owners, "HSET {STATUS}:LEASES w 60000", uid);
}

/* Drops the owner, or repairs, while a node falls silent after so many bytes of replies. True if the work is done all
 * the same. Then nobody may be told that it is not. */
static bool is_done_in_silence(struct front *front, int node, const char *uid, bool repairs, size_t bytes) {
    int members = node_of(front, MEMBERS("L1"));
    play(front, PASS_ON);
    put_in(front, node, uid, repairs);
    false_server_break(front->servers[repairs ? members : node], HOLD, REPLIES, bytes);
    int code = repairs ? lesson_store_check(front->store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL)
                       : lesson_store_drop(front->store, "w", NULL, NULL, NULL);
    bool is_member = ask_number(redis_cluster_node(front->rig, members), "SISMEMBER " MEMBERS("L1") " %s", uid) == 1;
    bool is_in = ask_number(redis_cluster_node(front->rig, node), "EXISTS " USER("%s"), uid) == 1;
    bool is_done = repairs ? is_member : !is_in;
    if (is_done && code != LESSON_STORE_OK)
        raw_assert_code(code, LESSON_STORE_UNKNOWN, "a call that has done its work", __FILE__, __LINE__);
    return is_done && code != LESSON_STORE_OK;
}

static void test_what_may_be_done_is_unknown(void **state) {
    struct front *front = *state;
    char uid[16];
    int node = name_user(front, uid);
    open_with(front, "timeout_ms=250");
    for (int repairs = 0; repairs < 2; repairs++) {
        size_t bytes = 0, step = repairs ? 10 : 30; /* less than the reply that must not come */
        while (bytes < 6000 && !is_done_in_silence(front, node, uid, repairs, bytes))
            bytes += step;
        assert_true(bytes < 6000);
    }
}

/* A lesson without a record has begun to end when somebody may have left it. */
static void test_an_end_without_a_record(void **state) {
    struct front *front = *state;
    enum { INSPECTED = sizeof "*3\r\n$2\r\nL1\r\n$16\r\n1234567890123456\r\n$18\r\n0123456789abcdef.1\r\n" - 1 };
    char uid[16];
    int node = name_user(front, uid);
    assert_code(join(front->store, uid, "L1"), OK);
    assert_code(lesson_store_end(front->store, "L1", 0, NULL), OK); /* loads the scripts */
    lesson_store *store = open_with(front, "timeout_ms=400");
    assert_code(join(store, uid, "L1"), OK);
    false_server_break(front->servers[node], HOLD, REPLIES, INSPECTED); /* and so the reply to EVICT is lost */
    assert_code(lesson_store_end(store, "L1", 0, NULL), UNKNOWN);
    play(front, PASS_ON);
    open_with(front, "timeout_ms=10000");
    assert_code(lesson_store_where(front->store, uid, NULL), NOT_FOUND);
}

/* A ban stays, also if the user could not be taken out. */
static void test_a_kick_that_stops(void **state) {
    struct front *front = *state;
    lesson_store *store = open_with(front, "timeout_ms=400");
    char uid[16];
    int node = name_user(front, uid);
    assert_code(lesson_store_create(store, "L1", 0), OK);
    assert_code(join(store, uid, "L1"), OK);
    false_server_break(front->servers[node], HOLD, REPLIES, 1); /* it does not say where the user is */
    assert_code(lesson_store_kick(store, "L1", uid, 60000, NULL), UNKNOWN);
    play(front, PASS_ON);
    open_with(front, "timeout_ms=10000");
    assert_code(lesson_store_join(front->store, uid, "C1", "L1", NULL, LESSON_STORE_JOIN_UNLESS_BANNED, NULL), REFUSED);
}

/* There is a connection to every node, so the next reply of each is that to an operation. */
static void play_next(const struct front *front, false_server_part part) {
    char lesson_id[16];
    uint64_t count;
    play(front, PASS_ON);
    for (int i = 0; i < 30; i++) {
        snprintf(lesson_id, sizeof lesson_id, "W%d", i);
        assert_code(lesson_store_count_members(front->store, lesson_id, &count), OK);
    }
    play(front, part);
}

static void test_records_are_not_sent_again(void **state) {
    const struct front *front = *state;
    lesson_store_lesson lesson;
    play_next(front, CUT_REQUEST);
    assert_code(lesson_store_create(front->store, "L1", 0), UNKNOWN);
    assert_code(lesson_store_create(front->store, "L1", 0), OK);
    play_next(front, LOSE_REPLY);
    assert_code(lesson_store_create(front->store, "L2", 0), UNKNOWN);
    play(front, PASS_ON);
    assert_code(lesson_store_set_chat_status(front->store, "L1", LESSON_STORE_CHAT_FREE), OK); /* loads the script */
    play_next(front, LOSE_REPLY);
    assert_code(lesson_store_set_chat_status(front->store, "L1", LESSON_STORE_CHAT_BANNED), UNKNOWN);
    play_next(front, LOSE_REPLY);
    assert_code(lesson_store_ban(front->store, "L1", "ann", 60000), UNKNOWN);
    play_next(front, LOSE_REPLY);
    assert_code(lesson_store_hold(front->store, "worker", 60000, 0), UNKNOWN);
    play_next(front, LOSE_REPLY);
    assert_code(lesson_store_get_lesson(front->store, "L1", &lesson), OK);
    assert_int_equal(lesson.chat_status, LESSON_STORE_CHAT_BANNED);
    play_next(front, LOSE_REPLY);
    assert_code(lesson_store_end(front->store, "L1", 0, NULL), UNKNOWN);
    play_next(front, LOSE_REPLY);
    assert_code(lesson_store_end(front->store, "L2", LESSON_STORE_END_RECORD_ONLY, NULL), UNKNOWN);
    expect_in(front, "ann", "");
}

/* ---- What is no answer of ours */

struct saying {
    const char *text;
    int read;  /* the code of a call that reads */
    int write; /* of a join */
};

static void test_what_servers_say(void **state) {
    static const struct saying sayings[] = {
        {"-OOM command not allowed\r\n", LESSON_STORE_FULL, LESSON_STORE_FULL},
        {"-NOPERM no permissions\r\n", LESSON_STORE_DENIED, LESSON_STORE_DENIED},
        {"-WRONGTYPE of a key\r\n", LESSON_STORE_MALFORMED, LESSON_STORE_MALFORMED},
        {"-BUSY Redis is busy\r\n", LESSON_STORE_BUSY, LESSON_STORE_BUSY},
        {"-ERR what nobody knows\r\n", LESSON_STORE_FAILED, LESSON_STORE_FAILED},
        {":7\r\n", LESSON_STORE_FAILED, LESSON_STORE_FAILED},
        {"$-1\r\n", LESSON_STORE_FAILED, LESSON_STORE_FAILED},
        {"*0\r\n", LESSON_STORE_FAILED, LESSON_STORE_FAILED},
        {"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", LESSON_STORE_FAILED, LESSON_STORE_FAILED},
        {"*4\r\n$4\r\nDONE\r\n$-1\r\n$1\r\n1\r\n$-1\r\n", LESSON_STORE_FAILED, LESSON_STORE_FAILED},
        {"?\r\n", LESSON_STORE_FAILED, LESSON_STORE_FAILED},
    };
    struct front *front = *state;
    for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++) {
        lesson_store *store = open_with(front, "timeout_ms=300");
        lesson_store_place place;
        for (int server = 0; server < NODES; server++)
            false_server_answer(front->servers[server], sayings[i].text);
        int read = lesson_store_where(store, "ann", &place);
        int write = join(store, "ann", "L1");
        if (read != sayings[i].read || write != sayings[i].write)
            fail_msg("%s: %s and %s: %s", sayings[i].text, lesson_store_code_name(read), lesson_store_code_name(write),
                     lesson_store_message());
    }
}

/* The other calls say so too, and give nothing. */
static bool take_nobody(const lesson_store_id *uid, void *context) {
    (void)uid;
    ++*(int *)context;
    return true;
}

static bool take_no_user(const lesson_store_user *user, void *context) {
    (void)user;
    ++*(int *)context;
    return true;
}

static bool take_no_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson;
    ++*(int *)context;
    return true;
}

static bool take_no_owner(const lesson_store_owner *owner, void *context) {
    (void)owner;
    ++*(int *)context;
    return true;
}

static bool take_no_ban(const lesson_store_banned *banned, void *context) {
    (void)banned;
    ++*(int *)context;
    return true;
}

static void expect_failures(lesson_store *store, int code) {
    int given = 0;
    uint64_t number;
    lesson_store_lesson lesson;
    assert_int_equal(lesson_store_members(store, "L1", take_nobody, &given), code);
    assert_int_equal(lesson_store_users(store, take_no_user, &given), code);
    assert_int_equal(lesson_store_lessons(store, take_no_lesson, &given), code);
    assert_int_equal(lesson_store_owners(store, take_no_owner, &given), code);
    assert_int_equal(lesson_store_bans(store, "L1", take_no_ban, &given), code);
    assert_int_equal(lesson_store_get_lesson(store, "L1", &lesson), code);
    assert_int_equal(lesson_store_count_members(store, "L1", &number), code);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, &number, &number), code);
    assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &number, &number), code);
    assert_int_equal(lesson_store_sweep(store, NULL, NULL, &number), code);
    assert_int_equal(given, 0);
}

static void test_every_call_says_so(void **state) {
    struct front *front = *state;
    lesson_store *store = open_with(front, "timeout_ms=500");
    for (int server = 0; server < NODES; server++)
        false_server_answer(front->servers[server], "-NOPERM no permissions\r\n");
    expect_failures(store, LESSON_STORE_DENIED);
    for (int server = 0; server < NODES; server++)
        false_server_answer(front->servers[server], "*1\r\n*0\r\n");
    expect_failures(store, LESSON_STORE_FAILED);
}

/* A node that says nothing is waited for no longer than the call has. */
static void test_a_call_ends_with_its_time(void **state) {
    struct front *front = *state;
    lesson_store *store = open_with(front, "timeout_ms=400");
    play(front, TAKE_NOTHING);
    int64_t began_us = lesson_store_monotonic_us();
    assert_code(join(store, "ann", "L1"), UNREACHABLE);
    assert_code(lesson_store_where(store, "ann", NULL), UNREACHABLE);
    assert_true(lesson_store_monotonic_us() - began_us < 30 * INT64_C(1000000));
    play(front, PASS_ON);
    assert_code(join(store, "ann", "L1"), OK);
}

/* While the nodes do not agree who has a slot, they are not asked without a pause. */
static void test_nodes_that_disagree(void **state) {
    struct front *front = *state;
    lesson_store *store = open_with(front, "timeout_ms=500");
    char moved[NODES][64];
    play_next(front, PASS_ON);
    for (int i = 0; i < NODES; i++) {
        snprintf(moved[i], sizeof moved[i], "-MOVED 1 127.0.0.1:%d\r\n",
                 false_server_port(front->servers[(i + 1) % NODES]));
        false_server_answer(front->servers[i], moved[i]);
    }
    assert_code(lesson_store_where(store, "ann", NULL), UNREACHABLE);
    uint64_t redirections = figures_engine(store, LESSON_STORE_ENGINE_REDIRECTIONS);
    assert_true(redirections > 2);
    if (redirections > 100)
        fail_msg("%d redirections were followed", (int)redirections);
}

/* What a batch had not begun is not done. */
static void test_a_batch_that_stops(void **state) {
    struct front *front = *state;
    lesson_store *store = open_with(front, "timeout_ms=400");
    lesson_store_operation operations[] = {raw_operation(LESSON_STORE_OPERATION_CREATE, NULL, "L1"),
                                           raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", "L1"),
                                           raw_operation(LESSON_STORE_OPERATION_GET_LESSON, NULL, "L1")};
    operations[1].course_id = lesson_store_id_of("C1");
    play(front, LOSE_EVERY_REPLY);
    assert_true(lesson_store_batch(store, operations, 3) < 0);
    if (operations[0].code != LESSON_STORE_UNKNOWN)
        assert_code(operations[0].code, UNREACHABLE);
    assert_code(operations[1].code, UNREACHABLE);
    assert_code(operations[2].code, UNREACHABLE);
}

#define IN_FRONT(name) cmocka_unit_test_setup_teardown(test_##name, open_front, close_front)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FRONT(moves_are_sent_again),        IN_FRONT(an_end_goes_on),
        IN_FRONT(records_are_not_sent_again),  IN_FRONT(what_servers_say),
        IN_FRONT(every_call_says_so),          IN_FRONT(a_call_ends_with_its_time),
        IN_FRONT(a_batch_that_stops),          IN_FRONT(an_end_without_a_record),
        IN_FRONT(a_kick_that_stops),           IN_FRONT(nodes_that_disagree),
        IN_FRONT(what_may_be_done_is_unknown),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
