/* The names of the keys that C uses, and the rule for sessions: the only place in C. For the scripts all names are in
 * scripts/keys.lua, and the rule in scripts/session.lua. */
#ifndef LESSON_STORE_REDIS_KEYS_H
#define LESSON_STORE_REDIS_KEYS_H

#include <string.h>

#include <lessonstore/backend.h>

/* The part of a key between the prefix and the id. */
#define REDIS_USER ":IN_LESSON:UID:"
#define REDIS_RECORD ":LESSON_STATUS:LESSON_ID:"
#define REDIS_MEMBERS ":LESSON_USER:LESSON_ID:"

/* The whole of a key behind the prefix. */
#define REDIS_EVENTS ":EVENTS"
#define REDIS_OWNERS ":OWNERS"
#define REDIS_LEASES ":LEASES"
#define REDIS_SWEEPS ":SWEEPS"

#define REDIS_KEY_SIZE (LESSON_STORE_ID_MAX + sizeof REDIS_RECORD + LESSON_STORE_ID_MAX)

/* Writes a key and returns its size. (Every call writes one. snprintf would take a sixth of the instructions of a
 * join.) */
static inline size_t redis_key(char key[REDIS_KEY_SIZE], const char *prefix, const char *middle, lesson_store_id id) {
    size_t prefix_size = strlen(prefix), middle_size = strlen(middle);
    memcpy(key, prefix, prefix_size);
    memcpy(key + prefix_size, middle, middle_size);
    if (id.size > 0)
        memcpy(key + prefix_size + middle_size, id.data, id.size);
    size_t size = prefix_size + middle_size + id.size;
    key[size] = '\0';
    return size;
}

/* A session, or an owner, is valid only in the lesson that it was given for: a legacy join moves a user but leaves the
 * old one in the record. An empty one is what join writes where it has no right to remove the field. */
static inline lesson_store_id redis_if_valid(lesson_store_id session_or_owner, lesson_store_id lesson,
                                             lesson_store_id session_lesson) {
    bool counts = lesson.data && session_lesson.data && session_lesson.size == lesson.size &&
                  memcmp(session_lesson.data, lesson.data, lesson.size) == 0 && session_or_owner.size > 0;
    return counts ? session_or_owner : (lesson_store_id){NULL, 0};
}

#endif
