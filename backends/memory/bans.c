/* Bans, which belong to the record of a lesson. */
#include "table.h"

bool memory_is_banned(const memory_lesson *lesson, lesson_store_id uid, uint32_t hash) {
    const memory_ban *ban = memory_find(lesson->bans, uid, hash);
    return ban && ban->until_ms > lesson_store_clock_ms();
}

static void drop_those_that_have_run_out(memory_store *memory, memory_lesson *lesson, int64_t now_ms) {
    for (memory_entry *entry = lesson->bans, *next; entry; entry = next) {
        memory_ban *ban = (memory_ban *)entry;
        next = entry->hh.next;
        if (ban->until_ms <= now_ms)
            memory_drop_ban(memory, lesson, ban);
    }
}

static int put_ban(memory_store *memory, memory_lesson *lesson, const lesson_store_operation *asked, uint32_t hash) {
    int64_t now_ms = lesson_store_clock_ms();
    drop_those_that_have_run_out(memory, lesson, now_ms);
    memory_ban *ban = memory_find(lesson->bans, asked->uid, hash);
    if (asked->ban_ms == 0) {
        if (ban)
            memory_drop_ban(memory, lesson, ban);
        return LESSON_STORE_OK;
    }
    if (!ban && !(ban = memory_add_ban(memory, lesson, asked->uid, hash)))
        return memory_fail();
    ban->until_ms = now_ms + asked->ban_ms;
    return LESSON_STORE_OK;
}

int memory_ban_user(memory_store *memory, lesson_store_operation *ban, uint32_t hash) {
    memory_lesson *lesson = memory_find_lesson(memory, ban->lesson_id);
    if (!lesson || !memory_has_record(lesson))
        return LESSON_STORE_NOT_FOUND;
    memory_user *user = ban->flags & LESSON_STORE_BAN_KICK ? memory_find_user(memory, ban->uid, hash) : NULL;
    bool leaves = user && user->lesson == lesson;
    if (leaves && !memory_prepare_quit_event(memory, user, LESSON_STORE_CAUSE_KICK))
        return memory_fail();
    int code = put_ban(memory, lesson, ban, hash);
    if (code)
        return code;
    memory_answer_place(leaves ? user : NULL, ban);
    ban->count = leaves;
    if (!leaves)
        return LESSON_STORE_OK;
    memory_leave(memory, user);
    memory_commit_event(memory);
    return LESSON_STORE_OK;
}

int memory_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                lesson_store_banned_callback callback, void *context) {
    const memory_lesson *lesson = memory_find_lesson(memory_of(instance), *lesson_id);
    int64_t now_ms = lesson_store_clock_ms();
    for (const memory_entry *entry = lesson ? lesson->bans : NULL; entry; entry = entry->hh.next) {
        lesson_store_banned banned = {.uid = memory_id(entry)};
        banned.left_ms = ((const memory_ban *)entry)->until_ms - now_ms;
        if (banned.left_ms > 0 && !callback(&banned, context))
            break;
    }
    return LESSON_STORE_OK;
}
