#include "allocator.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void __real_free(void *block);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context);
int __real_eventfd(unsigned value, int flags);
/* Visible, because a sanitizer's library may look for them. */
#define WRAPPED __attribute__((visibility("default")))
WRAPPED void *__wrap_malloc(size_t size);
WRAPPED void *__wrap_calloc(size_t count, size_t size);
WRAPPED void *__wrap_realloc(void *block, size_t size);
WRAPPED int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
WRAPPED char *__wrap_strdup(const char *text);
WRAPPED void __wrap_free(void *block);
WRAPPED int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                                  void *context);
WRAPPED int __wrap_eventfd(unsigned value, int flags);

static atomic_bool watching;
static atomic_long asked;
static atomic_long failed;
static atomic_long live;
static long first;
static bool all_behind;

void allocator_begin(long nth, bool for_good) {
    first = nth;
    all_behind = for_good;
    asked = failed = 0;
    watching = true;
}

long allocator_end(void) {
    watching = false;
    return failed;
}

long allocator_asked(void) {
    return asked;
}

long allocator_live(void) {
    return live;
}

static _Thread_local bool is_spared;

bool allocator_refuses(void) {
    if (!watching || is_spared)
        return false;
    long number = ++asked;
    bool refused = first > 0 && (number == first || (all_behind && number > first));
    failed += refused;
    return refused;
}

static void *count(void *block) {
    live += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size) {
    return allocator_refuses() ? NULL : count(__real_malloc(size));
}

void *__wrap_calloc(size_t number, size_t size) {
    return allocator_refuses() ? NULL : count(__real_calloc(number, size));
}

void *__wrap_realloc(void *block, size_t size) {
    if (allocator_refuses())
        return NULL;
    void *resized = __real_realloc(block, size);
    return block ? resized : count(resized);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size) {
    int error = allocator_refuses() ? ENOMEM : __real_posix_memalign(out, alignment, size);
    live += !error;
    return error;
}

char *__wrap_strdup(const char *text) {
    size_t size = strlen(text) + 1;
    void *copy = __wrap_malloc(size);
    return copy ? memcpy(copy, text, size) : NULL;
}

void __wrap_free(void *block) {
    live -= block != NULL;
    __real_free(block);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context) {
    return allocator_refuses() ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}

int __wrap_eventfd(unsigned value, int flags) {
    if (!allocator_refuses())
        return __real_eventfd(value, flags);
    errno = EMFILE;
    return -1;
}

#ifdef WITH_OLD_HIREDIS
/* Before version 1.0, hiredis ends the process if these have no memory, so they cannot be tested. */
char *__real_hi_strdup(const char *text);
WRAPPED char *__wrap_hi_strdup(const char *text);
void *__real_hi_malloc(size_t size);
WRAPPED void *__wrap_hi_malloc(size_t size);

char *__wrap_hi_strdup(const char *text) {
    is_spared = true;
    char *copy = __real_hi_strdup(text);
    is_spared = false;
    return copy;
}

void *__wrap_hi_malloc(size_t size) {
    is_spared = true;
    void *block = __real_hi_malloc(size);
    is_spared = false;
    return block;
}
#endif
