/*
 * Where the operations play: one node of a Redis Cluster that has all slots, so it refuses every script and every
 * command whose keys are in several of them. And what is stored there, as the model names it.
 */
#ifndef LESSON_STORE_TESTS_PROTOCOL_STAGE_H
#define LESSON_STORE_TESTS_PROTOCOL_STAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#include "redis_server.h"

#define STAGE_USERS 2
#define STAGE_LESSONS 2
#define STAGE_ID_SIZE 64
#define STAGE_SHIPPED 8 /* scripts */

typedef enum stage_script {
    STAGE_NO_SCRIPT, /* a plain command */
    STAGE_INSPECT,
    STAGE_ADD,
    STAGE_COMMIT,
    STAGE_EVICT,
    STAGE_REMOVE,
    STAGE_OTHER_SCRIPT,
    STAGE_SCRIPTS
} stage_script;

typedef struct test_stage {
    redis_server *server;
    redisContext *connection;       /* its buffers are used by stage_do only, between the requests of stage_send */
    char loaded[STAGE_SHIPPED][41]; /* the digests of the scripts that are run; others than the shipped for a mutant */
} test_stage;

/* A text of a script that is replaced: it must stand there exactly once. */
typedef struct stage_edit {
    stage_script script;
    const char *from; /* NULL: no edit */
    const char *to;
} stage_edit;

/* NULL, with a message on stderr, if the server did not start. */
test_stage *stage_open(void);
void stage_close(test_stage *stage);

/* Loads the scripts as they are shipped, with these edits; ended by one without `from`. False, with a message on
 * stderr, if an edit does not fit the text. */
bool stage_load(test_stage *stage, const stage_edit *edits);

/* Which script a digest of a shipped one names. */
stage_script stage_script_of(const char *sha1, size_t size);
const char *stage_script_name(stage_script script);

/* Users and lessons have numbers: users from 0, lessons from 1; 0 is no lesson. Their ids: */
const char *stage_uid(int user);
const char *stage_lesson(int lesson); /* "" for none */
int stage_user_of(const char *uid, size_t size);
int stage_lesson_of(const char *lesson, size_t size); /* -1: an unknown one */

typedef struct stage_user {
    int lesson; /* of the user record */
    bool has_helper;
    uint64_t version;
    char last[STAGE_ID_SIZE];
    int seen; /* the lesson in the helper */
    bool is_member[STAGE_LESSONS + 1];
    int64_t versions[STAGE_LESSONS + 1]; /* below 0: of one seen elsewhere; 0: none */
} stage_user;

void stage_read(test_stage *stage, stage_user users[STAGE_USERS]);
void stage_print(const stage_user users[STAGE_USERS]);

/* Each member is in the lesson, and nobody else is. */
bool stage_agrees(const stage_user users[STAGE_USERS]);

/* Runs a command that must succeed. */
void stage_do(test_stage *stage, const char *format, ...);

typedef struct stage_reply {
    redisReply *tree;
    char *bytes;
    size_t size;
} stage_reply;

/* Sends the bytes of a request, with the scripts that were loaded in place of those that are shipped. */
stage_reply stage_send(test_stage *stage, const char *bytes, size_t size);
void stage_reply_free(stage_reply *reply);

/* A writer of the stored form that knows no versions. */
void stage_legacy_hmset(test_stage *stage, int user, int lesson);
void stage_legacy_sadd(test_stage *stage, int user, int lesson);
int stage_legacy_hget(test_stage *stage, int user);
void stage_legacy_del(test_stage *stage, int user);
void stage_legacy_srem(test_stage *stage, int user, int lesson);
/* `capacity` 0: any number. */
void stage_make_record(test_stage *stage, int lesson, int capacity);
void stage_lose_helper(test_stage *stage, int user);

#endif
