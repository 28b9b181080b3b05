/* The rigs of tests/support themselves: several servers together, and how they fail over and move slots. */
#include <errno.h>
#include <signal.h>

#include "cmocka_all.h"
#include "redis_ask.h"
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentinels_fail_over_and_end),
        cmocka_unit_test(test_sentinels_want_passwords),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
