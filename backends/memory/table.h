/*
 * What the memory store holds, and the steps that change it. Each step either succeeds whole or leaves everything
 * as it was; memory.c makes the operations of them.
 *
 * A user record and a membership are one thing here, so they cannot disagree: a user points to its lesson and knows
 * its place in the lesson's array of members. Leaving moves the last member into the gap.
 *
 *   memory ──users──▶ user ──lesson──▶ lesson ◀──lessons── memory
 *                      │  ◀─members[index]─┘ │
 *                      └──course──▶ course ◀─┘      ids are stored inline, behind each structure
 */
#ifndef LESSON_STORE_MEMORY_TABLE_H
#define LESSON_STORE_MEMORY_TABLE_H

#include <lessonstore/backend.h>

#include "slab.h"

/* uthash takes the hash function from here. It expands where a `memory` is in scope, whose seed keeps outsiders
 * from choosing uids that all fall into one bucket. */
#define HASH_FUNCTION(key, size, hash) ((hash) = memory_hash((key), (size), memory->seed))
#define HASH_NONFATAL_OOM 1 /* a failed addition leaves the table as it was, and hh.tbl NULL */
#include <uthash.h>

typedef struct memory_course {
    UT_hash_handle hh;
    uint64_t uses; /* users and lessons that point here */
    uint8_t id_size;
    char id[];
} memory_course;

typedef struct memory_user memory_user;

typedef struct memory_lesson {
    UT_hash_handle hh;
    memory_user **members;
    uint32_t member_count;
    uint32_t member_capacity;
    memory_course *course; /* of the latest join: nearly always that of the next one too */
    int8_t course_status;
    int8_t chat_status;
    bool has_record;
    uint8_t id_size;
    char id[];
} memory_lesson;

struct memory_user {
    UT_hash_handle hh;
    memory_lesson *lesson;
    memory_course *course;
    char *session;  /* in the slab, NULL where there is none */
    uint32_t index; /* in lesson->members */
    uint8_t session_size;
    uint8_t uid_size;
    char uid[];
};

typedef struct memory_store {
    lesson_store_instance base;
    uint64_t seed;
    memory_user *users;
    memory_lesson *lessons;
    memory_course *courses;
    memory_slab slab;
} memory_store;

unsigned memory_hash(const void *key, size_t size, uint64_t seed);

memory_user *memory_find_user(memory_store *memory, lesson_store_id uid);
memory_lesson *memory_find_lesson(memory_store *memory, lesson_store_id lesson_id);

/* The lesson, made if it is not there; NULL if there is no memory. A lesson with neither record nor members must
 * be given to memory_drop_lesson_if_empty. */
memory_lesson *memory_need_lesson(memory_store *memory, lesson_store_id lesson_id);
void memory_drop_lesson_if_empty(memory_store *memory, memory_lesson *lesson);

/* Puts a user (NULL: a new one) into a lesson and out of its old one. False if there is no memory. */
bool memory_enter(memory_store *memory, memory_user *user, memory_lesson *lesson, const lesson_store_operation *join);

/* Removes a user from its lesson and altogether. The lesson stays, even if empty. */
void memory_leave(memory_store *memory, memory_user *user);

void memory_free_all(memory_store *memory);

static inline lesson_store_id memory_lesson_id(const memory_lesson *lesson) {
    return (lesson_store_id){lesson->id, lesson->id_size};
}

static inline lesson_store_id memory_session(const memory_user *user) {
    return (lesson_store_id){user->session, user->session_size};
}

static inline bool memory_same_id(lesson_store_id left, lesson_store_id right) {
    return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
}

#endif
