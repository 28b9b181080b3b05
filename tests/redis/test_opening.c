/* Locations, accounts, and what an open store reports about itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

/* ---- Accounts */

static void open_as(const raw_server *raw, char location[512], const char *account, const char *options) {
    snprintf(location, 512, "redis://%s@127.0.0.1:%d%s", account, redis_server_port(raw->server), options);
}

static void test_accounts(void **state) {
    raw_server *raw = *state;
    char location[512];
    lesson_store *store;
    raw_do(raw, "ACL SETUSER ann on >p%%40ss:w/rd ~STATUS:* +@all");
    open_as(raw, location, "ann:p%2540ss:w%2Frd", "/0");
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(lesson_store_create(store, "L1", 0), OK);
    lesson_store_close(store);

    open_as(raw, location, "ann:wrong-secret", "");
    raw_refuse(location, LESSON_STORE_DENIED, "WRONGPASS");
    assert_null(strstr(lesson_store_message(), "wrong-secret"));
    open_as(raw, location, "nobody:wrong-secret", "");
    raw_refuse(location, LESSON_STORE_DENIED, "WRONGPASS");
    open_as(raw, location, ":needless-secret", "");
    raw_refuse(location, LESSON_STORE_DENIED, "password");
    assert_null(strstr(lesson_store_message(), "needless-secret"));
}

static void test_required_password(void **state) {
    raw_server *raw = *state;
    char location[512];
    lesson_store *store;
    raw_do(raw, "CONFIG SET requirepass s3cret");
    raw_refuse(redis_server_tcp_location(raw->server), LESSON_STORE_DENIED, "NOAUTH");
    open_as(raw, location, ":s3cret", "");
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    lesson_store_close(store);
    raw_do(raw, "CONFIG SET requirepass %s", "");
}

/* The rights that the backend's README asks for. */
static void test_enough_rights(void **state) {
    raw_server *raw = *state;
    char location[512];
    lesson_store *store;
    uint64_t left, found;
    int present;
    raw_do(raw, "ACL SETUSER enough on >pw ~STATUS:* +@connection +@scripting +@read +@write");
    open_as(raw, location, "enough:pw", "?pool=1");
    assert_code(lesson_store_open(&store, location), OK);
    raw_do(raw, "SCRIPT FLUSH");
    assert_code(lesson_store_create(store, "L1", 0), OK);
    assert_code(lesson_store_join(store, "ann", "C", "L1", "s", LESSON_STORE_JOIN_IF_OPEN, NULL), OK);
    assert_code(lesson_store_join(store, "ann", "C", "L2", NULL, 0, NULL), OK);
    assert_code(lesson_store_replace_chat_status(store, "L1", 1, 1, &present), CONFLICT);
    assert_code(
        lesson_store_check(store, LESSON_STORE_CHECK_REPAIR | LESSON_STORE_CHECK_ENDED, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, 1);
    assert_code(lesson_store_quit(store, "ann", NULL, NULL, NULL), NOT_FOUND);
    assert_code(lesson_store_end(store, "L1", 0, &left), OK);
    lesson_store_close(store);
    raw_expect(raw, "");
}

/* Without the right to run scripts; then with it, but without the right to write, or without the right to other keys.
 */
static void test_rights(void **state) {
    raw_server *raw = *state;
    char location[512];
    lesson_store *store;
    assert_code(lesson_store_join(raw->store, "ann", "C1", "L1", NULL, 0, NULL), OK);
    assert_code(lesson_store_create(raw->store, "L1", 0), OK);
    char *before = raw_dump(raw);
    raw_do(raw, "ACL SETUSER none on >pw ~* +@connection");
    raw_do(raw, "ACL SETUSER reader on >pw ~* +@connection +@read +@scripting");
    raw_do(raw, "ACL SETUSER tenant on >pw ~OTHER:* +@all");
    static const char *const accounts[] = {"none:pw", "reader:pw", "tenant:pw"};
    for (size_t i = 0; i < 3; i++) {
        open_as(raw, location, accounts[i], "?pool=1");
        assert_code(lesson_store_open(&store, location), OK);
        assert_code(lesson_store_join(store, "ann", "C", "L2", NULL, 0, NULL), DENIED);
        assert_code(lesson_store_create(store, "L2", 0), DENIED);
        assert_code(lesson_store_quit(store, "ann", NULL, NULL, NULL), DENIED);
        bool may_read = i == 1;
        assert_int_equal(lesson_store_where(store, "ann", NULL), may_read ? LESSON_STORE_OK : LESSON_STORE_DENIED);
        lesson_store_close(store);
        raw_expect(raw, before);
    }
    /* An account that cannot remove the members cannot end the lesson. */
    raw_do(raw, "ACL SETUSER lessons on >pw ~STATUS:LESSON_* +@all");
    open_as(raw, location, "lessons:pw", "?pool=1");
    assert_code(lesson_store_open(&store, location), OK);
    assert_code(lesson_store_end(store, "L1", 0, NULL), DENIED);
    lesson_store_close(store);
    raw_expect(raw, before);
    free(before);
}

/* ---- Locations */

static void test_locations(void **state) {
    raw_server *raw = *state;
    char location[512], path[200];
    raw_refuse("redis://127.0.0.1:1", LESSON_STORE_UNREACHABLE, "127.0.0.1:1");
    raw_refuse("redis+unix:///nowhere/redis.sock", LESSON_STORE_UNREACHABLE, "/nowhere/redis.sock");
    raw_refuse("redis://", LESSON_STORE_INVALID, "host");
    raw_refuse("redis:///0", LESSON_STORE_INVALID, "host");
    raw_refuse("redis+unix://", LESSON_STORE_INVALID, "path");
    raw_refuse("redis+unix://host/path", LESSON_STORE_INVALID, "host");
    raw_refuse("redis+unix:redis.sock", LESSON_STORE_INVALID, "does not begin with a /");
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    snprintf(location, sizeof location, "redis+unix:///%s", path);
    raw_refuse(location, LESSON_STORE_INVALID, "bytes");
    raw_refuse("redis://127.0.0.1/one", LESSON_STORE_INVALID, "the path is not /");
    raw_refuse("redis://127.0.0.1/-1", LESSON_STORE_INVALID, "the path is not /");
    raw_refuse("redis://127.0.0.1/65536", LESSON_STORE_INVALID, "65535");
    raw_refuse("redis://127.0.0.1/99999999999999999999", LESSON_STORE_INVALID, "65535");
    raw_refuse("redis://127.0.0.1/1?db=1", LESSON_STORE_INVALID, "twice");
    raw_refuse("redis://127.0.0.1?db=x", LESSON_STORE_INVALID, "db");
    raw_refuse("redis://127.0.0.1?prefix=", LESSON_STORE_INVALID, "prefix");
    raw_refuse("redis://127.0.0.1?prefix=%FF", LESSON_STORE_INVALID, "prefix");
    raw_refuse("redis://127.0.0.1?timeout_ms=0", LESSON_STORE_INVALID, "timeout_ms");
    snprintf(location, sizeof location, "%s/16", redis_server_tcp_location(raw->server));
    raw_refuse(location, LESSON_STORE_INVALID, "database 16");
}

struct fact {
    const char *name;
    char value[128];
};

static bool keep_fact(const char *name, const char *value, void *context) {
    struct fact *fact = context;
    if (strcmp(name, fact->name) == 0)
        snprintf(fact->value, sizeof fact->value, "%s", value);
    return true;
}

static void test_info(void **state) {
    raw_server *raw = *state;
    static const char *const expected[][2] = {{"mode", "standalone"}, {"database", "5"},      {"prefix", "P"},
                                              {"timeout_ms", "1234"}, {"can_persist", "yes"}, {"pool", "8"}};
    lesson_store *store = raw_open_store(raw, "?db=5&prefix=P&timeout_ms=1234");
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct fact fact = {.name = expected[i][0]};
        assert_code(lesson_store_info(store, keep_fact, &fact), OK);
        assert_string_equal(fact.value, expected[i][1]);
    }
    struct fact engine = {.name = "engine"};
    assert_code(lesson_store_info(store, keep_fact, &engine), OK);
    assert_non_null(strpbrk(engine.value, "0123456789"));
    assert_true(strncmp(engine.value, "Redis ", 6) == 0 || strncmp(engine.value, "Valkey ", 7) == 0);
    lesson_store_close(store);
}

static void test_node_of_a_cluster(void **state) {
    (void)state;
    static const char *const arguments[] = {"--cluster-enabled", "yes", NULL};
    redis_server *node = redis_server_start(arguments);
    assert_non_null(node);
    raw_refuse(redis_server_unix_location(node), LESSON_STORE_UNSUPPORTED, "cluster");
    redis_server_stop(node);
}

/* The server may close the connection before or after the greeting is sent. Its reason is reported in both cases. */
static void test_too_many_clients(void **state) {
    raw_server *raw = *state;
    char with_password[512];
    open_as(raw, with_password, ":secret", "");
    lesson_store_close(raw->store);
    raw->store = NULL;
    raw_do(raw, "CONFIG SET maxclients 1");
    for (int i = 0; i < 300; i++) {
        raw_refuse(redis_server_unix_location(raw->server), LESSON_STORE_UNREACHABLE, "max number of clients");
        raw_refuse(redis_server_tcp_location(raw->server), LESSON_STORE_UNREACHABLE, "max number of clients");
        raw_refuse(with_password, LESSON_STORE_UNREACHABLE, "max number of clients");
    }
    raw_do(raw, "CONFIG SET maxclients 10000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(too_many_clients), TEST(accounts), TEST(required_password), TEST(enough_rights), TEST(rights),
        TEST(locations),        TEST(info),     TEST(node_of_a_cluster),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
