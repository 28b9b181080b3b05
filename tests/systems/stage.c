#include "stage.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* ---- Failing and waiting */

void stage_fail(trouble_stage *stage, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&stage->mutex);
    if (!atomic_load(&stage->has_failed))
        vsnprintf(stage->text, sizeof stage->text, format, arguments);
    atomic_store(&stage->has_failed, true);
    pthread_mutex_unlock(&stage->mutex);
    va_end(arguments);
}

static int64_t now_ms(void) {
    return lesson_store_monotonic_us() / 1000;
}

bool stage_wait(trouble_stage *stage, bool (*condition)(trouble_stage *stage), const char *otherwise) {
    int64_t ends_ms = now_ms() + (int64_t)stage->patience_s * 1000;
    while (!atomic_load(&stage->has_failed)) {
        if (condition(stage))
            return true;
        if (now_ms() > ends_ms)
            stage_fail(stage, "%s", otherwise);
        poll(NULL, 0, 1);
    }
    return false;
}

bool stage_wait_for(trouble_stage *stage, const atomic_bool *flag, const char *otherwise) {
    int64_t ends_ms = now_ms() + (int64_t)stage->patience_s * 1000;
    while (!atomic_load(flag) && now_ms() < ends_ms)
        poll(NULL, 0, 1);
    if (!atomic_load(flag))
        stage_fail(stage, "%s", otherwise);
    return atomic_load(flag);
}

bool stage_wait_for_child(trouble_stage *stage, pid_t child, int *status) {
    int64_t ends_ms = now_ms() + (int64_t)stage->patience_s * 1000;
    pid_t ended;
    while ((ended = waitpid(child, status, WNOHANG)) == 0 && now_ms() < ends_ms)
        poll(NULL, 0, 1);
    if (ended != 0)
        return ended == child;
    kill(child, SIGKILL);
    waitpid(child, status, 0);
    stage_fail(stage, "a child does not end");
    return false;
}

void stage_pause_at_random(trouble_stage *stage) {
    unsigned most_us = dice_once_in(&stage->dice, 2) ? 300 : 5000;
    struct timespec pause = {.tv_nsec = (long)dice_below(&stage->dice, most_us) * 1000};
    nanosleep(&pause, NULL);
}

void stage_let_work(trouble_stage *stage, unsigned calls) {
    unsigned ends[STAGE_CLIENTS];
    int64_t ends_ms = now_ms() + (int64_t)stage->patience_s * 1000;
    for (int i = 0; i < STAGE_CLIENTS; i++)
        ends[i] = atomic_load(&stage->clients[i].done) + calls;
    for (int i = 0; i < STAGE_CLIENTS; i++) {
        while ((int)(ends[i] - atomic_load(&stage->clients[i].done)) > 0 && !atomic_load(&stage->has_failed)) {
            if (now_ms() > ends_ms)
                stage_fail(stage, "the calls of client %d do not end", i);
            poll(NULL, 0, 1);
        }
    }
}

/* ---- Clients between calls */

unsigned stage_phase(trouble_stage *stage) {
    return atomic_load(&stage->phase);
}

bool stage_enter_call(trouble_stage *stage, unsigned *phase) {
    pthread_mutex_lock(&stage->mutex);
    while (stage->is_paused && !stage->is_ending)
        pthread_cond_wait(&stage->changed, &stage->mutex);
    bool goes_on = !stage->is_ending && !atomic_load(&stage->has_failed);
    stage->inside += goes_on;
    *phase = stage_phase(stage);
    pthread_mutex_unlock(&stage->mutex);
    return goes_on;
}

void stage_leave_call(trouble_stage *stage) {
    pthread_mutex_lock(&stage->mutex);
    stage->inside--;
    pthread_mutex_unlock(&stage->mutex);
}

static bool is_quiet(trouble_stage *stage) {
    pthread_mutex_lock(&stage->mutex);
    bool quiet = stage->inside == 0;
    pthread_mutex_unlock(&stage->mutex);
    return quiet;
}

static void set_paused(trouble_stage *stage, bool is_paused) {
    pthread_mutex_lock(&stage->mutex);
    stage->is_paused = is_paused;
    pthread_cond_broadcast(&stage->changed);
    pthread_mutex_unlock(&stage->mutex);
}

void stage_pause(trouble_stage *stage) {
    set_paused(stage, true);
    stage_wait(stage, is_quiet, "a call does not end");
}

void stage_resume(trouble_stage *stage) {
    set_paused(stage, false);
}

/* ---- Opening */

int stage_open_another(trouble_stage *stage, const char *options, lesson_store **out) {
    char location[sizeof stage->location + 128];
    snprintf(location, sizeof location, "%s%s%s", stage->location, options,
             stage->trouble->options ? stage->trouble->options : "");
    return stage->backend ? lesson_store_open_with(out, stage->backend, location) : lesson_store_open(out, location);
}

static void open_store(trouble_stage *stage, const char *options) {
    int code = stage_open_another(stage, options, &stage->store);
    if (code)
        stage_fail(stage, "the store cannot be opened: %s: %s", lesson_store_code_name(code), lesson_store_message());
}

void stage_reopen(trouble_stage *stage, const char *options) {
    stage_pause(stage);
    if (!atomic_load(&stage->has_failed)) {
        lesson_store_close(stage->store);
        open_store(stage, options);
    }
    stage_resume(stage);
}
