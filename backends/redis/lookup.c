#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <lessonstore/backend.h>

#include "condition.h"
#include "lookup.h"

struct redis_lookups {
    atomic_int users;      /* the store, and each look-up: a thread can outlive the store */
    pthread_mutex_t mutex; /* of what follows, and of the look-ups */
    pthread_cond_t found;
    redis_lookup *under_way;
};

struct redis_lookup {
    redis_lookups *lookups;
    redis_address address;
    int users; /* those who wait for it, and the thread */
    bool is_done;
    int error; /* what is found never changes, so it is read without the mutex */
    struct addrinfo *addresses;
    redis_lookup *next; /* that is under way */
};

/* ---- Opening and closing */

redis_lookups *redis_lookups_open(void) {
    redis_lookups *lookups = calloc(1, sizeof *lookups);
    if (!lookups)
        return NULL;
    atomic_store(&lookups->users, 1);
    pthread_mutex_init(&lookups->mutex, NULL);
    redis_condition_open(&lookups->found);
    return lookups;
}

void redis_lookups_release(redis_lookups *lookups) {
    if (!lookups || atomic_fetch_sub(&lookups->users, 1) > 1)
        return;
    pthread_cond_destroy(&lookups->found);
    pthread_mutex_destroy(&lookups->mutex);
    free(lookups);
}

static redis_lookup *make_lookup(redis_lookups *lookups, const redis_address *address) {
    redis_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup)
        return NULL;
    atomic_fetch_add(&lookups->users, 1);
    lookup->lookups = lookups;
    lookup->address = *address;
    lookup->users = 1;
    return lookup;
}

void redis_lookup_end(redis_lookup *lookup) {
    redis_lookups *lookups = lookup->lookups;
    pthread_mutex_lock(&lookups->mutex);
    bool is_last = --lookup->users == 0;
    pthread_mutex_unlock(&lookups->mutex);
    if (!is_last)
        return;
    if (lookup->addresses)
        freeaddrinfo(lookup->addresses);
    free(lookup);
    redis_lookups_release(lookups);
}

/* ---- Looking up */

static void look_up(redis_lookup *lookup, int flags) {
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *addresses = NULL;
    char port[16];
    snprintf(port, sizeof port, "%d", lookup->address.port);
    lookup->error = getaddrinfo(lookup->address.host, port, &wanted, &addresses);
    lookup->addresses = lookup->error ? NULL : addresses;
}

/* The next who wants this address looks it up anew. */
static void publish(redis_lookup *lookup) {
    redis_lookups *lookups = lookup->lookups;
    pthread_mutex_lock(&lookups->mutex);
    redis_lookup **place = &lookups->under_way;
    while (*place != lookup)
        place = &(*place)->next;
    *place = lookup->next;
    lookup->is_done = true;
    pthread_cond_broadcast(&lookups->found);
    pthread_mutex_unlock(&lookups->mutex);
}

/* Without a thread, whose use is then over. The caller's is not, so nothing is freed here. */
static void look_up_here(redis_lookup *lookup) {
    look_up(lookup, 0);
    publish(lookup);
    pthread_mutex_lock(&lookup->lookups->mutex);
    lookup->users--;
    pthread_mutex_unlock(&lookup->lookups->mutex);
}

static void *run(void *context) {
    redis_lookup *lookup = context;
    look_up(lookup, 0);
    publish(lookup);
    redis_lookup_end(lookup);
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

/* Returns the look-up of the same address that is under way, with one user more: the caller. If there is none, it is
 * this one, and the new user is its thread. */
static redis_lookup *join(redis_lookup *lookup) {
    redis_lookups *lookups = lookup->lookups;
    pthread_mutex_lock(&lookups->mutex);
    redis_lookup *joined = lookups->under_way;
    while (joined && !redis_address_is(&joined->address, &lookup->address))
        joined = joined->next;
    if (!joined) {
        lookup->next = lookups->under_way;
        lookups->under_way = joined = lookup;
    }
    joined->users++;
    pthread_mutex_unlock(&lookups->mutex);
    return joined;
}

redis_lookup *redis_lookup_begin(redis_lookups *lookups, const redis_address *address) {
    redis_lookup *lookup = make_lookup(lookups, address);
    if (!lookup)
        return NULL;
    look_up(lookup, AI_NUMERICHOST);
    lookup->is_done = lookup->error != EAI_NONAME;
    if (lookup->is_done)
        return lookup;
    redis_lookup *joined = join(lookup);
    if (joined != lookup)
        redis_lookup_end(lookup);
    else if (!start_thread(lookup))
        look_up_here(lookup);
    return joined;
}

/* ---- The result */

bool redis_lookup_wait(redis_lookup *lookup, int64_t wait_us) {
    redis_lookups *lookups = lookup->lookups;
    int64_t until_us = lesson_store_monotonic_us() + (wait_us > 0 ? wait_us : 0);
    struct timespec until = {.tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000};
    pthread_mutex_lock(&lookups->mutex);
    while (!lookup->is_done && pthread_cond_timedwait(&lookups->found, &lookups->mutex, &until) == 0)
        ;
    bool is_done = lookup->is_done;
    pthread_mutex_unlock(&lookups->mutex);
    return is_done;
}

int redis_lookup_result(const redis_lookup *lookup, const struct addrinfo **addresses) {
    *addresses = lookup->addresses;
    return lookup->error;
}
