/* What a new connection sends first, all of it in one round trip: AUTH, HELLO, SELECT, CLIENT SETNAME, ROLE. */
#ifndef LESSON_STORE_REDIS_GREETING_H
#define LESSON_STORE_REDIS_GREETING_H

#include "connection.h"

/* Greets the peer. Of a server it learns the engine, the mode and the role, if the server tells them. Returns OK, or a
 * code with its message set; then the caller closes the connection. `plain`: send only what the server cannot do
 * without, AUTH and SELECT. `*is_broken`: the connection was closed instead of a reply, as proxies do that do not know
 * a command. Then greet it plainly, on a new connection. */
int redis_greet(redis_connection *connection, bool plain, bool *is_broken);

#endif
