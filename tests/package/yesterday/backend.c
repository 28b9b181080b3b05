/* Yesterday's backend: it keeps one user, and knows nothing that came later. */
#include <stdlib.h>

#include "backend.h"

typedef struct one_user {
    lesson_store_instance base;
    char uid[LESSON_STORE_ID_MAX + 1];
    lesson_store_place place;
} one_user;

static int old_open(lesson_store_instance **out, const lesson_store_location *location) {
    one_user *one = calloc(1, sizeof *one);
    (void)location;
    if (!one)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "old: no memory");
    *out = &one->base;
    return LESSON_STORE_OK;
}

static void old_close(lesson_store_instance *instance) {
    free(instance);
}

static int run_one(one_user *one, lesson_store_operation *operation) {
    if (operation->kind == LESSON_STORE_OPERATION_JOIN) {
        if (one->uid[0])
            return lesson_store_fail(LESSON_STORE_FULL, "old: there is room for one user, and %s is here", one->uid);
        lesson_store_id_copy(one->uid, operation->uid);
        lesson_store_id_copy(one->place.course_id, operation->course_id);
        lesson_store_id_copy(one->place.lesson_id, operation->lesson_id);
        operation->arrival = LESSON_STORE_ARRIVAL_NEW;
        return LESSON_STORE_OK;
    }
    if (!lesson_store_id_equal(operation->uid, lesson_store_id_of(one->uid)))
        return LESSON_STORE_NOT_FOUND;
    if (operation->place)
        *operation->place = one->place;
    return LESSON_STORE_OK;
}

static int old_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    for (size_t i = 0; i < count; i++)
        lesson_store_answer(&operations[i], run_one((one_user *)instance, &operations[i]));
    return LESSON_STORE_OK;
}

static const lesson_store_option old_options[] = {
    {.name = "word", .summary = "a word", .text_default = "none"},
    {.name = "token", .summary = "a secret", .flags = LESSON_STORE_OPTION_SECRET},
    {.name = NULL},
};

const lesson_store_backend old_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "old",
    .summary = "one user",
    .operations = LESSON_STORE_OPERATION_MASK_JOIN | LESSON_STORE_OPERATION_MASK_WHERE,
    .options = old_options,
    .open = old_open,
    .close = old_close,
    .run = old_run,
};
