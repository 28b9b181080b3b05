#include "stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/cluster/script.h"

#define CHUNK 4096
#define READY_TRIES 1000
#define READY_PAUSE_US 10000
#define A "STATUS:IN_LESSON:UID:%s"
#define S "STATUS:LESSON_STATUS:LESSON_ID:%s"
#define R "STATUS:LESSON_USER:LESSON_ID:%s"
#define H "{" A "}:v"
#define V "{" R "}:v"

static const struct {
    stage_script name;
    const redis_script *script;
} shipped[STAGE_SHIPPED] = {{STAGE_INSPECT, &redis_inspect_script},
                            {STAGE_ADD, &redis_add_script},
                            {STAGE_COMMIT, &redis_commit_script},
                            {STAGE_EVICT, &redis_evict_script},
                            {STAGE_REMOVE, &redis_remove_script},
                            {STAGE_OTHER_SCRIPT, &redis_record_script},
                            {STAGE_OTHER_SCRIPT, &redis_unlink_record_script},
                            {STAGE_OTHER_SCRIPT, &redis_check_user_script}};

static const char *const names[STAGE_SCRIPTS] = {"command", "inspect", "add", "commit", "evict", "remove", "other"};

static void fail(const char *what, const char *why) {
    fprintf(stderr, "protocol: %s: %s\n", what, why);
    abort();
}

/* ---- Opening */

static bool is_ready(redisContext *connection) {
    redisReply *reply = redisCommand(connection, "CLUSTER INFO");
    bool is_ok = reply && reply->type == REDIS_REPLY_STRING && strstr(reply->str, "cluster_state:ok");
    freeReplyObject(reply);
    return is_ok;
}

/* The only node takes a moment to find the state of its cluster ok. */
static bool take_all_slots(redisContext *connection) {
    freeReplyObject(redisCommand(connection, "CLUSTER ADDSLOTSRANGE 0 16383"));
    for (int tries = 0; tries < READY_TRIES; tries++) {
        if (is_ready(connection))
            return true;
        usleep(READY_PAUSE_US);
    }
    return false;
}

test_stage *stage_open(void) {
    test_stage *stage = calloc(1, sizeof *stage);
    const redis_server_options options = {.is_cluster_node = true};
    stage->server = redis_server_start_with(&options);
    if (stage->server)
        stage->connection = redisConnectUnix(redis_server_socket(stage->server));
    if (!stage->connection || stage->connection->err || !take_all_slots(stage->connection)) {
        fprintf(stderr, "protocol: the node of a cluster did not start\n");
        stage_close(stage);
        return NULL;
    }
    return stage;
}

void stage_close(test_stage *stage) {
    if (!stage)
        return;
    if (stage->connection)
        redisFree(stage->connection);
    redis_server_stop(stage->server);
    free(stage);
}

/* ---- Scripts */

/* Returns the edited text, which the caller frees, or NULL if the edit does not fit. */
static char *edit_text(const stage_edit *edit, char *text) {
    const char *at = strstr(text, edit->from);
    if (!at || strstr(at + 1, edit->from)) {
        fprintf(stderr, "protocol: %s must stand once in %s.lua: %s\n", edit->from, names[edit->script], text);
        free(text);
        return NULL;
    }
    char *edited = malloc(strlen(text) + strlen(edit->to) + 1);
    sprintf(edited, "%.*s%s%s", (int)(at - text), text, edit->to, at + strlen(edit->from));
    free(text);
    return edited;
}

static char *text_of(size_t i, const stage_edit *edits) {
    char *text = strndup(shipped[i].script->source, shipped[i].script->size);
    for (; edits->from && text; edits++) {
        if (edits->script == shipped[i].name)
            text = edit_text(edits, text);
    }
    return text;
}

static bool load(test_stage *stage, size_t i, const stage_edit *edits) {
    char *text = text_of(i, edits);
    if (!text)
        return false;
    redisReply *reply = redisCommand(stage->connection, "SCRIPT LOAD %s", text);
    if (!reply || reply->type != REDIS_REPLY_STRING)
        fail(names[shipped[i].name], reply ? reply->str : "no reply");
    snprintf(stage->loaded[i], sizeof stage->loaded[i], "%s", reply->str);
    freeReplyObject(reply);
    free(text);
    return true;
}

bool stage_load(test_stage *stage, const stage_edit *edits) {
    for (size_t i = 0; i < STAGE_SHIPPED; i++) {
        if (!load(stage, i, edits))
            return false;
    }
    return true;
}

static int index_of(const char *sha1, size_t size) {
    for (size_t i = 0; i < STAGE_SHIPPED; i++) {
        if (size == 40 && memcmp(shipped[i].script->sha1, sha1, 40) == 0)
            return (int)i;
    }
    return -1;
}

stage_script stage_script_of(const char *sha1, size_t size) {
    int i = index_of(sha1, size);
    return i < 0 ? STAGE_OTHER_SCRIPT : shipped[i].name;
}

const char *stage_script_name(stage_script script) {
    return names[script];
}

/* ---- Requests */

static void put_digest(const test_stage *stage, char *bytes, size_t size) {
    static const char head[] = "\r\n$40\r\n";
    char *at = memmem(bytes, size, head, strlen(head));
    int i = at ? index_of(at + strlen(head), 40) : -1;
    if (i >= 0)
        memcpy(at + strlen(head), stage->loaded[i], 40);
}

static void write_all(int file, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written <= 0)
            fail("write", "the connection is lost");
        bytes += written;
        size -= (size_t)written;
    }
}

static void read_some(int file, redisReader *reader, stage_reply *reply) {
    reply->bytes = realloc(reply->bytes, reply->size + CHUNK);
    ssize_t got = read(file, reply->bytes + reply->size, CHUNK);
    if (got <= 0)
        fail("read", "the connection is lost");
    redisReaderFeed(reader, reply->bytes + reply->size, (size_t)got);
    reply->size += (size_t)got;
}

stage_reply stage_send(test_stage *stage, const char *bytes, size_t size) {
    char *sent = malloc(size);
    stage_reply reply = {.tree = NULL};
    redisReader *reader = redisReaderCreate();
    memcpy(sent, bytes, size);
    put_digest(stage, sent, size);
    write_all(stage->connection->fd, sent, size);
    do
        read_some(stage->connection->fd, reader, &reply);
    while (redisReaderGetReply(reader, (void **)&reply.tree) == REDIS_OK && !reply.tree);
    redisReaderFree(reader);
    free(sent);
    return reply;
}

void stage_reply_free(stage_reply *reply) {
    freeReplyObject(reply->tree);
    free(reply->bytes);
}

static redisReply *ask(test_stage *stage, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(stage->connection, format, arguments);
    va_end(arguments);
    if (!reply || reply->type == REDIS_REPLY_ERROR)
        fail(format, reply ? reply->str : "no reply");
    return reply;
}

void stage_do(test_stage *stage, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redisvCommand(stage->connection, format, arguments);
    va_end(arguments);
    if (!reply || reply->type == REDIS_REPLY_ERROR)
        fail(format, reply ? reply->str : "no reply");
    freeReplyObject(reply);
}

/* ---- Users and lessons */

const char *stage_uid(int user) {
    static const char *const uids[STAGE_USERS] = {"ann", "bob"};
    return uids[user];
}

const char *stage_lesson(int lesson) {
    static const char *const lessons[STAGE_LESSONS + 1] = {"", "algebra", "biology"};
    return lessons[lesson];
}

static bool is_text(const char *text, const char *data, size_t size) {
    return strlen(text) == size && memcmp(text, data, size) == 0;
}

int stage_user_of(const char *uid, size_t size) {
    for (int user = 0; user < STAGE_USERS; user++) {
        if (is_text(stage_uid(user), uid, size))
            return user;
    }
    return -1;
}

int stage_lesson_of(const char *lesson, size_t size) {
    for (int number = 0; number <= STAGE_LESSONS; number++) {
        if (is_text(stage_lesson(number), lesson, size))
            return number;
    }
    return -1;
}

/* ---- What is stored */

static int lesson_in(const redisReply *reply) {
    return reply->type == REDIS_REPLY_STRING ? stage_lesson_of(reply->str, reply->len) : 0;
}

static redisReply *next_reply(test_stage *stage) {
    redisReply *reply = NULL;
    if (redisGetReply(stage->connection, (void **)&reply) != REDIS_OK || !reply || reply->type == REDIS_REPLY_ERROR)
        fail("reading what is stored", reply ? reply->str : "no reply");
    return reply;
}

static void ask_user(test_stage *stage, int user) {
    const char *uid = stage_uid(user);
    redisAppendCommand(stage->connection, "HGET " A " lesson_id", uid);
    redisAppendCommand(stage->connection, "HMGET " H " v o l", uid);
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++) {
        redisAppendCommand(stage->connection, "SISMEMBER " R " %s", stage_lesson(lesson), uid);
        redisAppendCommand(stage->connection, "HGET " V " %s", stage_lesson(lesson), uid);
    }
}

static void read_helper(test_stage *stage, stage_user *user) {
    redisReply *reply = next_reply(stage);
    redisReply **fields = reply->element;
    user->has_helper = fields[0]->type == REDIS_REPLY_STRING;
    if (user->has_helper) {
        user->version = strtoull(fields[0]->str, NULL, 10);
        snprintf(user->last, sizeof user->last, "%s", fields[1]->str);
        user->seen = lesson_in(fields[2]);
    }
    freeReplyObject(reply);
}

static void read_user(test_stage *stage, stage_user *user) {
    *user = (stage_user){.lesson = 0};
    redisReply *reply = next_reply(stage);
    user->lesson = lesson_in(reply);
    freeReplyObject(reply);
    read_helper(stage, user);
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++) {
        reply = next_reply(stage);
        user->is_member[lesson] = reply->integer == 1;
        freeReplyObject(reply);
        reply = next_reply(stage);
        user->versions[lesson] = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;
        freeReplyObject(reply);
    }
}

void stage_read(test_stage *stage, stage_user users[STAGE_USERS]) {
    for (int user = 0; user < STAGE_USERS; user++)
        ask_user(stage, user);
    for (int user = 0; user < STAGE_USERS; user++)
        read_user(stage, &users[user]);
}

void stage_print(const stage_user users[STAGE_USERS]) {
    for (int i = 0; i < STAGE_USERS; i++) {
        const stage_user *user = &users[i];
        fprintf(stderr, "  | %s A %d v %llu o %s l %d R %d %d V %lld %lld\n", stage_uid(i), user->lesson,
                (unsigned long long)user->version, user->has_helper ? user->last : "(lost)", user->seen,
                user->is_member[1], user->is_member[2], (long long)user->versions[1], (long long)user->versions[2]);
    }
}

bool stage_agrees(const stage_user users[STAGE_USERS]) {
    for (int user = 0; user < STAGE_USERS; user++) {
        for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++) {
            if (users[user].is_member[lesson] != (users[user].lesson == lesson))
                return false;
        }
    }
    return true;
}

/* ---- Others */

void stage_legacy_hmset(test_stage *stage, int user, int lesson) {
    stage_do(stage, "HMSET " A " uid %s course_id art lesson_id %s", stage_uid(user), stage_uid(user),
             stage_lesson(lesson));
}

void stage_legacy_sadd(test_stage *stage, int user, int lesson) {
    stage_do(stage, "SADD " R " %s", stage_lesson(lesson), stage_uid(user));
}

int stage_legacy_hget(test_stage *stage, int user) {
    redisReply *reply = ask(stage, "HGET " A " lesson_id", stage_uid(user));
    int lesson = lesson_in(reply);
    freeReplyObject(reply);
    return lesson;
}

void stage_legacy_del(test_stage *stage, int user) {
    stage_do(stage, "DEL " A, stage_uid(user));
}

void stage_legacy_srem(test_stage *stage, int user, int lesson) {
    stage_do(stage, "SREM " R " %s", stage_lesson(lesson), stage_uid(user));
}

void stage_lose_helper(test_stage *stage, int user) {
    stage_do(stage, "DEL " H, stage_uid(user));
}

void stage_make_record(test_stage *stage, int lesson, int capacity) {
    const char *id = stage_lesson(lesson);
    stage_do(stage, "HSET " S " lesson_id %s course_status 1 chat_status 0", id, id);
    if (capacity > 0)
        stage_do(stage, "HSET " S " capacity %d", id, capacity);
}
