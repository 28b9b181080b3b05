/* Reading the figures: the sums over all instances. */
#include "../core.h"

void lesson_store_call_figures_init(lesson_store_call_figures *figures, size_t size) {
    const lesson_store_call_figures init = LESSON_STORE_CALL_FIGURES_INIT;
    lesson_store_sized_init(figures, size, &init, sizeof init);
}

void lesson_store_figures_init(lesson_store_figures *figures, size_t size) {
    const lesson_store_figures init = LESSON_STORE_FIGURES_INIT;
    lesson_store_sized_init(figures, size, &init, sizeof init);
}

static uint64_t read_figure(const lesson_store__figure *figure) {
    return atomic_load_explicit(figure, memory_order_relaxed);
}

static void add_counted(lesson_store_call_figures *sum, const lesson_store__counted *counted) {
    for (int i = 0; i < LESSON_STORE__CODES_UP; i++)
        sum->answers[i] += read_figure(&counted->answers[i]);
    for (int i = 0; i < LESSON_STORE__CODES_DOWN; i++)
        sum->failures[i] += read_figure(&counted->failures[i]);
    for (int i = 0; i < LESSON_STORE_TIMES; i++)
        sum->took[i] += read_figure(&counted->took[i]);
    sum->took_us += read_figure(&counted->took_us);
}

/* Those of the pool's instances, then that of the thread of the feeds. NULL where there is none, which is not the end.
 */
static const lesson_store_observer *observer_at(const lesson_store *store, int index) {
    const _Atomic(lesson_store_observer *) *place =
        index < LESSON_STORE_POOL_MAX ? &store->pool.slots[index].observer : &store->reader.observer;
    return atomic_load_explicit(place, memory_order_acquire);
}

static int check_reading(const lesson_store *store, const void *figures) {
    if (!store || !figures)
        return lesson_store_fail(LESSON_STORE_INVALID, "figures: no %s", store ? "structure to fill" : "store");
    return lesson_store__origin_is_elsewhere(&store->pool.origin) ? lesson_store__fail_in_child() : LESSON_STORE_OK;
}

static int fail_by_size(void) {
    return lesson_store_fail(LESSON_STORE_INVALID, "figures: the size is not valid");
}

int lesson_store_read_call_figures(lesson_store *store, uint32_t call, lesson_store_call_figures *figures) {
    int code = check_reading(store, figures);
    if (code)
        return code;
    if (!lesson_store_call_name(call))
        return lesson_store_fail(LESSON_STORE_INVALID, "figures: there is no kind of call %u", (unsigned)call);
    lesson_store_call_figures sum = LESSON_STORE_CALL_FIGURES_INIT;
    add_counted(&sum, &store->refused[call]);
    for (int i = 0; i <= LESSON_STORE_POOL_MAX; i++) {
        const lesson_store_observer *observer = observer_at(store, i);
        if (observer)
            add_counted(&sum, &observer->calls[call]);
    }
    return lesson_store__sized_write(figures, &sum, sizeof sum) ? LESSON_STORE_OK : fail_by_size();
}

int lesson_store_read_figures(lesson_store *store, lesson_store_figures *figures) {
    int code = check_reading(store, figures);
    if (code)
        return code;
    lesson_store_figures sum = LESSON_STORE_FIGURES_INIT;
    lesson_store__pool_read_figures(&store->pool, &sum);
    for (int i = 0; i <= LESSON_STORE_POOL_MAX; i++) {
        const lesson_store_observer *observer = observer_at(store, i);
        for (int j = 0; observer && j < LESSON_STORE_ENGINE_FIGURES; j++)
            sum.engine[j] += read_figure(&observer->engine[j]);
    }
    return lesson_store__sized_write(figures, &sum, sizeof sum) ? LESSON_STORE_OK : fail_by_size();
}
