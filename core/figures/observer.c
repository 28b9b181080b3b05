/* Counting, and telling the log. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../core.h"

lesson_store_observer *lesson_store__observer_open(const lesson_store_log *log, lesson_store__pool *pool,
                                                   lesson_store__slot *slot) {
    lesson_store_observer *observer = calloc(1, sizeof *observer);
    if (!observer)
        return NULL;
    observer->log = log;
    observer->pool = pool;
    observer->slot = slot;
    return observer;
}

static int class_of(uint64_t us) {
    int index = 0;
    while (us > lesson_store_time_limit_us(index))
        index++;
    return index;
}

void lesson_store__count_time(lesson_store_observer *observer, uint32_t call, int64_t since_us) {
    if (since_us == 0)
        return;
    int64_t took_us = lesson_store_monotonic_us() - since_us;
    uint64_t us = took_us > 0 ? (uint64_t)took_us : 0;
    lesson_store__figure_add(&observer->calls[call].took[class_of(us)], 1);
    lesson_store__figure_add(&observer->calls[call].took_us, us);
}

void lesson_store__count_call(lesson_store_observer *observer, uint32_t call, int code, int64_t since_us) {
    lesson_store__figure_add(lesson_store__figure_of_code(&observer->calls[call], code), 1);
    lesson_store__count_time(observer, call, since_us);
}

int lesson_store__count_refused(lesson_store *store, uint32_t call, int code) {
    if (store && call < LESSON_STORE__COUNTED_END && !lesson_store__origin_is_elsewhere(&store->pool.origin))
        atomic_fetch_add_explicit(lesson_store__figure_of_code(&store->refused[call], code), 1, memory_order_relaxed);
    return code;
}

/* ---- For backends */

void lesson_store_observe_count(lesson_store_observer *observer, lesson_store_engine_figure figure, uint64_t more) {
    if (observer && (unsigned)figure < LESSON_STORE_ENGINE_FIGURES)
        lesson_store__figure_add(&observer->engine[figure], more);
}

static uint32_t level_of(uint32_t kind) {
    static const uint32_t levels[] = {
#define LEVEL(name, number, level, word) [number] = LESSON_STORE_LEVEL_##level,
        LESSON_STORE_LOG_MAP(LEVEL)
#undef LEVEL
    };
    bool is_known = kind < sizeof levels / sizeof *levels && levels[kind];
    return is_known ? levels[kind] : LESSON_STORE_LEVEL_DETAIL;
}

bool lesson_store_observes_event(const lesson_store_observer *observer, lesson_store_log_kind kind) {
    return observer && observer->log->callback && level_of(kind) <= observer->log->level;
}

void lesson_store_observe_event(lesson_store_observer *observer, lesson_store_log_kind kind, const char *format, ...) {
    if (!lesson_store_observes_event(observer, kind))
        return;
    char text[LESSON_STORE_MESSAGE_SIZE], kept[LESSON_STORE_MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lesson_store_make_printable(text);
    const lesson_store_log_entry entry = {
        .kind = kind, .level = level_of(kind), .word = lesson_store_log_word(kind), .message = text};
    lesson_store__message_save(kept);
    uintptr_t before = observer->slot ? lesson_store__pool_begin_callback(observer->pool, observer->slot) : 0;
    observer->log->callback(&entry, observer->log->context);
    if (observer->slot)
        lesson_store__pool_end_callback(observer->pool, observer->slot, before);
    lesson_store__message_restore(kept);
}

/* ---- Words */

const char *lesson_store_log_word(uint32_t kind) {
    switch (kind) {
#define WORD(name, number, level, word) \
    case LESSON_STORE_LOG_##name:       \
        return word;
        LESSON_STORE_LOG_MAP(WORD)
#undef WORD
    default:
        return "?";
    }
}

const char *lesson_store_level_word(uint32_t level) {
    static const char *const words[] = {[LESSON_STORE_LEVEL_WARNING] = "warning",
                                        [LESSON_STORE_LEVEL_NOTICE] = "notice",
                                        [LESSON_STORE_LEVEL_DETAIL] = "detail"};
    return level >= LESSON_STORE_LEVEL_WARNING && level <= LESSON_STORE_LEVEL_DETAIL ? words[level] : "?";
}

const char *lesson_store_call_name(uint32_t call) {
    switch (call) {
#define WORD(name, number, word) \
    case (number):               \
        return word;
        LESSON_STORE_OPERATION_MAP(WORD)
        LESSON_STORE_COUNTED_MAP(WORD)
#undef WORD
    default:
        return NULL;
    }
}
