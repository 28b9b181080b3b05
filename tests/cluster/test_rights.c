/* Plain keys over three shards, by the account of README.md, and by accounts that lack one of its rights. */
#include <stdlib.h>

#include "raw.h"
#include "redis_account.h"
#include "redis_ask.h"
#include "redis_cluster.h"

enum { NODES = 3 };

struct school {
    redis_cluster *rig;
    redis_account account;
    size_t rights_of_redis; /* the first ones of the account */
    lesson_store *root;     /* may do everything */
};

static void set_account(const struct school *school, const char *without) {
    char command[4096];
    redis_account_write(command, sizeof command, &school->account, without);
    for (int i = 0; i < NODES; i++)
        assert_true(redis_tell(redis_cluster_node(school->rig, i), NULL, command));
}

static int start(void **state) {
    const redis_cluster_options wanted = {.primaries = NODES};
    struct school *school = calloc(1, sizeof *school);
    *state = school;
    school->rig = redis_cluster_start(&wanted);
    assert_non_null(school->rig);
    redis_account_read(&school->account);
    school->rights_of_redis = school->account.count;
    redis_account_read_of_slots(&school->account);
    assert_code(lesson_store_open(&school->root, redis_cluster_location(school->rig)), OK);
    return 0;
}

static int stop(void **state) {
    struct school *school = *state;
    lesson_store_close(school->root);
    redis_cluster_stop(school->rig);
    free(school);
    return 0;
}

/* ---- What is called. A brace makes another name of the helper. */

static int join_new(lesson_store *store) {
    return lesson_store_join(store, "n}w", "C", "L2", NULL, 0, NULL);
}

static int join_with_session(lesson_store *store) {
    return lesson_store_join(store, "new", "C", "L2", "tab", LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_IF_ROOM,
                             NULL);
}

static int join_unless_banned(lesson_store *store) {
    return lesson_store_join(store, "new", "C", "L2", NULL, LESSON_STORE_JOIN_UNLESS_BANNED, NULL);
}

static int join_for(lesson_store *store) {
    return lesson_store_join_for(store, "w", "new", "C", "L2", NULL, 0, NULL);
}

static int move(lesson_store *store) {
    return lesson_store_join(store, "ann", "C", "L2", NULL, 0, NULL);
}

static int move_out_of_session(lesson_store *store) {
    return lesson_store_join(store, "b}b", "C", "L2", NULL, 0, NULL);
}

static int quit(lesson_store *store) {
    return lesson_store_quit(store, "b}b", NULL, NULL, NULL);
}

static int kick(lesson_store *store) {
    return lesson_store_kick(store, "L1", "ann", 60000, NULL);
}

static int ban(lesson_store *store) {
    return lesson_store_ban(store, "L1", "eve", 60000);
}

static int first_ban(lesson_store *store) {
    return lesson_store_ban(store, "L2", "eve", 60000);
}

static int unban(lesson_store *store) {
    return lesson_store_unban(store, "L1", "sam");
}

static int create(lesson_store *store) {
    return lesson_store_create(store, "L3", 0);
}

static int set(lesson_store *store) {
    return lesson_store_set_course_status(store, "L1", LESSON_STORE_COURSE_CANT_JOIN_IN);
}

static int end(lesson_store *store) {
    return lesson_store_end(store, "L1", 0, NULL);
}

static int end_record(lesson_store *store) {
    return lesson_store_end(store, "L1", LESSON_STORE_END_RECORD_ONLY, NULL);
}

static int hold(lesson_store *store) {
    return lesson_store_hold(store, "w2", 600000, 0);
}

static int sweep(lesson_store *store) {
    return lesson_store_sweep(store, NULL, NULL, NULL);
}

static int drop(lesson_store *store) {
    return lesson_store_drop(store, "w", NULL, NULL, NULL);
}

static int repair(lesson_store *store) {
    return lesson_store_check(store, LESSON_STORE_CHECK_REPAIR | LESSON_STORE_CHECK_ENDED, NULL, NULL, NULL, NULL);
}

static bool take_user(const lesson_store_user *user, void *context) {
    (void)user, (void)context;
    return true;
}

static int users(lesson_store *store) {
    return lesson_store_users(store, take_user, NULL);
}

static bool take_banned(const lesson_store_banned *banned, void *context) {
    (void)banned, (void)context;
    return true;
}

static int bans(lesson_store *store) {
    return lesson_store_bans(store, "L1", take_banned, NULL);
}

static bool take_owner(const lesson_store_owner *owner, void *context) {
    (void)owner, (void)context;
    return true;
}

static int owners(lesson_store *store) {
    return lesson_store_owners(store, take_owner, NULL);
}

static bool take_member(const lesson_store_id *uid, void *context) {
    (void)uid, (void)context;
    return true;
}

static int members(lesson_store *store) {
    return lesson_store_members(store, "L1", take_member, NULL);
}

static const struct {
    const char *name;
    int (*call)(lesson_store *store);
    bool is_of_many; /* so it can have done a part of it */
} calls[] = {
    {"join_new", join_new, false},
    {"join_with_session", join_with_session, false},
    {"join_unless_banned", join_unless_banned, false},
    {"join_for", join_for, false},
    {"move", move, false},
    {"move_out_of_session", move_out_of_session, false},
    {"quit", quit, false},
    {"kick", kick, false},
    {"ban", ban, false},
    {"first_ban", first_ban, false},
    {"unban", unban, false},
    {"create", create, false},
    {"set", set, false},
    {"end", end, false},
    {"end_record", end_record, false},
    {"hold", hold, false},
    {"sweep", sweep, true},
    {"drop", drop, true},
    {"repair", repair, true},
    {"users", users, false},
    {"bans", bans, false},
    {"owners", owners, false},
    {"members", members, false},
};

enum { CALLS = sizeof calls / sizeof *calls };

/* ---- What is stored */

static void fill(struct school *school) {
    assert_true(redis_cluster_flush(school->rig));
    lesson_store *root = school->root;
    assert_code(lesson_store_create(root, "L1", 0), OK);
    assert_code(lesson_store_create(root, "L2", 0), OK);
    assert_code(lesson_store_set_capacity(root, "L2", 5), OK);
    assert_code(lesson_store_hold(root, "w", 600000, 0), OK);
    assert_code(lesson_store_join(root, "ann", "C", "L1", NULL, 0, NULL), OK);
    assert_code(lesson_store_join_for(root, "w", "b}b", "C", "L1", "tab", 0, NULL), OK);
    assert_code(lesson_store_ban(root, "L1", "sam", 60000), OK);
}

static bool add_banned(const lesson_store_banned *banned, void *context) {
    char *out = context;
    snprintf(out + strlen(out), 1024 - strlen(out), " %.*s", (int)banned->uid.size, banned->uid.data);
    return true;
}

static bool add_owner(const lesson_store_owner *owner, void *context) {
    char *out = context;
    snprintf(out + strlen(out), 1024 - strlen(out), " %.*s/%d", (int)owner->owner.size, owner->owner.data,
             (int)owner->state);
    return true;
}

/* All that calls can see, but for the counts: of those, an operation that failed may leave a user behind. */
static void look(struct school *school, char out[1024]) {
    static const char *const uids[] = {"ann", "b}b", "new", "n}w"};
    static const char *const lessons[] = {"L1", "L2", "L3"};
    out[0] = '\0';
    for (size_t i = 0; i < sizeof uids / sizeof *uids; i++) {
        lesson_store_place place = {.lesson_id = ""};
        int code = lesson_store_where(school->root, uids[i], &place);
        snprintf(out + strlen(out), 1024 - strlen(out), "%s %d %s %s %s\n", uids[i], code, place.lesson_id,
                 place.session, place.owner);
    }
    for (size_t i = 0; i < sizeof lessons / sizeof *lessons; i++) {
        lesson_store_lesson lesson = {.has_record = false};
        lesson_store_get_lesson(school->root, lessons[i], &lesson);
        snprintf(out + strlen(out), 1024 - strlen(out), "%s %d %d bans", lessons[i], lesson.has_record,
                 lesson.has_record ? (int)lesson.course_status : -1);
        lesson_store_bans(school->root, lessons[i], add_banned, out);
        snprintf(out + strlen(out), 1024 - strlen(out), "\n");
    }
    snprintf(out + strlen(out), 1024 - strlen(out), "owners");
    assert_code(lesson_store_owners(school->root, add_owner, out), OK);
}

/* ---- By accounts */

static int call_by_account(struct school *school, size_t i) {
    char location[1024];
    lesson_store *store;
    redis_account_locate(location, sizeof location, redis_cluster_location(school->rig));
    snprintf(location + strlen(location), sizeof location - strlen(location), "?pool=1");
    int code = lesson_store_open(&store, location);
    if (code)
        return code;
    code = calls[i].call(store);
    lesson_store_close(store);
    return code;
}

static void test_account(void **state) {
    struct school *school = *state;
    set_account(school, NULL);
    for (size_t i = 0; i < CALLS; i++) {
        fill(school);
        int code = call_by_account(school, i);
        if (code)
            fail_msg("%s: %s: %s", calls[i].name, lesson_store_code_name(code), lesson_store_message());
    }
}

static bool is_refused(struct school *school, size_t i, const char *lacking) {
    char before[1024], after[1024];
    fill(school);
    look(school, before);
    int code = call_by_account(school, i);
    look(school, after);
    if (code != LESSON_STORE_OK && code != LESSON_STORE_DENIED && code != LESSON_STORE_UNKNOWN)
        fail_msg("%s without %s: %s: %s", calls[i].name, lacking, lesson_store_code_name(code), lesson_store_message());
    if (code == LESSON_STORE_DENIED && !calls[i].is_of_many && strcmp(before, after) != 0)
        fail_msg("%s without %s was denied, but changed\n%s\nto\n%s", calls[i].name, lacking, before, after);
    return code != LESSON_STORE_OK;
}

/* Those of the redis backend are tested with it. Keys are not being moved here. */
static bool is_needed(const struct school *school, size_t right) {
    return right >= school->rights_of_redis && strcmp(school->account.rights[right], "+asking") != 0;
}

/* A call that is denied has changed nothing. */
static void test_each_right_taken_away(void **state) {
    struct school *school = *state;
    static const char *const helpers[] = {REDIS_ACCOUNT_KEYS, REDIS_ACCOUNT_KEYS " ~{STATUS*"};
    for (size_t r = 0; r < school->account.count; r++) {
        int refused = 0;
        set_account(school, school->account.rights[r]);
        for (size_t i = 0; i < CALLS; i++)
            refused += is_refused(school, i, school->account.rights[r]);
        if (!refused && is_needed(school, r))
            fail_msg("nothing needs %s", school->account.rights[r]);
    }
    const char *keys = school->account.keys;
    for (size_t k = 0; k < sizeof helpers / sizeof *helpers; k++) {
        school->account.keys = helpers[k];
        set_account(school, NULL);
        for (size_t i = 0; i < CALLS; i++)
            is_refused(school, i, "a pattern");
    }
    school->account.keys = keys;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account),
        cmocka_unit_test(test_each_right_taken_away),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
