/* Opening the store. */
#include <lessonstore/backend.h>

#include "directories.h"
#include "lessonctl.h"

/* ---- Schemes */

/* The size of the prefix with which the scheme begins, 0 if there is none. A backend's prefix ends with a plus. */
static size_t prefix_size(const char *schemes, const char *scheme) {
    size_t size = strlen(schemes);
    return size > 0 && schemes[size - 1] == '+' && strncmp(scheme, schemes, size) == 0 ? size : 0;
}

/* True if the scheme is in a list as "redis|redis+unix". */
static bool is_listed(const char *schemes, const char *scheme, size_t size) {
    while (true) {
        size_t length = strcspn(schemes, "|");
        if (length == size && strncmp(schemes, scheme, size) == 0)
            return true;
        if (!schemes[length])
            return false;
        schemes += length + 1;
    }
}

/* True if this build has a backend for the location. */
static bool is_known(const char *location) {
    const lesson_store_backend *backend;
    size_t prefix = 0;
    for (size_t i = 0; prefix == 0 && (backend = lesson_store_backend_at(i)) != NULL; i++)
        prefix = prefix_size(backend->schemes, location);
    const char *scheme = location + prefix;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)) != NULL; i++) {
        if (is_listed(backend->schemes, scheme, strcspn(scheme, ":")))
            return true;
    }
    return false;
}

/* ---- Opening */

static int open_location(const struct call *call, const char *location) {
    int code = lesson_store_open(&call->program->store, location);
    if (!code)
        return EXIT_YES;
    int status = report_failure(call, NULL, code);
    /* A location that no store could have is wrong usage, whatever else its code may mean. */
    return code == LESSON_STORE_UNSUPPORTED && !is_known(location) ? EXIT_USAGE : status;
}

/* Only the first use of the default store prints its location, because the user did not name it. */
static int open_default(const struct call *call) {
    char location[LESSON_STORE_LOCATION_MAX + 1];
    bool is_new;
    if (!default_location(call->program, location, &is_new))
        return EXIT_STORE;
    if (is_new)
        note(call, "a new store: %s", location);
    return open_location(call, location);
}

int open_store(struct call *call) {
    struct program *program = call->program;
    if (!call->command->needs_store)
        return EXIT_YES;
    int status = EXIT_YES;
    if (!program->store && option_given(call, OPTION_STORE))
        status = open_location(call, call->options.text[OPTION_STORE]);
    else if (!program->store && program->location)
        status = open_location(call, program->location);
    else if (!program->store)
        status = open_default(call);
    call->store = program->store;
    return status;
}
