/* Lists of lessons with a filter: by course and by status. */
#include "suite.h"

#define ALL_FINDING (LESSON_STORE_CALL_FIND_LESSONS | LESSON_STORE_CALL_FIND_LESSONS_PAGE | LESSON_STORE_CALL_LESSONS)

static const char *const courses[] = {NULL, "maths", "arts", "\u6570\u5b66 'a\"*?[", "unknown"};
enum { COURSES = sizeof courses / sizeof *courses, ANY = LESSON_STORE_STATUS_NONE };

/* ---- The reference: what lessons lists, compared here */

struct wanted {
    const char *course_id;
    int course_status;
    int chat_status;
    lines *out;
};

static bool is_wanted(const struct wanted *wanted, const lesson_store_lesson *lesson) {
    lesson_store_id course = lesson->course_id;
    if (wanted->course_id && (strlen(wanted->course_id) != course.size || !course.data ||
                              memcmp(wanted->course_id, course.data, course.size) != 0))
        return false;
    return (wanted->course_status == ANY || wanted->course_status == lesson->course_status) &&
           (wanted->chat_status == ANY || wanted->chat_status == lesson->chat_status);
}

static void add_lesson(lines *out, const lesson_store_lesson *lesson) {
    char course[sizeof(quoted)];
    memcpy(course, quote(lesson->course_id).text, sizeof course);
    lines_add(out, "%s of %s: %d %d %" PRIu64 " %d", quote(lesson->lesson_id).text, course, lesson->course_status,
              lesson->chat_status, lesson->member_count, lesson->has_record);
}

static bool hear_wanted(const lesson_store_lesson *lesson, void *context) {
    const struct wanted *wanted = context;
    if (is_wanted(wanted, lesson))
        add_lesson(wanted->out, lesson);
    return true;
}

static bool hear_any(const lesson_store_lesson *lesson, void *context) {
    add_lesson(context, lesson);
    return true;
}

static lesson_store_lesson_filter filter_of(const struct wanted *wanted) {
    lesson_store_lesson_filter filter = {.course_id = lesson_store_id_of(wanted->course_id)};
    if (wanted->course_status != ANY) {
        filter.given |= LESSON_STORE_GIVEN_COURSE_STATUS;
        filter.course_status = wanted->course_status;
    }
    if (wanted->chat_status != ANY) {
        filter.given |= LESSON_STORE_GIVEN_CHAT_STATUS;
        filter.chat_status = wanted->chat_status;
    }
    return filter;
}

/* ---- Comparing */

static void read_pages(struct fixture *fixture, const lesson_store_lesson_filter *filter, size_t most) {
    lesson_store_cursor *cursor = NULL;
    const lesson_store_lesson *found;
    size_t count = 0;
    int code;
    do {
        code = lesson_store_find_lessons_page(fixture->store, filter, most, &cursor, &found, &count);
        for (size_t i = 0; code == LESSON_STORE_OK && i < count; i++)
            add_lesson(&fixture->found, &found[i]);
    } while (code == LESSON_STORE_OK && count > 0 && count <= most);
    lesson_store_cursor_close(cursor);
    expect_code(fixture, "a page with a filter", code, LESSON_STORE_OK);
    if (count > most)
        fail_test(fixture, "a page has %zu entries, more than %zu", count, most);
}

/* `most` 0: the list by callback. */
static void expect_wanted(struct fixture *fixture, struct wanted *wanted, size_t most) {
    const lesson_store_lesson_filter filter = filter_of(wanted);
    lines_clear(&fixture->found);
    lines_clear(&fixture->expected);
    expect_code(fixture, "lessons", lesson_store_lessons(fixture->store, hear_wanted, wanted), LESSON_STORE_OK);
    if (most > 0)
        read_pages(fixture, &filter, most);
    else
        expect_code(fixture, "find_lessons",
                    lesson_store_find_lessons(fixture->store, &filter, hear_any, &fixture->found), LESSON_STORE_OK);
    if (!lines_compare(&fixture->expected, &fixture->found))
        fail_test(fixture, "course %s, course status %d, chat status %d, pages of %zu: not the lessons that pass",
                  quote_text(wanted->course_id ? wanted->course_id : "(any)").text, wanted->course_status,
                  wanted->chat_status, most);
}

static void expect_every_filter(struct fixture *fixture, size_t most) {
    struct wanted wanted = {.out = &fixture->expected};
    for (size_t i = 0; i < COURSES; i++) {
        wanted.course_id = courses[i];
        for (wanted.course_status = ANY; wanted.course_status <= LESSON_STORE_COURSE_WAITING; wanted.course_status++) {
            for (wanted.chat_status = ANY; wanted.chat_status <= LESSON_STORE_CHAT_BANNED; wanted.chat_status++)
                expect_wanted(fixture, &wanted, most);
        }
    }
}

/* ---- Tests */

static void need_filters(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_capability(fixture, LESSON_STORE_CAN_ADMIT);
    need_calls(fixture, ALL_FINDING);
}

/* Lessons of every course and status, and lessons that have only members. */
static void make_lessons(struct fixture *fixture, size_t count) {
    make_joins(fixture, count, count);
    for (size_t i = 0; i < count; i++) {
        lesson_store_operation *create = &fixture->operations[i];
        if (i % 7 == 0)
            continue;
        const lesson_store_id lesson_id = create->lesson_id;
        *create = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_CREATE, .lesson_id = lesson_id};
        create->course_id = lesson_store_id_of(courses[i % (COURSES - 1)]);
        create->given = LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_CHAT_STATUS;
        create->course_status = (int32_t)(i / 3 % 4);
        create->chat_status = (int32_t)(i / 5 % 2);
    }
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, fixture->operations, count), LESSON_STORE_OK);
    make_joins(fixture, count / 2, count / 4);
    expect_code(fixture, "the joins", lesson_store_batch(fixture->store, fixture->operations, count / 2),
                LESSON_STORE_OK);
}

static void every_filter(struct fixture *fixture) {
    need_filters(fixture);
    make_lessons(fixture, 60);
    expect_every_filter(fixture, 0);
}

static void every_filter_by_page(struct fixture *fixture) {
    need_filters(fixture);
    make_lessons(fixture, 60);
    expect_every_filter(fixture, 3);
}

static void filters_of_many(struct fixture *fixture) {
    struct wanted some = {"maths", LESSON_STORE_COURSE_ONLINE, ANY, &fixture->expected};
    struct wanted none = {"unknown", ANY, ANY, &fixture->expected};
    need_filters(fixture);
    make_lessons(fixture, 3000);
    for (size_t most = 0; most <= LESSON_STORE_PAGE_MAX; most = most ? 100 * most : 100) {
        expect_wanted(fixture, &some, most);
        expect_wanted(fixture, &none, most);
    }
}

/* Every second lesson may change its status between pages. The others pass all the while, and are listed once. */
enum { CHANGING = 300 };

static void make_online(struct fixture *fixture) {
    make_joins(fixture, CHANGING, CHANGING);
    for (size_t i = 0; i < CHANGING; i++) {
        const lesson_store_id lesson_id = fixture->operations[i].lesson_id;
        fixture->operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_CREATE,
                                                          .lesson_id = lesson_id,
                                                          .given = LESSON_STORE_GIVEN_COURSE_STATUS,
                                                          .course_status = LESSON_STORE_COURSE_ONLINE};
    }
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, fixture->operations, CHANGING),
                LESSON_STORE_OK);
}

static void change_statuses(struct fixture *fixture, unsigned *seed) {
    make_joins(fixture, CHANGING, CHANGING);
    for (size_t i = 0; i < CHANGING; i++) {
        const lesson_store_id lesson_id = fixture->operations[i].lesson_id;
        lesson_store_operation *set = &fixture->operations[i];
        *set = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_NONE};
        if (i % 2 || draw(seed, 10) > 0)
            continue;
        set->kind = LESSON_STORE_OPERATION_SET;
        set->lesson_id = lesson_id;
        set->given = LESSON_STORE_GIVEN_COURSE_STATUS;
        set->course_status = (int32_t)draw(seed, 2);
    }
    expect_code(fixture, "the changes", lesson_store_batch(fixture->store, fixture->operations, CHANGING),
                LESSON_STORE_OK);
}

static void count_lessons(struct fixture *fixture, unsigned char seen[CHANGING]) {
    const lesson_store_lesson_filter filter = {.given = LESSON_STORE_GIVEN_COURSE_STATUS,
                                               .course_status = LESSON_STORE_COURSE_ONLINE};
    lesson_store_cursor *cursor = NULL;
    const lesson_store_lesson *found;
    unsigned seed = 5;
    size_t count = 0;
    int code, wrong = 0;
    do {
        code = lesson_store_find_lessons_page(fixture->store, &filter, 23, &cursor, &found, &count);
        for (size_t i = 0; code == LESSON_STORE_OK && i < count; i++) {
            char lesson_id[LESSON_STORE_ID_MAX + 1];
            lesson_store_id_copy(lesson_id, found[i].lesson_id);
            seen[strtoul(lesson_id + strlen("lesson "), NULL, 10) % CHANGING]++;
            wrong += found[i].course_status != LESSON_STORE_COURSE_ONLINE;
        }
        if (code == LESSON_STORE_OK)
            change_statuses(fixture, &seed);
    } while (code == LESSON_STORE_OK && count > 0);
    lesson_store_cursor_close(cursor);
    expect_code(fixture, "a page with a filter", code, LESSON_STORE_OK);
    expect_number(fixture, "lessons with another status", (uint64_t)wrong, 0);
}

static void pages_beside_changes(struct fixture *fixture) {
    unsigned char seen[CHANGING] = {0};
    need_filters(fixture);
    need_operation(fixture, LESSON_STORE_OPERATION_SET);
    make_online(fixture);
    count_lessons(fixture, seen);
    for (int i = 0; i < CHANGING; i++) {
        if (seen[i] > 1 || (i % 2 && seen[i] != 1))
            fail_test(fixture, "lesson %d is listed %d times", i, seen[i]);
    }
}

static void wrong_filters(struct fixture *fixture) {
    const lesson_store_lesson_filter wrong[] = {
        {.given = 1 << 20},
        {.given = LESSON_STORE_GIVEN_CAPACITY},
        {.given = LESSON_STORE_GIVEN_COURSE_STATUS, .course_status = 4},
        {.given = LESSON_STORE_GIVEN_COURSE_STATUS, .course_status = LESSON_STORE_STATUS_NONE},
        {.given = LESSON_STORE_GIVEN_CHAT_STATUS, .chat_status = 2},
        {.course_status = 1},
        {.chat_status = 1},
        {.course_id = {"", 0}},
        {.course_id = {"a\nb", 3}},
        {.reserved_number = 1},
        {.reserved = {1}},
    };
    lesson_store_lesson_filter filter = {.given = LESSON_STORE_GIVEN_COURSE_STATUS};
    lesson_store_cursor *cursor = NULL;
    const lesson_store_lesson *found;
    size_t count;
    need_calls(fixture, ALL_FINDING);
    for (size_t i = 0; i <= sizeof wrong / sizeof *wrong; i++) {
        const lesson_store_lesson_filter *asked = i < sizeof wrong / sizeof *wrong ? &wrong[i] : NULL;
        expect_code(fixture, "an invalid filter",
                    lesson_store_find_lessons(fixture->store, asked, hear_any, &fixture->found), LESSON_STORE_INVALID);
        int code = lesson_store_find_lessons_page(fixture->store, asked, 1, &cursor, &found, &count);
        expect_code(fixture, "an invalid filter of a page", code, LESSON_STORE_INVALID);
    }
    if (cursor)
        fail_test(fixture, "a cursor was made by a call that was INVALID");
    expect_code(fixture, "no callback", lesson_store_find_lessons(fixture->store, &filter, NULL, NULL),
                LESSON_STORE_INVALID);
    expect_code(fixture, "no store", lesson_store_find_lessons(NULL, &filter, hear_any, NULL), LESSON_STORE_INVALID);
    int code = lesson_store_find_lessons_page(fixture->store, &filter, 1, &cursor, &found, &count);
    filter.course_status = LESSON_STORE_COURSE_ONLINE;
    int other_filter = lesson_store_find_lessons_page(fixture->store, &filter, 1, &cursor, &found, &count);
    int no_filter = lesson_store_lessons_page(fixture->store, 1, &cursor, &found, &count);
    lesson_store_cursor_close(cursor);
    expect_code(fixture, "a page", code, LESSON_STORE_OK);
    expect_code(fixture, "the cursor of another filter", other_filter, LESSON_STORE_INVALID);
    expect_code(fixture, "the cursor of a list with a filter", no_filter, LESSON_STORE_INVALID);
}

static const struct test tests[] = {
    {.name = "FIND-1 the lessons that pass each filter",
     .function = every_filter,
     .modes = IN_MODE(SINGLE) | IN_MODE(TWO_STORES)},
    {.name = "FIND-2 the pages of each filter", .function = every_filter_by_page, .modes = IN_MODE(SINGLE)},
    {.name = "FIND-1 FIND-2 filters of 3000 lessons", .function = filters_of_many, .modes = IN_MODE(SINGLE)},
    {.name = "FIND-2 pages with a filter, while statuses change",
     .function = pages_beside_changes,
     .modes = IN_MODE(SINGLE)},
    {.name = "ERROR-1 PAGE-4 invalid filters", .function = wrong_filters, .modes = IN_MODE(SINGLE)},
};

const test_list filter_tests = TEST_LIST(tests);
