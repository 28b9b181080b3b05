/* The keys, and what a session means, in this one place for C; scripts/keys.lua and scripts/session.lua have them for
 * the scripts. */
#ifndef LESSON_STORE_REDIS_KEYS_H
#define LESSON_STORE_REDIS_KEYS_H

#include <stdio.h>

#include <lessonstore/backend.h>

/* What stands between the prefix and the id. */
#define REDIS_USER ":IN_LESSON:UID:"
#define REDIS_RECORD ":LESSON_STATUS:LESSON_ID:"
#define REDIS_MEMBERS ":LESSON_USER:LESSON_ID:"

#define REDIS_KEY_SIZE (LESSON_STORE_ID_MAX + sizeof REDIS_RECORD + LESSON_STORE_ID_MAX)

/* Writes a key, and returns its size. */
static inline size_t redis_key(char key[REDIS_KEY_SIZE], const char *prefix, const char *middle, lesson_store_id id) {
    return (size_t)snprintf(key, REDIS_KEY_SIZE, "%s%s%.*s", prefix, middle, (int)id.size, id.data);
}

/* A session counts only in the lesson it was given for: a legacy join moves a user and leaves it behind. */
static inline lesson_store_id redis_session_of(lesson_store_id lesson, lesson_store_id session,
                                               lesson_store_id session_lesson) {
    bool counts = lesson.data && session_lesson.data && session_lesson.size == lesson.size &&
                  memcmp(session_lesson.data, lesson.data, lesson.size) == 0;
    return counts ? session : (lesson_store_id){NULL, 0};
}

#endif
