/* Operations as requests, and their answers. A single operation has a script of its own kind; a single `where` or count
 * is a command. A batch of plain joins has its own script, and all other batches share one. */
#ifndef LESSON_STORE_REDIS_APPLY_H
#define LESSON_STORE_REDIS_APPLY_H

#include "redis.h"

/* True if the operation ends a lesson, not only its record. Such a lesson may be too large for one step. */
static inline bool redis_is_end(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_END && !(operation->flags & LESSON_STORE_END_RECORD_ONLY);
}

/* Write these operations into the instance's request: the second with the source of the script. */
void redis_apply_begin(redis_store *store, const lesson_store_operation *operations, size_t count);
void redis_apply_begin_with_source(redis_store *store, const lesson_store_operation *operations, size_t count);

/* The first is true if these operations are sent as a command instead of a script. A key of a wrong type then makes the
 * whole reply an error, and the second turns that error into the operation's answer. */
bool redis_apply_is_command(const lesson_store_operation *operations, size_t count);
void redis_apply_read_wrong_type(redis_store *store, lesson_store_operation *operation);

/* True if the answer of this join or quit has a place. */
bool redis_apply_answers_place(const lesson_store_operation *operation);

/* For owners whose keys have this prefix, all in one slot: begins a call of a script about them, with all keys that it
 * uses, so that a Cluster executes it where they are together. The second begins a HOLD, whole. */
void redis_apply_begin_owners(redis_request *request, const redis_script *script, const char *prefix);
void redis_apply_begin_hold(redis_request *request, const char *prefix, const lesson_store_operation *hold);

/* ---- answers.c */

/* What a reply leaves to be done, beginning with the first operation that it does not answer. Neither that operation
 * nor any behind it was executed. */
typedef enum redis_rest {
    REDIS_REST_NOTHING,
    REDIS_REST_LARGE_END, /* it ends a lesson that is too large for one step */
    REDIS_REST_REFUSED,   /* the server refuses it for now: see redis_apply_refusal */
    REDIS_REST_AGAIN      /* send the rest again: the step has ended enough members */
} redis_rest;

/* Reads the answers from the instance's reply; `*answered` becomes their number. False if the reply is malformed. */
bool redis_apply_read(redis_store *store, lesson_store_operation *operations, size_t count, size_t *answered,
                      redis_rest *rest);

/* True if already the first operation of the reply was refused for now, so that nothing was executed. */
bool redis_apply_is_refused(const redis_reply *reply);

/* The error with which the server refused an operation for now. The reply that was read owns it. Returns its code, with
 * the message set. */
int redis_apply_refusal(redis_store *store, lesson_store_id *error);

#endif
