/* The operations of the memory backend. */
#include <stdio.h>
#include <stdlib.h>

#include "table.h"

extern const lesson_store_backend lesson_store__memory_backend;

#define TEXT_OF(token) #token
#define TEXT(token) TEXT_OF(token)

static memory_store *memory_of(lesson_store_instance *instance) {
    return (memory_store *)instance;
}

static int no_memory(void) {
    return lesson_store_fail(LESSON_STORE_NO_MEMORY, "memory: no memory left; nothing was changed");
}

/* ---- Fetching ahead. In a large store an operation waits for memory again and again: for the bucket of the user, the
 * user, the member who takes the user's index. The operations of a batch can wait together: all buckets are fetched at
 * once, then all users. What is fetched is only a guess; nothing depends on it. */

#define GROUP_MAX 32    /* operations that are fetched for together */
#define MEMBERS_AHEAD 8 /* members that are fetched while earlier ones are listed */

static const UT_hash_bucket *bucket_of(const memory_store *memory, uint32_t hash) {
    const UT_hash_table *table = memory->users->hh.tbl;
    return &table->buckets[hash & (table->num_buckets - 1)];
}

static void fetch_bucket(const memory_store *memory, uint32_t hash) {
    if (memory->users)
        __builtin_prefetch(bucket_of(memory, hash));
}

static void fetch_users(const memory_store *memory, const uint32_t *hashes, size_t count) {
    for (size_t i = 0; i < count; i++)
        fetch_bucket(memory, hashes[i]);
    for (size_t i = 0; memory->users && i < count; i++)
        __builtin_prefetch(bucket_of(memory, hashes[i])->hh_head);
}

/* ---- Answers */

static void describe_lesson(const memory_lesson *lesson, lesson_store_lesson *out) {
    out->lesson_id = memory_id(&lesson->entry);
    out->member_count = lesson->member_count;
    out->course_status = lesson->course_status;
    out->chat_status = lesson->chat_status;
    out->has_record = lesson->has_record;
}

/* For an operation, whose answer must not point into the store: the id is the caller's own. */
static void answer_lesson(const memory_lesson *lesson, lesson_store_operation *operation) {
    describe_lesson(lesson, &operation->lesson);
    operation->lesson.lesson_id = operation->lesson_id;
}

/* `user` is NULL for one who is nowhere. */
static void answer_place(const memory_user *user, const lesson_store_operation *operation) {
    const lesson_store_id none = {NULL, 0};
    if (user)
        lesson_store_answer_place(operation, memory_id(&user->course->entry), memory_id(&user->lesson->entry),
                                  memory_session(user));
    else
        lesson_store_answer_place(operation, none, none, none);
}

/* ---- Operations. `hash` is that of the uid. */

static int memory_create(memory_store *memory, const lesson_store_operation *create) {
    memory_lesson *lesson = memory_find_lesson(memory, create->lesson_id);
    if (!lesson && !(lesson = memory_add_lesson(memory, create->lesson_id)))
        return no_memory();
    if (lesson->has_record && !(create->flags & LESSON_STORE_CREATE_RESET))
        return LESSON_STORE_EXISTS;
    memory_set_record(lesson, LESSON_STORE_COURSE_WAITING, LESSON_STORE_CHAT_FREE);
    return LESSON_STORE_OK;
}

static int memory_end(memory_store *memory, lesson_store_operation *end) {
    bool record_only = end->flags & LESSON_STORE_END_RECORD_ONLY;
    memory_lesson *lesson = memory_find_lesson(memory, end->lesson_id);
    if (!lesson || (record_only && !lesson->has_record))
        return LESSON_STORE_NOT_FOUND;
    end->count = record_only ? 0 : lesson->member_count;
    memory_remove_record(lesson);
    while (!record_only && lesson->member_count > 0)
        memory_leave(memory, lesson->members[lesson->member_count - 1]);
    memory_drop_lesson_if_empty(memory, lesson);
    return LESSON_STORE_OK;
}

static int memory_set(memory_store *memory, lesson_store_operation *set) {
    memory_lesson *lesson = memory_find_lesson(memory, set->lesson_id);
    if (!lesson || !lesson->has_record)
        return LESSON_STORE_NOT_FOUND;
    if (!lesson_store_set_expects(set, lesson->course_status, lesson->chat_status)) {
        answer_lesson(lesson, set);
        return LESSON_STORE_CONFLICT;
    }
    if (set->given & LESSON_STORE_GIVEN_COURSE_STATUS)
        lesson->course_status = (int8_t)set->course_status;
    if (set->given & LESSON_STORE_GIVEN_CHAT_STATUS)
        lesson->chat_status = (int8_t)set->chat_status;
    return LESSON_STORE_OK;
}

static int memory_get_lesson(const memory_store *memory, lesson_store_operation *get) {
    const memory_lesson *lesson = memory_find_lesson(memory, get->lesson_id);
    if (!lesson)
        return LESSON_STORE_NOT_FOUND;
    answer_lesson(lesson, get);
    return LESSON_STORE_OK;
}

/* The flag that refuses this join, or 0. `lesson` is NULL if it is unknown, `user` if the user is in no lesson. */
static uint32_t refusing_flag(const lesson_store_operation *join, const memory_lesson *lesson,
                              const memory_user *user) {
    return lesson_store_join_refused_by(join, lesson && lesson->has_record,
                                        lesson ? lesson->course_status : LESSON_STORE_STATUS_NONE,
                                        user && user->lesson != lesson);
}

static int memory_join(memory_store *memory, lesson_store_operation *join, uint32_t hash) {
    fetch_bucket(memory, hash); /* it arrives while the lesson is looked up */
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
    if (quit->lesson_id.data && !lesson_store_id_equal(quit->lesson_id, memory_id(&lesson->entry)))
        return LESSON_STORE_CONFLICT;
    if (quit->session.data && !lesson_store_id_equal(quit->session, memory_session(user)))
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
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return memory_count(memory, operation);
    case LESSON_STORE_OPERATION_NONE:
        break;
    }
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "memory: operation kind %u", (unsigned)operation->kind);
}

static uint32_t hash_of(const memory_store *memory, const lesson_store_operation *operation) {
    return operation->uid.data ? memory_hash_of(memory, operation->uid) : 0;
}

static int memory_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    memory_store *memory = memory_of(instance);
    if (count == 1) {
        lesson_store_answer(operations, run_operation(memory, operations, hash_of(memory, operations)));
        return LESSON_STORE_OK;
    }
    for (size_t first = 0; first < count; first += GROUP_MAX) {
        size_t size = count - first < GROUP_MAX ? count - first : GROUP_MAX;
        uint32_t hashes[GROUP_MAX];
        for (size_t i = 0; i < size; i++)
            hashes[i] = hash_of(memory, &operations[first + i]);
        fetch_users(memory, hashes, size);
        for (size_t i = 0; i < size; i++)
            lesson_store_answer(&operations[first + i], run_operation(memory, &operations[first + i], hashes[i]));
    }
    return LESSON_STORE_OK;
}

/* ---- Lists */

static bool give_member(const memory_user *user, lesson_store_member_callback callback, void *context) {
    const lesson_store_id uid = memory_id(&user->entry);
    return callback(&uid, context);
}

static bool give_lesson(const memory_entry *entry, lesson_store_lesson_callback callback, void *context) {
    lesson_store_lesson described = {.has_record = false};
    describe_lesson((const memory_lesson *)entry, &described);
    return callback(&described, context);
}

static bool give_user(const memory_entry *entry, lesson_store_user_callback callback, void *context) {
    const memory_user *user = (const memory_user *)entry;
    const lesson_store_user described = {.uid = memory_id(entry),
                                         .course_id = memory_id(&user->course->entry),
                                         .lesson_id = memory_id(&user->lesson->entry),
                                         .session = memory_session(user)};
    return callback(&described, context);
}

/* Gives the members below `end`, at most `most`, from the last to the first: a member who leaves is replaced by the last
 * one, who has been listed by then. Returns where it stopped. */
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

static int memory_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                          lesson_store_member_callback callback, void *context) {
    const memory_lesson *lesson = memory_find_lesson(memory_of(instance), *lesson_id);
    if (lesson)
        give_members(lesson, lesson->member_count, SIZE_MAX, callback, context);
    return LESSON_STORE_OK;
}

static int memory_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    for (const memory_entry *entry = memory_of(instance)->lessons; entry; entry = entry->hh.next) {
        if (!give_lesson(entry, callback, context))
            break;
    }
    return LESSON_STORE_OK;
}

static int memory_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    for (const memory_entry *entry = memory_of(instance)->users; entry; entry = entry->hh.next) {
        if (!give_user(entry, callback, context))
            break;
    }
    return LESSON_STORE_OK;
}

/* ---- Pages. A position has words[0] where the list goes on, and words[1] that it has begun. */

static int memory_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
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

/* The bucket after this one in the order of the reversed bits, as Redis' SCAN goes: when the table doubles, the buckets
 * that were visited are those that make up the visited buckets of the new table. 0 after the last. */
static uint64_t next_bucket(uint64_t bucket, uint64_t mask) {
    for (uint64_t bit = mask - (mask >> 1); bit > 0; bit >>= 1) {
        bucket ^= bit;
        if (bucket & bit)
            break;
    }
    return bucket;
}

typedef bool (*give_entry)(const memory_entry *entry, void *page);

/* Gives whole buckets, until there are `most` entries or more. A page that was stopped is to be asked for again. */
static int give_buckets(const memory_entry *table, size_t most, lesson_store_position *position, give_entry give,
                        void *page) {
    uint64_t mask = table ? table->hh.tbl->num_buckets - 1 : 0;
    uint64_t bucket = position->words[0] & mask;
    for (size_t given = 0; table && given < most && !position->ended; position->words[0] = bucket) {
        const UT_hash_handle *handle = table->hh.tbl->buckets[bucket].hh_head;
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

static int memory_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                               lesson_store_lesson_callback callback, void *context) {
    struct lessons_page page = {callback, context};
    return give_buckets(memory_of(instance)->lessons, most, position, give_lesson_of_page, &page);
}

struct users_page {
    lesson_store_user_callback callback;
    void *context;
};

static bool give_user_of_page(const memory_entry *entry, void *page) {
    const struct users_page *users = page;
    return give_user(entry, users->callback, users->context);
}

static int memory_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                             lesson_store_user_callback callback, void *context) {
    struct users_page page = {callback, context};
    return give_buckets(memory_of(instance)->users, most, position, give_user_of_page, &page);
}

/* ---- Check and information */

static bool check_ended(memory_store *memory, memory_lesson *lesson, bool repair,
                        lesson_store_finding_callback callback, void *context) {
    bool go_on = true;
    for (uint32_t i = lesson->member_count; go_on && i > 0; i--) {
        memory_user *user = lesson->members[i - 1];
        lesson_store_finding finding = {.kind = LESSON_STORE_FINDING_ENDED_LESSON,
                                        .repairable = true,
                                        .repaired = repair,
                                        .lesson_id = memory_id(&lesson->entry),
                                        .uid = memory_id(&user->entry),
                                        .detail = "the lesson has no record"};
        go_on = callback(&finding, context);
        if (repair)
            memory_leave(memory, user);
    }
    return go_on;
}

/* User records and members are one structure, so the only thing to find is lessons without a record. */
static int memory_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                        void *context) {
    memory_store *memory = memory_of(instance);
    bool go_on = flags & LESSON_STORE_CHECK_ENDED;
    for (memory_entry *entry = memory->lessons, *next; go_on && entry; entry = next) {
        memory_lesson *lesson = (memory_lesson *)entry;
        next = entry->hh.next;
        if (lesson->has_record)
            continue;
        go_on = check_ended(memory, lesson, flags & LESSON_STORE_CHECK_REPAIR, callback, context);
        memory_drop_lesson_if_empty(memory, lesson);
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

static int memory_open(lesson_store_instance **out, const lesson_store_location *location) {
    if (lesson_store_location_host(location) || lesson_store_location_path(location))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: nothing comes after memory: but options");
    memory_store *memory = calloc(1, sizeof *memory);
    if (!memory)
        return no_memory();
    memory->base.capabilities = LESSON_STORE_CAN_KEEP_SESSIONS;
    int code = lesson_store_random(&memory->seed, sizeof memory->seed);
    if (code)
        free(memory);
    else
        *out = &memory->base;
    return code;
}

static void memory_close(lesson_store_instance *instance) {
    memory_free_all(memory_of(instance));
    free(memory_of(instance));
}

const lesson_store_backend lesson_store__memory_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "memory",
    .summary = "in this process, gone when it is closed",
    .operations = LESSON_STORE_OPERATIONS_0_1,
    .flags = LESSON_STORE_FLAGS_0_1,
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
};
