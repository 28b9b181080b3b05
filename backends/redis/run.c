/*
 * Batches. One request is one call of a script for up to 256 operations. A longer batch has several requests under way
 * at a time, so that the server need not wait for the client.
 *
 * The operations of a batch take effect in order. So no operation should be executed if one before it was not:
 *
 *   - A request with others behind it contains the script's source. With only the digest, the server might not know the
 *     script for one request, and then learn it from another client before the next request.
 *   - Nothing is sent behind a request that holds an end until its reply has come, because the end may need steps.
 *
 * What the server refuses for now, as during a failover, is sent again, with everything behind it.
 *
 * One case remains: a server refuses one request for a reason of its own (BUSY), and accepts the next, which is under
 * way by then. In that case each operation has its own true code, and the batch returns the code of the refusal.
 */
#include <stdio.h>

#include "apply.h"
#include "confirm.h"
#include "failure.h"
#include "primary.h"

/* Operations in one request. High enough that the cost of a request no longer counts (beyond 64 little is gained). Low
 * enough that the server serves its other clients again within about a millisecond. */
#define REQUEST_OPERATIONS_MAX 256

#define REQUESTS_UNDER_WAY_MAX 4

struct run {
    redis_store *store;
    lesson_store_operation *operations;
    size_t count;
    size_t answered;   /* the operations before it have their answers */
    size_t received;   /* the first operation of the oldest request under way. Those before it that have no answer were
                        * refused for now */
    size_t sent;       /* the first operation of the next request */
    size_t confirmed;  /* the writes before it are confirmed by replicas, if that was asked for */
    redis_retry retry; /* of the failure */
};

/* Returns where the request that begins with this operation ends. No single operation is left over for the next one: it
 * could be a command instead of a script, and would be answered in another way than a batch. */
static size_t end_of(const struct run *run, size_t first) {
    size_t left = run->count - first;
    if (left == REQUEST_OPERATIONS_MAX + 1)
        return first + REQUEST_OPERATIONS_MAX - 1;
    return left > REQUEST_OPERATIONS_MAX ? first + REQUEST_OPERATIONS_MAX : run->count;
}

static bool any(const struct run *run, size_t first, size_t end, bool (*holds)(const lesson_store_operation *)) {
    while (first < end && !holds(&run->operations[first]))
        first++;
    return first < end;
}

static bool writes(const struct run *run, size_t first, size_t end) {
    return any(run, first, end, lesson_store_operation_writes);
}

/* Reads the answers to the operations from `received` to `end`. */
static int read_answers(struct run *run, size_t end, bool writes, redis_rest *rest) {
    size_t answered;
    bool ours = redis_apply_read(run->store, run->operations + run->received, end - run->received, &answered, rest);
    run->answered = run->received + answered;
    run->received = end;
    return ours ? LESSON_STORE_OK : redis_ask_garbled(run->store, writes);
}

/* Writes that too few replicas have confirmed are applied, and can be lost. */
static void mark_unconfirmed(struct run *run) {
    int code = redis_confirm_code(run->store);
    for (size_t i = run->confirmed; i < run->answered; i++) {
        lesson_store_operation *operation = &run->operations[i];
        if (operation->code == LESSON_STORE_OK && lesson_store_operation_writes(operation))
            lesson_store_answer(operation, code);
    }
}

/* The message of a failure stays. */
static void confirm(struct run *run, int failure) {
    char why[LESSON_STORE_MESSAGE_SIZE];
    if (failure)
        snprintf(why, sizeof why, "%s", lesson_store_message());
    redis_confirm_receive(run->store);
    if (run->store->confirmation.is_missing)
        mark_unconfirmed(run);
    if (failure)
        lesson_store_fail(failure, "%s", why);
    run->confirmed = run->answered;
    redis_confirm_begin(run->store);
}

/* The next operation was refused in its script: nothing of it was executed, and nothing behind it. */
static int note_refusal(struct run *run) {
    lesson_store_id error;
    int code = redis_apply_refusal(run->store, &error);
    run->retry = redis_primary_refused(run->store, error);
    return code;
}

/* ---- One request by itself */

/* True if nothing can be sent behind the next request. */
static bool comes_alone(const struct run *run) {
    size_t end = end_of(run, run->answered);
    return end == run->count || any(run, run->answered, end, redis_is_end);
}

static int run_alone(struct run *run) {
    size_t first = run->answered;
    size_t end = end_of(run, first);
    bool may_write = writes(run, first, end);
    redis_apply_begin(run->store, run->operations + first, end - first);
    run->sent = end;
    int code = redis_ask(run->store, &run->store->reply, may_write);
    if (code == LESSON_STORE_MALFORMED && redis_apply_is_command(run->operations + first, end - first)) {
        redis_apply_read_wrong_type(run->store, &run->operations[first]);
        run->answered = end;
        return LESSON_STORE_OK;
    }
    redis_rest rest = REDIS_REST_NOTHING;
    if (!code)
        code = read_answers(run, end, may_write, &rest);
    if (code || rest == REDIS_REST_NOTHING)
        return code;
    run->sent = run->answered;
    if (rest == REDIS_REST_AGAIN)
        return LESSON_STORE_OK;
    if (rest == REDIS_REST_REFUSED)
        return note_refusal(run);
    code = redis_end_in_steps(run->store, &run->operations[run->answered]);
    run->sent = run->answered + 1;
    run->answered += code == LESSON_STORE_OK;
    return code;
}

/* ---- Several under way */

static bool has_more(const struct run *run) {
    return run->sent < run->count && !any(run, run->sent, end_of(run, run->sent), redis_is_end);
}

static bool may_send(const struct run *run) {
    return has_more(run) && run->store->connection.under_way < REQUESTS_UNDER_WAY_MAX;
}

static redis_exchange_end send_next(struct run *run) {
    redis_store *store = run->store;
    size_t end = end_of(run, run->sent);
    redis_apply_begin_with_source(store, run->operations + run->sent, end - run->sent);
    redis_bytes bytes = redis_request_finish(&store->request);
    redis_exchange_end sent = bytes.data ? redis_connection_send(&store->connection, bytes) : REDIS_NO_MEMORY_TO_SEND;
    if (sent == REDIS_ANSWERED)
        run->sent = end;
    return sent;
}

/* Operations were refused, but one behind them was executed. So they cannot be sent again. */
static void settle_refused(struct run *run, int code) {
    lesson_store_fail_operations(run->operations, run->answered, run->received, code);
    run->answered = run->received;
    run->retry = REDIS_RETRY_NO;
}

/* Reads the reply to the oldest request under way. `*refused` is the code of requests before it that were refused for
 * now, or OK, and becomes the code of this one if it is refused as well. */
static int read_next(struct run *run, int *refused) {
    redis_store *store = run->store;
    redis_reply *reply = &store->reply;
    bool may_write = writes(run, run->received, run->sent);
    size_t end = end_of(run, run->received);
    redis_rest rest = REDIS_REST_NOTHING;
    if (reply->is_error && redis_failure_is_transient(redis_reply_line(reply))) {
        run->retry = redis_primary_refused(store, redis_reply_line(reply));
        run->received = end;
        *refused = *refused ? *refused : redis_ask_error(store, reply, may_write);
        return LESSON_STORE_OK;
    }
    if (*refused && redis_apply_is_refused(reply)) {
        run->received = end;
        return LESSON_STORE_OK;
    }
    int settled = *refused;
    if (settled)
        settle_refused(run, settled);
    *refused = LESSON_STORE_OK;
    if (!reply->is_error) {
        int code = read_answers(run, end, may_write, &rest); /* there are no ends among them */
        *refused = !code && rest == REDIS_REST_REFUSED ? note_refusal(run) : LESSON_STORE_OK;
        return code ? code : settled;
    }
    int code = redis_ask_error(store, reply, may_write);
    lesson_store_fail_operations(run->operations, run->received, end, code);
    run->answered = run->received = end;
    return code;
}

static int receive_next(struct run *run, redis_exchange_end *received, int *refused) {
    *received = redis_connection_receive(&run->store->connection, &run->store->reply);
    return *received == REDIS_ANSWERED ? read_next(run, refused) : LESSON_STORE_OK;
}

/* The connection broke while these requests were under way. */
static int give_up(struct run *run, redis_exchange_end end, int refused) {
    bool may_write = writes(run, run->received, run->sent);
    if (may_write && refused && end != REDIS_DEMOTED)
        settle_refused(run, refused);
    run->retry = redis_primary_lost(run->store, redis_ask_may_repeat(end, may_write));
    return redis_ask_code(run->store, end, may_write);
}

/* The next request could not be sent. */
static int give_up_sending(struct run *run, redis_exchange_end end) {
    run->sent = run->answered;
    if (end != REDIS_NO_MEMORY_TO_SEND)
        run->retry = redis_primary_lost(run->store, redis_ask_may_repeat(end, true));
    return redis_ask_code(run->store, end, false);
}

/* Nothing more is sent but WAIT. Behind a request that was sent in part, the server would take it for the rest of that
 * one, and so it would everything that is sent later. */
static void end_flight(struct run *run, redis_exchange_end sent) {
    redis_store *store = run->store;
    bool is_cut = sent != REDIS_ANSWERED && sent != REDIS_NO_MEMORY_TO_SEND;
    store->leaves = store->leaves || is_cut;
    if (!writes(run, run->answered, run->sent))
        return;
    if (is_cut || !redis_channel_is_open(&store->connection.channel))
        redis_confirm_skip(store);
    else
        redis_confirm_send(store);
}

/* Sends as much as can be under way together. Returns when all replies have come. */
static int run_together(struct run *run) {
    redis_exchange_end sent = REDIS_ANSWERED, received = REDIS_ANSWERED;
    bool is_flight_whole = false;
    int refused = LESSON_STORE_OK;
    int code = redis_primary_prepare(run->store, &run->retry);
    if (code)
        return code;
    for (;;) {
        bool is_well = !code && !refused && sent == REDIS_ANSWERED && received == REDIS_ANSWERED;
        bool goes_on = is_well && !is_flight_whole && has_more(run);
        if (goes_on && may_send(run)) {
            sent = send_next(run);
        } else if (!goes_on && !is_flight_whole) {
            is_flight_whole = true;
            end_flight(run, sent);
        } else if (run->received < run->sent && run->store->connection.under_way > 0) {
            int later = receive_next(run, &received, &refused);
            code = later ? later : code;
        } else {
            break;
        }
    }
    int end = code ? code : refused;
    /* Writes of unknown outcome take precedence over an error that another request returned. */
    if (received != REDIS_ANSWERED)
        end = give_up(run, received, refused);
    else if (!end && sent != REDIS_ANSWERED)
        end = give_up_sending(run, sent);
    if (code)
        run->retry = REDIS_RETRY_NO; /* operations have failed for good, so those behind them are not sent again */
    return end;
}

static void run_all(struct run *run, int *code) {
    redis_attempts attempts = redis_attempts_begin(run->store);
    while (run->answered < run->count) {
        size_t before = run->answered;
        run->sent = run->received = before;
        run->retry = REDIS_RETRY_NO;
        *code = comes_alone(run) ? run_alone(run) : run_together(run);
        confirm(run, *code);
        if (run->answered > before)
            attempts = redis_attempts_begin(run->store);
        if (*code && !redis_attempts_again(&attempts, run->store, run->retry, *code)) {
            *code = redis_attempts_end(&attempts, run->store, *code);
            return;
        }
    }
}

int redis_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    struct run run = {.store = redis_of(instance), .operations = operations, .count = count};
    int code = LESSON_STORE_OK;
    redis_confirm_begin(run.store);
    run_all(&run, &code);
    if (code) {
        /* Operations from `sent` on were never sent. */
        lesson_store_fail_operations(operations, run.answered, run.sent, code);
        lesson_store_fail_operations(operations, run.sent, count,
                                     code == LESSON_STORE_UNKNOWN ? LESSON_STORE_UNREACHABLE : code);
    }
    return code;
}
