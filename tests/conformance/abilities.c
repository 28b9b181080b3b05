/* What a description can declare, and whether it agrees with the store. */
#include "suite.h"

#define OPERATION(name, ...)                         \
    {                                                \
#name, LESSON_STORE_OPERATION_MASK_##name, { \
            __VA_ARGS__                              \
        }                                            \
    }
#define FLAG(name, ...)                             \
    {                                               \
#name, LESSON_STORE_##name, {               \
            __VA_ARGS__, FLAGS(LESSON_STORE_##name) \
        }                                           \
    }
#define NO_MORE \
    { .name = NULL }

const struct ability operation_abilities[] = {
    OPERATION(CREATE, CREATE("biology")),
    OPERATION(END, END("algebra")),
    OPERATION(SET, SET("algebra"), COURSE_STATUS("online")),
    OPERATION(GET_LESSON, GET("algebra")),
    OPERATION(JOIN, JOIN("ann", "exams", "biology")),
    OPERATION(QUIT, QUIT("ann")),
    OPERATION(WHERE, WHERE("ann")),
    OPERATION(COUNT_MEMBERS, COUNT("algebra")),
    OPERATION(HOLD, HOLD("worker/1", 1000)),
    OPERATION(BAN, BAN("algebra", "ann", 1000)),
    NO_MORE,
};

const struct ability flag_abilities[] = {
    FLAG(CREATE_RESET, CREATE("algebra")),
    FLAG(END_RECORD_ONLY, END("algebra")),
    FLAG(JOIN_IF_EXISTS, JOIN("ann", "exams", "algebra")),
    FLAG(JOIN_IF_OPEN, JOIN("ann", "exams", "algebra")),
    FLAG(JOIN_STAY, JOIN("ann", "exams", "algebra")),
    FLAG(JOIN_IF_OPEN_OR_MEMBER, JOIN("ann", "exams", "algebra")),
    FLAG(JOIN_IF_ROOM, JOIN("ann", "exams", "algebra")),
    FLAG(HOLD_RENEW, HOLD("worker/1", 1000)),
    FLAG(JOIN_UNLESS_BANNED, JOIN("ann", "exams", "algebra")),
    FLAG(BAN_KICK, BAN("algebra", "ann", 1000)),
    FLAG(JOIN_OR_NOWHERE, JOIN("ann", "exams", "algebra"), IF_SESSION("s1")),
    NO_MORE,
};

const struct ability call_abilities[] = {
    {.name = "MEMBERS", .bit = LESSON_STORE_CALL_MEMBERS},
    {.name = "LESSONS", .bit = LESSON_STORE_CALL_LESSONS},
    {.name = "USERS", .bit = LESSON_STORE_CALL_USERS},
    {.name = "CHECK", .bit = LESSON_STORE_CALL_CHECK},
    {.name = "MEMBERS_PAGE", .bit = LESSON_STORE_CALL_MEMBERS_PAGE},
    {.name = "LESSONS_PAGE", .bit = LESSON_STORE_CALL_LESSONS_PAGE},
    {.name = "USERS_PAGE", .bit = LESSON_STORE_CALL_USERS_PAGE},
    {.name = "SWEEP", .bit = LESSON_STORE_CALL_SWEEP},
    {.name = "OWNERS", .bit = LESSON_STORE_CALL_OWNERS},
    {.name = "BANS", .bit = LESSON_STORE_CALL_BANS},
    {.name = "FIND_LESSONS", .bit = LESSON_STORE_CALL_FIND_LESSONS},
    {.name = "FIND_LESSONS_PAGE", .bit = LESSON_STORE_CALL_FIND_LESSONS_PAGE},
    {.name = "FEED", .bit = LESSON_STORE_CALL_FEED},
    NO_MORE,
};

static const struct ability capability_abilities[] = {
    {.name = "CAN_KEEP_SESSIONS", .bit = LESSON_STORE_CAN_KEEP_SESSIONS},
    {.name = "CAN_SHARE", .bit = LESSON_STORE_CAN_SHARE},
    {.name = "CAN_PERSIST", .bit = LESSON_STORE_CAN_PERSIST},
    {.name = "CAN_ADMIT", .bit = LESSON_STORE_CAN_ADMIT},
    NO_MORE,
};

const struct ability excepted[] = {
    {.name = "EXCEPT_STEPS", .bit = LESSON_STORE_EXCEPT_STEPS},
    {.name = "EXCEPT_ADMISSION", .bit = LESSON_STORE_EXCEPT_ADMISSION},
    {.name = "EXCEPT_ORDER", .bit = LESSON_STORE_EXCEPT_ORDER},
    NO_MORE,
};

/* ---- Asking a store */

static bool hear_member(const lesson_store_id *uid, void *context) {
    (void)uid;
    (void)context;
    return true;
}

static bool hear_lesson(const lesson_store_lesson *lesson, void *context) {
    (void)lesson;
    (void)context;
    return true;
}

static bool hear_user(const lesson_store_user *user, void *context) {
    (void)user;
    (void)context;
    return true;
}

static bool hear_owner(const lesson_store_owner *owner, void *context) {
    (void)owner;
    (void)context;
    return true;
}

static bool hear_banned(const lesson_store_banned *banned, void *context) {
    (void)banned;
    (void)context;
    return true;
}

static const lesson_store_lesson_filter online = {.given = LESSON_STORE_GIVEN_COURSE_STATUS,
                                                  .course_status = LESSON_STORE_COURSE_ONLINE};

static int ask_for_pages(lesson_store *store, uint64_t call) {
    lesson_store_cursor *cursor = NULL;
    const lesson_store_id *uids;
    const lesson_store_lesson *lessons;
    const lesson_store_user *users;
    size_t count;
    int code =
        call == LESSON_STORE_CALL_MEMBERS_PAGE ? lesson_store_members_page(store, "algebra", 10, &cursor, &uids, &count)
        : call == LESSON_STORE_CALL_LESSONS_PAGE ? lesson_store_lessons_page(store, 10, &cursor, &lessons, &count)
        : call == LESSON_STORE_CALL_FIND_LESSONS_PAGE
            ? lesson_store_find_lessons_page(store, &online, 10, &cursor, &lessons, &count)
            : lesson_store_users_page(store, 10, &cursor, &users, &count);
    lesson_store_cursor_close(cursor);
    return code;
}

/* The feed may be off, which is an answer too. */
static int open_feed(lesson_store *store) {
    lesson_store_feed *feed = NULL;
    int code = lesson_store_feed_open(&feed, store, NULL, NULL);
    lesson_store_feed_close(feed);
    return code == LESSON_STORE_NOT_FOUND ? LESSON_STORE_OK : code;
}

int make_call(lesson_store *store, uint64_t call) {
    switch (call) {
    case LESSON_STORE_CALL_MEMBERS:
        return lesson_store_members(store, "algebra", hear_member, NULL);
    case LESSON_STORE_CALL_LESSONS:
        return lesson_store_lessons(store, hear_lesson, NULL);
    case LESSON_STORE_CALL_USERS:
        return lesson_store_users(store, hear_user, NULL);
    case LESSON_STORE_CALL_CHECK:
        return lesson_store_check(store, 0, NULL, NULL, NULL, NULL);
    case LESSON_STORE_CALL_SWEEP:
        return lesson_store_sweep(store, NULL, NULL, NULL);
    case LESSON_STORE_CALL_OWNERS:
        return lesson_store_owners(store, hear_owner, NULL);
    case LESSON_STORE_CALL_BANS:
        return lesson_store_bans(store, "algebra", hear_banned, NULL);
    case LESSON_STORE_CALL_FIND_LESSONS:
        return lesson_store_find_lessons(store, &online, hear_lesson, NULL);
    case LESSON_STORE_CALL_FEED:
        return open_feed(store);
    default:
        return ask_for_pages(store, call);
    }
}

static bool learn_fact(const char *name, const char *value, void *context) {
    struct facts *facts = context;
    facts->has_version |= strcmp(name, "library_version") == 0 && strcmp(value, lesson_store_version()) == 0;
    facts->has_location |= strcmp(name, "location") == 0 && *value;
    return true;
}

int learn_facts(lesson_store *store, struct facts *facts) {
    *facts = (struct facts){false, false};
    return lesson_store_info(store, learn_fact, facts);
}

/* ---- Comparing */

static size_t report_differences(const char *backend_name, const struct ability *abilities, uint64_t declared,
                                 uint64_t present) {
    size_t differences = 0;
    for (const struct ability *ability = abilities; ability->name; ability++) {
        if (!((declared ^ present) & ability->bit))
            continue;
        differences++;
        if (declared & ability->bit)
            fprintf(stderr, "%s: the description declares %s, and the backend has none\n", backend_name, ability->name);
        else
            fprintf(stderr, "%s: the backend has %s, and the description does not declare it\n", backend_name,
                    ability->name);
    }
    return differences;
}

bool expect_description(const lesson_store_conformance_backend *backend, const lesson_store *store) {
    lesson_store_abilities found = LESSON_STORE_ABILITIES_INIT;
    if (lesson_store_read_abilities(store, &found) != LESSON_STORE_OK)
        return false;
    size_t differences = report_differences(backend->name, call_abilities, backend->calls, found.calls);
    differences += report_differences(backend->name, operation_abilities, backend->operations, found.operations);
    differences += report_differences(backend->name, flag_abilities, backend->flags, found.flags);
    differences += report_differences(backend->name, capability_abilities, backend->capabilities, found.capabilities);
    differences += report_differences(backend->name, excepted, backend->exceptions, found.exceptions);
    return differences == 0;
}
