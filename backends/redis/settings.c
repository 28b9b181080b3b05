#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "settings.h"

#define DEFAULT_PORT 6379
#define DB_MAX 65535
#define TIMEOUT_MAX_MS 600000
#define MEMBERS_AT_ONCE 10000 /* listing them takes about 3 ms of the server's time */
#define MEMBERS_AT_ONCE_MAX 10000000
#define HOST_NAME_SIZE_MAX 255

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
    {.name = "tls_verify",
     .summary = "how much of the server's certificate is checked",
     .choices = "full|ca|none",
     .text_default = "full"},
    {.name = "tls_ca", .summary = "the file with the certificates of the CAs that are trusted"},
    {.name = "tls_cert", .summary = "the file with the client certificate"},
    {.name = "tls_key", .summary = "the file with the key of the client certificate"},
    {.name = "tls_name", .summary = "what the server's certificate must name"},
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
        return lesson_store_fail(LESSON_STORE_INVALID, "location: there is no host after %s://",
                                 lesson_store_location_scheme(location));
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

/* ---- TLS */

/* The files may be read again when the process has changed its directory, so their paths are made absolute. */
static int read_file_name(char **out, const lesson_store_location *location, const char *option) {
    const char *name = lesson_store_location_text(location, option);
    if (!name)
        return LESSON_STORE_OK;
    if (!*name)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the option %s is empty", option);
    const char *directory = lesson_store_location_directory(location);
    if (*name == '/')
        return copy_text(out, name) ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
    if (!directory)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: %s is relative, and the working directory is unknown",
                                 option);
    size_t size = strlen(directory) + strlen(name) + 2;
    *out = malloc(size);
    if (!*out)
        return LESSON_STORE_NO_MEMORY;
    snprintf(*out, size, "%s/%s", directory, name);
    return LESSON_STORE_OK;
}

static int read_files(redis_settings *settings, const lesson_store_location *location) {
    int code = read_file_name(&settings->tls_ca, location, "tls_ca");
    if (!code)
        code = read_file_name(&settings->tls_cert, location, "tls_cert");
    if (!code)
        code = read_file_name(&settings->tls_key, location, "tls_key");
    if (code)
        return code;
    if (settings->tls_key && !settings->tls_cert)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: there is a tls_key without a tls_cert");
    if (!settings->tls_key && !copy_text(&settings->tls_key, settings->tls_cert))
        return LESSON_STORE_NO_MEMORY;
    return LESSON_STORE_OK;
}

static int refuse_tls_options(const lesson_store_location *location) {
    for (const lesson_store_option *option = redis_options; option->name; option++) {
        if (strncmp(option->name, "tls_", 4) == 0 && lesson_store_location_has(location, option->name))
            return lesson_store_fail(LESSON_STORE_INVALID, "location: the option %s needs the scheme rediss, not %s",
                                     option->name, lesson_store_location_scheme(location));
    }
    return LESSON_STORE_OK;
}

static int read_tls(redis_settings *settings, const lesson_store_location *location) {
    const char *verify = lesson_store_location_text(location, "tls_verify");
    const char *name = lesson_store_location_text(location, "tls_name");
    settings->over_tls = strncmp(lesson_store_location_scheme(location), "rediss", 6) == 0;
    if (!settings->over_tls)
        return refuse_tls_options(location);
    settings->tls_verify = strcmp(verify, "none") == 0 ? REDIS_TLS_VERIFY_NONE
                           : strcmp(verify, "ca") == 0 ? REDIS_TLS_VERIFY_CA
                                                       : REDIS_TLS_VERIFY_FULL;
    if (name && (!*name || strlen(name) > HOST_NAME_SIZE_MAX))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the option tls_name has not 1 to %d bytes",
                                 HOST_NAME_SIZE_MAX);
    if (!copy_text(&settings->tls_name, name))
        return LESSON_STORE_NO_MEMORY;
    return read_files(settings, location);
}

/* ---- The whole */

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
    int code = read_tls(settings, location);
    if (code)
        return code;
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
    free(settings->tls_ca);
    free(settings->tls_cert);
    free(settings->tls_key);
    free(settings->tls_name);
    memset(settings, 0, sizeof *settings);
}
