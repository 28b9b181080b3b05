#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

/* ---- Server, commands, store */

void raw_reconnect(raw_server *raw) {
    if (raw->commands)
        redisFree(raw->commands);
    raw->commands = redisConnectUnix(redis_server_socket(raw->server));
    assert_non_null(raw->commands);
    assert_string_equal(raw->commands->errstr, "");
    fcntl(raw->commands->fd, F_SETFD, FD_CLOEXEC); /* servers that are started later must not inherit it */
}

int raw_start(void **state) {
    raw_server *raw = calloc(1, sizeof *raw);
    assert_non_null(raw);
    raw->server = redis_server_start(NULL);
    if (!raw->server)
        return -1;
    raw_reconnect(raw);
    *state = raw;
    return 0;
}

int raw_stop(void **state) {
    raw_server *raw = *state;
    redisFree(raw->commands);
    redis_server_stop(raw->server);
    free(raw);
    return 0;
}

int raw_open(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "FLUSHALL");
    raw->store = raw_open_store(raw, "?pool=1");
    return 0;
}

int raw_close(void **state) {
    raw_server *raw = *state;
    lesson_store_close(raw->store);
    raw->store = NULL;
    return 0;
}

int raw_open_behind(void **state) {
    raw_server *raw = *state;
    raw_do(raw, "FLUSHALL");
    raw->between = false_server_start(redis_server_socket(raw->server));
    assert_code(lesson_store_open(&raw->store, false_server_location(raw->between)), OK);
    return 0;
}

int raw_close_behind(void **state) {
    raw_server *raw = *state;
    raw_close(state);
    false_server_stop(raw->between);
    raw->between = NULL;
    return 0;
}

lesson_store *raw_open_store(const raw_server *raw, const char *options) {
    char location[512];
    snprintf(location, sizeof location, "%s%s", redis_server_unix_location(raw->server), options);
    lesson_store *store;
    if (lesson_store_open(&store, location) != LESSON_STORE_OK)
        fail_msg("%s: %s", location, lesson_store_message());
    return store;
}

void raw_refuse(const char *location, int code, const char *part) {
    lesson_store *store;
    int opened = lesson_store_open(&store, location);
    if (opened != code)
        fail_msg("%s: %s, not %s", location, lesson_store_code_name(opened), lesson_store_code_name(code));
    raw_assert_message(part);
}

/* ---- Commands */

static redisReply *run(raw_server *raw, const char *format, va_list arguments) {
    redisReply *reply = redisvCommand(raw->commands, format, arguments);
    if (!reply)
        fail_msg("%s: %s", format, raw->commands->errstr);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", format, reply->str);
    return reply;
}

void raw_do(raw_server *raw, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    freeReplyObject(run(raw, format, arguments));
    va_end(arguments);
}

long long raw_number(raw_server *raw, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = run(raw, format, arguments);
    va_end(arguments);
    assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

static redisReply *ask(raw_server *raw, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = run(raw, format, arguments);
    va_end(arguments);
    return reply;
}

long long raw_calls(raw_server *raw, const char *command) {
    char name[64];
    snprintf(name, sizeof name, "cmdstat_%s:calls=", command);
    redisReply *reply = ask(raw, "INFO commandstats");
    const char *line = strstr(reply->str, name);
    long long calls = line ? atoll(line + strlen(name)) : 0;
    freeReplyObject(reply);
    return calls;
}

/* ---- Dumps */

static int compare(const void *left, const void *right) {
    const redisReply *const *a = left;
    const redisReply *const *b = right;
    return strcmp((*a)->str, (*b)->str);
}

static void sort(redisReply *list) {
    if (list->elements > 0)
        qsort(list->element, list->elements, sizeof *list->element, compare);
}

static void dump_hash(raw_server *raw, FILE *out, const char *key) {
    redisReply *hash = ask(raw, "HGETALL %s", key);
    for (size_t i = 0; i < hash->elements; i += 2)
        fprintf(out, "  %s=%s\n", hash->element[i]->str, hash->element[i + 1]->str);
    freeReplyObject(hash);
}

static void dump_set(raw_server *raw, FILE *out, const char *key) {
    redisReply *set = ask(raw, "SMEMBERS %s", key);
    sort(set);
    for (size_t i = 0; i < set->elements; i++)
        fprintf(out, "  %s\n", set->element[i]->str);
    freeReplyObject(set);
}

static void dump_sorted_set(raw_server *raw, FILE *out, const char *key) {
    redisReply *set = ask(raw, "ZRANGE %s 0 -1 WITHSCORES", key);
    for (size_t i = 0; i < set->elements; i += 2)
        fprintf(out, "  %s=%s\n", set->element[i]->str, set->element[i + 1]->str);
    freeReplyObject(set);
}

static void dump_key(raw_server *raw, FILE *out, const char *key) {
    redisReply *type = ask(raw, "TYPE %s", key);
    fprintf(out, "%s %s\n", type->str, key);
    if (strcmp(type->str, "hash") == 0)
        dump_hash(raw, out, key);
    if (strcmp(type->str, "set") == 0)
        dump_set(raw, out, key);
    if (strcmp(type->str, "zset") == 0)
        dump_sorted_set(raw, out, key);
    if (raw_number(raw, "PTTL %s", key) != -1)
        fprintf(out, "  expires\n");
    freeReplyObject(type);
}

char *raw_dump(raw_server *raw) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    redisReply *keys = ask(raw, "KEYS *");
    sort(keys);
    for (size_t i = 0; i < keys->elements; i++)
        dump_key(raw, out, keys->element[i]->str);
    freeReplyObject(keys);
    fclose(out);
    return text;
}

void raw_expect(raw_server *raw, const char *expected) {
    char *dump = raw_dump(raw);
    assert_string_equal(dump, expected);
    free(dump);
}

/* ---- Assertions */

void raw_assert_code(int code, int expected, const char *call, const char *file, int line) {
    if (code == expected)
        return;
    print_error("%s: %s, not %s (message: %s)\n", call, lesson_store_code_name(code), lesson_store_code_name(expected),
                lesson_store_message());
    _fail(file, line);
}

void raw_assert_message(const char *part) {
    if (!strstr(lesson_store_message(), part))
        fail_msg("the message \"%s\" does not hold \"%s\"", lesson_store_message(), part);
}

void raw_assert_within(const char *part, int least_ms, int most_ms) {
    char wanted[128];
    snprintf(wanted, sizeof wanted, "%s within ", part);
    raw_assert_message(wanted);
    char *end;
    long named_ms = strtol(strstr(lesson_store_message(), wanted) + strlen(wanted), &end, 10);
    if (named_ms < least_ms || named_ms > most_ms || strncmp(end, " ms", 3) != 0)
        fail_msg("\"%s\" does not name %d to %d ms", lesson_store_message(), least_ms, most_ms);
}

void raw_make_lesson(raw_server *raw, const char *lesson_id, const char *status, int count) {
    static const char script[] =
        "local lesson, status, count = ARGV[1], ARGV[2], tonumber(ARGV[3])\n"
        "if status ~= '' then redis.call('HSET', 'STATUS:LESSON_STATUS:LESSON_ID:' .. lesson, 'lesson_id', lesson,\n"
        "                                'course_status', status, 'chat_status', '0') end\n"
        "for i = 0, count - 1 do\n"
        "    local uid = 'u-' .. i\n"
        "    redis.call('HSET', 'STATUS:IN_LESSON:UID:' .. uid, 'uid', uid, 'course_id', 'C', 'lesson_id', lesson)\n"
        "    redis.call('SADD', 'STATUS:LESSON_USER:LESSON_ID:' .. lesson, uid)\n"
        "end\n"
        "return count";
    assert_int_equal(raw_number(raw, "EVAL %s 0 %s %s %d", script, lesson_id, status, count), count);
}

lesson_store_operation raw_operation(uint32_t kind, const char *uid, const char *lesson_id) {
    lesson_store_operation operation = {.kind = kind};
    operation.uid = lesson_store_id_of(uid);
    operation.lesson_id = lesson_store_id_of(lesson_id);
    if (kind == LESSON_STORE_OPERATION_JOIN)
        operation.course_id = lesson_store_id_of("C");
    return operation;
}
