/* What a new connection says first: AUTH, HELLO, SELECT. */
#ifndef LESSON_STORE_REDIS_GREETING_H
#define LESSON_STORE_REDIS_GREETING_H

#include "connection.h"

/* Greets the server, and learns its engine and mode. OK, or a code, announced; the caller closes the connection then.
 */
int redis_greet(redis_connection *connection);

#endif
