/* The options of a fault+... location, and how they make a fault. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "faults.h"

#define UNLIMITED INT64_C(1000000000000)

const lesson_store_option fault_options[] = {
    {.name = "fault_code",
     .summary = "the code of a struck call",
     .choices = "none|unreachable|denied|read_only|full|busy|unknown|malformed|failed|no_memory",
     .text_default = "none"},
    {.name = "fault_on",
     .summary = "the kinds of calls that are watched, separated by commas",
     .text_default = "calls"},
    {.name = "fault_scope",
     .summary = "what else of a batch fails",
     .choices = "default|operation|rest|batch",
     .text_default = "default"},
    {.name = "fault_moment",
     .summary = "whether unknown strikes before or after the operation is applied",
     .choices = "before|after",
     .text_default = "before"},
    {.name = "fault_at",
     .summary = "the first of the watched calls that is struck",
     .number_default = 1,
     .minimum = 1,
     .maximum = UNLIMITED},
    {.name = "fault_times",
     .summary = "how many calls are struck; 0: all from fault_at on",
     .number_default = 0,
     .minimum = 0,
     .maximum = UNLIMITED},
    {.name = "fault_one_in",
     .summary = "each watched call is struck with a chance of one in so many",
     .number_default = 1,
     .minimum = 1,
     .maximum = UNLIMITED},
    {.name = "fault_seed",
     .summary = "the seed of that chance",
     .number_default = 0,
     .minimum = 0,
     .maximum = UNLIMITED},
    {.name = "fault_items",
     .summary = "how many entries a struck list gives before it fails",
     .number_default = 0,
     .minimum = 0,
     .maximum = UNLIMITED},
    {.name = "fault_delay_ms",
     .summary = "how long a struck call waits first",
     .number_default = 0,
     .minimum = 0,
     .maximum = LESSON_STORE_FAULT_DELAY_MAX_MS},
    {.name = NULL},
};

const int fault_codes[] = {
    LESSON_STORE_UNREACHABLE, LESSON_STORE_DENIED,    LESSON_STORE_READ_ONLY, LESSON_STORE_FULL,      LESSON_STORE_BUSY,
    LESSON_STORE_UNKNOWN,     LESSON_STORE_MALFORMED, LESSON_STORE_FAILED,    LESSON_STORE_NO_MEMORY, LESSON_STORE_OK,
};

/* Names of several bits come last, so that a text made from bits names each bit by itself. */
static const struct kind {
    const char *name;
    uint64_t on;
} kinds[] = {
#define KIND(name, number, word) {word, UINT64_C(1) << (number)},
    LESSON_STORE_OPERATION_MAP(KIND)
#undef KIND
        {"members", LESSON_STORE_FAULT_ON_MEMBERS},
    {"lessons", LESSON_STORE_FAULT_ON_LESSONS},
    {"users", LESSON_STORE_FAULT_ON_USERS},
    {"check", LESSON_STORE_FAULT_ON_CHECK},
    {"sweep", LESSON_STORE_FAULT_ON_SWEEP},
    {"owners", LESSON_STORE_FAULT_ON_OWNERS},
    {"bans", LESSON_STORE_FAULT_ON_BANS},
    {"events", LESSON_STORE_FAULT_ON_EVENTS},
    {"open", LESSON_STORE_FAULT_ON_OPEN},
    {"operations", LESSON_STORE_FAULT_ON_OPERATIONS},
    {"calls", LESSON_STORE_FAULT_ON_CALLS},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static uint64_t kind_of(const char *name, size_t size) {
    for (size_t i = 0; i < KINDS; i++) {
        if (strlen(kinds[i].name) == size && memcmp(kinds[i].name, name, size) == 0)
            return kinds[i].on;
    }
    return 0;
}

static void append(char *text, size_t size, const char *format, ...) LESSON_STORE_PRINTF(3, 4);

static void append(char *text, size_t size, const char *format, ...) {
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static bool is_one(const struct kind *kind) {
    return (kind->on & (kind->on - 1)) == 0;
}

static void append_kinds(char *text, size_t size, uint64_t on) {
    const char *between = "";
    if (on == LESSON_STORE_FAULT_ON_CALLS) {
        append(text, size, "calls");
        return;
    }
    for (size_t i = 0; i < KINDS && is_one(&kinds[i]); i++) {
        if (!(on & kinds[i].on))
            continue;
        append(text, size, "%s%s", between, kinds[i].name);
        between = ",";
    }
}

static int refuse_kind(const char *name, size_t size) {
    char known[128] = "";
    append_kinds(known, sizeof known, UINT64_MAX);
    return lesson_store_fail(LESSON_STORE_INVALID,
                             "location: fault_on: \"%.*s\" is not a kind of call, such as %s, operations or calls",
                             (int)size, name, known);
}

static int read_kinds(const char *text, uint64_t *on) {
    *on = 0;
    for (;;) {
        size_t size = strcspn(text, ",");
        uint64_t kind = kind_of(text, size);
        if (!kind)
            return refuse_kind(text, size);
        *on |= kind;
        if (!text[size])
            return LESSON_STORE_OK;
        text += size + 1;
    }
}

static int code_of(const char *name) {
    const int *code = fault_codes;
    while (*code && strcasecmp(lesson_store_code_name(*code), name) != 0)
        code++;
    return *code;
}

static const char *const scopes[] = {"default", "operation", "rest", "batch"};

static uint32_t scope_of(const char *name) {
    uint32_t scope = sizeof scopes / sizeof *scopes - 1;
    while (scope > 0 && strcmp(scopes[scope], name) != 0)
        scope--;
    return scope;
}

static bool any_given(const lesson_store_location *location) {
    const lesson_store_option *option = fault_options;
    while (option->name && !lesson_store_location_has(location, option->name))
        option++;
    return option->name;
}

static uint64_t number(const lesson_store_location *location, const char *name) {
    return (uint64_t)lesson_store_location_number(location, name);
}

int fault_state_set_by_location(fault_state *faults, const lesson_store_location *location) {
    if (!any_given(location))
        return LESSON_STORE_OK;
    lesson_store_fault fault = LESSON_STORE_FAULT_INIT(code_of(lesson_store_location_text(location, "fault_code")));
    int code = read_kinds(lesson_store_location_text(location, "fault_on"), &fault.on);
    if (code)
        return code;
    fault.scope = scope_of(lesson_store_location_text(location, "fault_scope"));
    fault.after_applying = strcmp(lesson_store_location_text(location, "fault_moment"), "after") == 0;
    fault.at = number(location, "fault_at");
    fault.times = number(location, "fault_times");
    fault.one_in = number(location, "fault_one_in");
    fault.seed = number(location, "fault_seed");
    fault.items = number(location, "fault_items");
    fault.delay_ms = lesson_store_location_number(location, "fault_delay_ms");
    return fault_state_set(faults, &fault);
}

void fault_describe(char *text, size_t size, const lesson_store_fault *fault) {
    text[0] = '\0';
    append(text, size, "%s on ", fault->code ? lesson_store_code_name(fault->code) : "delay");
    append_kinds(text, size, fault->on);
    append(text, size, " at %" PRIu64, fault->at > 0 ? fault->at : 1);
    if (fault->times > 0)
        append(text, size, ", times %" PRIu64, fault->times);
    if (fault->one_in > 1)
        append(text, size, ", one in %" PRIu64 " of seed %" PRIu64, fault->one_in, fault->seed);
    if (fault->code)
        append(text, size, ", scope %s", scopes[fault->scope]);
    if (fault->items > 0)
        append(text, size, ", items %" PRIu64, fault->items);
    if (fault->after_applying)
        append(text, size, ", after it was applied");
    if (fault->delay_ms > 0)
        append(text, size, ", after %" PRId64 " ms", fault->delay_ms);
}
