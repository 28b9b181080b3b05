/* A store as two JSON objects: the simplest description of what a trace or an import leaves. */
#ifndef LESSON_STORE_FUZZ_MODEL_H
#define LESSON_STORE_FUZZ_MODEL_H

#include <jansson.h>

#include "fuzz.h"

typedef struct fuzz_model {
    json_t *lessons; /* by lesson_id: an object of the exported fields */
    json_t *users;   /* by uid: the same */
} fuzz_model;

void fuzz_model_begin(fuzz_model *model);
void fuzz_model_end(fuzz_model *model);

/* Creates a lesson only if there is none; then it is waiting and free. */
void fuzz_model_create(fuzz_model *model, const char *lesson_id);

/* A course of NULL and a capacity of 0 leave those of the lesson as they are. */
void fuzz_model_set(fuzz_model *model, const char *lesson_id, const char *course_status, const char *chat_status,
                    const char *course_id, json_int_t capacity);

void fuzz_model_join(fuzz_model *model, const char *uid, const char *course_id, const char *lesson_id,
                     const char *session);
void fuzz_model_quit(fuzz_model *model, const char *uid, const char *lesson_id); /* NULL: from anywhere */
void fuzz_model_end_lesson(fuzz_model *model, const char *lesson_id);

/* Like fuzz_export. */
char *fuzz_model_export(const fuzz_model *model);

#endif
