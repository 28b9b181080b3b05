/* What a location says, kept for as long as the instance may have to connect anew. */
#ifndef LESSON_STORE_REDIS_SETTINGS_H
#define LESSON_STORE_REDIS_SETTINGS_H

#include <lessonstore/backend.h>

typedef struct redis_settings {
    char *shown; /* the location without its password: what messages begin with */
    char *host;  /* NULL: connect to the socket */
    char *socket_path;
    char *user; /* NULL: none */
    char *password;
    char *prefix;
    int port;
    int db;
    int connect_timeout_ms;
    int timeout_ms;
    int members_at_once; /* members of a lesson that are listed by one command */
} redis_settings;

extern const lesson_store_option redis_options[];

/* OK, or INVALID or NO_MEMORY with nothing to be freed. */
int redis_settings_read(redis_settings *settings, const lesson_store_location *location);
void redis_settings_free(redis_settings *settings);

#endif
