#include "legacy.h"

#include <stdio.h>

void legacy_create(raw_server *raw, const char *lesson_id) {
    raw_do(raw, "HMSET " RECORD("%s") " lesson_id %s course_status 3 chat_status 0", lesson_id, lesson_id);
}

void legacy_end(raw_server *raw, const char *lesson_id) {
    raw_do(raw, "DEL " RECORD("%s"), lesson_id);
}

void legacy_put_record(raw_server *raw, const char *uid, const char *course_id, const char *lesson_id) {
    raw_do(raw, "HMSET " USER("%s") " uid %s course_id %s lesson_id %s", uid, uid, course_id, lesson_id);
}

void legacy_put_member(raw_server *raw, const char *uid, const char *lesson_id) {
    raw_do(raw, "SADD " MEMBERS("%s") " %s", lesson_id, uid);
}

void legacy_join(raw_server *raw, const char *uid, const char *course_id, const char *lesson_id) {
    legacy_put_record(raw, uid, course_id, lesson_id);
    legacy_put_member(raw, uid, lesson_id);
}

void legacy_where(raw_server *raw, const char *uid, char lesson_id[LESSON_STORE_ID_MAX + 1]) {
    redisReply *reply = redisCommand(raw->commands, "HGET " USER("%s") " lesson_id", uid);
    assert_non_null(reply);
    snprintf(lesson_id, LESSON_STORE_ID_MAX + 1, "%s", reply->type == REDIS_REPLY_STRING ? reply->str : "None");
    freeReplyObject(reply);
}

void legacy_remove_record(raw_server *raw, const char *uid) {
    raw_do(raw, "DEL " USER("%s"), uid);
}

void legacy_remove_member(raw_server *raw, const char *uid, const char *lesson_id) {
    raw_do(raw, "SREM " MEMBERS("%s") " %s", lesson_id, uid);
}

void legacy_quit(raw_server *raw, const char *uid) {
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    legacy_where(raw, uid, lesson_id);
    legacy_remove_record(raw, uid);
    legacy_remove_member(raw, uid, lesson_id);
}

bool legacy_has_member(raw_server *raw, const char *lesson_id, const char *uid) {
    return raw_number(raw, "SISMEMBER " MEMBERS("%s") " %s", lesson_id, uid) == 1;
}
