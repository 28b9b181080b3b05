/*
 * Locations: parsed, bound to every backend, read by the redis backend, and opened if that creates neither a file nor a
 * connection.
 *
 *   - A parsed location, written again with every byte of every part encoded, parses to the same.
 *   - What may be shown does not depend on the password.
 *   - Once bound, an option has a value within its limits.
 */
#include <stdio.h>
#include <stdlib.h>

#include "answers.h"
#include "core/core.h"
#ifdef WITH_REDIS
#include "backends/redis/settings.h"
#endif

/* ---- Writing a location again */

struct text {
    char bytes[4 * LESSON_STORE_LOCATION_MAX];
    size_t size;
};

static void add(struct text *text, const char *more) {
    size_t size = strlen(more);
    REQUIRE(text->size + size < sizeof text->bytes);
    memcpy(text->bytes + text->size, more, size + 1);
    text->size += size;
}

static void add_encoded(struct text *text, const char *plain) {
    char code[4];
    for (; *plain; plain++) {
        snprintf(code, sizeof code, "%%%02x", (unsigned)(unsigned char)*plain);
        add(text, code);
    }
}

static void add_user(struct text *text, const lesson_store_location *location) {
    if (location->user)
        add_encoded(text, location->user);
    if (location->password) {
        add(text, ":");
        add_encoded(text, location->password);
    }
    if (location->user || location->password)
        add(text, "@");
}

static void add_host(struct text *text, const lesson_store__host *host) {
    add_encoded(text, host->name);
    if (host->port > 0) {
        char port[16];
        snprintf(port, sizeof port, ":%d", host->port);
        add(text, port);
    }
}

static void add_authority(struct text *text, const lesson_store_location *location) {
    if (location->host_count == 0)
        return;
    add(text, "//");
    add_user(text, location);
    for (int i = 0; i < location->host_count; i++) {
        add(text, i == 0 ? "" : ",");
        add_host(text, &location->hosts[i]);
    }
}

static void write_anew(struct text *text, const lesson_store_location *location) {
    text->size = 0;
    add(text, location->scheme);
    add(text, ":");
    add_authority(text, location);
    /* A path after an authority begins with a slash, which cannot be encoded there. */
    bool has_slash = location->path && location->path[0] == '/';
    if (has_slash)
        add(text, "/");
    if (location->path)
        add_encoded(text, location->path + has_slash);
    for (size_t i = 0; i < location->option_count; i++) {
        add(text, i == 0 ? "?" : "&");
        add(text, location->given_options[i].name);
        add(text, "=");
        add_encoded(text, location->given_options[i].value);
    }
}

static bool same(const char *left, const char *right) {
    return left && right ? strcmp(left, right) == 0 : left == right;
}

/* An empty authority is written as none. */
static void require_same_hosts(const lesson_store_location *left, const lesson_store_location *right) {
    REQUIRE(lesson_store_location_host_count(left) == lesson_store_location_host_count(right));
    for (int i = 0; i < lesson_store_location_host_count(left); i++)
        REQUIRE(same(left->hosts[i].name, right->hosts[i].name) && left->hosts[i].port == right->hosts[i].port);
}

static void require_same(const lesson_store_location *left, const lesson_store_location *right) {
    REQUIRE(same(left->scheme, right->scheme) && same(left->user, right->user));
    REQUIRE(same(left->password, right->password) && same(left->path, right->path));
    require_same_hosts(left, right);
    REQUIRE(left->option_count == right->option_count);
    for (size_t i = 0; i < left->option_count; i++)
        REQUIRE(same(left->given_options[i].name, right->given_options[i].name) &&
                same(left->given_options[i].value, right->given_options[i].value));
}

static void judge_again(const lesson_store_location *location) {
    static struct text text;
    static lesson_store_location again;
    write_anew(&text, location);
    if (text.size > LESSON_STORE_LOCATION_MAX)
        return;
    REQUIRE(lesson_store__location_parse(&again, text.bytes) == LESSON_STORE_OK);
    require_same(location, &again);
}

/* ---- Passwords */

/* The same location with another password. Neither messages nor the shown location may differ. */
static void judge_password(const lesson_store_location *location, const char *text, int code, const char *message) {
    static lesson_store_location other;
    static char changed[LESSON_STORE_LOCATION_MAX + 1];
    const char *scheme_end = strchr(text, ':');
    if (!scheme_end || strncmp(scheme_end, "://", 3) != 0)
        return;
    const char *authority = scheme_end + 3;
    size_t size = strcspn(authority, "/?");
    const char *colon = memchr(authority, ':', size), *at = memrchr(authority, '@', size);
    if (!colon || !at || at < colon + 1)
        return;
    snprintf(changed, sizeof changed, "%.*s%.*s%s", (int)(colon + 1 - text), text, (int)(at - colon - 1),
             "################################################################", at);
    if (strlen(changed) != strlen(text))
        return;
    /* A badly encoded password is refused for that reason, and the other one is not. */
    if (code && strstr(message, "password"))
        return;
    REQUIRE(lesson_store__location_parse(&other, changed) == code);
    REQUIRE(code ? same(lesson_store_message(), message) : same(location->shown, other.shown));
}

/* ---- Options */

static bool is_one_of(const char *choices, const char *value) {
    size_t size = strlen(value);
    for (const char *at = choices; (at = strstr(at, value)) != NULL; at++) {
        bool begins = at == choices || at[-1] == '|';
        if (size > 0 && begins && (at[size] == '|' || at[size] == '\0'))
            return true;
    }
    return false;
}

static void judge_option(const lesson_store_location *location, const lesson_store_option *option) {
    if (option->maximum > option->minimum) {
        int64_t number = lesson_store_location_number(location, option->name);
        bool is_default = !lesson_store_location_has(location, option->name);
        REQUIRE(is_default || (number >= option->minimum && number <= option->maximum));
        return;
    }
    const char *value = lesson_store_location_text(location, option->name);
    REQUIRE(!option->choices || is_one_of(option->choices, value));
}

static void judge_redis(const lesson_store_location *location, const lesson_store_backend *backend) {
#ifdef WITH_REDIS
    redis_settings settings;
    if (strncmp(backend->schemes, "redis|", 6) != 0 || !lesson_store__backend_opens(backend, location->scheme))
        return;
    int code = redis_settings_read(&settings, location);
    REQUIRE(code == LESSON_STORE_OK || code == LESSON_STORE_INVALID);
    fuzz_require_code(code);
    if (code)
        return;
    REQUIRE((settings.address_count == 0) != !settings.socket_path);
    for (int i = 0; i < settings.address_count; i++)
        REQUIRE(settings.addresses[i].host[0] && settings.addresses[i].port >= 1 &&
                settings.addresses[i].port <= 65535);
    REQUIRE(settings.db >= 0 && settings.db <= 65535);
    REQUIRE(settings.timeout_ms > 0 && settings.connect_timeout_ms > 0 && settings.members_at_once > 0);
    REQUIRE(fuzz_is_id(settings.prefix, strlen(settings.prefix)));
    redis_settings_free(&settings);
#else
    (void)location, (void)backend;
#endif
}

static void judge_bound(lesson_store_location *location) {
    const lesson_store_backend *backend;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)) != NULL; i++) {
        int code = lesson_store__location_bind(location, backend, NULL);
        REQUIRE(code == LESSON_STORE_OK || code == LESSON_STORE_INVALID);
        fuzz_require_code(code);
        if (code)
            continue;
        int64_t pool = lesson_store_location_number(location, "pool");
        REQUIRE(pool >= 1 && pool <= LESSON_STORE_POOL_MAX);
        for (const lesson_store_option *option = backend->options; option && option->name; option++)
            judge_option(location, option);
        judge_redis(location, backend);
    }
}

static void judge_open(const lesson_store_location *location, const char *text) {
    bool memory = strcmp(location->scheme, "memory") == 0;
    bool sqlite = strcmp(location->scheme, "sqlite") == 0 && same(location->path, ":memory:");
    if (!memory && !sqlite)
        return;
    lesson_store *store;
    int code = lesson_store_open(&store, text);
    REQUIRE(code <= 0 && (store != NULL) == (code == LESSON_STORE_OK));
    fuzz_require_code(code);
    if (code)
        return;
    REQUIRE(lesson_store_create(store, "room", 0) == LESSON_STORE_OK);
    REQUIRE(lesson_store_info(store, fuzz_hear_fact, NULL) == LESSON_STORE_OK);
    lesson_store_close(store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static lesson_store_location location;
    char *text = fuzz_copy_text(data, size);
    int code = lesson_store__location_parse(&location, text);
    REQUIRE(code == LESSON_STORE_OK || code == LESSON_STORE_INVALID);
    fuzz_require_code(code);
    char *message = fuzz_copy_text(lesson_store_message(), strlen(lesson_store_message()));
    judge_password(&location, text, code, message);
    if (!code) {
        judge_again(&location);
        judge_bound(&location);
        judge_open(&location, text);
    }
    free(message);
    free(text);
    return 0;
}
