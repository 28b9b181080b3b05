/*
 * The lines of an export, one JSON object each:
 *
 *   {"type":"lesson","lesson_id":...,"course_status":"waiting","chat_status":"free"}
 *   {"type":"user","uid":...,"course_id":...,"lesson_id":...}
 *
 * A lesson also has "course_id" and "capacity" (a number), and a user "session", if there is one.
 */
#ifndef LESSONCTL_RECORD_H
#define LESSONCTL_RECORD_H

#include <jansson.h>

#include "input.h"

/* Bytes of a line, with the terminating NUL: four ids with every byte written as \uXXXX, and as much again. */
#define RECORD_LINE_SIZE 16384

struct record {
    json_t *json; /* owns the texts; release it with record_free */
    bool is_user;
    lesson_store_id uid;
    lesson_store_id course_id;
    lesson_store_id lesson_id;
    lesson_store_id session;
    int course_status; /* LESSON_STORE_STATUS_NONE if the line has none */
    int chat_status;
    uint64_t capacity; /* 0 if the line has none */
};

/* On failure nothing needs to be freed. */
bool record_parse(struct record *out, const char *text, size_t size, struct fault *fault);
void record_free(struct record *record);

bool record_write_lesson(struct output *output, const lesson_store_lesson *lesson);
bool record_write_user(struct output *output, const lesson_store_user *user);

#endif
