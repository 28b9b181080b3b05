/*
 * A backend whose instances share one memory engine behind a mutex, so that several stores and a pool of instances use
 * the same data. Backends with defects that show only when two things happen at the same time are made from it.
 */
#ifndef LESSON_STORE_TESTS_WRAPPER_SHARED_H
#define LESSON_STORE_TESTS_WRAPPER_SHARED_H

#include "wrapper.h"

/* Turns a wrapper's table into that of the correct shared wrapper. */
void wrapper_shared_table(lesson_store_backend *table);

int wrapper_shared_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
int wrapper_shared_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                           lesson_store_member_callback callback, void *context);

/* The lists that call back while they hold the mutex. */
int wrapper_locked_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                           lesson_store_member_callback callback, void *context);
int wrapper_locked_lessons(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
int wrapper_locked_users(lesson_store_instance *instance, lesson_store_user_callback callback, void *context);
int wrapper_locked_bans(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                        lesson_store_banned_callback callback, void *context);

/* Returns how often the engine has run operations. */
uint64_t wrapper_shared_runs(void);

#endif
