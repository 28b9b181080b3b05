/* The operations of the memory backend. */
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

/* ---- Answers */

/* `id` is the lesson's, in memory of the caller of an operation or in the store. */
static lesson_store_lesson describe(const memory_lesson *lesson, lesson_store_id id) {
    return (lesson_store_lesson){.lesson_id = id,
                                 .member_count = lesson->member_count,
                                 .course_status = lesson->course_status,
                                 .chat_status = lesson->chat_status,
                                 .has_record = memory_has_record(lesson)};
}

/* `user` is NULL for one who is nowhere. */
static void answer_place(const memory_user *user, const lesson_store_operation *operation) {
    if (!operation->place)
        return;
    lesson_store_id none = {NULL, 0};
    lesson_store_id_copy(operation->place->course_id, user ? memory_id(&user->course->entry) : none);
    lesson_store_id_copy(operation->place->lesson_id, user ? memory_id(&user->lesson->entry) : none);
    lesson_store_id_copy(operation->place->session, user ? memory_session(user) : none);
}

/* ---- Operations. `hash` is that of the uid. */

static int memory_create(memory_store *memory, const lesson_store_operation *create) {
    memory_lesson *lesson = memory_find_lesson(memory, create->lesson_id);
    if (!lesson && !(lesson = memory_add_lesson(memory, create->lesson_id)))
        return no_memory();
    if (memory_has_record(lesson) && !(create->flags & LESSON_STORE_RESET))
        return LESSON_STORE_EXISTS;
    memory_set_statuses(lesson, LESSON_STORE_COURSE_WAITING, LESSON_STORE_CHAT_FREE);
    return LESSON_STORE_OK;
}

static int memory_end(memory_store *memory, lesson_store_operation *end) {
    bool record_only = end->flags & LESSON_STORE_RECORD_ONLY;
    memory_lesson *lesson = memory_find_lesson(memory, end->lesson_id);
    if (!lesson || (record_only && !memory_has_record(lesson)))
        return LESSON_STORE_NOT_FOUND;
    end->count = record_only ? 0 : lesson->member_count;
    memory_set_statuses(lesson, LESSON_STORE_STATUS_NONE, LESSON_STORE_STATUS_NONE);
    while (!record_only && lesson->member_count > 0)
        memory_leave(memory, lesson->members[lesson->member_count - 1]);
    memory_drop_lesson_if_empty(memory, lesson);
    return LESSON_STORE_OK;
}

static bool is_expected(int32_t expected, int8_t current) {
    return expected == LESSON_STORE_STATUS_NONE || expected == current;
}

static int memory_set(memory_store *memory, lesson_store_operation *set) {
    memory_lesson *lesson = memory_find_lesson(memory, set->lesson_id);
    if (!lesson || !memory_has_record(lesson))
        return LESSON_STORE_NOT_FOUND;
    if (!is_expected(set->if_course_status, lesson->course_status) ||
        !is_expected(set->if_chat_status, lesson->chat_status)) {
        set->lesson = describe(lesson, set->lesson_id);
        return LESSON_STORE_CONFLICT;
    }
    if (set->course_status != LESSON_STORE_STATUS_NONE)
        lesson->course_status = (int8_t)set->course_status;
    if (set->chat_status != LESSON_STORE_STATUS_NONE)
        lesson->chat_status = (int8_t)set->chat_status;
    return LESSON_STORE_OK;
}

static int memory_get_lesson(const memory_store *memory, lesson_store_operation *get) {
    const memory_lesson *lesson = memory_find_lesson(memory, get->lesson_id);
    if (!lesson)
        return LESSON_STORE_NOT_FOUND;
    get->lesson = describe(lesson, get->lesson_id);
    return LESSON_STORE_OK;
}

/* The first flag that refuses this join, or 0. `lesson` is NULL if it is unknown, `user` if the user is nowhere. */
static uint32_t refusing_flag(const lesson_store_operation *join, const memory_lesson *lesson,
                              const memory_user *user) {
    bool exists = lesson && memory_has_record(lesson);
    bool is_open = exists && (lesson->course_status == LESSON_STORE_COURSE_ONLINE ||
                              lesson->course_status == LESSON_STORE_COURSE_WAITING);
    bool is_elsewhere = user && user->lesson != lesson;
    if (join->flags & LESSON_STORE_IF_EXISTS && !exists)
        return LESSON_STORE_IF_EXISTS;
    if (join->flags & LESSON_STORE_IF_OPEN && !is_open)
        return LESSON_STORE_IF_OPEN;
    return join->flags & LESSON_STORE_STAY && is_elsewhere ? LESSON_STORE_STAY : 0;
}

static int memory_join(memory_store *memory, lesson_store_operation *join, uint32_t hash) {
    memory_lesson *lesson = memory_find_lesson(memory, join->lesson_id);
    memory_user *user = memory_find_user(memory, join->uid, hash);
    uint32_t refusing = join->flags ? refusing_flag(join, lesson, user) : 0;
    answer_place(user, join);
    if (refusing) {
        join->refused_by = refusing;
        return LESSON_STORE_REFUSED;
    }
    join->arrival = !user                    ? LESSON_STORE_ARRIVAL_NEW
                    : user->lesson == lesson ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                             : LESSON_STORE_ARRIVAL_MOVED;
    return memory_enter(memory, user, hash, lesson, join) ? LESSON_STORE_OK : no_memory();
}

static int memory_quit(memory_store *memory, const lesson_store_operation *quit, uint32_t hash) {
    memory_user *user = memory_find_user(memory, quit->uid, hash);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    memory_lesson *lesson = user->lesson;
    answer_place(user, quit);
    if (quit->lesson_id.data && !memory_same_id(quit->lesson_id, memory_id(&lesson->entry)))
        return LESSON_STORE_CONFLICT;
    if (quit->session.data && !memory_same_id(quit->session, memory_session(user)))
        return LESSON_STORE_CONFLICT;
    memory_leave(memory, user);
    memory_drop_lesson_if_empty(memory, lesson);
    return LESSON_STORE_OK;
}

static int memory_where(const memory_store *memory, const lesson_store_operation *where, uint32_t hash) {
    const memory_user *user = memory_find_user(memory, where->uid, hash);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    answer_place(user, where);
    return LESSON_STORE_OK;
}

static int memory_count(const memory_store *memory, lesson_store_operation *count) {
    const memory_lesson *lesson = memory_find_lesson(memory, count->lesson_id);
    count->count = lesson ? lesson->member_count : 0;
    return LESSON_STORE_OK;
}

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

#define GROUP_MAX 32

/* In a large store an operation waits for memory twice before it finds its user: for the bucket, then for the user.
 * Operations of a batch wait together. Nothing depends on what is fetched. */
static void run_group(memory_store *memory, lesson_store_operation *operations, size_t count) {
    uint32_t hashes[GROUP_MAX];
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(memory, &operations[i]);
        __builtin_prefetch(memory_bucket(memory, hashes[i]));
    }
    for (size_t i = 0; i < count; i++)
        memory_fetch_user(memory, hashes[i]);
    for (size_t i = 0; i < count; i++)
        operations[i].code = run_operation(memory, &operations[i], hashes[i]);
}

static int memory_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    memory_store *memory = memory_of(instance);
    for (; count > GROUP_MAX; operations += GROUP_MAX, count -= GROUP_MAX)
        run_group(memory, operations, GROUP_MAX);
    if (count > 1)
        run_group(memory, operations, count);
    else
        operations->code = run_operation(memory, operations, hash_of(memory, operations));
    return LESSON_STORE_OK;
}

/* ---- Streams */

#define MEMBERS_AHEAD 8 /* members who are fetched while others are listed */

/* From the last to the first: the last member takes the place of one who leaves, and has been listed by then. */
static int memory_members(lesson_store_instance *instance, lesson_store_id lesson_id,
                          lesson_store_member_callback callback, void *context) {
    const memory_lesson *lesson = memory_find_lesson(memory_of(instance), lesson_id);
    for (uint32_t i = lesson ? lesson->member_count : 0; i > 0; i--) {
        if (i > MEMBERS_AHEAD)
            __builtin_prefetch(lesson->members[i - 1 - MEMBERS_AHEAD]);
        if (!callback(memory_id(&lesson->members[i - 1]->entry), context))
            break;
    }
    return LESSON_STORE_OK;
}

static int memory_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    for (const memory_entry *entry = memory_of(instance)->lessons; entry; entry = entry->hh.next) {
        lesson_store_lesson described = describe((const memory_lesson *)entry, memory_id(entry));
        if (!callback(&described, context))
            break;
    }
    return LESSON_STORE_OK;
}

static int memory_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    for (const memory_entry *entry = memory_of(instance)->users; entry; entry = entry->hh.next) {
        const memory_user *user = (const memory_user *)entry;
        lesson_store_user described = {.uid = memory_id(entry),
                                       .course_id = memory_id(&user->course->entry),
                                       .lesson_id = memory_id(&user->lesson->entry),
                                       .session = memory_session(user)};
        if (!callback(&described, context))
            break;
    }
    return LESSON_STORE_OK;
}

/* A user record is a membership here, so the only thing to find is users of lessons without a record. */
static bool check_lesson(memory_store *memory, memory_lesson *lesson, bool repair,
                         lesson_store_finding_callback callback, void *context) {
    bool go_on = true;
    for (uint32_t i = memory_has_record(lesson) ? 0 : lesson->member_count; go_on && i > 0; i--) {
        memory_user *user = lesson->members[i - 1];
        lesson_store_finding finding = {.kind = LESSON_STORE_FINDING_ENDED_LESSON,
                                        .mendable = true,
                                        .mended = repair,
                                        .lesson_id = memory_id(&lesson->entry),
                                        .uid = memory_id(&user->entry),
                                        .detail = "the lesson has no record"};
        go_on = callback(&finding, context);
        if (repair)
            memory_leave(memory, user);
    }
    memory_drop_lesson_if_empty(memory, lesson);
    return go_on;
}

static int memory_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                        void *context) {
    bool repair = flags & LESSON_STORE_CHECK_REPAIR, go_on = flags & LESSON_STORE_CHECK_ENDED;
    for (memory_entry *entry = memory_of(instance)->lessons, *next; go_on && entry; entry = next) {
        next = entry->hh.next;
        go_on = check_lesson(memory_of(instance), (memory_lesson *)entry, repair, callback, context);
    }
    return LESSON_STORE_OK;
}

static int memory_info(lesson_store_instance *instance, lesson_store_info_callback callback, void *context) {
    const memory_store *memory = memory_of(instance);
    char users[24], lessons[24], bytes[24];
    snprintf(users, sizeof users, "%u", HASH_COUNT(memory->users));
    snprintf(lessons, sizeof lessons, "%u", HASH_COUNT(memory->lessons));
    snprintf(bytes, sizeof bytes, "%zu", memory->slab.used_bytes);
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
