/* What makes a wrong backend of the correct wrapper: operations that are changed before they run, or answers that are
 * changed behind it. */
#ifndef LESSON_STORE_TESTS_ALTERATIONS_H
#define LESSON_STORE_TESTS_ALTERATIONS_H

#include "wrapper.h"

typedef void (*alteration)(lesson_store_instance *instance, lesson_store_operation *operation);

/* Each change is undone afterwards, because the operation belongs to the caller. */
int run_altered(lesson_store_instance *instance, lesson_store_operation *operations, size_t count, alteration alter);

/* Defines the function that replaces run and applies `name`, an alteration. */
#define ALTERED_RUN(name)                                                                                      \
    static int name##_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) { \
        return run_altered(instance, operations, count, name);                                                 \
    }                                                                                                          \
    static void name##_table(lesson_store_backend *table) {                                                    \
        table->run = name##_run;                                                                               \
    }

/* Defines the function that runs a batch and then applies `name` to every operation in it. */
#define ALTERED_ANSWERS(name)                                                                                  \
    static int name##_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) { \
        int code = wrapper_run(instance, operations, count);                                                   \
        for (size_t i = 0; i < count; i++)                                                                     \
            name(&operations[i]);                                                                              \
        return code;                                                                                           \
    }                                                                                                          \
    static void name##_table(lesson_store_backend *table) {                                                    \
        table->run = name##_run;                                                                               \
    }

#endif
