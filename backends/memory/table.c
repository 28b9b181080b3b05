#include <stdlib.h>

#include "table.h"

#define FIRST_CAPACITY 4 /* members a new lesson has room for */

/* ---- Hashing: each eight bytes are mixed in by one multiplication to 128 bits, folded to 64. */

static uint64_t fold(uint64_t left, uint64_t right) {
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)left * right;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
#else
    uint64_t product = left * right;
    return product ^ (product >> 29) ^ ((left ^ right) << 31);
#endif
}

/* At most eight bytes as a number; two overlapping reads serve every length from four to eight. */
static uint64_t read_tail(const unsigned char *key, size_t size) {
    if (size >= 4) {
        uint32_t low, high;
        memcpy(&low, key, 4);
        memcpy(&high, key + size - 4, 4);
        return (uint64_t)high << 32 | low;
    }
    if (size == 0)
        return 0;
    return (uint64_t)key[0] << 16 | (uint64_t)key[size / 2] << 8 | key[size - 1];
}

unsigned memory_hash(const void *key, size_t size, uint64_t seed) {
    const uint64_t odd1 = UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t odd2 = UINT64_C(0xd1b54a32d192ed03);
    const unsigned char *bytes = key;
    uint64_t state = seed ^ fold(size ^ odd1, odd2);
    for (; size > 8; bytes += 8, size -= 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof word);
        state = fold(state ^ word, odd1);
    }
    state = fold(state ^ read_tail(bytes, size), odd2);
    return (unsigned)(state ^ state >> 32);
}

/* ---- Courses: most users of a lesson share one, so its id is stored once and counted. */

static size_t course_bytes(size_t id_size) {
    return sizeof(memory_course) + id_size;
}

static memory_course *add_course(memory_store *memory, lesson_store_id id) {
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

/* A counted reference, or NULL if there is no memory. */
static memory_course *use_course(memory_store *memory, memory_course *likely, lesson_store_id id) {
    memory_course *course = likely;
    if (!course || !memory_same_id((lesson_store_id){course->id, course->id_size}, id)) {
        HASH_FIND(hh, memory->courses, id.data, id.size, course);
        if (!course)
            course = add_course(memory, id);
    }
    if (course)
        course->uses++;
    return course;
}

static void release_course(memory_store *memory, memory_course *course) {
    if (!course || --course->uses > 0)
        return;
    HASH_DEL(memory->courses, course);
    memory_slab_give(&memory->slab, course, course_bytes(course->id_size));
}

static void replace_course(memory_store *memory, memory_course **slot, memory_course *course) {
    if (*slot == course)
        return;
    course->uses++;
    release_course(memory, *slot);
    *slot = course;
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

void memory_drop_lesson_if_empty(memory_store *memory, memory_lesson *lesson) {
    if (lesson->has_record || lesson->member_count > 0)
        return;
    HASH_DEL(memory->lessons, lesson);
    release_course(memory, lesson->course);
    free(lesson->members);
    memory_slab_give(&memory->slab, lesson, lesson_bytes(lesson->id_size));
}

static bool make_room(memory_lesson *lesson) {
    if (lesson->member_count < lesson->member_capacity)
        return true;
    if (lesson->member_capacity > UINT32_MAX / 2)
        return false;
    uint32_t capacity = lesson->member_capacity ? lesson->member_capacity * 2 : FIRST_CAPACITY;
    memory_user **members = realloc(lesson->members, capacity * sizeof *members);
    if (!members)
        return false;
    lesson->members = members;
    lesson->member_capacity = capacity;
    return true;
}

static void add_member(memory_lesson *lesson, memory_user *user) {
    user->lesson = lesson;
    user->index = lesson->member_count;
    lesson->members[lesson->member_count++] = user;
}

static void remove_member(memory_user *user) {
    memory_lesson *lesson = user->lesson;
    memory_user *last = lesson->members[--lesson->member_count];
    lesson->members[user->index] = last;
    last->index = user->index;
}

/* ---- Users */

static size_t user_bytes(size_t uid_size) {
    return offsetof(memory_user, uid) + uid_size;
}

memory_user *memory_find_user(memory_store *memory, lesson_store_id uid) {
    memory_user *user;
    HASH_FIND(hh, memory->users, uid.data, uid.size, user);
    return user;
}

/* In the table, but in no lesson yet. */
static memory_user *add_user(memory_store *memory, lesson_store_id uid) {
    memory_user *user = memory_slab_take(&memory->slab, user_bytes(uid.size));
    if (!user)
        return NULL;
    user->lesson = NULL;
    user->course = NULL;
    user->session = NULL;
    user->session_size = 0;
    user->uid_size = (uint8_t)uid.size;
    memcpy(user->uid, uid.data, uid.size);
    HASH_ADD(hh, memory->users, uid, uid.size, user);
    if (user->hh.tbl)
        return user;
    memory_slab_give(&memory->slab, user, user_bytes(uid.size));
    return NULL;
}

static void set_session(memory_store *memory, memory_user *user, char *session, size_t size) {
    memory_slab_give(&memory->slab, user->session, user->session_size);
    user->session = session;
    user->session_size = (uint8_t)size;
}

/* Everything that can fail comes first; nothing that was there is touched before the last allocation succeeded. */
bool memory_enter(memory_store *memory, memory_user *user, memory_lesson *lesson, const lesson_store_operation *join) {
    char *session = NULL;
    memory_course *course = use_course(memory, lesson->course, join->course_id);
    if (!course)
        return false;
    if (join->session.size > 0 && !(session = memory_slab_take(&memory->slab, join->session.size)))
        goto no_memory;
    if ((!user || user->lesson != lesson) && !make_room(lesson))
        goto no_memory;
    if (!user && !(user = add_user(memory, join->uid)))
        goto no_memory;

    if (session)
        memcpy(session, join->session.data, join->session.size);
    set_session(memory, user, session, join->session.size);
    replace_course(memory, &user->course, course);
    replace_course(memory, &lesson->course, course);
    release_course(memory, course);
    if (user->lesson != lesson) {
        memory_lesson *old = user->lesson;
        if (old)
            remove_member(user);
        add_member(lesson, user);
        if (old)
            memory_drop_lesson_if_empty(memory, old);
    }
    return true;

no_memory:
    release_course(memory, course);
    if (session)
        memory_slab_give(&memory->slab, session, join->session.size);
    return false;
}

void memory_leave(memory_store *memory, memory_user *user) {
    remove_member(user);
    set_session(memory, user, NULL, 0);
    release_course(memory, user->course);
    HASH_DEL(memory->users, user);
    memory_slab_give(&memory->slab, user, user_bytes(user->uid_size));
}

void memory_free_all(memory_store *memory) {
    memory_lesson *lesson, *next;
    HASH_ITER(hh, memory->lessons, lesson, next) {
        free(lesson->members);
    }
    HASH_CLEAR(hh, memory->lessons);
    HASH_CLEAR(hh, memory->users);
    HASH_CLEAR(hh, memory->courses);
    memory_slab_close(&memory->slab);
}
