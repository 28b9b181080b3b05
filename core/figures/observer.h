/* What is counted of one instance, and the log of a store. core.h includes this file. */
#ifndef LESSON_STORE_CORE_OBSERVER_H
#define LESSON_STORE_CORE_OBSERVER_H

#include <stdatomic.h>

#include <lessonstore/backend.h>
#include <lessonstore/figures.h>

#define LESSON_STORE__COUNTED_END (LESSON_STORE_COUNTED_EVENTS + 1) /* of the numbers of calls */
#define LESSON_STORE__NOT_COUNTED LESSON_STORE__COUNTED_END         /* the number of a call that is not counted */
#define LESSON_STORE__CODES_UP 8                                    /* codes from 0 on, with room for more */
#define LESSON_STORE__CODES_DOWN 24 /* codes below 0, by their amount; 0 is for those that are none of ours */

typedef _Atomic(uint64_t) lesson_store__figure;

typedef struct lesson_store__counted {
    lesson_store__figure answers[LESSON_STORE__CODES_UP];
    lesson_store__figure failures[LESSON_STORE__CODES_DOWN];
    lesson_store__figure took[LESSON_STORE_TIMES];
    lesson_store__figure took_us;
} lesson_store__counted;

/* Written by the thread that has borrowed the instance, read by any. */
struct lesson_store_observer {
    const lesson_store_log *log;     /* of the store */
    struct lesson_store__pool *pool; /* of its instance; NULL: that of the thread of the feeds */
    struct lesson_store__slot *slot;
    lesson_store__figure engine[LESSON_STORE_ENGINE_FIGURES];
    lesson_store__counted calls[LESSON_STORE__COUNTED_END];
};

/* NULL: no memory. It is freed by free(). */
lesson_store_observer *lesson_store__observer_open(const lesson_store_log *log, struct lesson_store__pool *pool,
                                                   struct lesson_store__slot *slot);

/* Only one thread writes a figure at a time, so no addition is lost, and this takes a fifth of the time of an atomic
 * one. */
static inline void lesson_store__figure_add(lesson_store__figure *figure, uint64_t more) {
#ifdef LESSON_STORE_UNCOUNTED /* only to measure what counting costs (bench/figures.c) */
    (void)figure, (void)more;
    return;
#endif
    atomic_store_explicit(figure, atomic_load_explicit(figure, memory_order_relaxed) + more, memory_order_relaxed);
}

static inline lesson_store__figure *lesson_store__figure_of_code(lesson_store__counted *counted, int code) {
    if (code >= 0)
        return &counted->answers[code < LESSON_STORE__CODES_UP ? code : LESSON_STORE__CODES_UP - 1];
    return &counted->failures[code > -LESSON_STORE__CODES_DOWN ? -code : 0];
}

/* Counts a call that had an instance. `since_us`: when it began; 0: its time is not measured. */
void lesson_store__count_call(lesson_store_observer *observer, uint32_t call, int code, int64_t since_us);
void lesson_store__count_time(lesson_store_observer *observer, uint32_t call, int64_t since_us);

/* Counts a call that came to no instance, and returns its code. Several threads may do so at a time. */
LESSON_STORE_RARE int lesson_store__count_refused(lesson_store *store, uint32_t call, int code);

static inline bool lesson_store__is_operation(uint32_t kind) {
    return kind > LESSON_STORE_OPERATION_NONE && kind <= LESSON_STORE_OPERATION_BAN;
}

/* Counts the operations of a batch by their codes. */
static inline void lesson_store__count_operations(lesson_store_observer *observer,
                                                  const lesson_store_operation *operations, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (lesson_store__is_operation(operations[i].kind))
            lesson_store__figure_add(
                lesson_store__figure_of_code(&observer->calls[operations[i].kind], operations[i].code), 1);
    }
}

#endif
