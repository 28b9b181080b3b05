/*
 * An actor: one operation of the shipped backend on its way, a request at a time. It runs on a thread of its own, which
 * waits whenever it has given requests, so that the test decides what happens to each: it is answered; it is sent
 * again; a copy of it arrives later; the actor crashes.
 */
#ifndef LESSON_STORE_TESTS_PROTOCOL_ACTOR_H
#define LESSON_STORE_TESTS_PROTOCOL_ACTOR_H

#include "stage.h"

#include <lessonstore/backend.h>

#define ACTOR_ARGUMENTS_MAX 24

typedef enum actor_kind {
    ACTOR_JOIN,
    ACTOR_QUIT,
    ACTOR_END,
    ACTOR_REPAIR, /* of the members of a lesson */
    ACTOR_DEEP,   /* repair: the user records */
    ACTOR_MEMBERS /* the verified list of the members */
} actor_kind;

typedef struct actor_task {
    actor_kind kind;
    int user;
    int lesson;
    uint32_t flags; /* of a join */
    bool has_owner; /* of a join, or of a quit, which then is that of a sweep */
} actor_task;

/* A text of a request, borrowed from it. */
typedef struct actor_text {
    const char *data;
    size_t size;
} actor_text;

typedef struct actor_ask {
    char *bytes;
    size_t size;
    stage_script script;
    actor_text arguments[ACTOR_ARGUMENTS_MAX]; /* without the script and its keys; of a command: all */
    size_t count;
    int user;   /* whom the script is about; -1: several, or none */
    int lesson; /* of add and remove; else -1 */
    bool is_answered;
    bool was_lost; /* sent before */
} actor_ask;

typedef struct test_actor test_actor;

/* Runs until its first requests. The actor uses the stage until it is freed. */
test_actor *actor_begin(test_stage *stage, const actor_task *task);

/* The requests that it has given. */
size_t actor_ask_count(const test_actor *actor);
actor_ask *actor_ask_at(test_actor *actor, size_t index);

/* Sends a request, and gives the reply to the actor; the caller frees it. After the last of its requests the actor goes
 * on until its next ones, or its end. */
stage_reply actor_answer(test_actor *actor, size_t index);

/* The same with a reply that the caller makes up. */
void actor_answer_with(test_actor *actor, size_t index, const char *bytes, size_t size);

/* It sends nothing more. */
void actor_crash(test_actor *actor);

bool actor_is_done(const test_actor *actor);

/* Of one that is done. */
int actor_code(const test_actor *actor);
uint32_t actor_listed(const test_actor *actor); /* a bit for each user: ACTOR_MEMBERS */

/* It must be done. */
void actor_free(test_actor *actor);

/* Answers everything until it is done, and frees it. Returns the users that it listed. */
uint32_t actor_run(test_stage *stage, const actor_task *task);

#endif
