/*
 * What the memory store holds, and the steps that change it. Each step either succeeds whole or leaves everything
 * as it was; memory.c makes the operations of them.
 *
 * A user record and a membership are one thing here, so they cannot disagree: a user points to its lesson and knows
 * its seat there.
 *
 *   index ───users──▶ user ──lesson──▶ lesson ◀──lessons── uthash
 *                      │  ◀──seats[seat]──┘ │
 *                      └──course──▶ course ◀─┘      ids are stored inline, behind each structure
 */
#ifndef LESSON_STORE_MEMORY_TABLE_H
#define LESSON_STORE_MEMORY_TABLE_H

#include <lessonstore/backend.h>

#include "bytes.h"
#include "index.h"
#include "roster.h"
#include "slab.h"

/* uthash takes the hash function from here. It expands where a `memory` is in scope. */
#define HASH_FUNCTION(key, size, hash) \
    ((hash) = memory_hash((lesson_store_id){(const char *)(key), (size)}, memory->seed))
#define HASH_KEYCMP(left, right, size) \
    (!memory_same_id((lesson_store_id){(const char *)(left), (size)}, (lesson_store_id){(const char *)(right), (size)}))
#define HASH_NONFATAL_OOM 1 /* a failed addition leaves the table as it was, and hh.tbl NULL */
#include <uthash.h>

/* uthash lets ten entries gather in a bucket before it makes more buckets; with three a search finds its entry at
 * once. The table of lessons is small enough for that. */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 3U

typedef struct memory_course {
    UT_hash_handle hh;
    uint64_t uses; /* users and lessons that point here */
    uint8_t id_size;
    char id[];
} memory_course;

typedef struct memory_lesson {
    UT_hash_handle hh;
    memory_roster roster;
    memory_course *course; /* of the latest join: nearly always that of the next one too */
    int8_t course_status;
    int8_t chat_status;
    bool has_record;
    uint8_t id_size;
    char id[];
} memory_lesson;

struct memory_user {
    memory_lesson *lesson;
    memory_course *course;
    char *session; /* in the slab, NULL where there is none */
    uint32_t hash;
    uint32_t seat; /* in the lesson's roster */
    uint8_t session_size;
    uint8_t uid_size;
    char uid[];
};

typedef struct memory_store {
    lesson_store_instance base;
    uint64_t seed;
    memory_index users;
    memory_lesson *lessons;
    memory_course *courses;
    memory_slab slab;
} memory_store;

static inline uint32_t memory_hash_of(const memory_store *memory, lesson_store_id id) {
    return memory_hash(id, memory->seed);
}

memory_lesson *memory_find_lesson(memory_store *memory, lesson_store_id lesson_id);

/* The lesson, made if it is not there; NULL if there is no memory. A lesson with neither record nor members must
 * be given to memory_drop_lesson_if_empty. */
memory_lesson *memory_need_lesson(memory_store *memory, lesson_store_id lesson_id);
void memory_drop_lesson(memory_store *memory, memory_lesson *lesson);

static inline void memory_drop_lesson_if_empty(memory_store *memory, memory_lesson *lesson) {
    if (!lesson->has_record && lesson->roster.members == 0)
        memory_drop_lesson(memory, lesson);
}

/* Puts a user (NULL: a new one, whose uid has this hash) into a lesson and out of its old one. False if there is no
 * memory. */
bool memory_enter(memory_store *memory, memory_user *user, uint32_t hash, memory_lesson *lesson,
                  const lesson_store_operation *join);

/* Removes a user, whose slot in the index this is, from its lesson and altogether. The lesson stays, even if empty, and
 * so do the seats of others. */
void memory_leave(memory_store *memory, memory_user *user, size_t slot);

void memory_free_all(memory_store *memory);

static inline lesson_store_id memory_uid(const memory_user *user) {
    return (lesson_store_id){user->uid, user->uid_size};
}

static inline lesson_store_id memory_lesson_id(const memory_lesson *lesson) {
    return (lesson_store_id){lesson->id, lesson->id_size};
}

static inline lesson_store_id memory_course_id(const memory_course *course) {
    return (lesson_store_id){course->id, course->id_size};
}

static inline lesson_store_id memory_session(const memory_user *user) {
    return (lesson_store_id){user->session, user->session_size};
}

/* ---- look_ahead.c */

#define MEMORY_GROUP_MAX 32 /* operations that are looked ahead for together */

/* Whether looking ahead gains anything: a small store is in the processor's caches anyway. */
bool memory_is_large(const memory_store *memory);

/* Fetches what these operations (at most MEMORY_GROUP_MAX) will need into the caches, for all of them at once. */
void memory_look_ahead(const memory_store *memory, const lesson_store_operation *operations, const uint32_t *hashes,
                       size_t count);

#endif
