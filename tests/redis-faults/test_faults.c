/* Every fault in turn, with random calls before, during and after it. */
#include <stdio.h>
#include <string.h>

#include "faults.h"

enum { FAULTS_MAX = 64, ROUNDS_OF_EACH = 3 };

/* What was tried, for the printed table. */
static struct {
    const fault_kind *faults[FAULTS_MAX];
    int count;
    uint64_t struck[FAULTS_MAX];
    uint64_t felt[FAULTS_MAX]; /* rounds in which a call failed */
    uint64_t own[FAULTS_MAX];  /* those with the fault's own code */
    uint64_t calls[FAULTS_MAX];
} tried;

static bool over_tls;

static void list_faults(void) {
    while (tried.count < FAULTS_MAX && fault_at((size_t)tried.count)) {
        tried.faults[tried.count] = fault_at((size_t)tried.count);
        tried.count++;
    }
}

static void work(fault_bench *bench) {
    for (unsigned i = 1 + dice_below(&bench->dice, 3); i > 0; i--)
        bench_work(bench);
}

/* Uses the damaged key, which random calls may miss. */
static void touch_damaged(fault_bench *bench) {
    const model_call calls[] = {MODEL_WHERE(bench->damaged, true, 0),
                                MODEL_GET_LESSON((int8_t)(bench->damaged % MODEL_LESSONS), false, 0)};
    bench_run(bench, calls, sizeof calls / sizeof *calls);
}

/* A connection that was used a moment ago counts as good even if it is closed. This call may then fail. */
static void notice_the_break(fault_bench *bench) {
    uint32_t codes = bench->codes;
    bench_recover(bench);
    bench->codes = codes;
}

/* The only call of a round may have met the break itself, and not the fault that is behind it. */
static void meet_again(fault_bench *bench, const fault_kind *fault) {
    if (fault->rules.reads & JUDGE_CODE(UNREACHABLE))
        bench_run(bench, &(model_call)MODEL_WHERE(0, false, 0), 1);
}

static void play(fault_bench *bench, const fault_kind *fault) {
    judge_rules before = fault->is_timed ? fault->rules : judge_nothing_fails;
    bench->fault = fault->name;
    bench->code = fault->code;
    bench->says = NULL;
    bench->rules = before;
    bench_open(bench, &fault->wish);
    work(bench);
    bench->codes = 0;
    if (fault->strike)
        fault->strike(bench);
    bench->says = fault->says;
    if (over_tls && fault->says && strcmp(fault->says, "max number of clients") == 0)
        bench->says = "too many clients"; /* the server can say nothing before the handshake */
    bench->rules = fault->rules;
    bench->rules.context = &bench->damaged;
    if (fault->beside) {
        assert_int_equal(pthread_create(&bench->beside, NULL, fault->beside, bench), 0);
        bench_large_batch(bench);
    }
    if (fault->code == LESSON_STORE_MALFORMED)
        touch_damaged(bench);
    work(bench);
    meet_again(bench, fault);
    if (fault->beside)
        pthread_join(bench->beside, NULL);
    if (fault->repair)
        fault->repair(bench);
    if (fault->rules.writes & JUDGE_CODE(UNKNOWN))
        notice_the_break(bench);
    bench->rules = before;
    bench_close(bench);
}

static void print_table(void) {
    for (int i = 0; i < tried.count; i++)
        printf("fault\t%s\t%" PRIu64 " struck\t%" PRIu64 " felt\t%" PRIu64 " by its code\t%" PRIu64 " calls\n",
               tried.faults[i]->name, tried.struck[i], tried.felt[i], tried.own[i], tried.calls[i]);
    fflush(stdout);
}

/* Faults come in turn, so that each is tried equally often. */
static void test_faults(void **state) {
    list_faults();
    soak_run soak = soak_begin("faults", over_tls ? "redis-tls" : "redis", (uint64_t)(ROUNDS_OF_EACH * tried.count));
    fault_bench bench = {.soak = &soak};
    if (over_tls)
        bench_use_tls(&bench);
    while (soak_next(&soak)) {
        int turn = (int)(soak.seed % (uint64_t)tried.count);
        uint64_t calls = soak.operations;
        bench.dice = (dice_state){soak.seed};
        play(&bench, tried.faults[turn]);
        soak.histories++;
        soak.faults++;
        tried.struck[turn]++;
        tried.felt[turn] += bench.codes != 0;
        tried.own[turn] += bench.codes >> -tried.faults[turn]->code & 1;
        tried.calls[turn] += soak.operations - calls;
    }
    bench_end(&bench);
    print_table();
    soak_end(&soak);
    for (int i = 0; i < tried.count; i++) {
        const fault_kind *fault = tried.faults[i]; /* random moments and bytes may miss the calls */
        bool is_certain = fault->code != LESSON_STORE_OK && !fault->beside && !fault->wish.behind;
        if (is_certain && tried.struck[i] >= ROUNDS_OF_EACH && tried.own[i] == 0)
            fail_msg("%s was never answered by its code", tried.faults[i]->name);
    }
    (void)state;
}

/* With the argument --tls, over TLS. */
int main(int argc, char **argv) {
    over_tls = argc > 1 && strcmp(argv[1], "--tls") == 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
