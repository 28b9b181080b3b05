/* What a store can do, and what it reports about itself. */
#include <inttypes.h>
#include <stdio.h>

#include "core.h"

struct reporter {
    const lesson_store *store;
    lesson_store_info_callback callback;
    void *context;
    bool stopped;
};

static bool report(const char *name, const char *value, void *context) {
    struct reporter *reporter = context;
    if (!reporter->stopped)
        reporter->stopped = !reporter->callback(name, value, reporter->context) ||
                            lesson_store__origin_is_elsewhere(&reporter->store->pool.origin);
    return !reporter->stopped;
}

static void report_capabilities(const lesson_store *store, struct reporter *reporter) {
    static const struct {
        uint64_t bit;
        const char *name;
    } names[] = {
        {LESSON_STORE_CAN_KEEP_SESSIONS, "can_keep_sessions"},
        {LESSON_STORE_CAN_SHARE, "can_share"},
        {LESSON_STORE_CAN_PERSIST, "can_persist"},
        {LESSON_STORE_CAN_ADMIT, "can_admit"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        report(names[i].name, store->capabilities & names[i].bit ? "yes" : "no", reporter);
}

static uint64_t exceptions_of(const lesson_store *store) {
    return store->pool.slots[0].instance->exceptions;
}

static void report_exceptions(const lesson_store *store, struct reporter *reporter) {
    static const struct {
        uint64_t bit;
        const char *name;
    } names[] = {
        {LESSON_STORE_EXCEPT_STEPS, "except_steps"},
        {LESSON_STORE_EXCEPT_ADMISSION, "except_admission"},
        {LESSON_STORE_EXCEPT_ORDER, "except_order"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        report(names[i].name, exceptions_of(store) & names[i].bit ? "yes" : "no", reporter);
}

static void report_option(const lesson_store *store, const lesson_store_option *option, struct reporter *reporter) {
    const lesson_store_location *location = &store->location;
    char number[24];
    const char *value = lesson_store_location_text(location, option->name);
    if (option->maximum > option->minimum) {
        snprintf(number, sizeof number, "%" PRId64, lesson_store_location_number(location, option->name));
        value = number;
    }
    report(option->name, value ? lesson_store__option_shown(location, option, value) : "", reporter);
}

/* The prefix reports its own options. */
static void report_options(const lesson_store *store, struct reporter *reporter) {
    for (const lesson_store_option *option = store->location.options; option && option->name; option++)
        report_option(store, option, reporter);
}

static uint64_t calls_of(const lesson_store_backend *backend) {
    uint64_t calls = backend->members ? LESSON_STORE_CALL_MEMBERS : 0;
    calls |= backend->lessons ? LESSON_STORE_CALL_LESSONS : 0;
    calls |= backend->users ? LESSON_STORE_CALL_USERS : 0;
    calls |= backend->check ? LESSON_STORE_CALL_CHECK : 0;
    calls |= backend->members_page ? LESSON_STORE_CALL_MEMBERS_PAGE : 0;
    calls |= backend->lessons_page ? LESSON_STORE_CALL_LESSONS_PAGE : 0;
    calls |= backend->users_page ? LESSON_STORE_CALL_USERS_PAGE : 0;
    calls |= backend->sweep ? LESSON_STORE_CALL_SWEEP : 0;
    calls |= backend->owners ? LESSON_STORE_CALL_OWNERS : 0;
    calls |= backend->bans ? LESSON_STORE_CALL_BANS : 0;
    calls |= backend->find_lessons ? LESSON_STORE_CALL_FIND_LESSONS : 0;
    calls |= backend->find_lessons_page ? LESSON_STORE_CALL_FIND_LESSONS_PAGE : 0;
    calls |= backend->events ? LESSON_STORE_CALL_FEED : 0;
    return calls;
}

void lesson_store_abilities_init(lesson_store_abilities *abilities, size_t size) {
    const lesson_store_abilities init = LESSON_STORE_ABILITIES_INIT;
    lesson_store_sized_init(abilities, size, &init, sizeof init);
}

int lesson_store_read_abilities(const lesson_store *store, lesson_store_abilities *abilities) {
    if (!store || !abilities)
        return lesson_store_fail(LESSON_STORE_INVALID, "abilities: no %s", store ? "structure to fill" : "store");
    const lesson_store_instance *first = store->pool.slots[0].instance;
    lesson_store_abilities found = {
        .operations = store->backend.operations,
        .flags = store->backend.flags,
        .calls = calls_of(&store->backend),
        .capabilities = store->capabilities,
        .end_at_once_max = first->end_at_once_max ? first->end_at_once_max : UINT64_MAX,
        .members_at_once_max = first->members_at_once_max ? first->members_at_once_max : UINT64_MAX,
        .exceptions = exceptions_of(store),
    };
    if (!lesson_store__sized_write(abilities, &found, sizeof found))
        return lesson_store_fail(LESSON_STORE_INVALID, "abilities: the size is not valid");
    return LESSON_STORE_OK;
}

/* A prefix says nothing about what opened the location. */
static const char *summary_of(const lesson_store *store) {
    const lesson_store_backend *backend = store->location.beneath ? store->location.beneath : &store->backend;
    return backend->summary ? backend->summary : "";
}

int lesson_store_info(lesson_store *store, lesson_store_info_callback callback, void *context) {
    if (!store)
        return lesson_store_fail(LESSON_STORE_INVALID, "info: no store");
    int code;
    lesson_store__slot *slot = lesson_store__begin_stream(store, LESSON_STORE__NOT_COUNTED, true, callback, &code);
    if (!slot)
        return code;
    struct reporter reporter = {store, callback, context, false};
    char pool[16];
    snprintf(pool, sizeof pool, "%d", store->pool.size);
    report("location", store->location.shown, &reporter);
    report("scheme", store->location.scheme, &reporter);
    report("backend", summary_of(store), &reporter);
    report("library_version", lesson_store_version(), &reporter);
    report_capabilities(store, &reporter);
    report_exceptions(store, &reporter);
    report("pool", pool, &reporter);
    report_options(store, &reporter);
    if (store->backend.info && !reporter.stopped)
        code = store->backend.info(slot->instance, report, &reporter);
    return lesson_store__end_stream(store, slot, code);
}
