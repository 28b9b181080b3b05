/* Found histories, then random ones, on one engine. */
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"

#include "engine.h"
#include "found.h"
#include "history.h"
#include "soak.h"

enum { ROUNDS = 300 };

static lesson_store *open_engine(const char *options, void *context) {
    (void)context;
    engine_make();
    return engine_open_store(options);
}

static void close_engine(lesson_store *store, void *context) {
    (void)context;
    engine_close(store);
}

static const history_stage stage = {open_engine, close_engine, NULL};

static void report(history *failing, const char *text, uint64_t seed) {
    char shrunk[VOCABULARY_TEXT_SIZE] = "passes when it is played again";
    fprintf(stderr, "%s: the store and the model differ" SOAK_SEED "\n%s\n", engine_name(), seed, text);
    history_shrink(failing, &stage);
    history_play(failing, &stage, shrunk);
    fprintf(stderr, "shrunk to %zu calls, to be pasted into tests/histories/found.c:\n", failing->count);
    history_print(stderr, failing);
    fprintf(stderr, "%s\n", shrunk);
}

static void test_found_histories(void **state) {
    (void)state;
    char text[VOCABULARY_TEXT_SIZE];
    for (const found_history *found = found_histories; found->name; found++) {
        history played = {.options = "", .count = found->count};
        memcpy(played.calls, found->calls, found->count * sizeof *found->calls);
        if (!history_play(&played, &stage, text))
            fail_msg("%s: %s", found->name, text);
    }
}

static void test_random_histories(void **state) {
    (void)state;
    char text[VOCABULARY_TEXT_SIZE];
    history played;
    soak_run soak = soak_begin("histories", engine_name(), ROUNDS);
    while (soak_next(&soak)) {
        history_draw(&played, soak.seed, engine_name());
        soak.histories++;
        soak.operations += played.count;
        if (history_play(&played, &stage, text))
            continue;
        report(&played, text, soak.seed);
        fail();
    }
    soak_end(&soak);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_histories),
        cmocka_unit_test(test_random_histories),
    };
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
