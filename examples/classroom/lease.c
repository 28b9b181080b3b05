/* The owner of this worker, and its lease. */
#include "classroom.h"

#include <stdio.h>

static int ask(struct worker *worker, uint32_t flags);

static void report_once(struct worker *worker, const char *message) {
    if (!worker->is_silent)
        fprintf(stderr, "classroom: the lease was not renewed: %s\n", message);
    worker->is_silent = true;
}

/* The sweeps have taken this worker for dead. Its users are out, or soon will be: the new owner joins them again. */
static void begin_again(struct worker *worker) {
    worker->is_held = false;
    for (struct client *client = worker->clients; client; client = client->next)
        client->is_owned = false;
    char owner[LESSON_STORE_ID_MAX + 1];
    if (lesson_store_make_owner(owner, worker->name) != LESSON_STORE_OK) {
        report_once(worker, lesson_store_message()); /* the old owner is over: the timer leads here again */
        return;
    }
    memcpy(worker->owner, owner, sizeof owner);
    fprintf(stderr, "classroom: presumed dead; from now on %s\n", owner);
    (void)ask(worker, 0);
}

/* A failure says nothing about the lease: the worker goes on, and the timer asks again. */
static void held(const lesson_store_operation *operation, void *context) {
    struct worker *worker = context;
    worker->is_asking = false;
    if (worker->is_ending)
        return;
    if (operation->code == LESSON_STORE_CONFLICT) {
        begin_again(worker);
        return;
    }
    if (operation->code != LESSON_STORE_OK) {
        report_once(worker, operation->message);
        return;
    }
    worker->is_silent = false;
    worker->is_held = true;
    clients_settle(worker);
}

static int ask(struct worker *worker, uint32_t flags) {
    const lesson_store_operation hold = {
        .kind = LESSON_STORE_OPERATION_HOLD,
        .flags = flags,
        .owner = lesson_store_id_of(worker->owner),
        .lease_ms = worker->lease_ms,
    };
    int code = lesson_store_executor_submit(worker->executor, &hold, TIMEOUT_MS, worker->queue, held, worker, NULL);
    worker->is_asking = code == LESSON_STORE_OK;
    if (code != LESSON_STORE_OK)
        report_once(worker, lesson_store_message());
    return code;
}

void lease_renew(struct worker *worker) {
    if (!worker->is_asking)
        (void)ask(worker, worker->is_held ? LESSON_STORE_HOLD_RENEW : 0);
}

/* Before the loop runs, so it may wait. */
int lease_begin(struct worker *worker) {
    int code = lesson_store_make_owner(worker->owner, worker->name);
    if (code == LESSON_STORE_OK)
        code = lesson_store_hold(worker->store, worker->owner, worker->lease_ms, 0);
    worker->is_held = code == LESSON_STORE_OK;
    return code;
}
