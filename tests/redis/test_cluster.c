/* A store in a Cluster: in the slot of a tagged prefix, and in the only shard; slots that move, shards that come, and
 * primaries that go. With the argument --tls: all of it over TLS. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <lessonstore/backend.h>

#include "dice.h"
#include "figures_of.h"
#include "raw.h"
#include "redis_ask.h"
#include "redis_cluster.h"

/* ---- Places */

#define TAGGED "prefix={school}"

static const certificates *over_tls; /* NULL: in the clear */

struct place {
    redis_cluster *rig;
    int slot; /* of {school} */
};

static void open_place(struct place *place, int primaries, int replicas) {
    /* Otherwise a primary that has given its last slot away becomes a replica. */
    static const char *const arguments[] = {"--cluster-allow-replica-migration", "no", NULL};
    const redis_cluster_options wanted = {
        .primaries = primaries, .replicas = replicas, .arguments = arguments, .certificates = over_tls};
    *place = (struct place){.rig = redis_cluster_start(&wanted)};
    assert_non_null(place->rig);
    place->slot = redis_cluster_slot(place->rig, "{school}");
}

enum { LOCATION_SIZE = 1024 };

static lesson_store *open_store(const struct place *place, const char *options) {
    char location[LOCATION_SIZE];
    lesson_store *store;
    certificates_locate(location, sizeof location, over_tls, redis_cluster_location(place->rig), options);
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

static int join(lesson_store *store, const char *uid, const char *lesson_id) {
    return lesson_store_join(store, uid, "C1", lesson_id, NULL, 0, NULL);
}

static bool take_user(const lesson_store_user *user, void *context) {
    (void)user, (void)context;
    return true;
}

static int list_users(lesson_store *store) {
    return lesson_store_users(store, take_user, NULL);
}

static void assert_consistent(lesson_store *store) {
    uint64_t found = 0, more = 0;
    assert_code(lesson_store_check(store, 0, NULL, NULL, &found, &more), OK);
    assert_int_equal(found, 0);
}

/* ---- Random operations */

#define COUNTED(code) (32 + (code))

struct crowd {
    lesson_store *store;
    pthread_t thread;
    atomic_bool ends;
    atomic_int done;
    int codes[64]; /* by COUNTED(code) */
    bool with_ends;
    char failure[LESSON_STORE_MESSAGE_SIZE];
};

static int act(struct crowd *crowd, dice_state *dice) {
    char uid[16], lesson_id[16];
    unsigned kind = dice_below(dice, 100);
    snprintf(uid, sizeof uid, "u%u", dice_below(dice, 300));
    snprintf(lesson_id, sizeof lesson_id, "L%u", dice_below(dice, 12));
    if (kind < 50)
        return join(crowd->store, uid, lesson_id);
    if (kind < 70)
        return lesson_store_quit(crowd->store, uid, NULL, NULL, NULL);
    if (kind < 85)
        return lesson_store_where(crowd->store, uid, NULL);
    if (kind < 90)
        return lesson_store_kick(crowd->store, lesson_id, uid, 60000, NULL);
    if (kind < 98 || !crowd->with_ends)
        return lesson_store_create(crowd->store, lesson_id, 0);
    return lesson_store_end(crowd->store, lesson_id, 0, NULL);
}

static void *keep_acting(void *context) {
    struct crowd *crowd = context;
    dice_state dice = {7};
    while (!crowd->ends) {
        int code = act(crowd, &dice);
        crowd->codes[COUNTED(code)]++;
        if (code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_UNKNOWN)
            snprintf(crowd->failure, sizeof crowd->failure, "%s", lesson_store_message());
        crowd->done++;
    }
    return NULL;
}

static void start_acting(struct crowd *crowd, lesson_store *store, bool with_ends) {
    *crowd = (struct crowd){.store = store, .with_ends = with_ends};
    assert_int_equal(pthread_create(&crowd->thread, NULL, keep_acting, crowd), 0);
}

static void wait_for_acts(struct crowd *crowd, int count) {
    int target = crowd->done + count;
    while (crowd->done < target)
        redis_rest(1000);
}

static void stop_acting(struct crowd *crowd) {
    crowd->ends = true;
    pthread_join(crowd->thread, NULL);
    printf("%d operations: %d OK, %d UNREACHABLE, %d UNKNOWN %s\n", (int)crowd->done,
           crowd->codes[COUNTED(LESSON_STORE_OK)], crowd->codes[COUNTED(LESSON_STORE_UNREACHABLE)],
           crowd->codes[COUNTED(LESSON_STORE_UNKNOWN)], crowd->failure);
}

/* ---- Locations */

/* The server at this port does not fit this kind of location, and the message names the scheme that does. */
static void refuse(const char *kind, int port, const char *part, const char *right_kind) {
    char location[LOCATION_SIZE], place[64], advice[64];
    const char *scheme = over_tls ? "rediss" : "redis";
    snprintf(place, sizeof place, "%s%s://127.0.0.1:%d%s", scheme, kind, port,
             strstr(kind, "sentinel") ? "/school" : "");
    certificates_locate(location, sizeof location, over_tls, place, TAGGED);
    raw_refuse(location, LESSON_STORE_UNSUPPORTED, part);
    snprintf(advice, sizeof advice, "(write %s%s://", scheme, right_kind);
    raw_assert_message(advice);
}

static void test_locations_that_do_not_fit(void **state) {
    (void)state;
    struct place place;
    char location[LOCATION_SIZE];
    redis_server *single =
        redis_server_start_with(&(redis_server_options){.certificates = over_tls, .is_tls_only = over_tls != NULL});
    assert_non_null(single);
    open_place(&place, 3, 0);
    certificates_locate(location, sizeof location, over_tls, redis_cluster_location(place.rig), "feed=100");
    raw_refuse(location, LESSON_STORE_UNSUPPORTED, "feed is not possible where the keys are spread");
    certificates_locate(location, sizeof location, over_tls, redis_cluster_location(place.rig), "wait_replicas=1");
    raw_refuse(location, LESSON_STORE_UNSUPPORTED, "wait_replicas is not possible where the keys are spread");
    refuse("", redis_server_port(redis_cluster_node(place.rig, 0)), "the server is a node of a Cluster", "+cluster");
    refuse("+cluster", redis_server_port(single), "no node of a Cluster", "");
    refuse("+sentinel", redis_server_port(single), "the server is no Sentinel", "");
    raw_refuse("redis+cluster://127.0.0.1:1/3", LESSON_STORE_INVALID, "only the database 0");
    raw_refuse("redis+cluster://127.0.0.1:1?role=any", LESSON_STORE_INVALID, "always means the primary");
    redis_cluster_stop(place.rig);
    redis_server_stop(single);
}

/* Nodes that do not say their host mean the one that was asked. */
static void test_nodes_without_a_name(void **state) {
    (void)state;
    struct place place;
    open_place(&place, 3, 0);
    for (int i = 0; i < 3; i++)
        assert_true(redis_tell(redis_cluster_node(place.rig, i), NULL,
                               "CONFIG SET cluster-preferred-endpoint-type unknown-endpoint"));
    static const char *const ways[] = {TAGGED, ""};
    for (int i = 0; i < 2; i++) {
        lesson_store *store = open_store(&place, ways[i]);
        assert_code(join(store, "ann", "L1"), OK);
        assert_code(lesson_store_where(store, "ann", NULL), OK);
        lesson_store_close(store);
    }
    redis_cluster_stop(place.rig);
}

/* ---- Slots that move */

/* The slot of all keys goes from node to node, key by key. No operation is left half done, and with enough time none
 * fails. */
static void test_a_slot_that_moves(void **state) {
    (void)state;
    struct place place;
    struct crowd crowd;
    open_place(&place, 3, 0);
    lesson_store *store = open_store(&place, TAGGED "&timeout_ms=60000");
    for (int with_ends = 0; with_ends < 2; with_ends++) {
        start_acting(&crowd, store, with_ends);
        for (int i = 0; i < 6; i++) {
            int source = redis_cluster_owner(place.rig, place.slot);
            assert_true(redis_cluster_move(place.rig, place.slot, source, (source + 1) % 3, 200));
            wait_for_acts(&crowd, 100);
        }
        stop_acting(&crowd);
        assert_int_equal(crowd.codes[COUNTED(LESSON_STORE_UNREACHABLE)] + crowd.codes[COUNTED(LESSON_STORE_UNKNOWN)],
                         0);
        assert_consistent(store);
    }
    assert_int_not_equal(figures_engine(store, LESSON_STORE_ENGINE_REDIRECTIONS), 0);
    assert_int_not_equal(figures_engine(store, LESSON_STORE_ENGINE_RETRIES), 0);
    lesson_store_close(store);
    redis_cluster_stop(place.rig);
}

/* A busy machine can be too slow for the short time of these calls. */
static bool is_refused_or_late(int code) {
    bool is_late = code == LESSON_STORE_UNKNOWN && strstr(lesson_store_message(), " within ");
    return is_late || code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_UNSUPPORTED;
}

/* While a slot is half moved, what needs a key of the other half is refused whole; a list too, which would lack it. One
 * key can be read where it is. */
static void test_a_slot_that_is_half_moved(void **state) {
    (void)state;
    struct place place;
    char uid[16];
    uint64_t count;
    open_place(&place, 3, 0);
    lesson_store *store = open_store(&place, TAGGED "&timeout_ms=500");
    for (int i = 0; i < 20; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        assert_code(join(store, uid, i % 2 ? "L1" : "L2"), OK);
    }
    int source = redis_cluster_owner(place.rig, place.slot), target = (source + 1) % 3;
    assert_true(redis_cluster_begin_move(place.rig, place.slot, source, target));
    assert_int_equal(redis_cluster_move_keys(place.rig, place.slot, source, target, 11), 11);
    int refused = 0;
    for (int i = 0; i < 20; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        assert_code(lesson_store_where(store, uid, NULL), OK);
        int code = join(store, uid, i % 2 ? "L2" : "L1");
        if (code && !is_refused_or_late(code))
            fail_msg("%s: %s", lesson_store_code_name(code), lesson_store_message());
        refused += code != LESSON_STORE_OK;
    }
    assert_true(refused > 0);
    assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
    assert_code(list_users(store), UNREACHABLE);
    assert_true(lesson_store_check(store, 0, NULL, NULL, &count, &count) < 0);
    while (redis_cluster_move_keys(place.rig, place.slot, source, target, 100) > 0)
        ;
    assert_true(redis_cluster_finish_move(place.rig, place.slot, source, target));
    assert_consistent(store);
    for (int i = 0; i < 20; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        assert_code(join(store, uid, "L3"), OK);
    }
    assert_code(lesson_store_count_members(store, "L3", &count), OK);
    assert_int_equal(count, 20);
    assert_consistent(store);
    lesson_store_close(store);
    redis_cluster_stop(place.rig);
}

/* ---- Primaries that go */

static void test_failovers(void **state) {
    (void)state;
    struct place place;
    struct crowd crowd;
    open_place(&place, 3, 1);
    lesson_store *store = open_store(&place, TAGGED "&timeout_ms=60000&pool=2");
    int owner = redis_cluster_owner(place.rig, place.slot);
    start_acting(&crowd, store, false);
    wait_for_acts(&crowd, 500);
    for (int replica = 3; replica < 6; replica++)
        redis_cluster_failover(place.rig, replica);
    int next = redis_cluster_wait_owner(place.rig, place.slot, owner);
    assert_int_not_equal(next, -1);
    wait_for_acts(&crowd, 500);
    assert_true(redis_cluster_wait_whole(place.rig));
    redis_server_kill(redis_cluster_node(place.rig, next));
    assert_int_not_equal(redis_cluster_wait_owner(place.rig, place.slot, next), -1);
    wait_for_acts(&crowd, 500);
    stop_acting(&crowd);
    assert_int_equal(crowd.codes[COUNTED(LESSON_STORE_UNREACHABLE)], 0);
    assert_true(crowd.codes[COUNTED(LESSON_STORE_UNKNOWN)] <= 2);
    assert_true(figures_engine(store, LESSON_STORE_ENGINE_FAILOVERS) >= 2);
    assert_consistent(store);
    lesson_store_close(store);
    redis_cluster_stop(place.rig);
}

/* ---- One shard, and a second one that comes */

/* While a slot without keys of ours is being moved, every page is checked, and may not have been all. */
static void expect_check_in_doubt(const struct place *place, lesson_store *store, int target) {
    int slot = redis_cluster_slot(place->rig, "of nobody");
    uint64_t found = 0, more = 0;
    assert_true(redis_cluster_begin_move(place->rig, slot, 0, target));
    assert_code(lesson_store_check(store, 0, NULL, NULL, &found, &more), UNREACHABLE);
    assert_code(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &found, &more), UNKNOWN);
    assert_true(redis_tell(redis_cluster_node(place->rig, 0), NULL, "CLUSTER SETSLOT %d STABLE", slot));
    assert_true(redis_tell(redis_cluster_node(place->rig, target), NULL, "CLUSTER SETSLOT %d STABLE", slot));
}

static void test_a_second_shard(void **state) {
    (void)state;
    struct place place;
    lesson_store *store;
    char uid[16];
    open_place(&place, 1, 0);
    store = open_store(&place, "timeout_ms=200");
    for (int i = 0; i < 100; i++) {
        snprintf(uid, sizeof uid, "u%d", i);
        assert_code(join(store, uid, "L1"), OK);
        assert_code(join(store, uid, "L2"), OK);
    }
    assert_consistent(store);
    int slot = redis_cluster_slot(place.rig, "STATUS:IN_LESSON:UID:u7");
    int target = redis_cluster_add_primary(place.rig);
    assert_int_not_equal(target, -1);
    assert_code(join(store, "u7", "L1"), OK);
    expect_check_in_doubt(&place, store, target);
    assert_true(redis_cluster_begin_move(place.rig, slot, 0, target));
    assert_int_equal(redis_cluster_move_keys(place.rig, slot, 0, target, 100), 1);
    assert_true(join(store, "u7", "L2") < 0);
    assert_code(join(store, "u8", "L1"), OK); /* its keys are all here */
    assert_code(list_users(store), UNREACHABLE);
    assert_code(lesson_store_where(store, "u7", NULL), OK); /* at the other node */
    assert_true(redis_cluster_finish_move(place.rig, slot, 0, target));
    assert_code(join(store, "u7", "L2"), UNSUPPORTED);
    raw_assert_message("spread over several shards");
    assert_code(list_users(store), UNSUPPORTED);
    assert_true(redis_cluster_move(place.rig, slot, target, 0, 0));
    lesson_store_place where;
    assert_code(lesson_store_where(store, "u7", &where), OK);
    assert_string_equal(where.lesson_id, "L1");
    assert_consistent(store);
    lesson_store_close(store);
    redis_cluster_stop(place.rig);
}

/* Random operations on plain keys of many slots, by scripts without a command of two keys. */
static void test_one_shard(void **state) {
    (void)state;
    struct place place;
    struct crowd crowd;
    open_place(&place, 1, 1);
    lesson_store *store = open_store(&place, "timeout_ms=60000");
    start_acting(&crowd, store, true);
    wait_for_acts(&crowd, 2000);
    assert_true(redis_cluster_failover(place.rig, 1));
    wait_for_acts(&crowd, 2000);
    stop_acting(&crowd);
    assert_int_equal(crowd.codes[COUNTED(LESSON_STORE_UNREACHABLE)] + crowd.codes[COUNTED(LESSON_STORE_UNKNOWN)], 0);
    assert_consistent(store);
    lesson_store_close(store);
    redis_cluster_stop(place.rig);
}

static int run(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_locations_that_do_not_fit),
        cmocka_unit_test(test_nodes_without_a_name),
        cmocka_unit_test(test_a_slot_that_moves),
        cmocka_unit_test(test_a_slot_that_is_half_moved),
        cmocka_unit_test(test_failovers),
        cmocka_unit_test(test_a_second_shard),
        cmocka_unit_test(test_one_shard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv) {
    certificates made;
    if (argc < 2 || strcmp(argv[1], "--tls") != 0)
        return run();
    if (certificates_make(&made))
        return 1;
    over_tls = &made;
    int failed = run();
    certificates_remove(&made);
    return failed;
}
