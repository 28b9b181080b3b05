/* check, repair and info. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <lessonstore/backend.h>
#include <lessonstore/figures.h>

#include "lessonctl.h"
#include "progress.h"

/* ---- What the store warns of */

static bool pass_warning(const char *name, const char *value, void *context) {
    const struct call *call = context;
    if (strcmp(name, "warning") == 0)
        complain(call->program, call->command->name, LESSON_STORE_OK, "warning: %s", value);
    return true;
}

void pass_warnings(struct call *call) {
    (void)lesson_store_info(call->store, pass_warning, call); /* the command itself reports a failure */
}

/* ---- check and repair */

struct inspection {
    struct call *call;
    struct progress progress;
    bool dry_run;
    bool repairs;
    uint64_t found;
    uint64_t repairable;
    uint64_t repaired;
};

static const char *verdict(const struct inspection *inspection, const lesson_store_finding *finding) {
    if (!inspection->repairs && !inspection->dry_run)
        return "found";
    if (finding->repaired)
        return "repaired";
    return inspection->dry_run && finding->repairable ? "would repair" : "left";
}

static bool print_finding(const lesson_store_finding *finding, void *context) {
    struct inspection *inspection = context;
    inspection->found++;
    inspection->repairable += finding->repairable;
    inspection->repaired += finding->repaired;
    struct field row[] = {field_text("verdict", verdict(inspection, finding)),
                          field_text("finding", lesson_store_finding_text((int)finding->kind)),
                          field_id("lesson_id", finding->lesson_id),
                          field_id("uid", finding->uid),
                          field_text("detail", finding->detail),
                          field_only_json(field_bool("repairable", finding->repairable)),
                          field_only_json(field_bool("repaired", finding->repaired))};
    progress_update(&inspection->progress, 0, inspection->found);
    return output_row(&inspection->call->output, row, sizeof row / sizeof *row);
}

static int inspect(struct inspection *inspection) {
    struct call *call = inspection->call;
    uint32_t flags = (inspection->repairs ? (uint32_t)LESSON_STORE_CHECK_REPAIR : 0) |
                     (option_given(call, OPTION_ENDED) ? (uint32_t)LESSON_STORE_CHECK_ENDED : 0);
    pass_warnings(call);
    progress_begin(&inspection->progress, call->output.stream, "found", 0);
    int code = lesson_store_check(call->store, flags, print_finding, inspection, NULL, NULL);
    progress_end(&inspection->progress);
    if (code)
        return report_failure(call, NULL, code);
    note(call, "%" PRIu64 " found, %" PRIu64 " of them repairable, %" PRIu64 " repaired", inspection->found,
         inspection->repairable, inspection->repaired);
    return inspection->found == inspection->repaired ? EXIT_YES : EXIT_NO;
}

int command_check(struct call *call) {
    struct inspection inspection = {.call = call};
    return inspect(&inspection);
}

int command_repair(struct call *call) {
    bool dry_run = option_given(call, OPTION_DRY_RUN);
    struct inspection inspection = {.call = call, .dry_run = dry_run, .repairs = !dry_run};
    return inspect(&inspection);
}

/* ---- info */

struct fact {
    char *name;
    char *value;
};

struct facts {
    struct fact *items;
    size_t count;
    bool no_memory;
};

/* The texts are borrowed only during the callback, and one JSON object needs all of them. */
static bool keep_fact(const char *name, const char *value, void *context) {
    struct facts *facts = context;
    struct fact *items = realloc(facts->items, (facts->count + 1) * sizeof *items);
    facts->no_memory = !items;
    if (!items)
        return false;
    facts->items = items;
    struct fact *fact = &items[facts->count++];
    *fact = (struct fact){strdup(name), strdup(value)};
    facts->no_memory = !fact->name || !fact->value;
    return !facts->no_memory;
}

/* True if an option of this name takes a text, which may look like a number. */
static bool is_text_option(const char *name) {
    const lesson_store_backend *backend;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)) != NULL; i++) {
        for (const lesson_store_option *option = backend->options; option && option->name; option++) {
            if (strcmp(option->name, name) == 0)
                return option->maximum <= option->minimum;
        }
    }
    return false;
}

/* A figure is a number in JSON. */
static struct field field_of(const struct fact *fact) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(fact->value, &end, 10);
    bool digits_only = fact->value[0] && fact->value[strspn(fact->value, "0123456789")] == '\0';
    if (digits_only && !errno && number <= INT64_MAX && !is_text_option(fact->name))
        return field_number(fact->name, number);
    return field_text(fact->name, fact->value);
}

static bool print_facts(struct call *call, const struct facts *facts) {
    struct field *fields = calloc(facts->count + 1, sizeof *fields);
    if (!fields || facts->no_memory) {
        free(fields);
        return false;
    }
    for (size_t i = 0; i < facts->count; i++)
        fields[i] = field_of(&facts->items[i]);
    output_facts(&call->output, fields, facts->count);
    free(fields);
    return true;
}

static void free_facts(struct facts *facts) {
    for (size_t i = 0; i < facts->count; i++) {
        free(facts->items[i].name);
        free(facts->items[i].value);
    }
    free(facts->items);
}

static bool pass_over(const char *name, const char *value, void *context) {
    (void)name, (void)value, (void)context;
    return true;
}

static bool print_metrics(const char *text, size_t size, void *context) {
    struct call *call = context;
    return output_text(&call->output, text, size);
}

static int write_metrics(struct call *call) {
    const lesson_store_metrics_source source = {.store = call->store};
    return lesson_store_write_metrics(&source, 1, 0, print_metrics, call);
}

static int show_metrics(struct call *call) {
    if (call->output.json)
        return complain_of(call, LESSON_STORE_INVALID, "--metrics has a form of its own, and no --json");
    int code = lesson_store_info(call->store, pass_over, NULL);
    if (!code)
        code = write_metrics(call);
    return code ? report_failure(call, NULL, code) : EXIT_YES;
}

int command_info(struct call *call) {
    if (option_given(call, OPTION_METRICS))
        return show_metrics(call);
    struct facts facts = {0};
    int status = EXIT_YES;
    int code = lesson_store_info(call->store, keep_fact, &facts);
    if (code) {
        status = report_failure(call, NULL, code);
    } else if (!print_facts(call, &facts)) {
        status = complain_of(call, LESSON_STORE_NO_MEMORY, "no memory left");
    }
    free_facts(&facts);
    return status;
}
