/* The context, for the connections in tls.c. */
#ifndef LESSON_STORE_REDIS_TLS_CONTEXT_H
#define LESSON_STORE_REDIS_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "tls.h"

/* Begins a connection: `*out` has the current files, and offers the last session of this name. `*name` becomes tls_name
 * where the settings give one. Returns OK, or a code with its message set. */
int redis_tls_context_connect(redis_tls_context *context, SSL **out, const char **name);

/* Called after a handshake. If one that offered a session fails, the session is dropped. */
void redis_tls_context_note(redis_tls_context *context, SSL *ssl, bool is_done);

/* Keeps a session for later connections whose certificate must name the same. A session stands for a verified
 * certificate, so it is never offered under another name. Takes the session over if it returns true. */
bool redis_tls_context_keep(redis_tls_context *context, const SSL *ssl, SSL_SESSION *session, const char *name);

bool redis_tls_context_has_certificate(const redis_tls_context *context);
const char *redis_tls_context_shown(const redis_tls_context *context);

/* Called by OpenSSL for each new session. SSL_get_app_data is the redis_tls. In tls.c. */
int redis_tls_on_session(SSL *ssl, SSL_SESSION *session);

#endif
