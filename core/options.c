/* The options of a location: checking them, and their values. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "faults.h"

const lesson_store_option lesson_store_core_options[] = {
    {.name = "pool",
     .summary = "the most instances that threads may use at a time",
     .number_default = 0,
     .minimum = 1,
     .maximum = LESSON_STORE_POOL_MAX},
    {.name = NULL},
};

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
