/*
 * executor_uv: the executor in a libuv loop.
 *
 *   executor_uv LOCATION < requests      answers requests (requests.h), each answer preceded by the line's number
 *
 * All requests that have been read are pending at the same time, and are answered as they complete. When the executor
 * is overloaded, reading pauses until some have completed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <lessonstore/executor.h>
#include <uv.h>

#include "requests.h"

enum { INPUT_SIZE = 65536, TIMEOUT_MS = 2000 };

struct program {
    lesson_store *store;
    lesson_store_executor *executor;
    lesson_store_completion_queue *queue;
    uv_loop_t *loop;
    uv_pipe_t input;
    uv_poll_t completions;
    bool ended; /* the whole input was read */
    uintptr_t line_count;
    size_t on_their_way;
    size_t size;
    char text[INPUT_SIZE]; /* read but not yet submitted */
};

static struct program *program_of(void *data) {
    return data;
}

/* The callback's context is the number of the line, because the answer needs nothing else. */
static void print_answer(const lesson_store_operation *operation, void *line_number) {
    char answer[REQUEST_ANSWER_SIZE];
    request_answer(operation, answer);
    printf("%lu %s", (unsigned long)(uintptr_t)line_number, answer);
}

/* False if the executor is overloaded. */
static bool submit_line(struct program *program, char *line) {
    void *line_number = (void *)(program->line_count + 1);
    lesson_store_operation operation;
    lesson_store_place asked;
    if (!request_parse(line, &operation, &asked)) {
        printf("%lu failed: no such request\n", (unsigned long)++program->line_count);
        return true;
    }
    int code = lesson_store_executor_submit(program->executor, &operation, TIMEOUT_MS, program->queue, print_answer,
                                            line_number, NULL);
    if (code == LESSON_STORE_OVERLOADED)
        return false;
    program->line_count++;
    if (code == LESSON_STORE_OK) {
        program->on_their_way++;
    } else {
        operation.code = code;
        print_answer(&operation, line_number);
    }
    return true;
}

/* False if some lines are left because the executor is overloaded. */
static bool submit_lines(struct program *program) {
    bool taken = true;
    char *end;
    size_t done = 0;
    while (taken && (end = memchr(program->text + done, '\n', program->size - done))) {
        char line[INPUT_SIZE];
        size_t size = (size_t)(end - program->text) - done;
        memcpy(line, program->text + done, size);
        line[size] = '\0';
        taken = submit_line(program, line);
        done += taken ? size + 1 : 0;
    }
    program->size -= done;
    memmove(program->text, program->text + done, program->size);
    return taken;
}

static void end_when_all_is_answered(struct program *program) {
    if (!program->ended || program->on_their_way > 0)
        return;
    uv_close((uv_handle_t *)&program->completions, NULL);
    uv_close((uv_handle_t *)&program->input, NULL);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer) {
    struct program *program = program_of(handle->data);
    (void)suggested;
    *buffer = uv_buf_init(program->text + program->size, (unsigned)(INPUT_SIZE - program->size));
}

static void read_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer) {
    struct program *program = program_of(stream->data);
    (void)buffer;
    if (size > 0)
        program->size += (size_t)size;
    if (size < 0) /* end of input, or a line that does not fit */
        program->ended = true;
    if (!submit_lines(program) || program->ended)
        uv_read_stop(stream);
    end_when_all_is_answered(program);
}

/* The descriptor stays readable while completions are left, so one drain for each event is enough. */
static void drain(uv_poll_t *handle, int status, int events) {
    struct program *program = program_of(handle->data);
    (void)status, (void)events;
    program->on_their_way -= lesson_store_completion_queue_drain(program->queue, 0);
    if (submit_lines(program) && !program->ended)
        uv_read_start((uv_stream_t *)&program->input, give_room, read_input);
    end_when_all_is_answered(program);
}

static bool open_store(struct program *program, const char *location) {
    return lesson_store_open(&program->store, location) == LESSON_STORE_OK &&
           lesson_store_executor_open(&program->executor, program->store, NULL) == LESSON_STORE_OK &&
           lesson_store_executor_add_queue(&program->queue, program->executor) == LESSON_STORE_OK;
}

static int begin_loop(struct program *program) {
    program->loop = uv_default_loop();
    program->input.data = program;
    program->completions.data = program;
    uv_pipe_init(program->loop, &program->input, 0);
    int error = uv_pipe_open(&program->input, STDIN_FILENO);
    if (error)
        return error;
    uv_poll_init(program->loop, &program->completions, lesson_store_completion_queue_descriptor(program->queue));
    uv_poll_start(&program->completions, UV_READABLE, drain);
    return uv_read_start((uv_stream_t *)&program->input, give_room, read_input);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: executor_uv LOCATION < requests\n");
        return 2;
    }
    struct program *program = calloc(1, sizeof *program);
    if (!program)
        return 1;
    int error = -1;
    if (!open_store(program, argv[1]))
        fprintf(stderr, "executor_uv: %s\n", lesson_store_message());
    else if ((error = begin_loop(program)) != 0)
        fprintf(stderr, "executor_uv: %s (the input has to be a pipe)\n", uv_strerror(error));
    else
        uv_run(program->loop, UV_RUN_DEFAULT);
    lesson_store_executor_close(program->executor);
    lesson_store_close(program->store);
    free(program);
    return error ? 1 : 0;
}
