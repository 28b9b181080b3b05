#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"

#define ONE(code) \
    { JUDGE_CODE(code), JUDGE_CODE(code), false, NULL, NULL }
#define WRITES(code) \
    { JUDGE_CODE(code), 0, false, NULL, NULL }
/* What the server refuses for now is tried again until the time is over. */
#define PERSISTENT \
    { .place = PLACE_MAIN, .timeout_ms = FAULT_SHORT_MS }
#define REPLICA                                                                \
    {                                                                          \
        JUDGE_CODE(READ_ONLY) | JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE), \
            JUDGE_CODE(READ_ONLY) | JUDGE_CODE(UNREACHABLE), false, NULL, NULL \
    }
#define AT_ONCE \
    { .place = PLACE_MAIN, .timeout_ms = FAULT_LONG_MS }

static void close_connections(fault_bench *bench) {
    raw_do(bench->at, "CLIENT KILL TYPE normal SKIPME yes");
}

/* ---- Memory, replicas, scripts of other clients */

static void take_memory(fault_bench *bench) {
    raw_do(bench->at, "CONFIG SET maxmemory 1");
}

static void give_memory(fault_bench *bench) {
    raw_do(bench->at, "CONFIG SET maxmemory 0");
}

/* Moving or leaving needs no memory. */
static judge_verdict without_memory(const model_state *state, const model_call *call, const void *context) {
    (void)context;
    if (call->kind == LESSON_STORE_OPERATION_QUIT || call->kind == LESSON_STORE_OPERATION_END)
        return JUDGE_WORKS;
    if (call->kind != LESSON_STORE_OPERATION_JOIN)
        return JUDGE_MAY_FAIL;
    int8_t lesson = state->users[call->user].lesson;
    return lesson != MODEL_NONE && lesson != call->lesson ? JUDGE_WORKS : JUDGE_MAY_FAIL;
}

static void follow_nobody(fault_bench *bench) {
    raw_do(bench->at, "REPLICAOF 127.0.0.1 1");
}

static void follow_nobody_faithfully(fault_bench *bench) {
    raw_do(bench->at, "CONFIG SET replica-serve-stale-data no");
    follow_nobody(bench);
}

static void lead(fault_bench *bench) {
    raw_do(bench->at, "REPLICAOF NO ONE");
    raw_do(bench->at, "CONFIG SET replica-serve-stale-data yes");
}

/* Returns when the server refuses other clients. */
static void run_for_ever(fault_bench *bench) {
    raw_do(bench->at, "CONFIG SET lua-time-limit 1");
    bench->other = redisConnectUnix(redis_server_socket(bench->at->server));
    redisAppendCommand(bench->other, "EVAL %s 0", "while true do end");
    for (int done = 0; !done;)
        assert_int_equal(redisBufferWrite(bench->other, &done), REDIS_OK);
    for (bool is_busy = false; !is_busy;) {
        redisReply *reply = redisCommand(bench->at->commands, "PING");
        assert_non_null(reply);
        is_busy = reply->type == REDIS_REPLY_ERROR;
        freeReplyObject(reply);
    }
}

static void kill_script(fault_bench *bench) {
    void *reply = NULL;
    raw_do(bench->at, "SCRIPT KILL");
    redisGetReply(bench->other, &reply);
    freeReplyObject(reply);
    redisFree(bench->other);
    raw_do(bench->at, "CONFIG SET lua-time-limit 5000");
}

/* ---- Rights */

static void make_account(fault_bench *bench) {
    raw_do(bench->at, "ACL SETUSER app reset on >secret ~* +@all");
}

static void change_password(fault_bench *bench) {
    raw_do(bench->at, "ACL SETUSER app resetpass >other-secret");
    close_connections(bench);
}

static void want_password(fault_bench *bench) {
    raw_do(bench->at, "CONFIG SET requirepass secret");
    close_connections(bench);
}

static void want_no_password(fault_bench *bench) {
    raw_do(bench->at, "CONFIG SET requirepass %s", "");
}

static void take_rights(fault_bench *bench) {
    raw_do(bench->at, "ACL SETUSER app -@all");
}

static void take_right_to_write(fault_bench *bench) {
    raw_do(bench->at, "ACL SETUSER app -@write");
}

static void take_keys(fault_bench *bench) {
    raw_do(bench->at, "ACL SETUSER app resetkeys");
}

static void let_nobody_in(fault_bench *bench) {
    raw_do(bench->at, "CONFIG SET maxclients 1");
    close_connections(bench);
}

static void let_all_in(fault_bench *bench) {
    raw_do(bench->at, "CONFIG SET maxclients 10000");
}

/* ---- Keys of a wrong type, in place of a key that does not exist */

static judge_verdict of_user(const model_state *state, const model_call *call, const void *context) {
    bool kicks = call->flags & LESSON_STORE_BAN_KICK && state->lessons[call->lesson].has_record;
    if (call->kind == LESSON_STORE_OPERATION_BAN && !kicks)
        return JUDGE_WORKS;
    return call->user == *(const int8_t *)context ? JUDGE_FAILS : JUDGE_WORKS;
}

static judge_verdict of_record(const model_state *state, const model_call *call, const void *context) {
    if (call->lesson != *(const int8_t *)context || call->kind == LESSON_STORE_OPERATION_COUNT_MEMBERS ||
        call->kind == LESSON_STORE_OPERATION_QUIT)
        return JUDGE_WORKS;
    bool asks_record =
        call->flags & (LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_IF_OPEN | LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER |
                       LESSON_STORE_JOIN_IF_ROOM | LESSON_STORE_JOIN_UNLESS_BANNED);
    model_state copy = *state;
    bool is_conflict = model_run(&copy, call).code == LESSON_STORE_CONFLICT;
    bool reads = call->kind != LESSON_STORE_OPERATION_JOIN || (asks_record && !is_conflict);
    return reads ? JUDGE_FAILS : JUDGE_WORKS;
}

/* True if a join is answered before it comes to the members of the lesson. */
static bool reads_no_members(const model_state *state, const model_call *call, model_answer answer) {
    bool counts = call->flags & LESSON_STORE_JOIN_IF_ROOM && state->lessons[call->lesson].capacity > 0;
    bool is_refused_later = answer.refused_by == LESSON_STORE_JOIN_STAY && counts;
    return answer.code > 0 && answer.refused_by != LESSON_STORE_JOIN_IF_ROOM && !is_refused_later;
}

static judge_verdict of_members(const model_state *state, const model_call *call, const void *context) {
    if (call->lesson != *(const int8_t *)context)
        return JUDGE_WORKS;
    model_state copy = *state;
    switch ((lesson_store_operation_kind)call->kind) {
    case LESSON_STORE_OPERATION_JOIN:
        return reads_no_members(state, call, model_run(&copy, call)) ? JUDGE_WORKS : JUDGE_FAILS;
    case LESSON_STORE_OPERATION_END:
        return call->flags & LESSON_STORE_END_RECORD_ONLY ? JUDGE_WORKS : JUDGE_FAILS;
    case LESSON_STORE_OPERATION_GET_LESSON:
    case LESSON_STORE_OPERATION_COUNT_MEMBERS:
        return JUDGE_FAILS;
    default:
        return JUDGE_WORKS;
    }
}

static void damage_user(fault_bench *bench) {
    bench->damaged = (int8_t)dice_below(&bench->dice, MODEL_USERS);
    bench_run(bench, &(model_call)MODEL_QUIT(bench->damaged, MODEL_NONE, MODEL_NONE, false, 0), 1);
    raw_do(bench->at, "SET " USER("%s") " text", awkward_vocabulary.users[bench->damaged]);
}

static void repair_user(fault_bench *bench) {
    raw_do(bench->at, "DEL " USER("%s"), awkward_vocabulary.users[bench->damaged]);
}

static const char *empty_a_lesson(fault_bench *bench) {
    bench->damaged = (int8_t)dice_below(&bench->dice, MODEL_LESSONS);
    bench_run(bench, &(model_call)MODEL_END(bench->damaged, 0, false, 0), 1);
    return awkward_vocabulary.lessons[bench->damaged];
}

static void damage_record(fault_bench *bench) {
    raw_do(bench->at, "SET " RECORD("%s") " text", empty_a_lesson(bench));
}

static void repair_record(fault_bench *bench) {
    raw_do(bench->at, "DEL " RECORD("%s"), awkward_vocabulary.lessons[bench->damaged]);
}

static void damage_members(fault_bench *bench) {
    raw_do(bench->at, "SET " MEMBERS("%s") " text", empty_a_lesson(bench));
}

static void repair_members(fault_bench *bench) {
    raw_do(bench->at, "DEL " MEMBERS("%s"), awkward_vocabulary.lessons[bench->damaged]);
}

#define WRONG_TYPE(verdict) \
    { JUDGE_CODE(MALFORMED), JUDGE_CODE(MALFORMED), false, verdict, NULL }
#define WITH_ACCOUNT \
    { .place = PLACE_MAIN, .timeout_ms = FAULT_LONG_MS, .account = "app:secret@", .prepare = make_account }
#define BROKEN(code)                                                                                                  \
    {                                                                                                                 \
        JUDGE_CODE(code) | JUDGE_CODE(UNKNOWN) | JUDGE_CODE(UNREACHABLE), JUDGE_CODE(code) | JUDGE_CODE(UNREACHABLE), \
            false, NULL, NULL                                                                                         \
    }

const fault_kind faults_of_refusals[] = {
    {"no memory (maxmemory)",
     LESSON_STORE_FULL,
     "maxmemory",
     {JUDGE_CODE(FULL), 0, false, without_memory, NULL},
     AT_ONCE,
     false,
     take_memory,
     NULL,
     give_memory,
     false},
    {"read-only replica", LESSON_STORE_READ_ONLY, "replica", REPLICA, PERSISTENT, true, follow_nobody, NULL, lead,
     false},
    {"replica without its master", LESSON_STORE_READ_ONLY, "replica", REPLICA, PERSISTENT, true,
     follow_nobody_faithfully, NULL, lead, false},
    {"script of another client (BUSY)", LESSON_STORE_BUSY, "BUSY", ONE(BUSY), AT_ONCE, false, run_for_ever, NULL,
     kill_script, false},
    {"password changed", LESSON_STORE_DENIED, "WRONGPASS", BROKEN(DENIED), WITH_ACCOUNT, false, change_password, NULL,
     make_account, false},
    {"password wanted", LESSON_STORE_DENIED, "NOAUTH", BROKEN(DENIED), AT_ONCE, false, want_password, NULL,
     want_no_password, false},
    {"account without rights", LESSON_STORE_DENIED, "NOPERM", ONE(DENIED), WITH_ACCOUNT, false, take_rights, NULL,
     make_account, false},
    {"account that may only read", LESSON_STORE_DENIED, NULL, WRITES(DENIED), WITH_ACCOUNT, false, take_right_to_write,
     NULL, make_account, false},
    {"account without keys", LESSON_STORE_DENIED, NULL, ONE(DENIED), WITH_ACCOUNT, false, take_keys, NULL, make_account,
     false},
    {"too many clients", LESSON_STORE_UNREACHABLE, "max number of clients", BROKEN(UNREACHABLE), AT_ONCE, false,
     let_nobody_in, NULL, let_all_in, false},
    {"too many clients, with a password", LESSON_STORE_UNREACHABLE, "max number of clients", BROKEN(UNREACHABLE),
     WITH_ACCOUNT, false, let_nobody_in, NULL, let_all_in, false},
    {"wrong type: user record", LESSON_STORE_MALFORMED, NULL, WRONG_TYPE(of_user), AT_ONCE, false, damage_user, NULL,
     repair_user, false},
    {"wrong type: lesson record", LESSON_STORE_MALFORMED, NULL, WRONG_TYPE(of_record), AT_ONCE, false, damage_record,
     NULL, repair_record, false},
    {"wrong type: members", LESSON_STORE_MALFORMED, NULL, WRONG_TYPE(of_members), AT_ONCE, false, damage_members, NULL,
     repair_members, false},
    {.name = NULL},
};
