/*
 * A server that answers what the input says, without a network: whoever links this wraps the four functions by which
 * the redis backend reaches a server (redisConnectUnixWithTimeout, send, recv, ppoll), so that all of the rest is the
 * real code, and thousands of calls take a second.
 *
 * The input is the answers, one to each request, with a | between two. The connection is closed after the last one, and
 * none can be made any more. One byte at the beginning of an answer has a meaning of its own:
 *   !  close the connection after the rest        ~  say nothing after the rest, until time has run out
 *   ^  send the rest byte by byte                 =  take none of the request, and close
 */
#ifndef LESSON_STORE_FUZZ_HOSTILE_SERVER_H
#define LESSON_STORE_FUZZ_HOSTILE_SERVER_H

#include "fuzz.h"

#define HOSTILE_SERVER_LOCATION "redis+unix:///hostile?pool=1&timeout_ms=1"

/* From now on the server answers so. `polite` is for the greeting: it is answered as Redis does, and not by the input.
 */
void hostile_server_answer(const uint8_t *answers, size_t size, bool polite);

/* From now on it is a sound server with nothing in it. What it has not sent yet it does not send any more. */
void hostile_server_reform(void);

/* Gives the clock back, which is ahead by what was waited for. */
void hostile_server_end(void);

#endif
