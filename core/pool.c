#include "core.h"

/* An address that differs in every thread: cheap to have, to compare and to keep in an atomic. */
static uintptr_t this_thread(void) {
    static _Thread_local char tag;
    return (uintptr_t)&tag;
}

static int open_instance(lesson_store_pool *pool, lesson_store_instance **out) {
    int code = pool->backend->open(out, pool->location);
    if (!code)
        (*out)->backend = pool->backend;
    return code;
}

int lesson_store_pool_open(lesson_store_pool *pool, const lesson_store_backend *backend,
                           const lesson_store_location *location) {
    pool->backend = backend;
    pool->location = location;
    int code = open_instance(pool, &pool->slots[0].instance);
    if (code)
        return code;
    bool shares = pool->slots[0].instance->capabilities & LESSON_STORE_CAN_SHARE;
    int wanted = (int)lesson_store_location_number(location, "pool");
    if (!shares && lesson_store_location_has(location, "pool") && wanted > 1) {
        backend->close(pool->slots[0].instance);
        return lesson_store_fail(LESSON_STORE_INVALID, "%s: pool can only be 1, because an instance's data is its own",
                                 location->shown);
    }
    pool->size = shares ? wanted : 1;
    pool->opened = 1;
    pool->idle = 1;
    pool->idle_slots[0] = &pool->slots[0];
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->returned, NULL);
    return LESSON_STORE_OK;
}

void lesson_store_pool_close(lesson_store_pool *pool) {
    for (int i = 0; i < LESSON_STORE_POOL_MAX; i++) {
        if (pool->slots[i].instance)
            pool->backend->close(pool->slots[i].instance);
    }
    pthread_cond_destroy(&pool->returned);
    pthread_mutex_destroy(&pool->mutex);
}

int lesson_store_pool_check_thread(lesson_store_pool *pool) {
    for (int i = 0; i < pool->size; i++) {
        if (atomic_load_explicit(&pool->slots[i].streaming_thread, memory_order_relaxed) == this_thread())
            return lesson_store_fail(LESSON_STORE_REENTERED, "a callback of this store called the store again");
    }
    return LESSON_STORE_OK;
}

static lesson_store_slot *unopened_slot(lesson_store_pool *pool) {
    for (int i = 0; i < pool->size; i++) {
        if (!pool->slots[i].instance && !pool->slots[i].opening)
            return &pool->slots[i];
    }
    return NULL;
}

/* Entered with the mutex held and left without it: connecting can take as long as the connect timeout, and others
 * must be able to give their instances back meanwhile. */
static int grow(lesson_store_pool *pool, lesson_store_slot **out) {
    lesson_store_slot *slot = unopened_slot(pool);
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
        pthread_cond_signal(&pool->returned); /* a waiting thread may try in our place */
    }
    pthread_mutex_unlock(&pool->mutex);
    *out = slot;
    return code;
}

int lesson_store_pool_take(lesson_store_pool *pool, lesson_store_slot **out) {
    pthread_mutex_lock(&pool->mutex);
    /* With one instance the mutex itself is the loan: one lock and one unlock for each call. */
    if (pool->size == 1) {
        *out = &pool->slots[0];
        return LESSON_STORE_OK;
    }
    while (pool->idle == 0) {
        if (pool->opened < pool->size)
            return grow(pool, out);
        pthread_cond_wait(&pool->returned, &pool->mutex);
    }
    *out = pool->idle_slots[--pool->idle];
    pthread_mutex_unlock(&pool->mutex);
    return LESSON_STORE_OK;
}

void lesson_store_pool_give(lesson_store_pool *pool, lesson_store_slot *slot) {
    if (pool->size > 1) {
        pthread_mutex_lock(&pool->mutex);
        pool->idle_slots[pool->idle++] = slot;
        pthread_cond_signal(&pool->returned);
    }
    pthread_mutex_unlock(&pool->mutex);
}

void lesson_store_slot_begin_streaming(lesson_store_slot *slot) {
    atomic_store_explicit(&slot->streaming_thread, this_thread(), memory_order_relaxed);
}

void lesson_store_slot_end_streaming(lesson_store_slot *slot) {
    atomic_store_explicit(&slot->streaming_thread, 0, memory_order_relaxed);
}
