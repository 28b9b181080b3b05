#include "bench.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "descriptors.h"
#include "listing.h"

enum {
    OPENINGS_MAX = 100,
    LARGE_MAX = 1600,         /* calls: six requests, four of them under way at a time */
    SLACK_MS = 30000,         /* a loaded machine may add this to the time of a call */
    POLLS = 30000,            /* of 1 ms: the longest wait for an expected event */
    EXCHANGES_OF_A_CALL = 40, /* more than any call here has, for its requests and the greetings of two connections */
};

static const draw_range range = {MODEL_USERS, MODEL_LESSONS, MODEL_COURSES, MODEL_SESSIONS, 0, 0};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- Servers */

void bench_use_tls(fault_bench *bench) {
    bench->over_tls = true;
    assert_int_equal(certificates_make(&bench->made), 0);
}

const char *bench_door(const fault_bench *bench, bench_place which) {
    const redis_server *server = bench->places[which].server;
    return bench->over_tls ? redis_server_tls_port_text(server) : redis_server_socket(server);
}

static redis_server *start(const fault_bench *bench, const char *const arguments[]) {
    return bench->over_tls ? redis_server_start_tls(&bench->made, NULL, arguments) : redis_server_start(arguments);
}

raw_server *bench_place_of(fault_bench *bench, bench_place which) {
    static const char *const plain[] = {"--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0", NULL};
    static const char *const durable[] = {"--appendonly", "yes", "--appendfsync", "always", NULL};
    raw_server *raw = &bench->places[which];
    if (!raw->server) {
        raw->server = start(bench, which == PLACE_DURABLE ? durable : plain);
        assert_non_null(raw->server);
    }
    if (!raw->commands)
        raw_reconnect(raw);
    return raw;
}

void bench_end(fault_bench *bench) {
    for (int i = 0; i < PLACES; i++) {
        if (bench->places[i].commands)
            redisFree(bench->places[i].commands);
        redis_server_stop(bench->places[i].server);
    }
    if (bench->over_tls)
        certificates_remove(&bench->made);
}

void bench_info(raw_server *raw, const char *section, const char *field, char *text, size_t size) {
    redisReply *reply = redisCommand(raw->commands, "INFO %s", section);
    const char *found = reply && reply->str ? strstr(reply->str, field) : NULL;
    snprintf(text, size, "%.*s", found ? (int)strcspn(found + strlen(field), "\r\n") : 0,
             found ? found + strlen(field) : "");
    freeReplyObject(reply);
}

void bench_wait_for_clients(fault_bench *bench, int count) {
    char text[32] = "";
    for (int i = 0; i < POLLS; i++) {
        bench_info(bench->at, "clients", "connected_clients:", text, sizeof text);
        if (atoi(text) == count)
            return;
        poll(NULL, 0, 1);
    }
    bench_fail(bench, "the server has %s clients and not %d", text, count);
}

/* ---- Calls */

/* Records the code of a failure. */
static void see(fault_bench *bench, int code) {
    if (code >= 0)
        return;
    bench->codes |= 1u << -code;
}

static void check_message(fault_bench *bench, int code) {
    const char *message = lesson_store_message();
    const char *says = code == bench->code && bench->says ? bench->says : "";
    if (code < 0 && (message[0] == '\0' || strstr(message, "secret") || !strstr(message, says)))
        bench_fail(bench, "the message of %s is \"%s\" and not of \"%s\"", lesson_store_code_name(code), message, says);
}

/* A call may take its documented time, plus some time of this machine. */
static void check_time(fault_bench *bench, int64_t began_ms) {
    int64_t took_ms = now_ms() - began_ms;
    if (took_ms > (int64_t)EXCHANGES_OF_A_CALL * bench->timeout_ms + SLACK_MS)
        bench_fail(bench, "a call took %" PRId64 " ms", took_ms);
}

size_t bench_draw(dice_state *dice, model_call *calls, size_t most, unsigned wrong_in) {
    bool large = most > 256;
    draw_range drawn = range;
    drawn.wrong_in = wrong_in;
    size_t count = 1 + dice_below(dice, (unsigned)most);
    bool with_ends = !large || dice_once_in(dice, 4); /* behind an end nothing is under way */
    bool plain = dice_once_in(dice, 3);               /* the fast script is only for joins */
    for (size_t i = 0; i < count; i++) {
        calls[i] = draw_call(dice, &drawn);
        if (plain || (!with_ends && calls[i].kind == LESSON_STORE_OPERATION_END))
            calls[i] = (model_call)MODEL_JOIN((int8_t)dice_below(dice, MODEL_USERS), 0,
                                              (int8_t)dice_below(dice, MODEL_LESSONS), MODEL_NONE, 0, true, 0);
    }
    return count;
}

/* Plain joins without places have a script of their own, so a batch of them asks for no places. */
static bool asks_for_places(const model_call *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const model_call *call = &calls[i];
        if (call->kind != LESSON_STORE_OPERATION_JOIN || call->flags || call->session != MODEL_NONE || call->wrong)
            return true;
    }
    return false;
}

int bench_ask(lesson_store *store, const model_call *calls, model_answer *answers, size_t count) {
    lesson_store_place *places = calloc(count, sizeof *places);
    lesson_store_operation *operations = calloc(count, sizeof *operations);
    if (!places || !operations)
        abort();
    bool with_places = asks_for_places(calls, count);
    for (size_t i = 0; i < count; i++)
        operations[i] = vocabulary_ask(&awkward_vocabulary, &calls[i], with_places ? &places[i] : NULL);
    int code = lesson_store_batch(store, operations, count);
    for (size_t i = 0; i < count; i++) {
        operations[i].place = &places[i];
        answers[i] = vocabulary_hear(&awkward_vocabulary, &operations[i]);
        if (!with_places)
            answers[i].course = answers[i].lesson = answers[i].session = answers[i].owner = JUDGE_UNTOLD;
    }
    free(places);
    free(operations);
    return code;
}

bool bench_try(fault_bench *bench, const model_call *calls, size_t count) {
    model_answer *answers = calloc(count, sizeof *answers);
    assert_non_null(answers);
    int64_t began_ms = now_ms();
    int code = bench_ask(bench->store, calls, answers, count), reported = code;
    check_time(bench, began_ms);
    for (size_t i = 0; i < count; i++) {
        int failed = calls[i].wrong || answers[i].code >= 0 ? LESSON_STORE_OK : answers[i].code;
        see(bench, failed);
        reported = code || !failed ? reported : failed;
    }
    check_message(bench, reported);
    bool fits = judge_batch(bench->judge, &bench->rules, calls, answers, count, code);
    bench->soak->operations += count;
    free(answers);
    return fits;
}

void bench_run(fault_bench *bench, const model_call *calls, size_t count) {
    if (!bench_try(bench, calls, count))
        bench_fail(bench, "%s\n(message: %s)", judge_text(bench->judge), lesson_store_message());
}

void bench_small_batch(fault_bench *bench) {
    model_call calls[8];
    bench_run(bench, calls, bench_draw(&bench->dice, calls, 8, 50));
}

void bench_large_batch(fault_bench *bench) {
    static model_call calls[LARGE_MAX];
    bench_run(bench, calls, bench_draw(&bench->dice, calls, LARGE_MAX, dice_once_in(&bench->dice, 2) ? 500 : 0));
}

/* ---- Lists */

bool bench_try_list(fault_bench *bench, int8_t lesson) {
    listing listed;
    int64_t began_ms = now_ms();
    int code = listing_read(&listed, &awkward_vocabulary, bench->store, lesson);
    check_time(bench, began_ms);
    check_message(bench, code);
    see(bench, code);
    bench->soak->operations++;
    return judge_reading(bench->judge, &bench->rules, false, code, listing_fits, &listed,
                         lesson == MODEL_NONE ? "users" : "members");
}

void bench_list(fault_bench *bench, int8_t lesson) {
    if (!bench_try_list(bench, lesson))
        bench_fail(bench, "%s", judge_text(bench->judge));
}

static bool anything_fits(const model_state *state, const void *context) {
    (void)state, (void)context;
    return true;
}

/* Nothing is ever found, because no fault makes records and members disagree. */
static void check(fault_bench *bench, uint32_t flags) {
    uint64_t found = 0;
    int64_t began_ms = now_ms();
    int code = lesson_store_check(bench->store, flags, NULL, NULL, &found, NULL);
    check_time(bench, began_ms);
    check_message(bench, code);
    see(bench, code);
    bench->soak->operations++;
    if (!judge_reading(bench->judge, &bench->rules, flags & LESSON_STORE_CHECK_REPAIR, code, anything_fits, NULL,
                       "check"))
        bench_fail(bench, "%s", judge_text(bench->judge));
    if (found > 0 && !bench->rules.verdict)
        bench_fail(bench, "check found %" PRIu64 " disagreements", found);
}

void bench_work(fault_bench *bench) {
    switch (dice_below(&bench->dice, 8)) {
    case 0:
    case 1:
        bench_large_batch(bench);
        return;
    case 2:
        bench_list(bench, (int8_t)((int)dice_below(&bench->dice, MODEL_LESSONS + 1) + MODEL_NONE));
        return;
    case 3:
        check(bench, dice_once_in(&bench->dice, 2) ? LESSON_STORE_CHECK_REPAIR : 0);
        return;
    default:
        bench_small_batch(bench);
    }
}

/* ---- Rounds */

/* Retries, because a busy machine may need longer than the short timeouts of some faults. */
static lesson_store *open_store(fault_bench *bench, const bench_wish *wish, const char *location) {
    lesson_store *store;
    int code = LESSON_STORE_UNREACHABLE;
    for (int i = 0; i < OPENINGS_MAX && code == LESSON_STORE_UNREACHABLE; i++)
        code = wish->backend ? lesson_store_open_with(&store, wish->backend, location)
                             : lesson_store_open(&store, location);
    if (code)
        bench_fail(bench, "%s: %s", location, lesson_store_message());
    return store;
}

/* Writes the location of the server, by its socket or its port, or of a false server before it. */
static void locate(fault_bench *bench, const bench_wish *wish, char *location, size_t size) {
    char options[128];
    const char *account = wish->account ? wish->account : "";
    snprintf(options, sizeof options, "pool=1&timeout_ms=%d&connect_timeout_ms=%d&members_at_once=%d", wish->timeout_ms,
             wish->timeout_ms, wish->pages || dice_once_in(&bench->dice, 2) ? 1 : 10000);
    bool by_socket = !wish->behind && dice_once_in(&bench->dice, 2);
    const redis_server *server = bench->at->server;
    if (bench->over_tls)
        snprintf(location, size, "rediss://%s127.0.0.1:%d%s&%s", account,
                 wish->behind ? false_server_port(bench->between) : redis_server_tls_port(server),
                 strchr(redis_server_tls_location(server), '?'), options);
    else if (wish->behind)
        snprintf(location, size, "%.*s?%s", (int)strcspn(false_server_location(bench->between), "?"),
                 false_server_location(bench->between), options);
    else if (by_socket)
        snprintf(location, size, "redis+unix://%s%s?%s", account, redis_server_socket(server), options);
    else
        snprintf(location, size, "redis://%s127.0.0.1:%d?%s", account, redis_server_port(server), options);
}

void bench_open(fault_bench *bench, const bench_wish *wish) {
    char location[1024];
    model_state empty;
    bench->at = bench_place_of(bench, wish->place);
    if (wish->place == PLACE_PAIR)
        bench_place_of(bench, PLACE_SECOND_OF_PAIR);
    if (wish->prepare)
        wish->prepare(bench);
    raw_do(bench->at, "FLUSHALL");
    bench->files = descriptors_open();
    bench->between = wish->behind ? false_server_start(bench_door(bench, wish->place)) : NULL;
    bench->timeout_ms = wish->timeout_ms;
    bench->codes = 0;
    locate(bench, wish, location, sizeof location);
    bench->store = open_store(bench, wish, location);
    model_begin(&empty);
    bench->judge = judge_begin(&empty);
}

void bench_recover(fault_bench *bench) {
    int64_t began_ms = now_ms();
    do {
        bench->codes = 0;
        bench_small_batch(bench);
        bench_run(bench, &(model_call)MODEL_WHERE(0, false, 0), 1); /* the batch may be INVALID as a whole */
    } while (bench->codes && now_ms() - began_ms < SLACK_MS);
    if (bench->codes)
        bench_fail(bench, "the store does not work again: %s", lesson_store_message());
    bench_wait_for_clients(bench, 2); /* the store's connection and ours: by then every request was executed or lost */
    judge_settle(bench->judge);
}

bool bench_state_fits(fault_bench *bench, char text[VOCABULARY_TEXT_SIZE]) {
    model_state found;
    uint64_t findings = 0;
    lesson_store *fresh = raw_open_store(bench->at, "?pool=1&timeout_ms=60000");
    int code = vocabulary_read_state(&awkward_vocabulary, fresh, &found, text);
    int checked = lesson_store_check(fresh, 0, NULL, NULL, &findings, NULL);
    lesson_store_close(fresh);
    if (code)
        return false;
    bool agrees = !checked && findings == 0;
    bool fits = judge_state(bench->judge, &found);
    snprintf(text, VOCABULARY_TEXT_SIZE, "%.1000s", fits ? "check finds disagreements" : judge_text(bench->judge));
    return agrees && fits;
}

void bench_put_away(fault_bench *bench) {
    lesson_store_close(bench->store);
    if (bench->between)
        false_server_stop(bench->between);
    bench_wait_for_clients(bench, 1);
}

void bench_close(fault_bench *bench) {
    char text[VOCABULARY_TEXT_SIZE];
    uint32_t codes = bench->codes;
    bench_recover(bench);
    bench_work(bench);
    bench_put_away(bench);
    if (!bench_state_fits(bench, text))
        bench_fail(bench, "a new store: %s", text);
    judge_free(bench->judge);
    if (descriptors_open() != bench->files)
        bench_fail(bench, "%d files are open, and %d were", descriptors_open(), bench->files);
    bench->codes = codes;
}
