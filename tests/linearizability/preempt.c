#include "preempt.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmocka_all.h"

#define LATEST_NS 100000

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static void give_way(int signal) {
    int saved = errno;
    (void)signal;
    sched_yield();
    errno = saved;
}

void preempt_begin(preempt_timer *preempt) {
    struct sigaction action = {.sa_handler = give_way, .sa_flags = SA_RESTART};
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = SIGURG;
    event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
    assert_int_equal(sigaction(SIGURG, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &preempt->timer), 0);
}

void preempt_end(preempt_timer *preempt) {
    timer_delete(preempt->timer);
}

void preempt_soon(const preempt_timer *preempt, dice_state *dice) {
    struct itimerspec soon = {.it_value = {0, 1 + (long)dice_below(dice, LATEST_NS)}};
    switch (dice_below(dice, 4)) {
    case 0:
        return;
    case 1:
        sched_yield();
        return;
    default:
        timer_settime(preempt->timer, 0, &soon, NULL);
    }
}
