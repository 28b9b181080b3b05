/* Slots: memory for the pending operations, all allocated when the executor opens. */
#include <stdlib.h>

#include "executor.h"

int lesson_store__slots_open(lesson_store__slots *slots, uint32_t pending_max, uint32_t held_max) {
    pthread_mutex_init(&slots->mutex, NULL);
    slots->count = pending_max + held_max;
    slots->room = pending_max;
    slots->all = calloc(slots->count, sizeof *slots->all);
    return slots->all ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
}

void lesson_store__slots_close(lesson_store__slots *slots) {
    free(slots->all);
    pthread_mutex_destroy(&slots->mutex);
}

/* Called with the mutex held, and only if there is room. Then a slot is free, because slots are freed before room is
 * made. The slot that was used last comes first, because it is most likely in a cache. */
static lesson_store__submission *take(lesson_store__slots *slots) {
    lesson_store__submission *submission = slots->free;
    slots->room--;
    if (!submission)
        return &slots->all[slots->used++];
    slots->free = submission->next;
    return submission;
}

lesson_store__submission *lesson_store__slots_take(lesson_store__slots *slots) {
    pthread_mutex_lock(&slots->mutex);
    lesson_store__submission *submission = slots->room > 0 ? take(slots) : NULL;
    pthread_mutex_unlock(&slots->mutex);
    return submission;
}

void lesson_store__slots_free(lesson_store__slots *slots, lesson_store__submission *submission, bool makes_room) {
    pthread_mutex_lock(&slots->mutex);
    submission->next = slots->free;
    slots->free = submission;
    slots->room += makes_room;
    pthread_mutex_unlock(&slots->mutex);
}

void lesson_store__slots_make_room(lesson_store__slots *slots) {
    pthread_mutex_lock(&slots->mutex);
    slots->room++;
    pthread_mutex_unlock(&slots->mutex);
}

uint32_t lesson_store__slots_used(lesson_store__slots *slots) {
    pthread_mutex_lock(&slots->mutex);
    uint32_t used = slots->used;
    pthread_mutex_unlock(&slots->mutex);
    return used;
}

uint32_t lesson_store__slots_index(const lesson_store__slots *slots, const lesson_store__submission *submission) {
    return (uint32_t)(submission - slots->all);
}

static char *keep_id(char *end, lesson_store_id *id) {
    if (!id->data)
        return end;
    memcpy(end, id->data, id->size);
    id->data = end;
    return end + id->size;
}

void lesson_store__submission_fill(lesson_store__submission *submission, const lesson_store_operation *operation) {
    const lesson_store_id none = {NULL, 0};
    lesson_store_operation *copy = &submission->operation;
    lesson_store__copy(copy, operation, sizeof *copy);
    char *end = keep_id(submission->ids, &copy->uid);
    end = keep_id(end, &copy->course_id);
    end = keep_id(end, &copy->lesson_id);
    end = keep_id(end, &copy->session);
    end = keep_id(end, &copy->if_session);
    keep_id(end, &copy->owner);
    if (copy->place) {
        copy->place = &submission->place;
        lesson_store_answer_place(copy, none, none, none); /* an answer without a place must not show another user's */
    }
    copy->message = submission->message;
    copy->message_size = sizeof submission->message;
    submission->message[0] = '\0';
}

void lesson_store__copy_answers(lesson_store_operation *to, const lesson_store_operation *from) {
    to->code = from->code;
    to->arrival = from->arrival;
    to->refused_by = from->refused_by;
    to->count = from->count;
    to->reserved_answer = from->reserved_answer;
    memcpy(to->reserved_answers, from->reserved_answers, sizeof to->reserved_answers);
    /* In an answer that names the lesson, `lesson_id` is the caller's own id. */
    bool own = from->lesson_id.data && from->lesson.lesson_id.data == from->lesson_id.data;
    to->lesson = from->lesson;
    if (own)
        to->lesson.lesson_id = to->lesson_id;
    /* And the course is in the place. */
    if (from->lesson.course_id.data && from->place && from->lesson.course_id.data == from->place->course_id)
        to->lesson.course_id = lesson_store_id_of(to->place ? to->place->course_id : NULL);
}
