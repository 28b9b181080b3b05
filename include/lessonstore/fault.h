/*
 * Faults made on purpose, for tests of a program that uses the store: what does it do when the store fails?
 *
 * A store that is opened at `fault+LOCATION` (fault+memory:, fault+sqlite:lessons.db, fault+redis://host, the scheme of
 * a backend of your own) is the store at LOCATION, over which one *fault* at a time can be set: in the location, or by
 * the calls below while the store is in use. While none is set, everything passes unaltered. backends/fault/README.md
 * leads through it and lists the options of the location.
 *
 * Words. A fault *watches* some kinds of calls, counts them, and *strikes* some of them: they are slowed, or fail, or
 * both. Every operation of a batch is counted by itself. `info` and closing are never struck.
 *
 * The answer of a struck call keeps every promise of lessonstore.h, so a correct program never breaks over it:
 *   - Nothing was changed, unless the code is UNKNOWN. UNKNOWN can strike before the operation was applied or after,
 * and a caller cannot distinguish the two.
 *   - An operation that only reads is never UNKNOWN: it is UNREACHABLE instead. So is an instance that is opened.
 *   - READ_ONLY and FULL strike only what writes: create, end, set, join, quit, hold, a sweep, a check that repairs,
 * and an instance that is opened. What only reads is not even counted, and has such a code only in a batch that failed
 * with it.
 *   - Of a batch, what comes before a struck operation has been applied and keeps its answer (unless the scope is the
 *     batch). What comes behind one that ends the batch is not applied.
 *   - When the fault is over, the store works again.
 *
 * Threads. Every function may be called from any thread, also while calls are running on the store, and from its
 * callbacks. Which of several threads is struck is unspecified; how many are is not.
 */
#ifndef LESSONSTORE_FAULT_H
#define LESSONSTORE_FAULT_H

#include <lessonstore/lessonstore.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LESSON_STORE_FAULT_DELAY_MAX_MS 600000

/* What a fault watches: LESSON_STORE_OPERATION_MASK_..., and these. A page of a list counts as the list, and so does a
 * list with a filter. */
#define LESSON_STORE_FAULT_ON_MEMBERS (UINT64_C(1) << 32)
#define LESSON_STORE_FAULT_ON_LESSONS (UINT64_C(1) << 33)
#define LESSON_STORE_FAULT_ON_USERS (UINT64_C(1) << 34)
#define LESSON_STORE_FAULT_ON_CHECK (UINT64_C(1) << 35)
#define LESSON_STORE_FAULT_ON_OPEN \
    (UINT64_C(1) << 36) /* an instance is opened: by lesson_store_open, or for the pool */
#define LESSON_STORE_FAULT_ON_SWEEP (UINT64_C(1) << 37) /* and drop */
#define LESSON_STORE_FAULT_ON_OWNERS (UINT64_C(1) << 38)
#define LESSON_STORE_FAULT_ON_BANS (UINT64_C(1) << 39)   /* the list */
#define LESSON_STORE_FAULT_ON_EVENTS (UINT64_C(1) << 40) /* the thread of the feeds reads, or one is opened */
#define LESSON_STORE_FAULT_ON_OPERATIONS UINT64_C(0xffffffff)
#define LESSON_STORE_FAULT_ON_CALLS UINT64_C(0xefffffffff) /* everything but opening and events */

/* What else of a batch fails when an operation is struck. With a scope of more than one operation, UNKNOWN is the
 * answer of those that write; those that only read are UNREACHABLE. */
typedef enum lesson_store_fault_scope {
    /* As the engines do: OPERATION for NO_MEMORY, MALFORMED, DENIED, READ_ONLY and FULL, else REST. */
    LESSON_STORE_FAULT_SCOPE_DEFAULT = 0,
    /* That operation alone. The batch returns OK. Not for UNREACHABLE and UNKNOWN, which are of a connection. */
    LESSON_STORE_FAULT_SCOPE_OPERATION = 1,
    /* It and those behind it, which were not sent: after UNKNOWN they are UNREACHABLE. The batch returns the code. */
    LESSON_STORE_FAULT_SCOPE_REST = 2,
    /* The whole batch, like one transaction that is rolled back, or one request whose reply is lost. */
    LESSON_STORE_FAULT_SCOPE_BATCH = 3
} lesson_store_fault_scope;

/* Begin with LESSON_STORE_FAULT_INIT(code) or lesson_store_fault_init: every call but opening fails from now on,
 * without end. */
typedef struct lesson_store_fault {
    size_t size;    /* sizeof(lesson_store_fault) */
    int32_t code;   /* UNREACHABLE, DENIED, READ_ONLY, FULL, BUSY, UNKNOWN, MALFORMED, FAILED or NO_MEMORY; OK for a
                     * fault that only slows */
    uint32_t scope; /* lesson_store_fault_scope */
    uint64_t on;    /* LESSON_STORE_FAULT_ON_..., LESSON_STORE_OPERATION_MASK_...; 0: LESSON_STORE_FAULT_ON_CALLS */
    bool after_applying; /* UNKNOWN only: strikes after the operation was applied, and its answer is lost */
    uint64_t at;         /* the first of the watched calls that may be struck; 0 and 1: the next one */
    uint64_t times;      /* how many it strikes before it is over; 0: without end */
    uint64_t one_in;     /* strikes each with a chance of one in so many; 0 and 1: each */
    uint64_t seed;       /* of that chance: the same seed strikes the same ones of a sequence */
    uint64_t items;      /* the entries that a struck list by callback gives before it fails. MALFORMED gives all, as it
                          * promises. A struck page gives none */
    int64_t delay_ms; /* how long a struck call waits first, once for a batch; up to LESSON_STORE_FAULT_DELAY_MAX_MS */
} lesson_store_fault;

#define LESSON_STORE_FAULT_INIT(code) \
    { sizeof(lesson_store_fault), (code), 0, 0, false, 0, 0, 0, 0, 0, 0 }

LESSON_STORE_API void lesson_store_fault_init(lesson_store_fault *fault, size_t size, int32_t code);

/* Sets the fault in place of the one that was set, whose delays end as if it were cleared. It counts from here on.
 * `fault` is copied. INVALID: no store, a code or value not listed above, neither code nor delay, or READ_ONLY or FULL
 * on nothing that writes; the fault that was set stays. UNSUPPORTED: the store was not opened at fault+LOCATION. */
LESSON_STORE_API int lesson_store_fault_set(lesson_store *store, const lesson_store_fault *fault);

/* Takes the fault away and ends the delays that are under way; their calls return what they were going to return. So a
 * long delay is a store that hangs until the test releases it. OK also if none is set. INVALID, UNSUPPORTED. */
LESSON_STORE_API int lesson_store_fault_clear(lesson_store *store);

/* Reads how many calls the latest fault has struck until now; a call counts before it waits and fails. Clearing the
 * fault does not change it. 0 if there never was one. INVALID, UNSUPPORTED, and then `*struck` is untouched. */
LESSON_STORE_API int lesson_store_fault_struck(lesson_store *store, uint64_t *struck);

#ifdef __cplusplus
}
#endif

#endif
