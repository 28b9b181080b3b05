/*
 * Random histories of several clients on the same data. Each is short and full of collisions, and must be linearizable.
 * A round has clients of one kind, which play some histories one after another. Each history begins with the final
 * state of the one before. In a store that excepts promises, the histories have only calls that keep all of them.
 */
#include <stdio.h>
#include <string.h>

#include "cmocka_all.h"

#include "checker.h"
#include "clients.h"
#include "engine.h"
#include "soak.h"

enum { HISTORIES = 25 }; /* of a round */

static const clients_mode modes[] = {
    {.name = "threads", .options = "", .way = CLIENTS_ONE_BY_ONE},
    {.name = "threads-batches", .options = "", .way = CLIENTS_IN_BATCHES},
    {.name = "executor-1", .options = "", .way = CLIENTS_BY_EXECUTOR, .lanes = 1},
    {.name = "executor-3", .options = "", .way = CLIENTS_BY_EXECUTOR, .lanes = 3},
    /* Only if several stores share their data. */
    {.name = "stores", .options = "?pool=1", .have_own_store = true, .way = CLIENTS_ONE_BY_ONE},
    {.name = "stores-batches", .options = "?pool=1", .have_own_store = true, .way = CLIENTS_IN_BATCHES},
    {.name = "processes", .options = "?pool=1", .are_processes = true, .way = CLIENTS_ONE_BY_ONE},
    {.name = "processes-batches", .options = "?pool=1", .are_processes = true, .way = CLIENTS_IN_BATCHES},
};

enum { MODES = sizeof modes / sizeof *modes, MODES_OF_ONE_STORE = 4 };

typedef struct mode_figures {
    uint64_t histories;
    uint64_t overlaps;
    uint64_t calls;
    uint64_t states;
    uint64_t most_states; /* of one history */
    uint64_t undecided;
    uint64_t pending; /* calls without an answer */
} mode_figures;

static void count(mode_figures *figures, const history *calls, const checker_finding *finding) {
    figures->histories++;
    figures->overlaps += history_overlaps(calls);
    figures->calls += calls->count;
    figures->states += finding->states;
    if (finding->states > figures->most_states)
        figures->most_states = finding->states;
    figures->undecided += finding->verdict == CHECKER_UNDECIDED;
    for (size_t i = 0; i < calls->count; i++)
        figures->pending += calls->calls[i].outcome == HISTORY_PENDING;
}

static void print_figures(const mode_figures figures[MODES]) {
    for (int i = 0; i < MODES; i++) {
        const mode_figures *mode = &figures[i];
        if (mode->histories)
            printf("histories\t%s\t%s\t%" PRIu64 " histories\t%" PRIu64 " overlapping\t%" PRIu64 " calls\t%" PRIu64
                   " pending\t%" PRIu64 " states, at most %" PRIu64 "\t%" PRIu64 " undecided\n",
                   engine_name(), modes[i].name, mode->histories, mode->overlaps, mode->calls, mode->pending,
                   mode->states, mode->most_states, mode->undecided);
    }
}

static void judge(soak_run *soak, mode_figures *figures, client_group *clients) {
    char text[VOCABULARY_TEXT_SIZE];
    history calls;
    if (!clients_collect(clients, &calls, text)) {
        history_print(stderr, &calls);
        fail_msg("%s: %s" SOAK_SEED, clients->mode->name, text, soak->seed);
    }
    checker_finding finding = checker_judge(&calls, CHECKER_STATES_MAX);
    count(figures, &calls, &finding);
    soak->histories++;
    soak->operations += calls.count;
    if (finding.verdict != CHECKER_NOT_LINEARIZABLE)
        return;
    checker_print(stderr, &calls, &finding);
    fail_msg("%s: not linearizable" SOAK_SEED, clients->mode->name, soak->seed);
}

static void play(client_group *clients, dice_state *dice, soak_run *soak, bool is_last) {
    clients_draw(clients, dice);
    if (!is_last || !clients->mode->are_processes) {
        clients_play(clients);
        return;
    }
    clients_play_and_kill(clients, dice_below(dice, clients->count), dice_below(dice, 10 * clients->count));
    soak->kills++;
    if (clients->mode->excepts)
        assert_int_equal(lesson_store_check(clients->store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, NULL, NULL),
                         LESSON_STORE_OK);
}

static void play_round(soak_run *soak, mode_figures *all) {
    client_group clients;
    dice_state dice = {soak->seed};
    size_t mode = soak->seed % (engine_is_shared() ? MODES : MODES_OF_ONE_STORE);
    const char *location = engine_make();
    clients_mode played = modes[mode];
    played.excepts = engine_exceptions() != 0;
    if (played.excepts)
        played.way = CLIENTS_ONE_BY_ONE;
    clients_open(&clients, &played, location, 3 + dice_below(&dice, CLIENTS_MAX - 2));
    for (int i = 1; i <= HISTORIES; i++) {
        play(&clients, &dice, soak, i == HISTORIES);
        judge(soak, &all[mode], &clients);
    }
    clients_close(&clients);
    engine_remove();
}

/* A history without collisions shows nothing, nor does an undecided one. */
static void every_history_is_linearizable(void **state) {
    (void)state;
    mode_figures all[MODES] = {{0}};
    uint64_t undecided = 0, overlaps = 0, histories = 0;
    soak_run soak = soak_begin("concurrent histories", engine_name(), 40);
    while (soak_next(&soak))
        play_round(&soak, all);
    soak_end(&soak);
    print_figures(all);
    for (int i = 0; i < MODES; i++) {
        undecided += all[i].undecided;
        overlaps += all[i].overlaps;
        histories += all[i].histories;
    }
    assert_int_equal(undecided, 0);
    assert_true(2 * overlaps > histories);
}

int main(int argc, char **argv) {
    if (argc != 2 || !engine_choose(argv[1]))
        return 2;
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_history_is_linearizable)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
