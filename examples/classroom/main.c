/*
 * classroom: a complete server of lessons, as several processes on one store.
 *
 *   classroom LOCATION SOCKET NAME [LEASE_MS]      serves until SIGTERM or SIGINT
 *
 * LOCATION names a store that processes share, with its feed: sqlite:school.db?feed=100000. Each process is a worker
 * with a socket and a name of its own. Clients write commands, one a line:
 *
 *   enter UID COURSE LESSON [OLD_SESSION]   "in SESSION", "refused full|closed|banned|retry", "conflict": OLD_SESSION
 *                                           is not the user's any more
 *   leave                                   "left", "nowhere", "conflict": the user has come back on another way
 *   who UID                                 "at LESSON COURSE", "nowhere"
 *   watch LESSON                            "watching LESSON COUNT", and COUNT lines "= UID". From then on "+ UID" and
 *                                           "- UID CAUSE" as users come and go: call, move, end, sweep, kick, repair
 *
 * Any command can be answered by "failed TEXT". Without being asked, a client is told "! listed again", after which the
 * answer to watch comes once more, and "! out WHY", when the server could not keep its user in the lesson.
 *
 *   main.c       the beginning and the end of the worker, and its loop
 *   lease.c      the owner and its lease
 *   client.c     connections: lines, answers, limits
 *   commands.c   the commands and their words
 *   entry.c      users who enter and leave
 *   watch.c      the list and the feed of who watches; roster.c has the users
 */
#include "classroom.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LEASE_MS = 15000, LEASE_LEAST_MS = 100, LISTEN_BACKLOG = 128, NUMBER_BYTES = 20 };

/* ---- The loop */

/* The descriptor stays readable while completions are left, so one drain for each event is enough. */
static void complete(uv_poll_t *handle, int status, int events) {
    struct worker *worker = handle->data;
    (void)status, (void)events;
    (void)lesson_store_completion_queue_drain(worker->queue, 0);
    if (!worker->was_overloaded)
        return;
    worker->was_overloaded = false;
    clients_settle(worker);
}

/* Every third of the lease. What failed for a client is tried again too. */
static void renew(uv_timer_t *timer) {
    struct worker *worker = timer->data;
    lease_renew(worker);
    clients_settle(worker);
    if (worker->has_caller)
        client_accept(worker);
}

static void accept_one(uv_stream_t *listener, int status) {
    if (status == 0)
        client_accept(listener->data);
}

static void end(uv_signal_t *handle, int signal_number) {
    struct worker *worker = handle->data;
    (void)signal_number;
    uv_stop(&worker->loop);
}

static int watch_signals(struct worker *worker) {
    static const int numbers[] = {SIGTERM, SIGINT};
    int error = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !error; i++) {
        worker->signals[i].data = worker;
        error = uv_signal_init(&worker->loop, &worker->signals[i]);
        if (!error)
            error = uv_signal_start(&worker->signals[i], end, numbers[i]);
    }
    return error;
}

static int watch_completions(struct worker *worker) {
    worker->completions.data = worker;
    int error =
        uv_poll_init(&worker->loop, &worker->completions, lesson_store_completion_queue_descriptor(worker->queue));
    return error ? error : uv_poll_start(&worker->completions, UV_READABLE, complete);
}

static int start_timer(struct worker *worker) {
    uint64_t period_ms = (uint64_t)worker->lease_ms / 3;
    worker->renewal.data = worker;
    int error = uv_timer_init(&worker->loop, &worker->renewal);
    return error ? error : uv_timer_start(&worker->renewal, renew, period_ms, period_ms);
}

/* A worker that was killed has left its socket. No other worker uses this path. */
static int listen_at(struct worker *worker, const char *path) {
    worker->listener.data = worker;
    int error = uv_pipe_init(&worker->loop, &worker->listener, 0);
    if (!error) {
        (void)unlink(path);
        error = uv_pipe_bind(&worker->listener, path);
    }
    return error ? error : uv_listen((uv_stream_t *)&worker->listener, LISTEN_BACKLOG, accept_one);
}

/* Listening comes last: whoever can connect is served. */
static int begin_loop(struct worker *worker, const char *path) {
    int error = watch_signals(worker);
    if (!error)
        error = watch_completions(worker);
    if (!error)
        error = watch_open(worker);
    if (!error)
        error = start_timer(worker);
    return error ? error : listen_at(worker, path);
}

/* ---- The store */

static int open_store(struct worker *worker, const char *location) {
    lesson_store_executor_options options = LESSON_STORE_EXECUTOR_OPTIONS_INIT;
    options.sweep_every_ms = (uint32_t)(worker->lease_ms / 3);
    int code = lesson_store_open(&worker->store, location);
    if (code == LESSON_STORE_OK)
        code = lesson_store_feed_open(&worker->feed, worker->store, NULL, NULL);
    if (code == LESSON_STORE_OK)
        code = lease_begin(worker);
    if (code == LESSON_STORE_OK)
        code = lesson_store_executor_open(&worker->executor, worker->store, &options);
    return code ? code : lesson_store_executor_add_queue(&worker->queue, worker->executor);
}

static void close_store(struct worker *worker) {
    lesson_store_feed_close(worker->feed);
    lesson_store_executor_close(worker->executor);
    lesson_store_close(worker->store);
}

/* ---- The end */

static void close_handle(uv_handle_t *handle, void *unused) {
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* The loop closes all its handles, those of the clients first; that of the listener removes the socket. */
static void end_loop(struct worker *worker) {
    worker->is_ending = true;
    for (struct client *client = worker->clients; client; client = client->next)
        client_close(client);
    uv_walk(&worker->loop, close_handle, NULL);
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&worker->loop);
}

/* Joins that were accepted are done, and their callbacks called, before the owner is dropped with all of its users. If
 * it cannot be dropped, its lease runs out, and the sweeps of the other workers put the users out. */
static void end_work(struct worker *worker) {
    if (worker->executor)
        (void)lesson_store_executor_stop(worker->executor, 0);
    if (worker->queue)
        (void)lesson_store_completion_queue_drain(worker->queue, 0);
    if (worker->is_held && lesson_store_drop(worker->store, worker->owner, NULL, NULL, NULL) < 0)
        fprintf(stderr, "classroom: the owner was not dropped: %s\n", lesson_store_message());
    while (worker->clients)
        client_free(worker->clients);
}

static int serve(struct worker *worker, const char *location, const char *path) {
    int error = uv_loop_init(&worker->loop);
    if (error) {
        fprintf(stderr, "classroom: %s\n", uv_strerror(error));
        return 1;
    }
    int code = open_store(worker, location);
    if (code != LESSON_STORE_OK)
        fprintf(stderr, "classroom: %s\n", code < 0 ? lesson_store_message() : "the store has no feed: add feed=N");
    else if ((error = begin_loop(worker, path)) != 0)
        fprintf(stderr, "classroom: %s: %s\n", path, uv_strerror(error));
    else
        (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    end_loop(worker);
    end_work(worker);
    close_store(worker);
    return code || error ? 1 : 0;
}

/* A session is owner/number, and must be an id and a word of a line. */
static bool name_is_good(const char *name) {
    return strlen(name) <= 200 - NUMBER_BYTES && !strchr(name, ' ');
}

int main(int argc, char **argv) {
    long lease_ms = argc == 5 ? strtol(argv[4], NULL, 10) : LEASE_MS;
    if (argc < 4 || argc > 5 || lease_ms < LEASE_LEAST_MS || lease_ms > LESSON_STORE_LEASE_MAX_MS ||
        !name_is_good(argv[3])) {
        fprintf(stderr, "usage: classroom LOCATION SOCKET NAME [LEASE_MS]\n");
        return 2;
    }
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return 1;
    worker->name = argv[3];
    worker->lease_ms = lease_ms;
    (void)signal(SIGPIPE, SIG_IGN);
    int status = serve(worker, argv[1], argv[2]);
    free(worker);
    return status;
}
