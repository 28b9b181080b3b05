/* The settings of a location. The instance keeps them, because it may have to reconnect. */
#ifndef LESSON_STORE_REDIS_SETTINGS_H
#define LESSON_STORE_REDIS_SETTINGS_H

#include <lessonstore/backend.h>

/* How much of the server's certificate is checked. */
typedef enum redis_tls_verify {
    REDIS_TLS_VERIFY_FULL, /* who has signed it, and whom it names */
    REDIS_TLS_VERIFY_CA,   /* who has signed it */
    REDIS_TLS_VERIFY_NONE
} redis_tls_verify;

typedef struct redis_settings {
    char *shown; /* the location without its password; messages begin with it */
    char *host;  /* NULL: connect to the socket */
    char *socket_path;
    char *user; /* NULL: none */
    char *password;
    char *prefix;
    int port;
    int db;
    int connect_timeout_ms;
    int timeout_ms;
    int members_at_once; /* the largest list of members that is read by one command */

    bool over_tls;
    redis_tls_verify tls_verify;
    char *tls_ca;   /* absolute paths of files in PEM format; NULL: the CAs of the system */
    char *tls_cert; /* NULL: no certificate of our own */
    char *tls_key;  /* not NULL if there is a certificate */
    char *tls_name; /* what the certificate must name; NULL: the host */
} redis_settings;

extern const lesson_store_option redis_options[];

/* OK, or INVALID or NO_MEMORY. After a failure nothing needs to be freed. */
int redis_settings_read(redis_settings *settings, const lesson_store_location *location);
void redis_settings_free(redis_settings *settings);

#endif
