/*
 * Plain keys over three shards, while everything happens that happens to a Cluster: slots are moved key by key, stay
 * half moved, masters hand over, are killed and stopped, clients are killed, and other programs write beside.
 *
 * Afterwards, at rest: no member is missing, and where no client was killed, no ghost is left either. What killed
 * clients, lost writes and other programs leave behind, a repair mends.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "redis_ask.h"
#include "soak.h"
#include "under_way.h"

enum { CLIENTS = 2, PRIMARIES = 3, NODES = 6, SLOTS = 16384 };

struct field {
    redis_cluster *rig;
    char location[1024];
    shard_client clients[CLIENTS];
    dice_state dice;
    bool has_lost_writes; /* a master was killed or stopped: what it had not replicated is lost */
    bool has_others;
    bool has_killed_clients;
};

static void open_field(struct field *field) {
    /* Otherwise a primary that has given its last slot away becomes a replica. */
    static const char *const arguments[] = {"--cluster-allow-replica-migration", "no", NULL};
    const redis_cluster_options wanted = {.primaries = PRIMARIES, .replicas = 1, .arguments = arguments};
    memset(field, 0, sizeof *field);
    field->rig = redis_cluster_start(&wanted);
    assert_non_null(field->rig);
    snprintf(field->location, sizeof field->location, "%s?timeout_ms=60000&pool=2", redis_cluster_location(field->rig));
}

/* ---- What disturbs them */

static int slot_in_use(struct field *field) {
    char key[64];
    const char *const fronts[] = {"STATUS:IN_LESSON:UID:u", "STATUS:LESSON_USER:LESSON_ID:L",
                                  "STATUS:LESSON_STATUS:LESSON_ID:L"};
    unsigned which = dice_below(&field->dice, 3);
    snprintf(key, sizeof key, "%s%u", fronts[which],
             dice_below(&field->dice, which == 0 ? UNDER_WAY_USERS : UNDER_WAY_LESSONS));
    return redis_cluster_slot(field->rig, key);
}

/* Another primary than this one. */
static int other_primary(struct field *field, int owner) {
    int slots[PRIMARIES] = {0, SLOTS / 2, SLOTS - 1};
    for (int tries = 0; tries < 100; tries++) {
        int other = redis_cluster_owner(field->rig, slots[dice_below(&field->dice, PRIMARIES)]);
        if (other >= 0 && other != owner)
            return other;
        redis_rest(10000);
    }
    return -1;
}

static void move_slots(struct field *field) {
    for (int i = 0; i < 8; i++) {
        int slot = slot_in_use(field), source = redis_cluster_owner(field->rig, slot);
        int target = other_primary(field, source);
        assert_true(source >= 0 && target >= 0);
        assert_true(redis_cluster_move(field->rig, slot, source, target, 3000));
    }
}

/* Some keys are here and some are there for a while. What needs both waits. */
static void leave_half_moved(struct field *field) {
    for (int i = 0; i < 3; i++) {
        int slot = slot_in_use(field), source = redis_cluster_owner(field->rig, slot);
        int target = other_primary(field, source);
        assert_true(source >= 0 && target >= 0);
        assert_true(redis_cluster_begin_move(field->rig, slot, source, target));
        assert_true(redis_cluster_move_keys(field->rig, slot, source, target, 1) >= 0);
        redis_rest(300000);
        while (redis_cluster_move_keys(field->rig, slot, source, target, 100) > 0)
            ;
        assert_true(redis_cluster_finish_move(field->rig, slot, source, target));
    }
}

static int replica_of_some_primary(struct field *field) {
    for (int tries = 0; tries < 200; tries++) {
        int node = (int)dice_below(&field->dice, NODES);
        redisReply *role = redis_ask(redis_cluster_node(field->rig, node), NULL, NULL, "ROLE");
        bool is_replica = role && role->elements > 0 && strcmp(role->element[0]->str, "slave") == 0;
        if (role)
            freeReplyObject(role);
        if (is_replica)
            return node;
    }
    return -1;
}

static void hand_over(struct field *field) {
    int replica = replica_of_some_primary(field);
    assert_true(replica >= 0);
    assert_true(redis_cluster_failover(field->rig, replica));
}

static int lose_primary(struct field *field, void (*stop)(redis_server *server)) {
    int slot = slot_in_use(field), owner = redis_cluster_owner(field->rig, slot);
    assert_true(owner >= 0);
    field->has_lost_writes = true;
    stop(redis_cluster_node(field->rig, owner));
    assert_int_not_equal(redis_cluster_wait_owner(field->rig, slot, owner), -1);
    return owner;
}

static void kill_primary(struct field *field) {
    int owner = lose_primary(field, redis_server_kill);
    client_wait(&field->clients[0], 100);
    assert_true(redis_server_restart(redis_cluster_node(field->rig, owner)));
}

static void stop_primary(struct field *field) {
    int owner = lose_primary(field, redis_server_pause);
    client_wait(&field->clients[0], 100);
    redis_server_resume(redis_cluster_node(field->rig, owner));
}

static void kill_clients(struct field *field) {
    field->has_killed_clients = true;
    for (int i = 0; i < 6; i++) {
        pid_t process = client_fork(field->location, dice_bits(&field->dice));
        redis_rest(50000 + (long)dice_below(&field->dice, 100000));
        client_kill(process);
    }
}

static void write_beside(struct field *field) {
    field->has_others = true;
    for (int i = 0; i < 300; i++)
        write_as_others(field->rig, &field->dice);
}

static void (*const disturbances[])(struct field *field) = {move_slots,   leave_half_moved, hand_over,   kill_primary,
                                                            stop_primary, kill_clients,     write_beside};
enum { DISTURBANCES = sizeof disturbances / sizeof *disturbances };

/* ---- Judging */

static int count_code(const struct field *field, int code) {
    int count = 0;
    for (int i = 0; i < CLIENTS; i++)
        count += field->clients[i].codes[UNDER_WAY_CODE(code)];
    return count;
}

static void judge_answers(const struct field *field, uint64_t seed) {
    int unknown = count_code(field, LESSON_STORE_UNKNOWN);
    if (field->has_lost_writes) {
        for (int i = 0; i < CLIENTS; i++)
            unknown -= field->clients[i].overtaken;
    }
    for (int code = LESSON_STORE_CLOSED; code < 0; code++) {
        if (code != LESSON_STORE_UNKNOWN && count_code(field, code) > 0)
            fail_msg("%d operations were %s: %s%s" SOAK_SEED, count_code(field, code), lesson_store_code_name(code),
                     field->clients[0].failure, field->clients[1].failure, seed);
    }
    if (unknown > 0)
        fail_msg("%d joins and quits were UNKNOWN: %s%s" SOAK_SEED, unknown, field->clients[0].failure,
                 field->clients[1].failure, seed);
}

static void repair(const struct field *field) {
    lesson_store *store;
    uint64_t found, repaired;
    assert_int_equal(lesson_store_open(&store, field->location), LESSON_STORE_OK);
    int code = lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &found, &repaired);
    if (code)
        fail_msg("repair: %s: %s", lesson_store_code_name(code), lesson_store_message());
    if (found != repaired)
        fail_msg("%d of %d findings were repaired", (int)repaired, (int)found);
    assert_int_equal(lesson_store_check(store, 0, NULL, NULL, &found, &repaired), LESSON_STORE_OK);
    if (found > 0)
        fail_msg("%d findings are left after a repair", (int)found);
    lesson_store_close(store);
}

static void judge_keys(const struct field *field, uint64_t seed) {
    agreement before = look_at_keys(field->rig);
    if (before.missing > 0 && !field->has_lost_writes && !field->has_others)
        fail_msg("%d members are missing" SOAK_SEED, before.missing, seed);
    if (before.ghosts > 0 && !field->has_lost_writes && !field->has_others && !field->has_killed_clients)
        fail_msg("%d ghosts are left, as %s, and no client was killed" SOAK_SEED, before.ghosts, before.ghost, seed);
    repair(field);
    agreement after = look_at_keys(field->rig);
    if (after.missing + after.ghosts > 0)
        fail_msg("after a repair %d members are missing, and there are %d ghosts" SOAK_SEED, after.missing,
                 after.ghosts, seed);
}

/* ---- Rounds */

static void run_round(struct field *field, soak_run *soak, int kind) {
    field->dice.state = soak->seed;
    field->has_lost_writes = field->has_others = field->has_killed_clients = false;
    for (int i = 0; i < CLIENTS; i++)
        client_start(&field->clients[i], field->location, dice_bits(&field->dice), true);
    client_wait(&field->clients[0], 300);
    disturbances[kind](field);
    client_wait(&field->clients[0], 300);
    for (int i = 0; i < CLIENTS; i++) {
        client_stop(&field->clients[i]);
        soak->operations += (uint64_t)field->clients[i].done;
    }
    assert_true(redis_cluster_wait_whole(field->rig));
    judge_answers(field, soak->seed);
    judge_keys(field, soak->seed);
}

static void test_all_that_happens(void **state) {
    (void)state;
    struct field field;
    soak_run soak = soak_begin("under way", "cluster", DISTURBANCES);
    open_field(&field);
    while (soak_next(&soak)) {
        run_round(&field, &soak, (int)(soak.seed % DISTURBANCES));
        soak.faults++;
    }
    soak_end(&soak);
    redis_cluster_stop(field.rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_that_happens)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
