#include <stdlib.h>
#include <sys/un.h>

#include "settings.h"

#define DEFAULT_PORT 6379
#define DB_MAX 65535
#define TIMEOUT_MAX_MS 600000
#define MEMBERS_AT_ONCE 10000 /* listing them takes about 3 ms of the server's time */
#define MEMBERS_AT_ONCE_MAX 10000000

const lesson_store_option redis_options[] = {
    {.name = "prefix", .summary = "the beginning of every key", .text_default = "STATUS"},
    {.name = "db", .summary = "the number of the database", .number_default = 0, .minimum = 0, .maximum = DB_MAX},
    {.name = "connect_timeout_ms",
     .summary = "the most time for making a connection",
     .number_default = 2000,
     .minimum = 1,
     .maximum = TIMEOUT_MAX_MS},
    {.name = "timeout_ms",
     .summary = "the most time for one request and its reply",
     .number_default = 2000,
     .minimum = 1,
     .maximum = TIMEOUT_MAX_MS},
    {.name = "members_at_once",
     .summary = "lessons of up to so many members are listed by one command",
     .number_default = MEMBERS_AT_ONCE,
     .minimum = 1,
     .maximum = MEMBERS_AT_ONCE_MAX},
    {.name = NULL},
};

/* Reads the number in a path "/N", which stands for the option db. */
static int read_db_of_path(const char *path, int *db) {
    const char *digits = path + 1;
    size_t count = strspn(digits, "0123456789");
    long number = count > 0 && count <= 5 && !digits[count] ? strtol(digits, NULL, 10) : DB_MAX + 1L;
    if (number > DB_MAX)
        /* The path is not quoted: it may hold the rest of a password that contains a /. */
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "location: the path is not / and the number of a database from 0 to %d", DB_MAX);
    *db = (int)number;
    return LESSON_STORE_OK;
}

static int read_host(redis_settings *settings, const lesson_store_location *location) {
    const char *host = lesson_store_location_host(location);
    const char *path = lesson_store_location_path(location);
    if (!host || !*host)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: there is no host after redis://");
    int port = lesson_store_location_port(location);
    settings->port = port ? port : DEFAULT_PORT;
    if (path && strcmp(path, "/") != 0) {
        if (lesson_store_location_has(location, "db"))
            return lesson_store_fail(LESSON_STORE_INVALID,
                                     "location: the database is given twice, by the path and by the option db");
        int code = read_db_of_path(path, &settings->db);
        if (code)
            return code;
    }
    settings->host = strdup(host);
    return settings->host ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
}

static int read_socket_path(redis_settings *settings, const lesson_store_location *location) {
    const char *path = lesson_store_location_path(location);
    const size_t most = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (lesson_store_location_host(location) && *lesson_store_location_host(location))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: redis+unix takes no host (write redis+unix:///PATH)");
    if (!path || !*path)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: there is no path to a socket after redis+unix://");
    if (path[0] != '/')
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the path to the socket does not begin with a /");
    if (strlen(path) > most)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the path to the socket has more than %zu bytes",
                                 most);
    settings->socket_path = strdup(path);
    return settings->socket_path ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
}

/* False if there is no memory. */
static bool copy_text(char **out, const char *text) {
    *out = text ? strdup(text) : NULL;
    return *out || !text;
}

static int read_all(redis_settings *settings, const lesson_store_location *location) {
    const char *prefix = lesson_store_location_text(location, "prefix");
    if (!lesson_store_id_valid(prefix, strlen(prefix)))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the prefix is not 1 to %d bytes of UTF-8",
                                 LESSON_STORE_ID_MAX);
    settings->db = (int)lesson_store_location_number(location, "db");
    settings->connect_timeout_ms = (int)lesson_store_location_number(location, "connect_timeout_ms");
    settings->timeout_ms = (int)lesson_store_location_number(location, "timeout_ms");
    settings->members_at_once = (int)lesson_store_location_number(location, "members_at_once");
    if (!copy_text(&settings->prefix, prefix) || !copy_text(&settings->user, lesson_store_location_user(location)) ||
        !copy_text(&settings->password, lesson_store_location_password(location)) ||
        !copy_text(&settings->shown, lesson_store_location_shown(location)))
        return LESSON_STORE_NO_MEMORY;
    bool is_socket = strcmp(lesson_store_location_scheme(location), "redis+unix") == 0;
    return is_socket ? read_socket_path(settings, location) : read_host(settings, location);
}

int redis_settings_read(redis_settings *settings, const lesson_store_location *location) {
    memset(settings, 0, sizeof *settings);
    int code = read_all(settings, location);
    if (code == LESSON_STORE_NO_MEMORY)
        lesson_store_fail(code, "redis: no memory left for the settings");
    if (code)
        redis_settings_free(settings);
    return code;
}

void redis_settings_free(redis_settings *settings) {
    free(settings->shown);
    free(settings->host);
    free(settings->socket_path);
    free(settings->user);
    free(settings->password);
    free(settings->prefix);
    memset(settings, 0, sizeof *settings);
}
