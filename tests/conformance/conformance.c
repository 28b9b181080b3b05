/* The entry of the suite: selects tests and modes, runs them, and gives the verdict. */
#include <ctype.h>

#include "suite.h"

static const test_list *const all_tests[] = {
    &lesson_tests,  &user_tests,   &join_flag_tests, &admission_tests, &owner_tests,    &id_tests,
    &batch_tests,   &stream_tests, &page_tests,      &filter_tests,    &argument_tests, &check_tests,
    &sharing_tests, &walk_tests,   &callback_tests,  &feed_tests,      &ban_tests,      &thread_tests};

/* A test in a mode. */
struct selected {
    struct fixture fixture;
    char *name;
};

struct run {
    lesson_store_conformance_backend backend; /* completed */
    bool lists;
    int text_count;
    char **texts;
    struct selected *selected[MODE_COUNT];
    size_t selected_count[MODE_COUNT];
};

/* ---- Selecting */

/* "JOIN-1" must not select JOIN-10. So a text that ends with a digit does not match before another digit. */
static bool contains(const char *name, const char *text) {
    size_t size = strlen(text);
    bool ends_with_digit = size > 0 && isdigit((unsigned char)text[size - 1]);
    for (const char *hit = strstr(name, text); hit; hit = strstr(hit + 1, text)) {
        if (!ends_with_digit || !isdigit((unsigned char)hit[size]))
            return true;
    }
    return false;
}

static bool is_selected(const struct run *run, const char *name) {
    for (int i = 0; i < run->text_count; i++) {
        if (!contains(name, run->texts[i]))
            return false;
    }
    return true;
}

static bool has_mode(const struct run *run, enum mode mode) {
    return mode != MODE_TWO_STORES || run->backend.capabilities & LESSON_STORE_CAN_SHARE;
}

static bool select_test(struct run *run, enum mode mode, const struct test *test) {
    char *name = NULL;
    if (asprintf(&name, "%s: %s", mode_names[mode], test->name) < 0)
        return false;
    if (!is_selected(run, name)) {
        free(name);
        return true;
    }
    struct selected *selected = &run->selected[mode][run->selected_count[mode]++];
    selected->name = name;
    selected->fixture.backend = &run->backend;
    selected->fixture.test = test;
    selected->fixture.mode = mode;
    return true;
}

static bool select_mode(struct run *run, enum mode mode) {
    size_t most = 0;
    for (size_t i = 0; i < sizeof all_tests / sizeof *all_tests; i++)
        most += all_tests[i]->count;
    run->selected[mode] = calloc(most, sizeof **run->selected);
    if (!run->selected[mode])
        return false;
    for (size_t i = 0; i < sizeof all_tests / sizeof *all_tests; i++) {
        for (size_t j = 0; j < all_tests[i]->count; j++) {
            const struct test *test = &all_tests[i]->tests[j];
            if ((!test->modes || test->modes & (1u << mode)) && !select_test(run, mode, test))
                return false;
        }
    }
    return true;
}

static bool select_all(struct run *run) {
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        if (has_mode(run, mode) && !select_mode(run, mode))
            return false;
    }
    return true;
}

static void free_selection(struct run *run) {
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        for (size_t i = 0; i < run->selected_count[mode]; i++)
            free(run->selected[mode][i].name);
        free(run->selected[mode]);
    }
}

/* ---- Running */

static void run_selected(void **state) {
    struct fixture *fixture = *state;
    const struct test *test = fixture->test;
    if (test->steps)
        need_steps(fixture, test->steps);
    fixture_open(fixture);
    if (test->steps) {
        play(fixture, test->steps);
        expect_state(fixture, test->records, test->users);
    } else {
        test->function(fixture);
    }
    fixture->passed = true;
}

static bool run_mode(struct run *run, enum mode mode) {
    size_t count = run->selected_count[mode];
    if (count == 0)
        return true;
    struct CMUnitTest *group = calloc(count, sizeof *group);
    if (!group)
        return false;
    for (size_t i = 0; i < count; i++)
        group[i] = (struct CMUnitTest){run->selected[mode][i].name, run_selected, fixture_set_up, fixture_tear_down,
                                       &run->selected[mode][i].fixture};
    char name[128];
    snprintf(name, sizeof name, "%s, %s", run->backend.name, mode_names[mode]);
    /* The return value is ignored: the fixtures record what was skipped, failed or never reached. */
    _cmocka_run_group_tests(name, group, count, NULL, NULL);
    free(group);
    return true;
}

/* ---- The verdict */

/* The clauses are the words that begin a test's name, each in capitals and with a number. */
static size_t clause_size(const char *text) {
    size_t letters = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (letters == 0 || text[letters] != '-')
        return 0;
    size_t digits = strspn(text + letters + 1, "0123456789");
    return digits ? letters + 1 + digits : 0;
}

static void add_clauses(lines *clauses, const char *name) {
    for (size_t size; (size = clause_size(name)) > 0; name += size + (name[size] == ' ')) {
        char clause[32];
        snprintf(clause, sizeof clause, "%.*s", (int)size, name);
        lines_add_once(clauses, clause);
    }
}

static int report(const struct run *run) {
    size_t passed = 0, skipped = 0, failed = 0;
    lines clauses = {NULL, 0, 0};
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        for (size_t i = 0; i < run->selected_count[mode]; i++) {
            const struct fixture *fixture = &run->selected[mode][i].fixture;
            passed += fixture->passed;
            skipped += fixture->skipped;
            if (fixture->passed || fixture->skipped)
                continue;
            failed++;
            add_clauses(&clauses, fixture->test->name);
        }
    }
    printf("%s: %zu passed, %zu skipped, %zu failed\n", run->backend.name, passed, skipped, failed);
    printf("%s: failed clauses:%s", run->backend.name, clauses.count ? "" : " none");
    lines_sort(&clauses);
    for (size_t i = 0; i < clauses.count; i++)
        printf(" %s", clauses.items[i]);
    printf("\n");
    fflush(stdout);
    lines_free(&clauses);
    if (passed + skipped + failed == 0) {
        fprintf(stderr, "%s: no test was selected\n", run->backend.name);
        return 1;
    }
    return (int)failed;
}

static void list(const struct run *run) {
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        for (size_t i = 0; i < run->selected_count[mode]; i++)
            printf("%s\n", run->selected[mode][i].name);
    }
}

/* One wrong bit of a description makes many unrelated tests fail, so it is checked first. If no store can be opened,
 * the tests report that. */
static bool description_is_right(const lesson_store_conformance_backend *backend) {
    if (backend->prepare && backend->prepare(backend->context) != 0)
        return true;
    lesson_store *store = NULL;
    bool right = true;
    if (backend->open(&store, backend->context) == LESSON_STORE_OK && store)
        right = expect_description(backend, store);
    lesson_store_close(store);
    if (backend->clean_up)
        backend->clean_up(backend->context);
    return right;
}

static int list_or_run(struct run *run) {
    if (!select_all(run))
        return -1;
    if (run->lists) {
        list(run);
        return 0;
    }
    if (!description_is_right(&run->backend))
        return -1;
    for (enum mode mode = 0; mode < MODE_COUNT; mode++) {
        if (!run_mode(run, mode))
            return -1;
    }
    return report(run);
}

/* ---- The caller's description */

void lesson_store_conformance_backend_init(lesson_store_conformance_backend *backend, size_t size) {
    const lesson_store_conformance_backend init = LESSON_STORE_CONFORMANCE_BACKEND_INIT;
    lesson_store_sized_init(backend, size, &init, sizeof init);
}

static bool complete(lesson_store_conformance_backend *out, const lesson_store_conformance_backend *given) {
    const size_t required = offsetof(lesson_store_conformance_backend, open) + sizeof given->open;
    return given && lesson_store_sized_read(out, sizeof *out, given, required) && out->name && out->open &&
           out->reserved == 0;
}

static bool parse_arguments(struct run *run, int argc, char **argv) {
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--list") == 0) {
        run->lists = true;
        first = 2;
    }
    run->texts = argv + first;
    run->text_count = argc > first ? argc - first : 0;
    for (int i = 0; i < run->text_count; i++) {
        if (run->texts[i][0] == '-') {
            fprintf(stderr, "usage: %s [--list] [TEXT ...]\n", argv[0]);
            return false;
        }
    }
    return true;
}

int lesson_store_conformance_run(const lesson_store_conformance_backend *backend, int argc, char **argv) {
    struct run run;
    memset(&run, 0, sizeof run);
    if (!complete(&run.backend, backend)) {
        fprintf(stderr, "conformance: the description lacks its size, a name or open\n");
        return -1;
    }
    if (!parse_arguments(&run, argc, argv))
        return -1;
    int failed = list_or_run(&run);
    free_selection(&run);
    return failed;
}
