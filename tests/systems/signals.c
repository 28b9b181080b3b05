#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>

enum { INTERVAL_US = 10000 };

static atomic_uint arrived;

static void hear(int number) {
    (void)number;
    atomic_fetch_add(&arrived, 1);
}

static void every(long interval_us) {
    const struct itimerval timer = {{0, interval_us}, {0, interval_us}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

void signals_begin(void) {
    struct sigaction action = {.sa_handler = hear};
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, NULL);
    sigaction(SIGALRM, &action, NULL);
    every(INTERVAL_US);
}

void signals_end(void) {
    every(0);
}

uint64_t signals_count(void) {
    return atomic_load(&arrived);
}
