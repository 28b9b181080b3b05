/* What a new connection sends first: AUTH, HELLO, SELECT. */
#ifndef LESSON_STORE_REDIS_GREETING_H
#define LESSON_STORE_REDIS_GREETING_H

#include "connection.h"

/* Greets the server, and reads its engine and mode if it says HELLO. Returns OK, or a code with its message set. After
 * a failure the caller closes the connection. `*is_hello_refused`: the server closed it instead of a reply to HELLO, as
 * proxies do that do not know the command. Then greet it on a new connection without HELLO. */
int redis_greet(redis_connection *connection, bool with_hello, bool *is_hello_refused);

#endif
