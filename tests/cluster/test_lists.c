/* Lists, sweeps and checks while slots go to a master that the store has not met, or move away and back: who is there
 * from beginning to end is found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lessonstore/lessonstore.h>

#include "raw.h"
#include "redis_ask.h"
#include "redis_cluster.h"

enum { USERS = 30, PRIMARIES = 3 };

static const char *const no_migration[] = {"--cluster-allow-replica-migration", "no", NULL};

struct shards {
    redis_cluster *rig;
    lesson_store *store;
};

static lesson_store *open_at(const char *nodes) {
    char location[1024];
    lesson_store *store;
    snprintf(location, sizeof location, "%s?timeout_ms=10000&pool=1", nodes);
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

static lesson_store *open_store(const struct shards *shards) {
    return open_at(redis_cluster_location(shards->rig));
}

static int start(void **state) {
    struct shards *shards = calloc(1, sizeof *shards);
    shards->rig = redis_cluster_start(&(redis_cluster_options){.primaries = PRIMARIES, .arguments = no_migration});
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

static int open_shards(void **state) {
    struct shards *shards = *state;
    assert_true(redis_cluster_flush(shards->rig));
    shards->store = open_store(shards);
    return 0;
}

static int close_shards(void **state) {
    struct shards *shards = *state;
    lesson_store_close(shards->store);
    return 0;
}

static int slot_of(const struct shards *shards, const char *uid) {
    char key[64];
    snprintf(key, sizeof key, USER("%s"), uid);
    return redis_cluster_slot(shards->rig, key);
}

static int node_of(const struct shards *shards, const char *uid) {
    return redis_cluster_owner(shards->rig, slot_of(shards, uid));
}

/* All of one owner. With the tag they have one slot. */
static void join_all(const struct shards *shards, const char *tag) {
    char uid[32];
    assert_code(lesson_store_hold(shards->store, "own", 60000, 0), OK);
    for (int i = 0; i < USERS; i++) {
        snprintf(uid, sizeof uid, "u%d%s", i, tag);
        assert_code(lesson_store_join_for(shards->store, "own", uid, "C1", "L1", NULL, 0, NULL), OK);
    }
}

static bool count_user(const lesson_store_user *user, void *context) {
    (void)user;
    ++*(int *)context;
    return true;
}

static int count_users(lesson_store *store) {
    int count = 0;
    assert_code(lesson_store_users(store, count_user, &count), OK);
    return count;
}

static void expect_dropped(lesson_store *store) {
    uint64_t put_out = 0;
    assert_code(lesson_store_drop(store, "own", NULL, NULL, &put_out), OK);
    assert_int_equal(put_out, USERS);
    assert_int_equal(count_users(store), 0);
}

/* ---- A master that is new */

static int add_primary(const struct shards *shards) {
    int target = redis_cluster_add_primary(shards->rig);
    assert_int_not_equal(target, -1);
    return target;
}

/* Half of the users. */
static void move_to(const struct shards *shards, int target) {
    char uid[32];
    for (int i = 0; i < USERS; i += 2) {
        snprintf(uid, sizeof uid, "u%d", i);
        int source = node_of(shards, uid);
        if (source != target)
            assert_true(redis_cluster_move(shards->rig, slot_of(shards, uid), source, target, 0));
    }
}

/* So that all users are missing among them. */
static void remove_members(const struct shards *shards) {
    int owner = redis_cluster_owner(shards->rig, redis_cluster_slot(shards->rig, MEMBERS("L1")));
    redisReply *reply = redis_ask(redis_cluster_node(shards->rig, owner), NULL, NULL, "DEL " MEMBERS("L1"));
    assert_non_null(reply);
    freeReplyObject(reply);
}

/* No operation of its own has told any of these stores of the master. */
static void test_idle_stores(void **state) {
    const struct shards *shards = *state;
    lesson_store *lists = open_store(shards), *checks = open_store(shards), *drops = open_store(shards);
    uint64_t found, repaired;
    join_all(shards, "");
    move_to(shards, add_primary(shards));
    assert_int_equal(count_users(lists), USERS);
    remove_members(shards);
    assert_code(lesson_store_check(checks, 0, NULL, NULL, &found, &repaired), OK);
    assert_int_equal(found, USERS);
    expect_dropped(drops);
    lesson_store_close(lists);
    lesson_store_close(checks);
    lesson_store_close(drops);
}

/* ---- A master without slots, which has keys of the slot that it is importing */

struct move {
    int slot;
    int source;
    int target;
};

static struct move begin_first_move(const struct shards *shards, int target) {
    int slot = slot_of(shards, "u0{t}"), source = redis_cluster_owner(shards->rig, slot);
    assert_true(redis_cluster_begin_move(shards->rig, slot, source, target));
    assert_int_equal(redis_cluster_move_keys(shards->rig, slot, source, target, USERS), USERS);
    return (struct move){slot, source, target};
}

static void finish(const struct shards *shards, const struct move *move) {
    while (redis_cluster_move_keys(shards->rig, move->slot, move->source, move->target, USERS) > 0)
        ;
    assert_true(redis_cluster_finish_move(shards->rig, move->slot, move->source, move->target));
}

static void test_a_first_slot(void **state) {
    const struct shards *shards = *state;
    join_all(shards, "{t}");
    struct move move = begin_first_move(shards, add_primary(shards));
    assert_int_equal(count_users(shards->store), USERS);
    lesson_store *fresh = open_store(shards);
    assert_int_equal(count_users(fresh), USERS);
    finish(shards, &move);
    expect_dropped(fresh);
    lesson_store_close(fresh);
}

/* ---- How a master without slots is named */

struct naming {
    const struct shards *shards;
    const char *type; /* cluster-preferred-endpoint-type */
    const char *host; /* by which all nodes are reached then */
    int count;        /* of the masters with this host */
    int others;
};

/* False: the servers know no such names yet. */
static bool name_nodes(const struct shards *shards, const char *type) {
    bool is_named = true;
    for (int i = 0; is_named && i < redis_cluster_node_count(shards->rig); i++) {
        const redis_server *node = redis_cluster_node(shards->rig, i);
        is_named = redis_tell(node, NULL, "CONFIG SET cluster-announce-hostname localhost") &&
                   redis_tell(node, NULL, "CONFIG SET cluster-preferred-endpoint-type %s", type);
    }
    return is_named;
}

/* Each node knows the name of each. */
static bool are_named(void *context) {
    const struct shards *shards = context;
    int nodes = redis_cluster_node_count(shards->rig), names = 0;
    for (int i = 0; i < nodes; i++) {
        redisReply *reply = redis_ask(redis_cluster_node(shards->rig, i), NULL, NULL, "CLUSTER NODES");
        for (const char *at = reply ? reply->str : ""; (at = strstr(at, ",localhost")); at++)
            names++;
        freeReplyObject(reply);
    }
    return names == nodes * nodes;
}

static bool count_masters(const char *name, const char *value, void *context) {
    struct naming *naming = context;
    if (strcmp(name, "masters") != 0)
        return true;
    char host[32];
    int size = 0;
    for (const char *at = value; sscanf(at, " %31[^:]:%*d%n", host, &size) == 1; at += size)
        *(strcmp(host, naming->host) == 0 ? &naming->count : &naming->others) += 1;
    return true;
}

static void expect_names(struct naming naming) {
    char nodes[64];
    assert_true(name_nodes(naming.shards, naming.type));
    snprintf(nodes, sizeof nodes, "redis+cluster://localhost:%d",
             redis_server_port(redis_cluster_node(naming.shards->rig, 0)));
    lesson_store *store = open_at(nodes);
    assert_int_equal(count_users(store), USERS);
    assert_code(lesson_store_info(store, count_masters, &naming), OK);
    assert_int_equal(naming.count, redis_cluster_node_count(naming.shards->rig));
    assert_int_equal(naming.others, 0);
    lesson_store_close(store);
}

/* By the name that CLUSTER SLOTS gives to the others, which its certificate may need; and no node has two. */
static void test_names(void **state) {
    struct shards *shards = *state;
    join_all(shards, "{t}");
    struct move move = begin_first_move(shards, add_primary(shards));
    if (name_nodes(shards, "ip")) {
        assert_true(redis_wait(are_named, shards));
        expect_names((struct naming){.shards = shards, .type = "ip", .host = "127.0.0.1"});
        expect_names((struct naming){.shards = shards, .type = "hostname", .host = "localhost"});
        expect_names((struct naming){.shards = shards, .type = "unknown-endpoint", .host = "localhost"});
        assert_true(name_nodes(shards, "ip"));
    }
    finish(shards, &move);
}

/* ---- A slot that comes back between two pages */

/* Lists by pages of one, and moves a slot that the list has passed, or has not reached. */
struct walk {
    const struct shards *shards;
    lesson_store_cursor *cursor;
    int total;
    int first;    /* the node that the list began with */
    int second;   /* the one after it */
    char uid[32]; /* of the user whose slot moves */
    bool is_away;
    bool is_back;
};

/* A user of this node who was not given yet: SCAN gives them in another order than this. */
static void choose(struct walk *walk, int node, const char *given) {
    for (int i = 0; i < USERS; i++) {
        snprintf(walk->uid, sizeof walk->uid, "u%d", i);
        if (node_of(walk->shards, walk->uid) == node && strcmp(walk->uid, given) != 0)
            return;
    }
    fail();
}

/* From the second node to the first one as soon as the list has left the first one. Back when it has left the second.
 */
static void move_beside(struct walk *walk, const char *given) {
    int node = node_of(walk->shards, given);
    if (walk->first < 0) {
        walk->first = node;
    } else if (!walk->is_away && node != walk->first) {
        walk->second = node;
        choose(walk, node, given);
        assert_true(redis_cluster_move(walk->shards->rig, slot_of(walk->shards, walk->uid), node, walk->first, 0));
        walk->is_away = true;
    } else if (walk->is_away && !walk->is_back && node != walk->first && node != walk->second) {
        assert_true(
            redis_cluster_move(walk->shards->rig, slot_of(walk->shards, walk->uid), walk->first, walk->second, 0));
        walk->is_back = true;
    }
}

static bool take_page(struct walk *walk) {
    const lesson_store_user *users;
    size_t count;
    char uid[32];
    assert_code(lesson_store_users_page(walk->shards->store, 1, &walk->cursor, &users, &count), OK);
    for (size_t i = 0; i < count; i++) {
        snprintf(uid, sizeof uid, "%.*s", (int)users[i].uid.size, users[i].uid.data);
        walk->total++;
        move_beside(walk, uid);
    }
    return count > 0;
}

static void test_pages_while_a_slot_comes_back(void **state) {
    struct walk walk = {.shards = *state, .first = -1};
    join_all(walk.shards, "");
    while (take_page(&walk))
        ;
    lesson_store_cursor_close(walk.cursor);
    assert_true(walk.is_back);
    assert_int_equal(walk.total, USERS);
}

#define ON_SHARDS(name) cmocka_unit_test_setup_teardown(test_##name, open_shards, close_shards)

int main(void) {
    const struct CMUnitTest tests[] = {ON_SHARDS(pages_while_a_slot_comes_back), ON_SHARDS(idle_stores),
                                       ON_SHARDS(a_first_slot), ON_SHARDS(names)};
    return cmocka_run_group_tests(tests, start, stop);
}
