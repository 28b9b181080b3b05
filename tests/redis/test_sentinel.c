/* A store that Sentinels lead to its primary: failovers, and Sentinels that are wrong, silent or gone. With the
 * argument
 * --tls: failovers over TLS. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lessonstore/backend.h>
#include <lessonstore/feed.h>

#include "false_sentinel.h"
#include "figures_of.h"
#include "raw.h"
#include "redis_ask.h"
#include "redis_sentinels.h"

/* ---- Servers and Sentinels */

static const certificates *over_tls; /* NULL: in the clear */

static redis_sentinels *start_rig(void) {
    const redis_sentinels_options options = {.down_after_ms = 1000, .certificates = over_tls};
    redis_sentinels *rig = redis_sentinels_start(&options);
    assert_non_null(rig);
    return rig;
}

enum { LOCATION_SIZE = 1024 };

static void locate(char out[LOCATION_SIZE], const redis_sentinels *rig, const char *options) {
    certificates_locate(out, LOCATION_SIZE, over_tls, redis_sentinels_location(rig), options);
}

/* ---- A store, and a thread that writes to it */

enum { WRITES_MAX = 200000 };

struct writer {
    lesson_store *store;
    pthread_t thread;
    atomic_bool ends;
    atomic_int written;
    atomic_int answered; /* with OK */
    bool is_acknowledged[WRITES_MAX];
    atomic_int unknown;
    atomic_int failed;
    char failure[LESSON_STORE_MESSAGE_SIZE];
};

static int join(lesson_store *store, const char *uid, const char *lesson_id) {
    return lesson_store_join(store, uid, "C1", lesson_id, NULL, 0, NULL);
}

static int write_one(struct writer *writer, int number) {
    char uid[16];
    snprintf(uid, sizeof uid, "u%d", number);
    return join(writer->store, uid, "L1");
}

static void *keep_writing(void *context) {
    struct writer *writer = context;
    while (!writer->ends && writer->written < WRITES_MAX) {
        int number = writer->written, code = write_one(writer, number);
        writer->is_acknowledged[number] = code == LESSON_STORE_OK;
        writer->answered += code == LESSON_STORE_OK;
        writer->unknown += code == LESSON_STORE_UNKNOWN;
        if (code && code != LESSON_STORE_UNKNOWN) {
            writer->failed++;
            snprintf(writer->failure, sizeof writer->failure, "%s", lesson_store_message());
        }
        writer->written++;
        redis_rest(500);
    }
    return NULL;
}

static struct writer *start_writing(const redis_sentinels *rig, const char *options) {
    struct writer *writer = calloc(1, sizeof *writer);
    char location[LOCATION_SIZE];
    assert_non_null(writer);
    locate(location, rig, options);
    assert_code(lesson_store_open(&writer->store, location), OK);
    assert_int_equal(pthread_create(&writer->thread, NULL, keep_writing, writer), 0);
    return writer;
}

/* Waits until so many more writes were answered with OK. */
static void wait_for_writes(struct writer *writer, int count) {
    int target = writer->answered + count;
    while (writer->answered < target && writer->written < WRITES_MAX)
        redis_rest(1000);
    assert_true(writer->answered >= target);
}

/* Ends the writer, and returns how many writes were acknowledged and are lost. */
static int count_lost(struct writer *writer) {
    int lost = 0;
    writer->ends = true;
    pthread_join(writer->thread, NULL);
    for (int i = 0; i < writer->written; i++) {
        char uid[16];
        snprintf(uid, sizeof uid, "u%d", i);
        lost += writer->is_acknowledged[i] && lesson_store_where(writer->store, uid, NULL) != LESSON_STORE_OK;
    }
    printf("%d writes, %d acknowledged, %d of them lost, %d unknown, %d failed %s\n", (int)writer->written,
           (int)writer->answered, lost, (int)writer->unknown, (int)writer->failed, writer->failure);
    lesson_store_close(writer->store);
    return lost;
}

/* ---- A follower: the users whom it knows, by the numbers in their uids */

struct follower {
    lesson_store *store;
    lesson_store_feed *feed;
    bool knows[WRITES_MAX];
    int gaps;
};

static int number_of(lesson_store_id uid) {
    char digits[16] = "";
    if (uid.size > 1 && uid.size < sizeof digits)
        memcpy(digits, uid.data + 1, uid.size - 1);
    return atoi(digits);
}

static bool learn_of_user(const lesson_store_user *user, void *context) {
    bool *knows = context;
    knows[number_of(user->uid)] = true;
    return true;
}

static bool learn_of_event(const lesson_store_event *event, void *context) {
    struct follower *follower = context;
    if (event->kind == LESSON_STORE_EVENT_JOIN)
        follower->knows[number_of(event->uid)] = true;
    return true;
}

static void list_users(lesson_store *store, bool knows[WRITES_MAX]) {
    memset(knows, 0, WRITES_MAX * sizeof *knows);
    while (lesson_store_users(store, learn_of_user, knows) != LESSON_STORE_OK)
        redis_rest(10000);
}

static struct follower *start_following(const redis_sentinels *rig) {
    struct follower *follower = calloc(1, sizeof *follower);
    char location[LOCATION_SIZE];
    assert_non_null(follower);
    locate(location, rig, "feed=1000000");
    assert_code(lesson_store_open(&follower->store, location), OK);
    assert_code(lesson_store_feed_open(&follower->feed, follower->store, NULL, NULL), OK);
    list_users(follower->store, follower->knows);
    return follower;
}

static void follow(struct follower *follower) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(follower->feed), .events = POLLIN};
    poll(&ready, 1, 10);
    if (lesson_store_feed_drain(follower->feed, 0, learn_of_event, follower, NULL) != LESSON_STORE_GAP)
        return;
    follower->gaps++;
    list_users(follower->store, follower->knows);
}

/* What it knows becomes what the store lists, when nobody writes. */
static void expect_agreement(struct follower *follower) {
    bool *listed = calloc(WRITES_MAX, sizeof *listed);
    assert_non_null(listed);
    for (int i = 0;; i++) {
        follow(follower);
        list_users(follower->store, listed);
        if (memcmp(listed, follower->knows, WRITES_MAX * sizeof *listed) == 0)
            break;
        assert_in_range(i, 0, 3000);
    }
    free(listed);
}

/* ---- Facts */

struct fact {
    const char *name;
    char value[128];
};

static bool find_fact(const char *name, const char *value, void *context) {
    struct fact *fact = context;
    if (strcmp(name, fact->name) == 0)
        snprintf(fact->value, sizeof fact->value, "%s", value);
    return true;
}

static void expect_fact(lesson_store *store, const char *name, const char *value) {
    struct fact fact = {.name = name};
    assert_code(lesson_store_info(store, find_fact, &fact), OK);
    assert_string_equal(fact.value, value);
}

/* On a machine that is busy with other work, the Sentinels can make several failovers of one. */
static long number_fact(lesson_store *store, const char *name) {
    struct fact fact = {.name = name};
    assert_code(lesson_store_info(store, find_fact, &fact), OK);
    return strtol(fact.value, NULL, 10);
}

/* ---- Failovers */

/* The call that meets the death of the primary is the only one of unknown outcome, and the others wait for the new one.
 */
static void test_the_primary_is_killed(void **state) {
    (void)state;
    redis_sentinels *rig = start_rig();
    int primary = redis_sentinels_primary(rig);
    struct writer *writer = start_writing(rig, "pool=1&timeout_ms=60000");
    expect_fact(writer->store, "server_role", "primary");
    expect_fact(writer->store, "sentinel_epoch", "0");
    wait_for_writes(writer, 200);
    redis_server_kill(redis_sentinels_server(rig, primary));
    wait_for_writes(writer, 200);
    assert_int_not_equal(number_fact(writer->store, "changes_of_primary"), 0);
    assert_int_equal(figures_engine(writer->store, LESSON_STORE_ENGINE_FAILOVERS),
                     number_fact(writer->store, "changes_of_primary"));
    assert_true(figures_engine(writer->store, LESSON_STORE_ENGINE_CONNECTIONS) >= 2);
    assert_int_not_equal(number_fact(writer->store, "sentinel_epoch"), 0);
    assert_int_not_equal(redis_sentinels_wait_primary(rig, primary), -1);
    assert_true(writer->unknown <= 1);
    assert_int_equal(writer->failed, 0);
    count_lost(writer);
    free(writer);
    redis_sentinels_stop(rig);
}

/* A follower goes on at the new primary. If that one lacks what the old one had told, there is a gap. */
static void test_a_feed_goes_on_after_a_failover(void **state) {
    (void)state;
    redis_sentinels *rig = start_rig();
    struct follower *follower = start_following(rig);
    struct writer *writer = start_writing(rig, "pool=1&timeout_ms=60000");
    wait_for_writes(writer, 100);
    follow(follower);
    redis_server_kill(redis_sentinels_server(rig, redis_sentinels_primary(rig)));
    wait_for_writes(writer, 100);
    int lost = count_lost(writer);
    expect_agreement(follower);
    printf("%d gaps, %d acknowledged writes lost\n", follower->gaps, lost);
    lesson_store_feed_close(follower->feed);
    lesson_store_close(follower->store);
    redis_sentinels_stop(rig);
    free(follower);
    free(writer);
}

/* The old primary lives on, and its connections too. Only confirmation by all replicas keeps what it acknowledges. */
static void test_a_failover_by_hand_loses_nothing_confirmed(void **state) {
    (void)state;
    redis_sentinels *rig = start_rig();
    int primary = redis_sentinels_primary(rig);
    struct writer *writer = start_writing(rig, "pool=2&timeout_ms=2000&wait_replicas=2&failover_check_ms=100");
    wait_for_writes(writer, 200);
    assert_true(redis_sentinels_failover(rig));
    assert_int_not_equal(redis_sentinels_wait_primary(rig, primary), -1);
    wait_for_writes(writer, 200);
    assert_int_equal(count_lost(writer), 0);
    free(writer);
    redis_sentinels_stop(rig);
}

static void test_the_primary_hangs(void **state) {
    (void)state;
    redis_sentinels *rig = start_rig();
    int primary = redis_sentinels_primary(rig);
    struct writer *writer = start_writing(rig, "pool=1&timeout_ms=500");
    wait_for_writes(writer, 200);
    redis_server_pause(redis_sentinels_server(rig, primary));
    assert_int_not_equal(redis_sentinels_wait_primary(rig, primary), -1);
    wait_for_writes(writer, 200);
    redis_server_resume(redis_sentinels_server(rig, primary));
    wait_for_writes(writer, 200);
    assert_int_equal(count_lost(writer), 0);
    free(writer);
    redis_sentinels_stop(rig);
}

/* ---- Sentinels that are gone */

static void test_without_sentinels(void **state) {
    (void)state;
    redis_sentinels *rig = start_rig();
    char location[LOCATION_SIZE];
    lesson_store *store, *other;
    locate(location, rig, "pool=1&failover_check_ms=10");
    assert_code(lesson_store_open(&store, location), OK);
    for (int i = 0; i < redis_sentinels_sentinel_count(rig); i++)
        redis_server_kill(redis_sentinels_sentinel(rig, i));
    for (int i = 0; i < 100; i++) {
        redis_rest(1000);
        assert_code(join(store, "ann", i % 2 ? "L1" : "L2"), OK);
    }
    /* The connection breaks, and the last primary is still one. */
    assert_true(redis_tell(redis_sentinels_server(rig, 0), NULL, "CLIENT KILL TYPE normal SKIPME yes") || true);
    redis_rest(20000);
    assert_code(join(store, "ann", "L3"), OK);
    locate(location, rig, "connect_timeout_ms=300");
    assert_code(lesson_store_open(&other, location), UNREACHABLE);
    raw_assert_message("no Sentinel of 3 answered");
    lesson_store_close(store);
    redis_sentinels_stop(rig);
}

/* ---- False Sentinels, before real servers */

struct place {
    redis_server *servers[2];
    false_sentinel *sentinels[3];
    char location[256];
};

static int start(void **state) {
    struct place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    for (int i = 0; i < 2; i++)
        assert_non_null(place->servers[i] = redis_server_start(NULL));
    int size = snprintf(place->location, sizeof place->location, "redis+sentinel://");
    for (int i = 0; i < 3; i++) {
        place->sentinels[i] = false_sentinel_start();
        false_sentinel_name(place->sentinels[i], redis_server_port(place->servers[0]), 1);
        size += snprintf(place->location + size, sizeof place->location - (size_t)size, "%s127.0.0.1:%d", i ? "," : "",
                         false_sentinel_port(place->sentinels[i]));
    }
    snprintf(place->location + size, sizeof place->location - (size_t)size, "/school?pool=1&failover_check_ms=10");
    *state = place;
    return 0;
}

static int stop(void **state) {
    struct place *place = *state;
    for (int i = 0; i < 3; i++)
        false_sentinel_stop(place->sentinels[i]);
    for (int i = 0; i < 2; i++)
        redis_server_stop(place->servers[i]);
    free(place);
    return 0;
}

static lesson_store *open_store(const struct place *place) {
    lesson_store *store;
    assert_code(lesson_store_open(&store, place->location), OK);
    return store;
}

static void expect_server(const struct place *place, lesson_store *store, int server) {
    char address[64];
    snprintf(address, sizeof address, "127.0.0.1:%d", redis_server_port(place->servers[server]));
    expect_fact(store, "address", address);
}

static void name_all(const struct place *place, int server, int epoch) {
    for (int i = 0; i < 3; i++)
        false_sentinel_name(place->sentinels[i], redis_server_port(place->servers[server]), epoch);
}

static int questions(const struct place *place) {
    int count = 0;
    for (int i = 0; i < 3; i++)
        count += false_sentinel_questions(place->sentinels[i]);
    return count;
}

/* Calls until the store has asked twice more. */
static void wait_for_poll(const struct place *place, lesson_store *store) {
    int target = questions(place) + 2;
    while (questions(place) < target)
        lesson_store_where(store, "ann", NULL);
    redis_rest(30000);
    lesson_store_where(store, "ann", NULL);
}

/* Nobody announces the change here, so it is found by asking. */
static void test_changes_are_found_by_asking(void **state) {
    struct place *place = *state;
    lesson_store *store = open_store(place);
    expect_server(place, store, 0);
    name_all(place, 1, 2);
    wait_for_poll(place, store);
    expect_server(place, store, 1);
    lesson_store_close(store);
}

static void test_no_sentinel_at_all(void **state) {
    struct place *place = *state;
    char location[128];
    snprintf(location, sizeof location, "redis+sentinel://127.0.0.1:%d/school", redis_server_port(place->servers[0]));
    raw_refuse(location, LESSON_STORE_UNSUPPORTED, "the server is no Sentinel");
}

static void test_a_silent_sentinel(void **state) {
    struct place *place = *state;
    false_sentinel_be_silent(place->sentinels[0]);
    false_sentinel_be_silent(place->sentinels[1]);
    lesson_store *store = open_store(place);
    expect_server(place, store, 0);
    lesson_store_close(store);
}

static void test_a_sentinel_that_knows_nothing(void **state) {
    struct place *place = *state;
    lesson_store *store;
    false_sentinel_name(place->sentinels[0], 0, 0);
    store = open_store(place);
    lesson_store_close(store);
    false_sentinel_name(place->sentinels[1], 0, 0);
    false_sentinel_name(place->sentinels[2], 0, 0);
    assert_code(lesson_store_open(&store, place->location), INVALID);
    raw_assert_message("knows the master school");
}

/* One that was cut off names the primary of before the failover, which still says that it is one. */
static void test_a_stale_sentinel(void **state) {
    struct place *place = *state;
    name_all(place, 1, 5);
    lesson_store *store = open_store(place);
    expect_server(place, store, 1);
    false_sentinel_name(place->sentinels[0], redis_server_port(place->servers[0]), 4);
    wait_for_poll(place, store);
    expect_server(place, store, 1);
    /* It alone says so even if no other answers. */
    false_sentinel_be_silent(place->sentinels[1]);
    false_sentinel_be_silent(place->sentinels[2]);
    wait_for_poll(place, store);
    expect_server(place, store, 1);
    /* If most say so, the configuration was made anew. */
    name_all(place, 0, 1);
    wait_for_poll(place, store);
    expect_server(place, store, 0);
    lesson_store_close(store);
}

/* One knows nothing, and the others hang. Asking them brings nothing, and so takes at most half of the time. */
static void test_a_sentinel_that_knows_nothing_beside_silent_ones(void **state) {
    struct place *place = *state;
    lesson_store *store = open_store(place);
    int64_t began_us = lesson_store_monotonic_us(), asking_us = 0, now_us = began_us;
    false_sentinel_name(place->sentinels[0], 0, 0);
    false_sentinel_be_silent(place->sentinels[1]);
    false_sentinel_be_silent(place->sentinels[2]);
    for (int slow = 0; slow < 5;) {
        int64_t before_us = now_us;
        assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
        now_us = lesson_store_monotonic_us();
        if (now_us - before_us > 200000) {
            asking_us += now_us - before_us;
            slow++;
        }
    }
    assert_true(asking_us < (now_us - began_us) * 3 / 4);
    lesson_store_close(store);
}

/* It names a replica. The store waits for a primary, within the time of the call. */
static void test_a_sentinel_that_names_a_replica(void **state) {
    struct place *place = *state;
    char location[300];
    lesson_store *store;
    assert_true(redis_tell(place->servers[0], NULL, "REPLICAOF 127.0.0.1 %d", redis_server_port(place->servers[1])));
    snprintf(location, sizeof location, "%s&connect_timeout_ms=200", place->location);
    assert_code(lesson_store_open(&store, location), READ_ONLY);
    raw_assert_message("the server is a replica");
    name_all(place, 1, 2);
    assert_code(lesson_store_open(&store, location), OK);
    expect_server(place, store, 1);
    lesson_store_close(store);
}

static void write_password(const char *path, const char *password) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fprintf(out, "%s\n", password);
    assert_int_equal(fclose(out), 0);
}

static void expect_password_file(const char *hosts) {
    char location[512], path[] = "/tmp/lessonstore-sentinel-XXXXXX";
    lesson_store *store;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    snprintf(location, sizeof location, "redis+sentinel://:s3cret@%s?sentinel_password_file=%s", hosts, path);
    write_password(path, "wrong-s3cret");
    raw_refuse(location, LESSON_STORE_DENIED, "did not accept the password");
    assert_null(strstr(lesson_store_message(), "s3cret"));
    write_password(path, "other-s3cret");
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(join(store, "bob", "L1"), OK);
    lesson_store_close(store);
    unlink(path);
}

static void test_passwords(void **state) {
    (void)state;
    redis_sentinels *rig = redis_sentinels_start(
        &(redis_sentinels_options){.replicas = 1, .password = "s3cret", .sentinel_password = "other-s3cret"});
    assert_non_null(rig);
    char location[512];
    lesson_store *store;
    const char *hosts = strstr(redis_sentinels_location(rig), "://") + 3;
    snprintf(location, sizeof location, "redis+sentinel://:s3cret@%s?sentinel_password=other-s3cret", hosts);
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(join(store, "ann", "L1"), OK);
    lesson_store_close(store);
    snprintf(location, sizeof location, "redis+sentinel://:s3cret@%s", hosts);
    raw_refuse(location, LESSON_STORE_DENIED, "NOAUTH");
    snprintf(location, sizeof location, "redis+sentinel://:s3cret@%s?sentinel_password=wrong-s3cret", hosts);
    raw_refuse(location, LESSON_STORE_DENIED, "did not accept the password");
    assert_null(strstr(lesson_store_message(), "s3cret"));
    expect_password_file(hosts);
    redis_sentinels_stop(rig);
}

#define FALSE(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)

static const struct CMUnitTest rig_tests[] = {
    cmocka_unit_test(test_the_primary_is_killed),
    cmocka_unit_test(test_a_feed_goes_on_after_a_failover),
    cmocka_unit_test(test_a_failover_by_hand_loses_nothing_confirmed),
    cmocka_unit_test(test_the_primary_hangs),
    cmocka_unit_test(test_without_sentinels),
};

static int run_over_tls(void) {
    certificates made;
    if (certificates_make(&made))
        return 1;
    over_tls = &made;
    int failed = cmocka_run_group_tests(rig_tests, NULL, NULL);
    certificates_remove(&made);
    return failed;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        FALSE(changes_are_found_by_asking),
        FALSE(no_sentinel_at_all),
        FALSE(a_silent_sentinel),
        FALSE(a_sentinel_that_knows_nothing),
        FALSE(a_stale_sentinel),
        FALSE(a_sentinel_that_knows_nothing_beside_silent_ones),
        FALSE(a_sentinel_that_names_a_replica),
        cmocka_unit_test(test_passwords),
    };
    if (argc > 1 && strcmp(argv[1], "--tls") == 0)
        return run_over_tls();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return cmocka_run_group_tests(rig_tests, NULL, NULL) || failed;
}
