/* The lists by callback, and check. */
#include "core.h"

lesson_store__slot *lesson_store__begin_stream(lesson_store *store, bool has_function, bool has_callback, int *code) {
    if (!store || !has_callback) {
        *code = lesson_store_fail(LESSON_STORE_INVALID, "no %s is given", store ? "callback" : "store");
        return NULL;
    }
    if (!has_function) {
        *code =
            lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend does not offer this", store->location.shown);
        return NULL;
    }
    *code = lesson_store__pool_check_caller(&store->pool);
    return *code ? NULL : lesson_store__pool_take_for_stream(&store->pool, code);
}

int lesson_store__end_stream(lesson_store *store, lesson_store__slot *slot, int code) {
    lesson_store__pool_give_after_stream(&store->pool, slot);
    if (code > 0)
        return lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend ended a list with the code %s",
                                 store->location.shown, lesson_store_code_name(code));
    return code;
}

int lesson_store_members(lesson_store *store, const char *lesson_id, lesson_store_member_callback callback,
                         void *context) {
    lesson_store_id id = lesson_store_id_of(lesson_id);
    int code = lesson_store_id_check("lesson_id", id);
    if (code)
        return code;
    lesson_store__slot *slot = lesson_store__begin_stream(store, store && store->backend.members, callback, &code);
    if (!slot)
        return code;
    return lesson_store__end_stream(store, slot, store->backend.members(slot->instance, &id, callback, context));
}

int lesson_store_lessons(lesson_store *store, lesson_store_lesson_callback callback, void *context) {
    int code;
    lesson_store__slot *slot = lesson_store__begin_stream(store, store && store->backend.lessons, callback, &code);
    if (!slot)
        return code;
    return lesson_store__end_stream(store, slot, store->backend.lessons(slot->instance, callback, context));
}

int lesson_store_users(lesson_store *store, lesson_store_user_callback callback, void *context) {
    int code;
    lesson_store__slot *slot = lesson_store__begin_stream(store, store && store->backend.users, callback, &code);
    if (!slot)
        return code;
    return lesson_store__end_stream(store, slot, store->backend.users(slot->instance, callback, context));
}

struct tally {
    lesson_store_finding_callback callback;
    void *context;
    uint64_t found;
    uint64_t repaired;
};

static bool count_finding(const lesson_store_finding *finding, void *context) {
    struct tally *tally = context;
    tally->found++;
    tally->repaired += finding->repaired;
    return !tally->callback || tally->callback(finding, tally->context);
}

int lesson_store_check(lesson_store *store, uint32_t flags, lesson_store_finding_callback callback, void *context,
                       uint64_t *found, uint64_t *repaired) {
    if (flags & ~(uint32_t)(LESSON_STORE_CHECK_REPAIR | LESSON_STORE_CHECK_ENDED))
        return lesson_store_fail(LESSON_STORE_INVALID, "check takes no flag 0x%x", (unsigned)flags);
    int code;
    lesson_store__slot *slot = lesson_store__begin_stream(store, store && store->backend.check, true, &code);
    if (!slot)
        return code;
    struct tally tally = {callback, context, 0, 0};
    code = lesson_store__end_stream(store, slot, store->backend.check(slot->instance, flags, count_finding, &tally));
    if (found)
        *found = tally.found;
    if (repaired)
        *repaired = tally.repaired;
    return code;
}
