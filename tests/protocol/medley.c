#include "medley.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actor.h"
#include "dice.h"

#define CLIENTS_MAX 5
#define OPERATIONS_MAX 3 /* of a client */
#define COPIES_MAX 32
#define IDS_MAX 256
#define REQUESTS_MAX 4000 /* more: no operation comes to its end */

/* How often, on average. */
enum { ONE_IN_CRASHES = 50, ONE_IN_TIMEOUTS = 16, ONE_IN_LOSSES = 50, ONE_IN_LATE = 10, ONE_IN_LEGACY = 5 };

struct client {
    actor_task task;
    test_actor *actor;                      /* NULL: between two operations */
    int left;                               /* operations */
    char id[STAGE_ID_SIZE];                 /* of its operation, as of the latest commit; "": none */
    char stays[STAGE_USERS][STAGE_ID_SIZE]; /* of an end: who put its members there; "": no member */
};

struct copy {
    char *bytes;
    size_t size;
    stage_script script;
    char id[STAGE_ID_SIZE]; /* of a commit */
};

/* The writer without versions, a command at a time. */
struct legacy {
    int left; /* operations */
    int step; /* of the current one; 0: not begun */
    bool joins;
    int lesson;
};

struct medley {
    test_stage *stage;
    const medley_mode *mode;
    medley_result *result;
    dice_state dice;
    bool is_told;
    int users;
    struct client clients[CLIENTS_MAX];
    int client_count;
    struct legacy legacy;
    struct copy copies[COPIES_MAX];
    size_t copy_count;
    char applied[IDS_MAX][STAGE_ID_SIZE];
    size_t applied_count;
    char given_up[IDS_MAX][STAGE_ID_SIZE]; /* certainly not applied */
    size_t given_up_count;
};

LESSON_STORE_PRINTF(2, 3) static void tell(const struct medley *medley, const char *format, ...) {
    va_list arguments;
    if (!medley->is_told)
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* The first failure counts. */
LESSON_STORE_PRINTF(2, 3) static void fail(struct medley *medley, const char *format, ...) {
    va_list arguments;
    if (medley->result->failure[0])
        return;
    va_start(arguments, format);
    vsnprintf(medley->result->failure, sizeof medley->result->failure, format, arguments);
    va_end(arguments);
}

static bool has_failed(const struct medley *medley) {
    return medley->result->failure[0] != '\0';
}

static bool chance(struct medley *medley, bool is_possible, unsigned one_in) {
    return is_possible && dice_once_in(&medley->dice, one_in);
}

/* ---- What must hold after each request */

static void check_capacity(struct medley *medley, const stage_user users[STAGE_USERS]) {
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++) {
        int members = 0;
        for (int user = 0; user < STAGE_USERS; user++)
            members += users[user].lesson == lesson;
        if (members > medley->mode->capacity)
            fail(medley, "%s has %d members", stage_lesson(lesson), members);
    }
}

static void check_stored(struct medley *medley) {
    stage_user users[STAGE_USERS];
    if (medley->mode->has_legacy && !medley->is_told)
        return;
    stage_read(medley->stage, users);
    if (medley->is_told)
        stage_print(users);
    for (int user = 0; user < STAGE_USERS && !medley->mode->has_legacy; user++) {
        if (users[user].lesson > 0 && !users[user].is_member[users[user].lesson])
            fail(medley, "G2: %s is not among the members of %s", stage_uid(user), stage_lesson(users[user].lesson));
    }
    if (medley->mode->capacity > 0)
        check_capacity(medley, users);
}

static bool is_among(char ids[IDS_MAX][STAGE_ID_SIZE], size_t count, const char *id) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(ids[i], id) == 0)
            return true;
    }
    return false;
}

static void note_id(char ids[IDS_MAX][STAGE_ID_SIZE], size_t *count, const char *id) {
    if (*count < IDS_MAX)
        snprintf(ids[(*count)++], STAGE_ID_SIZE, "%s", id);
}

static void note_commit(struct medley *medley, const char *id, const redisReply *reply) {
    if (reply->type != REDIS_REPLY_ARRAY || strcmp(reply->element[0]->str, "DONE") != 0)
        return;
    if (is_among(medley->applied, medley->applied_count, id))
        fail(medley, "G5: the operation %s was applied twice", id);
    note_id(medley->applied, &medley->applied_count, id);
}

static void note_reply(struct medley *medley, stage_script script, const char *id, const redisReply *reply) {
    medley->result->requests++;
    if (reply->type == REDIS_REPLY_ERROR)
        fail(medley, "%s: %s", stage_script_name(script), reply->str);
    else if (script == STAGE_COMMIT)
        note_commit(medley, id, reply);
    if (medley->result->requests > REQUESTS_MAX)
        fail(medley, "the operations come to no end");
}

/* ---- Requests */

static void copy_text(char out[STAGE_ID_SIZE], actor_text text) {
    snprintf(out, STAGE_ID_SIZE, "%.*s", (int)text.size, text.data);
}

static void tell_ask(const struct medley *medley, const char *what, const struct client *client, const actor_ask *ask) {
    char line[400] = "";
    size_t size = 0;
    for (size_t i = 0; i < ask->count && size < sizeof line - STAGE_ID_SIZE; i++)
        size += (size_t)snprintf(line + size, sizeof line - size, " %.*s", (int)ask->arguments[i].size,
                                 ask->arguments[i].data);
    tell(medley, "client %d: %s %s %s%s", (int)(client - medley->clients), what, stage_script_name(ask->script),
         ask->lesson > 0 ? stage_lesson(ask->lesson) : "", line);
}

/* A client whose commit has another id has begun anew: what was before was certainly not applied. */
static void note_new_id(struct medley *medley, struct client *client, const actor_ask *ask) {
    char id[STAGE_ID_SIZE];
    copy_text(id, ask->arguments[3]);
    if (client->id[0] && strcmp(client->id, id) != 0)
        note_id(medley->given_up, &medley->given_up_count, client->id);
    memcpy(client->id, id, sizeof id);
}

static void keep_copy(struct medley *medley, const struct client *client, const actor_ask *ask) {
    if (medley->copy_count == COPIES_MAX)
        return;
    struct copy *copy = &medley->copies[medley->copy_count++];
    *copy = (struct copy){.bytes = malloc(ask->size), .size = ask->size, .script = ask->script};
    memcpy(copy->bytes, ask->bytes, ask->size);
    snprintf(copy->id, sizeof copy->id, "%s", client->id);
    medley->result->copies++;
}

static void send_copy(struct medley *medley, size_t i) {
    struct copy copy = medley->copies[i];
    medley->copies[i] = medley->copies[--medley->copy_count];
    if (!dice_once_in(&medley->dice, 5)) {
        tell(medley, "late: %s %s", stage_script_name(copy.script), copy.id);
        stage_reply reply = stage_send(medley->stage, copy.bytes, copy.size);
        note_reply(medley, copy.script, copy.id, reply.tree);
        stage_reply_free(&reply);
        check_stored(medley);
    }
    free(copy.bytes);
}

static bool is_of_protocol(const actor_ask *ask) {
    return ask->script != STAGE_NO_SCRIPT && ask->script != STAGE_OTHER_SCRIPT;
}

static bool asks_owner(const actor_ask *ask) {
    return ask->script == STAGE_NO_SCRIPT && ask->arguments[0].size == 6 &&
           memcmp(ask->arguments[0].data, "ZSCORE", 6) == 0;
}

/* No owner is stored: whether it holds a lease is drawn. */
static void answer_owner(struct medley *medley, struct client *client, size_t index) {
    static const char alive[] = "$1\r\n9\r\n", over[] = "$2\r\n-9\r\n";
    bool is_over = dice_once_in(&medley->dice, 3);
    tell(medley, "client %d: the owner is %s", (int)(client - medley->clients), is_over ? "over" : "alive");
    actor_answer_with(client->actor, index, is_over ? over : alive, strlen(is_over ? over : alive));
}

/* An eviction must not put out who has come back since. */
static void check_eviction(struct medley *medley, const char *last, const stage_user *before, const redisReply *reply) {
    bool is_out = reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && reply->element[2]->integer == 1;
    if (is_out && strcmp(before->last, last) != 0)
        fail(medley, "G5: the eviction of %s has put out %s", last, before->last);
}

static void answer(struct medley *medley, struct client *client, size_t index) {
    stage_user users[STAGE_USERS];
    char last[STAGE_ID_SIZE] = "";
    const actor_ask *ask = actor_ask_at(client->actor, index);
    stage_script script = ask->script;
    int user = ask->user;
    tell_ask(medley, "", client, ask);
    if (script == STAGE_EVICT) {
        stage_read(medley->stage, users);
        copy_text(last, ask->arguments[2]);
    }
    stage_reply reply = actor_answer(client->actor, index);
    note_reply(medley, script, client->id, reply.tree);
    if (script == STAGE_EVICT)
        check_eviction(medley, last, &users[user], reply.tree);
    if (medley->is_told && reply.tree->type == REDIS_REPLY_ARRAY && reply.tree->elements > 0)
        tell(medley, "  -> %s", reply.tree->element[0]->str ? reply.tree->element[0]->str : "");
    stage_reply_free(&reply);
}

/* ---- Operations */

static actor_task draw_task(struct medley *medley) {
    actor_task task = {.user = (int)dice_below(&medley->dice, (unsigned)medley->users),
                       .lesson = 1 + (int)dice_below(&medley->dice, STAGE_LESSONS)};
    unsigned kind = dice_below(&medley->dice, 8);
    if (kind < 4) {
        task.kind = ACTOR_JOIN;
        task.flags = (medley->mode->capacity > 0 ? LESSON_STORE_JOIN_IF_ROOM : 0) |
                     (dice_once_in(&medley->dice, 4) ? LESSON_STORE_JOIN_IF_EXISTS : 0) |
                     (dice_once_in(&medley->dice, 8) ? LESSON_STORE_JOIN_STAY : 0);
        task.has_owner = medley->mode->has_owners && dice_once_in(&medley->dice, 2);
    } else if (kind < 6 || (kind == 6 && !medley->mode->has_ends)) {
        task.kind = ACTOR_QUIT;
        task.has_owner = medley->mode->has_owners && dice_once_in(&medley->dice, 2);
    } else {
        task.kind = kind == 6 ? ACTOR_END : ACTOR_REPAIR;
    }
    return task;
}

/* Who is in the lesson when its end begins, by an operation of ours. Whom a legacy writer has put there can be named
 * nowhere for a moment: between a removal and the look after it. */
static bool is_ours(const stage_user *user) {
    return user->has_helper && user->seen == user->lesson && *user->last != '-' &&
           strncmp(user->last, "other", strlen("other")) != 0;
}

static void note_stays(struct medley *medley, struct client *client) {
    stage_user users[STAGE_USERS];
    stage_read(medley->stage, users);
    for (int i = 0; i < STAGE_USERS; i++) {
        bool is_member = users[i].lesson == client->task.lesson && is_ours(&users[i]);
        snprintf(client->stays[i], STAGE_ID_SIZE, "%s", is_member ? users[i].last : "");
    }
}

static void check_end(struct medley *medley, const struct client *client) {
    stage_user users[STAGE_USERS];
    stage_read(medley->stage, users);
    for (int i = 0; i < STAGE_USERS; i++) {
        bool is_still_there = users[i].lesson == client->task.lesson && is_ours(&users[i]) &&
                              strcmp(users[i].last, client->stays[i]) == 0;
        if (client->stays[i][0] && is_still_there)
            fail(medley, "the end of %s has left %s there", stage_lesson(client->task.lesson), stage_uid(i));
    }
}

static void begin_operation(struct medley *medley, struct client *client) {
    static const char *const names[] = {"join", "quit", "end", "repair"};
    client->left--;
    client->task = draw_task(medley);
    client->id[0] = '\0';
    medley->result->operations++;
    tell(medley, "client %d: %s %s %s%s", (int)(client - medley->clients), names[client->task.kind],
         stage_uid(client->task.user), stage_lesson(client->task.lesson),
         client->task.has_owner ? " for its owner" : "");
    if (client->task.kind == ACTOR_END)
        note_stays(medley, client);
    client->actor = actor_begin(medley->stage, &client->task);
}

/* The answer must be true. */
static void check_answer(struct medley *medley, const struct client *client) {
    int code = actor_code(client->actor);
    bool commits = client->task.kind == ACTOR_JOIN || (client->task.kind == ACTOR_QUIT && !client->task.has_owner);
    bool is_applied = is_among(medley->applied, medley->applied_count, client->id);
    tell(medley, "client %d: answered %s", (int)(client - medley->clients), lesson_store_code_text(code));
    if (client->task.kind == ACTOR_END)
        check_end(medley, client);
    if (commits && code == LESSON_STORE_OK && !is_applied)
        fail(medley, "the operation %s is answered OK, but was not applied", client->id);
    if (code < 0 && code != LESSON_STORE_UNKNOWN)
        fail(medley, "an operation is answered %s", lesson_store_code_text(code));
}

static void end_operation(struct medley *medley, struct client *client, bool has_crashed) {
    if (!has_crashed)
        check_answer(medley, client);
    actor_crash(client->actor);
    actor_free(client->actor);
    client->actor = NULL;
}

/* ---- A step of a client */

/* One that is not answered. */
static size_t draw_ask(struct medley *medley, struct client *client) {
    size_t count = actor_ask_count(client->actor);
    size_t index = dice_below(&medley->dice, (unsigned)count);
    while (actor_ask_at(client->actor, index)->is_answered)
        index = (index + 1) % count;
    return index;
}

static bool crash(struct medley *medley, struct client *client) {
    if (!chance(medley, medley->mode->has_crashes, ONE_IN_CRASHES))
        return false;
    tell(medley, "client %d: crashes", (int)(client - medley->clients));
    end_operation(medley, client, true);
    client->left = 0;
    medley->result->crashes++;
    return true;
}

/* The request, or its reply, is on its way for longer than the client waits. */
static bool time_out(struct medley *medley, struct client *client, actor_ask *ask) {
    unsigned one_in = medley->mode->is_tight ? ONE_IN_TIMEOUTS / 4 : ONE_IN_TIMEOUTS;
    if (!chance(medley, medley->mode->has_timeouts && is_of_protocol(ask), one_in))
        return false;
    tell_ask(medley, "timeout", client, ask);
    ask->was_lost = true;
    keep_copy(medley, client, ask);
    if (dice_once_in(&medley->dice, 2) && medley->copy_count > 0)
        send_copy(medley, medley->copy_count - 1);
    return true;
}

static void step(struct medley *medley, struct client *client) {
    if (!client->actor) {
        begin_operation(medley, client);
    } else if (!actor_is_done(client->actor) && !crash(medley, client)) {
        size_t index = draw_ask(medley, client);
        actor_ask *ask = actor_ask_at(client->actor, index);
        if (ask->script == STAGE_COMMIT)
            note_new_id(medley, client, ask);
        if (asks_owner(ask))
            answer_owner(medley, client, index);
        else if (!time_out(medley, client, ask))
            answer(medley, client, index);
        check_stored(medley);
    }
    if (client->actor && actor_is_done(client->actor))
        end_operation(medley, client, false);
}

/* ---- The writer without versions */

static bool legacy_join(struct medley *medley) {
    struct legacy *legacy = &medley->legacy;
    tell(medley, "legacy: %s %s", legacy->step == 0 ? "HMSET" : "SADD", stage_lesson(legacy->lesson));
    if (legacy->step == 0)
        stage_legacy_hmset(medley->stage, 0, legacy->lesson);
    else
        stage_legacy_sadd(medley->stage, 0, legacy->lesson);
    return legacy->step == 1;
}

static bool legacy_quit(struct medley *medley) {
    struct legacy *legacy = &medley->legacy;
    tell(medley, "legacy: %s", legacy->step == 0 ? "HGET" : legacy->step == 1 ? "DEL" : "SREM");
    if (legacy->step == 0)
        legacy->lesson = stage_legacy_hget(medley->stage, 0);
    else if (legacy->step == 1)
        stage_legacy_del(medley->stage, 0);
    else
        stage_legacy_srem(medley->stage, 0, legacy->lesson);
    return legacy->lesson == 0 || legacy->step == 2;
}

static void draw_legacy(struct medley *medley) {
    medley->legacy.step = 0;
    medley->legacy.joins = !dice_once_in(&medley->dice, 3);
    medley->legacy.lesson = 1 + (int)dice_below(&medley->dice, STAGE_LESSONS);
}

static void legacy_step(struct medley *medley) {
    struct legacy *legacy = &medley->legacy;
    if (legacy->step == 0)
        draw_legacy(medley);
    bool is_done = legacy->joins ? legacy_join(medley) : legacy_quit(medley);
    legacy->step = is_done ? 0 : legacy->step + 1;
    legacy->left -= is_done;
    check_stored(medley);
}

/* ---- The whole */

static int count_busy(const struct medley *medley) {
    int busy = 0;
    for (int i = 0; i < medley->client_count; i++)
        busy += medley->clients[i].actor || medley->clients[i].left > 0;
    return busy;
}

static struct client *draw_client(struct medley *medley, int busy) {
    int which = (int)dice_below(&medley->dice, (unsigned)busy);
    for (struct client *client = medley->clients;; client++) {
        if ((client->actor || client->left > 0) && which-- == 0)
            return client;
    }
}

static void lose_helper(struct medley *medley) {
    int user = (int)dice_below(&medley->dice, (unsigned)medley->users);
    tell(medley, "the helper of %s is lost", stage_uid(user));
    stage_lose_helper(medley->stage, user);
}

static void play(struct medley *medley) {
    int busy;
    while (!has_failed(medley) && ((busy = count_busy(medley)) > 0 || medley->copy_count > 0)) {
        if (chance(medley, medley->mode->has_losses, ONE_IN_LOSSES))
            lose_helper(medley);
        if (medley->legacy.left > 0 && dice_once_in(&medley->dice, ONE_IN_LEGACY))
            legacy_step(medley);
        else if (medley->copy_count > 0 && (busy == 0 || dice_once_in(&medley->dice, ONE_IN_LATE)))
            send_copy(medley, dice_below(&medley->dice, (unsigned)medley->copy_count));
        else
            step(medley, draw_client(medley, busy));
    }
    while (medley->legacy.left > 0)
        legacy_step(medley);
}

static void repair(struct medley *medley) {
    if (medley->mode->has_deep)
        actor_run(medley->stage, &(actor_task){.kind = ACTOR_DEEP});
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++)
        actor_run(medley->stage, &(actor_task){.kind = ACTOR_REPAIR, .lesson = lesson});
}

static void check_lists(struct medley *medley, const stage_user users[STAGE_USERS]) {
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++) {
        uint32_t listed = actor_run(medley->stage, &(actor_task){.kind = ACTOR_MEMBERS, .lesson = lesson});
        for (int user = 0; user < STAGE_USERS; user++) {
            if ((listed >> user & 1) != (users[user].lesson == lesson))
                fail(medley, "G3: the list of %s is wrong", stage_lesson(lesson));
        }
    }
}

static void check_at_end(struct medley *medley) {
    stage_user users[STAGE_USERS];
    stage_read(medley->stage, users);
    if (medley->result->crashes == 0 && !medley->mode->has_legacy && !stage_agrees(users))
        fail(medley, "G1: there is a ghost");
    for (size_t i = 0; i < medley->given_up_count; i++) {
        if (is_among(medley->applied, medley->applied_count, medley->given_up[i]))
            fail(medley, "the operation %s began anew, but was applied", medley->given_up[i]);
    }
    if (!medley->mode->has_legacy)
        check_lists(medley, users);
    repair(medley);
    stage_read(medley->stage, users);
    if (!stage_agrees(users))
        fail(medley, "G4: the repair leaves a difference");
    check_lists(medley, users);
    if (medley->is_told)
        stage_print(users);
}

static void begin(struct medley *medley) {
    stage_do(medley->stage, "FLUSHALL");
    medley->users = 1 + (int)dice_once_in(&medley->dice, 3);
    if (medley->mode->capacity > 0)
        medley->users = STAGE_USERS;
    for (int lesson = 1; lesson <= STAGE_LESSONS; lesson++)
        stage_make_record(medley->stage, lesson, medley->mode->capacity);
    medley->client_count = 2 + (int)dice_below(&medley->dice, CLIENTS_MAX - 1);
    if (medley->mode->is_tight)
        medley->users = 1, medley->client_count = 2;
    for (int i = 0; i < medley->client_count; i++)
        medley->clients[i].left = 1 + (int)dice_below(&medley->dice, OPERATIONS_MAX);
    medley->legacy.left = medley->mode->has_legacy;
    if (medley->mode->has_deep)
        medley->legacy.left += (int)dice_below(&medley->dice, OPERATIONS_MAX);
}

static void end(struct medley *medley) {
    for (int i = 0; i < medley->client_count; i++) {
        if (medley->clients[i].actor)
            end_operation(medley, &medley->clients[i], true);
    }
    for (size_t i = 0; i < medley->copy_count; i++)
        free(medley->copies[i].bytes);
    free(medley);
}

medley_result medley_play(test_stage *stage, const medley_mode *mode, uint64_t seed, bool is_told) {
    struct medley *medley = calloc(1, sizeof *medley);
    medley_result result = {.failure = ""};
    *medley = (struct medley){.stage = stage, .mode = mode, .result = &result, .dice = {seed}, .is_told = is_told};
    begin(medley);
    play(medley);
    if (!has_failed(medley))
        check_at_end(medley);
    end(medley);
    return result;
}
