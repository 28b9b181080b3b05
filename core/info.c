/* What a store says of itself. */
#include <inttypes.h>
#include <stdio.h>

#include "core.h"

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
    lesson_store_slot *slot = lesson_store_begin_stream(store, store != NULL, callback, &code);
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
    return lesson_store_end_stream(store, slot, code);
}
