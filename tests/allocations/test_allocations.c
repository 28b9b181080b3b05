/*
 * On each engine, every allocation fails in turn: those of opening, of random batches, of the lists, check and info;
 * once, or from then on for good. After each failure the code was correct, acknowledged changes are there, refused
 * changes are not, neither whole nor half, nothing leaks, and the store works again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"

#include "allocator.h"
#include "descriptors.h"
#include "draw.h"
#include "engine.h"
#include "vocabulary.h"

#ifdef WITH_SQLITE
#include <sqlite3.h>

static sqlite3_mem_methods sqlite_own;

/* SQLite needs the size of a block, so its own allocator stays below. */
static void *sqlite_take(int size) {
    return allocator_refuses() ? NULL : sqlite_own.xMalloc(size);
}

static void *sqlite_resize(void *block, int size) {
    return allocator_refuses() ? NULL : sqlite_own.xRealloc(block, size);
}

static void adopt_sqlite(void) {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_own);
    sqlite3_mem_methods methods = sqlite_own;
    methods.xMalloc = sqlite_take;
    methods.xRealloc = sqlite_resize;
    assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
    assert_int_equal(sqlite3_initialize(), SQLITE_OK);
}

static int64_t engine_live_bytes(void) {
    return sqlite3_memory_used();
}
#else
static void adopt_sqlite(void) {
}

static int64_t engine_live_bytes(void) {
    return 0;
}
#endif

enum { BATCHES = 24, CALLS_MAX = 30, NTH_MAX = 10000 };

/* Blocks of the library and of hiredis, and bytes of SQLite. */
struct holding {
    long blocks;
    int64_t bytes;
    int descriptors;
};

static struct holding hold(void) {
    return (struct holding){allocator_live(), engine_live_bytes(), descriptors_open()};
}

static void assert_nothing_leaked(struct holding before, const char *what, long nth) {
    struct holding now = hold();
    if (now.blocks != before.blocks || now.bytes != before.bytes || now.descriptors != before.descriptors)
        fail_msg("%s, allocation %ld: %ld blocks, %lld bytes of SQLite and %d descriptors were not freed", what, nth,
                 now.blocks - before.blocks, (long long)(now.bytes - before.bytes),
                 now.descriptors - before.descriptors);
}

static bool is_redis(void) {
    return strcmp(engine_name(), "redis") == 0;
}

/* Checks that the code is one that a failed allocation may cause. In Redis a request may have been sent by then. */
static void assert_honest(int code, bool writes, const char *what, long nth) {
    bool may_be_lost = writes && is_redis();
    if (code >= 0 || code == LESSON_STORE_NO_MEMORY || (may_be_lost && code == LESSON_STORE_UNKNOWN))
        return;
    fail_msg("%s, allocation %ld: %s: %s", what, nth, lesson_store_code_name(code), lesson_store_message());
}

static long failures;
static long failed_here; /* in the current run of a trial */

/* Stops failing allocations. True if none failed. */
static bool end(void) {
    long failed = allocator_end();
    failed_here += failed;
    return failed == 0;
}

/* Every test uses this: it repeats something with allocation 1 failing, then 2, and so on, once or from there on, until
 * a run has no failing allocation. */
struct trial {
    void (*run)(long nth, bool for_good, void *context);
    void *context;
};

static void try_each(const struct trial *trial) {
    for (int for_good = 0; for_good < 2; for_good++) {
        long nth = 1, failed;
        do {
            failed_here = 0;
            trial->run(nth, for_good, trial->context);
            failed = failed_here;
            failures += failed > 0;
            assert_true(nth < NTH_MAX);
            nth++;
        } while (failed > 0);
    }
}

static void report(const char *what) {
    print_message("allocations\t%s\t%s\t%ld failed in turn\n", engine_name(), what, failures);
    assert_true(failures > 0);
    failures = 0;
}

static void assert_state(lesson_store *store, const model_state *expected, const char *what, long nth) {
    char text[VOCABULARY_TEXT_SIZE];
    model_state found;
    if (vocabulary_read_state(&awkward_vocabulary, store, &found, text) != LESSON_STORE_OK ||
        !vocabulary_compare(expected, &found, text))
        fail_msg("%s, allocation %ld: %s", what, nth, text);
}

/* ---- Opening */

static void open_once(long nth, bool for_good, void *context) {
    lesson_store *store = NULL;
    struct holding before = hold();
    allocator_begin(nth, for_good);
    int code = lesson_store_open(&store, context);
    if (end())
        assert_int_equal(code, LESSON_STORE_OK);
    assert_honest(code, false, "open", nth);
    assert_true((code == LESSON_STORE_OK) == (store != NULL));
    model_state empty;
    model_begin(&empty);
    if (store)
        assert_state(store, &empty, "open", nth);
    lesson_store_close(store);
    assert_nothing_leaked(before, "open", nth);
}

/* Creates a file with its tables. Afterwards the file must open, whatever the failed attempt left. */
static void open_new_once(long nth, bool for_good, void *context) {
    (void)context;
    char location[512];
    snprintf(location, sizeof location, "%s", engine_make());
    open_once(nth, for_good, location);
    open_once(0, false, location);
    engine_remove();
}

static void opening(void **state) {
    (void)state;
    char plain[512], faulty[] = "fault+memory:";
    snprintf(plain, sizeof plain, "%s", engine_make());
    char *const locations[] = {plain, is_redis() ? getenv("LESSONSTORE_TEST_REDIS_TCP") : faulty};
    open_once(0, false, plain);
    for (size_t i = 0; i < 2; i++) {
        const struct trial trial = {open_once, locations[i]};
        try_each(&trial);
    }
    engine_remove();
    report("opening");
}

/* open_new_once ends with a successful open, so the number of failures is kept. */
static void opening_anew(void **state) {
    (void)state;
    const struct trial trial = {open_new_once, NULL};
    try_each(&trial);
    report("opening anew");
}

/* ---- Batches */

struct batch {
    lesson_store *store;
    model_state model;
    model_call calls[CALLS_MAX];
    size_t count;
};

/* Computes the state if, of the operations that may have been applied, the first `applied` were. False if an operation
 * would then have a different answer. */
static bool replay(const struct batch *batch, const model_answer *answers, size_t applied, model_state *model) {
    *model = batch->model;
    for (size_t i = 0; i < batch->count; i++) {
        if (answers[i].code < 0 && (answers[i].code != LESSON_STORE_UNKNOWN || applied == 0))
            continue;
        model_answer expected = model_run(model, &batch->calls[i]);
        if (answers[i].code == LESSON_STORE_UNKNOWN)
            applied--;
        else if (!model_answers_equal(&expected, &answers[i]))
            return false;
    }
    return true;
}

static bool explains(struct batch *batch, const model_answer *answers, const model_state *found) {
    char text[VOCABULARY_TEXT_SIZE];
    size_t unknown = 0;
    for (size_t i = 0; i < batch->count; i++)
        unknown += answers[i].code == LESSON_STORE_UNKNOWN;
    for (size_t applied = 0; applied <= unknown; applied++) {
        model_state model;
        if (!replay(batch, answers, applied, &model) || !vocabulary_compare(&model, found, text))
            continue;
        batch->model = model;
        return true;
    }
    return false;
}

static bool writes(const model_call *call) {
    return call->kind != LESSON_STORE_OPERATION_GET_LESSON && call->kind != LESSON_STORE_OPERATION_WHERE &&
           call->kind != LESSON_STORE_OPERATION_COUNT_MEMBERS;
}

/* Where an operation has several steps, one that failed may leave a step to repair, and an end may be half done. A
 * batch has another order than the model. */
static bool has_steps(const lesson_store *store) {
    lesson_store_abilities abilities = LESSON_STORE_ABILITIES_INIT;
    assert_int_equal(lesson_store_read_abilities(store, &abilities), LESSON_STORE_OK);
    return abilities.exceptions & LESSON_STORE_EXCEPT_STEPS;
}

static void repair_steps(lesson_store *store) {
    if (has_steps(store))
        assert_int_equal(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL), LESSON_STORE_OK);
}

static void run_once(long nth, bool for_good, void *context) {
    struct batch *batch = context;
    model_answer answers[CALLS_MAX];
    model_state found;
    char text[VOCABULARY_TEXT_SIZE];
    allocator_begin(nth, for_good);
    int code = vocabulary_run(&awkward_vocabulary, batch->store, batch->calls, batch->count, answers);
    if (end())
        assert_int_equal(code, LESSON_STORE_OK);
    /* What only reads is UNREACHABLE where its request, which also writes, is of unknown outcome. */
    bool is_unknown = code == LESSON_STORE_UNKNOWN;
    assert_honest(code, true, "batch", nth);
    for (size_t i = 0; i < batch->count; i++)
        if (!is_unknown || answers[i].code != LESSON_STORE_UNREACHABLE || writes(&batch->calls[i]))
            assert_honest(answers[i].code, writes(&batch->calls[i]), "operation", nth);
    repair_steps(batch->store);
    if (vocabulary_read_state(&awkward_vocabulary, batch->store, &found, text) != LESSON_STORE_OK)
        fail_msg("batch, allocation %ld: the store does not work again: %s", nth, text);
    if (!explains(batch, answers, &found)) {
        model_state model;
        replay(batch, answers, 0, &model);
        vocabulary_compare(&model, &found, text);
        fail_msg("batch of %zu, allocation %ld: what was answered does not explain what is stored: %s", batch->count,
                 nth, text);
    }
}

static void batches(void **state) {
    (void)state;
    const draw_range range = {MODEL_USERS, MODEL_LESSONS, MODEL_COURSES, MODEL_SESSIONS, 0, 0};
    struct holding before = hold();
    struct batch batch = {.store = engine_open()};
    const struct trial trial = {run_once, &batch};
    dice_state dice = {1};
    model_begin(&batch.model);
    for (int i = 0; i < BATCHES; i++) {
        bool is_single = i % 2 || has_steps(batch.store);
        batch.count = is_single ? 1 : 1 + dice_below(&dice, CALLS_MAX);
        for (size_t call = 0; call < batch.count; call++) {
            do
                batch.calls[call] = draw_call(&dice, &range);
            while (has_steps(batch.store) && batch.calls[call].kind == LESSON_STORE_OPERATION_END);
        }
        if (i % 3 == 0 && engine_is_shared()) { /* an instance without buffers yet */
            lesson_store_close(batch.store);
            batch.store = engine_open_store("");
        }
        try_each(&trial);
    }
    engine_close(batch.store);
    assert_nothing_leaked(before, "batches", 0);
    report("batches");
}

/* ---- Lists, check, info */

struct listing {
    lesson_store *store;
    model_state model;
};

static void read_once(long nth, bool for_good, void *context) {
    struct listing *listing = context;
    model_state found;
    char text[VOCABULARY_TEXT_SIZE] = "";
    allocator_begin(nth, for_good);
    int code = vocabulary_read_state(&awkward_vocabulary, listing->store, &found, text);
    bool sound = end();
    if (code != LESSON_STORE_OK && (sound || code != LESSON_STORE_NO_MEMORY))
        fail_msg("streams, allocation %ld: %s: %s", nth, lesson_store_code_name(code), text);
    if (code == LESSON_STORE_OK && !vocabulary_compare(&listing->model, &found, text))
        fail_msg("streams, allocation %ld: OK, and not all: %s", nth, text);
    assert_state(listing->store, &listing->model, "streams", nth);
}

/* Reads a list by pages until it has ended. After a failed allocation the same call goes on where it was. */
struct pages {
    lesson_store_cursor *cursor;
    uint64_t failures;
    size_t entries;
};

static const lesson_store_lesson_filter free_to_chat = {.given = LESSON_STORE_GIVEN_CHAT_STATUS};

static bool count_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson;
    ++*(size_t *)context;
    return true;
}

static bool next_page(lesson_store *store, struct pages *pages, int list) {
    const lesson_store_user *users;
    const lesson_store_lesson *lessons;
    const lesson_store_id *uids;
    const char *lesson_id = awkward_vocabulary.lessons[0];
    size_t count = 0;
    int code = list == 0   ? lesson_store_users_page(store, 3, &pages->cursor, &users, &count)
               : list == 1 ? lesson_store_lessons_page(store, 3, &pages->cursor, &lessons, &count)
               : list == 2 ? lesson_store_find_lessons_page(store, &free_to_chat, 1, &pages->cursor, &lessons, &count)
                           : lesson_store_members_page(store, lesson_id, 1, &pages->cursor, &uids, &count);
    assert_honest(code, false, "a page", 0);
    pages->entries += code ? 0 : count;
    pages->failures += code != LESSON_STORE_OK;
    if (code)
        end(); /* or a failure for good would never end */
    return code || count > 0;
}

static void pages_once(long nth, bool for_good, void *context) {
    struct listing *listing = context;
    size_t expected[4] = {MODEL_USERS, MODEL_LESSONS, 0, (MODEL_USERS + MODEL_LESSONS - 1) / MODEL_LESSONS};
    assert_int_equal(lesson_store_find_lessons(listing->store, &free_to_chat, count_lesson, &expected[2]),
                     LESSON_STORE_OK);
    assert_true(expected[2] > 0);
    allocator_begin(nth, for_good);
    for (int list = 0; list < 4; list++) {
        struct pages pages = {.cursor = NULL};
        while (next_page(listing->store, &pages, list))
            ;
        lesson_store_cursor_close(pages.cursor);
        assert_int_equal(pages.entries, expected[list]);
    }
    end();
}

static bool take_fact(const char *name, const char *value, void *context) {
    (void)context;
    return name && value;
}

static void info_once(long nth, bool for_good, void *context) {
    struct listing *listing = context;
    allocator_begin(nth, for_good);
    int code = lesson_store_info(listing->store, take_fact, NULL);
    if (end())
        assert_int_equal(code, LESSON_STORE_OK);
    assert_honest(code, false, "info", nth);
    assert_state(listing->store, &listing->model, "info", nth);
}

static void check_once(long nth, bool for_good, void *context) {
    struct listing *listing = context;
    uint64_t found = 0;
    allocator_begin(nth, for_good);
    int code = lesson_store_check(listing->store, LESSON_STORE_CHECK_ENDED, NULL, NULL, &found, NULL);
    if (end())
        assert_int_equal(code, LESSON_STORE_OK);
    assert_honest(code, false, "check", nth);
    if (code == LESSON_STORE_OK)
        assert_true(found > 0);
    assert_state(listing->store, &listing->model, "check", nth);
}

/* Removes the users of lessons without a record, each in one step or not at all. */
static void repair_once(long nth, bool for_good, void *context) {
    struct listing *listing = context;
    model_state found, *model = &listing->model;
    char text[VOCABULARY_TEXT_SIZE];
    bool is_there = false;
    allocator_begin(nth, for_good);
    int code = lesson_store_check(listing->store, LESSON_STORE_CHECK_ENDED | LESSON_STORE_CHECK_REPAIR, NULL, NULL,
                                  NULL, NULL);
    if (end())
        assert_int_equal(code, LESSON_STORE_OK);
    assert_honest(code, true, "repair", nth);
    repair_steps(listing->store);
    if (vocabulary_read_state(&awkward_vocabulary, listing->store, &found, text) != LESSON_STORE_OK)
        fail_msg("repair, allocation %ld: the store does not work again: %s", nth, text);
    for (int user = 0; user < MODEL_USERS; user++) {
        if (model->users[user].lesson == MODEL_NONE || model->lessons[model->users[user].lesson].has_record)
            continue;
        if (found.users[user].lesson == MODEL_NONE)
            model->users[user] = found.users[user];
        else
            is_there = true;
    }
    assert_false(code == LESSON_STORE_OK && is_there);
    if (!vocabulary_compare(model, &found, text))
        fail_msg("repair, allocation %ld: %s", nth, text);
}

/* Every user is in a lesson, and half of the lessons have no record. */
static void fill(struct listing *listing) {
    model_begin(&listing->model);
    for (int8_t i = 0; i < MODEL_USERS + MODEL_LESSONS / 2; i++) {
        model_call call = i < MODEL_USERS
                              ? (model_call)MODEL_JOIN(i, i % MODEL_COURSES, i % MODEL_LESSONS, MODEL_NONE, 0, false, 0)
                              : (model_call)MODEL_CREATE((int8_t)(i - MODEL_USERS), 0, false, 0);
        model_answer answer;
        model_run(&listing->model, &call);
        assert_int_equal(vocabulary_run(&awkward_vocabulary, listing->store, &call, 1, &answer), LESSON_STORE_OK);
        assert_int_equal(answer.code, LESSON_STORE_OK);
    }
}

static void streams_check_and_info(void **state) {
    (void)state;
    void (*const runs[])(long, bool, void *) = {read_once, info_once, check_once, repair_once, pages_once};
    struct holding before = hold();
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        struct listing listing = {.store = engine_open()};
        const struct trial trial = {runs[i], &listing};
        fill(&listing);
        try_each(&trial);
        engine_close(listing.store);
    }
    assert_nothing_leaked(before, "streams", 0);
    report("lists, check and info");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening),
        cmocka_unit_test(opening_anew),
        cmocka_unit_test(batches),
        cmocka_unit_test(streams_check_and_info),
    };
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    adopt_sqlite();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
