#include <poll.h>

#include "faults.h"

#define BREAKS \
    { JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE), JUDGE_CODE(UNREACHABLE), false, NULL, NULL }
#define GARBLES \
    { JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE), JUDGE_CODE(FAILED) | JUDGE_CODE(UNREACHABLE), false, NULL, NULL }
#define NOTHING \
    { 0, 0, false, NULL, NULL }
#define BEHIND \
    { .place = PLACE_MAIN, .behind = true, .timeout_ms = FAULT_LONG_MS }
#define BEHIND_IN_HASTE \
    { .place = PLACE_MAIN, .behind = true, .timeout_ms = FAULT_SHORT_MS }

/* Small batches have some hundred bytes, large ones some hundred thousand. */
static size_t somewhere(fault_bench *bench) {
    static const unsigned most[] = {40, 400, 4000, 40000, 200000};
    return dice_below(&bench->dice, most[dice_below(&bench->dice, sizeof most / sizeof *most)]);
}

static void cut_request(fault_bench *bench) {
    false_server_break(bench->between, CUT, REQUESTS, somewhere(bench));
}

static void cut_reply(fault_bench *bench) {
    false_server_break(bench->between, CUT, REPLIES, somewhere(bench));
}

static void shut_requests(fault_bench *bench) {
    false_server_break(bench->between, SHUT, REQUESTS, somewhere(bench));
}

static void shut_replies(fault_bench *bench) {
    false_server_break(bench->between, SHUT, REPLIES, somewhere(bench));
}

static void hold_request(fault_bench *bench) {
    false_server_break(bench->between, HOLD, REQUESTS, somewhere(bench));
}

static void hold_reply(fault_bench *bench) {
    false_server_break(bench->between, HOLD, REPLIES, somewhere(bench));
}

static void lose_every_reply(fault_bench *bench) {
    false_server_play(bench->between, LOSE_EVERY_REPLY);
}

static void chop(fault_bench *bench) {
    false_server_play(bench->between, CHOP);
}

static void pass_on(fault_bench *bench) {
    false_server_play(bench->between, PASS_ON);
}

/* The bytes come late, but within the timeout. */
static void *pass_on_after_a_while(void *context) {
    fault_pause(context);
    pass_on(context);
    return NULL;
}

static void *close_now(void *context) {
    fault_bench *bench = context;
    fault_pause(bench);
    false_server_play(bench->between, CLOSE_NOW);
    return NULL;
}

/* None of these is, or begins, a reply that a server could give to anything. */
static void garble(fault_bench *bench) {
    static const char *const texts[] = {"garbage\r\n",
                                        "HTTP/1.1 400 Bad Request\r\n\r\n",
                                        "\xff\xfe\x01\r\n",
                                        "$-2\r\n",
                                        "*-5\r\n",
                                        "*99999999999\r\n",
                                        "$-1\r\n",
                                        "*2\r\n*1\r\n:1\r\n:2\r\n",
                                        "$9999999999999999999\r\n",
                                        "%1\r\n+a\r\n:1\r\n",
                                        ":\r\n",
                                        "*3\r\n:1\r\n:2\r\n:3\r\n"};
    false_server_garble(bench->between, texts[dice_below(&bench->dice, sizeof texts / sizeof *texts)]);
}

const fault_kind faults_of_bytes[] = {
    {"request cut", LESSON_STORE_UNKNOWN, NULL, BREAKS, BEHIND, false, cut_request, NULL, pass_on, false},
    {"reply cut", LESSON_STORE_UNKNOWN, NULL, BREAKS, BEHIND, false, cut_reply, NULL, pass_on, false},
    {"direction of requests shut", LESSON_STORE_UNKNOWN, NULL, BREAKS, BEHIND, false, shut_requests, NULL, pass_on,
     false},
    {"direction of replies shut", LESSON_STORE_UNKNOWN, NULL, BREAKS, BEHIND, false, shut_replies, NULL, pass_on,
     false},
    {"connection closed amid", LESSON_STORE_UNKNOWN, NULL, BREAKS, BEHIND, false, NULL, close_now, pass_on, false},
    {"every reply lost", LESSON_STORE_UNKNOWN, NULL, BREAKS, BEHIND, false, lose_every_reply, NULL, pass_on, false},
    {"request late", LESSON_STORE_UNKNOWN, NULL, BREAKS, BEHIND_IN_HASTE, true, hold_request, NULL, pass_on, false},
    {"reply late", LESSON_STORE_UNKNOWN, NULL, BREAKS, BEHIND_IN_HASTE, true, hold_reply, NULL, pass_on, false},
    {"request delayed", LESSON_STORE_OK, NULL, NOTHING, BEHIND, false, hold_request, pass_on_after_a_while, pass_on,
     false},
    {"reply delayed", LESSON_STORE_OK, NULL, NOTHING, BEHIND, false, hold_reply, pass_on_after_a_while, pass_on, false},
    {"in small pieces", LESSON_STORE_OK, NULL, NOTHING, BEHIND, false, chop, NULL, pass_on, false},
    {"reply garbled", LESSON_STORE_UNKNOWN, NULL, GARBLES, BEHIND, false, garble, NULL, pass_on, false},
    {.name = NULL},
};
