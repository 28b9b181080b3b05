#include "replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"

#define PROCESSES_MAX 16
#define IDS_MAX 256

/* Ids of the model, as p3.pml has them. */
enum { ID_CREATED = 0, ID_CREATED_AGAIN = 90, ID_ADOPTED = 100 };

/* Operations of the model. */
enum { JOIN_1 = 1, JOIN_2 = 2, QUIT = 3, END_1 = 5 };

/* What the numbers of the model are on the stage. */
struct numbers {
    uint64_t base;       /* of versions */
    uint64_t base_again; /* of those from `again_from` on, after the helper was lost */
    int again_from;      /* 0: it was not */
    bool is_lost;        /* and not made again yet */
    char created[STAGE_ID_SIZE];
};

struct replay {
    test_stage *stage;
    const test_schedule *schedule;
    const replay_options *options;
    replay_difference *difference;
    const schedule_event *event;
    test_actor *actors[PROCESSES_MAX];
    struct numbers users[STAGE_USERS];
    char ids[IDS_MAX][STAGE_ID_SIZE]; /* of operations */
    char *copy;
    size_t copy_size;
};

LESSON_STORE_PRINTF(2, 3) static bool differ(struct replay *replay, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(replay->difference->text, sizeof replay->difference->text, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Numbers */

static uint64_t version_of(const struct replay *replay, int user, int number) {
    const struct numbers *numbers = &replay->users[user];
    if (number == 0)
        return 0;
    bool is_again = numbers->again_from > 0 && number >= numbers->again_from;
    return (is_again ? numbers->base_again : numbers->base) + (uint64_t)number;
}

static bool is_text(actor_text text, const char *expected) {
    return text.size == strlen(expected) && memcmp(text.data, expected, text.size) == 0;
}

static bool is_version(const struct replay *replay, int user, int number, actor_text text) {
    char expected[24];
    snprintf(expected, sizeof expected, "%llu", (unsigned long long)version_of(replay, user, number));
    return is_text(text, expected);
}

/* An operation's id is learned when it is sent first. */
static bool is_id(struct replay *replay, int user, int number, actor_text text) {
    char expected[STAGE_ID_SIZE];
    struct numbers *numbers = &replay->users[user];
    if (number == ID_CREATED)
        return is_text(text, numbers->created);
    if (number == ID_CREATED_AGAIN)
        return text.size > 1 && *text.data == '-' && !is_text(text, numbers->created);
    if (number >= ID_ADOPTED) {
        snprintf(expected, sizeof expected, "other%llu",
                 (unsigned long long)version_of(replay, user, number - ID_ADOPTED));
        return is_text(text, expected);
    }
    if (!replay->ids[number][0])
        snprintf(replay->ids[number], STAGE_ID_SIZE, "%.*s", (int)text.size, text.data);
    return is_text(text, replay->ids[number]);
}

static actor_text text_of(const redisReply *reply) {
    return reply->type == REDIS_REPLY_STRING ? (actor_text){reply->str, reply->len} : (actor_text){"", 0};
}

/* ---- What is stored */

static bool compare_helper(struct replay *replay, int user, const stage_user *stored, const schedule_user *expected) {
    struct numbers *numbers = &replay->users[user];
    if (numbers->is_lost && expected->last == ID_CREATED_AGAIN && stored->has_helper) {
        numbers->is_lost = false;
        numbers->again_from = expected->version;
        numbers->base_again = stored->version - (uint64_t)expected->version;
    }
    if (numbers->is_lost)
        return !stored->has_helper;
    return stored->version == version_of(replay, user, expected->version) && stored->seen == expected->seen &&
           is_id(replay, user, expected->last, (actor_text){stored->last, strlen(stored->last)});
}

static bool compare_members(const struct replay *replay, int user, const stage_user *stored,
                            const schedule_user *expected) {
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++) {
        int number = expected->versions[lesson];
        int64_t version = (int64_t)version_of(replay, user, abs(number));
        if (stored->is_member[lesson] != (expected->is_member[lesson] != 0) ||
            stored->versions[lesson] != (number < 0 ? -version : version))
            return false;
    }
    return true;
}

static bool compare_stored(struct replay *replay) {
    stage_user users[STAGE_USERS];
    stage_read(replay->stage, users);
    for (int user = 0; user < replay->schedule->users; user++) {
        const schedule_user *expected = &replay->event->state[user];
        if (users[user].lesson == expected->lesson && compare_helper(replay, user, &users[user], expected) &&
            compare_members(replay, user, &users[user], expected))
            continue;
        stage_print(users);
        return differ(replay, "what is stored for %s differs", stage_uid(user));
    }
    return true;
}

/* ---- Requests */

/* Fence and inspect are one script. */
static stage_script script_of(const char *word) {
    static const struct {
        const char *word;
        stage_script script;
    } scripts[] = {{"inspect", STAGE_INSPECT}, {"fence", STAGE_INSPECT}, {"add", STAGE_ADD},
                   {"commit", STAGE_COMMIT},   {"evict", STAGE_EVICT},   {"remove", STAGE_REMOVE}};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        if (schedule_is(scripts[i].word, word))
            return scripts[i].script;
    }
    return STAGE_NO_SCRIPT;
}

static bool is_meant(const schedule_event *event, const actor_ask *ask) {
    stage_script script = script_of(event->script);
    if (ask->is_answered || ask->script != script)
        return false;
    if (script == STAGE_REMOVE)
        return ask->lesson == event->lesson;
    return ask->user == event->users / 2 && (script != STAGE_ADD || ask->lesson == event->lesson);
}

static actor_ask *find_ask(struct replay *replay, size_t *index) {
    test_actor *actor = replay->actors[replay->event->process];
    for (*index = 0; actor && *index < actor_ask_count(actor); ++*index) {
        actor_ask *ask = actor_ask_at(actor, *index);
        if (is_meant(replay->event, ask))
            return ask;
    }
    return NULL;
}

static bool check_inspect(struct replay *replay, const actor_ask *ask, int user) {
    const schedule_event *event = replay->event;
    if (schedule_is(event->script, "inspect"))
        return ask->arguments[2].size == 0;
    return is_text(ask->arguments[1], stage_lesson(event->lesson)) &&
           is_version(replay, user, event->a, ask->arguments[2]);
}

static bool check_remove(struct replay *replay, const actor_ask *ask) {
    const schedule_event *event = replay->event;
    int users = 0;
    for (size_t i = 1; i + 1 < ask->count; i += 2) {
        int user = stage_user_of(ask->arguments[i].data, ask->arguments[i].size);
        users |= user >= 0 ? 1 << user : 0;
        if (user < 0 || !is_version(replay, user, user == 0 ? event->a : event->b, ask->arguments[i + 1]))
            return false;
    }
    return users == event->users;
}

static bool check_arguments(struct replay *replay, const actor_ask *ask) {
    const schedule_event *event = replay->event;
    const actor_text *arguments = ask->arguments;
    int user = event->users / 2;
    switch (ask->script) {
    case STAGE_INSPECT:
        return check_inspect(replay, ask, user);
    case STAGE_ADD:
        return is_version(replay, user, event->a, arguments[1]) &&
               is_text(arguments[2], replay->options->has_capacity && event->b ? "1" : "");
    case STAGE_COMMIT:
        return is_version(replay, user, event->a, arguments[1]) && is_id(replay, user, event->c, arguments[2]) &&
               is_id(replay, user, event->b, arguments[3]) && is_text(arguments[4], stage_lesson(event->lesson));
    case STAGE_EVICT:
        return is_text(arguments[1], stage_lesson(event->lesson)) && is_id(replay, user, event->b, arguments[2]);
    case STAGE_REMOVE:
        return check_remove(replay, ask);
    default:
        return false;
    }
}

/* ---- Replies */

static bool is_word_of(const char *status, const char *word) {
    static const struct {
        const char *status, *word;
    } words[] = {{"ok", "ADDED"},     {"ok", "DONE"},       {"ok", "REPEATED"}, {"stale", "STALE"},
                 {"no_room", "FULL"}, {"fenced", "FENCED"}, {"lost", "LOST"},   {"superseded", "SUPERSEDED"}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (schedule_is(words[i].status, status) && schedule_is(words[i].word, word))
            return true;
    }
    return false;
}

static bool check_kept(const schedule_event *event, const actor_ask *ask, const redisReply *reply) {
    for (size_t i = 1; i + 1 < ask->count; i += 2) {
        int user = stage_user_of(ask->arguments[i].data, ask->arguments[i].size);
        bool is_kept = reply->element[i / 2]->integer == 0;
        if (is_kept != ((event->rest >> user & 1) != 0))
            return false;
    }
    return true;
}

/* After what is stored was compared, so that a helper that was made again is known. */
static bool check_reply(struct replay *replay, const actor_ask *ask, stage_script script, const redisReply *reply) {
    const schedule_event *event = replay->event;
    int user = event->users / 2;
    redisReply **items = reply->element;
    if (reply->type != REDIS_REPLY_ARRAY)
        return differ(replay, "the reply is: %s", reply->str ? reply->str : "no array");
    switch (script) {
    case STAGE_INSPECT:
        return is_text(text_of(items[0]), stage_lesson(event->now)) &&
               is_version(replay, user, event->version, text_of(items[1])) &&
               is_id(replay, user, event->rest, text_of(items[2]));
    case STAGE_ADD:
        return is_word_of(event->status, items[0]->str) &&
               (!schedule_is(event->status, "stale") || is_version(replay, user, event->version, text_of(items[1])));
    case STAGE_COMMIT:
        return is_word_of(event->status, items[0]->str) && is_text(text_of(items[1]), stage_lesson(event->now)) &&
               is_version(replay, user, event->version, text_of(items[2])) &&
               is_text(text_of(items[3]), stage_lesson(event->rest));
    case STAGE_EVICT:
        return is_text(text_of(items[0]), stage_lesson(event->now)) &&
               is_version(replay, user, event->version, text_of(items[1])) && items[2]->integer == event->rest;
    default:
        return check_kept(event, ask, reply);
    }
}

/* ---- What the model has no steps for: records, counts, and reading the members, which is one step there */

static bool is_scan(const actor_ask *ask) {
    return ask->script == STAGE_NO_SCRIPT &&
           (is_text(ask->arguments[0], "SSCAN") || is_text(ask->arguments[0], "HSCAN"));
}

static bool is_beside(const actor_ask *ask) {
    return (ask->script == STAGE_NO_SCRIPT && !is_scan(ask)) || ask->script == STAGE_OTHER_SCRIPT;
}

static void answer_really(test_actor *actor, size_t index) {
    stage_reply reply = actor_answer(actor, index);
    stage_reply_free(&reply);
}

static void answer_text(test_actor *actor, size_t index, const char *text) {
    actor_answer_with(actor, index, text, strlen(text));
}

/* A join looks at the record and at the number of members together with the user. The model refuses it or not, whatever
 * they are, so they are made up. */
static void answer_beside_join(struct replay *replay, test_actor *actor, size_t index, bool is_refused) {
    if (actor_ask_at(actor, index)->script == STAGE_NO_SCRIPT)
        answer_text(actor, index, ":0\r\n");
    else if (is_refused)
        answer_text(actor, index, "*6\r\n:0\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n:0\r\n");
    else
        answer_text(actor, index,
                    replay->options->has_capacity ? "*6\r\n:4\r\n$1\r\n1\r\n$1\r\n0\r\n$-1\r\n$1\r\n1\r\n:0\r\n"
                                                  : "*6\r\n:3\r\n$1\r\n1\r\n$1\r\n0\r\n$-1\r\n$-1\r\n:0\r\n");
}

static void answer_beside(struct replay *replay) {
    size_t at = (size_t)(replay->event - replay->schedule->events);
    test_actor *actor = replay->actors[replay->event->process];
    const schedule_event *next = schedule_next_of(replay->schedule, at, replay->event->process);
    bool is_refused = next && schedule_is(next->name, "refuse");
    for (size_t i = 0; i < actor_ask_count(actor); i++) {
        if (is_beside(actor_ask_at(actor, i)) && !actor_ask_at(actor, i)->is_answered)
            answer_beside_join(replay, actor, i, is_refused);
    }
}

/* Answers requests that the model does not have, if there are no others. */
static void settle(test_actor *actor) {
    while (actor_ask_count(actor) == 1 && is_beside(actor_ask_at(actor, 0)))
        answer_really(actor, 0);
}

/* ---- Events */

/* A repair makes a helper for a member whom others have put there, as a quit does for a user who is nowhere. */
static void begin_user(struct replay *replay, int user) {
    const schedule_user *wanted = &replay->event->state[user];
    struct numbers *numbers = &replay->users[user];
    stage_user users[STAGE_USERS];
    if (wanted->lesson != 0) {
        stage_legacy_hmset(replay->stage, user, wanted->lesson);
        stage_legacy_sadd(replay->stage, user, wanted->lesson);
        actor_run(replay->stage, &(actor_task){.kind = ACTOR_REPAIR, .lesson = wanted->lesson});
    } else {
        actor_run(replay->stage, &(actor_task){.kind = ACTOR_QUIT, .user = user});
    }
    stage_read(replay->stage, users);
    numbers->base = users[user].version - (uint64_t)wanted->version;
    snprintf(numbers->created, sizeof numbers->created, "%s", users[user].last);
}

static bool take_begin(struct replay *replay) {
    for (int user = 0; user < replay->schedule->users; user++)
        begin_user(replay, user);
    return true;
}

static void drop_actor(struct replay *replay, int process) {
    if (!replay->actors[process])
        return;
    actor_crash(replay->actors[process]);
    actor_free(replay->actors[process]);
    replay->actors[process] = NULL;
}

static void begin_actor(struct replay *replay, const actor_task *task) {
    int process = replay->event->process;
    drop_actor(replay, process);
    replay->actors[process] = actor_begin(replay->stage, task);
    settle(replay->actors[process]);
}

static bool take_start(struct replay *replay) {
    actor_task task = {.user = replay->event->a, .lesson = replay->event->b, .kind = ACTOR_JOIN};
    if (task.lesson == QUIT) {
        task.kind = ACTOR_QUIT;
        task.lesson = 0;
    } else if (task.lesson >= END_1) {
        task.kind = ACTOR_END;
        task.lesson -= END_1 - 1;
    } else {
        task.flags = (replay->options->has_refusals ? LESSON_STORE_JOIN_IF_EXISTS : 0) |
                     (replay->options->has_capacity ? LESSON_STORE_JOIN_IF_ROOM : 0);
    }
    begin_actor(replay, &task);
    return true;
}

static bool take_repairs(struct replay *replay) {
    begin_actor(replay, &(actor_task){.kind = ACTOR_REPAIR, .lesson = replay->event->b});
    return true;
}

static bool take_members(struct replay *replay) {
    test_actor *actor = replay->actors[replay->event->process];
    if (actor_ask_count(actor) != 2 || !is_scan(actor_ask_at(actor, 0)) || !is_scan(actor_ask_at(actor, 1)))
        return differ(replay, "the operation does not read the members");
    answer_really(actor, 0);
    answer_really(actor, 1);
    settle(actor);
    return true;
}

static bool take_step(struct replay *replay) {
    size_t index;
    actor_ask *found = find_ask(replay, &index);
    if (!found)
        return differ(replay, "the operation does not ask for this");
    if (!check_arguments(replay, found))
        return differ(replay, "the arguments differ: %.*s", (int)found->size, found->bytes);
    test_actor *actor = replay->actors[replay->event->process];
    actor_ask ask = *found;
    ask.bytes = strdup(ask.bytes);
    for (size_t i = 0; i < ask.count; i++)
        ask.arguments[i].data = ask.bytes + (found->arguments[i].data - found->bytes);
    if (actor_ask_count(actor) > 1 && ask.script == STAGE_INSPECT)
        answer_beside(replay);
    stage_reply reply = actor_answer(actor, index);
    bool is_same = compare_stored(replay);
    if (is_same && !check_reply(replay, &ask, ask.script, reply.tree))
        is_same = differ(replay, "the reply differs: %.*s", (int)reply.size, reply.bytes);
    stage_reply_free(&reply);
    free(ask.bytes);
    settle(actor);
    return is_same;
}

static bool take_resend(struct replay *replay) {
    size_t index;
    actor_ask *ask = find_ask(replay, &index);
    if (!ask)
        return differ(replay, "the operation does not ask for this");
    ask->was_lost = true;
    free(replay->copy);
    replay->copy = malloc(ask->size);
    replay->copy_size = ask->size;
    memcpy(replay->copy, ask->bytes, ask->size);
    return true;
}

static bool take_late(struct replay *replay) {
    stage_reply reply = stage_send(replay->stage, replay->copy, replay->copy_size);
    stage_reply_free(&reply);
    return true;
}

static bool take_crash(struct replay *replay) {
    drop_actor(replay, replay->event->process);
    return true;
}

static bool is_code_of(const char *outcome, int code) {
    if (schedule_is(outcome, "done"))
        return code >= 0 && code != LESSON_STORE_REFUSED && code != LESSON_STORE_UNANSWERED;
    if (schedule_is(outcome, "nothing"))
        return code == LESSON_STORE_NOT_FOUND;
    if (schedule_is(outcome, "refused"))
        return code == LESSON_STORE_REFUSED;
    return schedule_is(outcome, "unknown") && code == LESSON_STORE_UNKNOWN;
}

/* An operation that was not applied begins anew. The model may have had enough of it. */
static bool take_end(struct replay *replay) {
    size_t at = (size_t)(replay->event - replay->schedule->events);
    const schedule_event *next = schedule_next_of(replay->schedule, at, replay->event->process);
    test_actor *actor = replay->actors[replay->event->process];
    bool is_done = actor_is_done(actor);
    if (schedule_is(replay->event->script, "not_applied") && !is_done) {
        if (!next || !schedule_is(next->name, "step"))
            drop_actor(replay, replay->event->process);
        return true;
    }
    if (!is_done)
        return differ(replay, "the operation goes on");
    int code = actor_code(actor);
    return is_code_of(replay->event->script, code) ||
           differ(replay, "the operation is answered %s", lesson_store_code_text(code));
}

static bool take_vanished(struct replay *replay) {
    stage_lose_helper(replay->stage, 0);
    replay->users[0].is_lost = true;
    return true;
}

static bool take_hmset(struct replay *replay) {
    stage_legacy_hmset(replay->stage, 0, replay->event->b);
    return true;
}

static bool take_sadd(struct replay *replay) {
    stage_legacy_sadd(replay->stage, 0, replay->event->b);
    return true;
}

static bool take_del(struct replay *replay) {
    stage_legacy_del(replay->stage, 0);
    return true;
}

static bool take_srem(struct replay *replay) {
    stage_legacy_srem(replay->stage, 0, replay->event->b);
    return true;
}

static bool take_nothing(struct replay *replay) {
    (void)replay;
    return true;
}

/* The verified lists are what the user records say. */
static bool check_lists(struct replay *replay, const stage_user users[STAGE_USERS]) {
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++) {
        uint32_t listed = actor_run(replay->stage, &(actor_task){.kind = ACTOR_MEMBERS, .lesson = lesson});
        for (int user = 0; user < STAGE_USERS; user++) {
            if ((listed >> user & 1) != (users[user].lesson == lesson))
                return differ(replay, "the list of %s differs", stage_lesson(lesson));
        }
    }
    return true;
}

static bool take_finish(struct replay *replay) {
    stage_user users[STAGE_USERS];
    if (replay->options->has_legacy)
        actor_run(replay->stage, &(actor_task){.kind = ACTOR_DEEP});
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++)
        actor_run(replay->stage, &(actor_task){.kind = ACTOR_REPAIR, .lesson = lesson});
    stage_read(replay->stage, users);
    if (stage_agrees(users))
        return check_lists(replay, users);
    stage_print(users);
    return differ(replay, "the repair leaves a difference");
}

static bool take_event(struct replay *replay) {
    static const struct {
        const char *name;
        bool (*take)(struct replay *replay);
    } takes[] = {{"begin", take_begin},      {"start", take_start},
                 {"repairs", take_repairs},  {"members", take_members},
                 {"step", take_step},        {"resend", take_resend},
                 {"late", take_late},        {"dropped", take_nothing},
                 {"crash", take_crash},      {"end", take_end},
                 {"refuse", take_nothing},   {"vanished", take_vanished},
                 {"expired", take_del},      {"legacy_hmset", take_hmset},
                 {"legacy_sadd", take_sadd}, {"legacy_hget", take_nothing},
                 {"legacy_del", take_del},   {"legacy_srem", take_srem},
                 {"finish", take_finish}};
    for (size_t i = 0; i < sizeof takes / sizeof *takes; i++) {
        if (schedule_is(takes[i].name, replay->event->name))
            return takes[i].take(replay) &&
                   (!replay->event->has_state || takes[i].take == take_step || compare_stored(replay));
    }
    return differ(replay, "an unknown event");
}

bool replay_schedule(test_stage *stage, const test_schedule *schedule, const replay_options *options,
                     replay_difference *difference) {
    struct replay *replay = calloc(1, sizeof *replay);
    bool is_same = true;
    *replay = (struct replay){.stage = stage, .schedule = schedule, .options = options, .difference = difference};
    stage_do(stage, "FLUSHALL");
    for (difference->at = 0; difference->at < schedule->count; difference->at++) {
        replay->event = &schedule->events[difference->at];
        is_same = take_event(replay);
        if (!is_same)
            break;
    }
    for (int process = 0; process < PROCESSES_MAX; process++)
        drop_actor(replay, process);
    free(replay->copy);
    free(replay);
    return is_same;
}
