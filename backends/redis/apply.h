/* Operations as requests, and their answers. A single operation has a script of its own kind; a single `where` is a
 * command. A batch of plain joins has its own script, and all other batches share one. */
#ifndef LESSON_STORE_REDIS_APPLY_H
#define LESSON_STORE_REDIS_APPLY_H

#include "redis.h"

/* True if the operation ends a lesson, not only its record. Such a lesson may be too large for one step. */
static inline bool redis_is_end(const lesson_store_operation *operation) {
    return operation->kind == LESSON_STORE_OPERATION_END && !(operation->flags & LESSON_STORE_END_RECORD_ONLY);
}

/* Writes these operations into the instance's request. */
void redis_apply_begin(redis_store *store, const lesson_store_operation *operations, size_t count, bool with_source);

/* The first is true if these operations are sent as a command instead of a script. A key of a wrong type then makes the
 * whole reply an error, and the second turns that error into the operation's answer. */
bool redis_apply_is_command(const lesson_store_operation *operations, size_t count);
void redis_apply_read_wrong_type(redis_store *store, lesson_store_operation *operation);

/* Reads the answers from the instance's reply; `*answered` becomes their number. If the answers stop before the end of
 * a large lesson, that operation is UNANSWERED, and neither it nor any operation behind it was executed. False if the
 * reply is malformed. */
bool redis_apply_read(redis_store *store, lesson_store_operation *operations, size_t count, size_t *answered);

#endif
