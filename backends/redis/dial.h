/* Dialling: making the connected socket of a channel. */
#ifndef LESSON_STORE_REDIS_DIAL_H
#define LESSON_STORE_REDIS_DIAL_H

#include "settings.h"

/* Connects to this address, until `until_us`: each address of the host in turn, or the unix socket. `opening` is the
 * location that is being opened, or NULL: if it gives up, so does this. `*out` becomes a blocking socket, closed on
 * exec. Returns OK, or a code with its message set. */
int redis_dial(int *out, const redis_settings *settings, const redis_address *address, int64_t until_us,
               const lesson_store_location *opening);

#endif
