#include <stdlib.h>

#include "table.h"

/* ---- Courses: most users of a lesson share one, so its id is stored once and counted. */

static size_t course_bytes(size_t id_size) {
    return sizeof(memory_course) + id_size;
}

static LESSON_STORE_RARE memory_course *add_course(memory_store *memory, lesson_store_id id) {
    memory_course *course = memory_slab_take(&memory->slab, course_bytes(id.size));
    if (!course)
        return NULL;
    course->uses = 0;
    course->id_size = (uint8_t)id.size;
    memcpy(course->id, id.data, id.size);
    HASH_ADD(hh, memory->courses, id, id.size, course);
    if (course->hh.tbl)
        return course;
    memory_slab_give(&memory->slab, course, course_bytes(id.size));
    return NULL;
}

static LESSON_STORE_RARE void drop_course(memory_store *memory, memory_course *course) {
    HASH_DEL(memory->courses, course);
    memory_slab_give(&memory->slab, course, course_bytes(course->id_size));
}

static void drop_course_if_unused(memory_store *memory, memory_course *course) {
    if (course->uses == 0)
        drop_course(memory, course);
}

static LESSON_STORE_RARE memory_course *find_or_add_course(memory_store *memory, lesson_store_id id) {
    memory_course *course;
    HASH_FIND(hh, memory->courses, id.data, id.size, course);
    return course ? course : add_course(memory, id);
}

/* The course, made if it is not there; NULL if there is no memory. One that is not put to use must be given to
 * drop_course_if_unused. */
static memory_course *need_course(memory_store *memory, memory_course *likely, lesson_store_id id) {
    bool right = likely && memory_same_id(memory_course_id(likely), id);
    return right ? likely : find_or_add_course(memory, id);
}

/* Puts a course (NULL: none) into a field that counts as a use of it. */
static void set_course(memory_store *memory, memory_course **field, memory_course *course) {
    memory_course *old = *field;
    if (old == course)
        return;
    if (course)
        course->uses++;
    *field = course;
    if (!old)
        return;
    old->uses--;
    drop_course_if_unused(memory, old);
}

/* ---- Lessons */

static size_t lesson_bytes(size_t id_size) {
    return sizeof(memory_lesson) + id_size;
}

memory_lesson *memory_find_lesson(memory_store *memory, lesson_store_id lesson_id) {
    memory_lesson *lesson;
    HASH_FIND(hh, memory->lessons, lesson_id.data, lesson_id.size, lesson);
    return lesson;
}

memory_lesson *memory_need_lesson(memory_store *memory, lesson_store_id lesson_id) {
    memory_lesson *lesson = memory_find_lesson(memory, lesson_id);
    if (lesson)
        return lesson;
    lesson = memory_slab_take(&memory->slab, lesson_bytes(lesson_id.size));
    if (!lesson)
        return NULL;
    memset(lesson, 0, sizeof *lesson);
    memory_roster_open(&lesson->roster);
    lesson->course_status = LESSON_STORE_STATUS_NONE;
    lesson->chat_status = LESSON_STORE_STATUS_NONE;
    lesson->id_size = (uint8_t)lesson_id.size;
    memcpy(lesson->id, lesson_id.data, lesson_id.size);
    HASH_ADD(hh, memory->lessons, id, lesson_id.size, lesson);
    if (lesson->hh.tbl)
        return lesson;
    memory_slab_give(&memory->slab, lesson, lesson_bytes(lesson_id.size));
    return NULL;
}

LESSON_STORE_RARE void memory_drop_lesson(memory_store *memory, memory_lesson *lesson) {
    HASH_DEL(memory->lessons, lesson);
    set_course(memory, &lesson->course, NULL);
    memory_roster_close(&lesson->roster);
    memory_slab_give(&memory->slab, lesson, lesson_bytes(lesson->id_size));
}

/* ---- Users */

static size_t user_bytes(size_t uid_size) {
    return offsetof(memory_user, uid) + uid_size;
}

/* In the table, but in no lesson yet. */
static memory_user *add_user(memory_store *memory, lesson_store_id uid, uint32_t hash) {
    if (!memory_index_make_room(&memory->users))
        return NULL;
    memory_user *user = memory_slab_take(&memory->slab, user_bytes(uid.size));
    if (!user)
        return NULL;
    *user = (memory_user){.hash = hash, .uid_size = (uint8_t)uid.size};
    memcpy(user->uid, uid.data, uid.size);
    memory_index_add(&memory->users, user);
    return user;
}

static void set_session(memory_store *memory, memory_user *user, char *session, size_t size) {
    memory_slab_give(&memory->slab, user->session, user->session_size);
    user->session = session;
    user->session_size = (uint8_t)size;
}

static void move(memory_store *memory, memory_user *user, memory_lesson *lesson) {
    memory_lesson *old = user->lesson;
    if (old)
        memory_roster_leave(&old->roster, user->seat);
    user->lesson = lesson;
    user->seat = memory_roster_enter(&lesson->roster, user);
    if (old)
        memory_drop_lesson_if_empty(memory, old);
}

/* Everything that can fail comes first; nothing that was there is touched before the last allocation succeeded. */
bool memory_enter(memory_store *memory, memory_user *user, uint32_t hash, memory_lesson *lesson,
                  const lesson_store_operation *join) {
    char *session = NULL;
    memory_course *course = need_course(memory, lesson->course, join->course_id);
    if (!course)
        return false;
    if (join->session.size > 0 && !(session = memory_slab_take(&memory->slab, join->session.size)))
        goto no_memory;
    bool enters = !user || user->lesson != lesson;
    if (enters && !memory_roster_has_room(&lesson->roster) && !memory_roster_grow(&lesson->roster))
        goto no_memory;
    if (!user && !(user = add_user(memory, join->uid, hash)))
        goto no_memory;

    if (session)
        memcpy(session, join->session.data, join->session.size);
    if (session || user->session)
        set_session(memory, user, session, join->session.size);
    set_course(memory, &user->course, course);
    set_course(memory, &lesson->course, course);
    if (enters)
        move(memory, user, lesson);
    return true;

no_memory:
    drop_course_if_unused(memory, course);
    memory_slab_give(&memory->slab, session, join->session.size);
    return false;
}

void memory_leave(memory_store *memory, memory_user *user, size_t slot) {
    memory_roster_leave(&user->lesson->roster, user->seat);
    if (user->session)
        set_session(memory, user, NULL, 0);
    set_course(memory, &user->course, NULL);
    memory_index_remove(&memory->users, slot);
    memory_slab_give(&memory->slab, user, user_bytes(user->uid_size));
}

void memory_free_all(memory_store *memory) {
    memory_lesson *lesson, *next;
    HASH_ITER(hh, memory->lessons, lesson, next) {
        memory_roster_close(&lesson->roster);
    }
    HASH_CLEAR(hh, memory->lessons);
    HASH_CLEAR(hh, memory->courses);
    memory_index_close(&memory->users);
    memory_slab_close(&memory->slab);
}
