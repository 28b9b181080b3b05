/* The figures as OpenMetrics text (github.com/OpenObservability/OpenMetrics, specification 1.0).
 *
 * All samples of a family stand together, so the figures of every source are read first. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../core.h"

/* What one source has given. */
struct gathered {
    char label[2 * LESSON_STORE_ID_MAX + 1]; /* its name, escaped */
    bool has_executor;
    lesson_store_figures store;
    lesson_store_executor_figures executor;
    lesson_store_call_figures calls[LESSON_STORE__COUNTED_END];
};

struct writer {
    struct gathered *sources;
    size_t count;
    lesson_store_metrics_callback callback;
    void *context;
    bool stopped;
};

/* ---- Writing */

static void write(struct writer *writer, const char *format, ...) LESSON_STORE_PRINTF(2, 3);
static void write(struct writer *writer, const char *format, ...) {
    char line[1024];
    if (writer->stopped)
        return;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    writer->stopped = !writer->callback(line, (size_t)size, writer->context);
}

/* `unit` is "" for none; a name with a unit ends in it. */
static void begin_family(struct writer *writer, const char *name, const char *type, const char *unit,
                         const char *help) {
    write(writer, "# TYPE lessonstore_%s %s\n", name, type);
    if (*unit)
        write(writer, "# UNIT lessonstore_%s %s\n", name, unit);
    write(writer, "# HELP lessonstore_%s %s\n", name, help);
}

static bool ends_in(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* Without printf for fractions, which writes the decimal point of the program's locale. */
#define SECONDS "%" PRIu64 ".%06" PRIu64
#define SECONDS_OF(us) ((us) / 1000000), ((us) % 1000000)

enum { LIMIT_SIZE = 32 };

/* The limit of a class in seconds, in the canonical form of the specification: as %g in the C locale writes it. */
static void format_limit(char text[LIMIT_SIZE], uint64_t us) {
    if (us < 10)
        snprintf(text, LIMIT_SIZE, "%" PRIu64 "e-06", us);
    else if (us < 100)
        snprintf(text, LIMIT_SIZE, "%" PRIu64 ".%" PRIu64 "e-05", us / 10, us % 10);
    else
        snprintf(text, LIMIT_SIZE, SECONDS, SECONDS_OF(us)); /* a power of 2 does not end in a 0 */
}

/* ---- Calls */

static void write_codes(struct writer *writer, const struct gathered *from, uint32_t call) {
    const lesson_store_call_figures *figures = &from->calls[call];
    for (int code = -LESSON_STORE__CODES_DOWN + 1; code < LESSON_STORE__CODES_UP; code++) {
        uint64_t calls = code < 0 ? figures->failures[-code] : figures->answers[code];
        if (calls > 0)
            write(writer, "lessonstore_calls_total{store=\"%s\",call=\"%s\",code=\"%s\"} %" PRIu64 "\n", from->label,
                  lesson_store_call_name(call), lesson_store_code_name(code), calls);
    }
}

static void write_times(struct writer *writer, const struct gathered *from, uint32_t call) {
    const lesson_store_call_figures *figures = &from->calls[call];
    const char *name = lesson_store_call_name(call);
    uint64_t total = 0;
    for (int i = 0; i < LESSON_STORE_TIMES; i++)
        total += figures->took[i];
    if (total == 0)
        return;
    uint64_t sum = 0;
    for (int i = 0; i < LESSON_STORE_TIMES - 1; i++) {
        sum += figures->took[i];
        char limit[LIMIT_SIZE];
        format_limit(limit, lesson_store_time_limit_us(i));
        write(writer, "lessonstore_call_seconds_bucket{store=\"%s\",call=\"%s\",le=\"%s\"} %" PRIu64 "\n", from->label,
              name, limit, sum);
    }
    write(writer, "lessonstore_call_seconds_bucket{store=\"%s\",call=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", from->label,
          name, total);
    write(writer, "lessonstore_call_seconds_count{store=\"%s\",call=\"%s\"} %" PRIu64 "\n", from->label, name, total);
    write(writer, "lessonstore_call_seconds_sum{store=\"%s\",call=\"%s\"} " SECONDS "\n", from->label, name,
          SECONDS_OF(figures->took_us));
}

static void write_calls(struct writer *writer, void (*write_one)(struct writer *, const struct gathered *, uint32_t)) {
    for (size_t i = 0; i < writer->count; i++) {
        for (uint32_t call = 0; call < LESSON_STORE__COUNTED_END; call++) {
            if (lesson_store_call_name(call))
                write_one(writer, &writer->sources[i], call);
        }
    }
}

/* ---- Figures that are one number of a source */

enum type { COUNTER, GAUGE, MICROSECONDS /* a counter of them, written in seconds */ };

struct family {
    const char *name;
    const char *help;
    enum type type;
    size_t offset; /* in the structure that it is in */
};

#define OF_STORE(name, type, member, help) \
    { name, help, type, offsetof(lesson_store_figures, member) }
static const struct family families_of_store[] = {
    OF_STORE("pool_size", GAUGE, pool_size, "Instances that the pool may have."),
    OF_STORE("pool_open", GAUGE, pool_open, "Instances that the pool has."),
    OF_STORE("pool_lent", GAUGE, pool_lent, "Instances that calls are using."),
    OF_STORE("pool_waits", COUNTER, waits, "Calls that waited for an instance."),
    OF_STORE("pool_waited_seconds", MICROSECONDS, waited_us, "How long calls waited for an instance."),
    OF_STORE("pool_opens", COUNTER, opens, "Instances that were opened."),
    OF_STORE("pool_open_failures", COUNTER, open_failures, "Instances that could not be opened."),
};

#define ENGINE_FAMILY(name, word, help) \
    {"engine_" word, help, COUNTER,     \
     offsetof(lesson_store_figures, engine) + LESSON_STORE_ENGINE_##name * sizeof(uint64_t)},
static const struct family families_of_engine[] = {LESSON_STORE_ENGINE_FIGURE_MAP(ENGINE_FAMILY)};

#define OF_EXECUTOR(name, type, member, help) \
    { "executor_" name, help, type, offsetof(lesson_store_executor_figures, member) }
static const struct family families_of_executor[] = {
    OF_EXECUTOR("pending", GAUGE, pending, "Operations that are submitted and not completed."),
    OF_EXECUTOR("accepted", COUNTER, accepted, "Operations that were accepted."),
    OF_EXECUTOR("completed", COUNTER, completed, "Operations whose callbacks have returned."),
    OF_EXECUTOR("overloaded", COUNTER, overloaded, "Operations that were refused because too many were pending."),
    OF_EXECUTOR("expired", COUNTER, expired, "Operations that timed out."),
    OF_EXECUTOR("cancelled", COUNTER, cancelled, "Operations that were cancelled."),
    OF_EXECUTOR("batches", COUNTER, batches, "Batches that were run."),
    OF_EXECUTOR("largest_batch", GAUGE, largest_batch, "Operations in the largest batch."),
    OF_EXECUTOR("pages", COUNTER, pages, "Pages of lists that were read."),
    OF_EXECUTOR("sweeps", COUNTER, sweeps, "Sweeps by the executor."),
    OF_EXECUTOR("sweeps_failed", COUNTER, sweeps_failed, "Sweeps by the executor that failed."),
    OF_EXECUTOR("put_out", COUNTER, put_out, "Users whom the executor's sweeps have put out."),
};

static const char *unit_of(const struct family *family) {
    if (family->type == MICROSECONDS)
        return "seconds";
    return ends_in(family->name, "_bytes") ? "bytes" : "";
}

static void write_sample(struct writer *writer, const struct family *family, const char *label, const void *figures) {
    uint64_t value;
    memcpy(&value, (const char *)figures + family->offset, sizeof value);
    const char *end = family->type == GAUGE ? "" : "_total";
    if (family->type == MICROSECONDS)
        write(writer, "lessonstore_%s%s{store=\"%s\"} " SECONDS "\n", family->name, end, label, SECONDS_OF(value));
    else
        write(writer, "lessonstore_%s%s{store=\"%s\"} %" PRIu64 "\n", family->name, end, label, value);
}

static void write_family(struct writer *writer, const struct family *family, bool is_of_executor) {
    begin_family(writer, family->name, family->type == GAUGE ? "gauge" : "counter", unit_of(family), family->help);
    for (size_t i = 0; i < writer->count; i++) {
        const struct gathered *from = &writer->sources[i];
        if (!is_of_executor)
            write_sample(writer, family, from->label, &from->store);
        else if (from->has_executor)
            write_sample(writer, family, from->label, &from->executor);
    }
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void write_families(struct writer *writer) {
    begin_family(writer, "calls", "counter", "", "Calls by their outcome, and operations of batches.");
    write_calls(writer, write_codes);
    begin_family(writer, "call_seconds", "histogram", "seconds", "How long calls took.");
    write_calls(writer, write_times);
    for (size_t i = 0; i < COUNT_OF(families_of_store); i++)
        write_family(writer, &families_of_store[i], false);
    for (size_t i = 0; i < COUNT_OF(families_of_engine); i++)
        write_family(writer, &families_of_engine[i], false);
    bool has_executor = false;
    for (size_t i = 0; i < writer->count; i++)
        has_executor = has_executor || writer->sources[i].has_executor;
    for (size_t i = 0; has_executor && i < COUNT_OF(families_of_executor); i++)
        write_family(writer, &families_of_executor[i], true);
}

/* ---- Gathering */

static const char *name_of(const lesson_store_metrics_source *source) {
    return source->name ? source->name : source->store->location.scheme;
}

static int check_source(const lesson_store_metrics_source *sources, size_t index) {
    const lesson_store_metrics_source *source = &sources[index];
    if (!source->store)
        return lesson_store_fail(LESSON_STORE_INVALID, "metrics: source %zu has no store", index);
    if (source->executor && lesson_store__executor_store(source->executor) != source->store)
        return lesson_store_fail(LESSON_STORE_INVALID, "metrics: the executor of source %zu is over another store",
                                 index);
    for (size_t i = 0; i < COUNT_OF(source->reserved); i++) {
        if (source->reserved[i])
            return lesson_store_fail(LESSON_STORE_INVALID, "metrics: a reserved field of source %zu is not zero",
                                     index);
    }
    int code = lesson_store_id_check("the name of a source of metrics", lesson_store_id_of(name_of(source)));
    for (size_t i = 0; !code && i < index; i++) {
        if (strcmp(name_of(&sources[i]), name_of(source)) == 0)
            code =
                lesson_store_fail(LESSON_STORE_INVALID, "metrics: two sources have the name \"%s\"", name_of(source));
    }
    return code;
}

static void escape(char *out, const char *name) {
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            *out++ = '\\';
        *out++ = *name;
    }
    *out = '\0';
}

static int gather(struct gathered *into, const lesson_store_metrics_source *source) {
    escape(into->label, name_of(source));
    lesson_store_figures_init(&into->store, sizeof into->store);
    int code = lesson_store_read_figures(source->store, &into->store);
    for (uint32_t call = 0; !code && call < LESSON_STORE__COUNTED_END; call++) {
        lesson_store_call_figures_init(&into->calls[call], sizeof into->calls[call]);
        if (lesson_store_call_name(call))
            code = lesson_store_read_call_figures(source->store, call, &into->calls[call]);
    }
    into->has_executor = source->executor;
    lesson_store_executor_figures_init(&into->executor, sizeof into->executor);
    if (!code && source->executor)
        code = lesson_store_executor_read_figures(source->executor, &into->executor);
    return code;
}

int lesson_store_write_metrics(const lesson_store_metrics_source *sources, size_t count, uint32_t flags,
                               lesson_store_metrics_callback callback, void *context) {
    if (!callback || (count > 0 && !sources))
        return lesson_store_fail(LESSON_STORE_INVALID, "metrics: no %s", callback ? "sources" : "callback");
    if (flags & ~(uint32_t)LESSON_STORE_METRICS_PART)
        return lesson_store_fail(LESSON_STORE_INVALID, "metrics take no flag 0x%x", (unsigned)flags);
    int code = LESSON_STORE_OK;
    for (size_t i = 0; !code && i < count; i++)
        code = check_source(sources, i);
    if (code)
        return code;
    struct writer writer = {.callback = callback, .context = context, .count = count};
    writer.sources = calloc(count > 0 ? count : 1, sizeof *writer.sources);
    if (!writer.sources)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for the metrics");
    for (size_t i = 0; !code && i < count; i++)
        code = gather(&writer.sources[i], &sources[i]);
    if (!code)
        write_families(&writer);
    if (!code && !(flags & LESSON_STORE_METRICS_PART))
        write(&writer, "# EOF\n");
    free(writer.sources);
    return code;
}
