/* The calls with a callback for each entry: members, lessons, users, info. */
#include "suite.h"

static const struct step three_lessons[] = {{CREATE("algebra")},
                                            {CREATE("empty")},
                                            {JOIN("ann", "maths", "algebra")},
                                            {JOIN("bob", "maths", "algebra")},
                                            {JOIN("cid", "exams", "algebra")},
                                            {JOIN("dot", "arts", "choir")},
                                            {.lesson_id = NULL}};
static const struct record three_lessons_records[] = {
    {"algebra", "waiting", "free"}, {"empty", "waiting", "free"}, {.lesson_id = NULL}};
static const struct user three_lessons_users[] = {{IS_IN("ann", "maths", "algebra")},
                                                  {IS_IN("bob", "maths", "algebra")},
                                                  {IS_IN("cid", "exams", "algebra")},
                                                  {IS_IN("dot", "arts", "choir")},
                                                  {.uid = NULL}};

static void expect_three_lessons(struct fixture *fixture) {
    expect_state(fixture, three_lessons_records, three_lessons_users);
}

/* ---- A callback for every list: counts, stops on request, and calls the store again on request */

struct listener {
    uint64_t heard;
    uint64_t stop_after; /* entries; 0: never */
    uint64_t heard_after_stop;
    lesson_store *calls_again;
    uint64_t calls;         /* that the backend declares */
    const char *worst_call; /* the first nested call that did not return REENTERED */
    int worst_code;
};

static void call_again(struct listener *listener);

static bool listen(struct listener *listener) {
    if (listener->stop_after && listener->heard == listener->stop_after)
        listener->heard_after_stop++;
    listener->heard++;
    if (listener->calls_again)
        call_again(listener);
    return !listener->stop_after || listener->heard < listener->stop_after;
}

static bool hear_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    return listen(context);
}

static bool hear_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson;
    return listen(context);
}

static bool hear_user(const lesson_store_user *user, void *context) {
    (void)user;
    return listen(context);
}

static bool hear_finding(const lesson_store_finding *finding, void *context) {
    (void)finding;
    return listen(context);
}

static bool hear_fact(const char *name, const char *value, void *context) {
    (void)name;
    (void)value;
    return listen(context);
}

static int begin_members(lesson_store *store, struct listener *listener) {
    return lesson_store_members(store, "algebra", hear_member, listener);
}

static int begin_lessons(lesson_store *store, struct listener *listener) {
    return lesson_store_lessons(store, hear_lesson, listener);
}

static int begin_find(lesson_store *store, struct listener *listener) {
    const lesson_store_lesson_filter waiting = {.given = LESSON_STORE_GIVEN_COURSE_STATUS,
                                                .course_status = LESSON_STORE_COURSE_WAITING};
    return lesson_store_find_lessons(store, &waiting, hear_lesson, listener);
}

static int begin_users(lesson_store *store, struct listener *listener) {
    return lesson_store_users(store, hear_user, listener);
}

static int begin_check(lesson_store *store, struct listener *listener) {
    return lesson_store_check(store, LESSON_STORE_CHECK_ENDED, hear_finding, listener, NULL, NULL);
}

static int begin_info(lesson_store *store, struct listener *listener) {
    return lesson_store_info(store, hear_fact, listener);
}

/* Each list, and what it gives for the three lessons. */
struct stream {
    const char *name;
    uint32_t call; /* 0: every backend has it */
    uint64_t items;
    int (*begin)(lesson_store *store, struct listener *listener);
};

enum { MEMBERS, LESSONS, FOUND, USERS_LISTED, CHECK, INFO, STREAMS };

static const struct stream streams[STREAMS] = {
    [MEMBERS] = {"members", LESSON_STORE_CALL_MEMBERS, 3, begin_members},
    [LESSONS] = {"lessons", LESSON_STORE_CALL_LESSONS, 3, begin_lessons},
    [FOUND] = {"find_lessons", LESSON_STORE_CALL_FIND_LESSONS, 2, begin_find},
    [USERS_LISTED] = {"users", LESSON_STORE_CALL_USERS, 4, begin_users},
    [CHECK] = {"check", LESSON_STORE_CALL_CHECK, 1, begin_check},
    [INFO] = {"info", 0, 2, begin_info},
};

/* ---- Calls from a callback */

static void note(struct listener *listener, const char *call, int code) {
    if (code == LESSON_STORE_REENTERED || listener->worst_call)
        return;
    listener->worst_call = call;
    listener->worst_code = code;
}

static void note_batch(struct listener *listener, lesson_store *store) {
    lesson_store_operation create = {.kind = LESSON_STORE_OPERATION_CREATE};
    create.lesson_id = lesson_store_id_of("from inside");
    create.code = 4711;
    note(listener, "batch", lesson_store_batch(store, &create, 1));
    if (create.code != 4711)
        note(listener, "batch, which must not write to its operations", create.code);
}

static void note_streams(struct listener *listener, lesson_store *store) {
    struct listener inner = {0};
    for (size_t i = 0; i < STREAMS; i++) {
        if (!(streams[i].call & ~listener->calls))
            note(listener, streams[i].name, streams[i].begin(store, &inner));
    }
    if (inner.heard > 0)
        note(listener, "a list inside a list, which must call nothing back", LESSON_STORE_OK);
}

static void note_pages(struct listener *listener, lesson_store *store) {
    lesson_store_cursor *cursor = NULL;
    const lesson_store_id *uids;
    const lesson_store_user *users;
    size_t count;
    if (listener->calls & LESSON_STORE_CALL_MEMBERS_PAGE)
        note(listener, "members_page", lesson_store_members_page(store, "algebra", 1, &cursor, &uids, &count));
    lesson_store_cursor_close(cursor);
    cursor = NULL;
    if (listener->calls & LESSON_STORE_CALL_USERS_PAGE)
        note(listener, "users_page", lesson_store_users_page(store, 1, &cursor, &users, &count));
    lesson_store_cursor_close(cursor);
}

static void call_again(struct listener *listener) {
    lesson_store *store = listener->calls_again;
    note(listener, "create", lesson_store_create(store, "from inside", 0));
    note(listener, "end", lesson_store_end(store, "algebra", 0, NULL));
    note(listener, "set_course_status", lesson_store_set_course_status(store, "algebra", 1));
    note(listener, "set_chat_status", lesson_store_set_chat_status(store, "algebra", 1));
    note(listener, "get_lesson", lesson_store_get_lesson(store, "algebra", NULL));
    note(listener, "join", lesson_store_join(store, "ann", "maths", "choir", NULL, 0, NULL));
    note(listener, "quit", lesson_store_quit(store, "ann", NULL, NULL, NULL));
    note(listener, "where", lesson_store_where(store, "ann", NULL));
    note(listener, "count", lesson_store_count_members(store, "algebra", NULL));
    note_batch(listener, store);
    note_streams(listener, store);
    note_pages(listener, store);
}

static void reenter(struct fixture *fixture, const struct stream *stream) {
    need_calls(fixture, stream->call);
    play(fixture, three_lessons);
    struct listener listener = {.calls_again = fixture->store, .calls = fixture->backend->calls};
    expect_code(fixture, stream->name, stream->begin(fixture->store, &listener), LESSON_STORE_OK);
    if (listener.heard < stream->items)
        fail_test(fixture, "%s: expected %" PRIu64 " items, found %" PRIu64, stream->name, stream->items,
                  listener.heard);
    if (listener.worst_call)
        fail_test(fixture, "%s called from a callback of %s: expected REENTERED, found %s", listener.worst_call,
                  stream->name, lesson_store_code_name(listener.worst_code));
    know_lesson(fixture, "from inside");
    expect_three_lessons(fixture);
}

static void reenter_members(struct fixture *fixture) {
    reenter(fixture, &streams[MEMBERS]);
}

static void reenter_lessons(struct fixture *fixture) {
    reenter(fixture, &streams[LESSONS]);
}

static void reenter_users(struct fixture *fixture) {
    reenter(fixture, &streams[USERS_LISTED]);
}

static void reenter_check(struct fixture *fixture) {
    reenter(fixture, &streams[CHECK]);
}

static void reenter_info(struct fixture *fixture) {
    reenter(fixture, &streams[INFO]);
}

/* ---- Stopping early */

static void stop(struct fixture *fixture, const struct stream *stream) {
    need_calls(fixture, stream->call);
    play(fixture, three_lessons);
    for (uint64_t items = 1; items <= stream->items; items++) {
        struct listener listener = {.stop_after = items};
        expect_code(fixture, stream->name, stream->begin(fixture->store, &listener), LESSON_STORE_OK);
        if (listener.heard_after_stop > 0)
            fail_test(fixture, "%s: the callback was called again after it had stopped", stream->name);
        expect_number(fixture, stream->name, listener.heard, items);
    }
    expect_three_lessons(fixture);
}

static void stop_members(struct fixture *fixture) {
    stop(fixture, &streams[MEMBERS]);
}

static void stop_lessons(struct fixture *fixture) {
    stop(fixture, &streams[LESSONS]);
}

static void stop_users(struct fixture *fixture) {
    stop(fixture, &streams[USERS_LISTED]);
}

static void stop_info(struct fixture *fixture) {
    stop(fixture, &streams[INFO]);
}

/* ---- Many entries: more than any backend fetches at a time */

#define MANY 3000

static void join_many(struct fixture *fixture, size_t lessons) {
    make_joins(fixture, MANY, lessons);
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, fixture->operations, MANY), LESSON_STORE_OK);
}

static void many_members(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_calls(fixture, ALL_STREAMS);
    join_many(fixture, 1);
    expect_agreement(fixture);
    expect_number(fixture, "users", fixture->expected.count, MANY);
    expect_number(fixture, "lessons", fixture->known_lessons.count, 1);
}

static void many_lessons(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_calls(fixture, ALL_STREAMS);
    join_many(fixture, MANY);
    expect_agreement(fixture);
    expect_number(fixture, "users", fixture->expected.count, MANY);
    expect_number(fixture, "lessons", fixture->known_lessons.count, MANY);
}

/* ---- Information */

static void info_facts(struct fixture *fixture) {
    struct facts facts;
    expect_code(fixture, "info", learn_facts(fixture->store, &facts), LESSON_STORE_OK);
    if (!facts.has_version || !facts.has_location)
        fail_test(fixture, "info lacks the location or the library_version");
}

static const struct test tests[] = {
    {.name = "MEMBERS-1 LESSONS-1 USERS-1 everything is listed once",
     STEPS({CREATE("algebra")}, {CREATE("empty")}, {JOIN("ann", "maths", "algebra")}, {JOIN("bob", "maths", "algebra")},
           {JOIN("ann", "maths", "algebra"), ALREADY_IN("maths", "algebra")}, {JOIN("cid", "exams", "algebra")},
           {JOIN("bob", "arts", "choir"), MOVED_FROM("maths", "algebra")}, {JOIN("dot", "arts", "choir")}),
     RECORDS({"algebra", "waiting", "free"}, {"empty", "waiting", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("cid", "exams", "algebra")}, {IS_IN("bob", "arts", "choir")},
           {IS_IN("dot", "arts", "choir")})},

    {.name = "MEMBERS-1 LESSONS-1 USERS-1 thousands of members are listed once each",
     .function = many_members,
     .modes = IN_MODE(BATCH)},
    {.name = "MEMBERS-1 LESSONS-1 USERS-1 thousands of lessons are listed once each",
     .function = many_lessons,
     .modes = IN_MODE(BATCH)},

    {.name = "MEMBERS-2 LESSONS-3 an empty store lists nothing",
     STEPS({COUNT("algebra"), NUMBER(0)}, {WHERE("ann"), ANSWER(NOT_FOUND)})},

    {.name = "LESSONS-2 members without a record are listed as a lesson without statuses",
     STEPS({JOIN("ann", "maths", "algebra")}, {CREATE("biology")}, {JOIN("bob", "maths", "biology")},
           {END("biology"), FLAGS(LESSON_STORE_END_RECORD_ONLY), NUMBER(0)}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "biology")})},

    {.name = "LESSONS-3 a lesson that has lost its record and its last member is not listed",
     STEPS({JOIN("ann", "maths", "left")}, {QUIT("ann"), IN("maths", "left")}, {JOIN("bob", "maths", "moved from")},
           {JOIN("bob", "maths", "moved to"), MOVED_FROM("maths", "moved from")}, {CREATE("ended")},
           {JOIN("cid", "maths", "ended")}, {END("ended"), NUMBER(1)}, {CREATE("emptied")},
           {JOIN("dot", "maths", "emptied")}, {QUIT("dot"), IN("maths", "emptied")},
           {END("emptied"), FLAGS(LESSON_STORE_END_RECORD_ONLY), NUMBER(0)}),
     USERS({IS_IN("bob", "maths", "moved to")})},

    {.name = "USERS-2 sessions are listed with their users",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")}, {JOIN("bob", "maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra"), SESSION("s1")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "STREAM-1 members: stopping early is OK", .function = stop_members, .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-1 lessons: stopping early is OK", .function = stop_lessons, .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-1 users: stopping early is OK", .function = stop_users, .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-1 info: stopping early is OK", .function = stop_info, .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-2 every call from a callback of members is REENTERED",
     .function = reenter_members,
     .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-2 every call from a callback of lessons is REENTERED",
     .function = reenter_lessons,
     .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-2 every call from a callback of users is REENTERED",
     .function = reenter_users,
     .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-2 every call from a callback of check is REENTERED",
     .function = reenter_check,
     .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-2 every call from a callback of info is REENTERED",
     .function = reenter_info,
     .modes = IN_MODE(SINGLE)},
    {.name = "INFO-1 info names the location, the version and the declared capabilities",
     .function = info_facts,
     .modes = IN_MODE(SINGLE)},
};

const test_list stream_tests = TEST_LIST(tests);
