/*
 * Replies that are no answer: each reply of each call in turn is empty, an error, or too short, and each of its items
 * has another type or text. The server has done what it was asked to do.
 *
 * Such a call fails, or answers as it would have. What failed is done whole or not at all, if it is one step; and what
 * several steps have left half done, a repair and a sweep finish.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cmocka_all.h"
#include "engine.h"
#include "spoil.h"

enum { ITEMS_MAX = 8, REPLIES_MAX = 400, LARGE = 1300, TOGETHER = 100 };

/* ---- What a store says, as one number */

static uint64_t hash_more(uint64_t hash, lesson_store_id id) {
    for (size_t i = 0; i < id.size; i++)
        hash = (hash ^ (unsigned char)id.data[i]) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

/* In any order. */
static void note(uint64_t *sum, const lesson_store_id *ids, size_t count, int64_t number) {
    uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)number;
    for (size_t i = 0; i < count; i++)
        hash = hash_more(hash, ids[i]);
    *sum += hash;
}

static bool note_user(const lesson_store_user *user, void *sum) {
    const lesson_store_id ids[] = {user->uid, user->course_id, user->lesson_id, user->session};
    note(sum, ids, 4, 0);
    return true;
}

static bool note_lesson(const lesson_store_lesson *lesson, void *sum) {
    note(sum, &lesson->lesson_id, 1,
         (int64_t)(lesson->member_count * 1000 + lesson->capacity * 100) + lesson->course_status * 10 +
             lesson->chat_status);
    return true;
}

static bool note_member(const lesson_store_id *uid, void *sum) {
    note(sum, uid, 1, 0);
    return true;
}

static bool note_ban(const lesson_store_banned *banned, void *sum) {
    note(sum, &banned->uid, 1, 0);
    return true;
}

static bool note_owner(const lesson_store_owner *owner, void *sum) {
    note(sum, &owner->owner, 1, owner->lease_ms);
    return true;
}

/* ---- The calls */

static char owner[LESSON_STORE_ID_MAX + 1];

static int join_new(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_join(store, "new", "c", "L2", NULL, 0, NULL);
}

static int move(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_join(store, "ann", "c", "L2", "t", 0, NULL);
}

static int move_if_admitted(lesson_store *store, uint64_t *answer) {
    const uint32_t flags = LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_IF_ROOM | LESSON_STORE_JOIN_UNLESS_BANNED;
    (void)answer;
    return lesson_store_join(store, "cid", "c", "L2", NULL, flags, NULL);
}

static int join_for_owner(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_join_for(store, owner, "eve", "c", "L2", NULL, 0, NULL);
}

static int resume(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_resume(store, "ann", "c", "L1", "s", "t", 0, NULL);
}

static int quit(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_quit(store, "ann", "L1", "s", NULL);
}

static int kick(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_kick(store, "L1", "ann", 600000, NULL);
}

static int ban(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_ban(store, "L1", "zoe", 600000);
}

static int unban(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_unban(store, "L1", "sam");
}

static int create(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_create(store, "L3", 0);
}

static int reset(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_create(store, "L1", LESSON_STORE_CREATE_RESET);
}

static int set(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_set_course_status(store, "L1", LESSON_STORE_COURSE_ONLINE);
}

static int end(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_end(store, "L1", 0, NULL);
}

static int end_record(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_end(store, "L2", LESSON_STORE_END_RECORD_ONLY, NULL);
}

static int hold(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_hold(store, owner, 7200000, LESSON_STORE_HOLD_RENEW);
}

static int drop(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_drop(store, owner, NULL, NULL, NULL);
}

static int sweep(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_sweep(store, NULL, NULL, NULL);
}

static int repair(lesson_store *store, uint64_t *answer) {
    return lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, answer, NULL);
}

static int where(lesson_store *store, uint64_t *answer) {
    lesson_store_place place = {.lesson_id = ""};
    int code = lesson_store_where(store, "ann", &place);
    const lesson_store_id ids[] = {lesson_store_id_of(place.lesson_id), lesson_store_id_of(place.course_id),
                                   lesson_store_id_of(place.session)};
    note(answer, ids, 3, 0);
    return code;
}

static int count_members(lesson_store *store, uint64_t *answer) {
    return lesson_store_count_members(store, "L1", answer);
}

static int get_lesson(lesson_store *store, uint64_t *answer) {
    lesson_store_lesson lesson;
    int code = lesson_store_get_lesson(store, "L1", &lesson);
    if (code == LESSON_STORE_OK)
        note_lesson(&lesson, answer);
    return code;
}

static int members(lesson_store *store, uint64_t *answer) {
    return lesson_store_members(store, "L1", note_member, answer);
}

static int users(lesson_store *store, uint64_t *answer) {
    return lesson_store_users(store, note_user, answer);
}

static int lessons(lesson_store *store, uint64_t *answer) {
    return lesson_store_lessons(store, note_lesson, answer);
}

static int find_lessons(lesson_store *store, uint64_t *answer) {
    static const lesson_store_lesson_filter free_to_chat = {.given = LESSON_STORE_GIVEN_CHAT_STATUS};
    return lesson_store_find_lessons(store, &free_to_chat, note_lesson, answer);
}

static int bans(lesson_store *store, uint64_t *answer) {
    return lesson_store_bans(store, "L1", note_ban, answer);
}

static int owners(lesson_store *store, uint64_t *answer) {
    return lesson_store_owners(store, note_owner, answer);
}

static int check(lesson_store *store, uint64_t *answer) {
    return lesson_store_check(store, 0, NULL, NULL, answer, NULL);
}

static int check_ended(lesson_store *store, uint64_t *answer) {
    return lesson_store_check(store, LESSON_STORE_CHECK_ENDED, NULL, NULL, answer, NULL);
}

static bool take_fact(const char *name, const char *value, void *context) {
    (void)context;
    return name && value;
}

static int info(lesson_store *store, uint64_t *answer) {
    (void)answer;
    return lesson_store_info(store, take_fact, NULL);
}

static int open_another(lesson_store *store, uint64_t *answer) {
    lesson_store *other = NULL;
    (void)store;
    (void)answer;
    int code = lesson_store_open(&other, engine_location());
    assert_true((code == LESSON_STORE_OK) == (other != NULL));
    lesson_store_close(other);
    return code;
}

typedef struct call {
    const char *name;
    int (*run)(lesson_store *store, uint64_t *answer);
    bool writes;
    bool is_one_step; /* over several shards too, once it is repaired */
    bool is_large;    /* of a lesson that one request cannot end or list */
} call;

static const call calls[] = {
    {"join of a new user", join_new, true, true, false},
    {"move", move, true, true, false},
    {"move if admitted", move_if_admitted, true, true, false},
    {"join for an owner", join_for_owner, true, true, false},
    {"resume", resume, true, true, false},
    {"quit", quit, true, true, false},
    {"kick", kick, true, false, false},
    {"ban", ban, true, true, false},
    {"unban", unban, true, true, false},
    {"create", create, true, true, false},
    {"reset", reset, true, true, false},
    {"set", set, true, true, false},
    {"end", end, true, false, false},
    {"end of the record", end_record, true, true, false},
    {"hold", hold, true, true, false},
    {"drop", drop, true, false, false},
    {"sweep", sweep, true, true, false},
    {"repair", repair, true, true, false},
    {"where", where, false, true, false},
    {"count_members", count_members, false, true, false},
    {"get_lesson", get_lesson, false, true, false},
    {"members", members, false, true, false},
    {"users", users, false, true, false},
    {"lessons", lessons, false, true, false},
    {"find_lessons", find_lessons, false, true, false},
    {"bans", bans, false, true, false},
    {"owners", owners, false, true, false},
    {"check --ended", check_ended, false, true, false},
    {"info", info, false, true, false},
    {"open", open_another, false, true, false},
    {"end of a large lesson", end, true, false, true},
    {"members of a large lesson", members, false, true, true},
    {"check of a large lesson", check, false, true, true},
};

/* ---- One run */

struct bench {
    lesson_store *steady; /* of which no reply is spoilt */
    lesson_store *store;
    const call *call;
    int code;        /* of the call if nothing is spoilt */
    uint64_t answer; /* and what it answers */
    uint64_t before; /* what the store holds */
    uint64_t after;
    long runs;
};

static void must(int code, const char *what) {
    if (code != LESSON_STORE_OK && code != LESSON_STORE_NOT_FOUND)
        fail_msg("%s: %s: %s", what, lesson_store_code_name(code), lesson_store_message());
}

static uint64_t state_of(lesson_store *store) {
    uint64_t sum = 0;
    must(users(store, &sum), "users");
    must(lessons(store, &sum), "lessons");
    must(members(store, &sum), "members");
    must(bans(store, &sum), "bans");
    return sum;
}

static void clear(lesson_store *store) {
    const char *const lesson_ids[] = {"L1", "L2", "L3"};
    for (size_t i = 0; i < 3; i++)
        must(lesson_store_end(store, lesson_ids[i], 0, NULL), "end");
    if (owner[0])
        must(lesson_store_drop(store, owner, NULL, NULL, NULL), "drop");
}

static lesson_store_operation operation(uint32_t kind, const char *uid, const char *lesson_id) {
    lesson_store_operation made = {.kind = kind, .lesson_id = lesson_store_id_of(lesson_id)};
    if (uid)
        made.uid = lesson_store_id_of(uid);
    if (kind == LESSON_STORE_OPERATION_JOIN)
        made.course_id = lesson_store_id_of("c");
    return made;
}

static void join_many(lesson_store *store) {
    static char uids[TOGETHER][16];
    lesson_store_operation operations[TOGETHER];
    for (int first = 0; first < LARGE; first += TOGETHER) {
        for (int i = 0; i < TOGETHER; i++) {
            snprintf(uids[i], sizeof uids[i], "many%d", first + i);
            operations[i] = operation(LESSON_STORE_OPERATION_JOIN, uids[i], "L1");
        }
        must(lesson_store_batch(store, operations, TOGETHER), "batch");
    }
}

static void fill(lesson_store *store, bool is_large) {
    lesson_store_operation operations[] = {
        operation(LESSON_STORE_OPERATION_CREATE, NULL, "L1"), operation(LESSON_STORE_OPERATION_CREATE, NULL, "L2"),
        operation(LESSON_STORE_OPERATION_JOIN, "ann", "L1"),  operation(LESSON_STORE_OPERATION_JOIN, "bob", "L1"),
        operation(LESSON_STORE_OPERATION_JOIN, "cid", "L1"),  operation(LESSON_STORE_OPERATION_JOIN, "dan", "L2"),
        operation(LESSON_STORE_OPERATION_JOIN, "dora", "L1"), operation(LESSON_STORE_OPERATION_BAN, "sam", "L1"),
    };
    assert_int_equal(lesson_store_make_owner(owner, "worker"), LESSON_STORE_OK);
    must(lesson_store_hold(store, owner, 3600000, 0), "hold");
    operations[2].session = lesson_store_id_of("s");
    operations[3].owner = operations[6].owner = lesson_store_id_of(owner);
    operations[7].ban_ms = 3600000;
    for (size_t i = 0; i < 2; i++) {
        operations[i].given = LESSON_STORE_GIVEN_CAPACITY;
        operations[i].capacity = 9;
    }
    /* The ban needs the record, and the order of a batch is not kept across lessons and users. */
    must(lesson_store_batch(store, operations, 2), "batch");
    must(lesson_store_batch(store, operations + 2, 6), "batch");
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        assert_int_equal(operations[i].code, LESSON_STORE_OK);
    if (is_large)
        join_many(store);
}

static void learn(struct bench *bench) {
    clear(bench->steady);
    fill(bench->steady, bench->call->is_large);
    bench->before = state_of(bench->steady);
    bench->answer = 0;
    bench->code = bench->call->run(bench->store, &bench->answer);
    bench->after = state_of(bench->steady);
}

static void describe(const struct bench *bench, spoil_way way, const char *what, int code) {
    fail_msg("%s with %s in reply %ld, item %d: %s: %s: %s", bench->call->name, spoil_way_names[way], spoil.reply,
             (int)spoil.item, what, lesson_store_code_name(code), lesson_store_message());
}

/* A list can have an item less, and an item another text. A lesson can have no members. */
static bool may_be_true(const struct bench *bench, spoil_way way) {
    return way == TOO_SHORT || way == OTHER_TEXT || (way == NO_ITEMS && bench->call->run == members);
}

static void judge_answer(const struct bench *bench, int code, uint64_t answer, spoil_way way) {
    if (code < 0 || may_be_true(bench, way))
        return;
    if (code != bench->code)
        describe(bench, way, "what the store did not say is answered", code);
    if (answer != bench->answer)
        describe(bench, way, "the answer is wrong", code);
}

static void judge_state(const struct bench *bench, int code, spoil_way way) {
    uint64_t found = 0, repaired = 0;
    must(lesson_store_check(bench->steady, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &found, &repaired), "repair");
    if (found != repaired)
        describe(bench, way, "a finding is not repaired", code);
    must(sweep(bench->steady, NULL), "sweep");
    must(check(bench->steady, &found), "check");
    if (found > 0)
        describe(bench, way, "findings are left after a repair", code);
    uint64_t state = state_of(bench->steady);
    bool is_done = state == bench->after;
    if (bench->call->is_one_step && !is_done && state != bench->before)
        describe(bench, way, "it was done in part", code);
    if (code == bench->code && code == LESSON_STORE_OK && !may_be_true(bench, way) && !is_done)
        describe(bench, way, "it was answered and not done", code);
}

/* False if the call has fewer replies, or this one cannot be spoilt so. */
static bool run_once(struct bench *bench, spoil_way way, long reply, size_t item) {
    uint64_t answer = 0;
    if (bench->call->writes) {
        clear(bench->steady);
        fill(bench->steady, bench->call->is_large);
    }
    spoil_begin(way, reply, item);
    int code = bench->call->run(bench->store, &answer);
    spoil.way = NOTHING;
    if (!spoil.has_happened)
        return false;
    bench->runs++;
    judge_answer(bench, code, answer, way);
    if (bench->call->writes)
        judge_state(bench, code, way);
    return true;
}

static void spoil_reply(struct bench *bench, long reply) {
    for (spoil_way way = NO_ITEMS; way < WAYS; way++) {
        size_t items = way == OTHER_TYPE || way == OTHER_TEXT ? ITEMS_MAX : 1;
        for (size_t item = 0; item < items && run_once(bench, way, reply, item); item++)
            ;
    }
}

static void test_each_reply(void **state) {
    struct bench bench = {.steady = engine_open()};
    (void)state;
    bench.store = engine_open_store("?timeout_ms=500");
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (calls[i].is_large && engine_exceptions()) /* with steps for each member it would take too long */
            continue;
        bench.call = &calls[i];
        bench.runs = 0;
        learn(&bench);
        long reply = 0;
        do
            spoil_reply(&bench, ++reply);
        while (spoil.seen >= reply && reply < REPLIES_MAX);
        assert_in_range(reply, 2, REPLIES_MAX - 1);
        print_message("nonsense\t%s\t%s\t%ld runs\n", engine_name(), bench.call->name, bench.runs);
    }
    lesson_store_close(bench.store);
    engine_close(bench.steady);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_reply)};
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
