/*
 * What the memory store holds, and the steps that change it. A step either succeeds or changes nothing. memory.c builds
 * the operations from these steps.
 *
 * Users, lessons and courses are entries of three uthash tables. The user record is also the membership, so the two
 * cannot disagree: a user points to its lesson and knows its index among the lesson's members.
 *
 *   users ──▶ user ──lesson──▶ lesson ◀── lessons
 *              │  ◀──members[index]─┘│
 *              └──course──▶ course ◀─┘ ◀── courses
 */
#ifndef LESSON_STORE_MEMORY_TABLE_H
#define LESSON_STORE_MEMORY_TABLE_H

#include <lessonstore/backend.h>

#include "hash.h"
#include "slab.h"

/* The hash function of uthash. It needs a variable `memory` in scope. */
#define HASH_FUNCTION(key, size, hash) ((hash) = memory_hash((key), (size), memory->seed))
#define HASH_NONFATAL_OOM 1 /* a failed addition leaves the table as it was, and sets hh.tbl to NULL */
#include <uthash.h>

/* By default uthash adds buckets when one of them holds ten entries, which happens by chance at a load between one and
 * four. Here it adds them at a load of three quarters, which makes a join of 1,000 users 1.5 times as fast. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH (entry->hh.tbl->num_items > entry->hh.tbl->num_buckets / 4 * 3 ? 0U : UINT32_MAX)

/* The first member of the entries of all tables. The id is stored behind the entry's other members. */
typedef struct memory_entry {
    UT_hash_handle hh;
} memory_entry;

typedef struct memory_course {
    memory_entry entry;
    size_t uses; /* users and lessons that point to this course */
    char id[];
} memory_course;

typedef struct memory_user memory_user;

typedef struct memory_owner {
    memory_entry entry;
    int64_t lease_ms;
    int64_t until_ms;
    uint32_t users; /* that point to it */
    bool is_over;
    char id[];
} memory_owner;

typedef struct memory_ban {
    memory_entry entry;
    int64_t until_ms;
    char uid[];
} memory_ban;

typedef struct memory_lesson {
    memory_entry entry;
    memory_user **members;
    uint32_t member_count;
    uint32_t capacity;     /* of members */
    memory_course *course; /* of the latest join; the next join nearly always names the same course */
    /* The record. */
    memory_course *own_course; /* that create was given, or NULL */
    uint32_t most_members;     /* that JOIN_IF_ROOM allows; 0: any number */
    memory_entry *bans;        /* the head of a table of its own, or NULL */
    int8_t course_status;      /* both LESSON_STORE_STATUS_NONE: there is no record */
    int8_t chat_status;
    char id[];
} memory_lesson;

struct memory_user {
    memory_entry entry;
    memory_lesson *lesson;
    memory_course *course;
    unsigned char *session; /* its size, then its bytes; NULL: none */
    memory_owner *owner;    /* or NULL */
    int64_t joined_ms;      /* if there is an owner */
    uint32_t index;         /* in the lesson's members */
    char uid[];
};

/* The events, if the store keeps any. They are numbered from 1 on. */
typedef struct memory_event memory_event;
typedef struct memory_feed {
    uint64_t kept;        /* the most; 0: none */
    uint64_t incarnation; /* random, so that a position of another store is not taken for one of this store */
    uint64_t oldest;      /* the number of the oldest event */
    uint64_t count;
    uint64_t capacity; /* of the ring, a power of two */
    memory_event **ring;
    memory_event *prepared;
} memory_feed;

typedef struct memory_store {
    lesson_store_instance base;
    uint64_t seed; /* of the hash */
    memory_slab slab;
    memory_entry *users; /* the heads of the three tables */
    memory_entry *lessons;
    memory_entry *courses;
    memory_entry *owners;
    lesson_store_sweeps sweeps;
    memory_feed feed;
} memory_store;

static inline lesson_store_id memory_id(const memory_entry *entry) {
    return (lesson_store_id){entry->hh.key, entry->hh.keylen};
}

static inline lesson_store_id memory_session(const memory_user *user) {
    lesson_store_id none = {NULL, 0};
    return user->session ? (lesson_store_id){(const char *)user->session + 1, user->session[0]} : none;
}

static inline lesson_store_id memory_owner_of(const memory_user *user) {
    lesson_store_id none = {NULL, 0};
    return user->owner ? memory_id(&user->owner->entry) : none;
}

static inline uint32_t memory_hash_of(const memory_store *memory, lesson_store_id id) {
    uint32_t hash;
    HASH_VALUE(id.data, id.size, hash);
    return hash;
}

static inline void *memory_find(memory_entry *table, lesson_store_id id, uint32_t hash) {
    memory_entry *entry;
    HASH_FIND_BYHASHVALUE(hh, table, id.data, id.size, hash, entry);
    return entry;
}

/* Returns the bucket where uthash looks for users with this hash. NULL if there are no users. */
static inline const UT_hash_bucket *memory_bucket(const memory_store *memory, uint32_t hash) {
    const UT_hash_table *table = memory->users ? memory->users->hh.tbl : NULL;
    return table ? &table->buckets[hash & (table->num_buckets - 1)] : NULL;
}

/* Prefetches both cache lines of the user who is probably meant, because uthash reads one after the other. */
static inline void memory_fetch_user(const memory_store *memory, uint32_t hash) {
    const UT_hash_bucket *bucket = memory_bucket(memory, hash);
    const memory_user *user = bucket ? (const void *)bucket->hh_head : NULL;
    if (!user)
        return;
    __builtin_prefetch(&user->entry.hh.hashv);
    __builtin_prefetch(user->uid);
}

static inline memory_user *memory_find_user(const memory_store *memory, lesson_store_id uid, uint32_t hash) {
    memory_fetch_user(memory, hash);
    return memory_find(memory->users, uid, hash);
}

static inline memory_lesson *memory_find_lesson(const memory_store *memory, lesson_store_id lesson_id) {
    return memory_find(memory->lessons, lesson_id, memory_hash_of(memory, lesson_id));
}

/* Adds a lesson that does not exist. NULL if there is no memory. */
memory_lesson *memory_add_lesson(memory_store *memory, lesson_store_id lesson_id);

static inline bool memory_has_record(const memory_lesson *lesson) {
    return lesson->course_status != LESSON_STORE_STATUS_NONE;
}

/* Makes the record of a lesson, or resets it. False if there is no memory. */
bool memory_write_record(memory_store *memory, memory_lesson *lesson, const lesson_store_operation *create);
void memory_remove_record(memory_store *memory, memory_lesson *lesson);

/* Removes a lesson that has neither record nor members. Call it after either was removed. */
void memory_drop_lesson_if_empty(memory_store *memory, memory_lesson *lesson);

/* Puts a user into a lesson and out of the previous one. If `user` or `lesson` is NULL, it is made from the join's ids.
 * `hash` is the hash of the uid, `owner` may be NULL. False if there is no memory. */
bool memory_enter(memory_store *memory, memory_user *user, uint32_t hash, memory_lesson *lesson, memory_owner *owner,
                  const lesson_store_operation *join);

static inline memory_owner *memory_find_owner(const memory_store *memory, lesson_store_id owner) {
    return memory_find(memory->owners, owner, memory_hash_of(memory, owner));
}

/* Adds an owner that does not exist. NULL if there is no memory. */
memory_owner *memory_add_owner(memory_store *memory, lesson_store_id owner);
void memory_drop_owner(memory_store *memory, memory_owner *owner);

/* The same for a ban. `hash` is the hash of the uid. */
memory_ban *memory_add_ban(memory_store *memory, memory_lesson *lesson, lesson_store_id uid, uint32_t hash);
void memory_drop_ban(memory_store *memory, memory_lesson *lesson, memory_ban *ban);

/* Removes a user. The last member takes the index that became free. The lesson stays, even if it is empty now. */
void memory_leave(memory_store *memory, memory_user *user);

void memory_free_all(memory_store *memory);

static inline memory_store *memory_of(lesson_store_instance *instance) {
    return (memory_store *)instance;
}

/* `id` is the lesson's id: borrowed from the caller of an operation, or from the store. */
lesson_store_lesson memory_describe(const memory_lesson *lesson, lesson_store_id id);

/* `user` is NULL if the user is in no lesson. */
void memory_answer_place(const memory_user *user, const lesson_store_operation *operation);

/* Fails for lack of memory. */
int memory_fail(void);

/* ---- lists.c: functions of the backend's table */

int memory_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                   lesson_store_member_callback callback, void *context);
int memory_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
int memory_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
int memory_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                        lesson_store_position *position, lesson_store_member_callback callback, void *context);
int memory_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                        lesson_store_lesson_callback callback, void *context);
int memory_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                             lesson_store_position *position, lesson_store_lesson_callback callback, void *context);
int memory_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                        lesson_store_lesson_callback callback, void *context);
int memory_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                      lesson_store_user_callback callback, void *context);

/* ---- owners.c */

int memory_hold(memory_store *memory, const lesson_store_operation *hold);
int memory_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                 void *context);
int memory_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context);

/* ---- bans.c. `hash` is the hash of the uid. */

int memory_ban_user(memory_store *memory, lesson_store_operation *ban, uint32_t hash);
bool memory_is_banned(const memory_lesson *lesson, lesson_store_id uid, uint32_t hash);
int memory_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                lesson_store_banned_callback callback, void *context);

/* ---- feed.c */

int memory_open_feed(memory_store *memory, const lesson_store_location *location);
void memory_close_feed(memory_store *memory);

/* prepare: before a change, copies its event; false if there is no memory. commit: after the change. Both do nothing if
 * the store keeps no events. A prepared event that is not committed is replaced by the next one. */
bool memory_prepare_event(memory_store *memory, const lesson_store_event *event);
bool memory_prepare_quit_event(memory_store *memory, const memory_user *user, lesson_store_cause cause);
void memory_commit_event(memory_store *memory);

int memory_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                  lesson_store_event_taker take, void *context);

/* ---- lists.c */

/* As the lists give a user. */
lesson_store_user memory_describe_user(const memory_user *user);

int memory_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                 void *context);

#endif
