/* The settings of a location. The instance keeps them, because it may have to reconnect. */
#ifndef LESSON_STORE_REDIS_SETTINGS_H
#define LESSON_STORE_REDIS_SETTINGS_H

#include <lessonstore/backend.h>

#include "address.h"

typedef enum redis_kind {
    REDIS_ONE_SERVER, /* the location names it */
    REDIS_SENTINEL,   /* Sentinels name it */
    REDIS_CLUSTER     /* it is the node of a Cluster that has the keys */
} redis_kind;

/* How much of the server's certificate is checked. */
typedef enum redis_tls_verify {
    REDIS_TLS_VERIFY_FULL, /* who has signed it, and whom it names */
    REDIS_TLS_VERIFY_CA,   /* who has signed it */
    REDIS_TLS_VERIFY_NONE
} redis_tls_verify;

/* Who this client is at the servers, or at the Sentinels. */
typedef struct redis_account {
    char *user; /* NULL: none */
    char *password;
    const char *file_option; /* the option that names the file */
    char *password_file;     /* its absolute path, or NULL: none. Read at each connection */
} redis_account;

typedef struct redis_settings {
    char *shown; /* the location without its password; messages begin with it */
    redis_kind kind;
    redis_address *addresses; /* of the server, the Sentinels, or some nodes of the Cluster */
    int address_count;        /* 0: connect to the socket */
    char *socket_path;
    char *master; /* the name by which the Sentinels know the server */
    redis_account account;
    redis_account sentinel_account;
    char *client_name;
    char *prefix;
    bool keys_are_apart; /* the keys of a Cluster's only shard: they are in several slots */
    int db;
    int connect_timeout_ms;
    int timeout_ms;
    int members_at_once;   /* the largest list of members that is read by one command */
    int failover_check_ms; /* how often the role of the server is asked again */
    bool takes_any_role;   /* a replica will do */
    int wait_replicas;     /* replicas that must confirm a write */
    int64_t events_kept;   /* the location turns the feed on, so the scripts always look for it; 0: it does not */

    bool over_tls;
    redis_tls_verify tls_verify;
    char *tls_ca;   /* absolute paths of files in PEM format; NULL: the CAs of the system */
    char *tls_cert; /* NULL: no certificate of our own */
    char *tls_key;  /* not NULL if there is a certificate */
    char *tls_name; /* what the certificate must name; NULL: the host */
} redis_settings;

/* The beginning of every scheme that is as secure as that of the location, for messages that name one. */
static inline const char *redis_scheme(const redis_settings *settings) {
    return settings->over_tls ? "rediss" : "redis";
}

extern const lesson_store_option redis_options[];

/* OK, or INVALID or NO_MEMORY. After a failure nothing needs to be freed. */
int redis_settings_read(redis_settings *settings, const lesson_store_location *location);
void redis_settings_free(redis_settings *settings);

#endif
