#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include <lessonstore/backend.h>

#include "interrupt.h"

/* A signal handler gets no context, so its data is global. Only lock-free atomics may be shared with it. */
static atomic_bool bar_is_shown;
static _Atomic(const char *) unfinished_file;

static atomic_bool at_prompt;
static atomic_bool prompt_was_interrupted;

static atomic_bool ends_in_order;
static atomic_bool end_is_asked;

/* Signals that end a program unless it does something else about them, and that something else can send. */
static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,   SIGALRM, SIGUSR1,
                              SIGUSR2, SIGXCPU, SIGPROF, SIGVTALRM, SIGIO};

/* The raised signal ends the program in its usual way as soon as this returns. */
static void clear_away(int signal_number) {
    if (signal_number == SIGINT && atomic_load(&at_prompt)) {
        atomic_store(&prompt_was_interrupted, true);
        return;
    }
    if ((signal_number == SIGINT || signal_number == SIGTERM) && atomic_load(&ends_in_order)) {
        atomic_store(&end_is_asked, true);
        return;
    }
    const char *path = atomic_load(&unfinished_file);
    if (path)
        unlink(path);
    if (atomic_load(&bar_is_shown) && write(STDERR_FILENO, CLEAR_LINE, sizeof CLEAR_LINE - 1) < 0)
        atomic_store(&bar_is_shown, false);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

void interrupt_hold(sigset_t *before) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, before);
}

void interrupt_release(const sigset_t *before) {
    sigprocmask(SIG_SETMASK, before, NULL);
}

bool interrupt_begin(void) {
    struct sigaction action = {.sa_handler = clear_away};
    struct sigaction present;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], NULL, &present) == 0 && present.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGXFSZ, &ignore, NULL);
    return sigaction(SIGPIPE, &ignore, &present) == 0 && present.sa_handler != SIG_IGN;
}

int interrupt_end_by_pipe(void) {
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
    return 128 + SIGPIPE;
}

void interrupt_prompts(bool begins) {
    atomic_store(&prompt_was_interrupted, false);
    atomic_store(&at_prompt, begins);
}

bool interrupt_at_prompt(void) {
    return atomic_load(&prompt_was_interrupted);
}

void interrupt_ends_in_order(void) {
    atomic_store(&ends_in_order, true);
}

/* Signals are held except within ppoll, so none comes between the look and the wait. */
bool interrupt_wait(int64_t until_us) {
    sigset_t before;
    interrupt_hold(&before);
    int64_t left_us;
    while (!atomic_load(&end_is_asked) && (left_us = until_us - lesson_store_monotonic_us()) > 0) {
        struct timespec left = {.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
        ppoll(NULL, 0, &left, &before);
    }
    interrupt_release(&before);
    return atomic_load(&end_is_asked);
}

void interrupt_wipes_bar(bool shown) {
    atomic_store(&bar_is_shown, shown);
}

int interrupt_make_file(char *path_template) {
    sigset_t before;
    interrupt_hold(&before);
    int descriptor = mkostemp(path_template, O_CLOEXEC);
    int error = errno;
    if (descriptor >= 0)
        atomic_store(&unfinished_file, path_template);
    interrupt_release(&before);
    errno = error;
    return descriptor;
}

void interrupt_forgets_file(void) {
    atomic_store(&unfinished_file, NULL);
}
