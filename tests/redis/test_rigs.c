/* The rigs of tests/support themselves: several servers together, and how they fail over and move slots. */
#include <errno.h>
#include <signal.h>

#include "cmocka_all.h"
#include "redis_ask.h"
#include "redis_cluster.h"
#include "redis_sentinels.h"

#define PROCESSES_MAX 16

static bool is_gone(pid_t pid) {
    return kill(pid, 0) != 0 && errno == ESRCH;
}

static void test_sentinels_fail_over_and_end(void **state) {
    (void)state;
    const redis_sentinels_options options = {.down_after_ms = 1000};
    redis_sentinels *rig = redis_sentinels_start(&options);
    assert_non_null(rig);
    assert_int_equal(redis_sentinels_primary(rig), 0);
    assert_true(redis_tell(redis_sentinels_server(rig, 0), NULL, "SET a b"));

    assert_true(redis_sentinels_failover(rig));
    int second = redis_sentinels_wait_primary(rig, 0);
    assert_true(second > 0);
    assert_true(redis_sentinels_wait_whole(rig));
    assert_int_equal(redis_sentinels_primary(rig), second);

    redis_server_kill(redis_sentinels_server(rig, second));
    int third = redis_sentinels_wait_primary(rig, second);
    assert_true(third >= 0);
    assert_true(redis_sentinels_wait_whole(rig));
    assert_true(redis_server_restart(redis_sentinels_server(rig, second)));
    assert_true(redis_sentinels_wait_whole(rig));
    assert_int_equal(redis_sentinels_primary(rig), third);
    redisReply *value = redis_ask(redis_sentinels_server(rig, third), NULL, NULL, "GET a");
    assert_non_null(value);
    assert_string_equal(value->str, "b");
    freeReplyObject(value);

    pid_t processes[PROCESSES_MAX];
    int count = 0;
    for (int i = 0; i < redis_sentinels_server_count(rig); i++)
        processes[count++] = redis_server_pid(redis_sentinels_server(rig, i));
    for (int i = 0; i < redis_sentinels_sentinel_count(rig); i++)
        processes[count++] = redis_server_pid(redis_sentinels_sentinel(rig, i));
    assert_int_equal(count, 6);
    redis_sentinels_stop(rig);
    for (int i = 0; i < count; i++)
        assert_true(is_gone(processes[i]));
}

static void test_sentinels_want_passwords(void **state) {
    (void)state;
    const redis_sentinels_options options = {
        .replicas = 1, .sentinels = 1, .password = "data", .sentinel_password = "watch"};
    redis_sentinels *rig = redis_sentinels_start(&options);
    assert_non_null(rig);
    char error[256];
    assert_null(redis_ask(redis_sentinels_server(rig, 0), NULL, error, "GET a"));
    assert_memory_equal(error, "NOAUTH", 6);
    assert_null(redis_ask(redis_sentinels_sentinel(rig, 0), NULL, error, "SENTINEL MASTERS"));
    assert_memory_equal(error, "NOAUTH", 6);

    redis_server_pause(redis_sentinels_server(rig, 0));
    assert_int_equal(redis_sentinels_wait_primary(rig, 0), 1);
    redis_server_resume(redis_sentinels_server(rig, 0));
    assert_true(redis_sentinels_wait_whole(rig));
    assert_int_equal(redis_sentinels_primary(rig), 1);
    redis_sentinels_stop(rig);
}

static int keys_in_slot(redis_cluster *rig, int node, int slot) {
    redisReply *count = redis_ask(redis_cluster_node(rig, node), NULL, NULL, "CLUSTER COUNTKEYSINSLOT %d", slot);
    assert_non_null(count);
    int result = (int)count->integer;
    freeReplyObject(count);
    return result;
}

static void test_slot_moves_half_way_and_back(void **state) {
    (void)state;
    const redis_cluster_options options = {.primaries = 2};
    redis_cluster *rig = redis_cluster_start(&options);
    assert_non_null(rig);
    int slot = redis_cluster_slot(rig, "{school}"), source = redis_cluster_owner(rig, slot);
    assert_in_range(source, 0, 1);
    int target = !source;
    for (int i = 0; i < 10; i++)
        assert_true(redis_tell(redis_cluster_node(rig, source), NULL, "SET {school}%d x", i));

    assert_true(redis_cluster_begin_move(rig, slot, source, target));
    assert_int_equal(redis_cluster_move_keys(rig, slot, source, target, 4), 4);
    assert_int_equal(keys_in_slot(rig, source, slot), 6);
    assert_int_equal(redis_cluster_owner(rig, slot), source);
    assert_int_equal(redis_cluster_move_keys(rig, slot, source, target, 100), 6);
    assert_int_equal(redis_cluster_move_keys(rig, slot, source, target, 100), 0);
    assert_true(redis_cluster_finish_move(rig, slot, source, target));
    assert_int_equal(redis_cluster_owner(rig, slot), target);
    assert_true(redis_cluster_move(rig, slot, target, source, 0));
    assert_int_equal(keys_in_slot(rig, source, slot), 10);

    redis_cluster_mover *mover = redis_cluster_mover_start(rig, slot, source, target, 1000);
    assert_non_null(mover);
    assert_int_equal(redis_cluster_wait_owner(rig, slot, source), target);
    assert_in_range(redis_cluster_mover_stop(mover), 1, 1000000);
    assert_true(redis_cluster_wait_whole(rig));
    assert_int_equal(keys_in_slot(rig, redis_cluster_owner(rig, slot), slot), 10);

    int added = redis_cluster_add_primary(rig);
    assert_int_equal(added, 2);
    assert_true(redis_cluster_move(rig, slot, redis_cluster_owner(rig, slot), added, 0));
    assert_true(redis_cluster_wait_whole(rig));
    assert_int_equal(redis_cluster_owner(rig, slot), added);
    redis_cluster_stop(rig);
}

static void test_cluster_fails_over_and_ends(void **state) {
    (void)state;
    const redis_cluster_options options = {.primaries = 3, .replicas = 1};
    redis_cluster *rig = redis_cluster_start(&options);
    assert_non_null(rig);
    assert_int_equal(redis_cluster_owner(rig, 0), 0);
    assert_int_equal(redis_cluster_owner(rig, 16383), 2);

    assert_true(redis_cluster_failover(rig, 3));
    assert_int_equal(redis_cluster_wait_owner(rig, 0, 0), 3);
    assert_true(redis_cluster_wait_whole(rig));
    int owner = redis_cluster_owner(rig, redis_cluster_slot(rig, "a"));
    assert_true(redis_tell(redis_cluster_node(rig, owner), NULL, "SET a b"));
    assert_true(redis_cluster_flush(rig));
    assert_int_equal(keys_in_slot(rig, owner, redis_cluster_slot(rig, "a")), 0);

    redis_server_kill(redis_cluster_node(rig, 3));
    assert_int_equal(redis_cluster_wait_owner(rig, 0, 3), 0);
    assert_true(redis_server_restart(redis_cluster_node(rig, 3)));
    assert_true(redis_cluster_wait_whole(rig));
    assert_int_equal(redis_cluster_owner(rig, 0), 0);

    pid_t processes[PROCESSES_MAX];
    int count = redis_cluster_node_count(rig);
    assert_int_equal(count, 6);
    for (int i = 0; i < count; i++)
        processes[i] = redis_server_pid(redis_cluster_node(rig, i));
    redis_cluster_stop(rig);
    for (int i = 0; i < count; i++)
        assert_true(is_gone(processes[i]));
}

static void test_cluster_of_one_wants_a_password(void **state) {
    (void)state;
    const redis_cluster_options options = {.primaries = 1, .replicas = 1, .password = "data"};
    redis_cluster *rig = redis_cluster_start(&options);
    assert_non_null(rig);
    char error[256];
    assert_null(redis_ask(redis_cluster_node(rig, 0), NULL, error, "GET a"));
    assert_memory_equal(error, "NOAUTH", 6);
    assert_int_equal(redis_cluster_owner(rig, 12000), 0);
    redis_cluster_stop(rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentinels_fail_over_and_end),     cmocka_unit_test(test_sentinels_want_passwords),
        cmocka_unit_test(test_slot_moves_half_way_and_back),    cmocka_unit_test(test_cluster_fails_over_and_ends),
        cmocka_unit_test(test_cluster_of_one_wants_a_password),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
