#include "core.h"

/* After a failed open, wait this long before growing the pool again. A server's limit of connections is one cause. */
#define GROW_PAUSE_MS 1000

/* An address that differs in every thread. It is cheap to get, to compare and to store in an atomic. */
static uintptr_t this_thread(void) {
    static _Thread_local char tag;
    return (uintptr_t)&tag;
}

static bool uses_reserved(const lesson_store_instance *instance) {
    uint64_t used = 0;
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
        lesson_store_fail(LESSON_STORE_FAILED, "%s: the backend did not zero its instance", location->shown);
        return LESSON_STORE_FAILED;
    }
    *out = instance;
    return LESSON_STORE_OK;
}

static int open_instance(lesson_store__pool *pool, lesson_store_instance **out) {
    return lesson_store__open_instance(out, pool->backend, pool->location);
}

int lesson_store__pool_open(lesson_store__pool *pool, const lesson_store_backend *backend,
                            lesson_store_location *location) {
    pool->backend = backend;
    pool->location = location;
    int code = open_instance(pool, &pool->slots[0].instance);
    if (code)
        return code;
    bool shares = pool->slots[0].instance->capabilities & LESSON_STORE_CAN_SHARE;
    int wanted = (int)lesson_store_location_number(location, "pool");
    if (!shares && lesson_store_location_has(location, "pool") && wanted > 1) {
        backend->close(pool->slots[0].instance);
        return lesson_store_fail(LESSON_STORE_INVALID, "%s: pool can only be 1, because the instances share no data",
                                 location->shown);
    }
    pool->size = shares ? wanted : 1;
    location->first = pool->slots[0].instance;
    pool->opened = 1;
    pool->idle = 1;
    pool->idle_slots[0] = &pool->slots[0];
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->returned, NULL);
    return LESSON_STORE_OK;
}

void lesson_store__pool_close(lesson_store__pool *pool) {
    for (int i = 0; i < LESSON_STORE_POOL_MAX; i++) {
        if (pool->slots[i].instance)
            pool->backend->close(pool->slots[i].instance);
    }
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->mutex);
}

bool lesson_store__pool_is_streaming_here(const lesson_store__pool *pool) {
    for (int i = 0; i < pool->size; i++) {
        if (atomic_load_explicit(&pool->slots[i].streaming_thread, memory_order_relaxed) == this_thread())
            return true;
    }
    return false;
}

static lesson_store__slot *unopened_slot(lesson_store__pool *pool) {
    for (int i = 0; i < pool->size; i++) {
        if (!pool->slots[i].instance && !pool->slots[i].opening)
            return &pool->slots[i];
    }
    return NULL;
}

static bool may_grow(const lesson_store__pool *pool) {
    return pool->opened < pool->size && lesson_store__now_ms() >= pool->grow_again_at_ms;
}

/* Opens one more instance. The mutex is held before and after, but not while connecting. Connecting can last as long as
 * the connect timeout, and meanwhile other threads must be able to give their instances back. */
static int grow(lesson_store__pool *pool, lesson_store__slot *slot) {
    slot->opening = true;
    pool->opened++;
    pthread_mutex_unlock(&pool->mutex);

    lesson_store_instance *instance = NULL;
    int code = open_instance(pool, &instance);

    pthread_mutex_lock(&pool->mutex);
    slot->opening = false;
    slot->instance = instance;
    if (code) {
        pool->opened--;
        pool->grow_again_at_ms = lesson_store__now_ms() + GROW_PAUSE_MS;
    }
    return code;
}

/* Called with the mutex held. A failed open is no failure of the call: at least one instance exists and comes back, and
 * if the engine has a problem, the call on that instance reports it. */
static lesson_store__slot *idle_or_new(lesson_store__pool *pool) {
    while (pool->idle == 0) {
        lesson_store__slot *slot = may_grow(pool) ? unopened_slot(pool) : NULL;
        if (!slot)
            pthread_cond_wait(&pool->returned, &pool->mutex);
        else if (grow(pool, slot) == LESSON_STORE_OK)
            return slot;
    }
    return pool->idle_slots[--pool->idle];
}

/* Called with the mutex held; unlocks it. */
lesson_store__slot *lesson_store__pool_take_one(lesson_store__pool *pool) {
    lesson_store__slot *slot = idle_or_new(pool);
    pthread_mutex_unlock(&pool->mutex);
    return slot;
}

void lesson_store__pool_give_one(lesson_store__pool *pool, lesson_store__slot *slot) {
    pthread_mutex_lock(&pool->mutex);
    pool->idle_slots[pool->idle++] = slot;
    pthread_cond_signal(&pool->returned);
    pthread_mutex_unlock(&pool->mutex);
}

void lesson_store__pool_begin_streaming(lesson_store__pool *pool, lesson_store__slot *slot) {
    atomic_store_explicit(&slot->streaming_thread, this_thread(), memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->streaming, 1, memory_order_relaxed);
}

void lesson_store__pool_end_streaming(lesson_store__pool *pool, lesson_store__slot *slot) {
    atomic_fetch_sub_explicit(&pool->streaming, 1, memory_order_relaxed);
    atomic_store_explicit(&slot->streaming_thread, 0, memory_order_relaxed);
}
