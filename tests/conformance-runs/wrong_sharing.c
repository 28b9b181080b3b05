/*
 * Backends whose instances share one engine. The first is correct, so that two stores on the same data are tested here
 * too. The others call back while they hold the engine's mutex, or do in two steps what must be one.
 */
#include <time.h>

#include "wrapper_shared.h"
#include "wrong_backends.h"

/* ---- Callbacks under the lock, and a list that ends when the data changes */

static void calls_back_under_lock_table(lesson_store_backend *table) {
    wrapper_shared_table(table);
    table->members = wrapper_locked_members;
    table->lessons = wrapper_locked_lessons;
    table->users = wrapper_locked_users;
}

/* It is certain to hang, so the suite waits only a short time. */
static void describe_shared_and_hanging(lesson_store_conformance_backend *description) {
    describe_shared(description);
    description->patience_s = 1;
}

struct ending {
    lesson_store_member_callback callback;
    void *context;
    uint64_t runs; /* runs of the engine when the list began */
};

static bool end_when_used(const lesson_store_id *uid, void *context) {
    struct ending *ending = context;
    return ending->callback(uid, ending->context) && wrapper_shared_runs() == ending->runs;
}

static int members_end_when_used(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                                 lesson_store_member_callback callback, void *context) {
    struct ending ending = {callback, context, wrapper_shared_runs()};
    return wrapper_shared_members(instance, lesson_id, end_when_used, &ending);
}

static void members_end_when_used_table(lesson_store_backend *table) {
    wrapper_shared_table(table);
    table->members = members_end_when_used;
}

/* ---- Two steps instead of one
 *
 * The pause between the steps is long compared with a call, so that another thread does come between them. */

static void pause_between(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void looks_first(lesson_store_instance *instance, lesson_store_operation *create) {
    lesson_store_operation get = {.kind = LESSON_STORE_OPERATION_GET_LESSON};
    get.lesson_id = create->lesson_id;
    wrapper_shared_run(instance, &get, 1);
    if (get.code == LESSON_STORE_OK && get.lesson.has_record) {
        create->code = LESSON_STORE_EXISTS;
        return;
    }
    pause_between();
    create->flags = LESSON_STORE_CREATE_RESET;
    wrapper_shared_run(instance, create, 1);
    create->flags = 0;
}

static int create_looks_first(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        if (operations[i].kind == LESSON_STORE_OPERATION_CREATE && !operations[i].flags && !wrapper_engine_is_broken)
            looks_first(instance, &operations[i]);
        else
            code = wrapper_shared_run(instance, &operations[i], 1);
    }
    return code;
}

static void create_looks_first_table(lesson_store_backend *table) {
    wrapper_shared_table(table);
    table->run = create_looks_first;
}

/* Removes the user from the old lesson, and only then adds it to the new one. */
static void quits_first(lesson_store_instance *instance, lesson_store_operation *join) {
    lesson_store_place before = {.lesson_id = ""};
    lesson_store_operation quit = {.kind = LESSON_STORE_OPERATION_QUIT};
    quit.uid = join->uid;
    quit.place = &before;
    wrapper_shared_run(instance, &quit, 1);
    if (quit.code == LESSON_STORE_OK)
        pause_between();
    lesson_store_place *wanted = join->place;
    join->place = NULL;
    wrapper_shared_run(instance, join, 1);
    join->place = wanted;
    if (wanted && join->code == LESSON_STORE_OK)
        *wanted = before;
    if (quit.code == LESSON_STORE_OK) {
        bool same = strlen(before.lesson_id) == join->lesson_id.size &&
                    memcmp(before.lesson_id, join->lesson_id.data, join->lesson_id.size) == 0;
        join->arrival = same ? LESSON_STORE_ARRIVAL_ALREADY_THERE : LESSON_STORE_ARRIVAL_MOVED;
    }
}

/* Without pauses in large batches. */
int join_quits_first(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = LESSON_STORE_OK;
    for (size_t i = 0; i < count && !code; i++) {
        bool joins = operations[i].kind == LESSON_STORE_OPERATION_JOIN && !operations[i].flags;
        if (joins && count < 100 && !wrapper_engine_is_broken)
            quits_first(instance, &operations[i]);
        else
            code = wrapper_shared_run(instance, &operations[i], 1);
    }
    return code;
}

static void join_quits_first_table(lesson_store_backend *table) {
    wrapper_shared_table(table);
    table->run = join_quits_first;
}

const wrong_backend wrong_sharing[] = {
    {"nothing-wrong-and-shared", "none", "", wrapper_shared_table, describe_shared},
    {"calls-back-under-its-lock", "STREAM-3", "", calls_back_under_lock_table, describe_shared_and_hanging},
    {"members-end-when-used", "STREAM-3", "THREAD-4", members_end_when_used_table, describe_shared},
    {"create-looks-first", "THREAD-2", "", create_looks_first_table, describe_shared},
    {"join-quits-first", "THREAD-1", "JOIN-15 OWNER-2 OWNER-3 QUIT-4 THREAD-3 THREAD-4", join_quits_first_table,
     describe_shared},
    {.name = NULL},
};
