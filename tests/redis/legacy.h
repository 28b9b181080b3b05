/* The commands of the classes RedisForLessonStatus and RedisForInLesson, which this library replaces. If a class sent
 * several commands, so do these functions. */
#ifndef LESSON_STORE_TESTS_REDIS_LEGACY_H
#define LESSON_STORE_TESTS_REDIS_LEGACY_H

#include "raw.h"

void legacy_create(raw_server *raw, const char *lesson_id);
void legacy_end(raw_server *raw, const char *lesson_id);

/* HMSET of the user record, then SADD to the members. */
void legacy_join(raw_server *raw, const char *uid, const char *course_id, const char *lesson_id);
void legacy_put_record(raw_server *raw, const char *uid, const char *course_id, const char *lesson_id);
void legacy_put_member(raw_server *raw, const char *uid, const char *lesson_id);

/* HGET of the lesson, DEL of the user record, then SREM from the members. Without a record, SREM uses the lesson
 * "None", as str(None) does. */
void legacy_quit(raw_server *raw, const char *uid);
void legacy_where(raw_server *raw, const char *uid, char lesson_id[LESSON_STORE_ID_MAX + 1]);
void legacy_remove_record(raw_server *raw, const char *uid);
void legacy_remove_member(raw_server *raw, const char *uid, const char *lesson_id);

bool legacy_has_member(raw_server *raw, const char *lesson_id, const char *uid);

#endif
