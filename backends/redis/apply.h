/* Operations as requests, and their answers. A single operation has a script of its own kind, except that a `where` is
 * a command; a batch of plain joins has one, and all other batches share one. */
#ifndef LESSON_STORE_REDIS_APPLY_H
#define LESSON_STORE_REDIS_APPLY_H

#include "redis.h"

/* True for the end of a lesson and not just of its record: it may be too large for one step. */
static inline bool redis_is_end(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_END && !(operation->flags & LESSON_STORE_END_RECORD_ONLY);
}

/* Makes the instance's request of these operations. */
void redis_apply_begin(redis_store *store, const lesson_store_operation *operations, size_t count, bool with_source);

/* True if these are asked by a command instead of a script: then a key of a wrong type is the server's error to the
 * request, and this makes it the answer. */
bool redis_apply_is_command(const lesson_store_operation *operations, size_t count);
void redis_apply_read_wrong_type(redis_store *store, lesson_store_operation *operation);

/* Reads the answers to them from the instance's reply; `*answered` becomes how many. Where they end before a large
 * lesson that is to be ended, that operation is UNANSWERED and was not executed, nor was any behind it. False if the
 * reply is none of ours. */
bool redis_apply_read(redis_store *store, lesson_store_operation *operations, size_t count, size_t *answered);

#endif
