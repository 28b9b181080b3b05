#include "raw_redis.h"

#include <stdio.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>

#include "measure.h"

#define KEY_SIZE (sizeof RAW_MEMBERS_PREFIX + LESSON_STORE_ID_MAX)
#define HASH_SIZE 41
#define PUT_BATCH 1024

/* The script cuts ids from the keys, so that each id is sent once. */
static const char join_script[] =
    "local call, user, members = redis.call, KEYS[1], KEYS[2]\n"
    "local uid, lesson = user:sub(22), members:sub(30)\n"
    "local old = call('HGET', user, 'lesson_id')\n"
    "if not old then\n"
    "    call('SADD', members, uid)\n"
    "elseif old ~= lesson and call('SMOVE', '" RAW_MEMBERS_PREFIX "' .. old, members, uid) == 0 then\n"
    "    call('SADD', members, uid)\n"
    "end\n"
    "call('HSET', user, 'uid', uid, 'course_id', ARGV[1], 'lesson_id', lesson)\n"
    "return old\n";

static const char quit_script[] = "local call, user = redis.call, KEYS[1]\n"
                                  "local old = call('HGET', user, 'lesson_id')\n"
                                  "if old then\n"
                                  "    call('SREM', '" RAW_MEMBERS_PREFIX "' .. old, user:sub(22))\n"
                                  "    call('DEL', user)\n"
                                  "end\n"
                                  "return old\n";

_Static_assert(sizeof RAW_USER_PREFIX == 22 && sizeof RAW_MEMBERS_PREFIX == 30, "where the scripts cut the ids");

struct raw_redis {
    redisContext *context;
    char join_hash[HASH_SIZE];
    char quit_hash[HASH_SIZE];
};

/* ---- Connecting */

/* Returns the reply if it is of this type. The caller frees it. */
static redisReply *must_be(raw_redis *raw, redisReply *reply, int type) {
    measure_must(reply, "redis: %s", raw->context->errstr);
    measure_must(reply->type != REDIS_REPLY_ERROR, "redis: %s", reply->str);
    measure_must(reply->type == type, "redis: a reply of type %d", reply->type);
    return reply;
}

static void load_script(raw_redis *raw, const char *script, char hash[HASH_SIZE]) {
    redisReply *reply =
        must_be(raw, (redisReply *)redisCommand(raw->context, "SCRIPT LOAD %s", script), REDIS_REPLY_STRING);
    snprintf(hash, HASH_SIZE, "%s", reply->str);
    freeReplyObject(reply);
}

raw_redis *raw_redis_open(const char *socket, int database) {
    raw_redis *raw = calloc(1, sizeof *raw);
    measure_must(raw, "no memory for a connection");
    raw->context = redisConnectUnix(socket);
    measure_must(raw->context && raw->context->err == 0, "%s: no connection", socket);
    freeReplyObject(must_be(raw, (redisReply *)redisCommand(raw->context, "SELECT %d", database), REDIS_REPLY_STATUS));
    load_script(raw, join_script, raw->join_hash);
    load_script(raw, quit_script, raw->quit_hash);
    return raw;
}

void raw_redis_close(raw_redis *raw) {
    redisFree(raw->context);
    free(raw);
}

const char *raw_redis_join_hash(const raw_redis *raw) {
    return raw->join_hash;
}

void raw_redis_command(raw_redis *raw, const char *command) {
    freeReplyObject(must_be(raw, (redisReply *)redisCommand(raw->context, command), REDIS_REPLY_STATUS));
}

uint64_t raw_redis_reads(raw_redis *raw) {
    static const char name[] = "total_reads_processed:";
    redisReply *reply = must_be(raw, (redisReply *)redisCommand(raw->context, "INFO stats"), REDIS_REPLY_STRING);
    const char *found = strstr(reply->str, name);
    measure_must(found, "redis: no %s", name);
    uint64_t reads = strtoull(found + sizeof name - 1, NULL, 10);
    freeReplyObject(reply);
    return reads;
}

/* ---- Joining and quitting */

static size_t make_key(char key[KEY_SIZE], const char *prefix, size_t prefix_size, lesson_store_id id) {
    memcpy(key, prefix, prefix_size);
    memcpy(key + prefix_size, id.data, id.size);
    return prefix_size + id.size;
}

static size_t make_user_key(char key[KEY_SIZE], lesson_store_id uid) {
    return make_key(key, RAW_USER_PREFIX, sizeof RAW_USER_PREFIX - 1, uid);
}

static size_t make_members_key(char key[KEY_SIZE], lesson_store_id lesson_id) {
    return make_key(key, RAW_MEMBERS_PREFIX, sizeof RAW_MEMBERS_PREFIX - 1, lesson_id);
}

static void append_join(raw_redis *raw, const workload_join *join) {
    char user[KEY_SIZE], members[KEY_SIZE];
    size_t user_size = make_user_key(user, join->uid), members_size = make_members_key(members, join->lesson_id);
    const char *texts[] = {"EVALSHA", raw->join_hash, "2", user, members, join->course_id.data};
    const size_t sizes[] = {7, HASH_SIZE - 1, 1, user_size, members_size, join->course_id.size};
    measure_must(redisAppendCommandArgv(raw->context, 6, (const char **)texts, sizes) == REDIS_OK, "redis: %s",
                 raw->context->errstr);
}

static redisReply *read_reply(raw_redis *raw) {
    void *reply = NULL;
    measure_must(redisGetReply(raw->context, &reply) == REDIS_OK, "redis: %s", raw->context->errstr);
    return reply;
}

/* Reads the reply of a script: the previous lesson, or nil. */
static redisReply *read_lesson(raw_redis *raw) {
    redisReply *reply = read_reply(raw);
    return must_be(raw, reply, reply->type == REDIS_REPLY_NIL ? REDIS_REPLY_NIL : REDIS_REPLY_STRING);
}

static bool read_moved(raw_redis *raw, const workload_join *join) {
    redisReply *before = read_lesson(raw);
    bool moved =
        before->type == REDIS_REPLY_STRING && ((size_t)before->len != join->lesson_id.size ||
                                               memcmp(before->str, join->lesson_id.data, join->lesson_id.size) != 0);
    freeReplyObject(before);
    return moved;
}

bool raw_redis_join(raw_redis *raw, const workload_join *join) {
    append_join(raw, join);
    return read_moved(raw, join);
}

size_t raw_redis_join_pipelined(raw_redis *raw, const workload_join *joins, size_t count) {
    size_t moved = 0;
    for (size_t i = 0; i < count; i++)
        append_join(raw, &joins[i]);
    for (size_t i = 0; i < count; i++)
        moved += read_moved(raw, &joins[i]);
    return moved;
}

void raw_redis_put(raw_redis *raw, const workload_join *joins, size_t count) {
    for (size_t first = 0; first < count; first += PUT_BATCH)
        raw_redis_join_pipelined(raw, joins + first, count - first < PUT_BATCH ? count - first : PUT_BATCH);
}

bool raw_redis_quit(raw_redis *raw, lesson_store_id uid) {
    char user[KEY_SIZE];
    size_t user_size = make_user_key(user, uid);
    const char *texts[] = {"EVALSHA", raw->quit_hash, "1", user};
    const size_t sizes[] = {7, HASH_SIZE - 1, 1, user_size};
    redisAppendCommandArgv(raw->context, 4, (const char **)texts, sizes);
    redisReply *before = read_lesson(raw);
    bool found = before->type == REDIS_REPLY_STRING;
    freeReplyObject(before);
    return found;
}

/* ---- Asking */

static void copy_text(char *out, const redisReply *text) {
    size_t size = text->type == REDIS_REPLY_STRING ? (size_t)text->len : 0;
    if (size)
        memcpy(out, text->str, size);
    out[size] = '\0';
}

bool raw_redis_where(raw_redis *raw, lesson_store_id uid, lesson_store_place *place) {
    char user[KEY_SIZE];
    size_t user_size = make_user_key(user, uid);
    const char *texts[] = {"HMGET", user, "course_id", "lesson_id", "session"};
    const size_t sizes[] = {5, user_size, 9, 9, 7};
    redisReply *reply =
        must_be(raw, (redisReply *)redisCommandArgv(raw->context, 5, (const char **)texts, sizes), REDIS_REPLY_ARRAY);
    bool found = reply->elements == 3 && reply->element[1]->type == REDIS_REPLY_STRING;
    if (found) {
        copy_text(place->course_id, reply->element[0]);
        copy_text(place->lesson_id, reply->element[1]);
        copy_text(place->session, reply->element[2]);
    }
    freeReplyObject(reply);
    return found;
}

size_t raw_redis_members(raw_redis *raw, lesson_store_id lesson_id) {
    char members[KEY_SIZE];
    size_t sum = 0, members_size = make_members_key(members, lesson_id);
    redisReply *reply =
        must_be(raw, (redisReply *)redisCommand(raw->context, "SMEMBERS %b", members, members_size), REDIS_REPLY_ARRAY);
    for (size_t i = 0; i < reply->elements; i++)
        sum += (size_t)reply->element[i]->len;
    freeReplyObject(reply);
    return sum;
}
