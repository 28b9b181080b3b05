/*
 * Plain keys over three shards, at the edges: stored data that is not ours, callbacks that fork, lists whose key moves
 * to another node between two pages, slots that nobody has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lessonstore/backend.h>

#include "raw.h"
#include "redis_ask.h"
#include "redis_cluster.h"

enum { NODES = 3 };

struct shards {
    redis_cluster *rig;
    lesson_store *store;
};

static int start(void **state) {
    const redis_cluster_options wanted = {.primaries = NODES};
    struct shards *shards = calloc(1, sizeof *shards);
    shards->rig = redis_cluster_start(&wanted);
    assert_non_null(shards->rig);
    *state = shards;
    return 0;
}

static int stop(void **state) {
    struct shards *shards = *state;
    redis_cluster_stop(shards->rig);
    free(shards);
    return 0;
}

static lesson_store *open_with(struct shards *shards, const char *options) {
    char location[1024];
    lesson_store_close(shards->store);
    snprintf(location, sizeof location, "%s?pool=1&%s", redis_cluster_location(shards->rig), options);
    assert_code(lesson_store_open(&shards->store, location), OK);
    return shards->store;
}

static int open_shards(void **state) {
    struct shards *shards = *state;
    assert_true(redis_cluster_flush(shards->rig));
    open_with(shards, "timeout_ms=10000");
    return 0;
}

static int close_shards(void **state) {
    struct shards *shards = *state;
    lesson_store_close(shards->store);
    shards->store = NULL;
    return 0;
}

static redis_server *owner_of(const struct shards *shards, const char *key) {
    int owner = redis_cluster_owner(shards->rig, redis_cluster_slot(shards->rig, key));
    assert_true(owner >= 0);
    return redis_cluster_node(shards->rig, owner);
}

static void tell(const struct shards *shards, const char *command, const char *key, const char *rest) {
    char format[64];
    snprintf(format, sizeof format, "%s %%s %s", command, rest);
    redisReply *reply = redis_ask(owner_of(shards, key), NULL, NULL, format, key);
    assert_non_null(reply);
    freeReplyObject(reply);
}

static int join(lesson_store *store, const char *uid, const char *lesson_id) {
    return lesson_store_join(store, uid, "C1", lesson_id, NULL, 0, NULL);
}

/* ---- Stored data that is not ours */

/* A uid that is none has no user record, whatever its size. */
static void test_end_with_members_that_are_none(void **state) {
    struct shards *shards = *state;
    enum { LONG = 100000 };
    char *uid = malloc(LONG);
    uint64_t left, count;
    memset(uid, 'x', LONG);
    assert_code(join(shards->store, "ann", "L1"), OK);
    redisReply *reply = redis_ask(owner_of(shards, MEMBERS("L1")), NULL, NULL, "SADD " MEMBERS("L1") " %b %b", uid,
                                  (size_t)LONG, "a\nb", (size_t)3);
    free(uid);
    assert_non_null(reply);
    freeReplyObject(reply);
    assert_code(lesson_store_end(shards->store, "L1", 0, &left), OK);
    assert_int_equal(left, 1);
    assert_code(lesson_store_count_members(shards->store, "L1", &count), OK);
    assert_int_equal(count, 0);
}

/* What has begun to end is not as it was. */
static void test_end_with_damaged_users(void **state) {
    struct shards *shards = *state;
    lesson_store_lesson lesson;
    tell(shards, "SET", USER("bob"), "text");
    tell(shards, "SADD", MEMBERS("L1"), "bob");
    assert_code(lesson_store_end(shards->store, "L1", 0, NULL), MALFORMED);
    assert_code(lesson_store_create(shards->store, "L1", 0), OK);
    assert_code(join(shards->store, "ann", "L1"), OK);
    assert_code(lesson_store_end(shards->store, "L1", 0, NULL), UNKNOWN);
    assert_code(lesson_store_get_lesson(shards->store, "L1", &lesson), OK);
    assert_false(lesson.has_record);
    assert_code(lesson_store_where(shards->store, "ann", NULL), NOT_FOUND);
}

/* A user who is banned and cannot be taken out is banned all the same. */
static void test_kick_of_a_damaged_user(void **state) {
    struct shards *shards = *state;
    assert_code(lesson_store_create(shards->store, "L1", 0), OK);
    tell(shards, "SET", USER("bob"), "text");
    assert_code(lesson_store_kick(shards->store, "L1", "bob", 60000, NULL), UNKNOWN);
}

/* ---- Callbacks that fork */

enum { DAMAGED = 1500 }; /* what a node says of its part of them is more than what is received at a time */

struct findings {
    const struct shards *shards;
    int count;
    bool is_child;
    long long scripts; /* that the nodes have run while the child lived */
};

static long long scripts_run(const struct shards *shards) {
    long long sum = 0;
    for (int i = 0; i < NODES; i++) {
        redisReply *reply = redis_ask(redis_cluster_node(shards->rig, i), NULL, NULL, "INFO commandstats");
        assert_non_null(reply);
        for (const char *at = reply->str; (at = strstr(at, "cmdstat_eval")); at++)
            sum += strtoll(strstr(at, "calls=") + 6, NULL, 10);
        freeReplyObject(reply);
    }
    return sum;
}

/* The child does not take what the nodes have to say to its parent, and asks them nothing. */
static bool fork_at_first(const lesson_store_finding *finding, void *context) {
    struct findings *findings = context;
    (void)finding;
    if (findings->count++ > 0)
        return true;
    long long before = scripts_run(findings->shards);
    pid_t child = fork();
    int status = 0;
    findings->is_child = child == 0;
    if (child != 0) {
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        findings->scripts = scripts_run(findings->shards) - before;
    }
    return true;
}

/* The nodes refuse what is not theirs. */
static void damage_users(const struct shards *shards) {
    for (int i = 0; i < DAMAGED * NODES; i++) {
        redisReply *reply =
            redis_ask(redis_cluster_node(shards->rig, i % NODES), NULL, NULL, "SET " USER("u%d") " text", i / NODES);
        if (reply)
            freeReplyObject(reply);
    }
}

static void test_findings_in_a_child(void **state) {
    struct shards *shards = *state;
    struct findings findings = {.shards = shards};
    damage_users(shards);
    int64_t began_us = lesson_store_monotonic_us();
    int code = lesson_store_check(shards->store, 0, fork_at_first, &findings, NULL, NULL);
    if (findings.is_child)
        _exit(code == LESSON_STORE_CLOSED ? 0 : 1);
    assert_code(code, OK);
    assert_int_equal(findings.count, DAMAGED);
    assert_int_equal(findings.scripts, 0);
    assert_true(lesson_store_monotonic_us() - began_us < 4000000); /* and waits for nothing that the child has taken */
}

/* The first finding comes before the nodes are asked about the users of its page. */
static void test_a_finding_of_a_key_in_a_child(void **state) {
    struct shards *shards = *state;
    struct findings findings = {.shards = shards};
    tell(shards, "HSET", USER("{t}\x01"), "course_id C1");
    tell(shards, "HSET", USER("{t}bare"), "lesson_id L1 course_id C1");
    int code = lesson_store_check(shards->store, LESSON_STORE_CHECK_REPAIR, fork_at_first, &findings, NULL, NULL);
    if (findings.is_child)
        _exit(code == LESSON_STORE_CLOSED ? 0 : 1);
    assert_code(code, OK);
    assert_int_equal(findings.count, 3); /* the key, the missing uid, the missing member */
    assert_int_equal(findings.scripts, 0);
}

/* ---- Lists whose key moves */

enum { MANY = 6000 };

static void fill(const struct shards *shards) {
    lesson_store_operation *joins = calloc(MANY, sizeof *joins);
    char(*uids)[16] = calloc(MANY, sizeof *uids);
    for (int i = 0; i < MANY; i++) {
        snprintf(uids[i], sizeof uids[i], "u%d", i);
        joins[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, uids[i], "L1");
        joins[i].course_id = lesson_store_id_of("C1");
    }
    assert_code(lesson_store_batch(shards->store, joins, MANY), OK);
    free(joins);
    free(uids);
}

/* The node that has the key has no connection to make: it was asked before. */
static void know_all_nodes(lesson_store *store) {
    char lesson_id[16];
    uint64_t count;
    for (int i = 0; i < 30; i++) {
        snprintf(lesson_id, sizeof lesson_id, "W%d", i);
        assert_code(lesson_store_count_members(store, lesson_id, &count), OK);
    }
}

static void test_pages_of_members_that_move(void **state) {
    struct shards *shards = *state;
    int slot = redis_cluster_slot(shards->rig, MEMBERS("L1")), source = redis_cluster_owner(shards->rig, slot);
    int target = (source + 1) % NODES;
    lesson_store_cursor *cursor = NULL;
    const lesson_store_id *uids;
    size_t count, given = 0;
    bool more = true;
    fill(shards);
    tell(shards, "DEL", "{" MEMBERS("L1") "}:v", ""); /* as if others had put them there */
    know_all_nodes(shards->store);
    for (int page = 0; more; page++) {
        if (page == 1) {
            assert_true(redis_cluster_begin_move(shards->rig, slot, source, target));
            while (redis_cluster_move_keys(shards->rig, slot, source, target, 100) > 0)
                ;
        }
        assert_code(lesson_store_members_page(shards->store, "L1", 500, &cursor, &uids, &count), OK);
        given += count;
        more = count > 0;
    }
    lesson_store_cursor_close(cursor);
    assert_true(redis_cluster_finish_move(shards->rig, slot, source, target));
    assert_int_equal(given, MANY);
}

/* ---- Slots that nobody has */

static void change_slots(const struct shards *shards, const char *command, int slot, int owner) {
    for (int i = 0; i < NODES; i++) {
        if (owner < 0 || i == owner)
            assert_true(redis_tell(redis_cluster_node(shards->rig, i), NULL, "CLUSTER %s %d", command, slot));
    }
}

static bool count_owner(const lesson_store_owner *owner, void *context) {
    (void)owner;
    ++*(int *)context;
    return true;
}

static void test_owners_without_a_slot(void **state) {
    struct shards *shards = *state;
    int slot = redis_cluster_slot(shards->rig, "{STATUS}:OWNERS"), owner = redis_cluster_owner(shards->rig, slot);
    int owners = 0;
    lesson_store *store = open_with(shards, "timeout_ms=500");
    change_slots(shards, "DELSLOTS", slot, -1);
    assert_code(lesson_store_owners(store, count_owner, &owners), UNREACHABLE);
    assert_code(lesson_store_owners(store, count_owner, &owners), UNREACHABLE);
    change_slots(shards, "ADDSLOTS", slot, owner);
    assert_true(redis_cluster_wait_whole(shards->rig));
    open_with(shards, "timeout_ms=10000");
    assert_code(lesson_store_owners(shards->store, count_owner, &owners), OK);
}

/* ---- The slot of the owners, while it is being moved */

static int hold(lesson_store *store, const char *owner) {
    return lesson_store_hold(store, owner, 600000, 0);
}

/* What is on both sides cannot be moved any more, and what is on none must not be made twice. */
static void test_owners_whose_slot_moves(void **state) {
    struct shards *shards = *state;
    int slot = redis_cluster_slot(shards->rig, "{STATUS}:OWNERS"), source = redis_cluster_owner(shards->rig, slot);
    int target = (source + 1) % NODES, owners = 0;
    assert_code(hold(open_with(shards, "timeout_ms=10000"), "w0"), OK);
    assert_code(lesson_store_sweep(shards->store, NULL, NULL, NULL), OK);
    assert_true(redis_cluster_begin_move(shards->rig, slot, source, target));
    assert_code(lesson_store_hold(shards->store, "w0", 600000, LESSON_STORE_HOLD_RENEW), OK);
    assert_true(redis_cluster_move_keys(shards->rig, slot, source, target, 1) == 1);
    assert_code(hold(open_with(shards, "timeout_ms=300"), "w1"), UNREACHABLE);
    assert_code(lesson_store_owners(shards->store, count_owner, &owners), UNREACHABLE);
    assert_code(lesson_store_sweep(shards->store, NULL, NULL, NULL), UNREACHABLE);
    assert_true(redis_cluster_move_keys(shards->rig, slot, source, target, 100) == 2);
    assert_code(hold(open_with(shards, "timeout_ms=10000"), "w2"), OK);
    assert_code(lesson_store_sweep(shards->store, NULL, NULL, NULL), OK);
    assert_true(redis_cluster_move_keys(shards->rig, slot, source, target, 100) == 0);
    assert_true(redis_cluster_finish_move(shards->rig, slot, source, target));
    assert_code(lesson_store_owners(shards->store, count_owner, &owners), OK);
    assert_int_equal(owners, 2);
    assert_code(lesson_store_hold(shards->store, "w0", 600000, LESSON_STORE_HOLD_RENEW), OK);
}

static void test_first_owner_while_its_slot_moves(void **state) {
    struct shards *shards = *state;
    int slot = redis_cluster_slot(shards->rig, "{STATUS}:OWNERS"), source = redis_cluster_owner(shards->rig, slot);
    int target = (source + 1) % NODES;
    assert_true(redis_cluster_begin_move(shards->rig, slot, source, target));
    assert_code(hold(open_with(shards, "timeout_ms=300"), "w0"), UNREACHABLE);
    assert_true(redis_cluster_finish_move(shards->rig, slot, source, target));
    assert_code(hold(open_with(shards, "timeout_ms=10000"), "w0"), OK);
}

#define ON_SHARDS(name) cmocka_unit_test_setup_teardown(test_##name, open_shards, close_shards)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_SHARDS(end_with_members_that_are_none),
        ON_SHARDS(end_with_damaged_users),
        ON_SHARDS(kick_of_a_damaged_user),
        ON_SHARDS(findings_in_a_child),
        ON_SHARDS(a_finding_of_a_key_in_a_child),
        ON_SHARDS(pages_of_members_that_move),
        ON_SHARDS(owners_without_a_slot),
        ON_SHARDS(owners_whose_slot_moves),
        ON_SHARDS(first_owner_while_its_slot_moves),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
