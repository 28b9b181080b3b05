#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lessonstore/backend.h>

#include "condition.h"
#include "lookup.h"

struct redis_lookup {
    pthread_mutex_t mutex;
    pthread_cond_t found;
    bool is_done;
    bool one_has_left; /* the caller or the thread; the other one frees it */
    int error;
    struct addrinfo *addresses;
    char *host;
    char port[16];
};

static void free_lookup(redis_lookup *lookup) {
    if (lookup->addresses)
        freeaddrinfo(lookup->addresses);
    pthread_cond_destroy(&lookup->found);
    pthread_mutex_destroy(&lookup->mutex);
    free(lookup->host);
    free(lookup);
}

static void look_up(redis_lookup *lookup, int flags) {
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *addresses = NULL;
    int error = getaddrinfo(lookup->host, lookup->port, &wanted, &addresses);
    pthread_mutex_lock(&lookup->mutex);
    lookup->error = error;
    lookup->addresses = error ? NULL : addresses;
    lookup->is_done = true;
    pthread_cond_signal(&lookup->found);
    pthread_mutex_unlock(&lookup->mutex);
}

static void *run(void *context) {
    redis_lookup *lookup = context;
    look_up(lookup, 0);
    pthread_mutex_lock(&lookup->mutex);
    bool is_last = lookup->one_has_left;
    lookup->one_has_left = true;
    pthread_mutex_unlock(&lookup->mutex);
    if (is_last)
        free_lookup(lookup);
    return NULL;
}

/* The application's signals are for its own threads. */
static bool start_thread(redis_lookup *lookup) {
    pthread_t thread;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_running = pthread_create(&thread, NULL, run, lookup) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_running)
        pthread_detach(thread);
    return is_running;
}

redis_lookup *redis_lookup_begin(const char *host, int port) {
    redis_lookup *lookup = calloc(1, sizeof *lookup);
    char *copy = strdup(host);
    if (!lookup || !copy) {
        free(lookup);
        free(copy);
        return NULL;
    }
    lookup->host = copy;
    snprintf(lookup->port, sizeof lookup->port, "%d", port);
    pthread_mutex_init(&lookup->mutex, NULL);
    redis_condition_open(&lookup->found);
    look_up(lookup, AI_NUMERICHOST);
    lookup->one_has_left = true; /* there is no thread */
    if (lookup->error != EAI_NONAME)
        return lookup;
    lookup->is_done = false;
    lookup->one_has_left = false;
    if (!start_thread(lookup)) {
        look_up(lookup, 0);
        lookup->one_has_left = true;
    }
    return lookup;
}

bool redis_lookup_wait(redis_lookup *lookup, int64_t wait_us) {
    int64_t until_us = lesson_store_monotonic_us() + (wait_us > 0 ? wait_us : 0);
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    pthread_mutex_lock(&lookup->mutex);
    while (!lookup->is_done && pthread_cond_timedwait(&lookup->found, &lookup->mutex, &until) == 0)
        ;
    bool is_done = lookup->is_done;
    pthread_mutex_unlock(&lookup->mutex);
    return is_done;
}

int redis_lookup_end(redis_lookup *lookup, struct addrinfo **addresses) {
    pthread_mutex_lock(&lookup->mutex);
    int error = lookup->is_done ? lookup->error : EAI_AGAIN;
    *addresses = error ? NULL : lookup->addresses;
    if (!error)
        lookup->addresses = NULL;
    bool is_last = lookup->one_has_left;
    lookup->one_has_left = true;
    pthread_mutex_unlock(&lookup->mutex);
    if (is_last)
        free_lookup(lookup);
    return error;
}
