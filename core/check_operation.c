/* The rules for arguments, in one table, so that no backend has to know them. */
#include "core.h"
#include "plain.h"

enum { UID = 1, COURSE = 2, LESSON = 4, SESSION = 8 };

static const struct rule {
    const char *name;
    unsigned needs;
    unsigned takes;
    uint32_t flags;
    bool writes;
} rules[] = {
    [LESSON_STORE_OPERATION_CREATE] = {"create", LESSON, LESSON, LESSON_STORE_RESET, true},
    [LESSON_STORE_OPERATION_END] = {"end", LESSON, LESSON, LESSON_STORE_RECORD_ONLY, true},
    [LESSON_STORE_OPERATION_SET] = {"set", LESSON, LESSON, 0, true},
    [LESSON_STORE_OPERATION_GET_LESSON] = {"get lesson", LESSON, LESSON, 0, false},
    [LESSON_STORE_OPERATION_JOIN] = {"join", UID | COURSE | LESSON, UID | COURSE | LESSON | SESSION,
                                     LESSON_STORE_IF_EXISTS | LESSON_STORE_IF_OPEN | LESSON_STORE_STAY, true},
    [LESSON_STORE_OPERATION_QUIT] = {"quit", UID, UID | LESSON | SESSION, 0, true},
    [LESSON_STORE_OPERATION_WHERE] = {"where", UID, UID, 0, false},
    [LESSON_STORE_OPERATION_COUNT] = {"count", LESSON, LESSON, 0, false},
};

static const struct rule *rule_of(const lesson_store_operation *operation) {
    return operation->kind < sizeof rules / sizeof *rules ? &rules[operation->kind] : NULL;
}

bool lesson_store_operation_writes(const lesson_store_operation *operation) {
    const struct rule *rule = rule_of(operation);
    return rule && rule->writes;
}

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

static bool is_given(lesson_store_id id) {
    return id.data || id.size;
}

static int check_id(const struct rule *rule, unsigned bit, const char *what, lesson_store_id id) {
    if (!is_given(id) && !(rule->needs & bit))
        return LESSON_STORE_OK;
    if (!(rule->takes & bit))
        return lesson_store_fail(LESSON_STORE_INVALID, "%s takes no %s", rule->name, what);
    return lesson_store_id_check(what, id);
}

/* Names the fault, where there is one. */
static LESSON_STORE_RARE int check_ids(const struct rule *rule, const lesson_store_operation *operation) {
    int code = check_id(rule, UID, "uid", operation->uid);
    if (!code)
        code = check_id(rule, COURSE, "course_id", operation->course_id);
    if (!code)
        code = check_id(rule, LESSON, "lesson_id", operation->lesson_id);
    if (!code)
        code = check_id(rule, SESSION, "session", operation->session);
    return code;
}

/* The bit if this is an id of the common kind, 0 if it is not given, UNCLEAR if it is to be looked at more closely. */
enum { UNCLEAR = 16 };

static inline unsigned glance(unsigned bit, lesson_store_id id) {
    if (!is_given(id))
        return 0;
    bool common = id.data && id.size > 0 && id.size <= LESSON_STORE_ID_MAX && lesson_store_is_plain(id.data, id.size);
    return common ? bit : UNCLEAR;
}

/* True if all ids are there that are needed, none that is not taken, and each is plain: so at nearly every call. */
static bool ids_are_common(const struct rule *rule, const lesson_store_operation *operation) {
    unsigned seen = glance(UID, operation->uid) | glance(COURSE, operation->course_id) |
                    glance(LESSON, operation->lesson_id) | glance(SESSION, operation->session);
    return !(seen & ~rule->takes) && !(rule->needs & ~seen);
}

static int check_status(const char *what, int32_t status, int32_t highest) {
    if (status >= LESSON_STORE_STATUS_NONE && status <= highest)
        return LESSON_STORE_OK;
    return lesson_store_fail(LESSON_STORE_INVALID, "%s %d is not between 0 and %d", what, (int)status, (int)highest);
}

static bool names_a_status(const lesson_store_operation *operation) {
    return operation->course_status != LESSON_STORE_STATUS_NONE || operation->chat_status != LESSON_STORE_STATUS_NONE ||
           operation->if_course_status != LESSON_STORE_STATUS_NONE ||
           operation->if_chat_status != LESSON_STORE_STATUS_NONE;
}

static int check_statuses(const lesson_store_operation *operation) {
    if (operation->course_status == LESSON_STORE_STATUS_NONE && operation->chat_status == LESSON_STORE_STATUS_NONE)
        return lesson_store_fail(LESSON_STORE_INVALID, "set is given no status to set");
    int code = check_status("course_status", operation->course_status, LESSON_STORE_COURSE_WAITING);
    if (!code)
        code = check_status("chat_status", operation->chat_status, LESSON_STORE_CHAT_BANNED);
    if (!code)
        code = check_status("expected course_status", operation->if_course_status, LESSON_STORE_COURSE_WAITING);
    if (!code)
        code = check_status("expected chat_status", operation->if_chat_status, LESSON_STORE_CHAT_BANNED);
    return code;
}

static int unsupported(const lesson_store *store, const struct rule *rule, const lesson_store_operation *operation) {
    const char *shown = store->location.shown;
    if (!(store->backend.operations & (UINT32_C(1) << operation->kind)))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend has no %s", shown, rule->name);
    if (operation->flags & ~store->backend.flags)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend lacks a flag of %s (0x%x)", shown,
                                 rule->name, (unsigned)(operation->flags & ~store->backend.flags));
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend keeps no sessions", shown);
}

static bool is_supported(const lesson_store *store, const lesson_store_operation *operation) {
    return store->backend.operations & (UINT32_C(1) << operation->kind) &&
           !(operation->flags & ~store->backend.flags) &&
           (!operation->session.data || store->capabilities & LESSON_STORE_CAN_KEEP_SESSIONS);
}

static bool lies_in(lesson_store_id id, const lesson_store_place *place) {
    uintptr_t begin = (uintptr_t)place;
    uintptr_t data = (uintptr_t)id.data;
    return data < begin + sizeof *place && data + id.size > begin;
}

bool lesson_store_operation_reads_its_place(const lesson_store_operation *operation) {
    const lesson_store_place *place = operation->place;
    return place && (lies_in(operation->uid, place) || lies_in(operation->course_id, place) ||
                     lies_in(operation->lesson_id, place) || lies_in(operation->session, place));
}

bool lesson_store_answer_tells_place(uint32_t kind, int code) {
    bool has_place = kind == LESSON_STORE_OPERATION_JOIN || kind == LESSON_STORE_OPERATION_QUIT ||
                     kind == LESSON_STORE_OPERATION_WHERE;
    return has_place && (code == LESSON_STORE_OK || code == LESSON_STORE_REFUSED || code == LESSON_STORE_CONFLICT);
}

int lesson_store_operation_check(const lesson_store *store, const lesson_store_operation *operation) {
    const struct rule *rule = rule_of(operation);
    if (!rule)
        return lesson_store_fail(LESSON_STORE_INVALID, "operation kind %u does not exist", (unsigned)operation->kind);
    if (operation->flags & ~rule->flags)
        return lesson_store_fail(LESSON_STORE_INVALID, "%s takes no flag 0x%x", rule->name,
                                 (unsigned)(operation->flags & ~rule->flags));
    if (operation->reserved[0] || operation->reserved[1])
        return lesson_store_fail(LESSON_STORE_INVALID, "%s: a reserved field is not 0", rule->name);
    if (lesson_store_operation_reads_its_place(operation))
        return lesson_store_fail(LESSON_STORE_INVALID, "%s: an id lies in the place for the answer", rule->name);

    int code = ids_are_common(rule, operation) ? LESSON_STORE_OK : check_ids(rule, operation);
    if (code)
        return code;
    if (operation->kind == LESSON_STORE_OPERATION_SET)
        code = check_statuses(operation);
    else if (names_a_status(operation))
        code = lesson_store_fail(LESSON_STORE_INVALID, "%s takes no statuses", rule->name);
    if (code)
        return code;
    return is_supported(store, operation) ? LESSON_STORE_OK : unsupported(store, rule, operation);
}
