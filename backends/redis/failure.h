/* The meaning of the server's error replies. */
#ifndef LESSON_STORE_REDIS_FAILURE_H
#define LESSON_STORE_REDIS_FAILURE_H

#include <lessonstore/backend.h>

/* Returns the negative code for an error reply. Every error but those of the next two functions means that the command
 * was not executed, or had no effect as a whole. */
int redis_failure_code(lesson_store_id error);

/* True if Lua itself has ended a script, as in arithmetic on a text, and no command of the script has failed. Nobody
 * knows what the script had written. */
bool redis_failure_is_of_lua(lesson_store_id error);

/* True if a script called a command that its account may not use. What it did before that is done. */
bool redis_failure_is_denied_within(lesson_store_id error);

/* True if an error reply begins with this word or line. */
bool redis_failure_is(lesson_store_id error, const char *beginning);

/* True if the server has not executed the request, and it or another server will later: during a failover, or while
 * keys are being moved between the nodes of a Cluster. scripts/failure.lua has the same list. */
bool redis_failure_is_transient(lesson_store_id error);

#endif
