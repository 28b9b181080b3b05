/* The calls that hand items to a callback: members, lessons, users, info. */
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

/* ---- A listener for every stream: counts, stops when told to, and calls the store again when told to */

struct listener {
    uint64_t heard;
    uint64_t stop_after; /* items; 0: never */
    uint64_t heard_after_stop;
    lesson_store *calls_again;
    bool has_check;
    int worst_code; /* the first code of a call from inside that is not REENTERED */
    const char *worst_call;
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

static bool hear_member(lesson_store_id uid, void *context) {
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

/* ---- Called from inside */

static void note(struct listener *listener, const char *call, int code) {
    if (code == LESSON_STORE_REENTERED || listener->worst_call)
        return;
    listener->worst_call = call;
    listener->worst_code = code;
}

static void note_batch(struct listener *listener, lesson_store *store) {
    lesson_store_operation create = lesson_store_operation_of(LESSON_STORE_OPERATION_CREATE);
    create.lesson_id = lesson_store_id_of("from inside");
    create.code = 4711;
    note(listener, "batch", lesson_store_batch(store, &create, 1));
    if (create.code != 4711)
        note(listener, "batch, which must not write to its operations", create.code);
}

static void call_again(struct listener *listener) {
    lesson_store *store = listener->calls_again;
    struct listener inner = {0};
    note(listener, "create", lesson_store_create(store, "from inside", 0));
    note(listener, "end", lesson_store_end(store, "algebra", 0, NULL));
    note(listener, "set_course_status", lesson_store_set_course_status(store, "algebra", 1, -1, NULL));
    note(listener, "set_chat_status", lesson_store_set_chat_status(store, "algebra", 1, -1, NULL));
    note(listener, "get_lesson", lesson_store_get_lesson(store, "algebra", NULL));
    note(listener, "join", lesson_store_join(store, "ann", "maths", "choir", NULL, 0, NULL));
    note(listener, "quit", lesson_store_quit(store, "ann", NULL, NULL, NULL));
    note(listener, "where", lesson_store_where(store, "ann", NULL));
    note(listener, "count", lesson_store_count(store, "algebra", NULL));
    note_batch(listener, store);
    note(listener, "members", lesson_store_members(store, "algebra", hear_member, &inner));
    note(listener, "lessons", lesson_store_lessons(store, hear_lesson, &inner));
    note(listener, "users", lesson_store_users(store, hear_user, &inner));
    if (listener->has_check)
        note(listener, "check", lesson_store_check(store, 0, hear_finding, &inner, NULL, NULL));
    note(listener, "info", lesson_store_info(store, hear_fact, &inner));
    if (inner.heard > 0)
        note(listener, "a stream inside a stream, which must be silent", LESSON_STORE_OK);
}

static void expect_reentered(struct fixture *fixture, const char *stream, const struct listener *listener) {
    if (listener->heard == 0)
        fail_test(fixture, "%s: expected items, found none", stream);
    if (listener->worst_call)
        fail_test(fixture, "%s called from a callback of %s: expected REENTERED, found %s", listener->worst_call,
                  stream, lesson_store_code_name(listener->worst_code));
}

static void stream_reentered(struct fixture *fixture) {
    need_calls(fixture, ALL_STREAMS);
    play(fixture, three_lessons);
    lesson_store *store = fixture->store;
    struct listener in_members = {.calls_again = store, .has_check = has_call(fixture, LESSON_STORE_CONFORMANCE_CHECK)},
                    in_lessons = in_members, in_users = in_members, in_info = in_members;
    expect_code(fixture, "members", lesson_store_members(store, "algebra", hear_member, &in_members), LESSON_STORE_OK);
    expect_reentered(fixture, "members", &in_members);
    expect_code(fixture, "lessons", lesson_store_lessons(store, hear_lesson, &in_lessons), LESSON_STORE_OK);
    expect_reentered(fixture, "lessons", &in_lessons);
    expect_code(fixture, "users", lesson_store_users(store, hear_user, &in_users), LESSON_STORE_OK);
    expect_reentered(fixture, "users", &in_users);
    expect_code(fixture, "info", lesson_store_info(store, hear_fact, &in_info), LESSON_STORE_OK);
    expect_reentered(fixture, "info", &in_info);
    know_lesson(fixture, "from inside");
    expect_three_lessons(fixture);
}

static void check_reentered(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CONFORMANCE_CHECK);
    play(fixture, three_lessons);
    struct listener listener = {.calls_again = fixture->store, .has_check = true};
    expect_code(fixture, "check",
                lesson_store_check(fixture->store, LESSON_STORE_CHECK_ENDED, hear_finding, &listener, NULL, NULL),
                LESSON_STORE_OK);
    expect_reentered(fixture, "check", &listener);
    expect_three_lessons(fixture);
}

/* ---- Stopping early */

static void expect_stopped(struct fixture *fixture, const char *stream, int code, const struct listener *listener) {
    expect_code(fixture, stream, code, LESSON_STORE_OK);
    if (listener->heard_after_stop > 0)
        fail_test(fixture, "%s: the callback was called again after it had stopped", stream);
    expect_number(fixture, stream, listener->heard, listener->stop_after);
}

static void stop_members(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CONFORMANCE_MEMBERS);
    play(fixture, three_lessons);
    for (uint64_t items = 1; items <= 3; items++) {
        struct listener listener = {.stop_after = items};
        int code = lesson_store_members(fixture->store, "algebra", hear_member, &listener);
        expect_stopped(fixture, "members", code, &listener);
    }
    expect_three_lessons(fixture);
}

static void stop_lessons(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CONFORMANCE_LESSONS);
    play(fixture, three_lessons);
    for (uint64_t items = 1; items <= 3; items++) {
        struct listener listener = {.stop_after = items};
        int code = lesson_store_lessons(fixture->store, hear_lesson, &listener);
        expect_stopped(fixture, "lessons", code, &listener);
    }
    expect_three_lessons(fixture);
}

static void stop_users(struct fixture *fixture) {
    need_calls(fixture, LESSON_STORE_CONFORMANCE_USERS);
    play(fixture, three_lessons);
    for (uint64_t items = 1; items <= 4; items++) {
        struct listener listener = {.stop_after = items};
        int code = lesson_store_users(fixture->store, hear_user, &listener);
        expect_stopped(fixture, "users", code, &listener);
    }
    expect_three_lessons(fixture);
}

static void stop_info(struct fixture *fixture) {
    struct listener all = {0};
    expect_code(fixture, "info", lesson_store_info(fixture->store, hear_fact, &all), LESSON_STORE_OK);
    for (uint64_t items = 1; items <= all.heard; items++) {
        struct listener listener = {.stop_after = items};
        int code = lesson_store_info(fixture->store, hear_fact, &listener);
        expect_stopped(fixture, "info", code, &listener);
    }
}

/* ---- Many items: more than any backend fetches at a time */

#define MANY 3000

static void join_many(struct fixture *fixture, size_t lessons) {
    make_room_for_batch(fixture, MANY);
    free(fixture->text);
    fixture->text = calloc(MANY, 64);
    if (!fixture->text)
        fail_test(fixture, "no memory for %d ids", MANY);
    for (size_t i = 0; i < MANY; i++) {
        char *text = fixture->text + 64 * i;
        snprintf(text, 32, "user %zu", i);
        snprintf(text + 32, 32, "lesson %zu", i % lessons);
        fixture->operations[i] = lesson_store_operation_of(LESSON_STORE_OPERATION_JOIN);
        fixture->operations[i].uid = lesson_store_id_of(text);
        fixture->operations[i].course_id = lesson_store_id_of("maths");
        fixture->operations[i].lesson_id = lesson_store_id_of(text + 32);
    }
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

struct facts {
    uint32_t capabilities;
    bool has_version;
    bool has_location;
};

static bool learn_fact(const char *name, const char *value, void *context) {
    struct facts *facts = context;
    bool yes = strcmp(value, "yes") == 0;
    if (strcmp(name, "can_keep_sessions") == 0 && yes)
        facts->capabilities |= LESSON_STORE_CAN_KEEP_SESSIONS;
    if (strcmp(name, "can_share") == 0 && yes)
        facts->capabilities |= LESSON_STORE_CAN_SHARE;
    if (strcmp(name, "can_persist") == 0 && yes)
        facts->capabilities |= LESSON_STORE_CAN_PERSIST;
    facts->has_version |= strcmp(name, "library_version") == 0 && strcmp(value, lesson_store_version()) == 0;
    facts->has_location |= strcmp(name, "location") == 0 && *value;
    return true;
}

static void info_facts(struct fixture *fixture) {
    struct facts facts = {0, false, false};
    expect_code(fixture, "info", lesson_store_info(fixture->store, learn_fact, &facts), LESSON_STORE_OK);
    if (!facts.has_version || !facts.has_location)
        fail_test(fixture, "info lacks the location or the library_version");
    if (facts.capabilities != fixture->backend->capabilities)
        fail_test(fixture, "capabilities: the description declares 0x%x, the store 0x%x",
                  (unsigned)fixture->backend->capabilities, (unsigned)facts.capabilities);
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
           {END("biology"), FLAGS(LESSON_STORE_RECORD_ONLY), NUMBER(0)}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "biology")})},

    {.name = "LESSONS-3 a lesson that has lost its record and its last member is not listed",
     STEPS({JOIN("ann", "maths", "left")}, {QUIT("ann"), IN("maths", "left")}, {JOIN("bob", "maths", "moved from")},
           {JOIN("bob", "maths", "moved to"), MOVED_FROM("maths", "moved from")}, {CREATE("ended")},
           {JOIN("cid", "maths", "ended")}, {END("ended"), NUMBER(1)}, {CREATE("emptied")},
           {JOIN("dot", "maths", "emptied")}, {QUIT("dot"), IN("maths", "emptied")},
           {END("emptied"), FLAGS(LESSON_STORE_RECORD_ONLY), NUMBER(0)}),
     USERS({IS_IN("bob", "maths", "moved to")})},

    {.name = "USERS-2 sessions are listed with their users",
     STEPS({JOIN("ann", "maths", "algebra"), SESSION("s1")}, {JOIN("bob", "maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra"), SESSION("s1")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "STREAM-1 members: stopping early is OK", .function = stop_members, .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-1 lessons: stopping early is OK", .function = stop_lessons, .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-1 users: stopping early is OK", .function = stop_users, .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-1 INFO-1 info: stopping early is OK", .function = stop_info, .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-2 a callback that calls its own store is answered REENTERED",
     .function = stream_reentered,
     .modes = IN_MODE(SINGLE)},
    {.name = "STREAM-2 CHECK-2 a callback of check that calls its own store is answered REENTERED",
     .function = check_reentered,
     .modes = IN_MODE(SINGLE)},
    {.name = "INFO-1 info names the location, the version and the declared capabilities",
     .function = info_facts,
     .modes = IN_MODE(SINGLE)},
};

const test_list stream_tests = TEST_LIST(tests);
