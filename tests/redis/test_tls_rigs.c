/* Certificates where others name the server: whose is checked, for which name, and what a refusal says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lessonstore/backend.h>

#include "redis_ask.h"
#include "redis_cluster.h"
#include "redis_sentinels.h"
#include "tls_place.h"

#define TAGGED "&prefix={school}"
#define GENEROUS_US INT64_C(20000000) /* far more than a busy machine needs for a call of a second */

static certificates made;

static int start(void **state) {
    (void)state;
    return certificates_make(&made);
}

static int stop(void **state) {
    (void)state;
    certificates_remove(&made);
    return 0;
}

/* ---- Trials: a location, and what opening it brings */

/* Replaces each "@" by the directory of the certificates. */
static void write_options(char *out, size_t size, const char *options) {
    size_t used = 0;
    for (; *options; options++) {
        used += (size_t)(*options == '@' ? snprintf(out + used, size - used, "%s", made.directory)
                                         : snprintf(out + used, size - used, "%c", *options));
        assert_true(used < size);
    }
}

static int try_to_open(lesson_store **store, const char *hosts, const char *options) {
    char location[TLS_LOCATION_SIZE], all[TLS_LOCATION_SIZE / 2];
    write_options(all, sizeof all, options);
    certificates_locate(location, sizeof location, NULL, hosts, all);
    return lesson_store_open(store, location);
}

/* An OK one also joins a lesson. */
static void play(const char *hosts, const char *options, int code, const char *part) {
    lesson_store *store = NULL;
    int opened = try_to_open(&store, hosts, options);
    if (opened != code || (code && !strstr(lesson_store_message(), part)))
        fail_msg("%s, %s: %s: %s", hosts, options, lesson_store_code_name(opened),
                 opened ? lesson_store_message() : "");
    if (opened == LESSON_STORE_OK)
        assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    lesson_store_close(store);
}

/* The same location with this host in the place of 127.0.0.1. */
static void rename_hosts(char out[TLS_LOCATION_SIZE], const char *location, const char *host) {
    static const char address[] = "127.0.0.1";
    size_t used = 0;
    while (*location) {
        bool is_address = strncmp(location, address, strlen(address)) == 0;
        used += (size_t)(is_address ? snprintf(out + used, TLS_LOCATION_SIZE - used, "%s", host)
                                    : snprintf(out + used, TLS_LOCATION_SIZE - used, "%c", *location));
        location += is_address ? strlen(address) : 1;
        assert_true(used < TLS_LOCATION_SIZE);
    }
}

/* ---- Names. The servers are announced as 127.0.0.1, and their certificates name localhost only. */

static void play_names(const char *location, const char *more) {
    char by_name[TLS_LOCATION_SIZE], options[256];
    const struct {
        const char *location;
        const char *option;
        int code;
    } trials[] = {
        {location, "", LESSON_STORE_DENIED},
        {by_name, "", LESSON_STORE_DENIED}, /* who is asked is accepted, and who is named is not */
        {location, "&tls_name=localhost", LESSON_STORE_OK},
        {by_name, "&tls_name=localhost", LESSON_STORE_OK},
        {location, "&tls_verify=ca", LESSON_STORE_OK},
    };
    rename_hosts(by_name, location, "localhost");
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        snprintf(options, sizeof options, TLS_CLIENT "%s%s", more, trials[i].option);
        play(trials[i].location, options, trials[i].code, "127.0.0.1 is not accepted: IP address mismatch");
    }
}

static void test_names_behind_sentinels(void **state) {
    (void)state;
    const redis_sentinels_options options = {.replicas = 1, .certificates = &made, .certificate = "named"};
    redis_sentinels *rig = redis_sentinels_start(&options);
    assert_non_null(rig);
    play_names(redis_sentinels_location(rig), "");
    redis_sentinels_stop(rig);
}

static bool can_be_opened(void *context) {
    lesson_store *store;
    int code = try_to_open(&store, context, TLS_CLIENT TAGGED);
    if (code == LESSON_STORE_OK)
        lesson_store_close(store);
    return code == LESSON_STORE_OK;
}

/* As docs/production.md says. MOVED has the names then, too. */
static void announce_names(const redis_cluster *rig) {
    for (int i = 0; i < redis_cluster_node_count(rig); i++) {
        const redis_server *node = redis_cluster_node(rig, i);
        assert_true(redis_tell(node, NULL, "CONFIG SET cluster-announce-hostname localhost"));
        assert_true(redis_tell(node, NULL, "CONFIG SET cluster-preferred-endpoint-type hostname"));
    }
}

static void test_names_in_a_cluster(void **state) {
    (void)state;
    char by_name[TLS_LOCATION_SIZE];
    lesson_store *store;
    const redis_cluster_options options = {.primaries = 3, .certificates = &made, .certificate = "named"};
    redis_cluster *rig = redis_cluster_start(&options);
    assert_non_null(rig);
    play_names(redis_cluster_location(rig), TAGGED);

    announce_names(rig);
    rename_hosts(by_name, redis_cluster_location(rig), "localhost");
    assert_true(redis_wait(can_be_opened, by_name)); /* the nodes tell each other */
    assert_int_equal(try_to_open(&store, by_name, TLS_CLIENT TAGGED "&timeout_ms=60000"), LESSON_STORE_OK);
    int slot = redis_cluster_slot(rig, "{school}"), source = redis_cluster_owner(rig, slot);
    assert_true(redis_cluster_move(rig, slot, source, (source + 1) % 3, 0));
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    assert_memory_equal(tls_fact(store, "address"), "localhost:", 10);
    lesson_store_close(store);
    redis_cluster_stop(rig);
}

/* ---- Certificates of another CA */

static void test_sentinels_that_are_not_trusted(void **state) {
    (void)state;
    const redis_sentinels_options options = {.replicas = 1, .certificates = &made};
    redis_sentinels *rig = redis_sentinels_start(&options);
    redis_server *stranger = redis_server_start_tls(&made, "stranger", NULL);
    assert_non_null(rig);
    assert_non_null(stranger);
    const char *location = redis_sentinels_location(rig);
    char hosts[TLS_LOCATION_SIZE], part[128];

    int64_t began_us = lesson_store_monotonic_us();
    snprintf(part, sizeof part, "127.0.0.1:%d: the server's certificate for 127.0.0.1 is not accepted: ",
             redis_server_port(redis_sentinels_sentinel(rig, 2)));
    play(location, "tls_ca=@/other-ca.crt&connect_timeout_ms=1000", LESSON_STORE_DENIED, part);
    assert_true(lesson_store_monotonic_us() - began_us < GENEROUS_US);
    play(location, "tls_ca=@/ca.crt", LESSON_STORE_DENIED, "client certificate");

    /* One of them is enough. */
    snprintf(hosts, sizeof hosts, "rediss+sentinel://127.0.0.1:%d,%s", redis_server_tls_port(stranger),
             strstr(location, "://") + 3);
    play(hosts, TLS_CLIENT, LESSON_STORE_OK, "");
    redis_server_stop(stranger);
    redis_sentinels_stop(rig);
}

/* It shows this certificate on connections to come. The bus keeps those it has, because the nodes have a long timeout.
 */
static void change_certificate(const redis_server *node, const char *name) {
    assert_true(redis_tell(node, NULL, "CONFIG SET tls-cert-file %s/%s.crt tls-key-file %s/%s.key", made.directory,
                           name, made.directory, name));
}

/* Returns when they are closed. */
static void close_connections(const redis_server *server) {
    redisReply *reply = redis_ask(server, NULL, NULL, "CLIENT KILL TYPE normal SKIPME yes");
    assert_non_null(reply);
    assert_in_range(reply->integer, 1, 1000);
    freeReplyObject(reply);
}

/* A node whose certificate is not accepted says nothing of the others, so those are asked: at opening, and when the
 * connection to the owner is lost. */
static void test_nodes_that_are_not_trusted(void **state) {
    (void)state;
    const redis_cluster_options options = {.primaries = 3, .node_timeout_ms = 15000, .certificates = &made};
    redis_cluster *rig = redis_cluster_start(&options);
    lesson_store *store;
    assert_non_null(rig);
    assert_int_equal(try_to_open(&store, redis_cluster_location(rig), TLS_CLIENT TAGGED "&pool=1"), LESSON_STORE_OK);
    int slot = redis_cluster_slot(rig, "{school}"), owner = redis_cluster_owner(rig, slot), bad = (owner + 1) % 3;
    int bad_port = redis_server_port(redis_cluster_node(rig, bad));
    char hosts[TLS_LOCATION_SIZE], part[128];
    change_certificate(redis_cluster_node(rig, bad), "stranger");
    change_certificate(redis_cluster_node(rig, (owner + 2) % 3), "stranger");
    close_connections(redis_cluster_node(rig, owner));
    redis_rest(50000); /* what was found out just now is not asked again (FRESH_US in topology.c) */
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    lesson_store_close(store);

    snprintf(part, sizeof part, "127.0.0.1:%d: the server's certificate for 127.0.0.1 is not accepted: ", bad_port);
    snprintf(hosts, sizeof hosts, "rediss+cluster://127.0.0.1:%d", bad_port);
    play(hosts, TLS_CLIENT TAGGED, LESSON_STORE_DENIED, part);

    /* Not even a node that is gone hides the reason. */
    strcat(hosts, ",127.0.0.1:1");
    play(hosts, TLS_CLIENT TAGGED, LESSON_STORE_DENIED, part);
    snprintf(hosts + strlen(hosts), sizeof hosts - strlen(hosts), ",127.0.0.1:%d",
             redis_server_port(redis_cluster_node(rig, owner)));
    play(hosts, TLS_CLIENT TAGGED, LESSON_STORE_OK, "");
    change_certificate(redis_cluster_node(rig, owner), "stranger");
    play(hosts, TLS_CLIENT TAGGED, LESSON_STORE_DENIED, "is not accepted: ");
    redis_cluster_stop(rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_behind_sentinels),
        cmocka_unit_test(test_names_in_a_cluster),
        cmocka_unit_test(test_sentinels_that_are_not_trusted),
        cmocka_unit_test(test_nodes_that_are_not_trusted),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
