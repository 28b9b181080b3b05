#include <stdlib.h>

#include "failure.h"
#include "sentinel.h"

#define ASK_US INT64_C(300000)         /* the most time for one Sentinel */
#define RETRY_MAX_US INT64_C(16000000) /* how seldom Sentinels that do not answer are tried again */

/* What one Sentinel says. */
struct answer {
    bool is_known; /* it knows a master of this name */
    redis_address primary;
    uint64_t epoch; /* 0: it does not tell */
};

/* ---- Opening */

static void open_connection(redis_connection *connection, redis_sentinels *sentinels, const redis_shared *shared) {
    connection->settings = sentinels->settings;
    connection->shared = shared;
    connection->deadline_us = &sentinels->deadline_us;
    connection->peer = REDIS_PEER_SENTINEL;
    connection->channel.socket = -1;
}

int redis_sentinels_open(redis_sentinels *sentinels, const redis_settings *settings, const redis_shared *shared) {
    int count = settings->address_count;
    sentinels->addresses = malloc((size_t)count * sizeof *sentinels->addresses);
    if (!sentinels->addresses)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory left for the Sentinels", settings->shown);
    memcpy(sentinels->addresses, settings->addresses, (size_t)count * sizeof *sentinels->addresses);
    sentinels->count = count;
    sentinels->settings = settings;
    sentinels->poll_pause_us = settings->failover_check_ms * INT64_C(1000);
    open_connection(&sentinels->asked, sentinels, shared);
    open_connection(&sentinels->heard, sentinels, shared);
    return LESSON_STORE_OK;
}

void redis_sentinels_close(redis_sentinels *sentinels) {
    if (!sentinels->settings)
        return;
    redis_connection_free(&sentinels->asked);
    redis_connection_free(&sentinels->heard);
    redis_reply_free(&sentinels->reply);
    redis_reply_free(&sentinels->announcement);
    free(sentinels->addresses);
}

/* ---- Asking */

/* Two questions at once: during a failover only the first one has the new address already, and only the second one
 * tells the epoch. */
static bool send_questions(redis_sentinels *sentinels) {
    const char *master = sentinels->settings->master;
    const char *const address[] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", master, NULL};
    const char *const state[] = {"SENTINEL", "MASTER", master, NULL};
    return redis_connection_send_words(&sentinels->asked, address) == REDIS_ANSWERED &&
           redis_connection_send_words(&sentinels->asked, state) == REDIS_ANSWERED;
}

static bool read_address(redis_reply *reply, struct answer *answer) {
    lesson_store_id host, port;
    return redis_reply_next_text(reply, &host) && redis_reply_next_text(reply, &port) &&
           redis_address_set(&answer->primary, host.data, host.size, redis_port_of(port.data, port.size));
}

/* Names and values in turn. */
static void read_epoch(redis_reply *reply, struct answer *answer) {
    lesson_store_id name, value;
    while (redis_reply_next_text(reply, &name) && redis_reply_next_text(reply, &value)) {
        if (redis_text_is(name, "config-epoch") && value.size > 0 && value.size < 20) {
            char digits[21] = "";
            memcpy(digits, value.data, value.size);
            answer->epoch = strtoull(digits, NULL, 10);
        }
    }
}

static int receive_answers(redis_sentinels *sentinels, struct answer *answer, int64_t until_us) {
    redis_connection *connection = &sentinels->asked;
    *answer = (struct answer){.is_known = false};
    sentinels->deadline_us = until_us;
    if (redis_connection_receive(connection, &sentinels->reply) != REDIS_ANSWERED)
        return LESSON_STORE_UNREACHABLE;
    lesson_store_id error = redis_reply_line(&sentinels->reply);
    if (sentinels->reply.is_error && redis_failure_is(error, "ERR unknown command"))
        return lesson_store_fail(LESSON_STORE_UNSUPPORTED, "%s: %sthe server is no Sentinel (write %s://)",
                                 sentinels->settings->shown, connection->at, redis_scheme(sentinels->settings));
    if (sentinels->reply.is_error)
        return lesson_store_fail(redis_failure_code(error), "%s: Sentinel %s%.*s", sentinels->settings->shown,
                                 connection->at, (int)error.size, error.data);
    answer->is_known = read_address(&sentinels->reply, answer);
    sentinels->deadline_us = until_us;
    if (redis_connection_receive(connection, &sentinels->reply) != REDIS_ANSWERED)
        return LESSON_STORE_UNREACHABLE;
    if (!sentinels->reply.is_error)
        read_epoch(&sentinels->reply, answer);
    return LESSON_STORE_OK;
}

/* Asks one Sentinel. An answer to an earlier question that is still under way is not waited for. */
static int ask(redis_sentinels *sentinels, int index, struct answer *answer, int64_t until_us) {
    redis_connection *connection = &sentinels->asked;
    sentinels->deadline_us = until_us;
    bool is_open = redis_address_is(&connection->address, &sentinels->addresses[index]) &&
                   !sentinels->is_poll_under_way && redis_connection_is_usable(connection);
    int code = is_open ? LESSON_STORE_OK : redis_connection_open(connection, &sentinels->addresses[index], until_us);
    sentinels->is_poll_under_way = false;
    sentinels->deadline_us = until_us;
    if (!code && !send_questions(sentinels))
        code = LESSON_STORE_UNREACHABLE;
    if (!code)
        code = receive_answers(sentinels, answer, until_us);
    if (code)
        redis_connection_close(connection);
    return code;
}

/* ---- Finding */

/* What all of them say, as far as they were asked. */
struct survey {
    int answered;
    int knowing;
    int behind;            /* answers of a lower epoch */
    struct answer highest; /* of those */
    int code;              /* the latest failure */
};

static void make_first(redis_sentinels *sentinels, int index) {
    redis_address first = sentinels->addresses[index];
    memmove(sentinels->addresses + 1, sentinels->addresses, (size_t)index * sizeof first);
    sentinels->addresses[0] = first;
}

/* True if this Sentinel's answer counts. */
static bool consult(redis_sentinels *sentinels, int index, struct survey *survey, struct answer *answer,
                    int64_t until_us) {
    int code = ask(sentinels, index, answer, until_us);
    if (code) {
        survey->code = code;
        return false;
    }
    survey->answered++;
    survey->knowing += answer->is_known;
    if (!answer->is_known)
        return false;
    if (answer->epoch == 0 || answer->epoch >= sentinels->epoch)
        return true;
    survey->behind++;
    if (answer->epoch >= survey->highest.epoch)
        survey->highest = *answer;
    return false;
}

static void subscribe(redis_sentinels *sentinels, int64_t until_us) {
    static const char *const words[] = {"SUBSCRIBE", "+switch-master", NULL};
    redis_connection *connection = &sentinels->heard;
    if (redis_address_is(&connection->address, &sentinels->addresses[0]) && redis_channel_is_open(&connection->channel))
        return;
    sentinels->deadline_us = until_us;
    if (!redis_connection_open(connection, &sentinels->addresses[0], until_us) &&
        redis_connection_send_words(connection, words) == REDIS_ANSWERED)
        redis_reader_collect(connection->reader, &sentinels->announcement);
    sentinels->deadline_us = 0;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void plan_poll(redis_sentinels *sentinels, bool is_answered) {
    int64_t usual_us = sentinels->settings->failover_check_ms * INT64_C(1000);
    int64_t longer_us = least(2 * sentinels->poll_pause_us, usual_us > RETRY_MAX_US ? usual_us : RETRY_MAX_US);
    sentinels->poll_pause_us = is_answered ? usual_us : longer_us;
    sentinels->poll_at_us = lesson_store_monotonic_us() + sentinels->poll_pause_us;
}

static int accept(redis_sentinels *sentinels, const struct answer *answer, redis_address *address) {
    if (answer->epoch > 0)
        sentinels->epoch = answer->epoch;
    *address = answer->primary;
    return LESSON_STORE_OK;
}

static int fail(const redis_sentinels *sentinels, const struct survey *survey) {
    const redis_settings *settings = sentinels->settings;
    if (survey->answered == 0 && survey->code != LESSON_STORE_UNREACHABLE)
        return survey->code; /* its message says more */
    if (survey->answered == 0)
        return lesson_store_fail(LESSON_STORE_UNREACHABLE, "%s: no Sentinel of %d answered", settings->shown,
                                 sentinels->count);
    if (survey->knowing == 0)
        return lesson_store_fail(survey->answered == sentinels->count ? LESSON_STORE_INVALID : LESSON_STORE_UNREACHABLE,
                                 "%s: none of the %d Sentinels that answered knows the master %s", settings->shown,
                                 survey->answered, settings->master);
    return lesson_store_fail(LESSON_STORE_UNREACHABLE,
                             "%s: the %d Sentinels that answered know only an older configuration", settings->shown,
                             survey->answered);
}

int redis_sentinels_find(redis_sentinels *sentinels, redis_address *address, int64_t until_us,
                         const lesson_store_location *opening) {
    struct survey survey = {.code = LESSON_STORE_UNREACHABLE};
    struct answer answer;
    sentinels->asked.channel.opening = sentinels->heard.channel.opening = opening;
    bool is_found = false;
    for (int i = 0; i < sentinels->count && !is_found; i++) {
        int64_t now_us = lesson_store_monotonic_us();
        int64_t share_us = least(ASK_US, (until_us - now_us) / (sentinels->count - i));
        is_found = consult(sentinels, i, &survey, &answer, now_us + share_us);
        if (is_found)
            make_first(sentinels, i);
    }
    if (is_found)
        subscribe(sentinels, least(until_us, lesson_store_monotonic_us() + ASK_US));
    sentinels->asked.channel.opening = sentinels->heard.channel.opening = NULL;
    plan_poll(sentinels, is_found);
    if (is_found)
        return accept(sentinels, &answer, address);
    /* If most of them are behind, the configuration was made anew, from a lower epoch on. */
    if (survey.behind > sentinels->count / 2)
        return accept(sentinels, &survey.highest, address);
    return survey.answered == 0 && address->host[0] ? LESSON_STORE_OK : fail(sentinels, &survey);
}

/* ---- Hearing */

/* True if a reply has arrived whole. A broken connection is closed. */
static bool has_arrived(redis_connection *connection) {
    return redis_channel_is_open(&connection->channel) && redis_connection_take_arrived(connection) == REDIS_ANSWERED;
}

/* "+switch-master" "NAME OLD-HOST OLD-PORT NEW-HOST NEW-PORT". It only says when to ask, so it can tell no lies. */
static bool is_about_us(const redis_sentinels *sentinels, redis_reply *announcement) {
    lesson_store_id text = {NULL, 0};
    size_t size = strlen(sentinels->settings->master);
    for (int i = 0; i < 3; i++) {
        if (!redis_reply_next_text(announcement, &text) || !text.data)
            return false;
    }
    return text.size > size && memcmp(text.data, sentinels->settings->master, size) == 0 && text.data[size] == ' ';
}

static bool hear_announcements(redis_sentinels *sentinels) {
    bool is_heard = false;
    while (has_arrived(&sentinels->heard)) {
        is_heard = is_about_us(sentinels, &sentinels->announcement) || is_heard;
        redis_reader_collect(sentinels->heard.reader, &sentinels->announcement);
    }
    return is_heard;
}

/* Two replies are under way: the first is the address, the second is not needed here. */
static bool hear_poll(redis_sentinels *sentinels, const redis_address *primary) {
    redis_connection *connection = &sentinels->asked;
    bool is_other = false;
    while (connection->under_way > 0 && has_arrived(connection)) {
        struct answer answer;
        if (connection->under_way == 2)
            is_other = read_address(&sentinels->reply, &answer) && !redis_address_is(&answer.primary, primary);
        connection->under_way--;
        redis_reader_collect(connection->reader, &sentinels->reply);
    }
    sentinels->is_poll_under_way = connection->under_way > 0;
    return is_other;
}

bool redis_sentinels_hear(redis_sentinels *sentinels, const redis_address *primary, int64_t now_us) {
    bool is_heard = hear_announcements(sentinels);
    if (sentinels->is_poll_under_way)
        is_heard = hear_poll(sentinels, primary) || is_heard;
    if (now_us < sentinels->poll_at_us)
        return is_heard;
    bool is_silent = sentinels->is_poll_under_way || !redis_channel_is_open(&sentinels->asked.channel) ||
                     !redis_channel_is_open(&sentinels->heard.channel);
    plan_poll(sentinels, !is_silent);
    if (is_silent)
        return true; /* all of them are asked then, and the pauses become longer if none answers */
    sentinels->deadline_us = now_us + 1;
    sentinels->is_poll_under_way = send_questions(sentinels);
    sentinels->deadline_us = 0;
    if (sentinels->is_poll_under_way)
        redis_reader_collect(sentinels->asked.reader, &sentinels->reply);
    else
        redis_connection_close(&sentinels->asked); /* the first question, or a part, may be under way */
    return is_heard;
}
