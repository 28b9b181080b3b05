/* The operations of the memory backend. */
#include <stdio.h>
#include <stdlib.h>

#include "table.h"

extern const lesson_store_backend lesson_store__memory_backend;

#define TEXT_OF(token) #token
#define TEXT(token) TEXT_OF(token)

int memory_fail(void) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "memory: no memory left; nothing was changed");
}

/* ---- Answers */

/* `id` is the lesson's id: borrowed from the caller of an operation, or from the store. */
lesson_store_lesson memory_describe(const memory_lesson *lesson, lesson_store_id id) {
    const lesson_store_id none = {NULL, 0};
    return (lesson_store_lesson){.lesson_id = id,
                                 .course_id = lesson->own_course ? memory_id(&lesson->own_course->entry) : none,
                                 .capacity = lesson->most_members,
                                 .member_count = lesson->member_count,
                                 .course_status = lesson->course_status,
                                 .chat_status = lesson->chat_status,
                                 .has_record = memory_has_record(lesson)};
}

void memory_answer_place(const memory_user *user, const lesson_store_operation *operation) {
    const lesson_store_id none = {NULL, 0};
    if (!user) {
        lesson_store_answer_place(operation, none, none, none);
        return;
    }
    lesson_store_answer_place(operation, memory_id(&user->course->entry), memory_id(&user->lesson->entry),
                              memory_session(user));
    lesson_store_answer_owner(operation, memory_owner_of(user), user->joined_ms);
}

/* ---- Events, before the changes. False if there is no memory. */

static bool prepare_lesson_event(memory_store *memory, lesson_store_event_kind kind,
                                 const lesson_store_operation *operation, uint64_t count) {
    lesson_store_event event = {.kind = kind,
                                .lesson_id = operation->lesson_id,
                                .course_id = operation->course_id,
                                .given = operation->given & LESSON_STORE_EVENT_GIVEN,
                                .course_status = operation->course_status,
                                .chat_status = operation->chat_status,
                                .capacity = operation->capacity,
                                .count = count};
    return memory->feed.kept == 0 || memory_prepare_event(memory, &event);
}

/* The statuses of a new record are always given. */
static bool prepare_create_event(memory_store *memory, const lesson_store_operation *create) {
    lesson_store_operation filled = *create;
    if (!(create->given & LESSON_STORE_GIVEN_COURSE_STATUS))
        filled.course_status = LESSON_STORE_COURSE_WAITING;
    if (!(create->given & LESSON_STORE_GIVEN_CHAT_STATUS))
        filled.chat_status = LESSON_STORE_CHAT_FREE;
    filled.given |= LESSON_STORE_GIVEN_COURSE_STATUS | LESSON_STORE_GIVEN_CHAT_STATUS;
    return prepare_lesson_event(memory, LESSON_STORE_EVENT_CREATE, &filled, 0);
}

/* `user` is NULL if the user was in no lesson. */
static bool prepare_join_event(memory_store *memory, const lesson_store_operation *join, const memory_user *user) {
    const lesson_store_id none = {NULL, 0};
    const lesson_store_event event = {.kind = LESSON_STORE_EVENT_JOIN,
                                      .lesson_id = join->lesson_id,
                                      .uid = join->uid,
                                      .course_id = join->course_id,
                                      .from_lesson_id = user ? memory_id(&user->lesson->entry) : none,
                                      .session = join->session,
                                      .owner = join->owner};
    return memory->feed.kept == 0 || memory_prepare_event(memory, &event);
}

/* ---- Operations. `hash` is the hash of the uid. */

static int memory_create(memory_store *memory, const lesson_store_operation *create) {
    memory_lesson *lesson = memory_find_lesson(memory, create->lesson_id);
    if (!lesson && !(lesson = memory_add_lesson(memory, create->lesson_id)))
        return memory_fail();
    if (memory_has_record(lesson) && !(create->flags & LESSON_STORE_CREATE_RESET))
        return LESSON_STORE_EXISTS;
    if (prepare_create_event(memory, create) && memory_write_record(memory, lesson, create)) {
        memory_commit_event(memory);
        return LESSON_STORE_OK;
    }
    memory_drop_lesson_if_empty(memory, lesson);
    return memory_fail();
}

static int memory_end(memory_store *memory, lesson_store_operation *end) {
    bool record_only = end->flags & LESSON_STORE_END_RECORD_ONLY;
    memory_lesson *lesson = memory_find_lesson(memory, end->lesson_id);
    if (!lesson || (record_only && !memory_has_record(lesson)))
        return LESSON_STORE_NOT_FOUND;
    uint64_t count = record_only ? 0 : lesson->member_count;
    lesson_store_event_kind kind = record_only ? LESSON_STORE_EVENT_END_RECORD : LESSON_STORE_EVENT_END;
    if (!prepare_lesson_event(memory, kind, end, count))
        return memory_fail();
    end->count = count;
    memory_remove_record(memory, lesson);
    while (!record_only && lesson->member_count > 0)
        memory_leave(memory, lesson->members[lesson->member_count - 1]);
    memory_drop_lesson_if_empty(memory, lesson);
    memory_commit_event(memory);
    return LESSON_STORE_OK;
}

static int memory_set(memory_store *memory, lesson_store_operation *set) {
    memory_lesson *lesson = memory_find_lesson(memory, set->lesson_id);
    if (!lesson || !memory_has_record(lesson))
        return LESSON_STORE_NOT_FOUND;
    if (!lesson_store_set_expects(set, lesson->course_status, lesson->chat_status)) {
        set->lesson = memory_describe(lesson, set->lesson_id);
        return LESSON_STORE_CONFLICT;
    }
    if (!prepare_lesson_event(memory, LESSON_STORE_EVENT_SET, set, 0))
        return memory_fail();
    if (set->given & LESSON_STORE_GIVEN_COURSE_STATUS)
        lesson->course_status = (int8_t)set->course_status;
    if (set->given & LESSON_STORE_GIVEN_CHAT_STATUS)
        lesson->chat_status = (int8_t)set->chat_status;
    if (set->given & LESSON_STORE_GIVEN_CAPACITY)
        lesson->most_members = (uint32_t)set->capacity;
    memory_commit_event(memory);
    return LESSON_STORE_OK;
}

static int memory_get_lesson(const memory_store *memory, lesson_store_operation *get) {
    const memory_lesson *lesson = memory_find_lesson(memory, get->lesson_id);
    if (!lesson)
        return LESSON_STORE_NOT_FOUND;
    get->lesson = memory_describe(lesson, get->lesson_id);
    lesson_store_answer_course(get, get->lesson.course_id);
    return LESSON_STORE_OK;
}

static lesson_store_standing standing_of(const memory_user *user, const memory_lesson *lesson) {
    if (!user)
        return LESSON_STORE_STANDING_NOWHERE;
    return user->lesson == lesson ? LESSON_STORE_STANDING_MEMBER : LESSON_STORE_STANDING_ELSEWHERE;
}

/* REFUSED or CONFLICT if this join is not admitted. `lesson` is NULL if it is unknown, `user` if the user is in no
 * lesson. */
static int memory_admit(lesson_store_operation *join, const memory_lesson *lesson, const memory_user *user,
                        uint32_t hash) {
    const lesson_store_lesson unknown = {.course_status = LESSON_STORE_STATUS_NONE};
    lesson_store_lesson described = lesson ? memory_describe(lesson, join->lesson_id) : unknown;
    lesson_store_standing standing = standing_of(user, lesson);
    if (!lesson_store_join_expects(join, standing, user ? memory_session(user) : unknown.lesson_id))
        return LESSON_STORE_CONFLICT;
    bool is_banned =
        lesson && join->flags & LESSON_STORE_JOIN_UNLESS_BANNED && memory_is_banned(lesson, join->uid, hash);
    uint32_t refusing = lesson_store_admit(join, &described, standing, is_banned);
    if (refusing == 0)
        return LESSON_STORE_OK;
    join->refused_by = refusing;
    if (refusing == LESSON_STORE_JOIN_IF_ROOM)
        join->count = described.member_count;
    return LESSON_STORE_REFUSED;
}

/* REFUSED if the owner holds no lease. `*owner` becomes NULL if none is named. */
static int find_holder(memory_store *memory, lesson_store_operation *join, memory_owner **owner) {
    *owner = join->owner.data ? memory_find_owner(memory, join->owner) : NULL;
    if (!join->owner.data || (*owner && !(*owner)->is_over))
        return LESSON_STORE_OK;
    join->refused_by = LESSON_STORE_JOIN_BY_OWNER;
    return LESSON_STORE_REFUSED;
}

static int memory_join(memory_store *memory, lesson_store_operation *join, uint32_t hash) {
    memory_lesson *lesson = memory_find_lesson(memory, join->lesson_id);
    memory_user *user = memory_find_user(memory, join->uid, hash);
    bool has_rules = join->flags || join->if_session.data;
    memory_owner *owner = NULL;
    int code = has_rules ? memory_admit(join, lesson, user, hash) : LESSON_STORE_OK;
    if (!code)
        code = find_holder(memory, join, &owner);
    memory_answer_place(user, join);
    if (code)
        return code;
    join->arrival = !user                    ? LESSON_STORE_ARRIVAL_NEW
                    : user->lesson == lesson ? LESSON_STORE_ARRIVAL_ALREADY_THERE
                                             : LESSON_STORE_ARRIVAL_MOVED;
    if (!prepare_join_event(memory, join, user) || !memory_enter(memory, user, hash, lesson, owner, join))
        return memory_fail();
    memory_commit_event(memory);
    return LESSON_STORE_OK;
}

static int memory_quit(memory_store *memory, const lesson_store_operation *quit, uint32_t hash) {
    memory_user *user = memory_find_user(memory, quit->uid, hash);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    memory_lesson *lesson = user->lesson;
    memory_answer_place(user, quit);
    if (quit->lesson_id.data && !lesson_store_id_equal(quit->lesson_id, memory_id(&lesson->entry)))
        return LESSON_STORE_CONFLICT;
    if (quit->session.data && !lesson_store_id_equal(quit->session, memory_session(user)))
        return LESSON_STORE_CONFLICT;
    if (!memory_prepare_quit_event(memory, user, LESSON_STORE_CAUSE_CALL))
        return memory_fail();
    memory_leave(memory, user);
    memory_drop_lesson_if_empty(memory, lesson);
    memory_commit_event(memory);
    return LESSON_STORE_OK;
}

static int memory_where(const memory_store *memory, const lesson_store_operation *where, uint32_t hash) {
    const memory_user *user = memory_find_user(memory, where->uid, hash);
    if (!user)
        return LESSON_STORE_NOT_FOUND;
    memory_answer_place(user, where);
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
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return memory_count(memory, operation);
    case LESSON_STORE_OPERATION_HOLD:
        return memory_hold(memory, operation);
    case LESSON_STORE_OPERATION_BAN:
        return memory_ban_user(memory, operation, hash);
    case LESSON_STORE_OPERATION_NONE:
        break;
    }
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "memory: operation kind %u", (unsigned)operation->kind);
}

static uint32_t hash_of(const memory_store *memory, const lesson_store_operation *operation) {
    return operation->uid.data ? memory_hash_of(memory, operation->uid) : 0;
}

#define GROUP_MAX 32

/* In a large store an operation waits for memory twice before it finds its user: first for the bucket, then for the
 * user. The operations of a batch wait together. The prefetches change no result. */
static void run_group(memory_store *memory, lesson_store_operation *operations, size_t count) {
    uint32_t hashes[GROUP_MAX];
    for (size_t i = 0; i < count; i++) {
        hashes[i] = hash_of(memory, &operations[i]);
        __builtin_prefetch(memory_bucket(memory, hashes[i]));
    }
    for (size_t i = 0; i < count; i++)
        memory_fetch_user(memory, hashes[i]);
    for (size_t i = 0; i < count; i++)
        lesson_store_answer(&operations[i], run_operation(memory, &operations[i], hashes[i]));
}

static int memory_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    memory_store *memory = memory_of(instance);
    for (; count > GROUP_MAX; operations += GROUP_MAX, count -= GROUP_MAX)
        run_group(memory, operations, GROUP_MAX);
    if (count > 1)
        run_group(memory, operations, count);
    else
        lesson_store_answer(operations, run_operation(memory, operations, hash_of(memory, operations)));
    return LESSON_STORE_OK;
}

/* ---- Information */

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

static const lesson_store_option options[] = {
    {.name = "feed",
     .summary = "the events that are kept; 0: none",
     .minimum = 0,
     .maximum = LESSON_STORE_FEED_KEPT_MAX},
    {.name = NULL},
};

static int memory_open(lesson_store_instance **out, const lesson_store_location *location) {
    if (lesson_store_location_host(location) || lesson_store_location_path(location))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: only options may follow memory:");
    memory_store *memory = calloc(1, sizeof *memory);
    if (!memory)
        return memory_fail();
    memory->base.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS | LESSON_STORE_CAN_ADMIT;
    memory->base.events_poll_ms = 1000; /* nobody else can write */
    int code = lesson_store_random(&memory->seed, sizeof memory->seed);
    if (!code)
        code = memory_open_feed(memory, location);
    if (code)
        free(memory);
    else
        *out = &memory->base;
    return code;
}

static void memory_close(lesson_store_instance *instance) {
    memory_close_feed(memory_of(instance));
    memory_free_all(memory_of(instance));
    free(memory_of(instance));
}

const lesson_store_backend lesson_store__memory_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "memory",
    .summary = "in this process, gone when the store is closed",
    .operations = LESSON_STORE_OPERATIONS_0_2,
    .flags = LESSON_STORE_FLAGS_0_2,
    .options = options,
    .default_pool = 1,
    .open = memory_open,
    .close = memory_close,
    .run = memory_run,
    .members = memory_members,
    .lessons = memory_lessons,
    .users = memory_users,
    .check = memory_check,
    .info = memory_info,
    .members_page = memory_members_page,
    .lessons_page = memory_lessons_page,
    .users_page = memory_users_page,
    .sweep = memory_sweep,
    .owners = memory_owners,
    .bans = memory_bans,
    .find_lessons = memory_find_lessons,
    .find_lessons_page = memory_find_lessons_page,
    .events = memory_events,
};
