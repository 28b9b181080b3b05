/* Locations: scheme:[//[user[:password]@]host[:port][,host[:port]...]][path][?option=value[&option=value]...] */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core.h"

#define SCHEME_BYTES "abcdefghijklmnopqrstuvwxyz0123456789+-."

static int bad(const char *what) {
    return lesson_store_fail(LESSON_STORE_INVALID, "location: %s", what);
}

static int hex_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

/* Decodes %XX in place. Refuses bytes that a C string or a message cannot hold. */
static int decode(char *text, const char *what) {
    char *out = text;
    for (const char *in = text; *in; in++, out++) {
        int byte = (unsigned char)*in;
        if (byte == '%') {
            int high = hex_value(in[1]);
            int low = high < 0 ? -1 : hex_value(in[2]);
            if (low < 0)
                return lesson_store_fail(LESSON_STORE_INVALID,
                                         "location: the %s has a %% without two hex digits (write %%25 for %%)", what);
            byte = high * 16 + low;
            in += 2;
        }
        if (byte < 0x20 || byte == 0x7f)
            return lesson_store_fail(LESSON_STORE_INVALID, "location: the %s has the control byte 0x%02X", what,
                                     (unsigned)byte);
        *out = (char)byte;
    }
    *out = '\0';
    return LESSON_STORE_OK;
}

/* Neither here nor below does a message quote a part that could hold an unencoded password. */
static int parse_port(lesson_store__host *host, const char *text) {
    char *end = NULL;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || port < 1 || port > 65535)
        return bad("the port is not a number from 1 to 65535 (write %2F for a / in a password)");
    host->port = (int)port;
    return LESSON_STORE_OK;
}

#define IN_NO_HOST " !\"#$&'()*+,/;<=>?@\\^`{|}~"

static int parse_host(lesson_store__host *host, char *text) {
    char *after = text + strcspn(text, ":");
    host->name = text;
    if (*text == '[') {
        char *close = strchr(text, ']');
        if (!close)
            return bad("the host begins with [ and has no ]");
        *close = '\0';
        host->name = text + 1;
        after = close + 1;
    }
    if (*after && *after != ':')
        return bad("there is text between the host and the port");
    if (*after == ':') {
        *after = '\0';
        int code = parse_port(host, after + 1);
        if (code)
            return code;
    }
    int code = decode(host->name, "host");
    /* A password that stands in place of the host would be shown. */
    if (!code && host->name[strcspn(host->name, IN_NO_HOST)])
        return bad(
            "the host has a byte that no host has (a user and a password stand before an @ that is not encoded)");
    return code;
}

static int parse_hosts(lesson_store_location *location, char *text) {
    bool is_list = strchr(text, ',') != NULL;
    for (char *next; text; text = next) {
        next = strchr(text, ',');
        if (next)
            *next++ = '\0';
        if (location->host_count == LESSON_STORE_HOSTS_MAX)
            return lesson_store_fail(LESSON_STORE_INVALID, "location: has more than %d hosts", LESSON_STORE_HOSTS_MAX);
        lesson_store__host *host = &location->hosts[location->host_count++];
        int code = parse_host(host, text);
        if (code)
            return code;
        if (is_list && !host->name[0])
            return bad("the list of hosts has an empty one");
    }
    return LESSON_STORE_OK;
}

static int parse_user(lesson_store_location *location, char *text) {
    char *colon = strchr(text, ':');
    int code = LESSON_STORE_OK;
    if (colon) {
        *colon = '\0';
        location->password = colon + 1;
        code = decode(colon + 1, "password");
    }
    if (*text)
        location->user = text;
    return code ? code : decode(text, "user");
}

/* The last @ ends the user part. So a password that was not encoded is not taken for a host and shown. */
static int parse_authority(lesson_store_location *location, char *text) {
    char *at = strrchr(text, '@');
    if (at) {
        *at = '\0';
        int code = parse_user(location, text);
        if (code)
            return code;
        text = at + 1;
    }
    return parse_hosts(location, text);
}

#define OPTION_BYTES "abcdefghijklmnopqrstuvwxyz0123456789_"

/* What does not look like the name of an option can be the rest of a secret with an & in it. */
const char *lesson_store__option_shown_name(const lesson_store_location *location, const char *part) {
    bool is_hidden = part < location->text + location->hidden_size || part[strspn(part, OPTION_BYTES)];
    return is_hidden ? "***" : part;
}

static int add_option(lesson_store_location *location, char *text) {
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: option %zu is not of the form name=value",
                                 location->option_count + 1);
    *equals = '\0';
    if (lesson_store_location_has(location, text))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the option %s is given twice",
                                 lesson_store__option_shown_name(location, text));
    if (location->option_count == LESSON_STORE_OPTIONS_MAX)
        return bad("too many options");
    location->given_options[location->option_count].name = text;
    location->given_options[location->option_count].value = equals + 1;
    location->option_count++;
    return decode(equals + 1, "value of an option");
}

static int parse_options(lesson_store_location *location, char *text) {
    for (char *next; text; text = next) {
        next = strchr(text, '&');
        if (next)
            *next++ = '\0';
        int code = add_option(location, text);
        if (code)
            return code;
    }
    return LESSON_STORE_OK;
}

/* Cuts `//authority` off the front of `rest`. The path stays in place, terminated by a NUL. */
static int parse_authority_and_path(lesson_store_location *location, char *rest) {
    if (rest[0] != '/' || rest[1] != '/') {
        location->path = *rest ? rest : NULL;
        return LESSON_STORE_OK;
    }
    char *authority = rest + 2;
    char *path = authority + strcspn(authority, "/");
    if (*path) {
        /* The authority moves back by one byte, to make room for a NUL before the slash. */
        size_t size = (size_t)(path - authority);
        authority = memmove(authority - 1, authority, size);
        authority[size] = '\0';
        location->path = path;
    }
    return *authority ? parse_authority(location, authority) : LESSON_STORE_OK;
}

/* ---- Showing */

typedef struct writer {
    char *end;
    size_t left;
} writer;

static void add(writer *out, const char *text, size_t size) {
    size = size < out->left ? size : out->left;
    memcpy(out->end, text, size);
    out->end += size;
    out->left -= size;
    *out->end = '\0';
}

/* Returns how much before the last @ may be shown: the slashes, and a user with a password in the place where these
 * belong. Everything else there can be a password in which a byte was not encoded, or before which the user or a slash
 * was forgotten. */
static size_t shown_size(const char *text, const char *at) {
    if (text[0] != '/' || text[1] != '/')
        return 0;
    const char *user = text + 2;
    const char *colon = user + strcspn(user, ":@/?&=");
    bool has_password = *colon == ':' && colon + 1 < at;
    bool is_encoded = colon < at && strcspn(colon + 1, "@/?") == (size_t)(at - colon - 1);
    return has_password && is_encoded ? (size_t)(colon + 1 - text) : 2;
}

/* Shows everything before the options, or before the text behind the last @. Returns where that begins. */
static const char *show_authority(writer *out, const lesson_store_location *location) {
    const char *text = location->given, *at = text + location->hidden_size;
    const char *rest = text + strcspn(text, ":") + 1;
    if (location->hidden_size > 0) {
        add(out, text, (size_t)(rest - text));
        add(out, rest, shown_size(rest, at));
        add(out, "***", 3);
        text = at;
    }
    size_t size = strcspn(text, "?");
    add(out, text, size);
    return text + size;
}

static bool is_public(const lesson_store_location *location, const char *name, size_t size) {
    const lesson_store_option *option = lesson_store__location_option(location, name, size);
    return option && !(option->flags & LESSON_STORE_OPTION_SECRET);
}

void lesson_store__location_show(lesson_store_location *location) {
    writer out = {location->shown, sizeof location->shown - 1};
    const char *rest = show_authority(&out, location);
    while (*rest) {
        size_t size = 1 + strcspn(rest + 1, "&"); /* includes the ? or & before it */
        size_t name_size = strcspn(rest + 1, "=&");
        if (is_public(location, rest + 1, name_size)) {
            add(&out, rest, size);
        } else {
            add(&out, rest, name_size + 1 < size ? name_size + 2 : size);
            add(&out, "***", name_size + 1 < size ? 3 : 0);
        }
        rest += size;
    }
}

/* ---- Parsing the whole */

void lesson_store__location_take_prefix(lesson_store_location *location, size_t prefix_size) {
    location->scheme += prefix_size;
}

int lesson_store__location_parse(lesson_store_location *location, const char *text) {
    memset(location, 0, sizeof *location);
    if (!text || !*text)
        return bad("is empty");
    if (strlen(text) > LESSON_STORE_LOCATION_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: has more than %d bytes", LESSON_STORE_LOCATION_MAX);
    size_t scheme_size = strspn(text, SCHEME_BYTES);
    if (scheme_size == 0 || text[0] < 'a' || text[0] > 'z' || text[scheme_size] != ':')
        return bad("does not begin with a scheme in lower case, such as memory: or sqlite:PATH");
    memcpy(location->given, text, strlen(text) + 1);
    memcpy(location->text, text, strlen(text) + 1);
    const char *at = strrchr(text, '@');
    location->hidden_size = at ? (size_t)(at - text) : 0;
    lesson_store__location_show(location);
    if (!getcwd(location->directory, sizeof location->directory))
        location->directory[0] = '\0';

    char *rest = location->text + scheme_size + 1;
    location->text[scheme_size] = '\0';
    location->full_scheme = location->scheme = location->text;

    char *question = strchr(rest, '?');
    if (question)
        *question++ = '\0';
    int code = parse_authority_and_path(location, rest);
    if (!code && location->path)
        code = decode(location->path, "path");
    if (!code && question)
        code = parse_options(location, question);
    return code;
}

/* ---- For backends */

const char *lesson_store_location_scheme(const lesson_store_location *location) {
    return location->scheme;
}

const char *lesson_store_location_user(const lesson_store_location *location) {
    return location->user;
}

const char *lesson_store_location_password(const lesson_store_location *location) {
    return location->password;
}

int lesson_store_location_host_count(const lesson_store_location *location) {
    return location->host_count == 1 && !location->hosts[0].name[0] ? 0 : location->host_count;
}

const char *lesson_store_location_host_at(const lesson_store_location *location, int index, int *port) {
    bool is_there = index >= 0 && index < location->host_count;
    if (port)
        *port = is_there ? location->hosts[index].port : 0;
    return is_there ? location->hosts[index].name : NULL;
}

const char *lesson_store_location_host(const lesson_store_location *location) {
    return lesson_store_location_host_at(location, 0, NULL);
}

int lesson_store_location_port(const lesson_store_location *location) {
    int port;
    lesson_store_location_host_at(location, 0, &port);
    return port;
}

const char *lesson_store_location_path(const lesson_store_location *location) {
    return location->path;
}

const char *lesson_store_location_directory(const lesson_store_location *location) {
    return location->directory[0] ? location->directory : NULL;
}

lesson_store_observer *lesson_store_location_observer(const lesson_store_location *location) {
    return location->observer;
}

const lesson_store_instance *lesson_store_location_first(const lesson_store_location *location) {
    return location->first;
}

bool lesson_store_location_gives_up(const lesson_store_location *location) {
    return location->pool &&
           lesson_store__pool_gives_up_opening(location->pool, location->since_us, location->deadline_us);
}

const char *lesson_store_location_shown(const lesson_store_location *location) {
    return location->shown;
}

const lesson_store_backend *lesson_store_location_beneath(const lesson_store_location *location) {
    return location->beneath;
}

/* ---- Copies */

lesson_store_location *lesson_store__location_copy(const lesson_store_location *location) {
    lesson_store_location *copy = malloc(sizeof *copy);
    if (copy)
        memcpy(copy, location, sizeof *copy);
    else
        lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory for an instance", location->shown);
    return copy;
}

void lesson_store__location_free(lesson_store_location *copy) {
    lesson_store__location_forget(copy);
    free(copy);
}

void lesson_store__location_forget(lesson_store_location *location) {
    explicit_bzero(location->given, sizeof location->given);
    explicit_bzero(location->text, sizeof location->text);
}
