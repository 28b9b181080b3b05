/* Time and random bytes. */
#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "core.h"

int64_t lesson_store_monotonic_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

int64_t lesson_store__now_ms(void) {
    return lesson_store_monotonic_us() / 1000;
}

int64_t lesson_store_clock_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void lesson_store__condition_open(pthread_cond_t *condition) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

int lesson_store__wait_until(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t until_us) {
    if (until_us == 0)
        return pthread_cond_wait(condition, mutex);
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000), .tv_nsec = (long)(until_us % 1000000) * 1000};
    return pthread_cond_timedwait(condition, mutex, &until);
}

/* Up to 256 bytes, getrandom is not interrupted once the system has collected enough entropy (its manual page). */
int lesson_store_random(void *bytes, size_t size) {
    char *out = bytes;
    while (size > 0) {
        ssize_t got = getrandom(out, size < 256 ? size : 256, 0);
        if (got < 0 && errno != EINTR)
            return lesson_store_fail(LESSON_STORE_FAILED, "no random bytes: %s", strerror(errno));
        if (got > 0) {
            out += got;
            size -= (size_t)got;
        }
    }
    return LESSON_STORE_OK;
}
