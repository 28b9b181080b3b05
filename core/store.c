/* Opening and closing a store. */
#include <stdio.h>
#include <stdlib.h>

#include "faults.h"

/* Puts the backend that makes faults before the store's own. */
static int open_faults(lesson_store *store) {
    lesson_store_location *location = &store->location;
    int code = lesson_store_faults_open(&location->faults, &store->backend, location->shown);
    if (code)
        return code;
    store->backend = lesson_store_fault_backend_over(&location->faults->inner);
    return lesson_store_faults_set_by_location(location->faults, location);
}

static void free_store(lesson_store *store) {
    lesson_store_faults_close(store->location.faults);
    free(store);
}

static int open_on(lesson_store **out, const lesson_store_backend *backend, lesson_store *store) {
    int code = lesson_store_backend_complete(&store->backend, backend);
    if (!code)
        code = lesson_store_location_bind(&store->location, &store->backend);
    if (!code && store->location.is_faulty)
        code = open_faults(store);
    if (!code)
        code = lesson_store_pool_open(&store->pool, &store->backend, &store->location);
    if (code) {
        free_store(store);
        return code;
    }
    store->capabilities = store->pool.slots[0].instance->capabilities;
    *out = store;
    return LESSON_STORE_OK;
}

/* `only` is the one backend that was to open it, or NULL for all that are registered. */
static int unknown_scheme(const char *scheme, const lesson_store_backend *only) {
    char known[256];
    if (only)
        snprintf(known, sizeof known, "%s", only->schemes);
    else
        lesson_store_backend_list(known, sizeof known);
    return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "location: the scheme %s is not one of %s", scheme, known);
}

static int open_at(lesson_store **out, const lesson_store_backend *backend, const char *text) {
    if (!out)
        return lesson_store_fail(LESSON_STORE_INVALID, "open: no place for the store");
    *out = NULL;
    lesson_store *store = calloc(1, sizeof *store);
    if (!store)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a store");
    int code = lesson_store_location_parse(&store->location, text);
    if (code) {
        free(store);
        return code;
    }
    const lesson_store_backend *opener = backend ? backend : lesson_store_backend_find(store->location.scheme);
    if (!opener || !lesson_store_backend_opens(opener, store->location.scheme)) {
        code = unknown_scheme(store->location.scheme, backend);
        free(store);
        return code;
    }
    return open_on(out, opener, store);
}

int lesson_store_open(lesson_store **out, const char *location) {
    return open_at(out, NULL, location);
}

int lesson_store_open_with(lesson_store **out, const lesson_store_backend *backend, const char *location) {
    if (out)
        *out = NULL;
    lesson_store_backend completed;
    int code = lesson_store_backend_complete(&completed, backend);
    return code ? code : open_at(out, backend, location);
}

void lesson_store_close(lesson_store *store) {
    if (!store)
        return;
    lesson_store_pool_close(&store->pool);
    free_store(store);
}
