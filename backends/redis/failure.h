/* What the server's error replies mean. */
#ifndef LESSON_STORE_REDIS_FAILURE_H
#define LESSON_STORE_REDIS_FAILURE_H

#include <lessonstore/backend.h>

/* The negative code for an error reply. Each says that the command was not executed, or as a whole had no effect. */
int redis_failure_code(lesson_store_id error);

/* True if an error reply begins with this word or line. */
bool redis_failure_is(lesson_store_id error, const char *beginning);

#endif
