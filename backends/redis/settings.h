/* The settings of a location. The instance keeps them, because it may have to reconnect. */
#ifndef LESSON_STORE_REDIS_SETTINGS_H
#define LESSON_STORE_REDIS_SETTINGS_H

#include <lessonstore/backend.h>

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
} redis_settings;

extern const lesson_store_option redis_options[];

/* OK, or INVALID or NO_MEMORY. After a failure nothing needs to be freed. */
int redis_settings_read(redis_settings *settings, const lesson_store_location *location);
void redis_settings_free(redis_settings *settings);

#endif
