/* What the log is told, by a backend that tells it what the test wants. */
#include <stdio.h>
#include <string.h>

#include <lessonstore/backend.h>

#include "cmocka_all.h"
#include "figures_of.h"

#define ENTRIES_MAX 16

typedef struct heard {
    int count;
    uint32_t kinds[ENTRIES_MAX];
    uint32_t levels[ENTRIES_MAX];
    char words[ENTRIES_MAX][24];
    char messages[ENTRIES_MAX][LESSON_STORE_MESSAGE_SIZE];
    lesson_store *calls; /* the callback calls this store */
    int code;            /* and this is the answer */
} heard;

static void hear(const lesson_store_log_entry *entry, void *context) {
    heard *log = context;
    assert_in_range(log->count, 0, ENTRIES_MAX - 1);
    log->kinds[log->count] = entry->kind;
    log->levels[log->count] = entry->level;
    snprintf(log->words[log->count], sizeof log->words[0], "%s", entry->word);
    snprintf(log->messages[log->count], sizeof log->messages[0], "%s", entry->message);
    log->count++;
    if (log->calls)
        log->code = lesson_store_where(log->calls, "ann", NULL);
}

/* ---- A backend whose every call is an event */

typedef struct teller {
    lesson_store_instance base;
    lesson_store_observer *observer;
} teller;

static lesson_store_log_kind told_kind;
static const char *told_text;

static int teller_open(lesson_store_instance **out, const lesson_store_location *location) {
    static teller only;
    memset(&only, 0, sizeof only);
    only.observer = lesson_store_location_observer(location);
    lesson_store_observe_event(only.observer, LESSON_STORE_LOG_CONNECTED, "%s", lesson_store_location_shown(location));
    *out = &only.base;
    return LESSON_STORE_OK;
}

static void teller_close(lesson_store_instance *instance) {
    (void)instance;
}

static int teller_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    teller *self = (teller *)instance;
    lesson_store_fail(LESSON_STORE_FAILED, "a failure of before");
    lesson_store_observe_count(self->observer, LESSON_STORE_ENGINE_REQUESTS, 2);
    lesson_store_observe_event(self->observer, told_kind, "%s", told_text);
    for (size_t i = 0; i < count; i++)
        lesson_store_answer(&operations[i], operations[i].kind == LESSON_STORE_OPERATION_HOLD ? LESSON_STORE_CONFLICT
                                                                                              : LESSON_STORE_OK);
    return LESSON_STORE_OK;
}

static const lesson_store_backend teller_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "teller",
    .summary = "tells the log",
    .operations = LESSON_STORE_OPERATIONS_0_2,
    .flags = LESSON_STORE_FLAGS_0_2,
    .open = teller_open,
    .close = teller_close,
    .run = teller_run,
};

static lesson_store *open_logged(heard *log, uint32_t level) {
    const lesson_store_log wanted = {.callback = hear, .context = log, .level = level};
    lesson_store *store;
    assert_int_equal(lesson_store_register(&teller_backend), LESSON_STORE_OK);
    assert_int_equal(lesson_store_open_logged(&store, "teller://ann:s3cret@host", &wanted), LESSON_STORE_OK);
    return store;
}

static void tell(lesson_store *store, lesson_store_log_kind kind, const char *text) {
    told_kind = kind;
    told_text = text;
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_OK);
}

/* ---- The tests */

static void an_entry_has_its_kind_its_level_its_word_and_a_printable_text(void **state) {
    (void)state;
    heard log = {0};
    lesson_store *store = open_logged(&log, LESSON_STORE_LEVEL_DETAIL);
    tell(store, LESSON_STORE_LOG_FAILOVER, "a\nb\x1b[1m");
    assert_int_equal(log.count, 2);
    assert_int_equal(log.kinds[0], LESSON_STORE_LOG_CONNECTED);
    assert_string_equal(log.messages[0], "teller://ann:***@host");
    assert_int_equal(log.kinds[1], LESSON_STORE_LOG_FAILOVER);
    assert_int_equal(log.levels[1], LESSON_STORE_LEVEL_NOTICE);
    assert_string_equal(log.words[1], "failover");
    assert_string_equal(log.messages[1], "a?b?[1m");
    lesson_store_close(store);
}

static void a_level_leaves_out_what_matters_less(void **state) {
    (void)state;
    const struct {
        uint32_t level;
        int told;
    } trials[] = {
        {LESSON_STORE_LEVEL_WARNING, 1}, {LESSON_STORE_LEVEL_NOTICE, 2}, {0, 2}, {LESSON_STORE_LEVEL_DETAIL, 4}};
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        heard log = {0};
        lesson_store *store = open_logged(&log, trials[i].level);
        tell(store, LESSON_STORE_LOG_UNREACHABLE, "warning");
        tell(store, LESSON_STORE_LOG_RECONNECTED, "notice");
        tell(store, LESSON_STORE_LOG_SCRIPT_LOADED, "detail");
        assert_int_equal(log.count, trials[i].told);
        lesson_store_close(store);
    }
}

static void a_callback_leaves_the_message_and_cannot_call_the_store(void **state) {
    (void)state;
    heard log = {0};
    lesson_store *store = open_logged(&log, 0);
    log.calls = store;
    tell(store, LESSON_STORE_LOG_EVICTION, "deletes");
    assert_int_equal(log.count, 1);
    assert_int_equal(log.code, LESSON_STORE_REENTERED);
    assert_string_equal(lesson_store_message(), "a failure of before");
    log.calls = NULL;
    tell(store, LESSON_STORE_LOG_EVICTION, "deletes");
    assert_int_equal(lesson_store_where(store, "ann", NULL), LESSON_STORE_OK);
    assert_int_equal(figures_calls(store, LESSON_STORE_OPERATION_WHERE, LESSON_STORE_REENTERED), 1);
    lesson_store_close(store);
}

static void a_lease_that_is_lost_is_told(void **state) {
    (void)state;
    heard log = {0};
    lesson_store *store = open_logged(&log, LESSON_STORE_LEVEL_WARNING);
    told_kind = LESSON_STORE_LOG_CONNECTED;
    told_text = "";
    assert_int_equal(lesson_store_hold(store, "worker-7/1", 1000, LESSON_STORE_HOLD_RENEW), LESSON_STORE_CONFLICT);
    assert_int_equal(log.count, 1);
    assert_int_equal(log.kinds[0], LESSON_STORE_LOG_LEASE_LOST);
    assert_non_null(strstr(log.messages[0], "\"worker-7/1\""));
    lesson_store_close(store);
}

static void what_the_engine_does_is_counted_with_and_without_a_log(void **state) {
    (void)state;
    heard log = {0};
    lesson_store *logged = open_logged(&log, 0), *silent;
    assert_int_equal(lesson_store_open(&silent, "teller:"), LESSON_STORE_OK);
    tell(silent, LESSON_STORE_LOG_EVICTION, "to nobody");
    assert_int_equal(log.count, 0);
    assert_int_equal(figures_of_store(silent).engine[LESSON_STORE_ENGINE_REQUESTS], 2);
    assert_int_equal(figures_of_store(logged).engine[LESSON_STORE_ENGINE_REQUESTS], 0);
    lesson_store_observe_count(NULL, LESSON_STORE_ENGINE_REQUESTS, 1);
    lesson_store_observe_event(NULL, LESSON_STORE_LOG_EVICTION, "to nobody");
    assert_false(lesson_store_observes_event(NULL, LESSON_STORE_LOG_EVICTION));
    lesson_store_close(silent);
    lesson_store_close(logged);
}

static void a_log_is_asked_for_rightly(void **state) {
    (void)state;
    heard heard_log = {0};
    lesson_store *store = (lesson_store *)&heard_log;
    const lesson_store_log wrong[] = {
        {.context = &heard_log},
        {.callback = hear, .level = 4},
        {.callback = hear, .reserved_level = 1},
        {.callback = hear, .reserved = {0, 0, 0, 1}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(lesson_store_open_logged(&store, "memory:", &wrong[i]), LESSON_STORE_INVALID);
        assert_null(store);
    }
    assert_int_equal(lesson_store_open_logged(&store, "memory:", NULL), LESSON_STORE_INVALID);
    const lesson_store_log right = {.callback = hear, .context = &heard_log};
    assert_int_equal(lesson_store_open_logged(NULL, "memory:", &right), LESSON_STORE_INVALID);
    assert_int_equal(lesson_store_open_logged(&store, "nothing:", &right), LESSON_STORE_UNSUPPORTED);
}

static void words_name_kinds_and_levels(void **state) {
    (void)state;
    assert_string_equal(lesson_store_log_word(LESSON_STORE_LOG_LEASE_LOST), "lease_lost");
    assert_string_equal(lesson_store_log_word(0), "?");
    assert_string_equal(lesson_store_level_word(LESSON_STORE_LEVEL_WARNING), "warning");
    assert_string_equal(lesson_store_level_word(LESSON_STORE_LEVEL_DETAIL), "detail");
    assert_string_equal(lesson_store_level_word(0), "?");
    assert_string_equal(lesson_store_level_word(4), "?");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_has_its_kind_its_level_its_word_and_a_printable_text),
        cmocka_unit_test(a_level_leaves_out_what_matters_less),
        cmocka_unit_test(a_callback_leaves_the_message_and_cannot_call_the_store),
        cmocka_unit_test(a_lease_that_is_lost_is_told),
        cmocka_unit_test(what_the_engine_does_is_counted_with_and_without_a_log),
        cmocka_unit_test(a_log_is_asked_for_rightly),
        cmocka_unit_test(words_name_kinds_and_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
