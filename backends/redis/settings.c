#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "settings.h"
#include "slots.h"

#define DEFAULT_PORT 6379
#define SENTINEL_PORT 26379
#define DB_MAX 65535
#define TIMEOUT_MAX_MS 600000
#define MEMBERS_AT_ONCE 10000 /* listing them takes about 3 ms of the server's time */
#define MEMBERS_AT_ONCE_MAX 10000000
#define WAIT_REPLICAS_MAX 16
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
    {.name = "client_name", .summary = "the name of the connections in CLIENT LIST", .text_default = "lessonstore"},
    {.name = "password_file", .summary = "a file with the password, read at each connection"},
    {.name = "role",
     .summary = "whether a replica will do as the server",
     .choices = "primary|any",
     .text_default = "primary"},
    {.name = "failover_check_ms",
     .summary = "how often the server is asked again whether it is the primary",
     .number_default = 1000,
     .minimum = 10,
     .maximum = TIMEOUT_MAX_MS},
    {.name = "wait_replicas",
     .summary = "the replicas that must have confirmed a write before it is answered",
     .number_default = 0,
     .minimum = 0,
     .maximum = WAIT_REPLICAS_MAX},
    {.name = "feed",
     .summary = "the steps whose events the server keeps from now on, for all programs; 0: none",
     .minimum = 0,
     .maximum = LESSON_STORE_FEED_KEPT_MAX},
    {.name = "sentinel_username", .summary = "the user at the Sentinels"},
    {.name = "sentinel_password", .summary = "the password at the Sentinels", .flags = LESSON_STORE_OPTION_SECRET},
    {.name = "sentinel_password_file",
     .summary = "a file with the password at the Sentinels, read at each connection to one"},
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

/* ---- Paths and hosts */

/* Reads the number in a path "/N", which stands for the option db. */
static int read_db(const char *digits, int *db) {
    size_t count = strspn(digits, "0123456789");
    long number = count > 0 && count <= 5 && !digits[count] ? strtol(digits, NULL, 10) : DB_MAX + 1L;
    if (number > DB_MAX)
        /* The path is not quoted: it may hold the rest of a password that contains a /. */
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "location: the path is not / and the number of a database from 0 to %d", DB_MAX);
    *db = (int)number;
    return LESSON_STORE_OK;
}

static int read_db_of_path(redis_settings *settings, const lesson_store_location *location, const char *path) {
    if (!path || strcmp(path, "/") == 0)
        return LESSON_STORE_OK;
    if (lesson_store_location_has(location, "db"))
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "location: the database is given twice, by the path and by the option db");
    return read_db(path + 1, &settings->db);
}

/* "/MASTER" or "/MASTER/DB" */
static int read_master(redis_settings *settings, const lesson_store_location *location, const char *path) {
    size_t size = path ? strcspn(path + 1, "/") : 0;
    if (size == 0)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: there is no name of a master, as in %s://HOST/MASTER",
                                 lesson_store_location_scheme(location));
    settings->master = strndup(path + 1, size);
    if (!settings->master)
        return LESSON_STORE_NO_MEMORY;
    return read_db_of_path(settings, location, path[1 + size] ? path + 1 + size : NULL);
}

static int read_hosts(redis_settings *settings, const lesson_store_location *location) {
    int count = lesson_store_location_host_count(location);
    if (count == 0)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: there is no host after %s://",
                                 lesson_store_location_scheme(location));
    settings->addresses = calloc((size_t)count, sizeof *settings->addresses);
    if (!settings->addresses)
        return LESSON_STORE_NO_MEMORY;
    for (int i = 0; i < count; i++) {
        int port;
        const char *host = lesson_store_location_host_at(location, i, &port);
        if (port == 0)
            port = settings->kind == REDIS_SENTINEL ? SENTINEL_PORT : DEFAULT_PORT;
        if (!redis_address_set(&settings->addresses[i], host, strlen(host), port))
            return lesson_store_fail(LESSON_STORE_INVALID, "location: a host has more than %d bytes",
                                     REDIS_HOST_SIZE - 1);
    }
    settings->address_count = count;
    return LESSON_STORE_OK;
}

static int read_addresses(redis_settings *settings, const lesson_store_location *location) {
    const char *path = lesson_store_location_path(location);
    int code = read_hosts(settings, location);
    if (code)
        return code;
    if (settings->kind == REDIS_SENTINEL)
        return read_master(settings, location, path);
    code = read_db_of_path(settings, location, path);
    if (!code && settings->kind == REDIS_CLUSTER && settings->db != 0)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: a Cluster has only the database 0");
    return code;
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

/* ---- Files */

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

/* ---- TLS */

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

/* ---- Accounts */

/* An empty password is none. */
static const char *given(const char *text) {
    return text && *text ? text : NULL;
}

static int read_account(redis_account *account, const lesson_store_location *location, const char *user,
                        const char *password, const char *file_option) {
    account->file_option = file_option;
    if (!copy_text(&account->user, user) || !copy_text(&account->password, given(password)))
        return LESSON_STORE_NO_MEMORY;
    return read_file_name(&account->password_file, location, file_option);
}

static int read_accounts(redis_settings *settings, const lesson_store_location *location) {
    int code = read_account(&settings->account, location, lesson_store_location_user(location),
                            lesson_store_location_password(location), "password_file");
    if (code)
        return code;
    return read_account(&settings->sentinel_account, location,
                        given(lesson_store_location_text(location, "sentinel_username")),
                        lesson_store_location_text(location, "sentinel_password"), "sentinel_password_file");
}

static bool has_two_passwords(const redis_account *account) {
    return account->password && account->password_file;
}

static int check_accounts(const redis_settings *settings, const lesson_store_location *location) {
    const redis_account *sentinel = &settings->sentinel_account;
    if (has_two_passwords(&settings->account))
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "location: the password is given twice, in the location and by password_file");
    if (has_two_passwords(sentinel))
        return lesson_store_fail(
            LESSON_STORE_INVALID,
            "location: the password is given twice, by sentinel_password and by sentinel_password_file");
    if (settings->kind != REDIS_SENTINEL && (sentinel->user || sentinel->password || sentinel->password_file))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: %s: has no Sentinels that a user could be given to",
                                 lesson_store_location_scheme(location));
    return LESSON_STORE_OK;
}

/* ---- The whole */

static bool copy_texts(redis_settings *settings, const lesson_store_location *location) {
    return copy_text(&settings->prefix, lesson_store_location_text(location, "prefix")) &&
           copy_text(&settings->client_name, lesson_store_location_text(location, "client_name")) &&
           copy_text(&settings->shown, lesson_store_location_shown(location));
}

static void read_numbers(redis_settings *settings, const lesson_store_location *location) {
    settings->db = (int)lesson_store_location_number(location, "db");
    settings->connect_timeout_ms = (int)lesson_store_location_number(location, "connect_timeout_ms");
    settings->timeout_ms = (int)lesson_store_location_number(location, "timeout_ms");
    settings->members_at_once = (int)lesson_store_location_number(location, "members_at_once");
    settings->failover_check_ms = (int)lesson_store_location_number(location, "failover_check_ms");
    settings->events_kept = lesson_store_location_number(location, "feed");
    settings->wait_replicas = (int)lesson_store_location_number(location, "wait_replicas");
    settings->takes_any_role = strcmp(lesson_store_location_text(location, "role"), "any") == 0;
}

static redis_kind kind_of(const char *scheme) {
    if (strstr(scheme, "+sentinel"))
        return REDIS_SENTINEL;
    return strstr(scheme, "+cluster") ? REDIS_CLUSTER : REDIS_ONE_SERVER;
}

/* A server refuses any other, and the connection would have no name. */
static bool is_client_name(const char *name) {
    while (*name >= '!' && *name <= '~')
        name++;
    return !*name;
}

/* Rules for options that no single option can express. */
static int check_options(const redis_settings *settings, const lesson_store_location *location) {
    if (!settings->prefix || !lesson_store_id_valid(settings->prefix, strlen(settings->prefix)))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the prefix is not 1 to %d bytes of UTF-8",
                                 LESSON_STORE_ID_MAX);
    if (settings->kind != REDIS_ONE_SERVER && settings->takes_any_role)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: %s: always means the primary",
                                 lesson_store_location_scheme(location));
    if (!is_client_name(settings->client_name))
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "location: the client_name has a space, or a byte that is not of ASCII");
    return LESSON_STORE_OK;
}

static int read_all(redis_settings *settings, const lesson_store_location *location) {
    settings->kind = kind_of(lesson_store_location_scheme(location));
    read_numbers(settings, location);
    if (!copy_texts(settings, location))
        return LESSON_STORE_NO_MEMORY;
    settings->keys_are_apart = settings->kind == REDIS_CLUSTER && !redis_has_tag(settings->prefix);
    int code = read_accounts(settings, location);
    if (!code)
        code = check_options(settings, location);
    if (!code)
        code = check_accounts(settings, location);
    if (!code)
        code = read_tls(settings, location);
    if (code)
        return code;
    bool is_socket = strcmp(lesson_store_location_scheme(location), "redis+unix") == 0;
    return is_socket ? read_socket_path(settings, location) : read_addresses(settings, location);
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

static void free_secret(char *secret) {
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void free_account(redis_account *account) {
    free(account->user);
    free_secret(account->password);
    free(account->password_file);
}

void redis_settings_free(redis_settings *settings) {
    free(settings->shown);
    free(settings->addresses);
    free(settings->socket_path);
    free(settings->master);
    free_account(&settings->account);
    free_account(&settings->sentinel_account);
    free(settings->client_name);
    free(settings->prefix);
    free(settings->tls_ca);
    free(settings->tls_cert);
    free(settings->tls_key);
    free(settings->tls_name);
    memset(settings, 0, sizeof *settings);
}
