/*
 * TLS beneath a channel, by OpenSSL. Only channel.c uses connections, which do not wait: the channel does.
 *
 * In a build without OpenSSL (tls_none.c) opening a context is UNSUPPORTED, and so there are no connections.
 */
#ifndef LESSON_STORE_REDIS_TLS_H
#define LESSON_STORE_REDIS_TLS_H

#include <sys/types.h>

#include "settings.h"

/* ---- The context: what the connections of a store share
 *
 * The CAs, our certificate and its key, and the last session, by which a later handshake is shorter. If one of the
 * files was replaced, the next connection reads all of them again. Any thread may use a context.
 */
typedef struct redis_tls_context redis_tls_context;

/* Reads the files. The settings may be freed afterwards. Returns OK; DENIED if the process has no right to a file;
 * INVALID if a file is missing or malformed; UNSUPPORTED; NO_MEMORY. The message names the option. */
int redis_tls_context_open(redis_tls_context **out, const redis_settings *settings);

/* No connection may use it any more. */
void redis_tls_context_release(redis_tls_context *context); /* NULL is allowed */

/* Returns how many handshakes resumed a session. */
uint64_t redis_tls_context_resumed(redis_tls_context *context);

/* ---- Connections. One thread at a time */

typedef struct redis_tls redis_tls;

/* Prepares a handshake over a connected socket, which stays the caller's. `name` is what the server's certificate must
 * name, if tls_name gives nothing else: a host name or an address. Returns OK, or a code with its message set. If the
 * files were replaced and cannot be read, the code is DENIED or UNREACHABLE, and the next call reads them again. */
int redis_tls_open(redis_tls **out, redis_tls_context *context, int socket, const char *name);

/* Frees the connection. `says_goodbye`: tells the server first that nothing more will come. Not in a forked child,
 * whose parent uses the connection. NULL is allowed. */
void redis_tls_close(redis_tls *tls, bool says_goodbye);

/* These three return as send and recv do: a negative number is a failure. errno is EAGAIN if the call is to be repeated
 * when the socket is ready. Otherwise redis_tls_problem says why. */
int redis_tls_shake_hands(redis_tls *tls);
ssize_t redis_tls_send(redis_tls *tls, const char *bytes, size_t size);
ssize_t redis_tls_receive(redis_tls *tls, char *bytes, size_t size, int flags); /* without MSG_DONTWAIT it may wait
                                                                                 * once, as long as the socket does */

/* The events of poll to wait for before sending, or before receiving and shaking hands. 0: none, because bytes that
 * have arrived are here already. */
short redis_tls_send_events(const redis_tls *tls);
short redis_tls_receive_events(const redis_tls *tls);

/* True if bytes were received from the socket and not passed on yet. They need not be a whole record. */
bool redis_tls_has_pending(const redis_tls *tls);

/* As redis_channel_is_stale. Session tickets, which a server sends when it likes, do not count. */
bool redis_tls_is_stale(redis_tls *tls);

/* Why the latest call failed. The code is DENIED if we do not accept the server's certificate or it does not accept
 * ours, else UNREACHABLE. */
const char *redis_tls_problem(const redis_tls *tls);
int redis_tls_code(const redis_tls *tls);

/* Writes the version and the ciphers, such as "TLSv1.3 TLS_AES_256_GCM_SHA384". */
void redis_tls_describe(const redis_tls *tls, char *text, size_t size);

/* True if the handshake has resumed a session. */
bool redis_tls_is_resumed(const redis_tls *tls);

#endif
