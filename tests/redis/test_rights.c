/* Accounts that lack a right, and the least account of backends/redis/README.md. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <lessonstore/feed.h>

#include "raw.h"
#include "redis_account.h"

enum { LARGE = 1200 };

static void set_account(raw_server *raw, const redis_account *account, const char *without) {
    char command[4096];
    redis_account_write(command, sizeof command, account, without);
    raw_do(raw, command);
}

static int open_by_account(const raw_server *raw, lesson_store **store) {
    char location[512];
    redis_account_locate(location, sizeof location, redis_server_unix_location(raw->server));
    return lesson_store_open(store, location);
}

/* Of each kind that a lesson or a user can be in. */
static void fill(raw_server *raw, bool with_large, bool with_feed) {
    raw_do(raw, "FLUSHALL");
    if (with_feed) {
        raw_do(raw, "XADD STATUS:EVENTS 1-1 e O0");
        raw_do(raw, "SET STATUS:FEED 100");
    }
    raw_do(raw, "SCRIPT FLUSH");
    raw_do(raw, "HSET " RECORD("a") " lesson_id a course_status 3 chat_status 0");
    raw_do(raw, "HSET " USER("ann") " uid ann course_id c lesson_id a");
    raw_do(raw, "HSET " USER("sue") " uid sue course_id c lesson_id a session s session_lesson_id a");
    raw_do(raw, "SADD " MEMBERS("a") " ann sue");
    raw_do(raw, "HSET " USER("tom") " uid tom course_id c lesson_id ended");
    raw_do(raw, "SADD " MEMBERS("ended") " tom ghost");
    raw_do(raw, "HSET " USER("pat") " uid pat course_id c lesson_id missing");
    raw_do(raw, "HSET " RECORD("half") " lesson_id half");
    raw_do(raw, "ZADD STATUS:OWNERS 9999999999999 w");
    raw_do(raw, "HSET STATUS:LEASES w 1000");
    raw_do(raw, "HSET " USER("olga") " uid olga course_id c lesson_id owned owner w session_lesson_id owned");
    raw_do(raw, "SADD " MEMBERS("owned") " olga");
    raw_do(raw, "HSET " USER("dora") " uid dora course_id c lesson_id a session s session_lesson_id a owner w");
    raw_do(raw, "SADD " MEMBERS("a") " dora");
    raw_do(raw, "HSET " RECORD("closed") " lesson_id closed course_status 3 chat_status 0 bans 1");
    raw_do(raw, "HSET " USER("rob") " uid rob course_id c lesson_id closed");
    raw_do(raw, "SADD " MEMBERS("closed") " rob");
    raw_do(raw, "ZADD STATUS:BANS:LESSON_ID:closed 1 old 9999999999999 sam");
    if (with_large)
        raw_make_lesson(raw, "large", "1", LARGE);
}

/* ---- What is called. Each returns the code. */

static int join_new(lesson_store *store) {
    return lesson_store_join(store, "new", "c", "b", NULL, 0, NULL);
}

static int move(lesson_store *store) {
    return lesson_store_join(store, "ann", "d", "b", NULL, 0, NULL);
}

static int move_and_ask(lesson_store *store) {
    lesson_store_place before;
    return lesson_store_join(store, "ann", "d", "b", NULL, 0, &before);
}

static int move_out_of_session(lesson_store *store) {
    return lesson_store_join(store, "sue", "d", "b", NULL, 0, NULL);
}

static int leave_session(lesson_store *store) {
    return lesson_store_join(store, "sue", "d", "a", NULL, LESSON_STORE_JOIN_IF_OPEN, NULL);
}

static int move_with_session(lesson_store *store) {
    return lesson_store_join(store, "ann", "d", "b", "t", 0, NULL);
}

static int join_with_session(lesson_store *store) {
    return lesson_store_join(store, "new", "d", "a", "t", LESSON_STORE_JOIN_IF_EXISTS, NULL);
}

static int hold(lesson_store *store) {
    return lesson_store_hold(store, "w", 1000, LESSON_STORE_HOLD_RENEW);
}

static int hold_longer(lesson_store *store) {
    return lesson_store_hold(store, "w", 2000, 0);
}

static int join_for(lesson_store *store) {
    return lesson_store_join_for(store, "w", "new", "c", "b", NULL, 0, NULL);
}

static int join_for_without_session(lesson_store *store) {
    return lesson_store_join_for(store, "w", "dora", "c", "b", NULL, 0, NULL);
}

static int join_by_none_with_session(lesson_store *store) {
    return lesson_store_join(store, "dora", "c", "b", "t", 0, NULL);
}

static int drop(lesson_store *store) {
    return lesson_store_drop(store, "w", NULL, NULL, NULL);
}

static int sweep(lesson_store *store) {
    return lesson_store_sweep(store, NULL, NULL, NULL);
}

static bool ignore_event(const lesson_store_event *event, void *context) {
    (void)event, (void)context;
    return true;
}

static int await_event(lesson_store_feed *feed) {
    size_t count = 0;
    int code = LESSON_STORE_OK;
    for (int waited_ms = 0; !code && count == 0 && waited_ms < 10000; waited_ms += 10) {
        struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
        poll(&ready, 1, 10);
        code = lesson_store_feed_drain(feed, 0, ignore_event, NULL, &count);
    }
    return code;
}

/* Reads some events, or fails to. Between two of them, the reader has time to wait for one. */
static int follow(lesson_store *store) {
    lesson_store_feed *feed;
    int code = lesson_store_feed_open(&feed, store, NULL, LESSON_STORE_POSITION_OLDEST);
    if (code)
        return code;
    for (int i = 0; !code && i < 5; i++) {
        code = lesson_store_create(store, "b", LESSON_STORE_CREATE_RESET);
        if (!code)
            code = await_event(feed);
        poll(NULL, 0, 20);
    }
    lesson_store_feed_close(feed);
    return code;
}

static bool take_owner(const lesson_store_owner *owner, void *context) {
    (void)owner, (void)context;
    return true;
}

static int owners(lesson_store *store) {
    return lesson_store_owners(store, take_owner, NULL);
}

static int ban(lesson_store *store) {
    return lesson_store_ban(store, "a", "ann", 1000);
}

static int ban_again(lesson_store *store) {
    return lesson_store_ban(store, "closed", "sam", 1000);
}

static int kick(lesson_store *store) {
    return lesson_store_kick(store, "a", "ann", 1000, NULL);
}

static int kick_banned(lesson_store *store) {
    return lesson_store_kick(store, "closed", "rob", 1000, NULL);
}

static int unban(lesson_store *store) {
    return lesson_store_unban(store, "closed", "sam");
}

static bool take_banned(const lesson_store_banned *banned, void *context) {
    (void)banned, (void)context;
    return true;
}

static int bans(lesson_store *store) {
    return lesson_store_bans(store, "closed", take_banned, NULL);
}

static int join_unless_banned(lesson_store *store) {
    return lesson_store_join(store, "ann", "c", "closed", NULL, LESSON_STORE_JOIN_UNLESS_BANNED, NULL);
}

static int end_with_bans(lesson_store *store) {
    return lesson_store_end(store, "closed", 0, NULL);
}

static int end_record_with_bans(lesson_store *store) {
    return lesson_store_end(store, "closed", LESSON_STORE_END_RECORD_ONLY, NULL);
}

static int quit(lesson_store *store) {
    return lesson_store_quit(store, "ann", NULL, NULL, NULL);
}

static int quit_session(lesson_store *store) {
    return lesson_store_quit(store, "sue", "a", "s", NULL);
}

static int create(lesson_store *store) {
    return lesson_store_create(store, "b", 0);
}

static int reset(lesson_store *store) {
    return lesson_store_create(store, "a", LESSON_STORE_CREATE_RESET);
}

static int set(lesson_store *store) {
    return lesson_store_set_course_status(store, "a", LESSON_STORE_COURSE_ONLINE);
}

static int end(lesson_store *store) {
    return lesson_store_end(store, "a", 0, NULL);
}

static int end_large(lesson_store *store) {
    return lesson_store_end(store, "large", 0, NULL);
}

static int end_record(lesson_store *store) {
    return lesson_store_end(store, "a", LESSON_STORE_END_RECORD_ONLY, NULL);
}

static int run_batch(lesson_store *store, lesson_store_operation *operations, size_t count) {
    int code = lesson_store_batch(store, operations, count);
    for (size_t i = 0; !code && i < count; i++)
        code = operations[i].code;
    return code;
}

static int batch_of_moves(lesson_store *store) {
    lesson_store_operation operations[] = {raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", "b"),
                                           raw_operation(LESSON_STORE_OPERATION_JOIN, "ann", "d")};
    return run_batch(store, operations, 2);
}

static int batch_of_quit_and_end(lesson_store *store) {
    lesson_store_operation operations[] = {raw_operation(LESSON_STORE_OPERATION_QUIT, "nobody", NULL),
                                           raw_operation(LESSON_STORE_OPERATION_END, NULL, "a")};
    operations[0].code = 0;
    int code = lesson_store_batch(store, operations, 2);
    return code ? code : operations[1].code;
}

static int repair(lesson_store *store) {
    return lesson_store_check(store, LESSON_STORE_CHECK_REPAIR | LESSON_STORE_CHECK_ENDED, NULL, NULL, NULL, NULL);
}

static bool ignore_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson;
    (void)context;
    return true;
}

static bool ignore_user(const lesson_store_user *user, void *context) {
    (void)user;
    (void)context;
    return true;
}

static bool ignore_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    return true;
}

static int read_all(lesson_store *store) {
    uint64_t count;
    lesson_store_lesson lesson;
    int code = lesson_store_where(store, "ann", NULL);
    if (!code)
        code = lesson_store_count_members(store, "a", &count);
    if (!code)
        code = lesson_store_get_lesson(store, "a", &lesson);
    if (!code)
        code = lesson_store_lessons(store, ignore_lesson, NULL);
    if (!code)
        code = lesson_store_users(store, ignore_user, NULL);
    if (!code)
        code = lesson_store_members(store, "a", ignore_member, NULL);
    return code;
}

typedef int (*call)(lesson_store *store);

static const struct {
    const char *name;
    call call;
    bool is_one_step;   /* a repair is several */
    bool stores_a_time; /* so that it leaves something else each time */
    bool has_feed;      /* the feed is on */
} calls[] = {
    {"join_new", join_new, true, false, false},
    {"move", move, true, false, false},
    {"move_and_ask", move_and_ask, true, false, false},
    {"move_out_of_session", move_out_of_session, true, false, false},
    {"leave_session", leave_session, true, false, false},
    {"move_with_session", move_with_session, true, false, false},
    {"join_with_session", join_with_session, true, false, false},
    {"quit", quit, true, false, false},
    {"quit_session", quit_session, true, false, false},
    {"create", create, true, false, false},
    {"reset", reset, true, false, false},
    {"set", set, true, false, false},
    {"end", end, true, false, false},
    {"end_large", end_large, true, false, false},
    {"end_record", end_record, true, false, false},
    {"batch_of_moves", batch_of_moves, true, false, false},
    {"batch_of_quit_and_end", batch_of_quit_and_end, true, false, false},
    {"repair", repair, false, false, false},
    {"read_all", read_all, true, false, false},
    {"hold", hold, true, true, false},
    {"hold_longer", hold_longer, true, true, false},
    {"join_for", join_for, true, true, false},
    {"join_for_without_session", join_for_without_session, true, true, false},
    {"join_by_none_with_session", join_by_none_with_session, true, false, false},
    {"drop", drop, false, false, false},
    {"sweep", sweep, false, true, false},
    {"owners", owners, true, false, false},
    {"move with events", move, true, false, true},
    {"end_large with events", end_large, true, false, true},
    {"batch_of_moves with events", batch_of_moves, true, false, true},
    {"repair with events", repair, false, false, true},
    {"drop with events", drop, false, false, true},
    {"follow", follow, false, false, true},
    {"ban", ban, true, true, false},
    {"ban_again", ban_again, true, true, false},
    {"kick", kick, true, true, false},
    {"kick with events", kick, true, true, true},
    {"kick_banned", kick_banned, true, true, false},
    {"unban", unban, true, false, false},
    {"bans", bans, true, false, false},
    {"join_unless_banned", join_unless_banned, true, false, false},
    {"end_with_bans", end_with_bans, true, false, false},
    {"end_record_with_bans", end_record_with_bans, true, false, false},
};

enum { CALLS = sizeof calls / sizeof *calls };

static char *whole[CALLS]; /* what each call leaves if nothing is refused */

static void test_least_account(void **state) {
    raw_server *raw = *state;
    redis_account account;
    lesson_store *store;
    redis_account_read(&account);
    set_account(raw, &account, NULL);
    for (size_t i = 0; i < CALLS; i++) {
        fill(raw, calls[i].call == end_large, calls[i].has_feed);
        assert_code(open_by_account(raw, &store), OK);
        int code = calls[i].call(store);
        if (code)
            fail_msg("%s: %s: %s", calls[i].name, lesson_store_code_name(code), lesson_store_message());
        lesson_store_close(store);
        whole[i] = raw_dump(raw);
    }
}

/* One account, and one call. Returns whether it was refused. */
static bool try_call(raw_server *raw, size_t i, const char *lacking) {
    lesson_store *store;
    fill(raw, calls[i].call == end_large, calls[i].has_feed);
    char *before = raw_dump(raw);
    int code = open_by_account(raw, &store);
    if (!code) {
        code = calls[i].call(store);
        lesson_store_close(store);
    }
    char *after = raw_dump(raw);
    bool is_same = strcmp(before, after) == 0;
    /* A page of a repair can have corrected one thing before it is refused the next. */
    bool may_be_unknown = code == LESSON_STORE_UNKNOWN && !calls[i].is_one_step;
    if (code != LESSON_STORE_OK && code != LESSON_STORE_DENIED && !may_be_unknown)
        fail_msg("%s without %s: %s: %s", calls[i].name, lacking, lesson_store_code_name(code), lesson_store_message());
    if (code && calls[i].is_one_step && !is_same)
        fail_msg("%s without %s was denied, but changed\n%s\nto\n%s", calls[i].name, lacking, before, after);
    /* Without HDEL the fields of an old session stay, as those of no lesson. */
    bool is_whole = calls[i].stores_a_time || strcmp(after, whole[i]) == 0;
    if (!code && !is_whole && strcmp(lacking, "+hdel") != 0)
        fail_msg("%s without %s was done, but left\n%s\nnot\n%s", calls[i].name, lacking, after, whole[i]);
    free(before);
    free(after);
    return code != LESSON_STORE_OK;
}

/* Without them the events are not trimmed, are not written, or cannot be turned on. */
static bool is_of_trimming(const char *right) {
    static const char *const rights[] = {"+exists", "+xtrim", "+get", "+set"};
    size_t i = 0;
    while (i < sizeof rights / sizeof *rights && strcmp(right, rights[i]) != 0)
        i++;
    return i < sizeof rights / sizeof *rights;
}

/* Each right in turn. A right that is never missed need not be on the page, unless it only saves a detour. */
static void test_each_right_taken_away(void **state) {
    raw_server *raw = *state;
    redis_account account;
    redis_account_read(&account);
    for (size_t r = 0; r < account.count; r++) {
        const char *lacking = account.rights[r];
        int refused = 0;
        set_account(raw, &account, lacking);
        for (size_t i = 0; i < CALLS; i++)
            refused += try_call(raw, i, lacking);
        bool has_other_way = strcmp(lacking, "+auth") == 0 || strcmp(lacking, "+hdel") == 0 ||
                             strcmp(lacking, "+hello") == 0 || strcmp(lacking, "+select") == 0 ||
                             strcmp(lacking, "+role") == 0 || strcmp(lacking, "+client|setname") == 0 ||
                             strcmp(lacking, "+evalsha_ro") == 0 || strcmp(lacking, "+eval_ro") == 0 ||
                             is_of_trimming(lacking);
        if (!refused && !has_other_way)
            fail_msg("nothing needs %s", lacking);
    }
}

/* The keys may be given in part, too. */
static void test_keys_out_of_reach(void **state) {
    raw_server *raw = *state;
    static const char *const patterns[] = {"~STATUS:LESSON_*",        "~STATUS:IN_LESSON:*", "~STATUS:LESSON_USER:*",
                                           "~STATUS:LESSON_STATUS:*", "~STATUS:[IL]*",       "~STATUS:B*"};
    redis_account account;
    redis_account_read(&account);
    for (size_t p = 0; p < sizeof patterns / sizeof *patterns; p++) {
        set_account(raw, &account, NULL);
        raw_do(raw, "ACL SETUSER school resetkeys %s", patterns[p]);
        for (size_t i = 0; i < CALLS; i++)
            try_call(raw, i, patterns[p]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(least_account),
        TEST(each_right_taken_away),
        TEST(keys_out_of_reach),
    };
    int failed = cmocka_run_group_tests(tests, raw_start, raw_stop);
    for (size_t i = 0; i < CALLS; i++)
        free(whole[i]);
    return failed;
}
