/* What the redis backend counts and tells, beside a server that loses its clients, its scripts, or itself. */
#include <string.h>

#include "figures_of.h"
#include "raw.h"

#define ENTRIES_MAX 64

typedef struct heard {
    int count;
    uint32_t kinds[ENTRIES_MAX];
    char messages[ENTRIES_MAX][LESSON_STORE_MESSAGE_SIZE];
} heard;

static void hear(const lesson_store_log_entry *entry, void *context) {
    heard *log = context;
    assert_in_range(log->count, 0, ENTRIES_MAX - 1);
    log->kinds[log->count] = entry->kind;
    snprintf(log->messages[log->count++], sizeof log->messages[0], "%s", entry->message);
}

static int count_of(const heard *log, lesson_store_log_kind kind) {
    int count = 0;
    for (int i = 0; i < log->count; i++)
        count += log->kinds[i] == kind;
    return count;
}

static const char *latest_of(const heard *log, lesson_store_log_kind kind) {
    const char *message = "";
    for (int i = 0; i < log->count; i++)
        message = log->kinds[i] == kind ? log->messages[i] : message;
    return message;
}

static lesson_store *open_logged(const raw_server *raw, const char *options, heard *log) {
    const lesson_store_log wanted = {.callback = hear, .context = log, .level = LESSON_STORE_LEVEL_DETAIL};
    char location[512];
    lesson_store *store;
    snprintf(location, sizeof location, "%s%s", redis_server_unix_location(raw->server), options);
    assert_code(lesson_store_open_logged(&store, location, &wanted), OK);
    return store;
}

static void test_bytes_are_those_that_the_server_counts(void **state) {
    raw_server *raw = *state;
    uint64_t sent = figures_engine(raw->store, LESSON_STORE_ENGINE_BYTES_SENT);
    uint64_t requests = figures_engine(raw->store, LESSON_STORE_ENGINE_REQUESTS);
    uint64_t received = figures_engine(raw->store, LESSON_STORE_ENGINE_BYTES_RECEIVED);
    assert_code(lesson_store_where(raw->store, "ann", NULL), NOT_FOUND);
    assert_int_equal(figures_engine(raw->store, LESSON_STORE_ENGINE_REQUESTS), requests + 1);
    sent = figures_engine(raw->store, LESSON_STORE_ENGINE_BYTES_SENT) - sent;
    received = figures_engine(raw->store, LESSON_STORE_ENGINE_BYTES_RECEIVED) - received;
    static const char command[] = "HMGET" USER("ann") "course_idlesson_idsessionsession_lesson_idownerjoined_ms";
    assert_in_range(sent, sizeof command, 3 * sizeof command);
    assert_int_equal(received, strlen("*6\r\n") + 6 * strlen("$-1\r\n"));
}

static void test_a_connection_that_breaks_is_made_anew_and_told(void **state) {
    raw_server *raw = *state;
    heard log = {0};
    lesson_store *store = open_logged(raw, "?pool=1", &log);
    assert_int_equal(count_of(&log, LESSON_STORE_LOG_CONNECTED), 1);
    assert_non_null(strstr(log.messages[0], "connected to Redis"));
    assert_int_equal(figures_engine(store, LESSON_STORE_ENGINE_CONNECTIONS), 1);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    assert_true(raw_number(raw, "CLIENT KILL TYPE normal SKIPME yes") >= 1);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    assert_int_equal(count_of(&log, LESSON_STORE_LOG_RECONNECTED), 1);
    assert_int_equal(figures_engine(store, LESSON_STORE_ENGINE_CONNECTIONS), 2);
    assert_int_equal(figures_engine(store, LESSON_STORE_ENGINE_CONNECTION_LOSSES), 1);
    lesson_store_close(store);
}

/* Many attempts, one entry; and one again after the server was there. */
static void test_a_server_that_is_away_is_told_once(void **state) {
    raw_server *raw = *state;
    heard log = {0};
    lesson_store *store = open_logged(raw, "?pool=1&connect_timeout_ms=500", &log);
    for (int round = 1; round <= 2; round++) {
        redis_server_kill(raw->server);
        for (int i = 0; i < 3; i++)
            assert_code(lesson_store_where(store, "ann", NULL), UNREACHABLE);
        assert_int_equal(count_of(&log, LESSON_STORE_LOG_UNREACHABLE), round);
        assert_true(figures_engine(store, LESSON_STORE_ENGINE_CONNECTION_FAILURES) >= (uint64_t)(3 * round));
        assert_true(redis_server_restart(raw->server));
        assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
        assert_int_equal(count_of(&log, LESSON_STORE_LOG_RECONNECTED), round);
    }
    raw_reconnect(raw);
    lesson_store_close(store);
}

static void test_a_script_is_sent_whole_once(void **state) {
    raw_server *raw = *state;
    heard log = {0};
    lesson_store *store = open_logged(raw, "?pool=1", &log);
    raw_do(raw, "SCRIPT FLUSH");
    for (int i = 0; i < 3; i++)
        assert_code(lesson_store_join(store, "ann", "maths", "algebra", NULL, 0, NULL), OK);
    assert_int_equal(figures_engine(store, LESSON_STORE_ENGINE_SCRIPT_LOADS), 1);
    assert_int_equal(count_of(&log, LESSON_STORE_LOG_SCRIPT_LOADED), 1);
    lesson_store_close(store);
}

static void test_a_server_that_deletes_keys_is_told_of(void **state) {
    raw_server *raw = *state;
    static const struct {
        const char *policy;
        int told;
    } trials[] = {{"noeviction", 0}, {"volatile-lru", 0}, {"allkeys-lru", 1}, {"allkeys-random", 1}};
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        heard log = {0};
        raw_do(raw, "CONFIG SET maxmemory-policy %s", trials[i].policy);
        lesson_store *store = open_logged(raw, "", &log);
        assert_int_equal(count_of(&log, LESSON_STORE_LOG_EVICTION), trials[i].told);
        assert_true(!trials[i].told || strstr(latest_of(&log, LESSON_STORE_LOG_EVICTION), trials[i].policy));
        lesson_store_close(store);
    }
    raw_do(raw, "CONFIG SET maxmemory-policy noeviction");
}

/* Without a log, or below its level, INFO is not asked. */
static void test_nobody_asks_what_nobody_wants_to_know(void **state) {
    raw_server *raw = *state;
    long long before = raw_calls(raw, "info");
    lesson_store *store = raw_open_store(raw, "");
    lesson_store_close(store);
    assert_int_equal(raw_calls(raw, "info"), before + 1); /* by raw_calls itself */
}

static void test_writes_that_too_few_replicas_have_are_counted(void **state) {
    raw_server *raw = *state;
    heard log = {0};
    lesson_store *store = open_logged(raw, "?pool=1&wait_replicas=1&timeout_ms=2000", &log);
    assert_code(lesson_store_create(store, "algebra", 0), UNKNOWN);
    assert_int_equal(figures_engine(store, LESSON_STORE_ENGINE_UNCONFIRMED), 1);
    assert_int_equal(count_of(&log, LESSON_STORE_LOG_UNCONFIRMED), 1);
    assert_non_null(strstr(latest_of(&log, LESSON_STORE_LOG_UNCONFIRMED), "0 of 1 replicas"));
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(bytes_are_those_that_the_server_counts),
        TEST(a_connection_that_breaks_is_made_anew_and_told),
        TEST(a_server_that_is_away_is_told_once),
        TEST(a_script_is_sent_whole_once),
        TEST(a_server_that_deletes_keys_is_told_of),
        TEST(nobody_asks_what_nobody_wants_to_know),
        TEST(writes_that_too_few_replicas_have_are_counted),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
