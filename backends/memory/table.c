#include <stdlib.h>

#include "table.h"

#define FIRST_CAPACITY 4

/* ---- Entries */

/* Adds an entry with its id at `id_offset` and zeros before it. NULL if there is no memory. */
static void *add(memory_store *memory, memory_entry **table, size_t id_offset, lesson_store_id id, uint32_t hash) {
    memory_entry *entry = memory_slab_take(&memory->slab, id_offset + id.size);
    if (!entry)
        return NULL;
    memset(entry, 0, id_offset);
    char *key = (char *)entry + id_offset;
    memcpy(key, id.data, id.size);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, *table, key, id.size, hash, entry);
    if (entry->hh.tbl)
        return entry;
    memory_slab_give(&memory->slab, entry, id_offset + id.size);
    return NULL;
}

static void drop(memory_store *memory, memory_entry **table, memory_entry *entry) {
    const char *end = (const char *)entry->hh.key + entry->hh.keylen;
    size_t size = (size_t)(end - (const char *)entry);
    HASH_DEL(*table, entry);
    memory_slab_give(&memory->slab, entry, size);
}

/* ---- Courses. Most users of a lesson share a course, so its id is stored once and its uses are counted. */

static void drop_course_if_unused(memory_store *memory, memory_course *course) {
    if (course && course->uses == 0)
        drop(memory, &memory->courses, &course->entry);
}

/* Returns the course, and adds it if it does not exist. NULL if there is no memory. */
static memory_course *need_course(memory_store *memory, memory_course *likely, lesson_store_id id) {
    if (likely && lesson_store_id_equal(memory_id(&likely->entry), id))
        return likely;
    uint32_t hash = memory_hash_of(memory, id);
    memory_course *course = memory_find(memory->courses, id, hash);
    return course ? course : add(memory, &memory->courses, offsetof(memory_course, id), id, hash);
}

/* Stores a course (NULL: none) in a field, which counts as a use of the course. */
static void set_course(memory_store *memory, memory_course **field, memory_course *course) {
    memory_course *old = *field;
    if (old == course)
        return;
    if (course)
        course->uses++;
    *field = course;
    if (old) {
        old->uses--;
        drop_course_if_unused(memory, old);
    }
}

/* ---- Lessons */

memory_lesson *memory_add_lesson(memory_store *memory, lesson_store_id lesson_id) {
    uint32_t hash = memory_hash_of(memory, lesson_id);
    memory_lesson *lesson = add(memory, &memory->lessons, offsetof(memory_lesson, id), lesson_id, hash);
    if (lesson)
        memory_remove_record(memory, lesson);
    return lesson;
}

bool memory_write_record(memory_store *memory, memory_lesson *lesson, const lesson_store_operation *create) {
    memory_course *course = create->course_id.data ? need_course(memory, lesson->course, create->course_id) : NULL;
    if (create->course_id.data && !course)
        return false;
    if (course)
        set_course(memory, &lesson->own_course, course);
    if (create->given & LESSON_STORE_GIVEN_CAPACITY)
        lesson->most_members = (uint32_t)create->capacity;
    bool has_course_status = create->given & LESSON_STORE_GIVEN_COURSE_STATUS;
    bool has_chat_status = create->given & LESSON_STORE_GIVEN_CHAT_STATUS;
    lesson->course_status = (int8_t)(has_course_status ? create->course_status : LESSON_STORE_COURSE_WAITING);
    lesson->chat_status = (int8_t)(has_chat_status ? create->chat_status : LESSON_STORE_CHAT_FREE);
    return true;
}

void memory_remove_record(memory_store *memory, memory_lesson *lesson) {
    while (lesson->bans)
        memory_drop_ban(memory, lesson, (memory_ban *)lesson->bans);
    set_course(memory, &lesson->own_course, NULL);
    lesson->most_members = 0;
    lesson->course_status = lesson->chat_status = LESSON_STORE_STATUS_NONE;
}

void memory_drop_lesson_if_empty(memory_store *memory, memory_lesson *lesson) {
    if (memory_has_record(lesson) || lesson->member_count > 0)
        return;
    set_course(memory, &lesson->course, NULL);
    free(lesson->members);
    drop(memory, &memory->lessons, &lesson->entry);
}

static bool has_room(memory_lesson *lesson) {
    if (lesson->member_count < lesson->capacity)
        return true;
    uint32_t capacity = lesson->capacity ? lesson->capacity * 2 : FIRST_CAPACITY;
    memory_user **members = realloc(lesson->members, capacity * sizeof *members);
    if (!members)
        return false;
    lesson->members = members;
    lesson->capacity = capacity;
    return true;
}

static void add_member(memory_lesson *lesson, memory_user *user) {
    user->lesson = lesson;
    user->index = lesson->member_count++;
    lesson->members[user->index] = user;
}

static void remove_member(memory_lesson *lesson, const memory_user *user) {
    memory_user *last = lesson->members[--lesson->member_count];
    lesson->members[user->index] = last;
    last->index = user->index;
}

/* ---- Users */

static void give_session(memory_store *memory, unsigned char *session) {
    if (session)
        memory_slab_give(&memory->slab, session, 1 + (size_t)session[0]);
}

/* NULL if there is no memory. */
static unsigned char *make_session(memory_store *memory, lesson_store_id id) {
    unsigned char *session = memory_slab_take(&memory->slab, 1 + id.size);
    if (session) {
        session[0] = (unsigned char)id.size;
        memcpy(session + 1, id.data, id.size);
    }
    return session;
}

static void set_owner(memory_user *user, memory_owner *owner) {
    if (user->owner)
        user->owner->users--;
    if (owner)
        owner->users++;
    user->owner = owner;
}

memory_owner *memory_add_owner(memory_store *memory, lesson_store_id owner) {
    return add(memory, &memory->owners, offsetof(memory_owner, id), owner, memory_hash_of(memory, owner));
}

void memory_drop_owner(memory_store *memory, memory_owner *owner) {
    drop(memory, &memory->owners, &owner->entry);
}

memory_ban *memory_add_ban(memory_store *memory, memory_lesson *lesson, lesson_store_id uid, uint32_t hash) {
    return add(memory, &lesson->bans, offsetof(memory_ban, uid), uid, hash);
}

void memory_drop_ban(memory_store *memory, memory_lesson *lesson, memory_ban *ban) {
    drop(memory, &lesson->bans, &ban->entry);
}

/* The steps that can fail come first. */
bool memory_enter(memory_store *memory, memory_user *user, uint32_t hash, memory_lesson *lesson, memory_owner *owner,
                  const lesson_store_operation *join) {
    if (!lesson && !(lesson = memory_add_lesson(memory, join->lesson_id)))
        return false;
    memory_lesson *old = user ? user->lesson : NULL;
    memory_course *course = need_course(memory, lesson->course, join->course_id);
    unsigned char *session = join->session.size ? make_session(memory, join->session) : NULL;
    bool ready = course && (session || !join->session.size) && (old == lesson || has_room(lesson));
    if (ready && !user)
        user = add(memory, &memory->users, offsetof(memory_user, uid), join->uid, hash);
    if (!ready || !user) {
        give_session(memory, session);
        drop_course_if_unused(memory, course);
        memory_drop_lesson_if_empty(memory, lesson);
        return false;
    }

    give_session(memory, user->session);
    user->session = session;
    set_owner(user, owner);
    user->joined_ms = owner ? lesson_store_clock_ms() : 0;
    set_course(memory, &user->course, course);
    set_course(memory, &lesson->course, course);
    if (old == lesson)
        return true;
    if (old)
        remove_member(old, user);
    add_member(lesson, user);
    if (old)
        memory_drop_lesson_if_empty(memory, old);
    return true;
}

void memory_leave(memory_store *memory, memory_user *user) {
    remove_member(user->lesson, user);
    give_session(memory, user->session);
    set_owner(user, NULL);
    set_course(memory, &user->course, NULL);
    drop(memory, &memory->users, &user->entry);
}

void memory_free_all(memory_store *memory) {
    for (memory_entry *entry = memory->lessons; entry; entry = entry->hh.next) {
        memory_lesson *lesson = (memory_lesson *)entry;
        HASH_CLEAR(hh, lesson->bans);
        free(lesson->members);
    }
    HASH_CLEAR(hh, memory->users);
    HASH_CLEAR(hh, memory->lessons);
    HASH_CLEAR(hh, memory->courses);
    HASH_CLEAR(hh, memory->owners);
    memory_slab_close(&memory->slab);
}
