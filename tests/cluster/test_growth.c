/* A Cluster that grows: from one shard, where operations are one step, to two, where they take several; and while a
 * store over several shards is open. */
#include <stdio.h>
#include <string.h>

#include <lessonstore/lessonstore.h>

#include "figures_of.h"
#include "raw.h"
#include "redis_ask.h"
#include "redis_cluster.h"

enum { USERS = 100 };

static const char *const no_migration[] = {"--cluster-allow-replica-migration", "no", NULL};

static redis_cluster *start(int primaries) {
    redis_cluster *rig =
        redis_cluster_start(&(redis_cluster_options){.primaries = primaries, .arguments = no_migration});
    assert_non_null(rig);
    return rig;
}

static lesson_store *open_store(const redis_cluster *rig) {
    char location[1024];
    lesson_store *store;
    snprintf(location, sizeof location, "%s?timeout_ms=30000", redis_cluster_location(rig));
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

static uint64_t exceptions_of(const lesson_store *store) {
    lesson_store_abilities abilities = LESSON_STORE_ABILITIES_INIT;
    assert_code(lesson_store_read_abilities(store, &abilities), OK);
    return abilities.exceptions;
}

static void join_all(lesson_store *store, const char *lesson_id) {
    char uid[16];
    for (int i = 0; i < USERS; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        assert_code(lesson_store_join(store, uid, "C1", lesson_id, NULL, 0, NULL), OK);
    }
}

/* Every second user goes to the new shard, and the members of a lesson too. */
static void move_some(const redis_cluster *rig, int source, int target) {
    char key[64];
    for (int i = 0; i < USERS; i += 2) {
        snprintf(key, sizeof key, USER("u%d"), i);
        int slot = redis_cluster_slot(rig, key);
        if (redis_cluster_owner(rig, slot) == source)
            assert_true(redis_cluster_move(rig, slot, source, target, 0));
    }
    int slot = redis_cluster_slot(rig, MEMBERS("L1"));
    if (redis_cluster_owner(rig, slot) == source)
        assert_true(redis_cluster_move(rig, slot, source, target, 0));
}

static void expect_members(lesson_store *store, const char *lesson_id, uint64_t expected) {
    uint64_t count, found, repaired;
    assert_code(lesson_store_count_members(store, lesson_id, &count), OK);
    assert_int_equal(count, expected);
    assert_code(lesson_store_check(store, 0, NULL, NULL, &found, &repaired), OK);
    assert_int_equal(found, 0);
}

/* What was written in one step is taken over by the steps. */
static void test_from_one_shard(void **state) {
    (void)state;
    redis_cluster *rig = start(1);
    lesson_store *store = open_store(rig);
    assert_int_equal(exceptions_of(store), 0);
    join_all(store, "L1");
    int target = redis_cluster_add_primary(rig);
    assert_int_not_equal(target, -1);
    move_some(rig, 0, target);
    lesson_store_close(store);

    store = open_store(rig);
    assert_int_equal(exceptions_of(store),
                     LESSON_STORE_EXCEPT_STEPS | LESSON_STORE_EXCEPT_ADMISSION | LESSON_STORE_EXCEPT_ORDER);
    expect_members(store, "L1", USERS);
    join_all(store, "L2");
    expect_members(store, "L2", USERS);
    expect_members(store, "L1", 0);
    lesson_store_close(store);
    redis_cluster_stop(rig);
}

/* The store learns of the new master by what the others say, and need not be opened anew. */
static void test_while_open(void **state) {
    (void)state;
    redis_cluster *rig = start(2);
    lesson_store *store = open_store(rig);
    join_all(store, "L1");
    int target = redis_cluster_add_primary(rig);
    assert_int_not_equal(target, -1);
    move_some(rig, 0, target);
    move_some(rig, 1, target);
    expect_members(store, "L1", USERS);
    join_all(store, "L2");
    expect_members(store, "L2", USERS);
    expect_members(store, "L1", 0);
    lesson_store_close(store);
    redis_cluster_stop(rig);
}

/* ---- A master that is none any more */

struct farewell {
    lesson_store *store;
    redis_server *former;
    int lesson;
};

/* Besides the one that asks. */
static int count_clients(const redis_server *server) {
    redisReply *list = redis_ask(server, NULL, NULL, "CLIENT LIST TYPE normal");
    int lines = 0;
    for (const char *at = list ? list->str : ""; (at = strchr(at, '\n')); at++)
        lines++;
    if (list)
        freeReplyObject(list);
    return lines - 1;
}

static bool has_gone(void *context) {
    struct farewell *farewell = context;
    char lesson_id[16];
    snprintf(lesson_id, sizeof lesson_id, "L%d", ++farewell->lesson % 8);
    join_all(farewell->store, lesson_id);
    return count_clients(farewell->former) == 0;
}

/* A store keeps no connection to it, however long it runs, and does not learn of each slot by a redirection. */
static void test_a_master_that_hands_over(void **state) {
    (void)state;
    redis_cluster *rig = redis_cluster_start(&(redis_cluster_options){.primaries = 2, .replicas = 1});
    assert_non_null(rig);
    struct farewell farewell = {.store = open_store(rig), .former = redis_cluster_node(rig, 0)};
    join_all(farewell.store, "L0");
    assert_true(count_clients(farewell.former) > 0);
    int successor = -1;
    for (int node = 2; node < 4 && successor < 0; node++) {
        int slot = 0;
        assert_int_equal(redis_cluster_owner(rig, slot), 0);
        assert_true(redis_cluster_failover(rig, node));
        successor = redis_cluster_owner(rig, slot) == node ? node : -1;
    }
    assert_int_not_equal(successor, -1);
    assert_true(redis_wait(has_gone, &farewell));
    uint64_t redirections = figures_engine(farewell.store, LESSON_STORE_ENGINE_REDIRECTIONS);
    for (int i = 0; i < 300; i++) {
        char uid[16];
        snprintf(uid, sizeof uid, "new%d", i);
        assert_code(lesson_store_join(farewell.store, uid, "C1", "L1", NULL, 0, NULL), OK);
    }
    assert_int_equal(figures_engine(farewell.store, LESSON_STORE_ENGINE_REDIRECTIONS), redirections);
    lesson_store_close(farewell.store);
    redis_cluster_stop(rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_from_one_shard), cmocka_unit_test(test_while_open),
                                       cmocka_unit_test(test_a_master_that_hands_over)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
