#include "crash.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "opening.h"

enum { ANNOUNCED = 'a', DONE = 'd', WRONG_ANSWER = 2 };

/* A process and its ends of two pipes: it writes to `reported` and reads from `gate`. */
typedef struct crash_process {
    const crash_plan *plan;
    const drawn_history *history;
    const sqlite_files *files;
    bool is_victim;
    int reported;
    int gate;
} crash_process;

void crash_draw(crash_plan *plan, dice_state *dice, size_t batches) {
    plan->step = dice_below(dice, (unsigned)batches + 2);
    plan->kill = (shim_fault){.methods = SHIM_CHANGES,
                              .files = SHIM_ANY_FILE,
                              .at = 1 + dice_below(dice, plan->step == 0 || plan->step > batches ? 24 : 12),
                              .effect = (shim_effect)dice_below(dice, SHIM_WHOLE + 1),
                              .result = SHIM_KILL};
    plan->after_us = dice_once_in(dice, 3) ? 1 + dice_below(dice, 1000) : 0;
}

static void begin_step(const crash_process *process, size_t step) {
    if (!process->is_victim || process->plan->step != step)
        return;
    if (process->plan->after_us == 0)
        shim_arm(&process->plan->kill);
}

static void report(const crash_process *process, char what) {
    if (process->is_victim && write(process->reported, &what, 1) != 1)
        _exit(WRONG_ANSWER);
}

static void wait_at_gate(const crash_process *process, size_t batch) {
    char byte;
    if (process->is_victim || batch != process->history->batch_count / 2)
        return;
    while (read(process->gate, &byte, 1) > 0)
        ;
}

static _Noreturn void be_wrong(const char *text) {
    fprintf(stderr, "a process on the file: %s\n", text);
    _exit(WRONG_ANSWER);
}

/* The first step is reported too, because the parent kills at steps. */
static _Noreturn void be_process(const crash_process *process) {
    char text[VOCABULARY_TEXT_SIZE];
    lesson_store *store;
    report(process, ANNOUNCED);
    begin_step(process, 0);
    if (opening_open(&store, process->is_victim ? process->plan->backend : NULL, process->files,
                     process->plan->options))
        be_wrong(lesson_store_message());
    report(process, DONE);
    for (size_t i = 0; i < process->history->batch_count; i++) {
        wait_at_gate(process, i);
        report(process, ANNOUNCED);
        begin_step(process, i + 1);
        if (!history_run(process->history, i, store, text))
            be_wrong(text);
        report(process, DONE);
    }
    begin_step(process, process->history->batch_count + 1);
    lesson_store_close(store);
    _exit(0);
}

static pid_t start_process(const crash_process *process, int parents_end) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    close(parents_end);
    be_process(process);
}

static void spin_us(int64_t wanted_us) {
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000 + (now.tv_nsec - begin.tv_nsec) / 1000 < wanted_us);
}

/* Reads the victim's reports until it is dead, and kills it if that is the plan. */
static void watch(const crash_plan *plan, pid_t pid, int reported, crash_outcome *outcome) {
    size_t announced = 0, done = 0;
    char byte;
    while (read(reported, &byte, 1) == 1) {
        announced += byte == ANNOUNCED;
        done += byte == DONE;
        if (plan->after_us > 0 && byte == ANNOUNCED && announced == plan->step + 1) {
            spin_us(plan->after_us);
            kill(pid, SIGKILL);
        }
    }
    outcome->announced = announced > 0 ? announced - 1 : 0;
    outcome->acknowledged = done > 0 ? done - 1 : 0;
}

/* True if the process was killed or ended well. */
static bool bury(pid_t pid, bool *was_killed) {
    int status;
    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    *was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    return *was_killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static uint64_t count_calls(const drawn_history *history, size_t batches) {
    uint64_t calls = 0;
    for (size_t i = 0; i < batches; i++)
        calls += history->call_counts[i];
    return calls;
}

static bool judge(const crash_plan *plan, const drawn_history histories[], const sqlite_files *files,
                  const crash_outcome *outcome, char text[VOCABULARY_TEXT_SIZE]) {
    model_state found;
    lesson_store *store;
    if (opening_open(&store, NULL, files, "")) {
        snprintf(text, VOCABULARY_TEXT_SIZE, "reopening: %s", lesson_store_message());
        return false;
    }
    bool is_right = history_read(store, &found, text) &&
                    history_compare(&histories[0], &found, outcome->acknowledged, outcome->announced, text);
    for (size_t i = 1; i < plan->processes && is_right; i++)
        is_right = history_compare(&histories[i], &found, histories[i].batch_count, histories[i].batch_count, text);
    lesson_store_close(store);
    return is_right;
}

bool crash_run(const crash_plan *plan, const drawn_history histories[], const sqlite_files *files,
               crash_outcome *outcome, char text[VOCABULARY_TEXT_SIZE]) {
    pid_t pids[CRASH_PROCESSES];
    int gate[2], reported[2];
    assert_int_equal(pipe(gate), 0);
    for (size_t i = 1; i < plan->processes; i++) {
        const crash_process other = {plan, &histories[i], files, false, -1, gate[0]};
        pids[i] = start_process(&other, gate[1]);
    }
    assert_int_equal(pipe(reported), 0);
    const crash_process victim = {plan, &histories[0], files, true, reported[1], -1};
    close(gate[0]);
    pids[0] = start_process(&victim, gate[1]);
    close(reported[1]);
    watch(plan, pids[0], reported[0], outcome);
    close(reported[0]);
    bool is_right = bury(pids[0], &outcome->was_killed);
    close(gate[1]);
    outcome->operations = count_calls(&histories[0], outcome->announced);
    for (size_t i = 1; i < plan->processes; i++) {
        bool was_killed;
        is_right = bury(pids[i], &was_killed) && !was_killed && is_right;
        outcome->operations += count_calls(&histories[i], histories[i].batch_count);
    }
    if (!is_right) {
        snprintf(text, VOCABULARY_TEXT_SIZE, "a process ended otherwise than by the kill (see above)");
        return false;
    }
    return judge(plan, histories, files, outcome, text);
}

/* ---- Walks */

static bool is_killed_at(const sqlite_files *files, crash_work work, uint64_t at) {
    const shim_fault kill = {.methods = SHIM_CHANGES,
                             .files = SHIM_ANY_FILE,
                             .at = at,
                             .effect = (shim_effect)(at % (SHIM_WHOLE + 1)),
                             .result = SHIM_KILL};
    pid_t pid = fork();
    bool was_killed;
    assert_true(pid >= 0);
    if (pid == 0) {
        shim_arm(&kill);
        work(files);
        _exit(0);
    }
    assert_true(bury(pid, &was_killed));
    return was_killed;
}

uint64_t crash_walk(const sqlite_files *files, crash_work begin, crash_work work, crash_work judge_file) {
    for (uint64_t at = 1;; at++) {
        opening_clear(files);
        begin(files);
        bool was_killed = is_killed_at(files, work, at);
        judge_file(files);
        if (!was_killed)
            return at - 1;
    }
}
