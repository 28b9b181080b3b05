/*
 * Backends whose instances share one memory engine behind a mutex: the first is right, so that two stores on the
 * same data are tried here too; the others do in two steps what must be one.
 */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "wrapper.h"
#include "wrong_backends.h"

/* The engine, open as long as any instance is. */
static struct {
    pthread_mutex_t mutex;
    lesson_store_instance *instance;
    int uses;
} engine = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static int shared_open(lesson_store_instance **out, const lesson_store_location *location) {
    struct wrapper *opened = calloc(1, sizeof *opened);
    if (!opened)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a wrapper");
    pthread_mutex_lock(&engine.mutex);
    int code = engine.uses > 0 ? LESSON_STORE_OK : wrapped_backend()->open(&engine.instance, location);
    engine.uses += code == LESSON_STORE_OK;
    pthread_mutex_unlock(&engine.mutex);
    if (code) {
        free(opened);
        return code;
    }
    opened->inner = engine.instance;
    opened->base.capabilities = engine.instance->capabilities | LESSON_STORE_CAN_SHARE;
    *out = &opened->base;
    return LESSON_STORE_OK;
}

static void shared_close(lesson_store_instance *instance) {
    pthread_mutex_lock(&engine.mutex);
    if (--engine.uses == 0)
        wrapped_backend()->close(engine.instance);
    pthread_mutex_unlock(&engine.mutex);
    free(instance);
}

static int shared_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_run(instance, operations, count);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static int shared_members(lesson_store_instance *instance, lesson_store_id lesson_id,
                          lesson_store_member_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_members(instance, lesson_id, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static int shared_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_lessons(instance, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static int shared_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_users(instance, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static int shared_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                        void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_check(instance, flags, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static void shared_table(lesson_store_backend *table) {
    table->default_pool = 4;
    table->open = shared_open;
    table->close = shared_close;
    table->run = shared_run;
    table->members = shared_members;
    table->lessons = shared_lessons;
    table->users = shared_users;
    table->check = shared_check;
}

static void describe_shared(lesson_store_conformance_backend *description) {
    description->capabilities |= LESSON_STORE_CAN_SHARE;
}

/* ---- Two steps instead of one
 *
 * The pause between them is long beside a call, so that another thread does come between.
 */

static void pause_between(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void looks_first(lesson_store_instance *instance, lesson_store_operation *create) {
    lesson_store_operation get = lesson_store_operation_of(LESSON_STORE_OPERATION_GET_LESSON);
    get.lesson_id = create->lesson_id;
    shared_run(instance, &get, 1);
    if (get.code == LESSON_STORE_OK && get.lesson.has_record) {
        create->code = LESSON_STORE_EXISTS;
        return;
    }
    pause_between();
    create->flags = LESSON_STORE_RESET;
    shared_run(instance, create, 1);
    create->flags = 0;
}

static int create_looks_first(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        if (operations[i].kind == LESSON_STORE_OPERATION_CREATE && !operations[i].flags && !wrapper_engine_is_broken)
            looks_first(instance, &operations[i]);
        else
            code = shared_run(instance, &operations[i], 1);
    }
    return code;
}

static void create_looks_first_table(lesson_store_backend *table) {
    shared_table(table);
    table->run = create_looks_first;
}

/* Takes the user out of the old lesson, and only then puts it into the new one. */
static void quits_first(lesson_store_instance *instance, lesson_store_operation *join) {
    lesson_store_place before = {"", "", ""};
    lesson_store_operation quit = lesson_store_operation_of(LESSON_STORE_OPERATION_QUIT);
    quit.uid = join->uid;
    quit.place = &before;
    shared_run(instance, &quit, 1);
    if (quit.code == LESSON_STORE_OK)
        pause_between();
    lesson_store_place *wanted = join->place;
    join->place = NULL;
    shared_run(instance, join, 1);
    join->place = wanted;
    if (wanted && join->code == LESSON_STORE_OK)
        *wanted = before;
    if (quit.code == LESSON_STORE_OK) {
        bool same = strlen(before.lesson_id) == join->lesson_id.size &&
                    memcmp(before.lesson_id, join->lesson_id.data, join->lesson_id.size) == 0;
        join->arrival = same ? LESSON_STORE_ARRIVAL_ALREADY_THERE : LESSON_STORE_ARRIVAL_MOVED;
    }
}

/* Large batches are spared the pauses. */
static int join_quits_first(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        bool joins = operations[i].kind == LESSON_STORE_OPERATION_JOIN && !operations[i].flags;
        if (joins && count < 100 && !wrapper_engine_is_broken)
            quits_first(instance, &operations[i]);
        else
            code = shared_run(instance, &operations[i], 1);
    }
    return code;
}

static void join_quits_first_table(lesson_store_backend *table) {
    shared_table(table);
    table->run = join_quits_first;
}

const wrong_backend wrong_sharing[] = {
    {"nothing-wrong-and-shared", "none", "", shared_table, describe_shared},
    {"create-looks-first", "THREAD-2", "", create_looks_first_table, describe_shared},
    {"join-quits-first", "THREAD-1", "", join_quits_first_table, describe_shared},
    {.name = NULL},
};
