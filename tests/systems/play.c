/* A round from its beginning to its end. */
#include <stdio.h>
#include <string.h>

#include "descriptors.h"
#include "engine.h"
#include "inspect.h"
#include "stage.h"

enum { TIMES_MAX = 3, CALM_CALLS = 40, FEW_CALLS = 20 };

static bool goes_on(trouble_stage *stage) {
    return !atomic_load(&stage->has_failed);
}

static void do_if(trouble_stage *stage, void (*step)(trouble_stage *stage)) {
    if (step && goes_on(stage))
        step(stage);
}

static void next_phase(trouble_stage *stage) {
    atomic_fetch_add(&stage->phase, 1);
}

static void work(trouble_stage *stage, unsigned most) {
    stage_let_work(stage, 1 + dice_below(&stage->dice, most));
}

static void strike(trouble_stage *stage) {
    unsigned strikes = stage->trouble->strikes;
    strikes = strikes ? 1 + dice_below(&stage->dice, strikes) : 0;
    for (unsigned i = 0; i < strikes && goes_on(stage); i++) {
        stage_pause_at_random(stage);
        do_if(stage, stage->trouble->strike);
    }
}

static void make_trouble(trouble_stage *stage) {
    next_phase(stage);
    do_if(stage, stage->trouble->make);
    next_phase(stage);
    strike(stage);
    work(stage, stage->trouble->calls ? stage->trouble->calls : FEW_CALLS);
    next_phase(stage);
    do_if(stage, stage->trouble->take_back);
    stage->times++;
}

/* Each client has made more calls without a failure than there are instances. */
static bool works_again(trouble_stage *stage) {
    for (int i = 0; i < STAGE_CLIENTS; i++) {
        const stage_client *seen = &stage->clients[i];
        if (atomic_load(&seen->done) - atomic_load(&seen->failed_at) <= (unsigned)stage->pool)
            return false;
    }
    return true;
}

static void recover(trouble_stage *stage) {
    stage_let_work(stage, (unsigned)stage->pool + 2);
    stage_wait(stage, works_again, "the store does not work again");
    stage_pause(stage);
    inspect_data(stage);
    next_phase(stage);
    stage_resume(stage);
}

/* ---- Beginning and end */

static void open_round(trouble_stage *stage) {
    pthread_mutex_init(&stage->mutex, NULL);
    pthread_cond_init(&stage->changed, NULL);
    stage->pool = engine_is_shared() ? 1 + (int)dice_below(&stage->dice, STAGE_CLIENTS + 1) : 1;
    stage->ground->clear(stage);
    do_if(stage, stage->trouble->prepare);
    stage->files = descriptors_open();
    stage->ground->locate(stage, stage->location, sizeof stage->location);
    stage_reopen(stage, "");
    inspect_begin(stage);
}

static void start_clients(trouble_stage *stage) {
    for (int i = 0; i < STAGE_CLIENTS; i++) {
        stage_client *started = &stage->clients[i];
        started->stage = stage;
        started->share = (model_share){i, STAGE_CLIENTS};
        started->dice = (dice_state){dice_bits(&stage->dice)};
        atomic_store(&started->is_gone, true);
        if (goes_on(stage) && !client_start(started))
            stage_fail(stage, "a thread cannot be started");
    }
}

static void end_clients(trouble_stage *stage) {
    pthread_mutex_lock(&stage->mutex);
    stage->is_ending = true;
    pthread_cond_broadcast(&stage->changed);
    pthread_mutex_unlock(&stage->mutex);
    for (int i = 0; i < STAGE_CLIENTS; i++) {
        stage_client *ended = &stage->clients[i];
        if (ended->thread && stage_wait_for(stage, &ended->is_gone, "a call does not end"))
            pthread_join(ended->thread, NULL);
        stage->operations += ended->operations;
        stage->codes |= ended->codes;
    }
}

static void close_round(trouble_stage *stage) {
    end_clients(stage);
    inspect_data(stage);
    if (!goes_on(stage))
        return;
    lesson_store_close(stage->store);
    inspect_end(stage);
    if (descriptors_open() != stage->files)
        stage_fail(stage, "%d files are open, and %d were", descriptors_open(), stage->files);
    pthread_cond_destroy(&stage->changed);
    pthread_mutex_destroy(&stage->mutex);
}

bool stage_play(trouble_stage *stage) {
    open_round(stage);
    start_clients(stage);
    for (unsigned times = 1 + dice_below(&stage->dice, TIMES_MAX); times > 0 && goes_on(stage); times--) {
        work(stage, CALM_CALLS);
        make_trouble(stage);
        recover(stage);
    }
    close_round(stage);
    return goes_on(stage);
}
