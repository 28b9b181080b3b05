/* What a store over three masters says of them. With the argument --tls: over TLS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificates.h"
#include "raw.h"
#include "redis_ask.h"
#include "redis_cluster.h"

enum { NODES = 3, FACTS_SIZE = 4096 };

static const certificates *over_tls; /* NULL: in the clear */

static int start(void **state) {
    const redis_cluster_options wanted = {.primaries = NODES, .certificates = over_tls};
    *state = redis_cluster_start(&wanted);
    assert_non_null(*state);
    return 0;
}

static int stop(void **state) {
    redis_cluster_stop(*state);
    return 0;
}

/* Each fact is a line "NAME: VALUE". */
static bool note(const char *name, const char *value, void *context) {
    char *facts = context;
    size_t used = strlen(facts);
    snprintf(facts + used, FACTS_SIZE - used, "%s: %s\n", name, value);
    return true;
}

static void read_facts(const redis_cluster *rig, const char *options, char facts[FACTS_SIZE]) {
    char location[1024];
    lesson_store *store;
    facts[0] = '\0';
    certificates_locate(location, sizeof location, over_tls, redis_cluster_location(rig), options);
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(lesson_store_info(store, note, facts), OK);
    lesson_store_close(store);
}

static void set_policy(const redis_cluster *rig, int node, const char *policy) {
    assert_true(redis_tell(redis_cluster_node(rig, node), NULL, "CONFIG SET maxmemory-policy %s", policy));
}

/* The policy of any one master can be the worst. */
static void test_eviction(void **state) {
    const redis_cluster *rig = *state;
    char facts[FACTS_SIZE];
    read_facts(rig, "", facts);
    assert_non_null(strstr(facts, "\neviction_policy: noeviction\n"));
    assert_null(strstr(facts, "\nwarning: "));
    for (int i = 0; i < NODES; i++) {
        set_policy(rig, i, "volatile-ttl");
        read_facts(rig, "", facts);
        assert_non_null(strstr(facts, "\neviction_policy: volatile-ttl\n"));
        assert_null(strstr(facts, "\nwarning: "));
        set_policy(rig, (i + 1) % NODES, "allkeys-lru");
        read_facts(rig, "", facts);
        assert_non_null(strstr(facts, "\neviction_policy: allkeys-lru\nwarning: the server would evict "));
        set_policy(rig, i, "noeviction");
        set_policy(rig, (i + 1) % NODES, "noeviction");
    }
}

static void test_tls(void **state) {
    char facts[FACTS_SIZE];
    read_facts(*state, "", facts);
    if (!over_tls) {
        assert_non_null(strstr(facts, "\ntls: none\n"));
        return;
    }
    assert_non_null(strstr(facts, "\ntls: TLSv1.3 "));
    assert_non_null(strstr(facts, ", verify full\ntls_resumed: "));
    assert_null(strstr(facts, "\nwarning: "));
    read_facts(*state, "tls_verify=none", facts);
    assert_non_null(strstr(facts, "\nwarning: the server's certificate is not checked"));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_eviction), cmocka_unit_test(test_tls)};
    certificates made;
    if (argc > 1 && strcmp(argv[1], "--tls") == 0) {
        if (certificates_make(&made) != 0)
            return 1;
        over_tls = &made;
    }
    int failed = cmocka_run_group_tests(tests, start, stop);
    if (over_tls)
        certificates_remove(&made);
    return failed;
}
