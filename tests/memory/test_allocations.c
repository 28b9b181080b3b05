/*
 * What the memory backend allocates: nothing in a steady state. If an allocation fails, the store is unchanged; this is
 * tested step by step at sizes where arrays and tables grow. (tests/allocations does the same on every engine.)
 */
#include <stdio.h>
#include <stdlib.h>

#include "allocator.h"
#include "cmocka_all.h"
#include <lessonstore/lessonstore.h>

/* ---- The whole state as one text, in order of uid and lesson */

enum { LINES_MAX = 2000, LINE_SIZE = 96 };

typedef struct drawing {
    size_t count;
    char lines[LINES_MAX][LINE_SIZE];
} drawing;

static char *next_line(drawing *picture) {
    assert_true(picture->count < LINES_MAX);
    return picture->lines[picture->count++];
}

static int length(lesson_store_id id) {
    return (int)id.size;
}

static bool draw_member(const lesson_store_id *uid, void *context) {
    snprintf(next_line(context), LINE_SIZE, "member %.*s", length(*uid), uid->data);
    return true;
}

static bool draw_lesson(const lesson_store_lesson *lesson, void *context) {
    snprintf(next_line(context), LINE_SIZE, "lesson %.*s %d %d %d %d", length(lesson->lesson_id),
             lesson->lesson_id.data, lesson->has_record, lesson->course_status, lesson->chat_status,
             (int)lesson->member_count);
    return true;
}

static bool draw_user(const lesson_store_user *user, void *context) {
    snprintf(next_line(context), LINE_SIZE, "user %.*s %.*s %.*s %.*s", length(user->uid), user->uid.data,
             length(user->course_id), user->course_id.data, length(user->lesson_id), user->lesson_id.data,
             length(user->session), user->session.data ? user->session.data : "");
    return true;
}

static int compare_lines(const void *left, const void *right) {
    return strcmp(left, right);
}

static void draw(lesson_store *store, drawing *picture) {
    picture->count = 0;
    lesson_store_lessons(store, draw_lesson, picture);
    lesson_store_users(store, draw_user, picture);
    lesson_store_members(store, "lesson 0", draw_member, picture);
    lesson_store_members(store, "lesson 1", draw_member, picture);
    qsort(picture->lines, picture->count, LINE_SIZE, compare_lines);
}

static void assert_same(const drawing *left, const drawing *right) {
    assert_int_equal(left->count, right->count);
    for (size_t i = 0; i < left->count; i++)
        assert_string_equal(left->lines[i], right->lines[i]);
}

/* ---- Steps that allocate in different ways, at sizes where arrays and tables grow */

static int step(lesson_store *store, int number) {
    char uid[16], lesson[24], course[24];
    snprintf(uid, sizeof uid, "user %d", number % 150);
    snprintf(lesson, sizeof lesson, "lesson %d", number % 7 == 0 ? number : number % 2);
    snprintf(course, sizeof course, "course %d", number % 5 == 0 ? number : 0);
    switch (number % 11) {
    case 3:
        return lesson_store_create(store, lesson, 0);
    case 5:
        return lesson_store_quit(store, uid, NULL, NULL, NULL);
    case 9:
        return lesson_store_join(store, uid, course, lesson, "a session", 0, NULL);
    default:
        return lesson_store_join(store, uid, course, lesson, NULL, 0, NULL);
    }
}

/* Each step is tried with its first allocation failing, then its second, and so on, until it succeeds. */
static void a_failed_allocation_changes_nothing(void **state) {
    (void)state;
    static drawing before, after;
    lesson_store *store;
    long failures = 0;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    for (int number = 0; number < 700; number++) {
        for (long nth = 1;; nth++) {
            draw(store, &before);
            allocator_begin(nth, true);
            int code = step(store, number);
            allocator_end();
            if (code != LESSON_STORE_NO_MEMORY) {
                assert_true(code >= 0);
                break;
            }
            failures++;
            draw(store, &after);
            assert_same(&before, &after);
        }
    }
    lesson_store_close(store);
    print_message("%ld failed allocations\n", failures);
    assert_true(failures > 50);
}

static bool note_slab_bytes(const char *name, const char *value, void *context) {
    if (strcmp(name, "slab_bytes") == 0)
        *(long *)context = atol(value);
    return true;
}

/* The array of members is full. The id of each new course has been stored before that is noticed. */
static void a_failed_join_keeps_no_memory(void **state) {
    (void)state;
    enum { CAPACITY = 4, JOINS = 1000 };
    lesson_store *store;
    char text[24];
    long before = 0, after = 0;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    for (int i = 0; i < CAPACITY; i++) {
        snprintf(text, sizeof text, "user %d", i);
        assert_int_equal(lesson_store_join(store, text, "course", "lesson", NULL, 0, NULL), LESSON_STORE_OK);
    }
    for (int i = 0; i < JOINS; i++) {
        snprintf(text, sizeof text, "course %03d", i);
        allocator_begin(1, true);
        int code = lesson_store_join(store, "one more", text, "lesson", "session", 0, NULL);
        allocator_end();
        assert_int_equal(code, LESSON_STORE_NO_MEMORY);
        assert_int_equal(lesson_store_info(store, note_slab_bytes, i == 0 ? &before : &after), LESSON_STORE_OK);
    }
    lesson_store_close(store);
    assert_true(before > 0);
    assert_int_equal(after, before);
}

/* Nothing stays of a session, nor of a course that no other user has. */
static void who_has_quit_keeps_no_memory(void **state) {
    (void)state;
    enum { JOINS = 1000 };
    lesson_store *store;
    char course[24];
    long before = 0, after = 0;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    for (int i = 0; i < JOINS; i++) {
        snprintf(course, sizeof course, "course %03d", i);
        assert_int_equal(lesson_store_join(store, "ann", course, "lesson", "a session", 0, NULL), LESSON_STORE_OK);
        assert_int_equal(lesson_store_quit(store, "ann", NULL, NULL, NULL), LESSON_STORE_OK);
        assert_int_equal(lesson_store_info(store, note_slab_bytes, i == 0 ? &before : &after), LESSON_STORE_OK);
    }
    lesson_store_close(store);
    assert_true(before > 0);
    assert_int_equal(after, before);
}

static void a_store_that_cannot_be_allocated_is_not_opened(void **state) {
    (void)state;
    lesson_store *store;
    int failures = 0;
    for (;; failures++) {
        allocator_begin(failures + 1, true);
        int code = lesson_store_open(&store, "memory:");
        allocator_end();
        if (code == LESSON_STORE_OK)
            break;
        assert_int_equal(code, LESSON_STORE_NO_MEMORY);
        assert_null(store);
    }
    assert_true(failures >= 2);
    lesson_store_close(store);
}

enum { USERS = 5000, LESSONS = 50, CROWD = 12000 };

static void everyone_moves(lesson_store *store, int round) {
    char uid[16], lesson[24];
    lesson_store_place place;
    for (int i = 0; i < USERS; i++) {
        snprintf(uid, sizeof uid, "user %d", i);
        snprintf(lesson, sizeof lesson, "lesson %d", (i + round) % LESSONS);
        assert_int_equal(lesson_store_join(store, uid, "course", lesson, round % 2 ? "session" : NULL, 0, &place), 0);
        assert_int_equal(lesson_store_where(store, uid, &place), 0);
        if (i % 3 == 0) {
            assert_int_equal(lesson_store_quit(store, uid, lesson, NULL, &place), 0);
            assert_int_equal(lesson_store_join(store, uid, "course", lesson, NULL, 0, &place), 0);
        }
    }
}

static void a_steady_state_allocates_nothing(void **state) {
    (void)state;
    lesson_store *store;
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    everyone_moves(store, 0);
    everyone_moves(store, 1);
    allocator_begin(0, false);
    everyone_moves(store, 2);
    everyone_moves(store, 3);
    allocator_end();
    assert_int_equal(allocator_asked(), 0);
    lesson_store_close(store);
}

/* Joins users from `*user` on, with a session of this size, until memory runs out. */
static void fill_with_sessions(lesson_store *store, int *user, size_t size) {
    char uid[24], session[LESSON_STORE_ID_MAX + 1] = "";
    memset(session, 's', size);
    int code = LESSON_STORE_OK;
    for (; !code && *user < CROWD; ++*user) {
        snprintf(uid, sizeof uid, "user %d", *user);
        code = lesson_store_join(store, uid, "course", "lesson", session, 0, NULL);
    }
    assert_int_equal(code, LESSON_STORE_NO_MEMORY);
}

/* Most of what a join needs is cut from chunks, and the current chunk may be full at any of its steps. */
static void where_a_chunk_is_full_nothing_changes(void **state) {
    (void)state;
    lesson_store *store;
    lesson_store_place place;
    char uid[24], long_id[101] = "";
    memset(long_id, 'i', sizeof long_id - 1);
    assert_int_equal(lesson_store_open(&store, "memory:"), LESSON_STORE_OK);
    for (int i = 0; i < CROWD; i++) {
        snprintf(uid, sizeof uid, "user %d", i);
        assert_int_equal(lesson_store_join(store, uid, "course", "lesson", NULL, 0, NULL), LESSON_STORE_OK);
    }
    allocator_begin(1, true);
    int user = 0;
    for (size_t size = LESSON_STORE_ID_MAX; size > 0; size /= 2)
        fill_with_sessions(store, &user, size);
    snprintf(uid, sizeof uid, "user %d", user - 1);
    assert_int_equal(lesson_store_where(store, uid, &place), LESSON_STORE_OK);
    assert_string_equal(place.session, "");
    /* Now there is room among the members and in the table, and there are free blocks of other sizes. */
    assert_int_equal(lesson_store_quit(store, "user 0", NULL, NULL, NULL), LESSON_STORE_OK);
    assert_int_equal(lesson_store_join(store, long_id, "course", "lesson", NULL, 0, NULL), LESSON_STORE_NO_MEMORY);
    assert_int_equal(lesson_store_where(store, long_id, NULL), LESSON_STORE_NOT_FOUND);
    assert_int_equal(lesson_store_join(store, uid, long_id, "lesson", NULL, 0, NULL), LESSON_STORE_NO_MEMORY);
    assert_int_equal(lesson_store_where(store, uid, &place), LESSON_STORE_OK);
    assert_string_equal(place.course_id, "course");
    uint64_t count;
    assert_int_equal(lesson_store_count_members(store, "lesson", &count), LESSON_STORE_OK);
    assert_int_equal(count, CROWD - 1);
    allocator_end();
    assert_int_equal(lesson_store_join(store, long_id, long_id, "lesson", long_id, 0, NULL), LESSON_STORE_OK);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_allocation_changes_nothing),
        cmocka_unit_test(a_failed_join_keeps_no_memory),
        cmocka_unit_test(who_has_quit_keeps_no_memory),
        cmocka_unit_test(a_store_that_cannot_be_allocated_is_not_opened),
        cmocka_unit_test(a_steady_state_allocates_nothing),
        cmocka_unit_test(where_a_chunk_is_full_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
