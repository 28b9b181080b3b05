#include <pthread.h>
#include <stdlib.h>

#include "wrapper_shared.h"

/* The engine, open while any instance is. */
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

int wrapper_shared_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    pthread_mutex_lock(&engine.mutex);
    engine.runs++;
    int code = wrapper_run(instance, operations, count);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

uint64_t wrapper_shared_runs(void) {
    return engine.runs;
}

int wrapper_locked_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                           lesson_store_member_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_members(instance, lesson_id, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

int wrapper_locked_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_lessons(instance, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

int wrapper_locked_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_users(instance, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

/* ---- Lists
 *
 * A callback may use another store on the same data, so it cannot be called while the mutex is held. So entries are
 * collected first. */

struct item {
    char uid[LESSON_STORE_ID_MAX + 1];
    lesson_store_place place;
    lesson_store_lesson lesson; /* its id is the place's lesson_id */
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

static bool gather_member(const lesson_store_id *uid, void *context) {
    lesson_store_id_copy(add_item(context)->uid, *uid);
    return true;
}

static bool gather_lesson(const lesson_store_lesson *lesson, void *context) {
    struct item *item = add_item(context);
    item->lesson = *lesson;
    lesson_store_id_copy(item->place.lesson_id, lesson->lesson_id);
    lesson_store_id_copy(item->place.course_id, lesson->course_id);
    return true;
}

static bool gather_user(const lesson_store_user *user, void *context) {
    struct item *item = add_item(context);
    lesson_store_id_copy(item->uid, user->uid);
    lesson_store_id_copy(item->place.course_id, user->course_id);
    lesson_store_id_copy(item->place.lesson_id, user->lesson_id);
    lesson_store_id_copy(item->place.session, user->session);
    lesson_store_id_copy(item->place.owner, user->owner);
    item->place.joined_ms = user->joined_ms;
    return true;
}

int wrapper_shared_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                           lesson_store_member_callback callback, void *context) {
    struct gathered gathered = {NULL, 0, 0};
    int code = wrapper_locked_members(instance, lesson_id, gather_member, &gathered);
    for (size_t i = 0; !code && i < gathered.count; i++) {
        if (!callback(&(lesson_store_id){gathered.items[i].uid, strlen(gathered.items[i].uid)}, context))
            break;
    }
    free(gathered.items);
    return code;
}

static int shared_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    struct gathered gathered = {NULL, 0, 0};
    int code = wrapper_locked_lessons(instance, gather_lesson, &gathered);
    for (size_t i = 0; !code && i < gathered.count; i++) {
        struct item *item = &gathered.items[i];
        item->lesson.lesson_id = lesson_store_id_of(item->place.lesson_id);
        item->lesson.course_id = lesson_store_id_of(item->place.course_id[0] ? item->place.course_id : NULL);
        if (!callback(&item->lesson, context))
            break;
    }
    free(gathered.items);
    return code;
}

static int shared_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    struct gathered gathered = {NULL, 0, 0};
    int code = wrapper_locked_users(instance, gather_user, &gathered);
    for (size_t i = 0; !code && i < gathered.count; i++) {
        const struct item *item = &gathered.items[i];
        const char *session = *item->place.session ? item->place.session : NULL;
        lesson_store_user user = {.uid = lesson_store_id_of(item->uid),
                                  .course_id = lesson_store_id_of(item->place.course_id),
                                  .lesson_id = lesson_store_id_of(item->place.lesson_id),
                                  .session = lesson_store_id_of(session),
                                  .owner = lesson_store_id_of(*item->place.owner ? item->place.owner : NULL),
                                  .joined_ms = item->place.joined_ms};
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

static int shared_sweep(lesson_store_instance *instance, const lesson_store_id *dropped,
                        lesson_store_user_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_sweep(instance, dropped, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

static int shared_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_owners(instance, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

int wrapper_locked_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                        lesson_store_banned_callback callback, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_bans(instance, lesson_id, callback, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

struct finding {
    const lesson_store_lesson_filter *filter;
    lesson_store_lesson_callback callback;
    void *context;
};

static bool give_if_it_passes(const lesson_store_lesson *lesson, void *context) {
    const struct finding *finding = context;
    return !lesson_store_filter_passes(finding->filter, lesson) || finding->callback(lesson, finding->context);
}

static int shared_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                               lesson_store_lesson_callback callback, void *context) {
    struct finding finding = {filter, callback, context};
    return shared_lessons(instance, give_if_it_passes, &finding);
}

static int shared_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most,
                         int64_t wait_ms, lesson_store_event_taker take, void *context) {
    pthread_mutex_lock(&engine.mutex);
    int code = wrapper_events(instance, position, most, wait_ms, take, context);
    pthread_mutex_unlock(&engine.mutex);
    return code;
}

void wrapper_shared_table(lesson_store_backend *table) {
    table->default_pool = 4;
    table->open = shared_open;
    table->close = shared_close;
    table->run = wrapper_shared_run;
    table->members = wrapper_shared_members;
    table->lessons = shared_lessons;
    table->users = shared_users;
    table->check = shared_check;
    table->sweep = shared_sweep;
    table->owners = shared_owners;
    table->bans = wrapper_locked_bans;
    table->find_lessons = shared_find_lessons;
    table->events = shared_events;
}
