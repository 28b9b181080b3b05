/*
 * A client's user in a lesson. Every join names the owner of the worker, and carries the session of the connection;
 * every quit carries this session, so it takes nobody out who has come back on another way.
 */
#include "classroom.h"

static void say_failure(struct client *client, int code, const char *message) {
    client_say(client, "failed %s", *message ? message : lesson_store_code_text(code));
}

/* The answer to a command whose operation was not accepted. */
static void say_refusal(struct client *client, int code) {
    if (code != LESSON_STORE_OK)
        say_failure(client, code, lesson_store_message());
}

/* A join of which nobody knows whether it was done: the user counts as one who has to quit. */
static void forget_unless_in(struct client *client, int code) {
    client->is_unsure = client->is_unsure || code == LESSON_STORE_UNKNOWN;
    if (!client->is_in && !client->is_unsure)
        client->uid[0] = '\0';
}

static void be_in(struct client *client, const lesson_store_operation *join) {
    id_copy(client->course_id, join->course_id);
    id_copy(client->lesson_id, join->lesson_id);
    client->is_in = true;
    client->is_unsure = false;
    client->is_owned = id_is(join->owner, client->worker->owner);
}

static void be_out(struct client *client) {
    client->is_in = false;
    client->is_unsure = false;
    client->uid[0] = '\0';
}

static lesson_store_operation join_of(const struct client *client) {
    return (lesson_store_operation){
        .kind = LESSON_STORE_OPERATION_JOIN,
        .uid = lesson_store_id_of(client->uid),
        .course_id = lesson_store_id_of(client->course_id),
        .lesson_id = lesson_store_id_of(client->lesson_id),
        .session = lesson_store_id_of(client->session),
        .owner = lesson_store_id_of(client->worker->owner),
    };
}

static int submit_quit(struct client *client, lesson_store_completion_callback callback) {
    const lesson_store_operation quit = {
        .kind = LESSON_STORE_OPERATION_QUIT,
        .uid = lesson_store_id_of(client->uid),
        .session = lesson_store_id_of(client->session),
    };
    return client_submit(client, &quit, callback);
}

/* ---- enter */

static const char *reason(uint32_t refused_by) {
    if (refused_by == LESSON_STORE_JOIN_IF_ROOM)
        return "full";
    if (refused_by == LESSON_STORE_JOIN_UNLESS_BANNED)
        return "banned";
    if (refused_by == LESSON_STORE_JOIN_BY_OWNER)
        return "retry";
    return "closed";
}

/* Refused by the owner: it is over, and the worker has not learnt it yet. */
static void say_refused(struct client *client, uint32_t refused_by) {
    client_say(client, "refused %s", reason(refused_by));
    if (refused_by == LESSON_STORE_JOIN_BY_OWNER)
        lease_renew(client->worker);
}

static void entered(const lesson_store_operation *join, void *context) {
    struct client *client = context;
    if (join->code == LESSON_STORE_OK) {
        be_in(client, join);
        client_say(client, "in %s", client->session);
    } else if (join->code == LESSON_STORE_REFUSED) {
        say_refused(client, join->refused_by);
    } else if (join->code == LESSON_STORE_CONFLICT) {
        client_say(client, "conflict");
    } else {
        say_failure(client, join->code, join->message);
    }
    forget_unless_in(client, join->code);
    client_answered(client);
}

/* Words: the user, the course, the lesson, and the session to resume. */
void entry_run(struct client *client, char *words[], size_t count) {
    lesson_store_id uid = lesson_store_id_of(words[0]);
    if (client->uid[0] && !id_is(uid, client->uid)) {
        client_say(client, "failed this connection is of %s, who must leave first", client->uid);
        return;
    }
    if (lesson_store_id_check("user", uid) != LESSON_STORE_OK) {
        client_say(client, "failed %s", lesson_store_message());
        return;
    }
    id_copy(client->uid, uid);
    lesson_store_operation join = join_of(client);
    join.course_id = lesson_store_id_of(words[1]);
    join.lesson_id = lesson_store_id_of(words[2]);
    join.if_session = lesson_store_id_of(count > 3 ? words[3] : NULL);
    join.flags = LESSON_STORE_JOIN_IF_OPEN_OR_MEMBER | LESSON_STORE_JOIN_UNLESS_BANNED | LESSON_STORE_JOIN_IF_ROOM;
    int code = client_submit(client, &join, entered);
    say_refusal(client, code);
    if (code != LESSON_STORE_OK)
        forget_unless_in(client, code);
}

/* ---- leave, and the end of a connection */

static void left(const lesson_store_operation *quit, void *context) {
    struct client *client = context;
    if (quit->code >= 0)
        be_out(client);
    if (quit->code == LESSON_STORE_OK)
        client_say(client, "left");
    else if (quit->code == LESSON_STORE_NOT_FOUND)
        client_say(client, "nowhere");
    else if (quit->code == LESSON_STORE_CONFLICT)
        client_say(client, "conflict");
    else
        say_failure(client, quit->code, quit->message);
    client_answered(client);
}

void entry_leave(struct client *client) {
    if (!client->uid[0]) {
        client_say(client, "nowhere");
        return;
    }
    say_refusal(client, submit_quit(client, left));
}

/* After a failure the timer tries again: while this worker lives, nobody else puts the user out. */
static void ended(const lesson_store_operation *quit, void *context) {
    struct client *client = context;
    client->is_busy = false;
    if (quit->code < 0)
        return;
    be_out(client);
    client_settle(client);
}

void entry_end(struct client *client) {
    (void)submit_quit(client, ended);
}

/* ---- who */

static void found(const lesson_store_operation *where, void *context) {
    struct client *client = context;
    if (where->code == LESSON_STORE_OK)
        client_say(client, "at %s %s", where->place->lesson_id, where->place->course_id);
    else if (where->code == LESSON_STORE_NOT_FOUND)
        client_say(client, "nowhere");
    else
        say_failure(client, where->code, where->message);
    client_answered(client);
}

void entry_find(struct client *client, const char *uid) {
    lesson_store_place asked;
    const lesson_store_operation where = {
        .kind = LESSON_STORE_OPERATION_WHERE,
        .uid = lesson_store_id_of(uid),
        .place = &asked,
    };
    say_refusal(client, client_submit(client, &where, found));
}

/* ---- The next owner */

static void put_out(struct client *client, const char *why) {
    be_out(client);
    client_say(client, "! out %s", why);
    client_settle(client);
}

/* A failure waits for the timer, and so does an owner that is over once more. */
static void joined_again(const lesson_store_operation *join, void *context) {
    struct client *client = context;
    client->is_busy = false;
    if (join->code == LESSON_STORE_CONFLICT) {
        put_out(client, "elsewhere");
        return;
    }
    if (join->code == LESSON_STORE_REFUSED && join->refused_by != LESSON_STORE_JOIN_BY_OWNER) {
        put_out(client, reason(join->refused_by));
        return;
    }
    if (join->code == LESSON_STORE_OK)
        be_in(client, join);
    client_go_on(client);
}

/* The user was admitted before, so the lesson may be closed: only the room and a ban since then count. If the sweep has
 * not come yet, the user never leaves. One who is banned and still a member is refused, and leaves with the sweep. */
void entry_renew(struct client *client) {
    lesson_store_operation join = join_of(client);
    join.if_session = lesson_store_id_of(client->session);
    join.flags = LESSON_STORE_JOIN_OR_NOWHERE | LESSON_STORE_JOIN_IF_EXISTS | LESSON_STORE_JOIN_UNLESS_BANNED |
                 LESSON_STORE_JOIN_IF_ROOM;
    (void)client_submit(client, &join, joined_again);
}
