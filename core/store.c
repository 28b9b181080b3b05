/* Opening and closing a store. */
#include <stdio.h>
#include <stdlib.h>

#include "core.h"

/* `only` is the one backend that may open it, or NULL for all registered backends. */
static int unknown_scheme(const char *scheme, const lesson_store_backend *only) {
    char known[256];
    if (only)
        snprintf(known, sizeof known, "%s", only->schemes);
    else
        lesson_store__backend_list(known, sizeof known);
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "location: the scheme %s is not one of %s", scheme, known);
}

/* Removes the prefix from the scheme. `*prefix` becomes the prefix's backend, NULL if there is none. */
static int take_prefix(lesson_store_location *location, const lesson_store_backend **prefix) {
    size_t size;
    *prefix = lesson_store__backend_find_prefix(location->scheme, &size);
    if (!*prefix)
        return LESSON_STORE_OK;
    lesson_store__location_take_prefix(location, size);
    if (location->scheme[0] < 'a' || location->scheme[0] > 'z')
        return lesson_store_fail(LESSON_STORE_INVALID, "location: no scheme follows %.*s", (int)size,
                                 location->full_scheme);
    if (lesson_store__backend_find_prefix(location->scheme, &size))
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "location: it has two prefixes, or %.*s twice; only one is allowed", (int)size,
                                 location->scheme);
    return LESSON_STORE_OK;
}

/* Restricts a prefix backend to what the backend behind it can also do. */
static void restrict_to(lesson_store_backend *backend, const lesson_store_backend *beneath) {
    backend->operations &= beneath->operations;
    backend->flags &= beneath->flags;
    backend->members = beneath->members ? backend->members : NULL;
    backend->lessons = beneath->lessons ? backend->lessons : NULL;
    backend->users = beneath->users ? backend->users : NULL;
    backend->check = beneath->check ? backend->check : NULL;
    backend->sweep = beneath->sweep ? backend->sweep : NULL;
    backend->owners = beneath->owners ? backend->owners : NULL;
    backend->bans = beneath->bans ? backend->bans : NULL;
    backend->find_lessons = beneath->find_lessons ? backend->find_lessons : NULL;
    backend->find_lessons_page = beneath->find_lessons_page ? backend->find_lessons_page : NULL;
    backend->events = beneath->events ? backend->events : NULL;
    backend->members_page = beneath->members_page ? backend->members_page : NULL;
    backend->lessons_page = beneath->lessons_page ? backend->lessons_page : NULL;
    backend->users_page = beneath->users_page ? backend->users_page : NULL;
}

static int wrong_choice(const lesson_store_location *location, const char *what) {
    return lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend's choose returned %s", location->shown, what);
}

/* Asks `*opener`, whose table this is, which backend opens the location. Both become those of that backend. */
static int choose(lesson_store_backend *table, const lesson_store_backend **opener,
                  const lesson_store_location *location) {
    const lesson_store_backend *chosen = *opener;
    int code = table->choose(&chosen, location);
    if (code < 0)
        return code;
    if (code > 0 || !chosen)
        return wrong_choice(location, code > 0 ? lesson_store_code_name(code) : "no backend");
    if (chosen == *opener)
        return LESSON_STORE_OK;
    *opener = chosen;
    if (lesson_store__backend_complete(table, chosen))
        return LESSON_STORE_FAILED; /* the message says why */
    return lesson_store__backend_opens(table, location->scheme) ? LESSON_STORE_OK
                                                                : wrong_choice(location, "a backend of other schemes");
}

/* Completes the table of the backend that opens the location: of `*opener`, or of the one that it chooses. */
static int complete_opener(lesson_store_backend *table, const lesson_store_backend **opener,
                           lesson_store_location *location, const lesson_store_backend *prefix) {
    int code = lesson_store__backend_complete(table, *opener);
    if (!code)
        code = lesson_store__location_bind(location, table, prefix);
    if (code || !table->choose)
        return code;
    code = choose(table, opener, location);
    return code ? code : lesson_store__location_bind(location, table, prefix);
}

static int complete_tables(lesson_store *store, const lesson_store_backend *opener,
                           const lesson_store_backend *prefix) {
    if (!prefix) {
        int code = complete_opener(&store->backend, &opener, &store->location, NULL);
        store->opened_by = opener;
        return code;
    }
    store->opened_by = prefix;
    int code = lesson_store__backend_complete(&store->backend, prefix);
    if (!code)
        code = complete_opener(&store->beneath, &opener, &store->location, &store->backend);
    restrict_to(&store->backend, &store->beneath);
    store->location.beneath = &store->beneath;
    return code;
}

/* `only` is the one backend that may open it, or NULL for all registered backends. */
static int open_store(lesson_store *store, const lesson_store_backend *only, const char *text) {
    lesson_store_location *location = &store->location;
    const lesson_store_backend *prefix = NULL;
    int code = lesson_store__location_parse(location, text);
    if (!code)
        code = take_prefix(location, &prefix);
    if (code)
        return code;
    const lesson_store_backend *opener = only ? only : lesson_store__backend_find(location->scheme);
    if (!opener || !lesson_store__backend_opens(opener, location->scheme))
        return unknown_scheme(location->scheme, only);
    code = complete_tables(store, opener, prefix);
    if (!code)
        code = lesson_store__pool_open(&store->pool, &store->backend, location, &store->log);
    if (code)
        return code;
    store->capabilities = store->pool.slots[0].instance->capabilities;
    lesson_store__reader_open(&store->reader);
    return LESSON_STORE_OK;
}

static void free_store(lesson_store *store) {
    lesson_store__location_forget(&store->location);
    free(store);
}

/* `log` may be NULL. */
static int open_at(lesson_store **out, const lesson_store_backend *only, const char *text,
                   const lesson_store_log *log) {
    if (!out)
        return lesson_store_fail(LESSON_STORE_INVALID, "open: no argument for the store");
    *out = NULL;
    lesson_store *store = calloc(1, sizeof *store);
    if (!store)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a store");
    if (log)
        store->log = *log;
    if (log && log->level == 0)
        store->log.level = LESSON_STORE_LEVEL_NOTICE;
    int cancel_state = lesson_store__disable_cancel();
    int code = open_store(store, only, text);
    lesson_store__restore_cancel(cancel_state);
    if (code)
        free_store(store);
    else
        *out = store;
    return code;
}

int lesson_store_open(lesson_store **out, const char *location) {
    return open_at(out, NULL, location, NULL);
}

int lesson_store_open_logged(lesson_store **out, const char *location, const lesson_store_log *log) {
    if (out)
        *out = NULL;
    if (!log || !log->callback)
        return lesson_store_fail(LESSON_STORE_INVALID, "open: no %s", log ? "callback of the log" : "log");
    bool is_known = log->level <= LESSON_STORE_LEVEL_DETAIL && !log->reserved_level;
    for (size_t i = 0; i < sizeof log->reserved / sizeof *log->reserved; i++)
        is_known = is_known && !log->reserved[i];
    if (!is_known)
        return lesson_store_fail(LESSON_STORE_INVALID,
                                 "open: the log has an unknown level, or its reserved fields are not zero");
    return open_at(out, NULL, location, log);
}

int lesson_store_open_with(lesson_store **out, const lesson_store_backend *backend, const char *location) {
    if (out)
        *out = NULL;
    lesson_store_backend completed;
    int code = lesson_store__backend_complete(&completed, backend);
    return code ? code : open_at(out, backend, location, NULL);
}

void lesson_store_close(lesson_store *store) {
    /* In a child nothing is touched: closing a connection could end it for the parent too. */
    if (!store || lesson_store__origin_is_elsewhere(&store->pool.origin))
        return;
    int cancel_state = lesson_store__disable_cancel();
    lesson_store__pool_close(&store->pool);
    lesson_store__reader_close(&store->reader);
    lesson_store__restore_cancel(cancel_state);
    free_store(store);
}

/* ---- For prefix backends */

int lesson_store_open_beneath(lesson_store_instance **out, const lesson_store_location *location,
                              const lesson_store_instance *first) {
    *out = NULL;
    if (!location->beneath)
        return lesson_store_fail(LESSON_STORE_INVALID, "%s: no backend is beneath this one", location->shown);
    lesson_store_location *beneath = lesson_store__location_copy(location);
    if (!beneath)
        return LESSON_STORE_NO_MEMORY;
    beneath->first = first;
    int code = lesson_store__open_instance(out, location->beneath, beneath);
    lesson_store__location_free(beneath);
    return code;
}

const lesson_store_instance *lesson_store_first_instance(const lesson_store *store,
                                                         const lesson_store_backend *backend) {
    if (!store || store->opened_by != backend || lesson_store__origin_is_elsewhere(&store->pool.origin))
        return NULL;
    return store->pool.slots[0].instance;
}
