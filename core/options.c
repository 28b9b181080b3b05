/* The options of a location: checking them, and their values. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core.h"

const lesson_store_option lesson_store__core_options[] = {
    {.name = "pool",
     .summary = "the number of instances that threads may use at the same time",
     .number_default = 0,
     .minimum = 1,
     .maximum = LESSON_STORE_POOL_MAX},
    {.name = NULL},
};

static const lesson_store_option *find_in(const lesson_store_option *options, const char *name, size_t size) {
    for (; options && options->name; options++) {
        if (strlen(options->name) == size && memcmp(options->name, name, size) == 0)
            return options;
    }
    return NULL;
}

const lesson_store_option *lesson_store__location_option(const lesson_store_location *location, const char *name,
                                                         size_t size) {
    const lesson_store_option *option = find_in(lesson_store__core_options, name, size);
    if (!option)
        option = find_in(location->prefix_options, name, size);
    return option ? option : find_in(location->options, name, size);
}

static const lesson_store_option *find_option(const lesson_store_location *location, const char *name) {
    return lesson_store__location_option(location, name, strlen(name));
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

const char *lesson_store__option_shown(const lesson_store_location *location, const lesson_store_option *option,
                                       const char *value) {
    bool is_given = value >= location->text && value < location->text + sizeof location->text;
    bool is_hidden = is_given && value < location->text + location->hidden_size;
    return is_hidden || (option->flags & LESSON_STORE_OPTION_SECRET && *value) ? "***" : value;
}

static int check_option(const lesson_store_location *location, const char *name, const char *value) {
    const lesson_store_option *option = find_option(location, name);
    if (!option)
        return lesson_store_fail(LESSON_STORE_INVALID, "location: %s: takes no option \"%s\"", location->scheme,
                                 lesson_store__option_shown_name(location, name));
    if (is_number(option)) {
        int64_t number;
        if (!parse_number(value, &number) || number < option->minimum || number > option->maximum)
            return lesson_store_fail(LESSON_STORE_INVALID,
                                     "location: the option %s is not a number from %" PRId64 " to %" PRId64, name,
                                     option->minimum, option->maximum);
    } else if (option->choices && !is_choice(option->choices, value)) {
        return lesson_store_fail(LESSON_STORE_INVALID, "location: the option %s is not one of %s", name,
                                 option->choices);
    }
    return LESSON_STORE_OK;
}

static int check_table(const lesson_store_option *options) {
    for (; options && options->name; options++) {
        uint64_t reserved =
            options->reserved | options->reserved_words[0] | options->reserved_words[1] | options->reserved_words[2];
        if (reserved || options->flags & ~(uint32_t)LESSON_STORE_OPTION_SECRET)
            return lesson_store_fail(LESSON_STORE_INVALID, "the backend's option %s has an unknown flag or field",
                                     options->name);
    }
    return LESSON_STORE_OK;
}

int lesson_store__location_bind(lesson_store_location *location, const lesson_store_backend *backend,
                                const lesson_store_backend *prefix) {
    location->options = backend->options;
    location->prefix_options = prefix ? prefix->options : NULL;
    location->default_pool = backend->default_pool > 0 ? backend->default_pool : 1;
    int code = check_table(location->options);
    if (!code)
        code = check_table(location->prefix_options);
    if (code)
        return code;
    lesson_store__location_show(location);
    if (location->host_count > 1 && !lesson_store__lists_scheme(backend->host_list_schemes, location->scheme))
        return lesson_store_fail(LESSON_STORE_INVALID, "location: %s: takes only one host", location->scheme);
    for (size_t i = 0; i < location->option_count && !code; i++)
        code = check_option(location, location->given_options[i].name, location->given_options[i].value);
    return code;
}

static const char *given_value(const lesson_store_location *location, const char *name) {
    for (size_t i = 0; i < location->option_count; i++) {
        if (strcmp(location->given_options[i].name, name) == 0)
            return location->given_options[i].value;
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
