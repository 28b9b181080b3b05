/* Servers with TLS for a group of tests, and the certificates of tests/support/certificates.sh. */
#ifndef LESSON_STORE_TESTS_TLS_PLACE_H
#define LESSON_STORE_TESTS_TLS_PLACE_H

#include <pthread.h>

#include "certificates.h"
#include "raw.h"

typedef struct tls_place {
    raw_server raw; /* wants client certificates. Its `store` is NULL between tests */
    certificates made;
    redis_server *open; /* wants no client certificates; listens on 127.0.0.2 too */
} tls_place;

/* cmocka's set-up and tear-down of a group. */
int tls_place_start(void **state);
int tls_place_stop(void **state);

enum { TLS_LOCATION_SIZE = 1024 };

/* Writes "rediss://HOST:PORT?OPTIONS"; in the options "@" stands for the directory of the certificates. */
void tls_locate(char out[TLS_LOCATION_SIZE], const tls_place *place, const char *host, int port, const char *options);

/* The CA, the client certificate and its key. */
#define TLS_CLIENT "tls_ca=@/ca.crt&tls_cert=@/client.crt&tls_key=@/client.key"

/* A store on the server that wants client certificates, with these options after TLS_CLIENT: "" or "&a=b". */
lesson_store *tls_open(const tls_place *place, const char *options);

/* Returns the value of a fact of lesson_store_info, "" if there is none; valid until the next call. */
const char *tls_fact(lesson_store *store, const char *name);

/* Returns how many handshakes of the server that wants client certificates have succeeded since its start. */
long long tls_connections(tls_place *place);

/* Copies a file of the certificates' directory over another one, as a rotation does: by renaming. */
void tls_replace(const tls_place *place, const char *from, const char *to);

#endif
