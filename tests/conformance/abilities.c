/* What a description can declare, how a store tells whether it has it, and whether the two agree. */
#include <strings.h>

#include "suite.h"

#define OPERATION(name, ...)                                   \
    {                                                          \
#name, UINT32_C(1) << LESSON_STORE_OPERATION_##name, { \
            __VA_ARGS__                                        \
        }                                                      \
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
    OPERATION(COUNT, COUNT("algebra")),
    NO_MORE,
};

const struct ability flag_abilities[] = {
    FLAG(RESET, CREATE("algebra")),
    FLAG(RECORD_ONLY, END("algebra")),
    FLAG(IF_EXISTS, JOIN("ann", "exams", "algebra")),
    FLAG(IF_OPEN, JOIN("ann", "exams", "algebra")),
    FLAG(STAY, JOIN("ann", "exams", "algebra")),
    NO_MORE,
};

const struct ability call_abilities[] = {
    {.name = "MEMBERS", .bit = LESSON_STORE_CONFORMANCE_MEMBERS},
    {.name = "LESSONS", .bit = LESSON_STORE_CONFORMANCE_LESSONS},
    {.name = "USERS", .bit = LESSON_STORE_CONFORMANCE_USERS},
    {.name = "CHECK", .bit = LESSON_STORE_CONFORMANCE_CHECK},
    NO_MORE,
};

/* The names are those that info tells, in capitals. */
static const struct ability capability_abilities[] = {
    {.name = "CAN_KEEP_SESSIONS", .bit = LESSON_STORE_CAN_KEEP_SESSIONS},
    {.name = "CAN_SHARE", .bit = LESSON_STORE_CAN_SHARE},
    {.name = "CAN_PERSIST", .bit = LESSON_STORE_CAN_PERSIST},
    NO_MORE,
};

/* ---- Asking a store */

static bool hear_member(lesson_store_id uid, void *context) {
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

int make_call(lesson_store *store, uint32_t call) {
    switch (call) {
    case LESSON_STORE_CONFORMANCE_MEMBERS:
        return lesson_store_members(store, "algebra", hear_member, NULL);
    case LESSON_STORE_CONFORMANCE_LESSONS:
        return lesson_store_lessons(store, hear_lesson, NULL);
    case LESSON_STORE_CONFORMANCE_USERS:
        return lesson_store_users(store, hear_user, NULL);
    default:
        return lesson_store_check(store, 0, NULL, NULL, NULL, NULL);
    }
}

static bool learn_fact(const char *name, const char *value, void *context) {
    struct facts *facts = context;
    for (const struct ability *ability = capability_abilities; ability->name; ability++) {
        if (strcasecmp(name, ability->name) == 0 && strcmp(value, "yes") == 0)
            facts->capabilities |= ability->bit;
    }
    facts->has_version |= strcmp(name, "library_version") == 0 && strcmp(value, lesson_store_version()) == 0;
    facts->has_location |= strcmp(name, "location") == 0 && *value;
    return true;
}

int learn_facts(lesson_store *store, struct facts *facts) {
    *facts = (struct facts){0, false, false};
    return lesson_store_info(store, learn_fact, facts);
}

/* ---- Comparing */

static bool understands(lesson_store *store, const struct step *probe) {
    lesson_store_operation operation = operation_of_step(probe);
    lesson_store_batch(store, &operation, 1);
    return operation.code != LESSON_STORE_UNSUPPORTED;
}

static uint32_t operations_of(lesson_store *store) {
    uint32_t operations = 0;
    for (const struct ability *ability = operation_abilities; ability->name; ability++)
        operations |= understands(store, &ability->probe) ? ability->bit : 0;
    return operations;
}

/* Whether a store knows a flag cannot be seen where it lacks the operation; there it has what is declared. */
static uint32_t flags_of(lesson_store *store, uint32_t operations, uint32_t declared) {
    uint32_t flags = 0;
    for (const struct ability *ability = flag_abilities; ability->name; ability++) {
        bool can_be_seen = operations & (UINT32_C(1) << ability->probe.kind);
        bool has = can_be_seen ? understands(store, &ability->probe) : declared & ability->bit;
        flags |= has ? ability->bit : 0;
    }
    return flags;
}

static uint32_t calls_of(lesson_store *store) {
    uint32_t calls = 0;
    for (const struct ability *ability = call_abilities; ability->name; ability++)
        calls |= make_call(store, ability->bit) != LESSON_STORE_UNSUPPORTED ? ability->bit : 0;
    return calls;
}

static size_t report_differences(const char *backend_name, const struct ability *abilities, uint32_t declared,
                                 uint32_t present) {
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

bool expect_description(const lesson_store_conformance_backend *backend, lesson_store *store) {
    uint32_t operations = operations_of(store);
    uint32_t flags = flags_of(store, operations, backend->flags);
    struct facts facts;
    uint32_t capabilities = learn_facts(store, &facts) ? backend->capabilities : facts.capabilities;
    size_t differences = report_differences(backend->name, call_abilities, backend->calls, calls_of(store));
    differences += report_differences(backend->name, operation_abilities, backend->operations, operations);
    differences += report_differences(backend->name, flag_abilities, backend->flags, flags);
    differences += report_differences(backend->name, capability_abilities, backend->capabilities, capabilities);
    return differences == 0;
}
