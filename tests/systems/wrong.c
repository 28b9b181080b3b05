#include "wrong.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

static const lesson_store_backend *right;

bool wrong_make(lesson_store_backend *out, const wrong_backend *wrong) {
    for (size_t i = 0; (right = lesson_store_backend_at(i)); i++) {
        if (strcmp(right->schemes, wrong->engine) == 0)
            break;
    }
    if (!right)
        return false;
    *out = *right;
    if (wrong->run)
        out->run = wrong->run;
    return true;
}

static void allow_cancel(void) {
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    pthread_testcancel();
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
}

/* A cancelled thread keeps its instance for ever. */
static int run_cancellable(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    allow_cancel();
    return right->run(instance, operations, count);
}

/* A cancelled thread leaves half a batch, and keeps its instance. */
static int run_by_halves(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = right->run(instance, operations, count / 2);
    allow_cancel();
    return code ? code : right->run(instance, operations + count / 2, count - count / 2);
}

/* A wait that a signal ends counts as a failure. */
static int run_interruptibly(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    const struct timespec pause = {.tv_nsec = 100000};
    if (nanosleep(&pause, NULL) != 0)
        return lesson_store_fail(LESSON_STORE_UNREACHABLE, "a signal came");
    return right->run(instance, operations, count);
}

/* A write that cannot be done, because the file is no longer where it was, is acknowledged. */
static int run_trustfully(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    int code = right->run(instance, operations, count);
    if (code != LESSON_STORE_UNREACHABLE)
        return code;
    for (size_t i = 0; i < count; i++)
        operations[i].code = LESSON_STORE_OK;
    return LESSON_STORE_OK;
}

const wrong_backend wrong_backends[] = {
    {"right, in memory", "memory", NULL, NULL},
    {"right, in a file", "sqlite", NULL, NULL},
    {"a cancelled thread keeps its instance", "memory", "cancelled threads", run_cancellable},
    {"a cancelled thread leaves half a batch", "memory", "cancelled threads", run_by_halves},
    {"a signal ends a call", "memory", "signals", run_interruptibly},
    {"a write is acknowledged after the link was turned", "sqlite", "turned link", run_trustfully},
    {"a write is acknowledged after the file was moved", "sqlite", "moved file", run_trustfully},
    {"a write is acknowledged after the log was removed", "sqlite", "removed log", run_trustfully},
    {NULL, NULL, NULL, NULL},
};
