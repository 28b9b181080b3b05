#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "interrupt.h"

/* A signal handler gets no context, so its data is global. Only lock-free atomics may be shared with it. */
static atomic_bool bar_is_shown;
static _Atomic(const char *) unfinished_file;

static const int signals[] = {SIGHUP, SIGINT, SIGTERM};

/* The default action is already restored here. So the raised signal ends the program in its usual way as soon as this
 * returns. */
static void clear_away(int signal_number) {
    const char *path = atomic_load(&unfinished_file);
    if (path)
        unlink(path);
    if (atomic_load(&bar_is_shown) && write(STDERR_FILENO, CLEAR_LINE, sizeof CLEAR_LINE - 1) < 0)
        atomic_store(&bar_is_shown, false);
    raise(signal_number);
}

static void block_signals(sigset_t *before) {
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaddset(&blocked, signals[i]);
    sigprocmask(SIG_BLOCK, &blocked, before);
}

void interrupt_begin(void) {
    struct sigaction action = {.sa_handler = clear_away, .sa_flags = (int)SA_RESETHAND};
    struct sigaction present;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (sigaction(signals[i], NULL, &present) == 0 && present.sa_handler != SIG_IGN)
            sigaction(signals[i], &action, NULL);
    }
}

void interrupt_wipes_bar(bool shown) {
    atomic_store(&bar_is_shown, shown);
}

int interrupt_make_file(char *path_template) {
    sigset_t before;
    block_signals(&before);
    int descriptor = mkostemp(path_template, O_CLOEXEC);
    int error = errno;
    if (descriptor >= 0)
        atomic_store(&unfinished_file, path_template);
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return descriptor;
}

void interrupt_forgets_file(void) {
    atomic_store(&unfinished_file, NULL);
}
