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
 * One case remains: a server refuses one request for a reason of its own (BUSY), and accepts the next, which is under
 * way by then. In that case each operation has its own true code, and the batch returns the code of the refusal.
 */
#include "apply.h"

/* Operations in one request. High enough that the cost of a request no longer counts (beyond 64 little is gained). Low
 * enough that the server serves its other clients again within about a millisecond. */
#define REQUEST_OPERATIONS_MAX 256

#define REQUESTS_UNDER_WAY_MAX 4

struct run {
    redis_store *store;
    lesson_store_operation *operations;
    size_t count;
    size_t answered; /* the first operation of the oldest request under way */
    size_t sent;     /* the first operation of the next request */
    bool again;      /* the requests of a broken connection are being sent again */
};

/* Returns where the request that begins with this operation ends. */
static size_t end_of(const struct run *run, size_t first) {
    return run->count - first > REQUEST_OPERATIONS_MAX ? first + REQUEST_OPERATIONS_MAX : run->count;
}

static bool any(const struct run *run, size_t first, size_t end, bool (*holds)(const lesson_store_operation *)) {
    while (first < end && !holds(&run->operations[first]))
        first++;
    return first < end;
}

static bool writes(const struct run *run, size_t first, size_t end) {
    return any(run, first, end, lesson_store_operation_writes);
}

/* Reads the answers to the operations up to `end`. */
static int read_answers(struct run *run, size_t end, bool writes, redis_rest *rest) {
    size_t answered;
    bool ours = redis_apply_read(run->store, run->operations + run->answered, end - run->answered, &answered, rest);
    run->answered += answered;
    run->again = false;
    return ours ? LESSON_STORE_OK : redis_ask_garbled(run->store, writes);
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
    code = redis_end_in_steps(run->store, &run->operations[run->answered]);
    run->sent = run->answered + 1;
    run->answered += code == LESSON_STORE_OK;
    return code;
}

/* ---- Several under way */

static bool may_send(const struct run *run) {
    return run->sent < run->count && run->store->connection.under_way < REQUESTS_UNDER_WAY_MAX &&
           !any(run, run->sent, end_of(run, run->sent), redis_is_end);
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

/* Receives the reply to the oldest request under way. A server's error becomes the code of each of its operations. */
static int receive_next(struct run *run, redis_exchange_end *received) {
    redis_store *store = run->store;
    bool may_write = writes(run, run->answered, run->sent);
    size_t end = end_of(run, run->answered);
    *received = redis_connection_receive(&store->connection, &store->reply);
    if (*received != REDIS_ANSWERED)
        return LESSON_STORE_OK;
    redis_rest rest;
    if (!store->reply.is_error)
        return read_answers(run, end, may_write, &rest); /* there are no ends among them, so nothing is left */
    int code = redis_ask_error(store, &store->reply);
    lesson_store_fail_operations(run->operations, run->answered, end, code);
    run->answered = end;
    return code;
}

/* The connection broke while these requests were under way. OK if they only read and are to be sent again. */
static int give_up(struct run *run, redis_exchange_end end) {
    bool may_write = writes(run, run->answered, run->sent);
    if (end != REDIS_BROKEN || may_write || run->again)
        return redis_ask_code(run->store, end, may_write);
    run->again = true;
    return LESSON_STORE_OK;
}

/* The next request could not be sent. OK if it is to be sent again. */
static int give_up_sending(struct run *run, redis_exchange_end end) {
    if (end != REDIS_NO_MEMORY_TO_SEND)
        redis_connection_close(&run->store->connection);
    if (end != REDIS_UNSENT || run->again)
        return redis_ask_code(run->store, end, false);
    run->again = true;
    return LESSON_STORE_OK;
}

/* Sends as much as can be under way together, and returns when all replies have come. */
static int run_together(struct run *run) {
    redis_connection *connection = &run->store->connection;
    redis_exchange_end sent = REDIS_ANSWERED, received = REDIS_ANSWERED;
    int code = redis_connection_prepare(connection);
    while (!code && sent == REDIS_ANSWERED && received == REDIS_ANSWERED) {
        if (may_send(run))
            sent = send_next(run);
        else if (connection->under_way > 0)
            code = receive_next(run, &received);
        else
            return LESSON_STORE_OK;
    }
    while (connection->under_way > 0) {
        int later = receive_next(run, &received);
        code = code ? code : later;
    }
    /* Writes of unknown outcome take precedence over an error that another request returned. */
    int broken = received == REDIS_ANSWERED ? LESSON_STORE_OK : give_up(run, received);
    if (broken || code)
        return broken ? broken : code;
    return received == REDIS_ANSWERED ? give_up_sending(run, sent) : LESSON_STORE_OK;
}

int redis_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    struct run run = {.store = redis_of(instance), .operations = operations, .count = count};
    int code = LESSON_STORE_OK;
    while (!code && run.answered < count) {
        run.sent = run.answered;
        code = comes_alone(&run) ? run_alone(&run) : run_together(&run);
    }
    if (code) {
        /* Operations from `sent` on were never sent. */
        lesson_store_fail_operations(operations, run.answered, run.sent, code);
        lesson_store_fail_operations(operations, run.sent, count,
                                     code == LESSON_STORE_UNKNOWN ? LESSON_STORE_UNREACHABLE : code);
    }
    return code;
}
