#include <stdlib.h>

#include "wrapper.h"

bool wrapper_engine_is_broken;

int wrapper_fail(void) {
    return lesson_store_fail(LESSON_STORE_UNREACHABLE, "the engine is broken");
}

const lesson_store_backend *wrapped_backend(void) {
    const lesson_store_backend *backend = NULL;
    for (size_t i = 0; (backend = lesson_store_backend_at(i)); i++) {
        if (strcmp(backend->schemes, "memory") == 0)
            break;
    }
    return backend;
}

int wrapper_open(lesson_store_instance **out, const lesson_store_location *location) {
    struct wrapper *opened = calloc(1, sizeof *opened);
    if (!opened)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a wrapper");
    int code = wrapped_backend()->open(&opened->inner, location);
    if (code) {
        free(opened);
        return code;
    }
    opened->base.capabilities = opened->inner->capabilities;
    opened->base.events_poll_ms = opened->inner->events_poll_ms;
    *out = &opened->base;
    return LESSON_STORE_OK;
}

static void wrapper_close(lesson_store_instance *instance) {
    wrapped_backend()->close(wrapper_of(instance)->inner);
    free(instance);
}

int wrapper_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->run(wrapper_of(instance)->inner, operations, count);
}

int wrapper_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                    lesson_store_member_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->members(wrapper_of(instance)->inner, lesson_id, callback, context);
}

int wrapper_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->lessons(wrapper_of(instance)->inner, callback, context);
}

int wrapper_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->users(wrapper_of(instance)->inner, callback, context);
}

int wrapper_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                         lesson_store_position *position, lesson_store_member_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->members_page(wrapper_of(instance)->inner, lesson_id, most, position, callback, context);
}

int wrapper_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                         lesson_store_lesson_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->lessons_page(wrapper_of(instance)->inner, most, position, callback, context);
}

int wrapper_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                       lesson_store_user_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->users_page(wrapper_of(instance)->inner, most, position, callback, context);
}

int wrapper_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                  void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->check(wrapper_of(instance)->inner, flags, callback, context);
}

int wrapper_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                  void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->sweep(wrapper_of(instance)->inner, dropped, callback, context);
}

int wrapper_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->owners(wrapper_of(instance)->inner, callback, context);
}

int wrapper_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                 lesson_store_banned_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->bans(wrapper_of(instance)->inner, lesson_id, callback, context);
}

int wrapper_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                         lesson_store_lesson_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->find_lessons(wrapper_of(instance)->inner, filter, callback, context);
}

int wrapper_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                              lesson_store_position *position, lesson_store_lesson_callback callback, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->find_lessons_page(wrapper_of(instance)->inner, filter, most, position, callback, context);
}

int wrapper_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                   lesson_store_event_taker take, void *context) {
    if (wrapper_engine_is_broken)
        return wrapper_fail();
    return wrapped_backend()->events(wrapper_of(instance)->inner, position, most, wait_ms, take, context);
}

lesson_store_backend wrapper_backend(void) {
    lesson_store_backend table = *wrapped_backend();
    table.open = wrapper_open;
    table.close = wrapper_close;
    table.run = wrapper_run;
    table.members = wrapper_members;
    table.lessons = wrapper_lessons;
    table.users = wrapper_users;
    table.check = wrapper_check;
    table.members_page = wrapper_members_page;
    table.lessons_page = wrapper_lessons_page;
    table.users_page = wrapper_users_page;
    table.sweep = wrapper_sweep;
    table.owners = wrapper_owners;
    table.bans = wrapper_bans;
    table.find_lessons = wrapper_find_lessons;
    table.find_lessons_page = wrapper_find_lessons_page;
    table.events = wrapper_events;
    table.info = NULL;
    return table;
}
