/* Opening, closing, and the way of every call: check, borrow an instance, run, give it back. */
#include <inttypes.h>
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

/* ---- Operations */

void lesson_store_fail_operations(lesson_store_operation *operations, size_t first, size_t end, int code) {
    for (size_t i = first; i < end; i++) {
        if (operations[i].code != LESSON_STORE_UNANSWERED)
            continue;
        bool harmless = code == LESSON_STORE_UNKNOWN && !lesson_store_operation_writes(&operations[i]);
        operations[i].code = harmless ? LESSON_STORE_UNREACHABLE : code;
    }
}

static LESSON_STORE_RARE int fail_unanswered(const lesson_store_backend *backend, lesson_store_operation *operations,
                                             size_t first, size_t count) {
    int code = lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend left operation %zu without an answer",
                                 backend->schemes, first);
    lesson_store_fail_operations(operations, first, count, code);
    return code;
}

static int run(const lesson_store_backend *backend, lesson_store_instance *instance, lesson_store_operation *operations,
               size_t count) {
    int code = backend->run(instance, operations, count);
    if (code) {
        lesson_store_fail_operations(operations, 0, count, code);
        return code;
    }
    for (size_t i = 0; i < count; i++) {
        if (operations[i].code == LESSON_STORE_UNANSWERED)
            return fail_unanswered(backend, operations, i, count);
    }
    return LESSON_STORE_OK;
}

/* Leaves every operation either refused or UNANSWERED; returns how many are left to be run. */
static size_t check_all(const lesson_store *store, lesson_store_operation *operations, size_t count) {
    size_t sound = 0;
    for (size_t i = 0; i < count; i++) {
        int code = lesson_store_operation_check(store, &operations[i]);
        operations[i].code = code ? code : LESSON_STORE_UNANSWERED;
        sound += code == LESSON_STORE_OK;
    }
    return sound;
}

int lesson_store_code_of_unsent(int code) {
    return code == LESSON_STORE_UNKNOWN ? LESSON_STORE_UNREACHABLE : code;
}

int lesson_store_run_stretches(const lesson_store_backend *backend, lesson_store_instance *instance,
                               lesson_store_operation *operations, size_t count) {
    for (size_t first = 0, end; first < count; first = end + 1) {
        for (end = first; end < count && operations[end].code == LESSON_STORE_UNANSWERED; end++)
            ;
        int code = end > first ? run(backend, instance, operations + first, end - first) : LESSON_STORE_OK;
        if (code) {
            lesson_store_fail_operations(operations, end, count, lesson_store_code_of_unsent(code));
            return code;
        }
    }
    return LESSON_STORE_OK;
}

int lesson_store_batch(lesson_store *store, lesson_store_operation *operations, size_t count) {
    if (!store || (count > 0 && !operations))
        return lesson_store_fail(LESSON_STORE_INVALID, "batch: no %s", store ? "operations" : "store");
    if (count > LESSON_STORE_BATCH_MAX)
        return lesson_store_fail(LESSON_STORE_INVALID, "batch: %zu operations are more than %d", count,
                                 LESSON_STORE_BATCH_MAX);
    if (count == 0)
        return LESSON_STORE_OK;
    int code = lesson_store_pool_check_thread(&store->pool);
    if (code)
        return code;
    size_t sound = check_all(store, operations, count);
    if (sound == 0)
        return LESSON_STORE_OK;

    lesson_store_slot *slot = lesson_store_pool_take(&store->pool);
    if (sound == count)
        code = run(&store->backend, slot->instance, operations, count);
    else
        code = lesson_store_run_stretches(&store->backend, slot->instance, operations, count);
    lesson_store_pool_give(&store->pool, slot);
    return code;
}

/* ---- Streams */

/* NULL with a code if there can be no such stream. */
static lesson_store_slot *begin_stream(lesson_store *store, bool has_function, bool has_callback, int *code) {
    if (!store || !has_callback) {
        *code = lesson_store_fail(LESSON_STORE_INVALID, "stream: no %s", store ? "callback" : "store");
        return NULL;
    }
    if (!has_function) {
        *code =
            lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: the backend does not offer this", store->location.shown);
        return NULL;
    }
    *code = lesson_store_pool_check_thread(&store->pool);
    if (*code)
        return NULL;
    lesson_store_slot *slot = lesson_store_pool_take(&store->pool);
    lesson_store_pool_begin_streaming(&store->pool, slot);
    return slot;
}

static int end_stream(lesson_store *store, lesson_store_slot *slot, int code) {
    lesson_store_pool_end_streaming(&store->pool, slot);
    lesson_store_pool_give(&store->pool, slot);
    if (code > 0)
        return lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend answered a stream with %s",
                                 store->location.shown, lesson_store_code_name(code));
    return code;
}

int lesson_store_members(lesson_store *store, const char *lesson_id, lesson_store_member_callback callback,
                         void *context) {
    lesson_store_id id = lesson_store_id_of(lesson_id);
    int code = lesson_store_id_check("lesson_id", id);
    if (code)
        return code;
    lesson_store_slot *slot = begin_stream(store, store && store->backend.members, callback, &code);
    if (!slot)
        return code;
    return end_stream(store, slot, store->backend.members(slot->instance, id, callback, context));
}

int lesson_store_lessons(lesson_store *store, lesson_store_lesson_callback callback, void *context) {
    int code;
    lesson_store_slot *slot = begin_stream(store, store && store->backend.lessons, callback, &code);
    if (!slot)
        return code;
    return end_stream(store, slot, store->backend.lessons(slot->instance, callback, context));
}

int lesson_store_users(lesson_store *store, lesson_store_user_callback callback, void *context) {
    int code;
    lesson_store_slot *slot = begin_stream(store, store && store->backend.users, callback, &code);
    if (!slot)
        return code;
    return end_stream(store, slot, store->backend.users(slot->instance, callback, context));
}

struct tally {
    lesson_store_finding_callback callback;
    void *context;
    uint64_t found;
    uint64_t mended;
};

static bool count_finding(const lesson_store_finding *finding, void *context) {
    struct tally *tally = context;
    tally->found++;
    tally->mended += finding->mended;
    return !tally->callback || tally->callback(finding, tally->context);
}

int lesson_store_check(lesson_store *store, uint32_t flags, lesson_store_finding_callback callback, void *context,
                       uint64_t *found, uint64_t *mended) {
    if (flags & ~(uint32_t)(LESSON_STORE_CHECK_REPAIR | LESSON_STORE_CHECK_ENDED))
        return lesson_store_fail(LESSON_STORE_INVALID, "check takes no flag 0x%x", (unsigned)flags);
    int code;
    lesson_store_slot *slot = begin_stream(store, store && store->backend.check, true, &code);
    if (!slot)
        return code;
    struct tally tally = {callback, context, 0, 0};
    code = end_stream(store, slot, store->backend.check(slot->instance, flags, count_finding, &tally));
    if (found)
        *found = tally.found;
    if (mended)
        *mended = tally.mended;
    return code;
}

/* ---- Information */

struct reporter {
    lesson_store_info_callback callback;
    void *context;
    bool stopped;
};

static bool report(const char *name, const char *value, void *context) {
    struct reporter *reporter = context;
    if (!reporter->stopped)
        reporter->stopped = !reporter->callback(name, value, reporter->context);
    return !reporter->stopped;
}

static void report_capabilities(const lesson_store *store, struct reporter *reporter) {
    static const struct {
        uint32_t bit;
        const char *name;
    } names[] = {
        {LESSON_STORE_CAN_KEEP_SESSIONS, "can_keep_sessions"},
        {LESSON_STORE_CAN_SHARE, "can_share"},
        {LESSON_STORE_CAN_PERSIST, "can_persist"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        report(names[i].name, store->capabilities & names[i].bit ? "yes" : "no", reporter);
}

static void report_options(const lesson_store *store, struct reporter *reporter) {
    const lesson_store_option *option = store->backend.options;
    for (; option && option->name; option++) {
        char number[24];
        const char *value = lesson_store_location_text(&store->location, option->name);
        if (option->maximum > option->minimum) {
            snprintf(number, sizeof number, "%" PRId64, lesson_store_location_number(&store->location, option->name));
            value = number;
        }
        report(option->name, value ? value : "", reporter);
    }
}

int lesson_store_info(lesson_store *store, lesson_store_info_callback callback, void *context) {
    int code;
    lesson_store_slot *slot = begin_stream(store, store != NULL, callback, &code);
    if (!slot)
        return code;
    struct reporter reporter = {callback, context, false};
    char pool[16];
    snprintf(pool, sizeof pool, "%d", store->pool.size);
    report("location", store->location.shown, &reporter);
    report("scheme", store->location.scheme, &reporter);
    report("library_version", lesson_store_version(), &reporter);
    report_capabilities(store, &reporter);
    report("pool", pool, &reporter);
    report_options(store, &reporter);
    if (store->backend.info && !reporter.stopped)
        code = store->backend.info(slot->instance, report, &reporter);
    return end_stream(store, slot, code);
}
