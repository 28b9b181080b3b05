/*
 * executor_poll: a server with one thread that never waits for the store.
 *
 *   executor_poll LOCATION SOCKET      serves requests (requests.h) on a unix socket, until SIGINT or SIGTERM
 *
 * One poll waits for the clients and for the executor's completion queue. The requests of one client are answered in
 * order, one at a time. Requests of all clients go to the store together. When the executor is overloaded, requests
 * stay in their buffers until some operations have completed; clients then see a server that reads slowly.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <lessonstore/executor.h>

#include "requests.h"

enum {
    CLIENTS_MAX = 256,
    LINE_SIZE = 1024, /* with the newline */
    TIMEOUT_MS = 2000,
    RETRY_MS = 10
};

struct client {
    struct server *server;
    int descriptor; /* -1: the client is gone */
    bool busy;      /* an operation is pending, and its callback will use this structure */
    size_t input_size;
    size_t output_size;
    char input[LINE_SIZE];
    char output[REQUEST_ANSWER_SIZE];
};

struct server {
    lesson_store *store;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    int listener;
    size_t pending;  /* operations of this loop */
    bool overloaded; /* a request was left in its buffer */
    struct client clients[CLIENTS_MAX];
};

static volatile sig_atomic_t interrupted;

static void interrupt(int number) {
    (void)number;
    interrupted = 1;
}

/* ---- One client */

static void hang_up(struct client *client) {
    if (client->descriptor >= 0)
        close(client->descriptor);
    client->descriptor = -1;
}

static void send_output(struct client *client) {
    ssize_t size = send(client->descriptor, client->output, client->output_size, MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN && errno != EINTR) {
        hang_up(client);
    } else if (size > 0) {
        client->output_size -= (size_t)size;
        memmove(client->output, client->output + size, client->output_size);
    }
}

static void say(struct client *client, const char *answer) {
    if (client->descriptor < 0)
        return;
    client->output_size = strlen(answer);
    memcpy(client->output, answer, client->output_size);
    send_output(client);
}

/* Called when the queue is drained, in the server's only thread. */
static void answer_client(const lesson_store_operation *operation, void *context) {
    struct client *client = context;
    char answer[REQUEST_ANSWER_SIZE];
    request_answer(operation, answer);
    client->busy = false;
    say(client, answer);
}

/* False if the executor is overloaded. */
static bool submit_line(struct client *client, char *line) {
    struct server *server = client->server;
    lesson_store_operation operation;
    lesson_store_place asked;
    if (!request_parse(line, &operation, &asked)) {
        say(client, "failed: no such request\n");
        return true;
    }
    int code = lesson_store_executor_submit(server->executor, &operation, TIMEOUT_MS, server->queue, answer_client,
                                            client, NULL);
    client->busy = code == LESSON_STORE_OK;
    server->pending += client->busy;
    if (code == LESSON_STORE_OVERLOADED) {
        server->overloaded = true;
        return false;
    }
    if (code != LESSON_STORE_OK) {
        operation.code = code;
        answer_client(&operation, client);
    }
    return true;
}

/* Begins requests until one must be waited for. */
static void begin_requests(struct client *client) {
    char *end;
    while (client->descriptor >= 0 && !client->busy && client->output_size == 0 &&
           (end = memchr(client->input, '\n', client->input_size))) {
        char line[LINE_SIZE];
        size_t size = (size_t)(end - client->input);
        memcpy(line, client->input, size);
        line[size] = '\0';
        if (!submit_line(client, line))
            return;
        client->input_size -= size + 1;
        memmove(client->input, end + 1, client->input_size);
    }
}

static void receive_input(struct client *client) {
    ssize_t size = recv(client->descriptor, client->input + client->input_size, LINE_SIZE - client->input_size, 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
        hang_up(client);
    else if (size > 0)
        client->input_size += (size_t)size;
    if (client->input_size == LINE_SIZE && !memchr(client->input, '\n', LINE_SIZE))
        hang_up(client); /* the line is malformed */
}

static short events_of(const struct client *client) {
    if (client->output_size > 0)
        return POLLOUT;
    return client->busy || client->input_size == LINE_SIZE ? 0 : POLLIN;
}

/* ---- The loop */

static struct client *unused_client(struct server *server) {
    for (size_t i = 0; i < CLIENTS_MAX; i++) {
        if (server->clients[i].descriptor < 0 && !server->clients[i].busy)
            return &server->clients[i];
    }
    return NULL;
}

static void take_client(struct server *server) {
    int descriptor = accept(server->listener, NULL, NULL);
    struct client *client = unused_client(server);
    if (descriptor < 0 || !client || fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0) {
        if (descriptor >= 0)
            close(descriptor);
        return;
    }
    client->server = server;
    client->descriptor = descriptor;
    client->input_size = 0;
    client->output_size = 0;
}

static void serve_client(struct client *client, short events) {
    if (client->descriptor >= 0 && events & POLLOUT)
        send_output(client);
    if (client->descriptor >= 0 && events & (POLLIN | POLLHUP | POLLERR))
        receive_input(client);
    begin_requests(client);
}

/* The queue announces only this loop's own operations. If none is pending, the loop retries on a timer. */
static const struct timespec *longest_wait(const struct server *server) {
    static const struct timespec retry = {.tv_nsec = RETRY_MS * 1000000L};
    return server->overloaded && server->pending == 0 ? &retry : NULL;
}

/* Signals arrive only while poll waits. */
static void serve(struct server *server, const sigset_t *while_waiting) {
    struct pollfd pollfds[2 + CLIENTS_MAX];
    while (!interrupted) {
        pollfds[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
        pollfds[1] = (struct pollfd){.fd = lesson_store_completion_queue_descriptor(server->queue), .events = POLLIN};
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            pollfds[2 + i] =
                (struct pollfd){.fd = server->clients[i].descriptor, .events = events_of(&server->clients[i])};
        if (ppoll(pollfds, 2 + CLIENTS_MAX, longest_wait(server), while_waiting) < 0)
            continue;
        if (pollfds[1].revents)
            server->pending -= lesson_store_completion_queue_drain(server->queue, 0);
        server->overloaded = false;
        for (size_t i = 0; i < CLIENTS_MAX; i++)
            serve_client(&server->clients[i], pollfds[2 + i].revents);
        if (pollfds[0].revents)
            take_client(server);
    }
}

static bool listen_at(struct server *server, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if (size >= sizeof address.sun_path)
        return false;
    memcpy(address.sun_path, path, size + 1);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return server->listener >= 0 && bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(server->listener, 64) == 0;
}

static bool open_store(struct server *server, const char *location) {
    return lesson_store_open(&server->store, location) == LESSON_STORE_OK &&
           lesson_store_executor_open(&server->executor, server->store, NULL) == LESSON_STORE_OK &&
           lesson_store_executor_add_queue(&server->queue, server->executor) == LESSON_STORE_OK;
}

/* Accepted requests are completed and answered before the program ends. */
static void close_store(struct server *server) {
    if (server->executor)
        lesson_store_executor_stop(server->executor, 0);
    if (server->queue)
        lesson_store_completion_queue_drain(server->queue, 0);
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        hang_up(&server->clients[i]);
    lesson_store_executor_close(server->executor);
    lesson_store_close(server->store);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: executor_poll LOCATION SOCKET\n");
        return 2;
    }
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return 1;
    for (size_t i = 0; i < CLIENTS_MAX; i++)
        server->clients[i].descriptor = -1;

    sigset_t signals, before;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, &before);
    sigaction(SIGINT, &(struct sigaction){.sa_handler = interrupt}, NULL);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = interrupt}, NULL);

    int status = 1;
    if (!open_store(server, argv[1])) {
        fprintf(stderr, "executor_poll: %s\n", lesson_store_message());
    } else if (!listen_at(server, argv[2])) {
        fprintf(stderr, "executor_poll: %s: %s\n", argv[2], strerror(errno));
    } else {
        serve(server, &before);
        unlink(argv[2]);
        status = 0;
    }
    close_store(server);
    free(server);
    return status;
}
