/* Looking up the addresses of a host name, within a time limit, which getaddrinfo does not have. */
#ifndef LESSON_STORE_REDIS_LOOKUP_H
#define LESSON_STORE_REDIS_LOOKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

struct addrinfo; /* of netdb.h */

/* The look-ups under way of one store. A resolver that hangs holds a thread for each look-up, so all who want the same
 * address share one. */
typedef struct redis_lookups redis_lookups;

/* NULL: there is no memory. */
redis_lookups *redis_lookups_open(void);

/* No caller may be waiting for a look-up any more. A thread that is still looking goes on alone, and frees what it
 * uses. */
void redis_lookups_release(redis_lookups *lookups); /* NULL is allowed */

typedef struct redis_lookup redis_lookup;

/* Begins to look an address up, or joins those who do already. An address that is written in digits needs no look-up,
 * and a name gets a thread of its own. NULL: there is no memory. */
redis_lookup *redis_lookup_begin(redis_lookups *lookups, const redis_address *address);

/* Waits until the result is there, at most for `wait_us`. True: it is there. */
bool redis_lookup_wait(redis_lookup *lookup, int64_t wait_us);

/* After redis_lookup_wait has returned true: returns 0, or an error of getaddrinfo. The addresses belong to all who
 * share the look-up, and are valid until redis_lookup_end. */
int redis_lookup_result(const redis_lookup *lookup, const struct addrinfo **addresses);

/* Every caller of redis_lookup_begin ends it once, whether the result is there or not. The last user frees it. */
void redis_lookup_end(redis_lookup *lookup);

#endif
