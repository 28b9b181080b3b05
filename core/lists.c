/* The lists by callback, and check. */
#include "core.h"

static int check_stream(const lesson_store *store, bool has_function, bool has_callback) {
    if (!has_callback)
        return lesson_store_fail(LESSON_STORE_INVALID, "no callback is given");
    if (!has_function)
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend does not offer this",
                                 store->location.shown);
    return lesson_store__pool_check_caller(&store->pool);
}

lesson_store__slot *lesson_store__begin_stream(lesson_store *store, uint32_t call, bool has_function, bool has_callback,
                                               int *code) {
    if (!store) {
        *code = lesson_store_fail(LESSON_STORE_INVALID, "no store is given");
        return NULL;
    }
    *code = check_stream(store, has_function, has_callback);
    lesson_store__slot *slot = *code ? NULL : lesson_store__pool_take_for_stream(&store->pool, code);
    if (slot)
        slot->call = call;
    else
        lesson_store__count_refused(store, call, *code);
    return slot;
}

int lesson_store__end_stream(lesson_store *store, lesson_store__slot *slot, int code) {
    if (lesson_store__origin_is_elsewhere(&store->pool.origin)) {
        lesson_store__restore_cancel(slot->cancel_state); /* the instance stays lent: it is the parent's */
        return lesson_store__fail_in_child();
    }
    bool is_answer = slot->call == LESSON_STORE_COUNTED_DROP && code == LESSON_STORE_NOT_FOUND;
    if (code > 0 && !is_answer)
        code = lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend ended a list with the code %s",
                                 store->location.shown, lesson_store_code_name(code));
    if (slot->call != LESSON_STORE__NOT_COUNTED)
        lesson_store__count_call(slot->observer, slot->call, code, slot->since_us);
    lesson_store__pool_give_after_stream(&store->pool, slot);
    lesson_store__reader_note(&store->reader); /* a sweep or a repair may have written */
    return code;
}

/* ---- Callbacks
 *
 * A callback can fork. When it returns in the child, the list must end without another look at the engine, which is the
 * parent's. */
struct guarded {
    const lesson_store *store;
    void *context;
    union {
        lesson_store_member_callback member;
        lesson_store_lesson_callback lesson;
        lesson_store_user_callback user;
        lesson_store_owner_callback owner;
        lesson_store_banned_callback banned;
    } callback;
};

static bool goes_on(const struct guarded *guarded, bool wanted) {
    return wanted && !lesson_store__origin_is_elsewhere(&guarded->store->pool.origin);
}

static bool give_member(const lesson_store_id *uid, void *context) {
    const struct guarded *guarded = context;
    return goes_on(guarded, guarded->callback.member(uid, guarded->context));
}

static bool give_lesson(const lesson_store_lesson *lesson, void *context) {
    const struct guarded *guarded = context;
    return goes_on(guarded, guarded->callback.lesson(lesson, guarded->context));
}

static bool give_user(const lesson_store_user *user, void *context) {
    const struct guarded *guarded = context;
    return goes_on(guarded, guarded->callback.user(user, guarded->context));
}

static bool give_owner(const lesson_store_owner *owner, void *context) {
    const struct guarded *guarded = context;
    return goes_on(guarded, guarded->callback.owner(owner, guarded->context));
}

static bool give_banned(const lesson_store_banned *banned, void *context) {
    const struct guarded *guarded = context;
    return goes_on(guarded, guarded->callback.banned(banned, guarded->context));
}

/* ---- The calls */

int lesson_store_members(lesson_store *store, const char *lesson_id, lesson_store_member_callback callback,
                         void *context) {
    lesson_store_id id = lesson_store_id_of(lesson_id);
    int code = lesson_store_id_check("lesson_id", id);
    if (code)
        return code;
    lesson_store__slot *slot = lesson_store__begin_stream(store, LESSON_STORE_COUNTED_MEMBERS,
                                                          store && store->backend.members, callback, &code);
    if (!slot)
        return code;
    struct guarded guarded = {store, context, {.member = callback}};
    return lesson_store__end_stream(store, slot, store->backend.members(slot->instance, &id, give_member, &guarded));
}

int lesson_store_bans(lesson_store *store, const char *lesson_id, lesson_store_banned_callback callback,
                      void *context) {
    lesson_store_id id = lesson_store_id_of(lesson_id);
    int code = lesson_store_id_check("lesson_id", id);
    if (code)
        return code;
    lesson_store__slot *slot =
        lesson_store__begin_stream(store, LESSON_STORE_COUNTED_BANS, store && store->backend.bans, callback, &code);
    if (!slot)
        return code;
    struct guarded guarded = {store, context, {.banned = callback}};
    return lesson_store__end_stream(store, slot, store->backend.bans(slot->instance, &id, give_banned, &guarded));
}

int lesson_store_lessons(lesson_store *store, lesson_store_lesson_callback callback, void *context) {
    int code;
    lesson_store__slot *slot = lesson_store__begin_stream(store, LESSON_STORE_COUNTED_LESSONS,
                                                          store && store->backend.lessons, callback, &code);
    if (!slot)
        return code;
    struct guarded guarded = {store, context, {.lesson = callback}};
    return lesson_store__end_stream(store, slot, store->backend.lessons(slot->instance, give_lesson, &guarded));
}

int lesson_store_find_lessons(lesson_store *store, const lesson_store_lesson_filter *filter,
                              lesson_store_lesson_callback callback, void *context) {
    int code = lesson_store__filter_check(filter);
    if (code)
        return code;
    if (lesson_store__filter_is_empty(filter))
        return lesson_store_lessons(store, callback, context);
    lesson_store__slot *slot = lesson_store__begin_stream(store, LESSON_STORE_COUNTED_FIND_LESSONS,
                                                          store && store->backend.find_lessons, callback, &code);
    if (!slot)
        return code;
    struct guarded guarded = {store, context, {.lesson = callback}};
    return lesson_store__end_stream(store, slot,
                                    store->backend.find_lessons(slot->instance, filter, give_lesson, &guarded));
}

int lesson_store_users(lesson_store *store, lesson_store_user_callback callback, void *context) {
    int code;
    lesson_store__slot *slot =
        lesson_store__begin_stream(store, LESSON_STORE_COUNTED_USERS, store && store->backend.users, callback, &code);
    if (!slot)
        return code;
    struct guarded guarded = {store, context, {.user = callback}};
    return lesson_store__end_stream(store, slot, store->backend.users(slot->instance, give_user, &guarded));
}

int lesson_store_owners(lesson_store *store, lesson_store_owner_callback callback, void *context) {
    int code;
    lesson_store__slot *slot =
        lesson_store__begin_stream(store, LESSON_STORE_COUNTED_OWNERS, store && store->backend.owners, callback, &code);
    if (!slot)
        return code;
    struct guarded guarded = {store, context, {.owner = callback}};
    return lesson_store__end_stream(store, slot, store->backend.owners(slot->instance, give_owner, &guarded));
}

struct tally {
    const lesson_store *store;
    lesson_store_finding_callback callback;
    void *context;
    uint64_t found;
    uint64_t repaired;
};

static bool count_finding(const lesson_store_finding *finding, void *context) {
    struct tally *tally = context;
    tally->found++;
    tally->repaired += finding->repaired;
    bool wanted = !tally->callback || tally->callback(finding, tally->context);
    return wanted && !lesson_store__origin_is_elsewhere(&tally->store->pool.origin);
}

int lesson_store_check(lesson_store *store, uint32_t flags, lesson_store_finding_callback callback, void *context,
                       uint64_t *found, uint64_t *repaired) {
    if (flags & ~(uint32_t)(LESSON_STORE_CHECK_REPAIR | LESSON_STORE_CHECK_ENDED))
        return lesson_store_fail(LESSON_STORE_INVALID, "check takes no flag 0x%x", (unsigned)flags);
    int code;
    lesson_store__slot *slot =
        lesson_store__begin_stream(store, LESSON_STORE_COUNTED_CHECK, store && store->backend.check, true, &code);
    if (!slot)
        return code;
    struct tally tally = {store, callback, context, 0, 0};
    code = lesson_store__end_stream(store, slot, store->backend.check(slot->instance, flags, count_finding, &tally));
    if (found)
        *found = tally.found;
    if (repaired)
        *repaired = tally.repaired;
    return code;
}
