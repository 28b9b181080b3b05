/* The lists, by callback and by page, and check. */
#include "table.h"

#define MEMBERS_AHEAD 8       /* members to prefetch while others are listed */
#define FOUND_IN_AT_LEAST 500 /* lessons that a page with a filter looks at: few may pass */

static bool give_member(const memory_user *user, lesson_store_member_callback callback, void *context) {
    const lesson_store_id uid = memory_id(&user->entry);
    return callback(&uid, context);
}

static bool give_lesson(const memory_entry *entry, lesson_store_lesson_callback callback, void *context) {
    const lesson_store_lesson described = memory_describe((const memory_lesson *)entry, memory_id(entry));
    return callback(&described, context);
}

lesson_store_user memory_describe_user(const memory_user *user) {
    return (lesson_store_user){.uid = memory_id(&user->entry),
                               .course_id = memory_id(&user->course->entry),
                               .lesson_id = memory_id(&user->lesson->entry),
                               .session = memory_session(user),
                               .owner = memory_owner_of(user),
                               .joined_ms = user->joined_ms};
}

static bool give_user(const memory_entry *entry, lesson_store_user_callback callback, void *context) {
    const lesson_store_user described = memory_describe_user((const memory_user *)entry);
    return callback(&described, context);
}

/* Gives at most `most` members below `end`, from the last to the first. A member who leaves is replaced by the last
 * member, who has already been listed. Returns the index where it stopped. */
static uint32_t give_members(const memory_lesson *lesson, uint32_t end, size_t most,
                             lesson_store_member_callback callback, void *context) {
    for (; end > 0 && most > 0; end--, most--) {
        if (end > MEMBERS_AHEAD)
            __builtin_prefetch(lesson->members[end - 1 - MEMBERS_AHEAD]);
        if (!give_member(lesson->members[end - 1], callback, context))
            break;
    }
    return end;
}

int memory_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                   lesson_store_member_callback callback, void *context) {
    const memory_lesson *lesson = memory_find_lesson(memory_of(instance), *lesson_id);
    if (lesson)
        give_members(lesson, lesson->member_count, SIZE_MAX, callback, context);
    return LESSON_STORE_OK;
}

int memory_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    for (const memory_entry *entry = memory_of(instance)->lessons; entry; entry = entry->hh.next) {
        if (!give_lesson(entry, callback, context))
            break;
    }
    return LESSON_STORE_OK;
}

/* What passes a filter goes on to the callback. */
struct finding {
    const lesson_store_lesson_filter *filter;
    lesson_store_lesson_callback callback;
    void *context;
};

static bool give_if_it_passes(const lesson_store_lesson *lesson, void *context) {
    const struct finding *finding = context;
    return !lesson_store_filter_passes(finding->filter, lesson) || finding->callback(lesson, finding->context);
}

int memory_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                        lesson_store_lesson_callback callback, void *context) {
    struct finding finding = {filter, callback, context};
    return memory_lessons(instance, give_if_it_passes, &finding);
}

int memory_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    for (const memory_entry *entry = memory_of(instance)->users; entry; entry = entry->hh.next) {
        if (!give_user(entry, callback, context))
            break;
    }
    return LESSON_STORE_OK;
}

/* ---- Pages. In a position, words[0] is the index or bucket where the list goes on, and words[1] is 1 once it has
 * begun. */

int memory_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                        lesson_store_position *position, lesson_store_member_callback callback, void *context) {
    const memory_lesson *lesson = memory_find_lesson(memory_of(instance), *lesson_id);
    uint32_t end = lesson ? lesson->member_count : 0;
    if (position->words[1] && position->words[0] < end)
        end = (uint32_t)position->words[0];
    if (lesson)
        end = give_members(lesson, end, most, callback, context);
    position->words[0] = end;
    position->words[1] = 1;
    position->ended = end == 0;
    return LESSON_STORE_OK;
}

/* Returns the next bucket in the order of reversed bits, as Redis' SCAN does. When the table doubles, the visited
 * buckets split exactly into the visited buckets of the new table. Returns 0 after the last bucket. */
static uint64_t next_bucket(uint64_t bucket, uint64_t mask) {
    for (uint64_t bit = mask - (mask >> 1); bit > 0; bit >>= 1) {
        bucket ^= bit;
        if (bucket & bit)
            break;
    }
    return bucket;
}

typedef bool (*give_entry)(const memory_entry *entry, void *page);

/* Gives whole buckets until `most` entries or more were given. If the callback stops a page, the same page is asked for
 * again. */
static int give_buckets(const memory_entry *table, size_t most, lesson_store_position *position, give_entry give,
                        void *page) {
    uint64_t mask = table ? table->hh.tbl->num_buckets - 1 : 0;
    uint64_t bucket = position->words[0] & mask;
    for (size_t given = 0; table && given < most && !position->ended; position->words[0] = bucket) {
        UT_hash_handle *handle = table->hh.tbl->buckets[bucket].hh_head;
        for (; handle; handle = handle->hh_next, given++) {
            if (!give(ELMT_FROM_HH(table->hh.tbl, handle), page))
                return LESSON_STORE_OK;
        }
        bucket = next_bucket(bucket, mask);
        position->ended = bucket == 0;
    }
    position->ended |= !table;
    return LESSON_STORE_OK;
}

struct lessons_page {
    lesson_store_lesson_callback callback;
    void *context;
};

static bool give_lesson_of_page(const memory_entry *entry, void *page) {
    const struct lessons_page *lessons = page;
    return give_lesson(entry, lessons->callback, lessons->context);
}

int memory_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                        lesson_store_lesson_callback callback, void *context) {
    struct lessons_page page = {callback, context};
    return give_buckets(memory_of(instance)->lessons, most, position, give_lesson_of_page, &page);
}

int memory_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                             lesson_store_position *position, lesson_store_lesson_callback callback, void *context) {
    struct finding finding = {filter, callback, context};
    size_t looked_at = most > FOUND_IN_AT_LEAST ? most : FOUND_IN_AT_LEAST;
    return memory_lessons_page(instance, looked_at, position, give_if_it_passes, &finding);
}

struct users_page {
    lesson_store_user_callback callback;
    void *context;
};

static bool give_user_of_page(const memory_entry *entry, void *page) {
    const struct users_page *users = page;
    return give_user(entry, users->callback, users->context);
}

int memory_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                      lesson_store_user_callback callback, void *context) {
    struct users_page page = {callback, context};
    return give_buckets(memory_of(instance)->users, most, position, give_user_of_page, &page);
}

/* ---- Check */

/* A user record is also the membership here. So check can find only one thing: users in a lesson without a record. */
static int check_lesson(memory_store *memory, memory_lesson *lesson, bool repair,
                        lesson_store_finding_callback callback, void *context, bool *go_on) {
    for (uint32_t i = memory_has_record(lesson) ? 0 : lesson->member_count; *go_on && i > 0; i--) {
        memory_user *user = lesson->members[i - 1];
        if (repair && !memory_prepare_quit_event(memory, user, LESSON_STORE_CAUSE_REPAIR))
            return lesson_store_fail(LESSON_STORE_NO_MEMORY, "memory: no memory left for an event");
        lesson_store_finding finding = {.kind = LESSON_STORE_FINDING_ENDED_LESSON,
                                        .repairable = true,
                                        .repaired = repair,
                                        .lesson_id = memory_id(&lesson->entry),
                                        .uid = memory_id(&user->entry),
                                        .detail = "the lesson has no record"};
        *go_on = callback(&finding, context);
        if (repair) {
            memory_leave(memory, user);
            memory_commit_event(memory);
        }
    }
    memory_drop_lesson_if_empty(memory, lesson);
    return LESSON_STORE_OK;
}

int memory_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context) {
    bool repair = flags & LESSON_STORE_CHECK_REPAIR, go_on = flags & LESSON_STORE_CHECK_ENDED;
    int code = LESSON_STORE_OK;
    for (memory_entry *entry = memory_of(instance)->lessons, *next; go_on && !code && entry; entry = next) {
        next = entry->hh.next;
        code = check_lesson(memory_of(instance), (memory_lesson *)entry, repair, callback, context, &go_on);
    }
    return code;
}
