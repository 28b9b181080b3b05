/*
 * A server that answers what the input contains, without a network. The target wraps the four functions through which
 * the redis backend reaches a server (connect, send, recv, ppoll). So everything else is the real
 * code, and thousands of calls take a second.
 *
 * The input is the answers, one for each request, with a | between two. After the last answer the connection is closed,
 * and no new one can be made. One byte at the beginning of an answer may have a meaning of its own:
 *
 *   !  close the connection after the rest        ~  say nothing after the rest, until time has run out
 *   ^  send the rest byte by byte                 =  take none of the request, and close
 */
#ifndef LESSON_STORE_FUZZ_HOSTILE_SERVER_H
#define LESSON_STORE_FUZZ_HOSTILE_SERVER_H

#include "fuzz.h"

#define HOSTILE_SERVER_LOCATION "redis+unix:///hostile?pool=1&timeout_ms=1000"

/* From now on the server uses these answers. `polite`: it answers the greeting as Redis does, and not from the input.
 */
void hostile_server_answer(const uint8_t *answers, size_t size, bool polite);

/* From now on it is a correct server without data. Bytes that it has not sent yet are dropped. */
void hostile_server_reform(void);

/* Resets the clock, which is ahead by the time spent waiting. */
void hostile_server_end(void);

#endif
