/* Lists through the executor: the pages are the list, on every engine, while operations go on and when the executor is
 * closed in the middle of them. */
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"

#include "engine.h"
#include <lessonstore/executor.h>

enum { LESSONS = 150, MEMBERS = 300, LINE_SIZE = 128, LISTS = 4, READERS = 12 };
enum { WITH_FILTER = LESSON_STORE_LIST_USERS + 1 }; /* the lessons that are online */

/* The entries of a list as lines of text. */
struct lines {
    size_t count;
    char (*all)[LINE_SIZE];
};

static void add_line(struct lines *lines, const char *line) {
    lines->all = realloc(lines->all, (lines->count + 1) * sizeof *lines->all);
    assert_non_null(lines->all);
    snprintf(lines->all[lines->count++], LINE_SIZE, "%s", line);
}

static void add_id(struct lines *lines, const lesson_store_id *uid) {
    char line[LINE_SIZE];
    snprintf(line, sizeof line, "%.*s", (int)uid->size, uid->data);
    add_line(lines, line);
}

static void add_lesson(struct lines *lines, const lesson_store_lesson *lesson) {
    char line[LINE_SIZE];
    snprintf(line, sizeof line, "%.*s %d %d %d", (int)lesson->lesson_id.size, lesson->lesson_id.data,
             lesson->course_status, lesson->chat_status, (int)lesson->member_count);
    add_line(lines, line);
}

static void add_user(struct lines *lines, const lesson_store_user *user) {
    char line[LINE_SIZE];
    snprintf(line, sizeof line, "%.*s %.*s %.*s", (int)user->uid.size, user->uid.data, (int)user->course_id.size,
             user->course_id.data, (int)user->lesson_id.size, user->lesson_id.data);
    add_line(lines, line);
}

static bool hear_member(const lesson_store_id *uid, void *context) {
    add_id(context, uid);
    return true;
}

static bool hear_lesson(const lesson_store_lesson *lesson, void *context) {
    add_lesson(context, lesson);
    return true;
}

static bool hear_user(const lesson_store_user *user, void *context) {
    add_user(context, user);
    return true;
}

static int compare_lines(const void *left, const void *right) {
    return strcmp(left, right);
}

static void sort(struct lines *lines) {
    qsort(lines->all, lines->count, sizeof *lines->all, compare_lines);
}

static void fill(lesson_store *store) {
    char uid[32], lesson_id[32];
    for (int i = 0; i < LESSONS; i++) {
        snprintf(lesson_id, sizeof lesson_id, "lesson-%d", i);
        assert_int_equal(lesson_store_create(store, lesson_id, 0), LESSON_STORE_OK);
        if (i % 5 == 0)
            assert_int_equal(lesson_store_set_course_status(store, lesson_id, LESSON_STORE_COURSE_ONLINE),
                             LESSON_STORE_OK);
    }
    for (int i = 0; i < MEMBERS; i++) {
        snprintf(uid, sizeof uid, "user-%d", i);
        snprintf(lesson_id, sizeof lesson_id, "lesson-%d", i % 2 ? 0 : i);
        assert_int_equal(lesson_store_join(store, uid, "course", lesson_id, NULL, 0, NULL), LESSON_STORE_OK);
    }
}

static lesson_store_list list_of(uint32_t kind, size_t most) {
    lesson_store_list list = {.kind = kind, .most = most};
    if (kind == WITH_FILTER) {
        list.kind = LESSON_STORE_LIST_LESSONS;
        list.filter.given = LESSON_STORE_GIVEN_COURSE_STATUS;
        list.filter.course_status = LESSON_STORE_COURSE_ONLINE;
    }
    if (kind == LESSON_STORE_LIST_MEMBERS)
        list.lesson_id = lesson_store_id_of("lesson-0");
    return list;
}

/* Reads one list by a chain of pages. */
struct reader {
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue; /* or NULL */
    lesson_store_list list;
    lesson_store_cursor *cursor;
    struct lines lines;
    size_t accepted;
    atomic_size_t called;
    int end_code; /* of the last callback, or of submit if it accepts no more */
    atomic_bool ended;
};

static void see_page(const lesson_store_page *page, void *context);

/* Counts before it submits: the callback may run before submit has returned. */
static void submit(struct reader *reader) {
    reader->accepted++;
    int code = lesson_store_executor_submit_page(reader->executor, &reader->list, &reader->cursor, 0, reader->queue,
                                                 see_page, reader, NULL);
    if (code == LESSON_STORE_OK)
        return;
    reader->accepted--;
    reader->end_code = code;
    atomic_store(&reader->ended, true);
}

static void see_page(const lesson_store_page *page, void *context) {
    struct reader *reader = context;
    atomic_fetch_add(&reader->called, 1);
    for (size_t i = 0; i < page->count; i++) {
        if (page->uids)
            add_id(&reader->lines, &page->uids[i]);
        else if (page->lessons)
            add_lesson(&reader->lines, &page->lessons[i]);
        else
            add_user(&reader->lines, &page->users[i]);
    }
    assert_true(page->count <= reader->list.most);
    if (page->code == LESSON_STORE_OK && page->count > 0) {
        submit(reader);
        return;
    }
    reader->end_code = page->code;
    atomic_store(&reader->ended, true);
}

static void wait_for(struct reader *reader) {
    struct pollfd pollfd = {.events = POLLIN};
    if (reader->queue)
        pollfd.fd = lesson_store_completion_queue_descriptor(reader->queue);
    while (!atomic_load(&reader->ended)) {
        if (!reader->queue) {
            sched_yield();
            continue;
        }
        poll(&pollfd, 1, -1);
        lesson_store_completion_queue_drain(reader->queue, 0);
    }
}

static void end(struct reader *reader) {
    lesson_store_cursor_close(reader->cursor);
    free(reader->lines.all);
}

static void list_directly(lesson_store *store, const lesson_store_list *list, struct lines *lines) {
    uint32_t kind = list->kind;
    int code = kind == LESSON_STORE_LIST_MEMBERS   ? lesson_store_members(store, "lesson-0", hear_member, lines)
               : kind == LESSON_STORE_LIST_LESSONS ? lesson_store_find_lessons(store, &list->filter, hear_lesson, lines)
                                                   : lesson_store_users(store, hear_user, lines);
    assert_int_equal(code, LESSON_STORE_OK);
}

static void compare(lesson_store *store, struct reader *reader) {
    struct lines expected = {0};
    list_directly(store, &reader->list, &expected);
    sort(&expected);
    sort(&reader->lines);
    assert_int_equal(reader->lines.count, expected.count);
    for (size_t i = 0; i < expected.count; i++)
        assert_string_equal(reader->lines.all[i], expected.all[i]);
    free(expected.all);
}

static void pages_are_the_list(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    fill(store);
    for (uint32_t lanes = 1; lanes <= 2; lanes++) {
        lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
        lesson_store_executor *executor;
        lesson_store_completion_queue *queue;
        options.lanes = lanes;
        assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
        assert_int_equal(lesson_store_executor_add_queue(&queue, executor), LESSON_STORE_OK);
        for (uint32_t i = 0; i < 2 * LISTS; i++) {
            struct reader reader = {.executor = executor,
                                    .queue = i % 2 ? queue : NULL,
                                    .list = list_of(LESSON_STORE_LIST_MEMBERS + i / 2, i % 2 ? 7 : 1000)};
            submit(&reader);
            wait_for(&reader);
            assert_int_equal(reader.end_code, LESSON_STORE_OK);
            assert_int_equal(reader.called, reader.accepted);
            compare(store, &reader);
            end(&reader);
        }
        lesson_store_executor_close(executor);
    }
    engine_close(store);
}

/* Many lists at the same time, with operations between their pages that change nothing that is listed. */
static void lists_go_on_beside_operations(void **state) {
    (void)state;
    lesson_store *store = engine_open();
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    lesson_store_executor *executor;
    struct reader readers[READERS];
    fill(store);
    options.lanes = 2;
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    memset(readers, 0, sizeof readers);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i].executor = executor;
        readers[i].list = list_of(LESSON_STORE_LIST_MEMBERS + i % LISTS, 10);
        submit(&readers[i]);
    }
    for (int i = 0; i < 200; i++) {
        lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN};
        join.uid = lesson_store_id_of("user-1"); /* who is there already */
        join.course_id = lesson_store_id_of("course");
        join.lesson_id = lesson_store_id_of("lesson-0");
        assert_int_equal(lesson_store_executor_run(executor, &join, 0), LESSON_STORE_OK);
    }
    for (int i = 0; i < READERS; i++) {
        wait_for(&readers[i]);
        assert_int_equal(readers[i].end_code, LESSON_STORE_OK);
        compare(store, &readers[i]);
    }
    lesson_store_executor_close(executor);
    for (int i = 0; i < READERS; i++)
        end(&readers[i]);
    engine_close(store);
}

/* Every accepted page is called back once, and lists end with CLOSED or CANCELLED. */
static void close_with_pages_pending(uint32_t flags) {
    lesson_store *store = engine_open();
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    struct reader readers[READERS];
    fill(store);
    options.lanes = 2;
    assert_int_equal(lesson_store_executor_open(&executor, store, &options), LESSON_STORE_OK);
    assert_int_equal(lesson_store_executor_add_queue(&queue, executor), LESSON_STORE_OK);
    memset(readers, 0, sizeof readers);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i].executor = executor;
        readers[i].queue = i % 2 ? queue : NULL;
        readers[i].list = list_of(LESSON_STORE_LIST_MEMBERS + i % LISTS, 1);
        submit(&readers[i]);
    }
    while (atomic_load(&readers[0].called) < 3)
        sched_yield();
    assert_int_equal(lesson_store_executor_stop(executor, flags), LESSON_STORE_OK);
    lesson_store_executor_close(executor);
    for (int i = 0; i < READERS; i++) {
        assert_true(readers[i].ended);
        assert_int_equal(readers[i].called, readers[i].accepted);
        assert_true(readers[i].end_code == LESSON_STORE_OK || readers[i].end_code == LESSON_STORE_CLOSED ||
                    (flags && readers[i].end_code == LESSON_STORE_CANCELLED));
        end(&readers[i]);
    }
    engine_close(store);
}

static void pages_that_wait_are_run(void **state) {
    (void)state;
    close_with_pages_pending(0);
}

static void pages_that_wait_are_cancelled(void **state) {
    (void)state;
    close_with_pages_pending(LESSON_STORE_STOP_CANCEL);
}

int main(int argc, char **argv) {
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_the_list),
        cmocka_unit_test(lists_go_on_beside_operations),
        cmocka_unit_test(pages_that_wait_are_run),
        cmocka_unit_test(pages_that_wait_are_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
