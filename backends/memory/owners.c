/* Owners, their leases, and the sweep. */
#include "table.h"

int memory_hold(memory_store *memory, const lesson_store_operation *hold) {
    memory_owner *owner = memory_find_owner(memory, hold->owner);
    if (owner ? owner->is_over : (hold->flags & LESSON_STORE_HOLD_RENEW) != 0)
        return LESSON_STORE_CONFLICT;
    if (!owner && !(owner = memory_add_owner(memory, hold->owner)))
        return memory_fail();
    owner->lease_ms = hold->lease_ms;
    owner->until_ms = lesson_store_sweeps_lease(memory->sweeps.last_ms, lesson_store_clock_ms(), hold->lease_ms);
    return LESSON_STORE_OK;
}

/* A clock that was set back would make leases longer than they are. */
static void shorten(memory_owner *owner, int64_t now_ms) {
    if (owner->until_ms > now_ms + owner->lease_ms)
        owner->until_ms = now_ms + owner->lease_ms;
}

/* Returns true if any owner is over. */
static bool end_late_owners(memory_store *memory) {
    bool is_any_over = false;
    int64_t now_ms = lesson_store_clock_ms();
    lesson_store_sweeps_note(&memory->sweeps, now_ms);
    for (memory_entry *entry = memory->owners; entry; entry = entry->hh.next) {
        memory_owner *owner = (memory_owner *)entry;
        shorten(owner, now_ms);
        if (lesson_store_sweeps_end(&memory->sweeps, now_ms, owner->until_ms, owner->lease_ms))
            owner->is_over = true;
        is_any_over |= owner->is_over;
    }
    return is_any_over;
}

static bool is_leaving(const memory_user *user, const memory_owner *dropped) {
    return user->owner && (dropped ? user->owner == dropped : user->owner->is_over);
}

/* The callback is given a copy of the user's record by its ids, which are freed after it. `*goes_on` becomes what it
 * returns. */
static int put_out(memory_store *memory, memory_user *user, lesson_store_user_callback callback, void *context,
                   bool *goes_on) {
    if (!memory_prepare_quit_event(memory, user, LESSON_STORE_CAUSE_SWEEP))
        return memory_fail();
    char texts[4][LESSON_STORE_ID_MAX + 1];
    lesson_store_user described = memory_describe_user(user);
    memory_lesson *lesson = user->lesson;
    lesson_store_id *const ids[] = {&described.uid, &described.course_id, &described.lesson_id, &described.session};
    for (int i = 0; i < 4; i++) {
        lesson_store_id_copy(texts[i], *ids[i]);
        ids[i]->data = ids[i]->data ? texts[i] : NULL;
    }
    memory_leave(memory, user);
    memory_drop_lesson_if_empty(memory, lesson);
    memory_commit_event(memory);
    *goes_on = callback(&described, context);
    return LESSON_STORE_OK;
}

static void forget_owners_without_users(memory_store *memory, const memory_owner *dropped) {
    for (memory_entry *entry = memory->owners, *next; entry; entry = next) {
        memory_owner *owner = (memory_owner *)entry;
        next = entry->hh.next;
        if (owner->is_over && owner->users == 0 && (!dropped || owner == dropped))
            memory_drop_owner(memory, owner);
    }
}

int memory_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                 void *context) {
    memory_store *memory = memory_of(instance);
    memory_owner *owner = dropped ? memory_find_owner(memory, *dropped) : NULL;
    if (dropped && !owner)
        return LESSON_STORE_NOT_FOUND;
    if (owner)
        owner->is_over = true;
    bool goes_on = owner || end_late_owners(memory);
    int code = LESSON_STORE_OK;
    for (memory_entry *entry = memory->users, *next; entry && goes_on && !code; entry = next) {
        next = entry->hh.next;
        if (is_leaving((memory_user *)entry, owner))
            code = put_out(memory, (memory_user *)entry, callback, context, &goes_on);
    }
    if (goes_on && !code)
        forget_owners_without_users(memory, owner);
    return code;
}

int memory_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context) {
    int64_t now_ms = lesson_store_clock_ms();
    for (const memory_entry *entry = memory_of(instance)->owners; entry; entry = entry->hh.next) {
        const memory_owner *owner = (const memory_owner *)entry;
        lesson_store_owner described = {.owner = memory_id(entry), .lease_ms = owner->lease_ms};
        described.left_ms = owner->is_over ? 0 : owner->until_ms - now_ms;
        described.state = owner->is_over          ? LESSON_STORE_OWNER_OVER
                          : described.left_ms < 0 ? LESSON_STORE_OWNER_LATE
                                                  : LESSON_STORE_OWNER_HELD;
        if (!callback(&described, context))
            break;
    }
    return LESSON_STORE_OK;
}
