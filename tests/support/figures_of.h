/* Reading figures in tests. */
#ifndef LESSON_STORE_TESTS_FIGURES_OF_H
#define LESSON_STORE_TESTS_FIGURES_OF_H

#include <lessonstore/figures.h>

#include "cmocka_all.h"

static inline lesson_store_call_figures figures_of_call(lesson_store *store, uint32_t call) {
    lesson_store_call_figures figures = LESSON_STORE_CALL_FIGURES_INIT;
    assert_int_equal(lesson_store_read_call_figures(store, call, &figures), LESSON_STORE_OK);
    return figures;
}

static inline lesson_store_figures figures_of_store(lesson_store *store) {
    lesson_store_figures figures = LESSON_STORE_FIGURES_INIT;
    assert_int_equal(lesson_store_read_figures(store, &figures), LESSON_STORE_OK);
    return figures;
}

static inline uint64_t figures_engine(lesson_store *store, lesson_store_engine_figure figure) {
    return figures_of_store(store).engine[figure];
}

/* How many calls of this kind ended with this code. */
static inline uint64_t figures_calls(lesson_store *store, uint32_t call, int code) {
    lesson_store_call_figures figures = figures_of_call(store, call);
    return code >= 0 ? figures.answers[code] : figures.failures[-code];
}

/* How many of them have a time. */
static inline uint64_t figures_times(lesson_store *store, uint32_t call) {
    lesson_store_call_figures figures = figures_of_call(store, call);
    uint64_t count = 0;
    for (int i = 0; i < LESSON_STORE_TIMES; i++)
        count += figures.took[i];
    return count;
}

#endif
