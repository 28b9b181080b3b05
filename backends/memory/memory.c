/* The operations of the memory backend. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "table.h"

extern const lesson_store_backend lesson_store_memory_backend;

#define TEXT_OF(token) #token
#define TEXT(token) TEXT_OF(token)

static memory_store *memory_of(lesson_store_instance *instance) {
    return (memory_store *)instance;
}

static int no_memory(void) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "memory: no memory left; nothing was changed");
}

static void describe_lesson(const memory_lesson *lesson, lesson_store_lesson *out) {
    out->lesson_id = memory_lesson_id(lesson);
    out->member_count = lesson->member_count;
    out->course_status = lesson->course_status;
    out->chat_status = lesson->chat_status;
    out->has_record = lesson->has_record;
}

static void describe_place(const memory_user *user, lesson_store_place *place) {
    if (!place)
        return;
    lesson_store_id none = {NULL, 0};
    lesson_store_id_copy(place->course_id, user ? (lesson_store_id){user->course->id, user->course->id_size} : none);
    lesson_store_id_copy(place->lesson_id, user ? memory_lesson_id(user->lesson) : none);
    lesson_store_id_copy(place->session, user ? memory_session(user) : none);
}

static int memory_create(memory_store *memory, lesson_store_operation *create) {
    memory_lesson *lesson = memory_need_lesson(memory, create->lesson_id);
    if (!lesson)
        return no_memory();
    if (lesson->has_record && !(create->flags & LESSON_STORE_RESET))
        return LESSON_STORE_EXISTS;
    lesson->has_record = true;
    lesson->course_status = LESSON_STORE_COURSE_WAITING;
    lesson->chat_status = LESSON_STORE_CHAT_FREE;
    return LESSON_STORE_OK;
}

static void remove_record(memory_lesson *lesson) {
    lesson->has_record = false;
    lesson->course_status = LESSON_STORE_STATUS_NONE;
    lesson->chat_status = LESSON_STORE_STATUS_NONE;
}

static int memory_end(memory_store *memory, lesson_store_operation *end) {
    bool record_only = end->flags & LESSON_STORE_RECORD_ONLY;
    memory_lesson *lesson = memory_find_lesson(memory, end->lesson_id);
    if (!lesson || (record_only && !lesson->has_record))
        return LESSON_STORE_NOT_FOUND;
    end->count = record_only ? 0 : lesson->member_count;
    remove_record(lesson);
    while (!record_only && lesson->member_count > 0)
        memory_leave(memory, lesson->members[lesson->member_count - 1]);
    memory_drop_lesson_if_empty(memory, lesson);
    return LESSON_STORE_OK;
}

static bool expected(int32_t wanted, int8_t present) {
    return wanted == LESSON_STORE_STATUS_NONE || wanted == present;
}

static int memory_set(memory_store *memory, lesson_store_operation *set) {
    memory_lesson *lesson = memory_find_lesson(memory, set->lesson_id);
    if (!lesson || !lesson->has_record)
        return LESSON_STORE_NOT_FOUND;
    if (!expected(set->if_course_status, lesson->course_status) ||
        !expected(set->if_chat_status, lesson->chat_status)) {
        describe_lesson(lesson, &set->lesson);
        set->lesson.lesson_id = set->lesson_id;
        return LESSON_STORE_CONFLICT;
    }
    if (set->course_status != LESSON_STORE_STATUS_NONE)
        lesson->course_status = (int8_t)set->course_status;
    if (set->chat_status != LESSON_STORE_STATUS_NONE)
        lesson->chat_status = (int8_t)set->chat_status;
    return LESSON_STORE_OK;
}

static int memory_get_lesson(memory_store *memory, lesson_store_operation *get) {
    memory_lesson *lesson = memory_find_lesson(memory, get->lesson_id);
    if (!lesson)
        return LESSON_STORE_NOT_FOUND;
    describe_lesson(lesson, &get->lesson);
    get->lesson.lesson_id = get->lesson_id;
    return LESSON_STORE_OK;
}

/* The flag that forbids this join, or 0. */
static uint32_t forbidding_flag(memory_store *memory, const lesson_store_operation *join, const memory_user *user) {
    const uint32_t asks_record = LESSON_STORE_IF_EXISTS | LESSON_STORE_IF_OPEN;
    if (join->flags & asks_record) {
        memory_lesson *lesson = memory_find_lesson(memory, join->lesson_id);
        bool exists = lesson && lesson->has_record;
        if (!exists)
            return join->flags & LESSON_STORE_IF_EXISTS ? LESSON_STORE_IF_EXISTS : LESSON_STORE_IF_OPEN;
        bool open =
            lesson->course_status == LESSON_STORE_COURSE_ONLINE || lesson->course_status == LESSON_STORE_COURSE_WAITING;
        if (join->flags & LESSON_STORE_IF_OPEN && !open)
            return LESSON_STORE_IF_OPEN;
    }
    bool elsewhere = user && !memory_same_id(memory_lesson_id(user->lesson), join->lesson_id);
    return join->flags & LESSON_STORE_STAY && elsewhere ? LESSON_STORE_STAY : 0;
}

static int memory_join(memory_store *memory, lesson_store_operation *join) {
    memory_user *user = memory_find_user(memory, join->uid);
    uint32_t forbidding = join->flags ? forbidding_flag(memory, join, user) : 0;
    if (forbidding) {
        join->refused_by = forbidding;
        describe_place(user, join->place);
        return LESSON_STORE_REFUSED;
    }
    bool stays = user && memory_same_id(memory_lesson_id(user->lesson), join->lesson_id);
    memory_lesson *lesson = stays ? user->lesson : memory_need_lesson(memory, join->lesson_id);
    if (!lesson)
        return no_memory();
    describe_place(user, join->place);
    join->arrival = stays  ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                    : user ? LESSON_STORE_ARRIVAL_MOVED
                           : LESSON_STORE_ARRIVAL_NEW;
    if (memory_enter(memory, user, lesson, join))
        return LESSON_STORE_OK;
    memory_drop_lesson_if_empty(memory, lesson);
    return no_memory();
}

static int memory_quit(memory_store *memory, lesson_store_operation *quit) {
    memory_user *user = memory_find_user(memory, quit->uid);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    describe_place(user, quit->place);
    if (quit->lesson_id.data && !memory_same_id(quit->lesson_id, memory_lesson_id(user->lesson)))
        return LESSON_STORE_CONFLICT;
    if (quit->session.data && !memory_same_id(quit->session, memory_session(user)))
        return LESSON_STORE_CONFLICT;
    memory_lesson *lesson = user->lesson;
    memory_leave(memory, user);
    memory_drop_lesson_if_empty(memory, lesson);
    return LESSON_STORE_OK;
}

static int memory_where(memory_store *memory, lesson_store_operation *where) {
    memory_user *user = memory_find_user(memory, where->uid);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    describe_place(user, where->place);
    return LESSON_STORE_OK;
}

static int memory_count(memory_store *memory, lesson_store_operation *count) {
    memory_lesson *lesson = memory_find_lesson(memory, count->lesson_id);
    count->count = lesson ? lesson->member_count : 0;
    return LESSON_STORE_OK;
}

static int run_operation(memory_store *memory, lesson_store_operation *operation) {
    switch ((lesson_store_operation_kind)operation->kind) {
    case LESSON_STORE_OPERATION_CREATE:
        return memory_create(memory, operation);
    case LESSON_STORE_OPERATION_END:
        return memory_end(memory, operation);
    case LESSON_STORE_OPERATION_SET:
        return memory_set(memory, operation);
    case LESSON_STORE_OPERATION_GET_LESSON:
        return memory_get_lesson(memory, operation);
    case LESSON_STORE_OPERATION_JOIN:
        return memory_join(memory, operation);
    case LESSON_STORE_OPERATION_QUIT:
        return memory_quit(memory, operation);
    case LESSON_STORE_OPERATION_WHERE:
        return memory_where(memory, operation);
    case LESSON_STORE_OPERATION_COUNT:
        return memory_count(memory, operation);
    }
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "memory: operation kind %u", (unsigned)operation->kind);
}

static int memory_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    memory_store *memory = memory_of(instance);
    for (size_t i = 0; i < count; i++)
        operations[i].code = run_operation(memory, &operations[i]);
    return LESSON_STORE_OK;
}

/* ---- Streams */

static int memory_members(lesson_store_instance *instance, lesson_store_id lesson_id,
                          lesson_store_member_callback callback, void *context) {
    memory_lesson *lesson = memory_find_lesson(memory_of(instance), lesson_id);
    for (uint32_t i = 0; lesson && i < lesson->member_count; i++) {
        const memory_user *user = lesson->members[i];
        if (!callback((lesson_store_id){user->uid, user->uid_size}, context))
            break;
    }
    return LESSON_STORE_OK;
}

static int memory_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    for (memory_lesson *lesson = memory_of(instance)->lessons; lesson; lesson = lesson->hh.next) {
        lesson_store_lesson described;
        describe_lesson(lesson, &described);
        if (!callback(&described, context))
            break;
    }
    return LESSON_STORE_OK;
}

static int memory_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    for (memory_user *user = memory_of(instance)->users; user; user = user->hh.next) {
        lesson_store_user described = {.uid = {user->uid, user->uid_size},
                                       .course_id = {user->course->id, user->course->id_size},
                                       .lesson_id = memory_lesson_id(user->lesson),
                                       .session = memory_session(user)};
        if (!callback(&described, context))
            break;
    }
    return LESSON_STORE_OK;
}

/* User records and members are one structure and cannot disagree, so all there is to find is lessons without a record.
 */
static bool check_ended(memory_store *memory, memory_lesson *lesson, bool repair,
                        lesson_store_finding_callback callback, void *context) {
    for (uint32_t i = lesson->member_count; i-- > 0;) {
        memory_user *user = lesson->members[i];
        lesson_store_finding finding = {.kind = LESSON_STORE_FINDING_ENDED_LESSON,
                                        .mendable = true,
                                        .mended = repair,
                                        .lesson_id = memory_lesson_id(lesson),
                                        .uid = {user->uid, user->uid_size},
                                        .detail = "the lesson has no record"};
        bool go_on = callback(&finding, context);
        if (repair)
            memory_leave(memory, user);
        if (!go_on)
            return false;
    }
    return true;
}

static int memory_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                        void *context) {
    memory_store *memory = memory_of(instance);
    if (!(flags & LESSON_STORE_CHECK_ENDED))
        return LESSON_STORE_OK;
    memory_lesson *lesson, *next;
    HASH_ITER(hh, memory->lessons, lesson, next) {
        if (lesson->has_record)
            continue;
        bool go_on = check_ended(memory, lesson, flags & LESSON_STORE_CHECK_REPAIR, callback, context);
        memory_drop_lesson_if_empty(memory, lesson);
        if (!go_on)
            break;
    }
    return LESSON_STORE_OK;
}

static int memory_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context) {
    memory_store *memory = memory_of(instance);
    char users[24], lessons[24], bytes[24];
    snprintf(users, sizeof users, "%u", HASH_COUNT(memory->users));
    snprintf(lessons, sizeof lessons, "%u", HASH_COUNT(memory->lessons));
    snprintf(bytes, sizeof bytes, "%zu", memory->slab.bytes);
    callback("engine", "uthash " TEXT(UTHASH_VERSION), context);
    callback("users", users, context);
    callback("lessons", lessons, context);
    callback("slab_bytes", bytes, context);
    return LESSON_STORE_OK;
}

/* ---- Opening and closing */

/* Unpredictable enough that a client cannot choose colliding uids; not a secret. */
static uint64_t make_seed(const void *address) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_nsec * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)now.tv_sec ^ (uintptr_t)address;
}

static int memory_open(lesson_store_instance **out, const lesson_store_location *location) {
    if (lesson_store_location_host(location) || lesson_store_location_path(location))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: nothing comes after memory: but options");
    memory_store *memory = calloc(1, sizeof *memory);
    if (!memory)
        return no_memory();
    memory->base.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS;
    memory->seed = make_seed(memory);
    *out = &memory->base;
    return LESSON_STORE_OK;
}

static void memory_close(lesson_store_instance *instance) {
    memory_free_all(memory_of(instance));
    free(memory_of(instance));
}

const lesson_store_backend lesson_store_memory_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "memory",
    .summary = "in this process, gone when it is closed",
    .operations = LESSON_STORE_ALL_OPERATIONS,
    .flags = LESSON_STORE_ALL_FLAGS,
    .default_pool = 1,
    .open = memory_open,
    .close = memory_close,
    .run = memory_run,
    .members = memory_members,
    .lessons = memory_lessons,
    .users = memory_users,
    .check = memory_check,
    .info = memory_info,
};
