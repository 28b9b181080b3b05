/* Ids: every valid id works and comes back byte for byte; every other id is refused. */
#include "suite.h"

/* ---- Valid ids */

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define LONGEST FIFTY FIFTY FIFTY FIFTY FIFTY "01234"
#define LONGEST_BUT_LAST FIFTY FIFTY FIFTY FIFTY FIFTY "0123"

_Static_assert(sizeof LONGEST == LESSON_STORE_ID_MAX + 1, "the longest id");

/* Each is a uid, a course, a lesson and a session at the same time, all in one store, so that mixing any two of them
 * shows. */
static const char *const awkward[] = {
    "a",           " ",
    "0",           "-1",
    LONGEST,       FIFTY FIFTY FIFTY FIFTY FIFTY "012é",
    "two words",   " leading",
    "trailing ",   "a:b",
    "a::b",        ":",
    "LESSON_ID:a", "STATUS:IN_LESSON:UID:a",
    "#a@b|c/d\\e", "\"quoted\" and 'quoted'",
    "{braces}",    "{",
    "}",           "%s%n%d",
    "%00",         "$(id)`id`;--",
    "' OR '1'='1", "*",
    "?",           "[ab]",
    "a*",          "\\",
    "\\0",         "None",
    "null",        "NULL",
    "uid",         "lesson_id",
    "数学课",      "课程：一",
    "урок",        "😀",
    "👩‍🏫", "e\u0301",
    "\u00e9",      "\u00a0",
    "\xc2\x80",    "\u200b",
    "\ufeff",      "\uffff",
    "\U0010ffff",
};

enum { AWKWARD_COUNT = sizeof awkward / sizeof *awkward };

static void fill_users(struct user users[AWKWARD_COUNT + 1], bool with_sessions) {
    for (size_t i = 0; i < AWKWARD_COUNT; i++) {
        /* A different id for each role, so that exchanging two roles shows. */
        users[i] = (struct user){.uid = awkward[i],
                                 .course_id = awkward[(i + 1) % AWKWARD_COUNT],
                                 .lesson_id = awkward[(i + 2) % AWKWARD_COUNT],
                                 .session = with_sessions ? awkward[(i + 3) % AWKWARD_COUNT] : NULL};
    }
    users[AWKWARD_COUNT] = (struct user){.uid = NULL};
}

static void fill_records(struct record records[AWKWARD_COUNT + 1]) {
    for (size_t i = 0; i < AWKWARD_COUNT; i++)
        records[i] = (struct record){awkward[i], "waiting", "free"};
    records[AWKWARD_COUNT] = (struct record){.lesson_id = NULL};
}

static void awkward_ids(struct fixture *fixture, bool with_sessions) {
    struct user users[AWKWARD_COUNT + 1];
    struct record records[AWKWARD_COUNT + 1];
    struct step steps[2 * AWKWARD_COUNT + 1];
    fill_users(users, with_sessions);
    fill_records(records);
    for (size_t i = 0; i < AWKWARD_COUNT; i++) {
        steps[2 * i] = (struct step){CREATE(awkward[i])};
        steps[2 * i + 1] =
            (struct step){JOIN(users[i].uid, users[i].course_id, users[i].lesson_id), SESSION(users[i].session)};
    }
    steps[2 * AWKWARD_COUNT] = (struct step){.lesson_id = NULL};
    play(fixture, steps);
    expect_state(fixture, records, users);
}

static void id_awkward(struct fixture *fixture) {
    awkward_ids(fixture, false);
}

static void id_awkward_sessions(struct fixture *fixture) {
    awkward_ids(fixture, true);
}

/* Each user quits with its expected lesson and session, so that comparing such ids is tested besides storing them. */
static void id_awkward_quit(struct fixture *fixture) {
    struct step steps[2 * AWKWARD_COUNT + 1];
    for (size_t i = 0; i < AWKWARD_COUNT; i++) {
        steps[i] = (struct step){JOIN(awkward[i], awkward[i], awkward[i])};
        steps[AWKWARD_COUNT + i] = (struct step){QUIT(awkward[i]), OF_LESSON(awkward[i]), IN(awkward[i], awkward[i])};
    }
    steps[2 * AWKWARD_COUNT] = (struct step){.lesson_id = NULL};
    play(fixture, steps);
    expect_state(fixture, NULL, NULL);
}

/* ---- Invalid ids */

typedef struct bad_id {
    const char *what;
    const char *data;
    size_t size;
} bad_id;

#define BAD(what, text) \
    { what, text, sizeof(text) - 1 }

static const bad_id bad_ids[] = {
    {"missing", NULL, 0},
    {"missing, with a size", NULL, 3},
    BAD("empty", ""),
    BAD("256 bytes", LONGEST "5"),
    BAD("a NUL inside", "a\0b"),
    BAD("a NUL at the end", "a\0"),
    BAD("a tab", "a\tb"),
    BAD("a line feed at the end", "a\n"),
    BAD("a carriage return", "\ra"),
    BAD("an escape", "\x1b[1m"),
    BAD("the last control byte", "a\x1f"),
    BAD("a delete", "a\x7f"),
    BAD("a control byte after eight others", "12345678\x01"),
    BAD("a lone continuation byte", "a\x80"),
    BAD("a sequence cut short", "caf\xc3"),
    BAD("a sequence of three cut short", "\xe6\x95"),
    BAD("a sequence followed by a letter", "\xc3"
                                           "a"),
    BAD("an overlong slash", "\xc0\xaf"),
    BAD("an overlong sequence of three", "\xe0\x80\xaf"),
    BAD("an overlong sequence of four", "\xf0\x80\x80\xaf"),
    BAD("an overlong NUL", "\xc0\x80"),
    BAD("a surrogate", "\xed\xa0\x80"),
    BAD("a pair of surrogates", "\xed\xa0\xbd\xed\xb8\x80"),
    BAD("beyond U+10FFFF", "\xf4\x90\x80\x80"),
    BAD("a byte that is never used", "a\xff"),
    BAD("Latin-1", "caf\xe9"),
};

enum { BAD_COUNT = sizeof bad_ids / sizeof *bad_ids };

/* One operation of each kind that takes an id in this role, with the invalid id in it. */
struct role {
    const char *what;
    uint32_t kind;
    size_t offset;
    bool optional;
};

static const struct role roles[] = {
    {"create: lesson_id", LESSON_STORE_OPERATION_CREATE, offsetof(lesson_store_operation, lesson_id), false},
    {"end: lesson_id", LESSON_STORE_OPERATION_END, offsetof(lesson_store_operation, lesson_id), false},
    {"set: lesson_id", LESSON_STORE_OPERATION_SET, offsetof(lesson_store_operation, lesson_id), false},
    {"get_lesson: lesson_id", LESSON_STORE_OPERATION_GET_LESSON, offsetof(lesson_store_operation, lesson_id), false},
    {"join: uid", LESSON_STORE_OPERATION_JOIN, offsetof(lesson_store_operation, uid), false},
    {"join: course_id", LESSON_STORE_OPERATION_JOIN, offsetof(lesson_store_operation, course_id), false},
    {"join: lesson_id", LESSON_STORE_OPERATION_JOIN, offsetof(lesson_store_operation, lesson_id), false},
    {"join: session", LESSON_STORE_OPERATION_JOIN, offsetof(lesson_store_operation, session), true},
    {"quit: uid", LESSON_STORE_OPERATION_QUIT, offsetof(lesson_store_operation, uid), false},
    {"quit: lesson_id", LESSON_STORE_OPERATION_QUIT, offsetof(lesson_store_operation, lesson_id), true},
    {"quit: session", LESSON_STORE_OPERATION_QUIT, offsetof(lesson_store_operation, session), true},
    {"where: uid", LESSON_STORE_OPERATION_WHERE, offsetof(lesson_store_operation, uid), false},
    {"count: lesson_id", LESSON_STORE_OPERATION_COUNT_MEMBERS, offsetof(lesson_store_operation, lesson_id), false},
};

static lesson_store_operation sound_operation(uint32_t kind) {
    static const struct step sound[] = {
        [LESSON_STORE_OPERATION_CREATE] = {CREATE("biology")},
        [LESSON_STORE_OPERATION_END] = {END("algebra")},
        [LESSON_STORE_OPERATION_SET] = {SET("algebra"), COURSE_STATUS("online")},
        [LESSON_STORE_OPERATION_GET_LESSON] = {GET("algebra")},
        [LESSON_STORE_OPERATION_JOIN] = {JOIN("ann", "exams", "biology")},
        [LESSON_STORE_OPERATION_QUIT] = {QUIT("ann")},
        [LESSON_STORE_OPERATION_WHERE] = {WHERE("ann")},
        [LESSON_STORE_OPERATION_COUNT_MEMBERS] = {COUNT("algebra")},
    };
    return operation_of_step(&sound[kind]);
}

static void put_bad_id(lesson_store_operation *operation, const struct role *role, const bad_id *bad) {
    lesson_store_id id = {bad->data, bad->size};
    memcpy((char *)operation + role->offset, &id, sizeof id);
}

static void expect_invalid(struct fixture *fixture, const struct role *role, const bad_id *bad) {
    lesson_store_operation operation = sound_operation(role->kind);
    put_bad_id(&operation, role, bad);
    char what[128];
    snprintf(what, sizeof what, "%s %s", role->what, bad->what);
    expect_code(fixture, what, lesson_store_batch(fixture->store, &operation, 1), LESSON_STORE_OK);
    expect_code(fixture, what, operation.code, LESSON_STORE_INVALID);
}

static void id_invalid(struct fixture *fixture) {
    static const struct step steps[] = {{CREATE("algebra")}, {JOIN("ann", "maths", "algebra")}, {.lesson_id = NULL}};
    play(fixture, steps);
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        if (!has_operation(fixture, roles[i].kind))
            continue;
        for (size_t j = 0; j < BAD_COUNT; j++) {
            bool is_not_given = !bad_ids[j].data && !bad_ids[j].size;
            if (!(roles[i].optional && is_not_given))
                expect_invalid(fixture, &roles[i], &bad_ids[j]);
        }
    }
    expect_state(fixture, (const struct record[]){{"algebra", "waiting", "free"}, {.lesson_id = NULL}},
                 (const struct user[]){{IS_IN("ann", "maths", "algebra")}, {.uid = NULL}});
}

static bool count_member(const lesson_store_id *uid, void *context) {
    size_t *members = context;
    (void)uid;
    (*members)++;
    return true;
}

static void hear_no_member(struct fixture *fixture, const char *lesson_id, const char *what) {
    size_t members = 0;
    expect_code(fixture, what, lesson_store_members(fixture->store, lesson_id, count_member, &members),
                LESSON_STORE_INVALID);
    expect_number(fixture, "members of an invalid lesson", members, 0);
}

/* The invalid ids that can be passed as C strings. */
static void hear_no_members(struct fixture *fixture) {
    for (size_t i = 0; i < BAD_COUNT; i++) {
        const bad_id *bad = &bad_ids[i];
        if (bad->data ? strlen(bad->data) == bad->size : bad->size == 0)
            hear_no_member(fixture, bad->data, bad->what);
    }
}

static void id_invalid_in_single_calls(struct fixture *fixture) {
    lesson_store *store = fixture->store;
    expect_code(fixture, "create", lesson_store_create(store, "", 0), LESSON_STORE_INVALID);
    expect_code(fixture, "end", lesson_store_end(store, NULL, 0, NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "set", lesson_store_set_course_status(store, "a\n", 1), LESSON_STORE_INVALID);
    expect_code(fixture, "set", lesson_store_set_chat_status(store, "\xff", 1), LESSON_STORE_INVALID);
    expect_code(fixture, "get_lesson", lesson_store_get_lesson(store, LONGEST "5", NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "join", lesson_store_join(store, "ann", NULL, "a", NULL, 0, NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "quit", lesson_store_quit(store, "ann", "", NULL, NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "where", lesson_store_where(store, NULL, NULL), LESSON_STORE_INVALID);
    expect_code(fixture, "count", lesson_store_count_members(store, "", NULL), LESSON_STORE_INVALID);
    if (has_call(fixture, LESSON_STORE_CALL_MEMBERS))
        hear_no_members(fixture);
    expect_state(fixture, NULL, NULL);
}

/* ---- Ownership of ids */

/* The ids of a call are in a buffer that is overwritten as soon as the call has returned. */
static void id_memory(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    char uid[] = "ann", course_id[] = "maths", lesson_id[] = "algebra";
    int code = lesson_store_create(fixture->store, lesson_id, 0);
    expect_code(fixture, "create", code, LESSON_STORE_OK);
    code = lesson_store_join(fixture->store, uid, course_id, lesson_id, NULL, 0, NULL);
    memset(uid, 'x', sizeof uid - 1);
    memset(course_id, 'x', sizeof course_id - 1);
    memset(lesson_id, 'x', sizeof lesson_id - 1);
    expect_code(fixture, "join", code, LESSON_STORE_OK);
    expect_state(fixture, (const struct record[]){{"algebra", "waiting", "free"}, {.lesson_id = NULL}},
                 (const struct user[]){{IS_IN("ann", "maths", "algebra")}, {.uid = NULL}});
}

/* In an operation an id has a size, and bytes behind it do not belong to it. */
static void id_size(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    lesson_store_operation join = {.kind = LESSON_STORE_OPERATION_JOIN};
    join.uid = (lesson_store_id){"annabel", 3};
    join.course_id = (lesson_store_id){"maths and more", 5};
    join.lesson_id = (lesson_store_id){"algebra\n", 7};
    expect_code(fixture, "the batch", lesson_store_batch(fixture->store, &join, 1), LESSON_STORE_OK);
    expect_code(fixture, "join", join.code, LESSON_STORE_OK);
    know_user(fixture, "annabel");
    expect_state(fixture, NULL, (const struct user[]){{IS_IN("ann", "maths", "algebra")}, {.uid = NULL}});
}

static const struct test tests[] = {
    {.name = "ID-1 every valid id works as uid, course and lesson", .function = id_awkward},
    {.name = "ID-1 JOIN-5 every valid id works as a session", .function = id_awkward_sessions},
    {.name = "ID-1 QUIT-3 every valid id is found again by a quit", .function = id_awkward_quit},

    {.name = "ID-2 uids are compared byte by byte",
     STEPS({JOIN("ann", "c", "l")}, {JOIN("Ann", "c", "l")}, {JOIN("ANN", "c", "l")}, {JOIN("ann ", "c", "l")},
           {JOIN(" ann", "c", "l")}, {JOIN("an", "c", "l")}, {JOIN("anna", "c", "l")}, {JOIN("\u00e9", "c", "l")},
           {JOIN("e\u0301", "c", "l")}, {JOIN("e", "c", "l")}, {JOIN("\u00c9", "c", "l")}, {JOIN("1", "c", "l")},
           {JOIN("01", "c", "l")}, {JOIN("1.0", "c", "l")}, {COUNT("l"), NUMBER(14)}, {QUIT("ANN"), IN("c", "l")},
           {QUIT("ann "), IN("c", "l")}, {QUIT("e\u0301"), IN("c", "l")}, {QUIT("1"), IN("c", "l")},
           {WHERE("Ann"), IN("c", "l")}),
     USERS({IS_IN("ann", "c", "l")}, {IS_IN("Ann", "c", "l")}, {IS_IN(" ann", "c", "l")}, {IS_IN("an", "c", "l")},
           {IS_IN("anna", "c", "l")}, {IS_IN("\u00e9", "c", "l")}, {IS_IN("e", "c", "l")}, {IS_IN("\u00c9", "c", "l")},
           {IS_IN("01", "c", "l")}, {IS_IN("1.0", "c", "l")})},

    {.name = "ID-2 lessons are compared byte by byte",
     STEPS({CREATE("algebra")}, {CREATE("Algebra")}, {CREATE("algebra ")}, {CREATE("algebr")}, {CREATE("\u00e9")},
           {CREATE("e\u0301")}, {SET("Algebra"), COURSE_STATUS("online")}, {JOIN("ann", "c", "algebra ")},
           {JOIN("ann", "c", "algebra"), MOVED_FROM("c", "algebra ")}, {END("algebr"), NUMBER(0)},
           {QUIT("ann"), OF_LESSON("ALGEBRA"), ANSWER(CONFLICT), IN("c", "algebra")},
           {QUIT("ann"), OF_LESSON("algebra "), ANSWER(CONFLICT), IN("c", "algebra")}),
     RECORDS({"algebra", "waiting", "free"}, {"Algebra", "online", "free"}, {"algebra ", "waiting", "free"},
             {"\u00e9", "waiting", "free"}, {"e\u0301", "waiting", "free"}),
     USERS({IS_IN("ann", "c", "algebra")})},

    {.name = "ID-2 sessions are compared byte by byte",
     STEPS({JOIN("ann", "c", "l"), SESSION("Token")},
           {QUIT("ann"), SESSION("token"), ANSWER(CONFLICT), IN("c", "l"), PLACE_SESSION("Token")},
           {QUIT("ann"), SESSION("Token "), ANSWER(CONFLICT), IN("c", "l"), PLACE_SESSION("Token")},
           {QUIT("ann"), SESSION("Toke"), ANSWER(CONFLICT), IN("c", "l"), PLACE_SESSION("Token")}),
     USERS({IS_IN("ann", "c", "l"), SESSION("Token")})},

    {.name = "ID-2 the longest ids differ by their last byte",
     STEPS({JOIN(LONGEST, LONGEST, LONGEST)}, {JOIN(LONGEST_BUT_LAST "x", "c", LONGEST_BUT_LAST "x")},
           {JOIN(LONGEST_BUT_LAST, "c", LONGEST_BUT_LAST)},
           {JOIN(LONGEST, LONGEST_BUT_LAST "x", LONGEST_BUT_LAST "x"), MOVED_FROM(LONGEST, LONGEST)},
           {COUNT(LONGEST_BUT_LAST "x"), NUMBER(2)}, {COUNT(LONGEST), NUMBER(0)}),
     USERS({IS_IN(LONGEST, LONGEST_BUT_LAST "x", LONGEST_BUT_LAST "x")},
           {IS_IN(LONGEST_BUT_LAST "x", "c", LONGEST_BUT_LAST "x")}, {IS_IN(LONGEST_BUT_LAST, "c", LONGEST_BUT_LAST)})},

    {.name = "ID-3 one name may be a user, a course, a lesson and a session at once",
     STEPS({CREATE("x")}, {JOIN("x", "x", "x"), SESSION("x")}, {JOIN("y", "x", "x")}, {QUIT("y"), IN("x", "x")},
           {WHERE("x"), IN("x", "x"), PLACE_SESSION("x")}, {COUNT("x"), NUMBER(1)}),
     RECORDS({"x", "waiting", "free"}),
     USERS({IS_IN("x", "x", "x"), SESSION("x")})},

    {.name = "ID-3 a lesson and a user of one name are two things",
     STEPS({CREATE("x")}, {WHERE("x"), ANSWER(NOT_FOUND)}, {QUIT("x"), ANSWER(NOT_FOUND)}, {JOIN("x", "c", "y")},
           {GET("x"), HAS("waiting", "free")}, {END("x"), NUMBER(0)}, {WHERE("x"), IN("c", "y")}),
     USERS({IS_IN("x", "c", "y")})},

    {.name = "ID-4 an invalid id is INVALID in every place, and nothing is changed",
     .function = id_invalid,
     .modes = IN_MODE(BATCH)},
    {.name = "ID-4 an invalid id is INVALID in every call, and nothing is changed",
     .function = id_invalid_in_single_calls,
     .modes = IN_MODE(SINGLE)},
    {.name = "ID-5 after a call has returned, its ids may be freed", .function = id_memory, .modes = IN_MODE(SINGLE)},
    {.name = "ID-6 an id of an operation ends where its size says", .function = id_size, .modes = IN_MODE(BATCH)},
};

const test_list id_tests = TEST_LIST(tests);
