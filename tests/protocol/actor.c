#include "actor.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/cluster/check.h"

/* Longer than any schedule takes. */
#define TIMEOUT_MS (60 * 60 * 1000)

struct test_actor {
    test_stage *stage;
    actor_task task;
    char prefix[8];
    cluster_store store;
    redisReader *reader;
    lesson_store_place place;

    /* What it has given; valid while it waits. */
    actor_ask *asks;
    size_t count;
    size_t open; /* that are not answered */
    void (*take)(size_t index, redis_reply *reply, void *context);
    void *context;
    cluster_request *requests; /* NULL: of a machine */

    int code;
    uint32_t listed;
    bool is_crashed;
    bool is_done;

    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_running; /* the thread has the turn, and the test waits */
};

static _Thread_local test_actor *self;

/* ---- Whose turn it is */

static void wait_until(test_actor *actor, bool is_running) {
    pthread_mutex_lock(&actor->mutex);
    while (actor->is_running != is_running)
        pthread_cond_wait(&actor->changed, &actor->mutex);
    pthread_mutex_unlock(&actor->mutex);
}

static void give_turn(test_actor *actor, bool to_thread) {
    pthread_mutex_lock(&actor->mutex);
    actor->is_running = to_thread;
    pthread_cond_broadcast(&actor->changed);
    pthread_mutex_unlock(&actor->mutex);
}

static void go_on(test_actor *actor) {
    give_turn(actor, true);
    wait_until(actor, false);
}

/* ---- Requests */

/* The texts of a request: "*N", then for each "$SIZE" and the bytes. */
static size_t split(const char *bytes, actor_text *texts, size_t most) {
    char *at;
    size_t count = strtoul(bytes + 1, &at, 10);
    for (size_t i = 0; i < count && i < most; i++) {
        size_t size = strtoul(at + 3, &at, 10);
        texts[i] = (actor_text){at + 2, size};
        at += 2 + size;
    }
    return count < most ? count : most;
}

static int lesson_in_key(actor_text key) {
    static const char head[] = "STATUS:LESSON_USER:LESSON_ID:";
    bool is_members = key.size >= strlen(head) && memcmp(key.data, head, strlen(head)) == 0;
    return is_members ? stage_lesson_of(key.data + strlen(head), key.size - strlen(head)) : -1;
}

static int user_in_key(actor_text key) {
    static const char head[] = "STATUS:IN_LESSON:UID:";
    bool is_user = key.size >= strlen(head) && memcmp(key.data, head, strlen(head)) == 0;
    return is_user ? stage_user_of(key.data + strlen(head), key.size - strlen(head)) : -1;
}

/* "EVALSHA" SHA1 "2" KEY HELPER and the arguments. */
static void read_ask(actor_ask *ask) {
    actor_text texts[ACTOR_ARGUMENTS_MAX];
    size_t count = split(ask->bytes, texts, ACTOR_ARGUMENTS_MAX);
    bool is_script = texts[0].size == 7 && memcmp(texts[0].data, "EVALSHA", 7) == 0;
    size_t skipped = is_script ? 5 : 0;
    ask->script = is_script ? stage_script_of(texts[1].data, texts[1].size) : STAGE_NO_SCRIPT;
    ask->user = is_script ? user_in_key(texts[3]) : -1;
    ask->lesson = is_script ? lesson_in_key(texts[3]) : -1;
    ask->count = count - skipped;
    memcpy(ask->arguments, texts + skipped, ask->count * sizeof *texts);
    if (ask->script == STAGE_ADD)
        ask->user = stage_user_of(ask->arguments[0].data, ask->arguments[0].size);
}

static void note_ask(test_actor *actor, size_t index) {
    redis_bytes bytes = redis_request_finish(&actor->store.redis.request);
    actor_ask *ask = &actor->asks[index];
    *ask = (actor_ask){.bytes = malloc(bytes.size + 1), .size = bytes.size};
    memcpy(ask->bytes, bytes.data, bytes.size);
    ask->bytes[bytes.size] = '\0';
    read_ask(ask);
}

static void free_asks(test_actor *actor) {
    for (size_t i = 0; i < actor->count; i++)
        free(actor->asks[i].bytes);
    free(actor->asks);
    actor->asks = NULL;
    actor->count = 0;
}

/* On the thread: gives the requests, and waits until all are answered. False: it has crashed. */
static bool give(test_actor *actor, size_t count, void (*write)(size_t index, void *context),
                 void (*take)(size_t index, redis_reply *reply, void *context), void *context) {
    if (actor->is_crashed)
        return false;
    actor->asks = calloc(count, sizeof *actor->asks);
    actor->count = actor->open = count;
    actor->take = take;
    actor->context = context;
    for (size_t i = 0; i < count; i++) {
        write(i, context);
        note_ask(actor, i);
    }
    give_turn(actor, false);
    wait_until(actor, true);
    free_asks(actor);
    return !actor->is_crashed;
}

/* In place of the router (-Wl,--wrap). */
void __wrap_cluster_router_run(cluster_router *router, const cluster_exchange *exchange, int64_t until_us);
void __wrap_cluster_router_run(cluster_router *router, const cluster_exchange *exchange, int64_t until_us) {
    (void)until_us;
    for (size_t i = 0; i < exchange->count; i++) {
        exchange->requests[i].end = CLUSTER_LOST;
        exchange->requests[i].code = LESSON_STORE_UNREACHABLE;
    }
    snprintf(router->failure, sizeof router->failure, "the actor has crashed");
    self->requests = exchange->requests;
    if (exchange->count > 0)
        give(self, exchange->count, exchange->write, exchange->take, exchange->context);
    self->requests = NULL;
}

void actor_answer_with(test_actor *actor, size_t index, const char *bytes, size_t size) {
    redis_reply *reply = &actor->store.redis.reply;
    actor_ask *ask = &actor->asks[index];
    void *ignored;
    redis_reply_clear(reply);
    redis_reader_collect(actor->reader, reply);
    redisReaderFeed(actor->reader, bytes, size);
    if (redisReaderGetReply(actor->reader, &ignored) != REDIS_OK)
        abort();
    if (actor->requests) {
        actor->requests[index].end = CLUSTER_ANSWERED;
        actor->requests[index].was_lost = ask->was_lost;
    }
    actor->take(index, reply, actor->context);
    ask->is_answered = true;
    if (--actor->open == 0)
        go_on(actor);
}

stage_reply actor_answer(test_actor *actor, size_t index) {
    stage_reply reply = stage_send(actor->stage, actor->asks[index].bytes, actor->asks[index].size);
    actor_answer_with(actor, index, reply.bytes, reply.size);
    return reply;
}

/* ---- What it does */

struct machine_run {
    test_actor *actor;
    cluster_machine machine;
};

static void write_of_machine(size_t index, void *context) {
    const struct machine_run *run = context;
    cluster_machine_write(&run->machine, index);
}

static void take_of_machine(size_t index, redis_reply *reply, void *context) {
    struct machine_run *run = context;
    cluster_machine_take(&run->machine, index, reply, run->actor->asks[index].was_lost);
}

static lesson_store_operation operation_of(test_actor *actor) {
    const actor_task *task = &actor->task;
    lesson_store_operation operation = {.code = LESSON_STORE_UNANSWERED, .flags = task->flags};
    operation.lesson_id = lesson_store_id_of(stage_lesson(task->lesson));
    if (task->kind == ACTOR_END) {
        operation.kind = LESSON_STORE_OPERATION_END;
        return operation;
    }
    operation.kind = task->kind == ACTOR_JOIN ? LESSON_STORE_OPERATION_JOIN : LESSON_STORE_OPERATION_QUIT;
    operation.uid = lesson_store_id_of(stage_uid(task->user));
    operation.place = &actor->place;
    operation.owner = task->has_owner ? lesson_store_id_of("worker") : (lesson_store_id){NULL, 0};
    if (task->kind == ACTOR_JOIN)
        operation.course_id = lesson_store_id_of("art");
    else
        operation.lesson_id = (lesson_store_id){NULL, 0};
    return operation;
}

static int run_machine(test_actor *actor) {
    lesson_store_operation operation = operation_of(actor);
    struct machine_run run = {.actor = actor};
    cluster_machine_begin(&run.machine, &actor->store.workshop, &operation);
    while (give(actor, run.machine.ask_count, write_of_machine, take_of_machine, &run) &&
           cluster_machine_next(&run.machine))
        ;
    return operation.code;
}

static bool note_member(const lesson_store_id *uid, void *context) {
    uint32_t *listed = context;
    int user = stage_user_of(uid->data, uid->size);
    *listed |= user >= 0 ? 1U << user : 0;
    return true;
}

static bool ignore_finding(const lesson_store_finding *finding, void *context) {
    (void)finding;
    (void)context;
    return true;
}

static int run_repair(test_actor *actor) {
    cluster_inspection check = {.store = &actor->store, .flags = LESSON_STORE_CHECK_REPAIR, .callback = ignore_finding};
    int code = LESSON_STORE_OK;
    if (actor->task.kind == ACTOR_REPAIR) {
        code = cluster_check_members(&check, lesson_store_id_of(stage_lesson(actor->task.lesson)));
    } else {
        for (int user = 0; user < STAGE_USERS; user++) {
            char key[64];
            snprintf(key, sizeof key, "STATUS" REDIS_USER "%s", stage_uid(user));
            redis_texts_add(&check.keys, lesson_store_id_of(key));
        }
        code = cluster_check_users(&check);
        redis_texts_free(&check.keys);
    }
    lesson_store_seen_free(check.seen);
    return code ? code : check.code;
}

static int run_task(test_actor *actor) {
    lesson_store_id lesson = lesson_store_id_of(stage_lesson(actor->task.lesson));
    lesson_store_operation operation;
    switch (actor->task.kind) {
    case ACTOR_JOIN:
    case ACTOR_QUIT:
        return run_machine(actor);
    case ACTOR_END:
        operation = operation_of(actor);
        cluster_end(&actor->store, &operation);
        return operation.code;
    case ACTOR_MEMBERS:
        return cluster_members(&actor->store.base, &lesson, note_member, &actor->listed);
    case ACTOR_REPAIR:
    case ACTOR_DEEP:
        break;
    }
    return run_repair(actor);
}

static void *play(void *context) {
    self = context;
    wait_until(self, true);
    self->code = run_task(self);
    self->is_done = true;
    give_turn(self, false);
    return NULL;
}

/* ---- Beginning and ending */

static void open_store(test_actor *actor) {
    cluster_store *store = &actor->store;
    snprintf(actor->prefix, sizeof actor->prefix, "STATUS");
    store->redis.settings.prefix = actor->prefix;
    store->redis.settings.shown = actor->prefix;
    store->redis.settings.timeout_ms = TIMEOUT_MS;
    store->router.settings = &store->redis.settings;
    store->router.request = &store->redis.request;
    store->router.reply = &store->redis.reply;
    cluster_workshop_open(&store->workshop, &store->redis);
    actor->reader = redis_reader_create();
}

test_actor *actor_begin(test_stage *stage, const actor_task *task) {
    test_actor *actor = calloc(1, sizeof *actor);
    actor->stage = stage;
    actor->task = *task;
    open_store(actor);
    pthread_mutex_init(&actor->mutex, NULL);
    pthread_cond_init(&actor->changed, NULL);
    if (pthread_create(&actor->thread, NULL, play, actor) != 0)
        abort();
    go_on(actor);
    return actor;
}

void actor_crash(test_actor *actor) {
    if (actor->is_done)
        return;
    actor->is_crashed = true;
    go_on(actor);
}

void actor_free(test_actor *actor) {
    pthread_join(actor->thread, NULL);
    pthread_cond_destroy(&actor->changed);
    pthread_mutex_destroy(&actor->mutex);
    redisReaderFree(actor->reader);
    redis_request_free(&actor->store.redis.request);
    redis_reply_free(&actor->store.redis.reply);
    free(actor);
}

size_t actor_ask_count(const test_actor *actor) {
    return actor->is_done ? 0 : actor->count;
}

actor_ask *actor_ask_at(test_actor *actor, size_t index) {
    return &actor->asks[index];
}

bool actor_is_done(const test_actor *actor) {
    return actor->is_done;
}

int actor_code(const test_actor *actor) {
    return actor->code;
}

uint32_t actor_listed(const test_actor *actor) {
    return actor->listed;
}

static void answer_all(test_actor *actor) {
    for (size_t i = 0, count = actor->count; i < count; i++) {
        stage_reply reply = actor_answer(actor, i);
        stage_reply_free(&reply);
    }
}

uint32_t actor_run(test_stage *stage, const actor_task *task) {
    test_actor *actor = actor_begin(stage, task);
    while (!actor->is_done)
        answer_all(actor);
    uint32_t listed = actor->listed;
    actor_free(actor);
    return listed;
}
