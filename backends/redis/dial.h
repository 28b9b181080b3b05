/* Dialling: making the connected socket of a channel. */
#ifndef LESSON_STORE_REDIS_DIAL_H
#define LESSON_STORE_REDIS_DIAL_H

#include "lookup.h"
#include "settings.h"

/* For messages. */
static inline int redis_rounded_ms(int64_t us) {
    return (int)((us + 500) / 1000);
}

typedef struct redis_dial {
    const redis_settings *settings;
    const redis_address *address;
    redis_lookups *lookups;               /* of the store */
    const lesson_store_location *opening; /* that is being opened: if it gives up, so does this. Or NULL */
    int64_t began_us;
    int64_t until_us;
} redis_dial;

/* Connects to the address: to each address of the host in turn, or to the unix socket. `*out` becomes a blocking
 * socket, closed on exec. Returns OK, or a code with its message set. */
int redis_dial_open(int *out, const redis_dial *dial);

#endif
