/* Stores that the checker must reject, made from the shared wrapper, and some that it must accept. */
#ifndef LESSON_STORE_TESTS_WRONG_STORES_H
#define LESSON_STORE_TESTS_WRONG_STORES_H

#include <lessonstore/backend.h>

typedef struct wrong_store {
    const char *name;
    bool is_right;
    bool may_fail;
    int (*run)(lesson_store_instance *instance, lesson_store_operation *operations, size_t count);
    int (*lessons)(lesson_store_instance *instance, lesson_store_lesson_callback callback, void *context);
} wrong_store;

extern const wrong_store wrong_stores[]; /* ended by an entry without a name */

/* Makes the backend, which lives as long as `table`. */
void wrong_store_table(const wrong_store *store, lesson_store_backend *table);

#endif
