#include <stdio.h>

#include "confirm.h"

/* The replicas get most of the time that the call has left, so that the server's answer still comes in time. */
void redis_confirm_send(redis_store *store) {
    redis_confirmation *confirmation = &store->confirmation;
    if (store->settings.wait_replicas == 0)
        return;
    char number[16], left_ms[24];
    snprintf(number, sizeof number, "%d", store->settings.wait_replicas);
    int64_t most_ms = store->connection.channel.left_us * 3 / 4 / 1000;
    snprintf(left_ms, sizeof left_ms, "%lld", (long long)(most_ms > 1 ? most_ms : 1));
    const char *const words[] = {"WAIT", number, left_ms, NULL};
    confirmation->is_under_way = redis_connection_send_words(&store->connection, words) == REDIS_ANSWERED;
    if (confirmation->is_under_way)
        return;
    redis_confirm_skip(store);
    store->leaves = true; /* a part of WAIT may be under way */
}

void redis_confirm_skip(redis_store *store) {
    store->confirmation.is_missing = store->confirmation.is_missing || store->settings.wait_replicas > 0;
}

void redis_confirm_receive(redis_store *store) {
    redis_confirmation *confirmation = &store->confirmation;
    int64_t number = 0;
    if (!confirmation->is_under_way)
        return;
    confirmation->is_under_way = false;
    bool is_answered = store->connection.under_way > 0 &&
                       redis_connection_receive(&store->connection, &confirmation->reply) == REDIS_ANSWERED &&
                       redis_reply_next_number(&confirmation->reply, &number);
    if (is_answered && number >= store->settings.wait_replicas)
        return;
    confirmation->is_missing = true;
    confirmation->number = number;
    confirmation->is_refused = store->connection.under_way == 0 && confirmation->reply.is_error;
}

redis_exchange_end redis_confirm_exchange(redis_store *store, redis_bytes request, redis_reply *reply) {
    bool was_missing = store->confirmation.is_missing;
    redis_exchange_end end = redis_connection_send(&store->connection, request);
    if (end != REDIS_ANSWERED)
        return end;
    redis_confirm_send(store);
    end = redis_connection_receive(&store->connection, reply);
    redis_confirm_receive(store);
    if (end == REDIS_DEMOTED || (end == REDIS_ANSWERED && reply->is_error))
        store->confirmation.is_missing = was_missing; /* nothing was written */
    return end;
}

void redis_confirm_begin(redis_store *store) {
    store->confirmation.is_missing = false;
    store->confirmation.is_under_way = false;
    store->confirmation.number = 0;
    store->confirmation.is_refused = false;
    redis_reply_clear(&store->confirmation.reply);
}

static int announce(const redis_store *store) {
    lesson_store_id error = redis_reply_line(&store->confirmation.reply);
    if (store->confirmation.is_refused)
        return lesson_store_fail(LESSON_STORE_UNKNOWN, "%s: applied, but the server refused to wait for replicas: %.*s",
                                 store->settings.shown, (int)error.size, error.data);
    return lesson_store_fail(LESSON_STORE_UNKNOWN, "%s: applied, but %lld of %d replicas confirmed it",
                             store->settings.shown, (long long)store->confirmation.number,
                             store->settings.wait_replicas);
}

int redis_confirm_code(const redis_store *store) {
    if (!store->confirmation.is_missing)
        return LESSON_STORE_OK;
    int code = announce(store);
    lesson_store_observe_count(store->connection.observer, LESSON_STORE_ENGINE_UNCONFIRMED, 1);
    lesson_store_observe_event(store->connection.observer, LESSON_STORE_LOG_UNCONFIRMED, "%s", lesson_store_message());
    return code;
}
