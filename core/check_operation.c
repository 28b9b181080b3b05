/* The rules for arguments, in one table: no backend needs to know them. */
#include "core.h"

enum { UID = 1, COURSE = 2, LESSON = 4, SESSION = 8, IF_SESSION = 16, OWNER = 32 };

#define JOIN_FLAGS                                                                                       \
    (LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_STAY |                  \
     LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER | LESSON_STORE_JOIN_IF_ROOM | LESSON_STORE_JOIN_UNLESS_BANNED | \
     LESSON_STORE_JOIN_OR_NOWHERE)
#define NEW_NUMBERS (LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_CHAT_STATUS | LESSON_STORE_GIVEN_CAPACITY)
#define ALL_NUMBERS (NEW_NUMBERS | LESSON_STORE_GIVEN_IF_COURSE_STATUS | LESSON_STORE_GIVEN_IF_CHAT_STATUS)

static const struct rule {
    unsigned needs; /* ids */
    unsigned takes;
    uint32_t flags;
    uint32_t given;
    bool writes;
} rules[] = {
    [LESSON_STORE_OPERATION_NONE] = {0, 0, 0, 0, false},
    [LESSON_STORE_OPERATION_CREATE] = {LESSON, LESSON | COURSE, LESSON_STORE_CREATE_RESET, NEW_NUMBERS, true},
    [LESSON_STORE_OPERATION_END] = {LESSON, LESSON, LESSON_STORE_END_RECORD_ONLY, 0, true},
    [LESSON_STORE_OPERATION_SET] = {LESSON, LESSON, 0, ALL_NUMBERS, true},
    [LESSON_STORE_OPERATION_GET_LESSON] = {LESSON, LESSON, 0, 0, false},
    [LESSON_STORE_OPERATION_JOIN] = {UID | COURSE | LESSON, UID | COURSE | LESSON | SESSION | IF_SESSION | OWNER,
                                     JOIN_FLAGS, 0, true},
    [LESSON_STORE_OPERATION_QUIT] = {UID, UID | LESSON | SESSION, 0, 0, true},
    [LESSON_STORE_OPERATION_WHERE] = {UID, UID, 0, 0, false},
    [LESSON_STORE_OPERATION_COUNT_MEMBERS] = {LESSON, LESSON, 0, 0, false},
    [LESSON_STORE_OPERATION_HOLD] = {OWNER, OWNER, LESSON_STORE_HOLD_RENEW, 0, true},
    [LESSON_STORE_OPERATION_BAN] = {UID | LESSON, UID | LESSON, LESSON_STORE_BAN_KICK, 0, true},
};

#define COUNT_ONE(name, number, word) COUNT_##name,
enum { COUNT_NONE, LESSON_STORE_OPERATION_MAP(COUNT_ONE) OPERATIONS };
_Static_assert(sizeof rules / sizeof *rules == OPERATIONS, "every operation has its rules");
#undef COUNT_ONE

static const struct rule *rule_of(const lesson_store_operation *operation) {
    return operation->kind < sizeof rules / sizeof *rules ? &rules[operation->kind] : NULL;
}

bool lesson_store_operation_writes(const lesson_store_operation *operation) {
    const struct rule *rule = rule_of(operation);
    return rule && rule->writes;
}

/* ---- Ids */

int lesson_store_id_check(const char *what, lesson_store_id id) {
    if (lesson_store_id_valid(id.data, id.size))
        return LESSON_STORE_OK;
    if (!id.data)
        return lesson_store_fail(LESSON_STORE_INVALID, "%s is missing", what);
    if (id.size == 0)
        return lesson_store_fail(LESSON_STORE_INVALID, "%s is empty", what);
    if (id.size > LESSON_STORE_ID_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "%s has %zu bytes, more than %d", what, id.size,
                                 LESSON_STORE_ID_MAX);
    for (size_t i = 0; i < id.size; i++) {
        unsigned char byte = (unsigned char)id.data[i];
        if (byte < 0x20 || byte == 0x7f)
            return lesson_store_fail(LESSON_STORE_INVALID, "%s has the control byte 0x%02X at offset %zu", what, byte,
                                     i);
    }
    return lesson_store_fail(LESSON_STORE_INVALID, "%s is not valid UTF-8", what);
}

static int check_id(const lesson_store_operation *operation, const struct rule *rule, unsigned bit, const char *what,
                    lesson_store_id id) {
    if (!id.data && id.size == 0 && !(rule->needs & bit))
        return LESSON_STORE_OK;
    if (!(rule->takes & bit))
        return lesson_store_fail(LESSON_STORE_INVALID, "%s takes no %s", lesson_store_operation_name(operation->kind),
                                 what);
    return lesson_store_id_check(what, id);
}

static int check_ids(const lesson_store_operation *operation, const struct rule *rule) {
    int code = check_id(operation, rule, UID, "uid", operation->uid);
    if (!code)
        code = check_id(operation, rule, COURSE, "course_id", operation->course_id);
    if (!code)
        code = check_id(operation, rule, LESSON, "lesson_id", operation->lesson_id);
    if (!code)
        code = check_id(operation, rule, SESSION, "session", operation->session);
    if (!code)
        code = check_id(operation, rule, IF_SESSION, "if_session", operation->if_session);
    if (!code)
        code = check_id(operation, rule, OWNER, "owner", operation->owner);
    return code;
}

/* ---- Statuses */

static int check_status(const lesson_store_operation *operation, uint32_t bit, const char *what, int32_t status,
                        int32_t highest) {
    if (!(operation->given & bit))
        return status == 0 ? LESSON_STORE_OK
                           : lesson_store_fail(LESSON_STORE_INVALID, "the %s is %d, but `given` does not include it",
                                               what, (int)status);
    if (status >= 0 && status <= highest)
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_INVALID, "the %s %d is not between 0 and %d", what, (int)status,
                             (int)highest);
}

static int check_statuses(const lesson_store_operation *operation) {
    int code = check_status(operation, LESSON_STORE_GIVEN_COURSE_STATUS, "course_status", operation->course_status,
                            LESSON_STORE_COURSE_WAITING);
    if (!code)
        code = check_status(operation, LESSON_STORE_GIVEN_CHAT_STATUS, "chat_status", operation->chat_status,
                            LESSON_STORE_CHAT_BANNED);
    if (!code)
        code = check_status(operation, LESSON_STORE_GIVEN_IF_COURSE_STATUS, "expected course_status",
                            operation->if_course_status, LESSON_STORE_COURSE_WAITING);
    if (!code)
        code = check_status(operation, LESSON_STORE_GIVEN_IF_CHAT_STATUS, "expected chat_status",
                            operation->if_chat_status, LESSON_STORE_CHAT_BANNED);
    return code;
}

static int check_capacity(const lesson_store_operation *operation) {
    bool is_given = operation->given & LESSON_STORE_GIVEN_CAPACITY;
    if (!is_given && operation->capacity != 0)
        return lesson_store_fail(LESSON_STORE_INVALID, "the capacity is %llu, but `given` does not include it",
                                 (unsigned long long)operation->capacity);
    if (operation->capacity > LESSON_STORE_CAPACITY_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "the capacity %llu is more than %d",
                                 (unsigned long long)operation->capacity, LESSON_STORE_CAPACITY_MAX);
    return LESSON_STORE_OK;
}

static int check_time(const lesson_store_operation *operation, uint32_t kind, const char *what, int64_t ms,
                      int64_t least, int64_t most) {
    bool takes = operation->kind == kind;
    if (ms == 0 && !takes)
        return LESSON_STORE_OK;
    if (!takes)
        return lesson_store_fail(LESSON_STORE_INVALID, "%s takes no %s_ms",
                                 lesson_store_operation_name(operation->kind), what);
    if (ms >= least && ms <= most)
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_INVALID, "the %s of %lld ms is not between %lld and %lld ms", what,
                             (long long)ms, (long long)least, (long long)most);
}

static int check_times(const lesson_store_operation *operation) {
    int64_t shortest_ban = operation->flags & LESSON_STORE_BAN_KICK ? 1 : 0; /* 0 lifts a ban */
    int code =
        check_time(operation, LESSON_STORE_OPERATION_HOLD, "lease", operation->lease_ms, 1, LESSON_STORE_LEASE_MAX_MS);
    return code ? code
                : check_time(operation, LESSON_STORE_OPERATION_BAN, "ban", operation->ban_ms, shortest_ban,
                             LESSON_STORE_BAN_MAX_MS);
}

/* Nothing to check: most operations are these, and this is a quarter of the work for them. */
static bool has_no_numbers(const lesson_store_operation *operation) {
    uint64_t statuses = (uint32_t)(operation->course_status | operation->chat_status | operation->if_course_status |
                                   operation->if_chat_status);
    uint64_t times = (uint64_t)(operation->lease_ms | operation->ban_ms);
    return !(operation->given | statuses | times | operation->capacity);
}

static int check_numbers(const lesson_store_operation *operation) {
    bool needs_numbers = operation->kind == LESSON_STORE_OPERATION_SET ||
                         operation->kind == LESSON_STORE_OPERATION_HOLD ||
                         operation->kind == LESSON_STORE_OPERATION_BAN;
    if (!needs_numbers && has_no_numbers(operation))
        return LESSON_STORE_OK;
    int code = check_statuses(operation);
    if (!code)
        code = check_capacity(operation);
    if (!code)
        code = check_times(operation);
    if (!code && operation->kind == LESSON_STORE_OPERATION_SET && !(operation->given & NEW_NUMBERS))
        code = lesson_store_fail(LESSON_STORE_INVALID, "set has nothing to set");
    return code;
}

/* ---- Outputs */

static bool overlaps(lesson_store_id id, const void *memory, size_t size) {
    uintptr_t begin = (uintptr_t)memory;
    uintptr_t data = (uintptr_t)id.data;
    return data < begin + size && data + id.size > begin;
}

static bool any_id_overlaps(const lesson_store_operation *operation, const void *memory, size_t size) {
    return overlaps(operation->uid, memory, size) || overlaps(operation->course_id, memory, size) ||
           overlaps(operation->lesson_id, memory, size) || overlaps(operation->session, memory, size) ||
           overlaps(operation->if_session, memory, size) || overlaps(operation->owner, memory, size);
}

bool lesson_store__operation_reads_its_place(const lesson_store_operation *operation) {
    return operation->place && any_id_overlaps(operation, operation->place, sizeof *operation->place);
}

static bool reads_its_message(const lesson_store_operation *operation) {
    return operation->message && any_id_overlaps(operation, operation->message, operation->message_size);
}

bool lesson_store__answer_has_place(uint32_t kind, int code) {
    bool has_place = kind == LESSON_STORE_OPERATION_JOIN || kind == LESSON_STORE_OPERATION_QUIT ||
                     kind == LESSON_STORE_OPERATION_WHERE || kind == LESSON_STORE_OPERATION_BAN;
    return has_place && (code == LESSON_STORE_OK || code == LESSON_STORE_REFUSED || code == LESSON_STORE_CONFLICT);
}

/* ---- The whole operation */

static bool uses_reserved(const lesson_store_operation *operation) {
    uint64_t used = 0;
    for (size_t i = 0; i < sizeof operation->reserved / sizeof *operation->reserved; i++)
        used |= operation->reserved[i];
    return used;
}

static LESSON_STORE_RARE int refuse(const lesson_store_operation *operation, const char *why) {
    return lesson_store_fail(LESSON_STORE_INVALID, "%s: %s", lesson_store_operation_name(operation->kind), why);
}

static int check_form(const lesson_store_operation *operation, const struct rule *rule) {
    if (operation->flags & ~rule->flags)
        return lesson_store_fail(LESSON_STORE_INVALID, "%s takes no flag 0x%x",
                                 lesson_store_operation_name(operation->kind),
                                 (unsigned)(operation->flags & ~rule->flags));
    if (operation->given & ~rule->given)
        return lesson_store_fail(LESSON_STORE_INVALID, "%s does not take these bits of `given`: 0x%x",
                                 lesson_store_operation_name(operation->kind),
                                 (unsigned)(operation->given & ~rule->given));
    if (uses_reserved(operation))
        return refuse(operation, "a reserved field is not 0");
    if (operation->flags & LESSON_STORE_JOIN_OR_NOWHERE && !operation->if_session.data)
        return refuse(operation, "JOIN_OR_NOWHERE needs if_session");
    if (!operation->message != !operation->message_size)
        return refuse(operation, "message or message_size is given without the other");
    if (lesson_store__operation_reads_its_place(operation))
        return refuse(operation, "an id points into the place of the answer");
    if (reads_its_message(operation))
        return refuse(operation, "an id points into the message");
    return LESSON_STORE_OK;
}

/* True for what a backend of version 0.1 would leave out without a word. */
static bool asks_for_admission(const lesson_store_operation *operation) {
    bool creates_more =
        operation->kind == LESSON_STORE_OPERATION_CREATE && (operation->given || operation->course_id.data);
    return creates_more || operation->given & LESSON_STORE_GIVEN_CAPACITY || operation->if_session.data;
}

static int check_support(const lesson_store *store, const lesson_store_operation *operation) {
    const char *shown = store->location.shown;
    if (operation->kind != LESSON_STORE_OPERATION_NONE &&
        !(store->backend.operations & (UINT64_C(1) << operation->kind)))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend has no %s", shown,
                                 lesson_store_operation_name(operation->kind));
    if (operation->flags & ~store->backend.flags)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend lacks a flag of %s (0x%x)", shown,
                                 lesson_store_operation_name(operation->kind),
                                 (unsigned)(operation->flags & ~store->backend.flags));
    if (operation->session.data && !(store->capabilities & LESSON_STORE_CAN_KEEP_SESSIONS))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend keeps no sessions", shown);
    if (operation->owner.data && !(store->backend.operations & LESSON_STORE_OPERATION_MASK_HOLD))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend keeps no owners", shown);
    if (asks_for_admission(operation) && !(store->capabilities & LESSON_STORE_CAN_ADMIT))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED,
                                 "%s: the backend creates no lesson with a course or with numbers, keeps no capacity, "
                                 "and compares no session at a join",
                                 shown);
    return LESSON_STORE_OK;
}

int lesson_store__operation_check(const lesson_store *store, const lesson_store_operation *operation) {
    const struct rule *rule = rule_of(operation);
    if (!rule)
        return lesson_store_fail(LESSON_STORE_INVALID, "operation kind %u does not exist", (unsigned)operation->kind);
    int code = check_form(operation, rule);
    if (!code)
        code = check_ids(operation, rule);
    if (!code)
        code = check_numbers(operation);
    return code ? code : check_support(store, operation);
}
