#include <assert.h>
#include <stdlib.h>

#include "request.h"

/* Room for "*N\r\n" with 20 digits, and for the first two arguments of EVALSHA. This head begins with the number of
 * arguments, so it is written last, to the left of them. */
#define HEAD_ROOM 96
#define FIRST_CAPACITY 1024
#define DIGITS_MAX 20

/* The bytes can hold a password, also behind `size`: that of the request before. realloc would leave them in memory
 * that is given back. */
static bool grow(redis_request *request, size_t needed) {
    size_t capacity = request->capacity ? request->capacity : FIRST_CAPACITY;
    while (capacity < needed)
        capacity *= 2;
    char *bytes = malloc(capacity);
    if (!bytes)
        return false;
    if (request->bytes) {
        memcpy(bytes, request->bytes, request->size);
        explicit_bzero(request->bytes, request->capacity);
    }
    free(request->bytes);
    request->bytes = bytes;
    request->capacity = capacity;
    return true;
}

static char *make_room(redis_request *request, size_t size) {
    size_t needed = request->size + size;
    if (needed > request->capacity && !grow(request, needed)) {
        request->no_memory = true;
        return NULL;
    }
    return request->bytes + request->size;
}

static char *write_number(char *out, size_t number) {
    char digits[DIGITS_MAX];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

static char *write_line(char *out, char type, size_t number) {
    *out++ = type;
    out = write_number(out, number);
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

static char *write_argument(char *out, const char *data, size_t size) {
    out = write_line(out, '$', size);
    if (size > 0)
        memcpy(out, data, size);
    out += size;
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

void redis_request_begin(redis_request *request) {
    request->size = 0;
    request->arguments = 0;
    request->script = NULL;
    request->reads_only = false;
    request->may_follow = false;
    request->no_memory = false;
    if (make_room(request, HEAD_ROOM))
        request->size = HEAD_ROOM;
}

static void add_key(redis_request *request, lesson_store_id key) {
    redis_request_add_text(request, "1");
    redis_request_add_id(request, key);
}

void redis_request_begin_script(redis_request *request, const redis_script *script) {
    redis_request_begin(request);
    request->script = script;
    request->arguments = 2;
}

void redis_request_begin_call(redis_request *request, const redis_script *script, lesson_store_id key) {
    redis_request_begin_script(request, script);
    add_key(request, key);
}

static void begin_eval(redis_request *request, const redis_script *script, bool reads_only) {
    redis_request_begin(request);
    redis_request_add_text(request, reads_only ? "EVAL_RO" : "EVAL");
    redis_request_add(request, script->source, script->size);
}

void redis_request_begin_with_source(redis_request *request, const redis_script *script, lesson_store_id key,
                                     bool reads_only) {
    begin_eval(request, script, reads_only);
    add_key(request, key);
}

void redis_request_add(redis_request *request, const char *data, size_t size) {
    char *start = make_room(request, size + DIGITS_MAX + 5);
    if (!start || request->no_memory)
        return;
    request->size += (size_t)(write_argument(start, data, size) - start);
    request->arguments++;
}

void redis_request_add_text(redis_request *request, const char *text) {
    redis_request_add(request, text, strlen(text));
}

void redis_request_add_id(redis_request *request, lesson_store_id id) {
    redis_request_add(request, id.data, id.size);
}

redis_bytes redis_request_finish(redis_request *request) {
    if (request->no_memory)
        return (redis_bytes){NULL, 0};
    char head[HEAD_ROOM];
    char *end = write_line(head, '*', request->arguments);
    if (request->script) {
        end = request->reads_only ? write_argument(end, "EVALSHA_RO", 10) : write_argument(end, "EVALSHA", 7);
        end = write_argument(end, request->script->sha1, sizeof request->script->sha1 - 1);
    }
    size_t head_size = (size_t)(end - head);
    assert(head_size <= HEAD_ROOM);
    char *start = memcpy(request->bytes + HEAD_ROOM - head_size, head, head_size);
    return (redis_bytes){start, request->size - HEAD_ROOM + head_size};
}

void redis_request_carry_source(redis_request *request, const redis_request *call) {
    begin_eval(request, call->script, call->reads_only);
    size_t rest = call->size - HEAD_ROOM;
    char *start = make_room(request, rest);
    if (!start)
        return;
    memcpy(start, call->bytes + HEAD_ROOM, rest);
    request->size += rest;
    request->arguments = call->arguments;
}

void redis_request_free(redis_request *request) {
    free(request->bytes);
    memset(request, 0, sizeof *request);
}
