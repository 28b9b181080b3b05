/*
 * Batches. One request is one call of a script for up to 256 operations. Of a longer batch several requests are under
 * way at a time, so that the server need not wait for the client.
 *
 * The operations of a batch take effect in order, so nothing should be executed when what comes before it was not:
 *   - Requests that have others behind them carry the script's source. By its digest alone a server might not know it,
 *     and then learn it, from another client, between one request and the next.
 *   - Nothing is sent behind a request that holds an end until that is answered, since it may have to be done in steps.
 * What remains is a server that refuses one request for a reason of its own (BUSY) and takes the next one, which is
 * under way by then: each operation is answered as it happened, and the batch tells the code of the refusal.
 */
#include "apply.h"

/* Operations in one request. Enough that the cost of a request no longer counts (beyond 64 little is gained), and few
 * enough that the server is not kept from its other clients for longer than about a millisecond. */
#define REQUEST_OPERATIONS_MAX 256

#define REQUESTS_UNDER_WAY_MAX 4

struct run {
    redis_store *store;
    lesson_store_operation *operations;
    size_t count;
    size_t answered; /* where the oldest request under way begins */
    size_t sent;     /* where the next request begins */
    bool again;      /* what was asked on a connection that broke is being asked again */
};

/* Where the request that begins with this operation ends. */
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

/* Takes the answers to the operations up to `end`. */
static int read_answers(struct run *run, size_t end, bool writes) {
    size_t answered;
    bool ours = redis_apply_read(run->store, run->operations + run->answered, end - run->answered, &answered);
    run->answered += answered;
    run->again = false;
    return ours ? LESSON_STORE_OK : redis_ask_garbled(run->store, writes);
}

/* ---- One request by itself */

/* True if nothing can be sent behind the next request anyway. */
static bool comes_alone(const struct run *run) {
    size_t end = end_of(run, run->answered);
    return end == run->count || any(run, run->answered, end, redis_is_end);
}

static int run_alone(struct run *run) {
    size_t first = run->answered;
    size_t end = end_of(run, first);
    bool may_write = writes(run, first, end);
    redis_apply_begin(run->store, run->operations + first, end - first, false);
    run->sent = end;
    int code = redis_ask(run->store, &run->store->reply, may_write);
    if (code == LESSON_STORE_MALFORMED && redis_apply_is_command(run->operations + first, end - first)) {
        redis_apply_read_wrong_type(run->store, &run->operations[first]);
        run->answered = end;
        return LESSON_STORE_OK;
    }
    if (!code)
        code = read_answers(run, end, may_write);
    if (code || run->answered == end)
        return code;
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
    redis_apply_begin(store, run->operations + run->sent, end - run->sent, true);
    redis_bytes bytes = redis_request_finish(&store->request);
    redis_exchange_end sent = bytes.data ? redis_connection_send(&store->connection, bytes) : REDIS_NO_MEMORY_TO_SEND;
    if (sent == REDIS_ANSWERED)
        run->sent = end;
    return sent;
}

/* Takes the answers to the oldest request under way. A server's error is the answer to each of its operations. */
static int receive_next(struct run *run, redis_exchange_end *received) {
    redis_store *store = run->store;
    bool may_write = writes(run, run->answered, run->sent);
    size_t end = end_of(run, run->answered);
    *received = redis_connection_receive(&store->connection, &store->reply);
    if (*received != REDIS_ANSWERED)
        return LESSON_STORE_OK;
    if (!store->reply.is_error)
        return read_answers(run, end, may_write);
    int code = redis_ask_error(store, &store->reply);
    lesson_store_fail_operations(run->operations, run->answered, end, code);
    run->answered = end;
    return code;
}

/* The connection broke while these were under way. OK if they only read and are to be asked again. */
static int give_up(struct run *run, redis_exchange_end end) {
    bool may_write = writes(run, run->answered, run->sent);
    if (end != REDIS_BROKEN || may_write || run->again)
        return redis_ask_code(run->store, end, may_write);
    run->again = true;
    return LESSON_STORE_OK;
}

/* The next request could not be sent. OK if it is to be tried again. */
static int give_up_sending(struct run *run, redis_exchange_end end) {
    if (end != REDIS_NO_MEMORY_TO_SEND)
        redis_connection_close(&run->store->connection);
    if (end != REDIS_UNSENT || run->again)
        return redis_ask_code(run->store, end, false);
    run->again = true;
    return LESSON_STORE_OK;
}

/* Sends as much as can be under way together, and returns when all of that is answered. */
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
    /* Writes of unknown outcome come before an error that another request was answered. */
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
        /* What comes later was not even sent. */
        lesson_store_fail_operations(operations, run.answered, run.sent, code);
        lesson_store_fail_operations(operations, run.sent, count,
                                     code == LESSON_STORE_UNKNOWN ? LESSON_STORE_UNREACHABLE : code);
    }
    return code;
}
