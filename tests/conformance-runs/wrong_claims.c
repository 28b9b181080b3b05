/* Failures that are returned as answers, and false claims. */
#include "wrapper.h"
#include "wrong_backends.h"

/* ---- Failures that are returned as answers */

static int members_of_broken_are_none(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                                      lesson_store_member_callback callback, void *context) {
    return wrapper_engine_is_broken ? LESSON_STORE_OK : wrapper_members(instance, lesson_id, callback, context);
}

static void members_of_broken_are_none_table(lesson_store_backend *table) {
    table->members = members_of_broken_are_none;
}

static int broken_is_not_found(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    if (!wrapper_engine_is_broken)
        return wrapper_run(instance, operations, count);
    for (size_t i = 0; i < count; i++)
        operations[i].code = LESSON_STORE_NOT_FOUND;
    return LESSON_STORE_OK;
}

static void broken_is_not_found_table(lesson_store_backend *table) {
    table->run = broken_is_not_found;
}

static int reads_become_unknown(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    if (!wrapper_engine_is_broken)
        return wrapper_run(instance, operations, count);
    for (size_t i = 0; i < count; i++)
        operations[i].code = lesson_store_fail(LESSON_STORE_UNKNOWN, "who knows");
    return LESSON_STORE_UNKNOWN;
}

static void reads_become_unknown_table(lesson_store_backend *table) {
    table->run = reads_become_unknown;
}

/* ---- False claims */

static int open_as_shared(lesson_store_instance **out, const lesson_store_location *location) {
    int code = wrapper_open(out, location);
    if (!code)
        (*out)->capabilities |= LESSON_STORE_CAN_SHARE;
    return code;
}

static void shares_nothing_table(lesson_store_backend *table) {
    table->open = open_as_shared;
}

static int open_as_persistent(lesson_store_instance **out, const lesson_store_location *location) {
    int code = wrapper_open(out, location);
    if (!code)
        (*out)->capabilities |= LESSON_STORE_CAN_PERSIST;
    return code;
}

static void persists_nothing_table(lesson_store_backend *table) {
    table->open = open_as_persistent;
}

static void describe_persistent(lesson_store_conformance_backend *description) {
    description->capabilities |= LESSON_STORE_CAN_PERSIST;
}

/* Its first store in a process declares the truth. */
static int open_as_persistent_later(lesson_store_instance **out, const lesson_store_location *location) {
    static bool is_later;
    int code = is_later ? open_as_persistent(out, location) : wrapper_open(out, location);
    is_later = true;
    return code;
}

static void persists_but_says_so_later_table(lesson_store_backend *table) {
    table->open = open_as_persistent_later;
}

/* The first store lacks STAY, as declared, and every later one has it. */
static int open_with_stay_later(lesson_store **out, void *context) {
    lesson_store_backend *table = context;
    int code = lesson_store_open_with(out, table, "memory:");
    table->flags |= LESSON_STORE_JOIN_STAY;
    return code;
}

static void describe_no_stay_at_first(lesson_store_conformance_backend *description) {
    describe_no_stay(description);
    description->open = open_with_stay_later;
}

/* ---- Correct backends with few abilities: everything else must be skipped, and nothing may fail */

#define BIT(name) LESSON_STORE_OPERATION_MASK_##name
#define JOIN_AND_WHERE (BIT(JOIN) | BIT(WHERE))
#define ALL_BUT_READING (BIT(CREATE) | BIT(END) | BIT(SET) | BIT(QUIT) | BIT(JOIN))

static int open_without_sessions(lesson_store_instance **out, const lesson_store_location *location) {
    int code = wrapper_open(out, location);
    if (!code)
        (*out)->capabilities = 0;
    return code;
}

static void joins_and_returns_where_table(lesson_store_backend *table) {
    table->open = open_without_sessions;
    table->operations = JOIN_AND_WHERE;
    table->flags = 0;
    table->members = NULL;
    table->lessons = NULL;
    table->users = NULL;
    table->check = NULL;
    table->members_page = NULL;
    table->lessons_page = NULL;
    table->users_page = NULL;
    table->sweep = NULL;
    table->owners = NULL;
    table->bans = NULL;
    table->find_lessons = NULL;
    table->find_lessons_page = NULL;
    table->events = NULL;
}

static void describe_joins_and_returns_where(lesson_store_conformance_backend *description) {
    description->capabilities = 0;
    description->operations = JOIN_AND_WHERE;
    description->flags = 0;
    description->calls = 0;
}

static void only_lists_table(lesson_store_backend *table) {
    table->operations = ALL_BUT_READING;
}

static void describe_only_lists(lesson_store_conformance_backend *description) {
    description->operations = ALL_BUT_READING;
}

/* ---- A connection that is never made again */

static int never_recovers(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    struct wrapper *wrapper = wrapper_of(instance);
    wrapper->has_failed = wrapper->has_failed || wrapper_engine_is_broken;
    return wrapper->has_failed ? wrapper_fail() : wrapper_run(instance, operations, count);
}

static void never_recovers_table(lesson_store_backend *table) {
    table->run = never_recovers;
}

/* ---- The list */

const wrong_backend wrong_claims[] = {
    {"nothing-wrong", "none", "", NULL, NULL},
    {"joins-and-returns-where", "none", "", joins_and_returns_where_table, describe_joins_and_returns_where},
    {"only-lists", "none", "", only_lists_table, describe_only_lists},
    {"members-of-broken-are-none", "ERROR-3", "", members_of_broken_are_none_table, NULL},
    {"broken-is-not-found", "ERROR-3", "", broken_is_not_found_table, NULL},
    {"reads-become-unknown", "ERROR-3", "", reads_become_unknown_table, NULL},
    {"shares-nothing", "SHARE-1",
     "BATCH-* CHECK-* COUNT-* CREATE-* END-* GET-* ID-* JOIN-* LESSONS-* MEMBERS-* OUTPUT-* QUIT-* SET-* STREAM-3 "
     "THREAD-* USERS-* WHERE-* OWNER-* BAN-*",
     shares_nothing_table, describe_shared},
    {"persists-nothing", "PERSIST-1", "JOIN-5", persists_nothing_table, describe_persistent},
    {"has-a-flag-later", "SUPPORT-1 ABILITY-1", "", no_stay_table, describe_no_stay_at_first},
    {"persists-but-says-so-later", "ABILITY-1", "", persists_but_says_so_later_table, NULL},
    {"never-recovers", "ERROR-4", "", never_recovers_table, NULL},
    {.name = NULL},
};
