/*
 * Backends whose instances share one memory engine behind a mutex: the first is right, so that two stores on the
 * same data are tried here too; the others call back while they hold it, or do in two steps what must be one.
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
    _Atomic(uint64_t) runs;
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
    engine.runs++;
    int code = wrapper_run(instance, operations, count);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static int locked_members(lesson_store_instance *instance, lesson_store_id lesson_id,
                          lesson_store_member_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_members(instance, lesson_id, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static int locked_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_lessons(instance, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static int locked_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_users(instance, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

/* ---- Streams
 *
 * A callback may use another store on the same data, so it cannot be called while the mutex is held: what there is to
 * tell is gathered first.
 */

struct item {
    char uid[LESSON_STORE_ID_MAX + 1];
    lesson_store_place place;
    lesson_store_lesson lesson; /* its id is that of the place */
};

struct gathered {
    struct item *items;
    size_t count;
    size_t capacity;
};

static struct item *add_item(struct gathered *gathered) {
    if (gathered->count == gathered->capacity) {
        gathered->capacity = gathered->capacity ? 2 * gathered->capacity : 64;
        gathered->items = realloc(gathered->items, gathered->capacity * sizeof *gathered->items);
        if (!gathered->items)
            abort();
    }
    struct item *item = &gathered->items[gathered->count++];
    memset(item, 0, sizeof *item);
    return item;
}

static bool gather_member(lesson_store_id uid, void *context) {
    lesson_store_id_copy(add_item(context)->uid, uid);
    return true;
}

static bool gather_lesson(const lesson_store_lesson *lesson, void *context) {
    struct item *item = add_item(context);
    item->lesson = *lesson;
    lesson_store_id_copy(item->place.lesson_id, lesson->lesson_id);
    return true;
}

static bool gather_user(const lesson_store_user *user, void *context) {
    struct item *item = add_item(context);
    lesson_store_id_copy(item->uid, user->uid);
    lesson_store_id_copy(item->place.course_id, user->course_id);
    lesson_store_id_copy(item->place.lesson_id, user->lesson_id);
    lesson_store_id_copy(item->place.session, user->session);
    return true;
}

static int shared_members(lesson_store_instance *instance, lesson_store_id lesson_id,
                          lesson_store_member_callback callback, void *context) {
    struct gathered gathered = {NULL, 0, 0};
    int code = locked_members(instance, lesson_id, gather_member, &gathered);
    for (size_t i = 0; !code && i < gathered.count; i++) {
        if (!callback(lesson_store_id_of(gathered.items[i].uid), context))
            break;
    }
    free(gathered.items);
    return code;
}

static int shared_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    struct gathered gathered = {NULL, 0, 0};
    int code = locked_lessons(instance, gather_lesson, &gathered);
    for (size_t i = 0; !code && i < gathered.count; i++) {
        struct item *item = &gathered.items[i];
        item->lesson.lesson_id = lesson_store_id_of(item->place.lesson_id);
        if (!callback(&item->lesson, context))
            break;
    }
    free(gathered.items);
    return code;
}

static int shared_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct gathered gathered = {NULL, 0, 0};
    int code = locked_users(instance, gather_user, &gathered);
    for (size_t i = 0; !code && i < gathered.count; i++) {
        const struct item *item = &gathered.items[i];
        const char *session = *item->place.session ? item->place.session : NULL;
        lesson_store_user user = {lesson_store_id_of(item->uid), lesson_store_id_of(item->place.course_id),
                                  lesson_store_id_of(item->place.lesson_id), lesson_store_id_of(session)};
        if (!callback(&user, context))
            break;
    }
    free(gathered.items);
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

/* ---- Callbacks that meet the lock, or a stream that ends when the data changes */

static void calls_back_under_lock_table(lesson_store_backend *table) {
    shared_table(table);
    table->members = locked_members;
    table->lessons = locked_lessons;
    table->users = locked_users;
}

/* It is certain to hang, so the suite need not wait long. */
static void describe_shared_and_hanging(lesson_store_conformance_backend *description) {
    describe_shared(description);
    description->patience_s = 1;
}

struct ending {
    lesson_store_member_callback callback;
    void *context;
    uint64_t runs; /* of the engine, when the stream began */
};

static bool end_when_used(lesson_store_id uid, void *context) {
    struct ending *ending = context;
    return ending->callback(uid, ending->context) && engine.runs == ending->runs;
}

static int members_end_when_used(lesson_store_instance *instance, lesson_store_id lesson_id,
                                 lesson_store_member_callback callback, void *context) {
    struct ending ending = {callback, context, engine.runs};
    return shared_members(instance, lesson_id, end_when_used, &ending);
}

static void members_end_when_used_table(lesson_store_backend *table) {
    shared_table(table);
    table->members = members_end_when_used;
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
    {"calls-back-under-its-lock", "STREAM-3", "", calls_back_under_lock_table, describe_shared_and_hanging},
    {"members-end-when-used", "STREAM-3", "", members_end_when_used_table, describe_shared},
    {"create-looks-first", "THREAD-2", "", create_looks_first_table, describe_shared},
    {"join-quits-first", "THREAD-1", "", join_quits_first_table, describe_shared},
    {.name = NULL},
};
