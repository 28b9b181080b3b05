/* The feed of a file: turned on and off, across processes, and a file that was put back from a copy. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lessonstore/feed.h>

#include "follow.h"
#include "sqlite_files.h"

enum { PATIENCE_MS = 60000 };

static bool count_event(const lesson_store_event *event, void *context) {
    (void)event;
    ++*(size_t *)context;
    return true;
}

/* Returns the code of the first drain that has anything to say. */
static int drain(lesson_store_feed *feed, size_t *count) {
    struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
    assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
    return lesson_store_feed_drain(feed, 0, count_event, count, NULL);
}

static void await_events(lesson_store_feed *feed, size_t wanted) {
    size_t count = 0;
    while (count < wanted)
        assert_int_equal(drain(feed, &count), LESSON_STORE_OK);
    assert_int_equal(count, wanted);
}

static void create(lesson_store *store, const char *lesson_id) {
    assert_int_equal(lesson_store_create(store, lesson_id, 0), LESSON_STORE_OK);
}

static void test_on_and_off(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "");
    lesson_store_feed *feed;
    char position[LESSON_STORE_POSITION_SIZE];
    create(store, "a");
    assert_int_equal(lesson_store_feed_open(&feed, store, NULL, NULL), LESSON_STORE_NOT_FOUND);
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM events"), 0);

    /* A store that was open before writes events from its next transaction on. */
    lesson_store_close(sqlite_files_open(files, "?feed=100"));
    feed = follow(store, NULL, NULL);
    create(store, "b");
    await_events(feed, 1);
    assert_int_equal(lesson_store_feed_position(feed, position), LESSON_STORE_OK);
    lesson_store_close(sqlite_files_open(files, "?feed=50"));
    assert_int_equal(sqlite_files_number(files, "SELECT kept FROM feed"), 50);
    create(store, "c");
    await_events(feed, 1);

    size_t count = 0;
    lesson_store_close(sqlite_files_open(files, "?feed=0"));
    create(store, "d");
    assert_int_equal(sqlite_files_number(files, "SELECT count(*) FROM events"), 0);
    assert_int_equal(drain(feed, &count), LESSON_STORE_NOT_FOUND);
    lesson_store_feed_close(feed);

    /* Its numbers begin anew, and an old position is none of them. */
    lesson_store_close(sqlite_files_open(files, "?feed=100"));
    create(store, "e");
    feed = follow(store, NULL, position);
    assert_int_equal(drain(feed, &count), LESSON_STORE_GAP);
    assert_int_equal(count, 0);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static void test_trimming(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "?feed=100");
    for (int i = 0; i < 500; i++)
        assert_int_equal(lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET), LESSON_STORE_OK);
    int64_t kept = sqlite_files_number(files, "SELECT count(*) FROM events");
    assert_in_range(kept, 101, 165);
    assert_int_equal(sqlite_files_number(files, "SELECT max(number) - min(number) + 1 FROM events"), kept);
    lesson_store_close(store);
}

/* A reader who is behind by just as many as are kept. */
static void test_behind_by_all_that_are_kept(void **state) {
    const sqlite_files *files = *state;
    enum { KEPT = 64 };
    lesson_store *store = sqlite_files_open(files, "?feed=64");
    char position[LESSON_STORE_POSITION_SIZE];
    for (int i = 0; i < KEPT; i++)
        assert_int_equal(lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET), LESSON_STORE_OK);
    lesson_store_feed *feed = follow(store, NULL, NULL);
    assert_int_equal(lesson_store_feed_position(feed, position), LESSON_STORE_OK);
    lesson_store_feed_close(feed);
    for (int i = 0; i < KEPT; i++)
        assert_int_equal(lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET), LESSON_STORE_OK);
    feed = follow(store, NULL, position);
    await_events(feed, KEPT);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static int write_lessons(const sqlite_files *files, int number) {
    lesson_store *store = sqlite_files_open(files, "");
    char lesson_id[32];
    int code = LESSON_STORE_OK;
    sqlite_files_await(files, "follows");
    for (int i = 0; i < 100 && !code; i++) {
        snprintf(lesson_id, sizeof lesson_id, "%d of %d", i, number);
        code = lesson_store_create(store, lesson_id, 0);
    }
    lesson_store_close(store);
    return code;
}

/* One process follows, and three write. */
static int write_or_follow(const sqlite_files *files, int number) {
    if (number > 0)
        return write_lessons(files, number);
    lesson_store *store = sqlite_files_open(files, "");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    sqlite_files_mark(files, "follows");
    await_events(feed, 300);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
    return 0;
}

static void test_processes(void **state) {
    const sqlite_files *files = *state;
    lesson_store_close(sqlite_files_open(files, "?feed=1000"));
    sqlite_files_run(files, 4, write_or_follow, 0);
}

static void copy_file(const char *from, const char *to) {
    size_t size;
    unsigned char *bytes = sqlite_files_bytes(from, &size);
    FILE *out = fopen(to, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
    free(bytes);
}

/* The copy goes on with other events of the same numbers. */
static void test_put_back(void **state) {
    const sqlite_files *files = *state;
    char copy[320], position[LESSON_STORE_POSITION_SIZE];
    snprintf(copy, sizeof copy, "%s.copy", files->database);
    lesson_store *store = sqlite_files_open(files, "?feed=100");
    create(store, "a");
    lesson_store_close(store);
    copy_file(files->database, copy);

    store = sqlite_files_open(files, "");
    lesson_store_feed *feed = follow(store, NULL, NULL);
    create(store, "b");
    await_events(feed, 1);
    assert_int_equal(lesson_store_feed_position(feed, position), LESSON_STORE_OK);
    lesson_store_feed_close(feed);
    lesson_store_close(store);

    assert_int_equal(rename(copy, files->database), 0);
    usleep(2000); /* an event of another millisecond */
    store = sqlite_files_open(files, "");
    create(store, "c");
    feed = follow(store, NULL, position);
    size_t count = 0;
    assert_int_equal(drain(feed, &count), LESSON_STORE_GAP);
    assert_int_equal(count, 0);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

/* A gap in the numbers, and a row that is no event. */
static void test_damaged_rows(void **state) {
    const sqlite_files *files = *state;
    static const char *const damages[] = {
        "DELETE FROM events WHERE number = 2", "UPDATE events SET lesson_id = char(10) WHERE number = 2",
        "UPDATE events SET kind = 0 WHERE number = 2", "UPDATE events SET kind = -1 WHERE number = 2"};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        lesson_store_close(sqlite_files_open(files, "?feed=0"));
        lesson_store *store = sqlite_files_open(files, "?feed=100");
        for (int k = 0; k < 3; k++)
            assert_int_equal(lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET), LESSON_STORE_OK);
        sqlite_files_execute(files, damages[i]);
        lesson_store_feed *feed = follow(store, NULL, LESSON_STORE_POSITION_OLDEST);
        size_t count = 0;
        int code = LESSON_STORE_OK;
        while (!code)
            code = drain(feed, &count);
        assert_int_equal(code, LESSON_STORE_GAP);
        assert_in_range(count, 0, 1);
        lesson_store_feed_close(feed);
        lesson_store_close(store);
    }
}

/* Events of kinds that only a later version knows are not given, and are no gap. */
static void test_later_kinds(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "?feed=100");
    for (int i = 0; i < 4; i++)
        assert_int_equal(lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET), LESSON_STORE_OK);
    sqlite_files_execute(files, "UPDATE events SET kind = 7, lesson_id = char(10) WHERE number = 2");
    sqlite_files_execute(files, "UPDATE events SET kind = 4294967297 WHERE number = 3");
    lesson_store_feed *feed = follow(store, NULL, LESSON_STORE_POSITION_OLDEST);
    await_events(feed, 2);
    lesson_store_feed_close(feed);
    lesson_store_close(store);
}

static void test_read_only(void **state) {
    const sqlite_files *files = *state;
    lesson_store *store = sqlite_files_open(files, "?feed=100");
    lesson_store *reader = sqlite_files_open(files, "?mode=ro");
    lesson_store_feed *feed = follow(reader, NULL, NULL);
    create(store, "a");
    await_events(feed, 1);
    lesson_store_feed_close(feed);
    lesson_store_close(reader);
    lesson_store_close(store);
    sqlite_files_refuse(files, "?mode=ro&feed=200", LESSON_STORE_READ_ONLY, "reading only");
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, sqlite_files_make, sqlite_files_remove)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(behind_by_all_that_are_kept),
        TEST(on_and_off),
        TEST(trimming),
        TEST(processes),
        TEST(put_back),
        TEST(damaged_rows),
        TEST(later_kinds),
        TEST(read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
