/* The environment of one test: its stores, its gates, and its failures. */
#include "suite.h"

const char *const mode_names[MODE_COUNT] = {"single", "batch", "two-stores"};

void fixture_open(struct fixture *fixture) {
    size_t wanted = fixture->mode == MODE_TWO_STORES ? 2 : 1;
    while (fixture->store_count < wanted) {
        lesson_store *store = NULL;
        int code = fixture->backend->open(&store, fixture->backend->context);
        if (code || !store)
            fail_test(fixture, "store %zu cannot be opened: %s: %s", fixture->store_count + 1,
                      lesson_store_code_name(code), lesson_store_message());
        fixture->stores[fixture->store_count++] = store;
    }
    fixture->store = fixture->stores[0];
}

void fixture_close(struct fixture *fixture) {
    lesson_store_feed_close(fixture->feed);
    fixture->feed = NULL;
    while (fixture->store_count > 0)
        lesson_store_close(fixture->stores[--fixture->store_count]);
    fixture->store = NULL;
}

int fixture_set_up(void **state) {
    struct fixture *fixture = *state;
    const lesson_store_conformance_backend *backend = fixture->backend;
    int code = backend->prepare ? backend->prepare(backend->context) : 0;
    if (code)
        fprintf(stderr, "%s: prepare returned %d\n", backend->name, code);
    return code;
}

int fixture_tear_down(void **state) {
    struct fixture *fixture = *state;
    fixture_close(fixture);
    if (fixture->backend->clean_up)
        fixture->backend->clean_up(fixture->backend->context);
    lines_free(&fixture->known_uids);
    lines_free(&fixture->known_lessons);
    lines_free(&fixture->expected);
    lines_free(&fixture->found);
    free(fixture->operations);
    free(fixture->places);
    free(fixture->text);
    free(fixture->before);
    free(fixture->joinings);
    free(fixture->replica);
    return 0;
}

void make_room_for_batch(struct fixture *fixture, size_t count) {
    free(fixture->operations);
    free(fixture->places);
    fixture->operations = calloc(count, sizeof *fixture->operations);
    fixture->places = calloc(count, sizeof *fixture->places);
    if (!fixture->operations || !fixture->places)
        fail_test(fixture, "no memory for a batch of %zu", count);
}

/* The ids of a join. */
struct joining {
    char uid[32];
    char lesson_id[32];
};

void make_joins(struct fixture *fixture, size_t count, size_t lessons) {
    make_room_for_batch(fixture, count);
    free(fixture->joinings);
    fixture->joinings = calloc(count, sizeof *fixture->joinings);
    if (!fixture->joinings)
        fail_test(fixture, "no memory for %zu joins", count);
    for (size_t i = 0; i < count; i++) {
        struct joining *joining = &fixture->joinings[i];
        snprintf(joining->uid, sizeof joining->uid, "user %zu", i);
        snprintf(joining->lesson_id, sizeof joining->lesson_id, "lesson %zu", i % lessons);
        fixture->operations[i] = (lesson_store_operation){.kind = LESSON_STORE_OPERATION_JOIN};
        fixture->operations[i].uid = lesson_store_id_of(joining->uid);
        fixture->operations[i].course_id = lesson_store_id_of("maths");
        fixture->operations[i].lesson_id = lesson_store_id_of(joining->lesson_id);
    }
}

unsigned draw(unsigned *seed, unsigned below) {
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

/* ---- Failing */

static void print_step(const struct fixture *fixture) {
    const struct step *step = fixture->step;
    if (!step)
        return;
    fprintf(stderr, "  at step %zu: %s", fixture->step_number, lesson_store_operation_name(step->kind));
    if (step->uid)
        fprintf(stderr, " uid %s", quote_text(step->uid).text);
    if (step->course_id)
        fprintf(stderr, " course %s", quote_text(step->course_id).text);
    if (step->lesson_id)
        fprintf(stderr, " lesson %s", quote_text(step->lesson_id).text);
    if (step->session)
        fprintf(stderr, " session %s", quote_text(step->session).text);
    if (step->flags)
        fprintf(stderr, " flags 0x%x", (unsigned)step->flags);
    fprintf(stderr, "\n");
}

void fail_test(struct fixture *fixture, const char *format, ...) {
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s: %s: %s\n", fixture->backend->name, mode_names[fixture->mode], fixture->test->name);
    print_step(fixture);
    fprintf(stderr, "  %s\n", text);
    fail();
}

void expect_code_at(struct fixture *fixture, const char *what, int found, int expected, const char *file, int line) {
    if (found == expected)
        return;
    fail_test(fixture, "%s: expected %s, found %s%s%s (%s:%d)", what, lesson_store_code_name(expected),
              lesson_store_code_name(found), found < 0 ? ": " : "", found < 0 ? lesson_store_message() : "", file,
              line);
}

void expect_number(struct fixture *fixture, const char *what, uint64_t found, uint64_t expected) {
    if (found != expected)
        fail_test(fixture, "%s: expected %" PRIu64 ", found %" PRIu64, what, expected, found);
}

/* ---- Gates */

bool has_operation(const struct fixture *fixture, uint32_t kind) {
    return fixture->backend->operations & (UINT32_C(1) << kind);
}

bool has_call(const struct fixture *fixture, uint64_t call) {
    return fixture->backend->calls & call;
}

bool has_capability(const struct fixture *fixture, uint64_t capability) {
    return fixture->backend->capabilities & capability;
}

void skip_test(struct fixture *fixture, const char *why) {
    printf("%s: skipped: %s\n", fixture->backend->name, why);
    fflush(stdout);
    fixture->skipped = true;
    skip();
}

void need_operation(struct fixture *fixture, uint32_t kind) {
    if (has_operation(fixture, kind))
        return;
    char why[64];
    snprintf(why, sizeof why, "it declares no operation %s", lesson_store_operation_name(kind));
    skip_test(fixture, why);
}

void need_flags(struct fixture *fixture, uint64_t flags) {
    if (flags & ~fixture->backend->flags)
        skip_test(fixture, "it does not declare every flag of this test");
}

void need_capability(struct fixture *fixture, uint64_t capability) {
    if (has_capability(fixture, capability))
        return;
    skip_test(fixture, capability == LESSON_STORE_CAN_KEEP_SESSIONS ? "it declares to keep no sessions"
                       : capability == LESSON_STORE_CAN_SHARE       ? "it declares that no two stores share data"
                                                                    : "it declares that data does not persist");
}

bool has_exception(const struct fixture *fixture, uint64_t exception) {
    return fixture->backend->exceptions & exception;
}

void need_kept(struct fixture *fixture, uint64_t exception) {
    for (const struct ability *ability = excepted; ability->name; ability++) {
        if (!(exception & ability->bit) || !has_exception(fixture, exception))
            continue;
        char why[64];
        snprintf(why, sizeof why, "it declares the exception %s", ability->name);
        skip_test(fixture, why);
    }
}

void need_calls(struct fixture *fixture, uint64_t calls) {
    for (const struct ability *ability = call_abilities; ability->name; ability++) {
        if (!(calls & ability->bit & ~fixture->backend->calls))
            continue;
        char why[64];
        snprintf(why, sizeof why, "it declares no call %s", ability->name);
        skip_test(fixture, why);
    }
}
