/* Owners and their leases, and the sweeps that put out the users of those who are silent. */
#include <time.h>

#include "suite.h"

#define HOUR 3600000
#define PATIENCE_S 60 /* unless the description states another one */
#define RENEWED FLAGS(LESSON_STORE_HOLD_RENEW)
#define NOT_HELD REFUSED_BY(LESSON_STORE_JOIN_BY_OWNER)

/* ---- Helpers. `last` is another store on the same data, if the mode has one. */

static lesson_store *last(const struct fixture *fixture) {
    return fixture->stores[fixture->store_count - 1];
}

static void need_owners(struct fixture *fixture) {
    need_operation(fixture, LESSON_STORE_OPERATION_HOLD);
    need_operation(fixture, LESSON_STORE_OPERATION_JOIN);
    need_operation(fixture, LESSON_STORE_OPERATION_WHERE);
    need_calls(fixture, LESSON_STORE_CALL_SWEEP | LESSON_STORE_CALL_OWNERS);
}

static void rest(long ms) {
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void hold(struct fixture *fixture, const char *owner, int64_t lease_ms) {
    expect_code(fixture, "hold", lesson_store_hold(fixture->store, owner, lease_ms, 0), LESSON_STORE_OK);
}

static void join_by(struct fixture *fixture, const char *owner, const char *uid) {
    expect_code(fixture, "join", lesson_store_join_for(fixture->store, owner, uid, "maths", "algebra", "s", 0, NULL),
                LESSON_STORE_OK);
}

static void expect_in(struct fixture *fixture, const char *uid, bool is_in) {
    expect_code(fixture, uid, lesson_store_where(fixture->store, uid, NULL),
                is_in ? LESSON_STORE_OK : LESSON_STORE_NOT_FOUND);
}

static bool keep_user(const lesson_store_user *user, void *context) {
    lines_add(context, "%.*s of %.*s left %.*s of %.*s, session %.*s", (int)user->uid.size, user->uid.data,
              (int)user->owner.size, user->owner.data, (int)user->lesson_id.size, user->lesson_id.data,
              (int)user->course_id.size, user->course_id.data, (int)user->session.size, user->session.data);
    return true;
}

static bool is_possible(const lesson_store_owner *owner) {
    if (owner->state == LESSON_STORE_OWNER_OVER)
        return owner->left_ms == 0;
    return owner->state == LESSON_STORE_OWNER_LATE ? owner->left_ms < 0
                                                   : owner->left_ms >= 0 && owner->left_ms <= owner->lease_ms;
}

static bool keep_owner(const lesson_store_owner *owner, void *context) {
    static const char *const states[] = {"held", "late", "over"};
    char left[32] = "";
    if (!is_possible(owner))
        snprintf(left, sizeof left, ", left %lld", (long long)owner->left_ms);
    lines_add(context, "%.*s %s %d%s", (int)owner->owner.size, owner->owner.data, states[owner->state],
              (int)owner->lease_ms, left);
    return true;
}

static bool stop_at_first(const lesson_store_owner *owner, void *context) {
    (void)owner;
    ++*(int *)context;
    return false;
}

static void expect_lines(struct fixture *fixture, lines *found, const char *const *expected) {
    lines_clear(&fixture->expected);
    for (; *expected; expected++)
        lines_add(&fixture->expected, "%s", *expected);
    if (!lines_compare(&fixture->expected, found))
        fail_test(fixture, "the lines above differ");
    lines_clear(found);
}

static void expect_owners(struct fixture *fixture, const char *const *expected) {
    lines_clear(&fixture->found);
    expect_code(fixture, "owners", lesson_store_owners(last(fixture), keep_owner, &fixture->found), LESSON_STORE_OK);
    expect_lines(fixture, &fixture->found, expected);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_LINES ((const char *const[]){NULL})

/* ---- Dropping */

static void drop_puts_out_its_own(struct fixture *fixture) {
    need_owners(fixture);
    uint64_t put_out = 7;
    hold(fixture, "w/1", HOUR);
    hold(fixture, "w/2", HOUR);
    join_by(fixture, "w/1", "ann");
    join_by(fixture, "w/1", "bob");
    join_by(fixture, "w/2", "cid");
    join_by(fixture, "w/1", "dan");
    join_by(fixture, "w/2", "dan"); /* has moved to another owner */
    join_by(fixture, "w/1", "eve");
    expect_code(fixture, "join", lesson_store_join(fixture->store, "eve", "maths", "algebra", NULL, 0, NULL),
                LESSON_STORE_OK); /* and to none */
    lines_clear(&fixture->found);
    expect_code(fixture, "drop", lesson_store_drop(last(fixture), "w/1", keep_user, &fixture->found, &put_out),
                LESSON_STORE_OK);
    expect_number(fixture, "put out", put_out, 2);
    expect_lines(fixture, &fixture->found,
                 LINES("ann of w/1 left algebra of maths, session s", "bob of w/1 left algebra of maths, session s"));
    expect_in(fixture, "ann", false);
    expect_in(fixture, "cid", true);
    expect_in(fixture, "dan", true);
    expect_in(fixture, "eve", true);
    expect_owners(fixture, LINES("w/2 held 3600000"));
    expect_code(fixture, "renewing", lesson_store_hold(fixture->store, "w/1", HOUR, LESSON_STORE_HOLD_RENEW),
                LESSON_STORE_CONFLICT);
    expect_code(fixture, "drop again", lesson_store_drop(last(fixture), "w/1", NULL, NULL, &put_out),
                LESSON_STORE_NOT_FOUND);
    expect_number(fixture, "put out", put_out, 0);
}

/* ---- Sweeping */

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void sweep(struct fixture *fixture) {
    expect_code(fixture, "sweep", lesson_store_sweep(last(fixture), NULL, NULL, NULL), LESSON_STORE_OK);
}

/* Sweeps without a gap until the user is out. Returns how long it took. */
static int64_t sweep_out(struct fixture *fixture, const char *uid) {
    int64_t patience_s = fixture->backend->patience_s ? fixture->backend->patience_s : PATIENCE_S, began_ms = now_ms();
    while (lesson_store_where(fixture->store, uid, NULL) == LESSON_STORE_OK) {
        sweep(fixture);
        rest(2);
        if (now_ms() - began_ms > patience_s * 1000)
            fail_test(fixture, "%s is still in a lesson after %d s of sweeps", uid, (int)patience_s);
    }
    return now_ms() - began_ms;
}

/* Which owner was over shows whether one that renews is put out too. */
static void silent_owners_are_swept(struct fixture *fixture) {
    enum { LEASE = 40 };
    need_owners(fixture);
    hold(fixture, "silent/1", LEASE);
    hold(fixture, "lasting/1", HOUR);
    join_by(fixture, "silent/1", "ann");
    join_by(fixture, "lasting/1", "bob");
    int64_t took_ms = sweep_out(fixture, "ann");
    if (took_ms < LEASE)
        fail_test(fixture, "put out after %d ms, before the lease had run out", (int)took_ms);
    expect_in(fixture, "bob", true);
    sweep(fixture);
    expect_owners(fixture, LINES("lasting/1 held 3600000"));
    hold(fixture, "lasting/2", HOUR);
    int met = 0;
    expect_code(fixture, "owners", lesson_store_owners(last(fixture), stop_at_first, &met), LESSON_STORE_OK);
    expect_number(fixture, "the owners until the callback stopped", (uint64_t)met, 1);
    expect_code(fixture, "renewing", lesson_store_hold(fixture->store, "silent/1", LEASE, LESSON_STORE_HOLD_RENEW),
                LESSON_STORE_CONFLICT);
    expect_code(fixture, "join", lesson_store_join_for(fixture->store, "silent/1", "ann", "c", "l", NULL, 0, NULL),
                LESSON_STORE_REFUSED);
}

/* As after an outage of the store: all owners are late, and then nobody is put out before they could renew. */
static void after_a_gap_nobody_is_put_out(struct fixture *fixture) {
    enum { LEASE = 20 };
    need_owners(fixture);
    sweep(fixture);
    hold(fixture, "w/1", LEASE);
    join_by(fixture, "w/1", "ann");
    rest(LEASE + 10);
    sweep(fixture);
    expect_owners(fixture, LINES("w/1 late 20"));
    expect_in(fixture, "ann", true);
    join_by(fixture, "w/1", "bob");
    expect_code(fixture, "renewing", lesson_store_hold(fixture->store, "w/1", HOUR, LESSON_STORE_HOLD_RENEW),
                LESSON_STORE_OK);
    expect_owners(fixture, LINES("w/1 held 3600000"));
}

/* ---- Many users */

struct some {
    size_t met;
    size_t most;
};

static bool stop_after_some(const lesson_store_user *user, void *context) {
    struct some *some = context;
    (void)user;
    return ++some->met < some->most;
}

static void many_are_put_out_in_steps(struct fixture *fixture) {
    enum { USERS = 1300, FIRST = 5 };
    need_owners(fixture);
    need_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS);
    hold(fixture, "w/1", HOUR);
    make_joins(fixture, USERS, 3);
    for (size_t i = 0; i < USERS; i++)
        fixture->operations[i].owner = lesson_store_id_of("w/1");
    expect_code(fixture, "joins", lesson_store_batch(fixture->store, fixture->operations, USERS), LESSON_STORE_OK);
    struct some some = {0, FIRST};
    uint64_t first = 0, then = 0, count = 7;
    expect_code(fixture, "drop", lesson_store_drop(last(fixture), "w/1", stop_after_some, &some, &first),
                LESSON_STORE_OK);
    expect_number(fixture, "the users until the callback stopped", some.met, FIRST);
    expect_number(fixture, "put out until then", first, FIRST);
    expect_code(fixture, "sweep", lesson_store_sweep(last(fixture), NULL, NULL, &then), LESSON_STORE_OK);
    if (then == 0)
        fail_test(fixture, "the next sweep did not go on");
    expect_code(fixture, "count", lesson_store_count_members(fixture->store, "lesson 0", &count), LESSON_STORE_OK);
    expect_number(fixture, "members that stay", count, 0);
    expect_owners(fixture, NO_LINES);
}

static void owners_are_listed(struct fixture *fixture) {
    struct some some = {0, 1};
    need_owners(fixture);
    hold(fixture, "w/1", HOUR);
    hold(fixture, "w/2", 1);
    hold(fixture, "w/3", HOUR);
    join_by(fixture, "w/3", "ann");
    join_by(fixture, "w/3", "bob");
    rest(5);
    expect_code(fixture, "drop", lesson_store_drop(last(fixture), "w/3", stop_after_some, &some, NULL),
                LESSON_STORE_OK);
    expect_owners(fixture, LINES("w/1 held 3600000", "w/2 late 1", "w/3 over 3600000"));
}

/* ---- Times */

static int64_t joined_ms(struct fixture *fixture, const char *uid) {
    lesson_store_place place;
    expect_code(fixture, uid, lesson_store_where(last(fixture), uid, &place), LESSON_STORE_OK);
    if (strcmp(place.owner, "w/1") != 0)
        fail_test(fixture, "where names the owner %s", quote_text(place.owner).text);
    return place.joined_ms;
}

static bool keep_time(const lesson_store_user *user, void *context) {
    *(int64_t *)context = user->joined_ms;
    return lesson_store_id_of("ann").size != user->uid.size || memcmp(user->uid.data, "ann", 3) != 0;
}

/* In a list by page it is the same, if the backend has one. */
static void expect_time_in_page(struct fixture *fixture, int64_t expected) {
    lesson_store_cursor *cursor = NULL;
    const lesson_store_user *users;
    size_t count = 0;
    int64_t found = 0;
    if (!has_call(fixture, LESSON_STORE_CALL_USERS_PAGE))
        return;
    int code = lesson_store_users_page(last(fixture), 10, &cursor, &users, &count);
    for (size_t i = 0; code == LESSON_STORE_OK && i < count && keep_time(&users[i], &found); i++)
        ;
    lesson_store_cursor_close(cursor);
    expect_code(fixture, "a page of users", code, LESSON_STORE_OK);
    expect_number(fixture, "the time in the page", (uint64_t)found, (uint64_t)expected);
}

/* Each is another millisecond of any clock that runs. */
static void joins_have_their_times(struct fixture *fixture) {
    need_owners(fixture);
    need_calls(fixture, LESSON_STORE_CALL_USERS);
    int64_t first, second, again, listed = 0;
    hold(fixture, "w/1", HOUR);
    join_by(fixture, "w/1", "ann");
    first = joined_ms(fixture, "ann");
    rest(5);
    join_by(fixture, "w/1", "bob");
    second = joined_ms(fixture, "bob");
    rest(5);
    join_by(fixture, "w/1", "ann");
    again = joined_ms(fixture, "ann");
    if (first <= 0 || second <= first || again <= second || again > first + HOUR)
        fail_test(fixture, "the times are %lld, %lld and %lld", (long long)first, (long long)second, (long long)again);
    expect_code(fixture, "users", lesson_store_users(last(fixture), keep_time, &listed), LESSON_STORE_OK);
    expect_number(fixture, "the listed time", (uint64_t)listed, (uint64_t)again);
    expect_time_in_page(fixture, again);
    lesson_store_place left;
    expect_code(fixture, "quit", lesson_store_quit(fixture->store, "ann", NULL, NULL, &left), LESSON_STORE_OK);
    expect_number(fixture, "the time of the place left", (uint64_t)left.joined_ms, (uint64_t)again);
}

/* ---- Names */

static void owners_have_new_ids(struct fixture *fixture) {
    char one[LESSON_STORE_ID_MAX + 1], other[LESSON_STORE_ID_MAX + 1], name[LESSON_STORE_ID_MAX];
    expect_code(fixture, "make_owner", lesson_store_make_owner(one, "worker 7"), LESSON_STORE_OK);
    expect_code(fixture, "make_owner", lesson_store_make_owner(other, "worker 7"), LESSON_STORE_OK);
    if (strcmp(one, other) == 0 || strncmp(one, "worker 7/", 9) != 0)
        fail_test(fixture, "the ids are %s and %s", quote_text(one).text, quote_text(other).text);
    expect_code(fixture, "of nothing", lesson_store_make_owner(one, NULL), LESSON_STORE_INVALID);
    memset(name, 'n', 201);
    name[201] = '\0';
    expect_code(fixture, "of a long name", lesson_store_make_owner(one, name), LESSON_STORE_INVALID);
}

static const struct test tests[] = {
    {.name = "OWNER-1 a lease begins and is renewed; renewing needs one",
     STEPS({HOLD("w/1", HOUR), RENEWED, ANSWER(CONFLICT)}, {HOLD("w/1", HOUR)}, {HOLD("w/1", HOUR), RENEWED},
           {HOLD("w/1", 1000)}, {HOLD("w/2", 1), RENEWED, ANSWER(CONFLICT)})},

    {.name = "OWNER-2 a join by an owner that holds no lease is refused",
     STEPS({JOIN("ann", "maths", "algebra"), BY("w/1"), NOT_HELD}, {HOLD("w/1", HOUR)},
           {JOIN("ann", "maths", "algebra"), BY("w/1")},
           {JOIN("ann", "maths", "biology"), BY("w/2"), NOT_HELD, IN("maths", "algebra"), PLACE_OWNER("w/1")},
           {JOIN("bob", "maths", "algebra"), BY("w/1"), SESSION("s1")}),
     USERS({IS_IN("ann", "maths", "algebra"), BY("w/1")},
           {IS_IN("bob", "maths", "algebra"), SESSION("s1"), BY("w/1")})},

    {.name = "OWNER-3 the next join replaces the owner, or removes it",
     STEPS({HOLD("w/1", HOUR)}, {HOLD("w/2", HOUR)}, {JOIN("ann", "maths", "algebra"), BY("w/1")},
           {JOIN("bob", "maths", "algebra"), BY("w/1"), SESSION("s1")},
           {JOIN("cid", "maths", "algebra"), BY("w/1"), SESSION("s1")},
           {JOIN("dan", "maths", "algebra"), BY("w/1"), SESSION("s1")},
           {JOIN("ann", "maths", "biology"), BY("w/2"), MOVED_FROM("maths", "algebra"), PLACE_OWNER("w/1")},
           {JOIN("bob", "maths", "algebra"), ALREADY_IN("maths", "algebra"), PLACE_SESSION("s1"), PLACE_OWNER("w/1")},
           {JOIN("cid", "maths", "algebra"), SESSION("s2"), ALREADY_IN("maths", "algebra"), PLACE_SESSION("s1"),
            PLACE_OWNER("w/1")},
           {JOIN("dan", "maths", "algebra"), BY("w/2"), ALREADY_IN("maths", "algebra"), PLACE_SESSION("s1"),
            PLACE_OWNER("w/1")}),
     USERS({IS_IN("ann", "maths", "biology"), BY("w/2")}, {IS_IN("bob", "maths", "algebra")},
           {IS_IN("cid", "maths", "algebra"), SESSION("s2")}, {IS_IN("dan", "maths", "algebra"), BY("w/2")})},

    {.name = "OWNER-3 a resume replaces the owner as a join does, and nothing if it is not done",
     STEPS({HOLD("w/1", HOUR)}, {HOLD("w/2", HOUR)}, {JOIN("ann", "maths", "algebra"), BY("w/1"), SESSION("s1")},
           {JOIN("ann", "maths", "algebra"), BY("w/2"), IF_SESSION("s0"), SESSION("s2"), ANSWER(CONFLICT),
            IN("maths", "algebra"), PLACE_SESSION("s1"), PLACE_OWNER("w/1")},
           {JOIN("ann", "maths", "algebra"), BY("w/2"), IF_SESSION("s1"), SESSION("s2"), ALREADY_IN("maths", "algebra"),
            PLACE_SESSION("s1"), PLACE_OWNER("w/1")},
           {JOIN("ann", "maths", "algebra"), BY("w/3"), IF_SESSION("s2"), SESSION("s3"), NOT_HELD,
            IN("maths", "algebra"), PLACE_SESSION("s2"), PLACE_OWNER("w/2")},
           {JOIN("bob", "maths", "algebra"), BY("w/1"), SESSION("s1")},
           {JOIN("bob", "maths", "algebra"), IF_SESSION("s1"), SESSION("s2"), ALREADY_IN("maths", "algebra"),
            PLACE_SESSION("s1"), PLACE_OWNER("w/1")}),
     USERS({IS_IN("ann", "maths", "algebra"), SESSION("s2"), BY("w/2")},
           {IS_IN("bob", "maths", "algebra"), SESSION("s2")})},

    {.name = "OWNER-2 the flags and the session come before the owner",
     STEPS({CREATE("algebra"), COURSE_STATUS("offline")},
           {JOIN("ann", "maths", "algebra"), BY("w/1"), FLAGS(LESSON_STORE_JOIN_IF_OPEN),
            REFUSED_BY(LESSON_STORE_JOIN_IF_OPEN)},
           {JOIN("ann", "maths", "algebra"), BY("w/1"), IF_SESSION("s1"), ANSWER(CONFLICT)}),
     RECORDS({"algebra", "offline", "free"})},

    {.name = "OWNER-4 drop puts out the users of that owner, and nobody else", .function = drop_puts_out_its_own},
    {.name = "OWNER-5 the users of a silent owner are swept, and not before its lease has run out",
     .function = silent_owners_are_swept},
    {.name = "OWNER-6 after a gap between sweeps nobody is put out, and late owners renew",
     .function = after_a_gap_nobody_is_put_out},
    {.name = "OWNER-7 many users are put out in steps, and a sweep goes on where the last one was stopped",
     .function = many_are_put_out_in_steps},
    {.name = "OWNER-9 where names the owner and the time of the latest join",
     STEPS({HOLD("w/1", HOUR)}, {JOIN("ann", "maths", "algebra"), BY("w/1"), SESSION("s1")},
           {WHERE("ann"), IN("maths", "algebra"), PLACE_SESSION("s1"), PLACE_OWNER("w/1")},
           {QUIT("ann"), OF_LESSON("biology"), ANSWER(CONFLICT), IN("maths", "algebra"), PLACE_SESSION("s1"),
            PLACE_OWNER("w/1")},
           {QUIT("ann"), IN("maths", "algebra"), PLACE_SESSION("s1"), PLACE_OWNER("w/1")},
           {JOIN("ann", "maths", "algebra")}, {WHERE("ann"), IN("maths", "algebra")}),
     USERS({IS_IN("ann", "maths", "algebra")})},
    {.name = "OWNER-9 each join has its time", .function = joins_have_their_times},
    {.name = "OWNER-10 the list of owners has what is left of each lease", .function = owners_are_listed},
    {.name = "OWNER-8 each owner has an id of its own", .function = owners_have_new_ids, .modes = IN_MODE(SINGLE)},
};

const test_list owner_tests = TEST_LIST(tests);
