/* Slots: memory for the pending operations, all allocated when the executor opens. */
#include <stdlib.h>

#include "executor.h"

/* The low half is the top of the stack: an index + 1, or 0 if the stack is empty. The high half counts changes. Without
 * the count, a thread that was interrupted while it took the top could find the same slot on top again with another
 * slot below it. */
#define TOP_BITS 32

static uint32_t top_of(uint64_t free) {
    return (uint32_t)free;
}

static uint64_t changed(uint64_t free, uint32_t top) {
    return ((free >> TOP_BITS) + 1) << TOP_BITS | top;
}

int lesson_store__slots_open(lesson_store__slots *slots, uint32_t pending_max, uint32_t held_max) {
    slots->count = pending_max + held_max;
    atomic_init(&slots->room, pending_max);
    atomic_init(&slots->fresh, 0);
    atomic_init(&slots->free, 0);
    slots->all = calloc(slots->count, sizeof *slots->all);
    return slots->all ? LESSON_STORE_OK : LESSON_STORE_NO_MEMORY;
}

void lesson_store__slots_close(lesson_store__slots *slots) {
    free(slots->all);
}

static bool take_room(lesson_store__slots *slots) {
    uint32_t room = atomic_load_explicit(&slots->room, memory_order_relaxed);
    while (room > 0) {
        if (atomic_compare_exchange_weak_explicit(&slots->room, &room, room - 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

static lesson_store__submission *take_used(lesson_store__slots *slots) {
    uint64_t free = atomic_load_explicit(&slots->free, memory_order_acquire);
    while (top_of(free)) {
        lesson_store__submission *submission = &slots->all[top_of(free) - 1];
        uint32_t next = atomic_load_explicit(&submission->next_free, memory_order_relaxed);
        if (atomic_compare_exchange_weak_explicit(&slots->free, &free, changed(free, next), memory_order_acquire,
                                                  memory_order_acquire))
            return submission;
    }
    return NULL;
}

static lesson_store__submission *take_fresh(lesson_store__slots *slots) {
    uint32_t fresh = atomic_load_explicit(&slots->fresh, memory_order_relaxed);
    while (fresh < slots->count) {
        if (atomic_compare_exchange_weak_explicit(&slots->fresh, &fresh, fresh + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return &slots->all[fresh];
    }
    return NULL;
}

/* The slot that was used last comes first, because it is most likely in a cache. A thread that got room finds a slot,
 * because slots are freed before room is made. But another thread can move the slot between the two looks, so this
 * loops. */
lesson_store__submission *lesson_store__slots_take(lesson_store__slots *slots) {
    if (!take_room(slots))
        return NULL;
    for (;;) {
        lesson_store__submission *submission = take_used(slots);
        if (!submission)
            submission = take_fresh(slots);
        if (submission)
            return submission;
    }
}

void lesson_store__slots_free(lesson_store__slots *slots, lesson_store__submission *submission) {
    uint32_t top = lesson_store__slots_index(slots, submission) + 1;
    uint64_t free = atomic_load_explicit(&slots->free, memory_order_relaxed);
    do {
        atomic_store_explicit(&submission->next_free, top_of(free), memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(&slots->free, &free, changed(free, top), memory_order_release,
                                                    memory_order_relaxed));
}

void lesson_store__slots_make_room(lesson_store__slots *slots) {
    atomic_fetch_add_explicit(&slots->room, 1, memory_order_release);
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
    *copy = *operation;
    char *end = keep_id(submission->ids, &copy->uid);
    end = keep_id(end, &copy->course_id);
    end = keep_id(end, &copy->lesson_id);
    keep_id(end, &copy->session);
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
}
