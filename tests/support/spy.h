/*
 * A backend that only records what core asks for and from where. Its answers are set beforehand. It shows what core
 * does by itself: checking arguments, parsing locations, lending instances.
 */
#ifndef LESSON_STORE_TESTS_SPY_H
#define LESSON_STORE_TESTS_SPY_H

#include <pthread.h>
#include <stdatomic.h>

#include <lessonstore/backend.h>

typedef struct spy {
    /* what the spy returns */
    int open_code;       /* of open, from open number open_fails_from on */
    int open_fails_from; /* 0: the first */
    uint32_t capabilities;
    uint64_t exceptions;
    int run_code;          /* what run returns */
    bool leave_unanswered; /* run stores no codes */
    bool leave_reserved;   /* open does not zero a reserved word */
    bool open_hangs;       /* open, but not the first one, waits until it may give up */
    uint64_t call_timeout_ms;
    void (*on_run)(void);  /* called inside run */
    void (*on_open)(void); /* called inside open */

    /* what the spy has recorded */
    atomic_int opens;
    atomic_int closes;
    atomic_int runs;
    atomic_int streams;
    atomic_int inside; /* threads that are inside an instance now */
    atomic_int most_inside;
    atomic_bool two_in_one;       /* two threads were in the same instance */
    _Atomic(int64_t) deadline_us; /* of the latest run */
    size_t run_sizes[8];
    char user[64], password[64], host[64], path[128], text[64], shown[256];
    char hosts[1024]; /* of the location, each as "host port;" */
    int host_count;
    bool has_host_beyond; /* there is one before the first or behind the last */
    int port;
    int64_t number;
    const lesson_store_instance *first_opened;   /* since spy_reset */
    const lesson_store_instance *first_reported; /* as the location named it at the latest open */
} spy;

extern spy the_spy;
/* Schemes "spy", "spy+unix", and "spy+list", whose locations may name several hosts; options: text=one|two, any=TEXT,
 * number=1..10. */
extern const lesson_store_backend spy_backend;

/* Forgets everything. Set the answers afterwards. */
void spy_reset(void);

#endif
