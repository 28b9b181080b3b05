/* What a new connection sends first: AUTH, HELLO, SELECT. */
#ifndef LESSON_STORE_REDIS_GREETING_H
#define LESSON_STORE_REDIS_GREETING_H

#include "connection.h"

/* Greets the server, and reads its engine and mode. Returns OK, or a code with its message set. After a failure the
 * caller closes the connection. */
int redis_greet(redis_connection *connection);

#endif
