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
    out->member_count = lesson->roster.members;
    out->course_status = lesson->course_status;
    out->chat_status = lesson->chat_status;
    out->has_record = lesson->has_record;
}

static void describe_place(const memory_user *user, lesson_store_place *place) {
    if (!place)
        return;
    lesson_store_id none = {NULL, 0};
    lesson_store_id_copy(place->course_id, user ? memory_course_id(user->course) : none);
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
    end->count = record_only ? 0 : lesson->roster.members;
    remove_record(lesson);
    memory_user *user;
    for (uint32_t position = 0; !record_only && (user = memory_roster_next(&lesson->roster, &memory->slab, &position));)
        memory_leave(memory, user, memory_index_slot_of(&memory->users, user));
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

/* The flag that forbids this join, or 0. `lesson` is NULL if it is unknown, `user` if it is nowhere. */
static uint32_t forbidding_flag(const lesson_store_operation *join, const memory_lesson *lesson,
                                const memory_user *user) {
    bool exists = lesson && lesson->has_record;
    bool open = exists && (lesson->course_status == LESSON_STORE_COURSE_ONLINE ||
                           lesson->course_status == LESSON_STORE_COURSE_WAITING);
    bool elsewhere = user && user->lesson != lesson;
    if (join->flags & LESSON_STORE_IF_EXISTS && !exists)
        return LESSON_STORE_IF_EXISTS;
    if (join->flags & LESSON_STORE_IF_OPEN && !open)
        return LESSON_STORE_IF_OPEN;
    return join->flags & LESSON_STORE_STAY && elsewhere ? LESSON_STORE_STAY : 0;
}

static memory_user *find_user(const memory_store *memory, lesson_store_id uid, uint32_t hash) {
    return memory_index_user(&memory->users, memory_index_find(&memory->users, uid, hash));
}

static int memory_join(memory_store *memory, lesson_store_operation *join, uint32_t hash) {
    memory_index_fetch(&memory->users, hash); /* comes while the lesson is found */
    memory_lesson *lesson = memory_find_lesson(memory, join->lesson_id);
    memory_user *user = find_user(memory, join->uid, hash);
    uint32_t forbidding = join->flags ? forbidding_flag(join, lesson, user) : 0;
    if (forbidding) {
        join->refused_by = forbidding;
        describe_place(user, join->place);
        return LESSON_STORE_REFUSED;
    }
    if (!lesson && !(lesson = memory_need_lesson(memory, join->lesson_id)))
        return no_memory();
    describe_place(user, join->place);
    join->arrival = !user                    ? LESSON_STORE_ARRIVAL_NEW
                    : user->lesson == lesson ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                             : LESSON_STORE_ARRIVAL_MOVED;
    if (memory_enter(memory, user, hash, lesson, join))
        return LESSON_STORE_OK;
    memory_drop_lesson_if_empty(memory, lesson);
    return no_memory();
}

static int memory_quit(memory_store *memory, lesson_store_operation *quit, uint32_t hash) {
    size_t slot = memory_index_find(&memory->users, quit->uid, hash);
    memory_user *user = memory_index_user(&memory->users, slot);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    describe_place(user, quit->place);
    if (quit->lesson_id.data && !memory_same_id(quit->lesson_id, memory_lesson_id(user->lesson)))
        return LESSON_STORE_CONFLICT;
    if (quit->session.data && !memory_same_id(quit->session, memory_session(user)))
        return LESSON_STORE_CONFLICT;
    memory_lesson *lesson = user->lesson;
    memory_leave(memory, user, slot);
    memory_drop_lesson_if_empty(memory, lesson);
    return LESSON_STORE_OK;
}

static int memory_where(memory_store *memory, lesson_store_operation *where, uint32_t hash) {
    memory_user *user = find_user(memory, where->uid, hash);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    describe_place(user, where->place);
    return LESSON_STORE_OK;
}

static int memory_count(memory_store *memory, lesson_store_operation *count) {
    memory_lesson *lesson = memory_find_lesson(memory, count->lesson_id);
    count->count = lesson ? lesson->roster.members : 0;
    return LESSON_STORE_OK;
}

/* `hash` is that of the uid, where there is one. */
static int run_operation(memory_store *memory, lesson_store_operation *operation, uint32_t hash) {
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
        return memory_join(memory, operation, hash);
    case LESSON_STORE_OPERATION_QUIT:
        return memory_quit(memory, operation, hash);
    case LESSON_STORE_OPERATION_WHERE:
        return memory_where(memory, operation, hash);
    case LESSON_STORE_OPERATION_COUNT:
        return memory_count(memory, operation);
    }
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "memory: operation kind %u", (unsigned)operation->kind);
}

static uint32_t hash_of(const memory_store *memory, const lesson_store_operation *operation) {
    return operation->uid.data ? memory_hash_of(memory, operation->uid) : 0;
}

static void run_group(memory_store *memory, lesson_store_operation *operations, size_t count) {
    uint32_t hashes[MEMORY_GROUP_MAX];
    for (size_t i = 0; i < count; i++)
        hashes[i] = hash_of(memory, &operations[i]);
    memory_look_ahead(memory, operations, hashes, count);
    for (size_t i = 0; i < count; i++)
        operations[i].code = run_operation(memory, &operations[i], hashes[i]);
}

static int memory_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    memory_store *memory = memory_of(instance);
    size_t group = memory_is_large(memory) ? MEMORY_GROUP_MAX : 1;
    size_t size;
    for (size_t first = 0; first < count; first += size) {
        size = count - first < group ? count - first : group;
        if (size > 1)
            run_group(memory, operations + first, size);
        else
            operations[first].code = run_operation(memory, &operations[first], hash_of(memory, &operations[first]));
    }
    return LESSON_STORE_OK;
}

/* ---- Streams */

static int memory_members(lesson_store_instance *instance, lesson_store_id lesson_id,
                          lesson_store_member_callback callback, void *context) {
    memory_store *memory = memory_of(instance);
    memory_lesson *lesson = memory_find_lesson(memory, lesson_id);
    if (!lesson)
        return LESSON_STORE_OK;
    memory_roster_tidy(&lesson->roster, &memory->slab);
    const memory_user *user;
    for (uint32_t position = 0; (user = memory_roster_next(&lesson->roster, &memory->slab, &position));) {
        if (!callback(memory_uid(user), context))
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
    const memory_index *users = &memory_of(instance)->users;
    const memory_user *user;
    for (size_t position = 0; (user = memory_index_next(users, &position));) {
        lesson_store_user described = {.uid = memory_uid(user),
                                       .course_id = memory_course_id(user->course),
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
    memory_user *user;
    for (uint32_t position = 0; (user = memory_roster_next(&lesson->roster, &memory->slab, &position));) {
        lesson_store_finding finding = {.kind = LESSON_STORE_FINDING_ENDED_LESSON,
                                        .mendable = true,
                                        .mended = repair,
                                        .lesson_id = memory_lesson_id(lesson),
                                        .uid = memory_uid(user),
                                        .detail = "the lesson has no record"};
        bool go_on = callback(&finding, context);
        if (repair)
            memory_leave(memory, user, memory_index_slot_of(&memory->users, user));
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
    snprintf(users, sizeof users, "%zu", memory->users.count);
    snprintf(lessons, sizeof lessons, "%u", HASH_COUNT(memory->lessons));
    snprintf(bytes, sizeof bytes, "%zu", memory_slab_bytes(&memory->slab));
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
    memory->users.slab = &memory->slab;
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
