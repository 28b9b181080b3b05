/* The lists by page, and the abilities that a store reports. */
#include "suite.h"

#define ALL_PAGES (LESSON_STORE_CALL_MEMBERS_PAGE | LESSON_STORE_CALL_LESSONS_PAGE | LESSON_STORE_CALL_USERS_PAGE)

/* One list, read page by page into lines of text. */
typedef struct page_reading {
    struct fixture *fixture;
    uint64_t call;
    const char *lesson_id; /* of members */
    size_t most;
    lesson_store_cursor *cursor;
    lines *out;
} page_reading;

static void add_lesson(lines *out, const lesson_store_lesson *lesson) {
    const char *course = lesson_store_course_status_word(lesson->course_status);
    const char *chat = lesson_store_chat_status_word(lesson->chat_status);
    lines_add(out, "%s %s %s %s %" PRIu64, quote(lesson->lesson_id).text, lesson->has_record ? "record" : "none",
              course ? course : "-", chat ? chat : "-", lesson->member_count);
}

static void add_user(lines *out, const lesson_store_user *user) {
    lines_add(out, "%s %s %s %s %s %" PRId64, quote(user->uid).text, quote(user->course_id).text,
              quote(user->lesson_id).text, quote(user->session).text, quote(user->owner).text, user->joined_ms);
}

/* Reads the next page. Returns its code; `*count` becomes the number of its entries. */
static int read_page(page_reading *reading, size_t *count) {
    lesson_store *store = reading->fixture->store;
    const lesson_store_id *uids = NULL;
    const lesson_store_lesson *lessons = NULL;
    const lesson_store_user *users = NULL;
    int code;
    *count = SIZE_MAX;
    if (reading->call == LESSON_STORE_CALL_MEMBERS_PAGE)
        code = lesson_store_members_page(store, reading->lesson_id, reading->most, &reading->cursor, &uids, count);
    else if (reading->call == LESSON_STORE_CALL_LESSONS_PAGE)
        code = lesson_store_lessons_page(store, reading->most, &reading->cursor, &lessons, count);
    else
        code = lesson_store_users_page(store, reading->most, &reading->cursor, &users, count);
    for (size_t i = 0; code == LESSON_STORE_OK && i < *count; i++) {
        if (uids)
            lines_add(reading->out, "%s", quote(uids[i]).text);
        else if (lessons)
            add_lesson(reading->out, &lessons[i]);
        else
            add_user(reading->out, &users[i]);
    }
    return code;
}

static void expect_page(page_reading *reading, size_t *count) {
    int code = read_page(reading, count);
    if (code)
        lesson_store_cursor_close(reading->cursor);
    expect_code(reading->fixture, "a page", code, LESSON_STORE_OK);
    if (*count > reading->most) {
        lesson_store_cursor_close(reading->cursor);
        fail_test(reading->fixture, "a page has %zu entries, more than %zu", *count, reading->most);
    }
}

static void read_all(page_reading *reading) {
    size_t count;
    do
        expect_page(reading, &count);
    while (count > 0);
    expect_page(reading, &count);
    lesson_store_cursor_close(reading->cursor);
    expect_number(reading->fixture, "entries behind the end", count, 0);
}

/* ---- The same lists by callback */

static bool hear_member(const lesson_store_id *uid, void *context) {
    lines_add(context, "%s", quote(*uid).text);
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

static void list(struct fixture *fixture, uint64_t call, const char *lesson_id, lines *out) {
    int code = call == LESSON_STORE_CALL_MEMBERS_PAGE
                   ? lesson_store_members(fixture->store, lesson_id, hear_member, out)
               : call == LESSON_STORE_CALL_LESSONS_PAGE ? lesson_store_lessons(fixture->store, hear_lesson, out)
                                                        : lesson_store_users(fixture->store, hear_user, out);
    expect_code(fixture, "the list", code, LESSON_STORE_OK);
}

/* Nothing is expected if the backend lacks the list or its pages. */
static void expect_pages_of(struct fixture *fixture, uint64_t call, uint64_t list_call, const char *lesson_id,
                            size_t most) {
    if ((call | list_call) & ~fixture->backend->calls)
        return;
    page_reading reading = {
        .fixture = fixture, .call = call, .lesson_id = lesson_id, .most = most, .out = &fixture->found};
    lines_clear(&fixture->found);
    lines_clear(&fixture->expected);
    read_all(&reading);
    list(fixture, call, lesson_id, &fixture->expected);
    if (!lines_compare(&fixture->expected, &fixture->found))
        fail_test(fixture, "pages of %zu and the list differ", most);
}

static void expect_pages(struct fixture *fixture, const char *lesson_id, size_t most) {
    expect_pages_of(fixture, LESSON_STORE_CALL_MEMBERS_PAGE, LESSON_STORE_CALL_MEMBERS, lesson_id, most);
    expect_pages_of(fixture, LESSON_STORE_CALL_LESSONS_PAGE, LESSON_STORE_CALL_LESSONS, NULL, most);
    expect_pages_of(fixture, LESSON_STORE_CALL_USERS_PAGE, LESSON_STORE_CALL_USERS, NULL, most);
}

static void need_pages(struct fixture *fixture) {
    if (!(fixture->backend->calls & ALL_PAGES))
        skip_test(fixture, "it declares no list by page");
}

/* ---- Tests */

static const struct step three_lessons[] = {{CREATE("algebra")},
                                            {CREATE("empty")},
                                            {JOIN("ann", "maths", "algebra")},
                                            {JOIN("bob", "maths", "algebra")},
                                            {JOIN("cid", "exams", "algebra")},
                                            {JOIN("dot", "arts", "choir")},
                                            {.lesson_id = NULL}};

static void pages_of_few(struct fixture *fixture) {
    need_pages(fixture);
    expect_pages(fixture, "algebra", 1);
    play(fixture, three_lessons);
    for (size_t most = 1; most <= 5; most++)
        expect_pages(fixture, "algebra", most);
    expect_pages(fixture, "unknown", LESSON_STORE_PAGE_MAX);
}

static void pages_of_many(struct fixture *fixture) {
    enum { MANY = 3000 };
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_pages(fixture);
    make_joins(fixture, MANY, 50);
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, fixture->operations, MANY), LESSON_STORE_OK);
    expect_pages(fixture, "lesson 7", 9);
    expect_pages(fixture, "lesson 7", 700);
    expect_pages(fixture, "lesson 7", LESSON_STORE_PAGE_MAX);
}

static void pages_with_sessions(struct fixture *fixture) {
    static const struct step steps[] = {
        {JOIN("ann", "maths", "algebra"), SESSION("s1")}, {JOIN("bob", "arts", "algebra")}, {.lesson_id = NULL}};
    need_pages(fixture);
    need_capability(fixture, LESSON_STORE_CAN_KEEP_SESSIONS);
    play(fixture, steps);
    expect_pages(fixture, "algebra", 1);
}

static void pages_with_owners(struct fixture *fixture) {
    static const struct step steps[] = {{HOLD("w/1", 3600000)},
                                        {JOIN("ann", "maths", "algebra"), BY("w/1")},
                                        {JOIN("bob", "arts", "algebra")},
                                        {.lesson_id = NULL}};
    need_pages(fixture);
    need_operation(fixture, LESSON_STORE_OPERATION_HOLD);
    play(fixture, steps);
    expect_pages(fixture, "algebra", 1);
}

/* The users "odd N" quit and join again while pages are read. The others stay. */
enum { STAYING = 150, COMING = STAYING };

static void change_something(struct fixture *fixture, unsigned *seed) {
    for (int i = 0; i < 8; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "odd %u", draw(seed, COMING));
        int code = draw(seed, 2) ? lesson_store_join(fixture->store, uid, "maths", "algebra", NULL, 0, NULL)
                                 : lesson_store_quit(fixture->store, uid, NULL, NULL, NULL);
        if (code != LESSON_STORE_NOT_FOUND)
            expect_code(fixture, "a change between two pages", code, LESSON_STORE_OK);
    }
}

static size_t count_line(const lines *list, const char *wanted) {
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += strncmp(list->items[i], wanted, strlen(wanted)) == 0;
    return count;
}

static void expect_each_once(struct fixture *fixture, const char *group, int users, bool all) {
    for (int i = 0; i < users; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "%s %d", group, i);
        const quoted wanted = quote_text(uid);
        size_t count = count_line(&fixture->found, wanted.text);
        if (count > 1 || (all && count == 0))
            fail_test(fixture, "%s is listed %zu times", wanted.text, count);
    }
}

static void join_all(struct fixture *fixture) {
    for (int i = 0; i < STAYING + COMING; i++) {
        char uid[32];
        snprintf(uid, sizeof uid, "%s %d", i % 2 ? "odd" : "even", i / 2);
        expect_code(fixture, "join", lesson_store_join(fixture->store, uid, "maths", "algebra", NULL, 0, NULL),
                    LESSON_STORE_OK);
    }
}

static void pages_beside_changes(struct fixture *fixture, uint64_t call) {
    unsigned seed = 11;
    size_t count;
    page_reading reading = {
        .fixture = fixture, .call = call, .lesson_id = "algebra", .most = 7, .out = &fixture->found};
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_QUIT);
    need_calls(fixture, call);
    join_all(fixture);
    lines_clear(&fixture->found);
    do {
        expect_page(&reading, &count);
        change_something(fixture, &seed);
    } while (count > 0);
    lesson_store_cursor_close(reading.cursor);
    expect_each_once(fixture, "even", STAYING, true);
    expect_each_once(fixture, "odd", COMING, false);
}

static void members_beside_changes(struct fixture *fixture) {
    pages_beside_changes(fixture, LESSON_STORE_CALL_MEMBERS_PAGE);
}

static void users_beside_changes(struct fixture *fixture) {
    pages_beside_changes(fixture, LESSON_STORE_CALL_USERS_PAGE);
}

static void wrong_pages(struct fixture *fixture) {
    lesson_store *store = fixture->store;
    lesson_store_cursor *cursor = NULL;
    const lesson_store_id *uids;
    const lesson_store_user *users;
    size_t count;
    need_calls(fixture, LESSON_STORE_CALL_MEMBERS_PAGE | LESSON_STORE_CALL_USERS_PAGE);
    expect_code(fixture, "no entries", lesson_store_members_page(store, "algebra", 0, &cursor, &uids, &count),
                LESSON_STORE_INVALID);
    expect_code(fixture, "too many entries",
                lesson_store_members_page(store, "algebra", LESSON_STORE_PAGE_MAX + 1, &cursor, &uids, &count),
                LESSON_STORE_INVALID);
    expect_code(fixture, "no cursor", lesson_store_members_page(store, "algebra", 1, NULL, &uids, &count),
                LESSON_STORE_INVALID);
    expect_code(fixture, "no page", lesson_store_members_page(store, "algebra", 1, &cursor, NULL, &count),
                LESSON_STORE_INVALID);
    expect_code(fixture, "no count", lesson_store_members_page(store, "algebra", 1, &cursor, &uids, NULL),
                LESSON_STORE_INVALID);
    expect_code(fixture, "no store", lesson_store_members_page(NULL, "algebra", 1, &cursor, &uids, &count),
                LESSON_STORE_INVALID);
    expect_code(fixture, "no lesson", lesson_store_members_page(store, NULL, 1, &cursor, &uids, &count),
                LESSON_STORE_INVALID);
    if (cursor)
        fail_test(fixture, "a cursor was made by a call that was INVALID");
    int code = lesson_store_members_page(store, "algebra", 1, &cursor, &uids, &count);
    int other_lesson = lesson_store_members_page(store, "biology", 1, &cursor, &uids, &count);
    int other_list = lesson_store_users_page(store, 1, &cursor, &users, &count);
    lesson_store_cursor_close(cursor);
    expect_code(fixture, "a page", code, LESSON_STORE_OK);
    expect_code(fixture, "the cursor of another lesson", other_lesson, LESSON_STORE_INVALID);
    expect_code(fixture, "the cursor of another list", other_list, LESSON_STORE_INVALID);
}

/* ---- Abilities */

static void expect_bits(struct fixture *fixture, const char *what, uint64_t found, uint64_t declared) {
    if (found != declared)
        fail_test(fixture, "%s: the description declares 0x%" PRIx64 ", the store has 0x%" PRIx64, what, declared,
                  found);
}

static void abilities(struct fixture *fixture) {
    const lesson_store_conformance_backend *backend = fixture->backend;
    lesson_store_abilities found = LESSON_STORE_ABILITIES_INIT;
    expect_code(fixture, "read_abilities", lesson_store_read_abilities(fixture->store, &found), LESSON_STORE_OK);
    expect_bits(fixture, "operations", found.operations, backend->operations);
    expect_bits(fixture, "flags", found.flags, backend->flags);
    expect_bits(fixture, "calls", found.calls, backend->calls);
    expect_bits(fixture, "capabilities", found.capabilities, backend->capabilities);
    if (found.end_at_once_max == 0 || found.members_at_once_max == 0)
        fail_test(fixture, "a limit of what is done at once is 0");
    expect_code(fixture, "abilities without a store", lesson_store_read_abilities(NULL, &found), LESSON_STORE_INVALID);
    expect_code(fixture, "abilities without a place", lesson_store_read_abilities(fixture->store, NULL),
                LESSON_STORE_INVALID);
    found.size = 0;
    expect_code(fixture, "abilities of size 0", lesson_store_read_abilities(fixture->store, &found),
                LESSON_STORE_INVALID);
}

static void own_messages(struct fixture *fixture) {
    char messages[3][LESSON_STORE_MESSAGE_SIZE];
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    lesson_store_operation operations[3] = {
        operation_of_step(&(struct step){JOIN("a\x01"
                                              "b",
                                              "maths", "algebra")}),
        operation_of_step(&(struct step){JOIN("ann", "maths", "algebra")}),
        operation_of_step(&(struct step){JOIN("bob", "", "algebra")}),
    };
    for (size_t i = 0; i < 3; i++) {
        operations[i].message = messages[i];
        operations[i].message_size = sizeof messages[i];
    }
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, operations, 3), LESSON_STORE_OK);
    expect_code(fixture, "the first operation", operations[0].code, LESSON_STORE_INVALID);
    expect_code(fixture, "the last operation", operations[2].code, LESSON_STORE_INVALID);
    if (!strstr(messages[0], "uid") || messages[1][0] || !strstr(messages[2], "course_id"))
        fail_test(fixture, "the messages are \"%s\", \"%s\" and \"%s\"", messages[0], messages[1], messages[2]);
}

static const struct test tests[] = {
    {.name = "PAGE-1 PAGE-2 the pages of small lists",
     .function = pages_of_few,
     .modes = IN_MODE(SINGLE) | IN_MODE(TWO_STORES)},
    {.name = "PAGE-1 PAGE-2 the pages of 3000 users and 50 lessons",
     .function = pages_of_many,
     .modes = IN_MODE(SINGLE)},
    {.name = "PAGE-1 pages with sessions", .function = pages_with_sessions, .modes = IN_MODE(SINGLE)},
    {.name = "PAGE-1 pages with owners", .function = pages_with_owners, .modes = IN_MODE(SINGLE)},
    {.name = "PAGE-3 members by page, while members come and go",
     .function = members_beside_changes,
     .modes = IN_MODE(SINGLE)},
    {.name = "PAGE-3 users by page, while users come and go",
     .function = users_beside_changes,
     .modes = IN_MODE(SINGLE)},
    {.name = "PAGE-4 ERROR-1 invalid arguments of pages", .function = wrong_pages, .modes = IN_MODE(SINGLE)},
    {.name = "ABILITY-1 a store has the abilities that are declared", .function = abilities, .modes = IN_MODE(SINGLE)},
    {.name = "ERROR-5 each operation of a batch has its own message",
     .function = own_messages,
     .modes = IN_MODE(SINGLE)},
};

const test_list page_tests = TEST_LIST(tests);
