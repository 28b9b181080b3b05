/* The connections: lines in, lines out, and the end of both. */
#include "classroom.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Answers */

static size_t memory_of(const struct message *message) {
    return sizeof *message + message->size;
}

/* The loop calls this before it has closed the pipe, so the client is still there. */
static void written(uv_write_t *request, int status) {
    struct client *client = request->handle->data;
    (void)status; /* if it failed, reading fails too, and closes the client */
    client->backlog -= memory_of(request->data);
    free(request->data);
}

/* A client that does not read must not fill the memory of the worker. */
void client_post(struct client *client, struct message *message) {
    if (!message) {
        client_close(client);
        return;
    }
    if (client->backlog > BACKLOG_MAX)
        client_close(client);
    if (client->is_closed) {
        free(message);
        return;
    }
    uv_buf_t buffer = uv_buf_init(message->text, (unsigned)message->size);
    message->request.data = message;
    client->backlog += memory_of(message);
    if (uv_write(&message->request, (uv_stream_t *)&client->pipe, &buffer, 1, written) == 0)
        return;
    client->backlog -= memory_of(message);
    free(message);
    client_close(client);
}

void client_say(struct client *client, const char *format, ...) {
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int written_size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    size_t size = written_size < 0 ? 0 : (size_t)written_size < LINE_SIZE ? (size_t)written_size : LINE_SIZE - 1;
    line[size++] = '\n';
    struct message *message = client->is_closed ? NULL : malloc(sizeof *message + size);
    if (message) {
        message->size = size;
        memcpy(message->text, line, size);
    }
    client_post(client, message);
}

/* ---- Lines */

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    struct client *client = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(client->text + client->size, (unsigned)(LINE_SIZE - client->size));
}

static void run_lines(struct client *client) {
    char *end;
    while (!client->is_busy && !client->is_closed && (end = memchr(client->text, '\n', client->size))) {
        char line[LINE_SIZE];
        size_t size = (size_t)(end - client->text);
        memcpy(line, client->text, size);
        line[size] = '\0';
        client->size -= size + 1;
        memmove(client->text, end + 1, client->size);
        command_run(client, line);
    }
}

static void read_lines(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
    struct client *client = stream->data;
    (void)buffer;
    if (size == UV_ENOBUFS)
        client_say(client, "failed the line is too long");
    if (size < 0) {
        client_close(client);
        return;
    }
    client->size += (size_t)size;
    run_lines(client);
    if (client->is_busy)
        uv_read_stop(stream);
}

/* ---- Between two commands */

int client_submit(struct client *client, const lesson_store_operation *operation,
                  lesson_store_completion_callback callback) {
    struct worker *worker = client->worker;
    int code =
        lesson_store_executor_submit(worker->executor, operation, TIMEOUT_MS, worker->queue, callback, client, NULL);
    client->is_busy = code == LESSON_STORE_OK;
    if (code == LESSON_STORE_OVERLOADED)
        worker->was_overloaded = true;
    return code;
}

void client_answered(struct client *client) {
    client->is_busy = false;
    client_settle(client);
}

/* A client that is closed stays until its user is out of the lesson. When the worker ends, it puts out all users. */
static void settle_closed(struct client *client) {
    if (client->uid[0])
        entry_end(client);
    else if (client->is_gone && !client->watch.is_pending)
        client_free(client);
}

void client_go_on(struct client *client) {
    if (client->is_busy || client->worker->is_ending)
        return;
    if (client->is_closed) {
        settle_closed(client);
        return;
    }
    run_lines(client);
    if (!client->is_busy && !client->is_closed)
        (void)uv_read_start((uv_stream_t *)&client->pipe, give_room, read_lines);
}

void client_settle(struct client *client) {
    const struct worker *worker = client->worker;
    bool is_free = !client->is_busy && !client->is_closed && !worker->is_ending;
    if (is_free && client->is_in && !client->is_owned && worker->is_held)
        entry_renew(client);
    client_go_on(client);
}

void clients_settle(struct worker *worker) {
    struct client *next;
    for (struct client *client = worker->clients; client; client = next) {
        next = client->next;
        client_settle(client);
    }
}

/* ---- Beginning and end */

static void gone(uv_handle_t *handle) {
    struct client *client = handle->data;
    client->is_gone = true;
    client_settle(client);
}

void client_close(struct client *client) {
    if (client->is_closed)
        return;
    client->is_closed = true;
    uv_close((uv_handle_t *)&client->pipe, gone);
}

void client_free(struct client *client) {
    if (client->next)
        client->next->previous = client->previous;
    if (client->previous)
        client->previous->next = client->next;
    else
        client->worker->clients = client->next;
    watch_end(client);
    free(client);
}

/* Without memory the connection waits, and the timer tries again: the loop takes no other one meanwhile. */
void client_accept(struct worker *worker) {
    struct client *client = calloc(1, sizeof *client);
    worker->has_caller = !client;
    if (!client)
        return;
    client->worker = worker;
    client->next = worker->clients;
    if (client->next)
        client->next->previous = client;
    worker->clients = client;
    (void)snprintf(client->session, sizeof client->session, "%.220s/%" PRIu64, worker->owner, ++worker->session_count);
    client->pipe.data = client;
    (void)uv_pipe_init(&worker->loop, &client->pipe, 0);
    if (uv_accept((uv_stream_t *)&worker->listener, (uv_stream_t *)&client->pipe) != 0)
        client_close(client);
    client_settle(client);
}
