/* Locations: scheme:[//[user[:password]@]host[:port]][path][?option=value[&option=value]...] */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "faults.h"

const lesson_store_option lesson_store_core_options[] = {
    {.name = "pool",
     .summary = "the most instances that threads may use at a time",
     .number_default = 0,
     .minimum = 1,
     .maximum = LESSON_STORE_POOL_MAX},
    {.name = NULL},
};

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

/* Decodes %XX in place; what cannot be in a C string or in a message is refused. */
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

/* Neither here nor below is a part quoted that an unencoded password could have ended up in. */
static int parse_port(lesson_store_location *location, const char *text) {
    char *end = NULL;
    errno = 0;
    long port = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || port < 1 || port > 65535)
        return bad("the port is not a number from 1 to 65535 (write %2F for a / in a password)");
    location->port = (int)port;
    return LESSON_STORE_OK;
}

static int parse_host(lesson_store_location *location, char *text) {
    char *after = text + strcspn(text, ":");
    location->host = text;
    if (*text == '[') {
        char *close = strchr(text, ']');
        if (!close)
            return bad("the host begins with [ and has no ]");
        *close = '\0';
        location->host = text + 1;
        after = close + 1;
    }
    if (*after && *after != ':')
        return bad("there is something between the host and the port");
    if (*after == ':') {
        *after = '\0';
        int code = parse_port(location, after + 1);
        if (code)
            return code;
    }
    return decode(location->host, "host");
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

/* The last @ ends the user's part, so that a password that was not encoded is not taken for a host and shown. */
static int parse_authority(lesson_store_location *location, char *text) {
    char *at = strrchr(text, '@');
    if (at) {
        *at = '\0';
        int code = parse_user(location, text);
        if (code)
            return code;
        text = at + 1;
    }
    return parse_host(location, text);
}

static int add_option(lesson_store_location *location, char *text) {
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: option %zu is not of the form name=value",
                                 location->option_count + 1);
    *equals = '\0';
    if (lesson_store_location_has(location, text))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the option %s is given twice", text);
    if (location->option_count == LESSON_STORE_OPTIONS_MAX)
        return bad("too many options");
    location->options[location->option_count].name = text;
    location->options[location->option_count].value = equals + 1;
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

/* Cuts `//authority` off the front of `rest` and leaves the path, closed by a NUL, in its place. */
static int parse_authority_and_path(lesson_store_location *location, char *rest) {
    if (rest[0] != '/' || rest[1] != '/') {
        location->path = *rest ? rest : NULL;
        return LESSON_STORE_OK;
    }
    char *authority = rest + 2;
    char *path = authority + strcspn(authority, "/");
    if (*path) {
        /* The authority moves back by one byte to make room for its NUL before the slash. */
        size_t size = (size_t)(path - authority);
        authority = memmove(authority - 1, authority, size);
        authority[size] = '\0';
        location->path = path;
    }
    return *authority ? parse_authority(location, authority) : LESSON_STORE_OK;
}

/* The text with the password replaced; written before anything is decoded, so that messages can use it. The password is
 * taken to reach to the last @ of all, as it does where somebody forgot to encode a / in it. */
static void show(lesson_store_location *location, const char *text) {
    const char *authority = strstr(text, "://");
    size_t authority_size = authority ? strcspn(authority + 3, "?") : 0;
    const char *colon = NULL;
    const char *at = NULL;
    for (size_t i = 0; i < authority_size; i++) {
        const char *byte = authority + 3 + i;
        if (*byte == ':' && !colon)
            colon = byte;
        if (*byte == '@')
            at = byte;
    }
    if (at && colon && colon < at)
        snprintf(location->shown, sizeof location->shown, "%.*s***%s", (int)(colon + 1 - text), text, at);
    else
        snprintf(location->shown, sizeof location->shown, "%s", text);
}

/* Takes fault+ off the scheme, where it stands before it. */
static int take_scheme(lesson_store_location *location) {
    const char *scheme = location->text;
    const size_t size = strlen(LESSON_STORE_FAULT_PREFIX);
    location->is_faulty = strncmp(scheme, LESSON_STORE_FAULT_PREFIX, size) == 0;
    if (location->is_faulty)
        scheme += size;
    location->scheme = scheme;
    if (*scheme < 'a' || *scheme > 'z')
        return bad("no scheme follows " LESSON_STORE_FAULT_PREFIX);
    if (strncmp(scheme, LESSON_STORE_FAULT_PREFIX, size) == 0)
        return bad(LESSON_STORE_FAULT_PREFIX " is given twice; one store has one fault at a time");
    return LESSON_STORE_OK;
}

int lesson_store_location_parse(lesson_store_location *location, const char *text) {
    memset(location, 0, sizeof *location);
    if (!text || !*text)
        return bad("is empty");
    if (strlen(text) > LESSON_STORE_LOCATION_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: has more than %d bytes", LESSON_STORE_LOCATION_MAX);
    size_t scheme_size = strspn(text, SCHEME_BYTES);
    if (scheme_size == 0 || text[0] < 'a' || text[0] > 'z' || text[scheme_size] != ':')
        return bad("does not begin with a scheme in lower case, as memory: or sqlite:PATH");
    show(location, text);
    if (!getcwd(location->folder, sizeof location->folder))
        location->folder[0] = '\0';
    memcpy(location->text, text, strlen(text) + 1);

    char *rest = location->text + scheme_size + 1;
    location->text[scheme_size] = '\0';
    int scheme = take_scheme(location);
    if (scheme)
        return scheme;

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

/* ---- Options */

static const lesson_store_option *find_in(const lesson_store_option *options, const char *name) {
    for (; options && options->name; options++) {
        if (strcmp(options->name, name) == 0)
            return options;
    }
    return NULL;
}

static const lesson_store_option *find_option(const lesson_store_location *location, const char *name) {
    const lesson_store_option *option = find_in(lesson_store_core_options, name);
    if (!option && location->is_faulty)
        option = find_in(lesson_store_fault_options, name);
    return option ? option : find_in(location->known, name);
}

static bool is_number(const lesson_store_option *option) {
    return option->maximum > option->minimum;
}

static bool parse_number(const char *text, int64_t *number) {
    char *end = NULL;
    errno = 0;
    intmax_t value = strtoimax(text, &end, 10);
    *number = value;
    return (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) && *end == '\0' && !errno;
}

static bool is_choice(const char *choices, const char *value) {
    size_t value_size = strlen(value);
    for (const char *choice = choices; *choice;) {
        size_t size = strcspn(choice, "|");
        if (size == value_size && memcmp(choice, value, size) == 0)
            return true;
        choice += size + (choice[size] == '|');
    }
    return false;
}

static int check_option(const lesson_store_location *location, const char *name, const char *value) {
    const lesson_store_option *option = find_option(location, name);
    if (!option)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: %s: takes no option \"%s\"", location->scheme, name);
    if (is_number(option)) {
        int64_t number;
        if (!parse_number(value, &number) || number < option->minimum || number > option->maximum)
            return lesson_store_fail(LESSON_STORE_INVALID,
                                     "location: the option %s is \"%s\", not a number from %" PRId64 " to %" PRId64,
                                     name, value, option->minimum, option->maximum);
    } else if (option->choices && !is_choice(option->choices, value)) {
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the option %s is \"%s\", not one of %s", name, value,
                                 option->choices);
    }
    return LESSON_STORE_OK;
}

int lesson_store_location_bind(lesson_store_location *location, const lesson_store_backend *backend) {
    location->known = backend->options;
    location->default_pool = backend->default_pool > 0 ? backend->default_pool : 1;
    for (size_t i = 0; i < location->option_count; i++) {
        int code = check_option(location, location->options[i].name, location->options[i].value);
        if (code)
            return code;
    }
    return LESSON_STORE_OK;
}

static const char *given_value(const lesson_store_location *location, const char *name) {
    for (size_t i = 0; i < location->option_count; i++) {
        if (strcmp(location->options[i].name, name) == 0)
            return location->options[i].value;
    }
    return NULL;
}

bool lesson_store_location_has(const lesson_store_location *location, const char *name) {
    return given_value(location, name) != NULL;
}

const char *lesson_store_location_text(const lesson_store_location *location, const char *name) {
    const char *value = given_value(location, name);
    if (value)
        return value;
    const lesson_store_option *option = find_option(location, name);
    return option ? option->text_default : NULL;
}

int64_t lesson_store_location_number(const lesson_store_location *location, const char *name) {
    const char *value = given_value(location, name);
    int64_t number = 0;
    if (value && parse_number(value, &number))
        return number;
    if (strcmp(name, "pool") == 0)
        return location->default_pool;
    const lesson_store_option *option = find_option(location, name);
    return option ? option->number_default : 0;
}

const char *lesson_store_location_scheme(const lesson_store_location *location) {
    return location->scheme;
}

const char *lesson_store_location_user(const lesson_store_location *location) {
    return location->user;
}

const char *lesson_store_location_password(const lesson_store_location *location) {
    return location->password;
}

const char *lesson_store_location_host(const lesson_store_location *location) {
    return location->host;
}

int lesson_store_location_port(const lesson_store_location *location) {
    return location->port;
}

const char *lesson_store_location_path(const lesson_store_location *location) {
    return location->path;
}

const char *lesson_store_location_folder(const lesson_store_location *location) {
    return location->folder[0] ? location->folder : NULL;
}

const lesson_store_instance *lesson_store_location_first(const lesson_store_location *location) {
    return location->is_faulty ? lesson_store_fault_inner(location->first) : location->first;
}

const char *lesson_store_location_shown(const lesson_store_location *location) {
    return location->shown;
}
