/*
 * A backend that passes everything on to the memory backend. Wrong backends are made from it: each replaces one
 * function of the table by one with a single defect, and passes the rest on.
 */
#ifndef LESSON_STORE_TESTS_WRAPPER_H
#define LESSON_STORE_TESTS_WRAPPER_H

#include <lessonstore/backend.h>

#define GHOSTS_MAX 64

/* A user of an ended lesson, for backends that do not forget. */
struct ghost {
    char uid[LESSON_STORE_ID_MAX + 1];
    char lesson_id[LESSON_STORE_ID_MAX + 1];
};

struct wrapper {
    lesson_store_instance base;
    lesson_store_instance *inner;
    struct ghost ghosts[GHOSTS_MAX];
    size_t ghost_count;
    char kept_lesson[LESSON_STORE_ID_MAX + 1]; /* for wrong_bans.c */
    char kept_uid[LESSON_STORE_ID_MAX + 1];
    bool has_failed;
};

static inline struct wrapper *wrapper_of(lesson_store_instance *instance) {
    return (struct wrapper *)instance;
}

/* The memory backend's own table. */
const lesson_store_backend *wrapped_backend(void);

/* While this is set, every call of every wrapper fails. There is one for the process, as an engine is one for all its
 * clients. */
extern bool wrapper_engine_is_broken;
int wrapper_fail(void);

/* The table of the correct wrapper. */
lesson_store_backend wrapper_backend(void);

int wrapper_open(lesson_store_instance **out, const lesson_store_location *location);
int wrapper_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
int wrapper_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                    lesson_store_member_callback callback, void *context);
int wrapper_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
int wrapper_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
int wrapper_members_page(lesson_store_instance *instance, const lesson_store_id *lesson_id, size_t most,
                         lesson_store_position *position, lesson_store_member_callback callback, void *context);
int wrapper_find_lessons(lesson_store_instance *instance, const lesson_store_lesson_filter *filter,
                         lesson_store_lesson_callback callback, void *context);
int wrapper_find_lessons_page(lesson_store_instance *instance, const lesson_store_lesson_filter *filter, size_t most,
                              lesson_store_position *position, lesson_store_lesson_callback callback, void *context);
int wrapper_lessons_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                         lesson_store_lesson_callback callback, void *context);
int wrapper_users_page(lesson_store_instance *instance, size_t most, lesson_store_position *position,
                       lesson_store_user_callback callback, void *context);
int wrapper_sweep(lesson_store_instance *instance, const lesson_store_id *dropped, lesson_store_user_callback callback,
                  void *context);
int wrapper_events(lesson_store_instance *instance, lesson_store_event_position *position, size_t most, int64_t wait_ms,
                   lesson_store_event_taker take, void *context);
int wrapper_owners(lesson_store_instance *instance, lesson_store_owner_callback callback, void *context);
int wrapper_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                 lesson_store_banned_callback callback, void *context);
int wrapper_check(lesson_store_instance *instance, uint32_t flags, lesson_store_finding_callback callback,
                  void *context);

#endif
