/* A connection that breaks at every byte of a request and of its reply, one after another. With the argument --tls,
 * over TLS: at every fifth byte of the records, at every ninth of a handshake that resumes a session, and at every
 * thirty-first of a whole one. The seed says where it begins. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "faults.h"

/* Each is one request. Together they have all forms of a request. */
static const model_call join[] = {MODEL_JOIN(1, 1, 2, MODEL_NONE, 0, false, 0)};
static const model_call join_with_session[] = {MODEL_JOIN(1, 1, 2, 1, 0, true, 0)};
static const model_call quit[] = {MODEL_QUIT(2, MODEL_NONE, MODEL_NONE, false, 0)};
static const model_call where[] = {MODEL_WHERE(2, false, 0)};
static const model_call reads[] = {MODEL_WHERE(2, true, 0), MODEL_COUNT(1, true, 0), MODEL_GET_LESSON(1, false, 0)};
static const model_call mixed[] = {
    MODEL_QUIT(2, MODEL_NONE, MODEL_NONE, true, 0),
    MODEL_JOIN(3, 1, 5, 1, LESSON_STORE_JOIN_STAY, true, 0),
    MODEL_SET(1, 1, MODEL_NONE, MODEL_NONE, MODEL_NONE, true, 0),
    MODEL_WHERE(4, true, 0),
    MODEL_JOIN(2, 0, 1, 2, 0, false, 0),
};

#define CALLS(name) name, sizeof name / sizeof *name

static const struct form {
    const char *name;
    const model_call *calls; /* NULL: the members of a lesson */
    size_t count;
    bool reads; /* it only reads, so it is asked again and never fails */
    bool pages;
    bool anew;       /* on a new connection */
    bool is_unknown; /* only over TLS: without a session that could be resumed */
} forms[] = {
    {"a join, cut", CALLS(join), false, false, false, false},
    {"a join on a new connection, cut", CALLS(join), false, false, true, false},
    {"a join on a new connection without a session, cut", CALLS(join), false, false, true, true},
    {"a join with a session, cut", CALLS(join_with_session), false, false, false, false},
    {"a quit, cut", CALLS(quit), false, false, false, false},
    {"a where, cut", CALLS(where), true, false, false, false},
    {"reads, cut", CALLS(reads), true, false, false, false},
    {"reads and writes, cut", CALLS(mixed), false, false, false, false},
    {"members in pages, cut", NULL, 0, true, true, false, false},
};

/* Puts users into other lessons, so that a request does not just repeat the change of the previous one. */
static void begin_anew(fault_bench *bench) {
    model_call calls[MODEL_LESSONS + MODEL_USERS];
    size_t count = 0;
    for (int8_t i = 0; i < MODEL_LESSONS; i++)
        calls[count++] = (model_call)MODEL_END(i, 0, true, 0);
    calls[count++] = (model_call)MODEL_CREATE(1, 0, true, 0);
    for (int8_t i = 0; i < 6; i++)
        calls[count++] = (model_call)MODEL_JOIN(i, 0, 1, MODEL_NONE, 0, true, 0);
    bench_run(bench, calls, count);
}

/* Reads everything, which decides what was applied. */
static void look(fault_bench *bench) {
    model_call calls[MODEL_USERS + 2 * MODEL_LESSONS];
    size_t count = 0;
    for (int8_t i = 0; i < MODEL_USERS; i++)
        calls[count++] = (model_call)MODEL_WHERE(i, true, 0);
    for (int8_t i = 0; i < MODEL_LESSONS; i++) {
        calls[count++] = (model_call)MODEL_GET_LESSON(i, true, 0);
        calls[count++] = (model_call)MODEL_COUNT(i, true, 0);
    }
    bench_run(bench, calls, count);
}

/* With new files no session is resumed. */
static void replace_ca(const fault_bench *bench) {
    static time_t changes;
    char file[128];
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = ++changes}};
    snprintf(file, sizeof file, "%s/ca.crt", bench->made.directory);
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
}

static bool over_tls;

static size_t step_of(const struct form *form) {
    if (!over_tls)
        return 1;
    return form->is_unknown ? 31 : form->anew ? 9 : 5;
}

/* False if the request and its reply are shorter. */
static bool break_at(fault_bench *bench, const struct form *form, false_server_part part,
                     false_server_direction direction, size_t after) {
    judge_rules breaks = {JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE), JUDGE_CODE(UNREACHABLE), false, NULL, NULL};
    begin_anew(bench);
    if (form->is_unknown)
        replace_ca(bench);
    if (form->anew)
        false_server_play(bench->between, CLOSE_NOW);
    false_server_break(bench->between, part, direction, after);
    bench->rules = form->reads ? judge_nothing_fails : breaks; /* a request that only reads is asked again */
    if (form->calls)
        bench_run(bench, form->calls, form->count);
    else
        bench_list(bench, 1);
    bool happened = !false_server_is_armed(bench->between);
    false_server_play(bench->between, PASS_ON);
    bench->rules = judge_nothing_fails;
    look(bench); /* over a working connection */
    bench_wait_for_clients(bench, 2);
    judge_settle(bench->judge);
    look(bench);
    return happened;
}

static void test_cuts(void **state) {
    soak_run soak = soak_begin("cuts", over_tls ? "redis-tls" : "redis", 1);
    soak_next(&soak);
    fault_bench bench = {.soak = &soak, .dice = {soak.seed}, .rules = judge_nothing_fails};
    const false_server_part parts[] = {CUT, SHUT};
    if (over_tls)
        bench_use_tls(&bench);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].is_unknown && !over_tls)
            continue;
        bench.fault = forms[i].name;
        bench_wish wish = {.place = PLACE_MAIN, .behind = true, .timeout_ms = FAULT_LONG_MS, .pages = forms[i].pages};
        bench_open(&bench, &wish);
        for (int k = 0; k < 4; k++) {
            size_t after = soak.seed % step_of(&forms[i]);
            while (break_at(&bench, &forms[i], parts[k / 2], (false_server_direction)(k % 2), after))
                after += step_of(&forms[i]);
            assert_true(after >= 7); /* the shortest reply is a letter: $1 M */
            soak.faults += after / step_of(&forms[i]);
        }
        bench_close(&bench);
        soak.histories++;
    }
    bench_end(&bench);
    soak_end(&soak);
    (void)state;
}

int main(int argc, char **argv) {
    over_tls = argc > 1 && strcmp(argv[1], "--tls") == 0;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cuts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
