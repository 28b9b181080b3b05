/*
 * The whole state as lines of text. The state that a store reports and the expected state have the same form. So
 * comparing them means comparing two sorted lists, and a difference reads as a sentence.
 */
#include "suite.h"

void know_user(struct fixture *fixture, const char *uid) {
    lines_add_once(&fixture->known_uids, uid);
}

void know_lesson(struct fixture *fixture, const char *lesson_id) {
    lines_add_once(&fixture->known_lessons, lesson_id);
}

/* ---- The sentences */

static void say_user(lines *out, const char *source, lesson_store_id uid, lesson_store_id course_id,
                     lesson_store_id lesson_id, lesson_store_id session, lesson_store_id owner) {
    lines_add(out, "%s: user %s is in lesson %s of course %s, session %s, owner %s", source, quote(uid).text,
              quote(lesson_id).text, quote(course_id).text, session.size ? quote(session).text : "none",
              owner.size ? quote(owner).text : "none");
}

static void say_nowhere(lines *out, const char *uid) {
    lines_add(out, "where: user %s is in no lesson", quote_text(uid).text);
}

static void say_lesson(lines *out, const char *source, const lesson_store_lesson *lesson) {
    const char *course_word = lesson_store_course_status_word(lesson->course_status);
    const char *chat_word = lesson_store_chat_status_word(lesson->chat_status);
    lines_add(out, "%s: lesson %s has %s, %s/%s, course %s, capacity %" PRIu64 ", %" PRIu64 " members", source,
              quote(lesson->lesson_id).text, lesson->has_record ? "a record" : "no record",
              course_word ? course_word : "-", chat_word ? chat_word : "-", quote(lesson->course_id).text,
              lesson->capacity, lesson->member_count);
}

static void say_no_lesson(lines *out, const char *lesson_id) {
    lines_add(out, "get_lesson: lesson %s is not found", quote_text(lesson_id).text);
}

static void say_member(lines *out, lesson_store_id lesson_id, lesson_store_id uid) {
    lines_add(out, "members: lesson %s has user %s", quote(lesson_id).text, quote(uid).text);
}

static void say_count(lines *out, const char *lesson_id, uint64_t count) {
    lines_add(out, "count: lesson %s has %" PRIu64, quote_text(lesson_id).text, count);
}

static void say_ban(lines *out, lesson_store_id lesson_id, lesson_store_id uid) {
    lines_add(out, "bans: user %s is banned from lesson %s", quote(uid).text, quote(lesson_id).text);
}

/* ---- As found */

typedef struct member_context {
    lines *out;
    lesson_store_id lesson_id;
} member_context;

static bool hear_member(const lesson_store_id *uid, void *context) {
    member_context *members = context;
    say_member(members->out, members->lesson_id, *uid);
    return true;
}

static bool hear_banned(const lesson_store_banned *banned, void *context) {
    member_context *bans = context;
    say_ban(bans->out, bans->lesson_id, banned->uid);
    return true;
}

static bool hear_lesson(const lesson_store_lesson *lesson, void *context) {
    say_lesson(context, "lessons", lesson);
    return true;
}

static bool hear_user(const lesson_store_user *user, void *context) {
    say_user(context, "users", user->uid, user->course_id, user->lesson_id, user->session, user->owner);
    return true;
}

static bool hear_finding(const lesson_store_finding *finding, void *context) {
    lines_add(context, "check: %s, lesson %s, user %s: %s", lesson_store_finding_text((int)finding->kind),
              quote(finding->lesson_id).text, quote(finding->uid).text, finding->detail ? finding->detail : "");
    return true;
}

static void ask_where(struct fixture *fixture, lesson_store *store, const char *uid, lines *out) {
    lesson_store_place place;
    memset(&place, 0, sizeof place);
    int code = lesson_store_where(store, uid, &place);
    if (code == LESSON_STORE_NOT_FOUND) {
        say_nowhere(out, uid);
        return;
    }
    expect_code(fixture, "where, for the state", code, LESSON_STORE_OK);
    say_user(out, "where", lesson_store_id_of(uid), lesson_store_id_of(place.course_id),
             lesson_store_id_of(place.lesson_id), lesson_store_id_of(place.session), lesson_store_id_of(NULL));
}

static void ask_lesson(struct fixture *fixture, lesson_store *store, const char *lesson_id, lines *out) {
    lesson_store_place place;
    lesson_store_operation get = {.kind = LESSON_STORE_OPERATION_GET_LESSON, .place = &place};
    get.lesson_id = lesson_store_id_of(lesson_id);
    expect_code(fixture, "a batch, for the state", lesson_store_batch(store, &get, 1), LESSON_STORE_OK);
    if (get.code == LESSON_STORE_NOT_FOUND) {
        say_no_lesson(out, lesson_id);
        return;
    }
    expect_code(fixture, "get_lesson, for the state", get.code, LESSON_STORE_OK);
    say_lesson(out, "get_lesson", &get.lesson);
}

static void ask_count(struct fixture *fixture, lesson_store *store, const char *lesson_id, lines *out) {
    uint64_t count = 0;
    int code = lesson_store_count_members(store, lesson_id, &count);
    expect_code(fixture, "count, for the state", code, LESSON_STORE_OK);
    say_count(out, lesson_id, count);
}

static void ask_members(struct fixture *fixture, lesson_store *store, const char *lesson_id, lines *out) {
    member_context context = {out, lesson_store_id_of(lesson_id)};
    int code = lesson_store_members(store, lesson_id, hear_member, &context);
    expect_code(fixture, "members, for the state", code, LESSON_STORE_OK);
}

static void ask_bans(struct fixture *fixture, lesson_store *store, const char *lesson_id, lines *out) {
    member_context context = {out, lesson_store_id_of(lesson_id)};
    int code = lesson_store_bans(store, lesson_id, hear_banned, &context);
    expect_code(fixture, "bans, for the state", code, LESSON_STORE_OK);
}

void take_snapshot(struct fixture *fixture, lesson_store *store, lines *out) {
    for (size_t i = 0; i < fixture->known_uids.count; i++) {
        if (has_operation(fixture, LESSON_STORE_OPERATION_WHERE))
            ask_where(fixture, store, fixture->known_uids.items[i], out);
    }
    for (size_t i = 0; i < fixture->known_lessons.count; i++) {
        const char *lesson_id = fixture->known_lessons.items[i];
        if (has_operation(fixture, LESSON_STORE_OPERATION_GET_LESSON))
            ask_lesson(fixture, store, lesson_id, out);
        if (has_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS))
            ask_count(fixture, store, lesson_id, out);
        if (has_call(fixture, LESSON_STORE_CALL_MEMBERS))
            ask_members(fixture, store, lesson_id, out);
        if (has_call(fixture, LESSON_STORE_CALL_BANS))
            ask_bans(fixture, store, lesson_id, out);
    }
    if (has_call(fixture, LESSON_STORE_CALL_LESSONS))
        expect_code(fixture, "lessons, for the state", lesson_store_lessons(store, hear_lesson, out), LESSON_STORE_OK);
    if (has_call(fixture, LESSON_STORE_CALL_USERS))
        expect_code(fixture, "users, for the state", lesson_store_users(store, hear_user, out), LESSON_STORE_OK);
}

/* A check of a correct store finds nothing, so its findings are lines that are not expected. */
static void add_findings(struct fixture *fixture, lesson_store *store, lines *out) {
    if (has_call(fixture, LESSON_STORE_CALL_CHECK))
        expect_code(fixture, "check, for the state", lesson_store_check(store, 0, hear_finding, out, NULL, NULL),
                    LESSON_STORE_OK);
}

/* ---- As expected */

static const struct user *find_user(const struct user *users, const char *uid) {
    for (; users && users->uid; users++) {
        if (strcmp(users->uid, uid) == 0)
            return users;
    }
    return NULL;
}

static lesson_store_lesson describe_lesson(const char *lesson_id, const struct record *records,
                                           const struct user *users) {
    lesson_store_lesson lesson = {.lesson_id = lesson_store_id_of(lesson_id),
                                  .course_status = LESSON_STORE_STATUS_NONE,
                                  .chat_status = LESSON_STORE_STATUS_NONE};
    for (; records && records->lesson_id; records++) {
        if (strcmp(records->lesson_id, lesson_id) != 0)
            continue;
        lesson.has_record = true;
        lesson.course_status = lesson_store_course_status_of(records->course_status);
        lesson.chat_status = lesson_store_chat_status_of(records->chat_status);
    }
    for (; users && users->uid; users++)
        lesson.member_count += strcmp(users->lesson_id, lesson_id) == 0;
    return lesson;
}

/* Only the list of users tells the owner. */
static void expect_user(const char *source, const struct user *user, const char *owner, lines *out) {
    say_user(out, source, lesson_store_id_of(user->uid), lesson_store_id_of(user->course_id),
             lesson_store_id_of(user->lesson_id), lesson_store_id_of(user->session), lesson_store_id_of(owner));
}

static void expect_where(const char *uid, const struct user *users, lines *out) {
    const struct user *user = find_user(users, uid);
    if (user)
        expect_user("where", user, NULL, out);
    else
        say_nowhere(out, uid);
}

static void describe_extra(const struct extra *extras, lesson_store_lesson *lesson) {
    for (; extras && extras->lesson_id; extras++) {
        if (!lesson_store_id_equal(lesson->lesson_id, lesson_store_id_of(extras->lesson_id)))
            continue;
        lesson->course_id = lesson_store_id_of(extras->course_id);
        lesson->capacity = extras->capacity;
    }
}

static void expect_lesson(const struct fixture *fixture, const char *lesson_id, const struct record *records,
                          const struct extra *extras, const struct user *users, lines *out) {
    lesson_store_lesson lesson = describe_lesson(lesson_id, records, users);
    describe_extra(extras, &lesson);
    bool exists = lesson.has_record || lesson.member_count > 0;
    if (has_operation(fixture, LESSON_STORE_OPERATION_GET_LESSON)) {
        if (exists)
            say_lesson(out, "get_lesson", &lesson);
        else
            say_no_lesson(out, lesson_id);
    }
    if (has_operation(fixture, LESSON_STORE_OPERATION_COUNT_MEMBERS))
        say_count(out, lesson_id, lesson.member_count);
    if (has_call(fixture, LESSON_STORE_CALL_LESSONS) && exists)
        say_lesson(out, "lessons", &lesson);
}

static void add_expected(const struct fixture *fixture, const struct record *records, const struct extra *extras,
                         const struct ban *bans, const struct user *users, lines *out) {
    for (; bans && bans->lesson_id && has_call(fixture, LESSON_STORE_CALL_BANS); bans++)
        say_ban(out, lesson_store_id_of(bans->lesson_id), lesson_store_id_of(bans->uid));
    for (size_t i = 0; i < fixture->known_uids.count; i++) {
        if (has_operation(fixture, LESSON_STORE_OPERATION_WHERE))
            expect_where(fixture->known_uids.items[i], users, out);
    }
    for (size_t i = 0; i < fixture->known_lessons.count; i++)
        expect_lesson(fixture, fixture->known_lessons.items[i], records, extras, users, out);
    for (; users && users->uid; users++) {
        if (has_call(fixture, LESSON_STORE_CALL_MEMBERS))
            say_member(out, lesson_store_id_of(users->lesson_id), lesson_store_id_of(users->uid));
        if (has_call(fixture, LESSON_STORE_CALL_USERS))
            expect_user("users", users, users->owner, out);
    }
}

static void know_state(struct fixture *fixture, const struct record *records, const struct user *users) {
    for (; records && records->lesson_id; records++)
        know_lesson(fixture, records->lesson_id);
    for (; users && users->uid; users++) {
        know_user(fixture, users->uid);
        know_lesson(fixture, users->lesson_id);
    }
}

void expect_state(struct fixture *fixture, const struct record *records, const struct user *users) {
    expect_state_with(fixture, records, fixture->test->extras, fixture->test->bans, users);
}

void expect_state_with(struct fixture *fixture, const struct record *records, const struct extra *extras,
                       const struct ban *bans, const struct user *users) {
    know_state(fixture, records, users);
    for (size_t i = 0; i < fixture->store_count; i++) {
        lines_clear(&fixture->expected);
        lines_clear(&fixture->found);
        add_expected(fixture, records, extras, bans, users, &fixture->expected);
        take_snapshot(fixture, fixture->stores[i], &fixture->found);
        add_findings(fixture, fixture->stores[i], &fixture->found);
        if (!lines_compare(&fixture->expected, &fixture->found))
            fail_test(fixture, "the state that store %zu returns is not the expected one (the lines above)", i + 1);
    }
}

/* ---- Agreement of user records and members, when the expected state is unknown */

struct agreement {
    lines *members; /* the members, by the user records */
    lines *lessons; /* the lessons that user records name, each once */
};

static bool hear_user_as_member(const lesson_store_user *user, void *context) {
    struct agreement *agreement = context;
    say_member(agreement->members, user->lesson_id, user->uid);
    return true;
}

static bool hear_lesson_id(const lesson_store_lesson *lesson, void *context) {
    struct agreement *agreement = context;
    lines_add(agreement->lessons, "%.*s", (int)lesson->lesson_id.size, lesson->lesson_id.data);
    return true;
}

void expect_agreement(struct fixture *fixture) {
    struct agreement agreement = {&fixture->expected, &fixture->known_lessons};
    lines_clear(&fixture->expected);
    lines_clear(&fixture->found);
    lines_clear(&fixture->known_lessons);
    lesson_store *store = fixture->store;
    expect_code(fixture, "users", lesson_store_users(store, hear_user_as_member, &agreement), LESSON_STORE_OK);
    expect_code(fixture, "lessons", lesson_store_lessons(store, hear_lesson_id, &agreement), LESSON_STORE_OK);
    for (size_t i = 0; i < fixture->known_lessons.count; i++)
        ask_members(fixture, store, fixture->known_lessons.items[i], &fixture->found);
    add_findings(fixture, store, &fixture->found);
    if (!lines_compare(&fixture->expected, &fixture->found))
        fail_test(fixture, "user records (expected) and members (found) disagree (the lines above)");
}
