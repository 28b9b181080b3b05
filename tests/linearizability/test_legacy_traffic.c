/*
 * Together with legacy writers, who write in several raw commands what is one step here.
 *
 * Their writes of a lesson record are one command each, so these stay atomic: HMSET is a create with RESET, DEL an end
 * of the record only. Their writes of a user are not atomic: between HMSET and SADD, or DEL and SREM, the user record
 * and the members disagree, and a call in between can make the disagreement last. These rules still hold, and are
 * checked here:
 *
 *   - No operation of ours fails.
 *   - Lesson records, and the users that no legacy writer touches, stay linearizable. Counts also include the other
 *     users.
 *   - For the other users: a record that is read was written by some call, and was not certainly overwritten before. So
 *     a record stays if a legacy writer wrote it last and no call changed it afterwards.
 *   - When no client is active, check reports exactly the disagreement that exists. A repair repairs all of it without
 *     touching a user record, and a second check finds nothing.
 */
#include <stdio.h>
#include <string.h>

#include "checker.h"
#include "clients.h"
#include "legacy.h"
#include "records.h"
#include "soak.h"

enum {
    OURS = 3,
    THEIRS = 2,
    KEPT_USERS = 3, /* that no legacy writer touches: 0 to 2 */
    USERS = 5,
    LESSONS = 2,
    THEIR_COURSE = 2, /* a course that only legacy writers use */
    HISTORIES = 25    /* of a round */
};

static const vocabulary *const words = &awkward_vocabulary;

/* ---- A legacy writer */

static history_call *begin_deed(const client_seat *seat, model_call call) {
    history_call *deed = &seat->self->calls[seat->self->count];
    *deed = history_call_of(HISTORY_OPERATION, call);
    deed->client = seat->self->number;
    deed->outcome = HISTORY_SILENT;
    deed->invoked = client_now(seat);
    preempt_soon(&seat->preempt, &seat->self->dice);
    return deed;
}

static void end_deed(const client_seat *seat, history_call *deed) {
    deed->settled = client_now(seat);
    seat->self->count++;
    preempt_soon(&seat->preempt, &seat->self->dice);
}

static void change_lesson(const client_seat *seat, raw_server *raw, int8_t lesson) {
    bool creates = dice_once_in(&seat->self->dice, 2);
    history_call *deed =
        begin_deed(seat, creates ? (model_call)MODEL_CREATE(lesson, LESSON_STORE_CREATE_RESET, false, 0)
                                 : (model_call)MODEL_END(lesson, LESSON_STORE_END_RECORD_ONLY, false, 0));
    if (creates)
        legacy_create(raw, words->lessons[lesson]);
    else
        legacy_end(raw, words->lessons[lesson]);
    end_deed(seat, deed);
}

static void join(const client_seat *seat, raw_server *raw, int8_t user, int8_t lesson) {
    history_call *deed = begin_deed(seat, (model_call)MODEL_JOIN(user, THEIR_COURSE, lesson, MODEL_NONE, 0, false, 0));
    legacy_put_record(raw, words->users[user], words->courses[THEIR_COURSE], words->lessons[lesson]);
    end_deed(seat, deed);
    legacy_put_member(raw, words->users[user], words->lessons[lesson]);
}

static void quit(const client_seat *seat, raw_server *raw, int8_t user) {
    char lesson_id[LESSON_STORE_ID_MAX + 1];
    legacy_where(raw, words->users[user], lesson_id);
    history_call *deed = begin_deed(seat, (model_call)MODEL_QUIT(user, MODEL_NONE, MODEL_NONE, false, 0));
    legacy_remove_record(raw, words->users[user]);
    end_deed(seat, deed);
    legacy_remove_member(raw, words->users[user], lesson_id);
}

static void write_as_legacy(const client_seat *seat) {
    dice_state *dice = &seat->self->dice;
    raw_server own = *(const raw_server *)seat->mode->context_of_others;
    own.commands = NULL;
    raw_reconnect(&own);
    for (int i = 0; i < CLIENT_CALLS_MAX; i++) {
        int8_t user = (int8_t)(KEPT_USERS + dice_below(dice, USERS - KEPT_USERS));
        int8_t lesson = (int8_t)dice_below(dice, LESSONS);
        switch (dice_below(dice, 5)) {
        case 0:
            change_lesson(seat, &own, lesson);
            break;
        case 1:
        case 2:
            quit(seat, &own, user);
            break;
        default:
            join(seat, &own, user, lesson);
        }
    }
    redisFree(own.commands);
}

/* ---- The answers */

typedef struct legacy_traffic {
    raw_server *raw;
    soak_run soak;
    client_group clients;
    history all;     /* the last call is what was read when no client was active */
    history of_kept; /* the calls on lessons, and on users that no legacy writer touches */
    uint64_t overlaps;
    uint64_t disagreements;
} legacy_traffic;

static void read_at_the_end(legacy_traffic *traffic, model_call call) {
    assert_true(traffic->all.count < HISTORY_CALLS_MAX);
    history_call *read = &traffic->all.calls[traffic->all.count++];
    atomic_uint *clock = &traffic->clients.shared->clock;
    *read = history_call_of(HISTORY_OPERATION, call);
    read->client = CLIENTS_MAX;
    read->outcome = HISTORY_ANSWERED;
    read->invoked = atomic_fetch_add(clock, 1);
    assert_code(vocabulary_run(words, traffic->clients.store, &call, 1, &read->answer.operation), OK);
    read->settled = atomic_fetch_add(clock, 1);
}

static void read_all(legacy_traffic *traffic) {
    for (int8_t i = 0; i < USERS; i++)
        read_at_the_end(traffic, (model_call)MODEL_WHERE(i, false, 0));
    for (int8_t i = 0; i < LESSONS; i++)
        read_at_the_end(traffic, (model_call)MODEL_GET_LESSON(i, false, 0));
}

static void pick_kept(legacy_traffic *traffic) {
    history *kept = &traffic->of_kept;
    kept->begin = traffic->all.begin;
    kept->has_others = true;
    kept->count = 0;
    for (size_t i = 0; i < traffic->all.count; i++) {
        if (traffic->all.calls[i].call.user >= KEPT_USERS)
            continue;
        history_call *call = &kept->calls[kept->count++];
        *call = traffic->all.calls[i];
        call->answer.members &= (UINT32_C(1) << KEPT_USERS) - 1;
    }
}

static void judge_kept(legacy_traffic *traffic) {
    pick_kept(traffic);
    checker_finding finding = checker_judge(&traffic->of_kept, CHECKER_STATES_MAX);
    traffic->overlaps += history_overlaps(&traffic->all);
    if (finding.verdict == CHECKER_LINEARIZABLE)
        return;
    checker_print(stderr, &traffic->of_kept, &finding);
    fail_msg("legacy writers: not linearizable" SOAK_SEED, traffic->soak.seed);
}

static void judge_records(const legacy_traffic *traffic) {
    for (int user = 0; user < USERS; user++) {
        const history_call *wrong = records_find_wrong(&traffic->all, user);
        if (!wrong)
            continue;
        history_print(stderr, &traffic->all);
        history_print_call(stderr, wrong);
        fail_msg("legacy writers: nobody wrote that of user %d" SOAK_SEED, user, traffic->soak.seed);
    }
}

/* ---- Findings and repairs */

typedef struct raw_state {
    char lesson_of[USERS][LESSON_STORE_ID_MAX + 1];
    bool is_member[USERS][LESSONS];
} raw_state;

static void read_raw(raw_server *raw, raw_state *out) {
    memset(out, 0, sizeof *out);
    for (int user = 0; user < USERS; user++) {
        legacy_where(raw, words->users[user], out->lesson_of[user]);
        for (int lesson = 0; lesson < LESSONS; lesson++)
            out->is_member[user][lesson] = legacy_has_member(raw, words->lessons[lesson], words->users[user]);
    }
}

/* The kind of the expected finding, or -1. */
static int disagreement(const raw_state *state, int user, int lesson) {
    bool is_here = strcmp(state->lesson_of[user], words->lessons[lesson]) == 0;
    if (is_here == state->is_member[user][lesson])
        return -1;
    return is_here ? LESSON_STORE_FINDING_MISSING_MEMBER : LESSON_STORE_FINDING_GHOST_MEMBER;
}

typedef struct found_findings {
    const raw_state *state;
    bool is_found[USERS][LESSONS];
    int odd; /* found twice, or nonexistent */
} found_findings;

static bool hear_finding(const lesson_store_finding *finding, void *context) {
    found_findings *found = context;
    int user = vocabulary_number(words->users, USERS, finding->uid);
    int lesson = vocabulary_number(words->lessons, LESSONS, finding->lesson_id);
    bool is_right = user >= 0 && lesson >= 0 && (int)finding->kind == disagreement(found->state, user, lesson) &&
                    !found->is_found[user][lesson];
    if (is_right)
        found->is_found[user][lesson] = true;
    else
        found->odd++;
    return true;
}

static uint64_t count_disagreement(const raw_state *state) {
    uint64_t count = 0;
    for (int user = 0; user < USERS; user++) {
        for (int lesson = 0; lesson < LESSONS; lesson++)
            count += disagreement(state, user, lesson) >= 0;
    }
    return count;
}

static void repair(legacy_traffic *traffic) {
    lesson_store *store = traffic->clients.store;
    raw_state before, after;
    uint64_t found = 0, repaired = 0;
    read_raw(traffic->raw, &before);
    uint64_t due = count_disagreement(&before);
    found_findings findings = {.state = &before};
    assert_code(lesson_store_check(store, 0, hear_finding, &findings, &found, &repaired), OK);
    if (found != due || findings.odd)
        fail_msg("check finds %d of %d disagreements, and %d that are none" SOAK_SEED, (int)found, (int)due,
                 findings.odd, traffic->soak.seed);
    assert_code(lesson_store_check(store, LESSON_STORE_CHECK_REPAIR, NULL, NULL, &found, &repaired), OK);
    assert_int_equal(repaired, due);
    read_raw(traffic->raw, &after);
    assert_int_equal(count_disagreement(&after), 0);
    assert_memory_equal(after.lesson_of, before.lesson_of, sizeof before.lesson_of);
    assert_code(lesson_store_check(store, 0, NULL, NULL, &found, NULL), OK);
    assert_int_equal(found, 0);
    traffic->disagreements += due;
}

/* ---- Rounds */

static void play_one(legacy_traffic *traffic, dice_state *dice) {
    char text[VOCABULARY_TEXT_SIZE];
    raw_do(traffic->raw, "FLUSHALL");
    clients_draw(&traffic->clients, dice);
    clients_play(&traffic->clients);
    if (!clients_gather(&traffic->clients, &traffic->all, text))
        fail_msg("legacy writers: %s" SOAK_SEED, text, traffic->soak.seed);
    read_all(traffic);
    judge_kept(traffic);
    repair(traffic);
    traffic->soak.histories++;
    traffic->soak.operations += traffic->all.count;
    traffic->all.count -= LESSONS + USERS;
    read_all(traffic);
    judge_records(traffic);
}

static void beside_legacy_writers(void **state) {
    legacy_traffic traffic = {.raw = *state, .soak = soak_begin("legacy writers", "redis", 12)};
    const clients_mode mode = {.name = "legacy writers",
                               .options = "?pool=3",
                               .users = USERS,
                               .leaves_out = DRAW_OF_0_1, /* they fill lessons with users who are not in the model */
                               .others = THEIRS,
                               .work_of_others = write_as_legacy,
                               .context_of_others = traffic.raw};
    while (soak_next(&traffic.soak)) {
        dice_state dice = {traffic.soak.seed};
        clients_open(&traffic.clients, &mode, redis_server_unix_location(traffic.raw->server), OURS + THEIRS);
        for (int i = 0; i < HISTORIES; i++)
            play_one(&traffic, &dice);
        clients_close(&traffic.clients);
    }
    soak_end(&traffic.soak);
    printf("histories\tredis\tbeside legacy writers\t%" PRIu64 " histories\t%" PRIu64 " overlapping\t%" PRIu64
           " disagreements repaired\n",
           traffic.soak.histories, traffic.overlaps, traffic.disagreements);
    assert_true(2 * traffic.overlaps > traffic.soak.histories);
    assert_true(traffic.disagreements > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(beside_legacy_writers)};
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
