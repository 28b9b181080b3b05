/* Looking up the addresses of a host name, within a time limit, which getaddrinfo does not have. */
#ifndef LESSON_STORE_REDIS_LOOKUP_H
#define LESSON_STORE_REDIS_LOOKUP_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct redis_lookup redis_lookup;

/* Begins to look a host up. An address that is written in digits needs no look-up, and a name gets a thread of its own.
 * NULL: there is no memory. */
redis_lookup *redis_lookup_begin(const char *host, int port);

/* Waits until the result is there, at most for `wait_us`. True: it is there. */
bool redis_lookup_wait(redis_lookup *lookup, int64_t wait_us);

/* Ends a look-up whether its result is there or not, and frees it. A thread that is still looking goes on alone, and
 * frees it then. Returns 0 and the addresses, for freeaddrinfo, or an error as getaddrinfo; EAI_AGAIN: there is no
 * result yet. */
int redis_lookup_end(redis_lookup *lookup, struct addrinfo **addresses);

#endif
