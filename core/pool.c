#include <errno.h>
#include <stdlib.h>

#include "core.h"

/* After a failed open, wait this long before growing the pool again. A server's limit of connections is one cause. */
#define GROW_PAUSE_US INT64_C(1000000)

/* A thread that opens an instance goes on for this long although another one has become free: connecting usually takes
 * less, and otherwise a pool in frequent use would never grow. */
#define OPENING_GRACE_US INT64_C(100000)

/* A returned instance is handed over to a thread that has waited longer than this. Before that any thread may take it,
 * which needs no switch from one thread to another. */
#define BARGING_US 1000

/* An address that differs in every thread. It is cheap to get, to compare and to store in an atomic. */
static uintptr_t this_thread(void) {
    static _Thread_local char tag;
    return (uintptr_t)&tag;
}

/* True if the instance has something that this version does not know. */
static bool uses_reserved(const lesson_store_instance *instance) {
    uint64_t used = instance->exceptions & ~(uint64_t)LESSON_STORE_EXCEPTIONS_0_2;
    for (size_t i = 0; i < sizeof instance->reserved / sizeof *instance->reserved; i++)
        used |= instance->reserved[i];
    return used;
}

int lesson_store__open_instance(lesson_store_instance **out, const lesson_store_backend *backend,
                                const lesson_store_location *location) {
    lesson_store_instance *instance = NULL;
    int code = backend->open(&instance, location);
    *out = NULL;
    if (code < 0)
        return code;
    if (code > 0 || !instance) {
        lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend's open returned %s and %s instance", location->shown,
                          lesson_store_code_name(code), instance ? "an" : "no");
        return LESSON_STORE_FAILED;
    }
    if (uses_reserved(instance)) {
        backend->close(instance);
        lesson_store_fail(LESSON_STORE_FAILED,
                          "%s: the backend did not zero its instance, or it has unknown exceptions", location->shown);
        return LESSON_STORE_FAILED;
    }
    *out = instance;
    return LESSON_STORE_OK;
}

static int64_t timeout_of(const lesson_store_instance *instance) {
    uint64_t most_ms = INT64_MAX / 2000;
    return (int64_t)(instance->call_timeout_ms < most_ms ? instance->call_timeout_ms : most_ms) * 1000;
}

static int open_observer(lesson_store__pool *pool, lesson_store__slot *slot) {
    if (!slot->observer)
        slot->observer = lesson_store__observer_open(pool->log, pool, slot);
    return slot->observer
               ? LESSON_STORE_OK
               : lesson_store_fail(LESSON_STORE_NO_MEMORY, "%s: no memory for an instance", pool->location->shown);
}

/* Opens the first instance. */
static int open_first(lesson_store__pool *pool, lesson_store_location *location) {
    int code = open_observer(pool, &pool->slots[0]);
    location->observer = pool->slots[0].observer;
    if (!code)
        code = lesson_store__open_instance(&pool->slots[0].instance, pool->backend, location);
    if (code)
        free(pool->slots[0].observer);
    return code;
}

int lesson_store__pool_open(lesson_store__pool *pool, const lesson_store_backend *backend,
                            lesson_store_location *location, const lesson_store_log *log) {
    pool->backend = backend;
    pool->location = location;
    pool->log = log;
    int code = open_first(pool, location);
    if (code)
        return code;
    bool shares = pool->slots[0].instance->capabilities & LESSON_STORE_CAN_SHARE;
    int wanted = (int)lesson_store_location_number(location, "pool");
    if (!shares && lesson_store_location_has(location, "pool") && wanted > 1) {
        backend->close(pool->slots[0].instance);
        free(pool->slots[0].observer);
        return lesson_store_fail(LESSON_STORE_INVALID, "%s: pool can only be 1, because the instances share no data",
                                 location->shown);
    }
    pool->size = shares ? wanted : 1;
    pool->call_timeout_us = timeout_of(pool->slots[0].instance);
    pool->mutex_is_loan = pool->size == 1 && pool->call_timeout_us == 0;
    location->first = pool->slots[0].instance;
    pool->opened = 1;
    pool->opens = 1;
    pool->idle = 1;
    pool->idle_slots[0] = &pool->slots[0];
    pthread_mutex_init(&pool->mutex, NULL);
    lesson_store__origin_open(&pool->origin);
    return LESSON_STORE_OK;
}

void lesson_store__pool_close(lesson_store__pool *pool) {
    for (int i = 0; i < LESSON_STORE_POOL_MAX; i++) {
        if (pool->slots[i].instance)
            pool->backend->close(pool->slots[i].instance);
        free(pool->slots[i].observer);
    }
    lesson_store__origin_close(&pool->origin);
    pthread_mutex_destroy(&pool->mutex);
}

bool lesson_store__pool_is_streaming_here(const lesson_store__pool *pool) {
    for (int i = 0; i < pool->size; i++) {
        if (atomic_load_explicit(&pool->slots[i].streaming_thread, memory_order_relaxed) == this_thread())
            return true;
    }
    return false;
}

uintptr_t lesson_store__pool_begin_callback(lesson_store__pool *pool, lesson_store__slot *slot) {
    uintptr_t before = atomic_load_explicit(&slot->streaming_thread, memory_order_relaxed);
    atomic_store_explicit(&slot->streaming_thread, this_thread(), memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->streaming, 1, memory_order_relaxed);
    return before;
}

void lesson_store__pool_end_callback(lesson_store__pool *pool, lesson_store__slot *slot, uintptr_t before) {
    atomic_fetch_sub_explicit(&pool->streaming, 1, memory_order_relaxed);
    atomic_store_explicit(&slot->streaming_thread, before, memory_order_relaxed);
}

static lesson_store__slot *unopened_slot(lesson_store__pool *pool) {
    for (int i = 0; i < pool->size; i++) {
        if (!pool->slots[i].instance && !pool->slots[i].opening)
            return &pool->slots[i];
    }
    return NULL;
}

static bool may_grow(const lesson_store__pool *pool) {
    return pool->opened < pool->size && lesson_store_monotonic_us() >= pool->grow_again_at_us;
}

bool lesson_store__pool_gives_up_opening(lesson_store__pool *pool, int64_t since_us, int64_t deadline_us) {
    int64_t now_us = lesson_store_monotonic_us();
    if (deadline_us != 0 && now_us >= deadline_us)
        return true;
    if (now_us - since_us < OPENING_GRACE_US)
        return false;
    pthread_mutex_lock(&pool->mutex);
    bool has_idle = pool->idle > 0;
    pthread_mutex_unlock(&pool->mutex);
    return has_idle;
}

/* Opens an instance for a call with this deadline. */
static int open_for_call(lesson_store__pool *pool, lesson_store__slot *slot, lesson_store_instance **out,
                         int64_t deadline_us) {
    *out = NULL;
    int memory_code = open_observer(pool, slot);
    lesson_store_location *location = memory_code ? NULL : lesson_store__location_copy(pool->location);
    if (!location)
        return LESSON_STORE_NO_MEMORY;
    location->pool = pool;
    location->observer = slot->observer;
    location->since_us = lesson_store_monotonic_us();
    location->deadline_us = deadline_us;
    int code = lesson_store__open_instance(out, pool->backend, location);
    lesson_store__location_free(location);
    return code;
}

/* Opens one more instance. The mutex is held before and after, but not while connecting. Connecting can last as long as
 * the connect timeout, and meanwhile other threads must be able to give their instances back. */
static int grow(lesson_store__pool *pool, lesson_store__slot *slot, int64_t deadline_us) {
    slot->opening = true;
    pool->opened++;
    pthread_mutex_unlock(&pool->mutex);

    lesson_store_instance *instance;
    int code = open_for_call(pool, slot, &instance, deadline_us);

    pthread_mutex_lock(&pool->mutex);
    slot->opening = false;
    slot->instance = instance;
    pool->opens += code == LESSON_STORE_OK;
    pool->open_failures += code != LESSON_STORE_OK;
    if (code) {
        pool->opened--;
        pool->grow_again_at_us = lesson_store_monotonic_us() + GROW_PAUSE_US;
    }
    return code;
}

static void add_waiter(lesson_store__pool *pool, lesson_store__waiter *waiter) {
    if (pool->last_waiter)
        pool->last_waiter->next = waiter;
    else
        pool->first_waiter = waiter;
    pool->last_waiter = waiter;
}

static void remove_waiter(lesson_store__pool *pool, const lesson_store__waiter *waiter) {
    lesson_store__waiter *before = NULL, **link = &pool->first_waiter;
    for (; *link != waiter; link = &before->next)
        before = *link;
    *link = waiter->next;
    if (pool->last_waiter == waiter)
        pool->last_waiter = before;
}

/* Waits until an instance is idle, or is handed over: then returns its slot. NULL: look again. */
static lesson_store__slot *wait_for_return(lesson_store__pool *pool, int64_t since_us, int64_t deadline_us) {
    lesson_store__waiter waiter = {.since_us = since_us};
    int64_t began_us = lesson_store_monotonic_us();
    lesson_store__condition_open(&waiter.given);
    add_waiter(pool, &waiter);
    while (!waiter.slot && pool->idle == 0 &&
           lesson_store__wait_until(&waiter.given, &pool->mutex, deadline_us) != ETIMEDOUT)
        ;
    if (!waiter.slot)
        remove_waiter(pool, &waiter);
    pthread_cond_destroy(&waiter.given);
    pool->waited_us += (uint64_t)(lesson_store_monotonic_us() - began_us);
    return waiter.slot;
}

static bool is_over(int64_t deadline_us) {
    return deadline_us != 0 && lesson_store_monotonic_us() >= deadline_us;
}

static int fail_to_take(const lesson_store__pool *pool, int open_code) {
    return open_code
               ? open_code
               : lesson_store_fail(LESSON_STORE_BUSY, "%s: all %d instances (pool) were in use for %lld ms",
                                   pool->location->shown, pool->opened, (long long)(pool->call_timeout_us / 1000));
}

/* Called with the mutex held. A failed open alone is no failure of the call: at least one instance exists and comes
 * back, and if the engine has a problem, the call on that instance reports it. */
static lesson_store__slot *idle_or_new(lesson_store__pool *pool, int64_t since_us, int64_t deadline_us, int *code) {
    lesson_store__slot *found = NULL;
    *code = LESSON_STORE_OK;
    bool waits = false;
    while (!found && pool->idle == 0) {
        if (is_over(deadline_us)) {
            *code = fail_to_take(pool, *code);
            return NULL;
        }
        lesson_store__slot *unopened = may_grow(pool) ? unopened_slot(pool) : NULL;
        if (!unopened) {
            pool->waits += !waits;
            waits = true;
            found = wait_for_return(pool, since_us, deadline_us);
            continue;
        }
        *code = grow(pool, unopened, deadline_us);
        found = *code ? NULL : unopened;
    }
    *code = LESSON_STORE_OK;
    return found ? found : pool->idle_slots[--pool->idle];
}

lesson_store__slot *lesson_store__pool_take_one(lesson_store__pool *pool, int *code) {
    int cancel_state = lesson_store__disable_cancel();
    int64_t since_us = lesson_store_monotonic_us();
    int64_t deadline_us = pool->call_timeout_us ? since_us + pool->call_timeout_us : 0;
    pthread_mutex_lock(&pool->mutex);
    lesson_store__slot *slot = idle_or_new(pool, since_us, deadline_us, code);
    pthread_mutex_unlock(&pool->mutex);
    if (!slot) {
        lesson_store__restore_cancel(cancel_state);
        return NULL;
    }
    slot->cancel_state = cancel_state;
    slot->since_us = since_us;
    if (deadline_us)
        slot->instance->deadline_us = deadline_us;
    return slot;
}

/* Threads that wait take precedence over those that come, but only if they have waited for a while. */
void lesson_store__pool_give_one(lesson_store__pool *pool, lesson_store__slot *slot) {
    int cancel_state = slot->cancel_state;
    pthread_mutex_lock(&pool->mutex);
    lesson_store__waiter *first = pool->first_waiter;
    if (first && lesson_store_monotonic_us() - first->since_us > BARGING_US) {
        remove_waiter(pool, first);
        first->slot = slot;
    } else {
        pool->idle_slots[pool->idle++] = slot;
    }
    if (first)
        pthread_cond_signal(&first->given);
    pthread_mutex_unlock(&pool->mutex);
    lesson_store__restore_cancel(cancel_state);
}

lesson_store__slot *lesson_store__pool_take_for_stream(lesson_store__pool *pool, int *code) {
    int cancel_state = lesson_store__disable_cancel();
    lesson_store__slot *slot = lesson_store__pool_take(pool, code);
    if (!slot) {
        lesson_store__restore_cancel(cancel_state);
        return NULL;
    }
    slot->cancel_state = cancel_state;
    lesson_store__pool_begin_callback(pool, slot);
    return slot;
}

void lesson_store__pool_give_after_stream(lesson_store__pool *pool, lesson_store__slot *slot) {
    int cancel_state = slot->cancel_state;
    lesson_store__pool_end_callback(pool, slot, 0);
    lesson_store__pool_give(pool, slot);
    lesson_store__restore_cancel(cancel_state);
}

/* ---- Figures */

void lesson_store__pool_read_figures(lesson_store__pool *pool, lesson_store_figures *figures) {
    figures->pool_size = (uint64_t)pool->size;
    if (pool->mutex_is_loan) { /* a callback that reads them holds the mutex itself */
        bool is_lent = pthread_mutex_trylock(&pool->mutex) != 0;
        if (!is_lent)
            pthread_mutex_unlock(&pool->mutex);
        figures->pool_open = figures->opens = 1;
        figures->pool_lent = is_lent;
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    figures->pool_open = (uint64_t)pool->opened;
    figures->pool_lent = (uint64_t)(pool->opened - pool->idle);
    figures->waits = pool->waits;
    figures->waited_us = pool->waited_us;
    figures->opens = pool->opens;
    figures->open_failures = pool->open_failures;
    pthread_mutex_unlock(&pool->mutex);
}
