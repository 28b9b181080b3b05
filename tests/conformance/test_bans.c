/* Bans, which keep users out of a lesson for a time, and kicks. */
#include <time.h>

#include "suite.h"

#define HOUR 3600000
#define PATIENCE_S 60 /* unless the description states another one */
#define UNLESS_BANNED FLAGS(LESSON_STORE_JOIN_UNLESS_BANNED)
#define BANNED REFUSED_BY(LESSON_STORE_JOIN_UNLESS_BANNED)
#define ALL_FLAGS                                                                                     \
    FLAGS(LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_UNLESS_BANNED | LESSON_STORE_JOIN_IF_OPEN | \
          LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER | LESSON_STORE_JOIN_IF_ROOM | LESSON_STORE_JOIN_STAY)

/* ---- Time */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void need_bans(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_BAN);
    need_operation(fixture, LESSON_STORE_OPERATION_CREATE);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_flags(fixture, LESSON_STORE_JOIN_UNLESS_BANNED | LESSON_STORE_BAN_KICK);
    need_calls(fixture, LESSON_STORE_CALL_BANS);
}

static void create(struct fixture *fixture, const char *lesson_id) {
    expect_code(fixture, "create", lesson_store_create(fixture->store, lesson_id, 0), LESSON_STORE_OK);
}

static void ban(struct fixture *fixture, const char *uid, int64_t ban_ms) {
    expect_code(fixture, "ban", lesson_store_ban(fixture->store, "algebra", uid, ban_ms), LESSON_STORE_OK);
}

static int join(struct fixture *fixture, const char *uid) {
    lesson_store *last = fixture->stores[fixture->store_count - 1];
    return lesson_store_join(last, uid, "maths", "algebra", NULL, LESSON_STORE_JOIN_UNLESS_BANNED, NULL);
}

/* The next ban of a lesson drops those that have run out, and no other ones. */
static void bans_run_out(struct fixture *fixture) {
    enum { SHORT = 40 };
    const int64_t patience_s = fixture->backend->patience_s ? fixture->backend->patience_s : PATIENCE_S;
    need_bans(fixture);
    create(fixture, "algebra");
    ban(fixture, "bob", LESSON_STORE_BAN_MAX_MS);
    ban(fixture, "ann", HOUR);
    int64_t began_ms = now_ms();
    ban(fixture, "ann", SHORT);
    while (join(fixture, "ann") == LESSON_STORE_REFUSED) {
        if (now_ms() - began_ms > patience_s * 1000)
            fail_test(fixture, "ann is still banned after %d s", (int)patience_s);
    }
    /* The clocks are read to the millisecond. */
    if (now_ms() - began_ms < SHORT - 2)
        fail_test(fixture, "the ban ended after %d ms", (int)(now_ms() - began_ms));
    expect_code(fixture, "the longer ban", join(fixture, "bob"), LESSON_STORE_REFUSED);
    ban(fixture, "cid", HOUR);
    expect_code(fixture, "the longer ban", join(fixture, "bob"), LESSON_STORE_REFUSED);
}

/* ---- The list */

struct banned_list {
    lines *found;
    int met;
    int most;
    bool is_in_range;
};

static bool keep_banned(const lesson_store_banned *banned, void *context) {
    struct banned_list *list = context;
    lines_add(list->found, "%.*s", (int)banned->uid.size, banned->uid.data);
    list->is_in_range = list->is_in_range && banned->left_ms > 0 && banned->left_ms <= HOUR;
    return ++list->met != list->most;
}

static void bans_are_listed(struct fixture *fixture) {
    enum { USERS = 300 };
    lesson_store *last = fixture->stores[fixture->store_count - 1];
    struct banned_list all = {.found = &fixture->found, .is_in_range = true}, two = {&fixture->found, 0, 2, true};
    need_bans(fixture);
    create(fixture, "algebra");
    create(fixture, "biology");
    lines_clear(&fixture->expected);
    for (int i = 0; i < USERS; i++) {
        char uid[16];
        snprintf(uid, sizeof uid, "user %d", i);
        ban(fixture, uid, HOUR);
        lines_add(&fixture->expected, "%s", uid);
    }
    lines_clear(&fixture->found);
    expect_code(fixture, "bans", lesson_store_bans(last, "biology", keep_banned, &all), LESSON_STORE_OK);
    expect_code(fixture, "bans", lesson_store_bans(last, "unknown", keep_banned, &all), LESSON_STORE_OK);
    expect_number(fixture, "the bans of other lessons", (uint64_t)all.met, 0);
    expect_code(fixture, "bans", lesson_store_bans(last, "algebra", keep_banned, &all), LESSON_STORE_OK);
    if (!lines_compare(&fixture->expected, &fixture->found))
        fail_test(fixture, "the lines above differ");
    if (!all.is_in_range)
        fail_test(fixture, "a ban has more or less time left than it can have");
    expect_code(fixture, "bans", lesson_store_bans(last, "algebra", keep_banned, &two), LESSON_STORE_OK);
    expect_number(fixture, "the bans until the callback stopped", (uint64_t)two.met, 2);
}

static const struct test tests[] = {
    {.name = "BAN-1 a join that asks for bans is refused, in that lesson and for that user only",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {JOIN("ann", "nature", "biology"), SESSION("s1")},
           {BAN("algebra", "ann", HOUR)},
           {JOIN("ann", "maths", "algebra"), UNLESS_BANNED, BANNED, IN("nature", "biology"), PLACE_SESSION("s1")},
           {JOIN("ann", "exams", "biology"), UNLESS_BANNED, ALREADY_IN("nature", "biology"), PLACE_SESSION("s1")},
           {JOIN("bob", "maths", "algebra"), UNLESS_BANNED}, {JOIN("cid", "maths", "unknown"), UNLESS_BANNED},
           {JOIN("ann", "maths", "algebra"), MOVED_FROM("exams", "biology")}),
     RECORDS({"algebra", "waiting", "free"}, {"biology", "waiting", "free"}),
     BANS({"algebra", "ann"}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "algebra")}, {IS_IN("cid", "maths", "unknown")})},

    {.name = "BAN-2 a member who is banned stays, and cannot come back",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra"), UNLESS_BANNED}, {BAN("algebra", "ann", HOUR)},
           {WHERE("ann"), IN("maths", "algebra")}, {COUNT("algebra"), NUMBER(1)},
           {JOIN("ann", "exams", "algebra"), UNLESS_BANNED, BANNED, IN("maths", "algebra")},
           {QUIT("ann"), IN("maths", "algebra")}, {JOIN("ann", "maths", "algebra"), UNLESS_BANNED, BANNED}),
     RECORDS({"algebra", "waiting", "free"}),
     BANS({"algebra", "ann"})},

    {.name = "BAN-3 kick takes a member out and bans, and says where the member was",
     STEPS({CREATE("algebra")}, {JOIN("ann", "maths", "algebra"), SESSION("s1")}, {JOIN("bob", "maths", "algebra")},
           {KICK("algebra", "ann", HOUR), IN("maths", "algebra"), PLACE_SESSION("s1"), NUMBER(1)},
           {WHERE("ann"), ANSWER(NOT_FOUND)}, {COUNT("algebra"), NUMBER(1)},
           {JOIN("ann", "maths", "algebra"), UNLESS_BANNED, BANNED}, {KICK("algebra", "ann", HOUR)}),
     RECORDS({"algebra", "waiting", "free"}),
     BANS({"algebra", "ann"}),
     USERS({IS_IN("bob", "maths", "algebra")})},

    {.name = "BAN-3 kick bans a user who is elsewhere or nowhere, and takes nobody out",
     STEPS({CREATE("algebra")}, {JOIN("ann", "nature", "biology"), SESSION("s1")}, {KICK("algebra", "ann", HOUR)},
           {KICK("algebra", "bob", HOUR)},
           {JOIN("ann", "maths", "algebra"), UNLESS_BANNED, BANNED, IN("nature", "biology"), PLACE_SESSION("s1")},
           {JOIN("bob", "maths", "algebra"), UNLESS_BANNED, BANNED}),
     RECORDS({"algebra", "waiting", "free"}),
     BANS({"algebra", "ann"}, {"algebra", "bob"}),
     USERS({IS_IN("ann", "nature", "biology"), SESSION("s1")})},

    {.name = "BAN-4 a ban is lifted, and lifting none is no error",
     STEPS({CREATE("algebra")}, {BAN("algebra", "ann", 0)}, {BAN("algebra", "ann", HOUR)},
           {BAN("algebra", "bob", HOUR)}, {BAN("algebra", "ann", 0)}, {BAN("algebra", "ann", 0)},
           {JOIN("ann", "maths", "algebra"), UNLESS_BANNED}, {JOIN("bob", "maths", "algebra"), UNLESS_BANNED, BANNED}),
     RECORDS({"algebra", "waiting", "free"}),
     BANS({"algebra", "bob"}),
     USERS({IS_IN("ann", "maths", "algebra")})},

    {.name = "BAN-5 the next ban replaces the time of the last one, a longer one too",
     STEPS({CREATE("algebra")}, {BAN("algebra", "ann", 1)}, {BAN("algebra", "ann", HOUR)},
           {JOIN("ann", "maths", "algebra"), UNLESS_BANNED, BANNED}, {BAN("algebra", "bob", HOUR)}),
     RECORDS({"algebra", "waiting", "free"}),
     BANS({"algebra", "ann"}, {"algebra", "bob"})},

    {.name = "BAN-5 a ban runs out after its time, and not before", .function = bans_run_out},

    {.name = "BAN-6 a lesson without a record takes no ban, and nobody is put out",
     STEPS({JOIN("ann", "maths", "algebra")}, {BAN("algebra", "bob", HOUR), ANSWER(NOT_FOUND)},
           {KICK("algebra", "ann", HOUR), ANSWER(NOT_FOUND)}, {BAN("unknown", "ann", 0), ANSWER(NOT_FOUND)},
           {CREATE("algebra")}, {JOIN("ann", "maths", "algebra"), UNLESS_BANNED, ALREADY_IN("maths", "algebra")},
           {JOIN("bob", "maths", "algebra"), UNLESS_BANNED}),
     RECORDS({"algebra", "waiting", "free"}),
     USERS({IS_IN("ann", "maths", "algebra")}, {IS_IN("bob", "maths", "algebra")})},

    {.name = "BAN-7 bans end with the record: a lesson that is created again has none",
     STEPS({CREATE("algebra")}, {CREATE("biology")}, {CREATE("chess")}, {JOIN("ann", "maths", "algebra")},
           {KICK("algebra", "ann", HOUR), IN("maths", "algebra"), NUMBER(1)}, {BAN("biology", "ann", HOUR)},
           {BAN("chess", "ann", HOUR)}, {JOIN("bob", "maths", "algebra")}, {END("algebra"), NUMBER(1)},
           {END("biology"), FLAGS(LESSON_STORE_END_RECORD_ONLY)}, {CREATE("algebra")}, {CREATE("biology")},
           {JOIN("ann", "maths", "algebra"), UNLESS_BANNED},
           {JOIN("ann", "nature", "biology"), UNLESS_BANNED, MOVED_FROM("maths", "algebra")},
           {JOIN("ann", "games", "chess"), UNLESS_BANNED, BANNED, IN("nature", "biology")}),
     RECORDS({"algebra", "waiting", "free"}, {"biology", "waiting", "free"}, {"chess", "waiting", "free"}),
     BANS({"chess", "ann"}),
     USERS({IS_IN("ann", "nature", "biology")})},

    {.name = "BAN-7 a reset keeps the bans, and so does a lesson with a course and a capacity",
     STEPS({CREATE("algebra"), OF_COURSE("maths"), CAPACITY("5")}, {BAN("algebra", "ann", HOUR)},
           {CREATE("algebra"), FLAGS(LESSON_STORE_CREATE_RESET)},
           {JOIN("ann", "maths", "algebra"), UNLESS_BANNED, BANNED}),
     RECORDS({"algebra", "waiting", "free"}),
     EXTRAS({"algebra", "maths", 5}),
     BANS({"algebra", "ann"})},

    {.name = "BAN-8 every user who is banned from a lesson is listed once", .function = bans_are_listed},

    {.name = "JOIN-12 the ban comes behind the record, and before everything else",
     STEPS({CREATE("full"), COURSE_STATUS("offline"), CAPACITY("1")}, {JOIN("bob", "maths", "full")},
           {JOIN("ann", "games", "chess")}, {BAN("full", "ann", HOUR)},
           {JOIN("ann", "maths", "full"), ALL_FLAGS,
            REFUSED_BY(LESSON_STORE_JOIN_UNLESS_BANNED | LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_IF_ROOM |
                       LESSON_STORE_JOIN_STAY),
            IN("games", "chess")},
           {BAN("full", "ann", 0)},
           {JOIN("ann", "maths", "full"), ALL_FLAGS,
            REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_IF_ROOM | LESSON_STORE_JOIN_STAY),
            IN("games", "chess")},
           {END("full"), NUMBER(1)},
           {JOIN("ann", "maths", "full"), ALL_FLAGS, REFUSED_BY(LESSON_STORE_JOIN_IF_EXISTS), IN("games", "chess")}),
     USERS({IS_IN("ann", "games", "chess")})},
};

const test_list ban_tests = TEST_LIST(tests);
