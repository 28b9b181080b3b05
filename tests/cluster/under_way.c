#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lessonstore/backend.h>

#include "redis_ask.h"
#include "under_way.h"

enum { BATCH_MAX = 32, NAME_SIZE = 16 };

static void name_user(char name[NAME_SIZE], dice_state *dice) {
    snprintf(name, NAME_SIZE, "u%u", dice_below(dice, UNDER_WAY_USERS));
}

static void name_lesson(char name[NAME_SIZE], dice_state *dice) {
    snprintf(name, NAME_SIZE, "L%u", dice_below(dice, UNDER_WAY_LESSONS));
}

/* ---- A client */

struct drawn {
    lesson_store_operation operation;
    char uid[NAME_SIZE];
    char lesson_id[NAME_SIZE];
    char message[LESSON_STORE_MESSAGE_SIZE];
};

static void draw(struct drawn *drawn, dice_state *dice, bool joins_and_quits_only) {
    unsigned kind = dice_below(dice, 100);
    name_user(drawn->uid, dice);
    name_lesson(drawn->lesson_id, dice);
    lesson_store_operation operation = {
        .uid = lesson_store_id_of(drawn->uid), .message = drawn->message, .message_size = sizeof drawn->message};
    if (kind < 55 || (kind >= 90 && joins_and_quits_only)) {
        operation.kind = LESSON_STORE_OPERATION_JOIN;
        operation.course_id = lesson_store_id_of("c");
        operation.lesson_id = lesson_store_id_of(drawn->lesson_id);
        operation.flags = kind < 10 ? LESSON_STORE_JOIN_STAY : 0;
    } else if (kind < 75) {
        operation.kind = LESSON_STORE_OPERATION_QUIT;
    } else if (kind < 90) {
        operation.kind = LESSON_STORE_OPERATION_WHERE;
    } else {
        operation.kind = kind < 98 ? LESSON_STORE_OPERATION_CREATE : LESSON_STORE_OPERATION_END;
        operation.uid = (lesson_store_id){NULL, 0};
        operation.lesson_id = lesson_store_id_of(drawn->lesson_id);
    }
    drawn->operation = operation;
}

static void count_answer(shard_client *client, const struct drawn *drawn, int code) {
    client->codes[UNDER_WAY_CODE(code)]++;
    if (code == LESSON_STORE_UNKNOWN && strstr(drawn->message, "another operation of the user came after"))
        client->overtaken++;
    else if (code < 0)
        snprintf(client->failure, sizeof client->failure, "%s", drawn->message);
}

static void run_batch(shard_client *client, lesson_store *store) {
    static _Thread_local struct drawn drawn[BATCH_MAX];
    lesson_store_operation operations[BATCH_MAX];
    size_t count = dice_once_in(&client->dice, 3) ? 1 : 1 + dice_below(&client->dice, BATCH_MAX);
    for (size_t i = 0; i < count; i++) {
        draw(&drawn[i], &client->dice, client->joins_and_quits_only);
        operations[i] = drawn[i].operation;
    }
    int64_t began_us = lesson_store_monotonic_us();
    lesson_store_batch(store, operations, count);
    int64_t took_ms = (lesson_store_monotonic_us() - began_us) / 1000;
    client->longest_ms = took_ms > client->longest_ms ? took_ms : client->longest_ms;
    for (size_t i = 0; i < count; i++)
        count_answer(client, &drawn[i], operations[i].code);
    client->done += (int)count;
}

static void *keep_acting(void *context) {
    shard_client *client = context;
    lesson_store *store;
    int code = lesson_store_open(&store, client->location);
    if (code) {
        client->codes[UNDER_WAY_CODE(code)]++;
        snprintf(client->failure, sizeof client->failure, "%s", lesson_store_message());
        return NULL;
    }
    while (!client->ends)
        run_batch(client, store);
    lesson_store_close(store);
    return NULL;
}

void client_start(shard_client *client, const char *location, uint64_t seed, bool joins_and_quits_only) {
    memset(client, 0, sizeof *client);
    client->location = location;
    client->dice.state = seed;
    client->joins_and_quits_only = joins_and_quits_only;
    if (pthread_create(&client->thread, NULL, keep_acting, client) != 0)
        abort();
}

void client_wait(const shard_client *client, int more) {
    int target = client->done + more;
    while (client->done < target && !client->failure[0])
        redis_rest(1000);
}

void client_stop(shard_client *client) {
    client->ends = true;
    pthread_join(client->thread, NULL);
}

pid_t client_fork(const char *location, uint64_t seed) {
    pid_t process = fork();
    if (process != 0)
        return process;
    shard_client client = {.location = location, .dice = {seed}};
    keep_acting(&client);
    _exit(0);
}

void client_kill(pid_t process) {
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}

/* ---- Other programs */

/* Runs a command where its key is now. NULL if nobody has the key at the moment, or its slot is being moved. */
static redisReply *tell(const redis_cluster *rig, const char *command, const char *key, const char *rest) {
    int owner = redis_cluster_owner(rig, redis_cluster_slot(rig, key));
    char format[256];
    snprintf(format, sizeof format, "%s %%s %s", command, rest);
    return owner < 0 ? NULL : redis_ask(redis_cluster_node(rig, owner), NULL, NULL, format, key);
}

static void tell_and_forget(const redis_cluster *rig, const char *command, const char *key, const char *rest) {
    redisReply *reply = tell(rig, command, key, rest);
    if (reply)
        freeReplyObject(reply);
}

void write_as_others(const redis_cluster *rig, dice_state *dice) {
    char uid[NAME_SIZE], lesson_id[NAME_SIZE], user[64], members[64], fields[128];
    name_user(uid, dice);
    name_lesson(lesson_id, dice);
    snprintf(user, sizeof user, "STATUS:IN_LESSON:UID:%s", uid);
    snprintf(members, sizeof members, "STATUS:LESSON_USER:LESSON_ID:%s", lesson_id);
    snprintf(fields, sizeof fields, "uid %s course_id c lesson_id %s", uid, lesson_id);
    if (dice_once_in(dice, 2)) {
        tell_and_forget(rig, "HMSET", user, fields);
        tell_and_forget(rig, "SADD", members, uid);
        return;
    }
    redisReply *found = tell(rig, "HGET", user, "lesson_id");
    if (found && found->type == REDIS_REPLY_STRING) {
        snprintf(members, sizeof members, "STATUS:LESSON_USER:LESSON_ID:%s", found->str);
        tell_and_forget(rig, "DEL", user, "");
        tell_and_forget(rig, "SREM", members, uid);
    }
    if (found)
        freeReplyObject(found);
}

/* ---- Who is where */

/* At rest there is an answer, sooner or later. */
static redisReply *ask_at_rest(const redis_cluster *rig, const char *command, const char *key, const char *rest) {
    redisReply *reply = NULL;
    for (int tries = 0; !reply && tries < 100; tries++) {
        reply = tell(rig, command, key, rest);
        if (!reply)
            redis_rest(50000);
    }
    if (!reply) {
        fprintf(stderr, "nobody answers %s %s\n", command, key);
        abort();
    }
    return reply;
}

struct place {
    int lesson[UNDER_WAY_USERS]; /* -1: none */
    bool is_member[UNDER_WAY_LESSONS][UNDER_WAY_USERS];
};

static int number_in(const redisReply *text) {
    return text->type == REDIS_REPLY_STRING ? atoi(text->str + 1) : -1;
}

static void read_users(const redis_cluster *rig, struct place *place) {
    char key[64];
    for (int user = 0; user < UNDER_WAY_USERS; user++) {
        snprintf(key, sizeof key, "STATUS:IN_LESSON:UID:u%d", user);
        redisReply *reply = ask_at_rest(rig, "HGET", key, "lesson_id");
        place->lesson[user] = number_in(reply);
        freeReplyObject(reply);
    }
}

static void read_members(const redis_cluster *rig, struct place *place) {
    char key[64];
    memset(place->is_member, 0, sizeof place->is_member);
    for (int lesson = 0; lesson < UNDER_WAY_LESSONS; lesson++) {
        snprintf(key, sizeof key, "STATUS:LESSON_USER:LESSON_ID:L%d", lesson);
        redisReply *reply = ask_at_rest(rig, "SMEMBERS", key, "");
        for (size_t i = 0; i < reply->elements; i++)
            place->is_member[lesson][number_in(reply->element[i])] = true;
        freeReplyObject(reply);
    }
}

agreement look_at_keys(const redis_cluster *rig) {
    static struct place place;
    agreement found = {0};
    read_users(rig, &place);
    read_members(rig, &place);
    for (int user = 0; user < UNDER_WAY_USERS; user++) {
        int in = place.lesson[user];
        found.users += in >= 0;
        found.missing += in >= 0 && !place.is_member[in][user];
        for (int lesson = 0; lesson < UNDER_WAY_LESSONS; lesson++) {
            bool is_ghost = lesson != in && place.is_member[lesson][user];
            if (is_ghost && found.ghosts++ == 0)
                snprintf(found.ghost, sizeof found.ghost, "u%d in L%d, whose record says L%d", user, lesson, in);
        }
    }
    return found;
}
