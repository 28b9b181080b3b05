/*
 * Faults made on purpose: for tests of a program that uses the store, to see what it does when the store fails.
 *
 * A store that is opened at `fault+LOCATION` (fault+memory:, fault+sqlite:lessons.db, fault+redis://host, the scheme of
 * a backend of your own) is the store at LOCATION, over which one *fault* at a time can be set: in the location, or by
 * the calls below while the store is in use. As long as none is set everything passes unaltered. docs/faults.md leads
 * through it and lists the options of the location.
 *
 * Words. A fault *watches* some kinds of calls, counts those that come, and *strikes* some of them: they are slowed,
 * or fail, or both. Every operation of a batch is counted by itself. `info` and closing are never struck.
 *
 * What a struck call answers keeps every promise of lessonstore.h, so a program that is right never breaks over it:
 *   - Nothing was changed, unless the code is UNKNOWN. That can strike before the operation was applied or after, and a
 *     caller cannot tell which.
 *   - What only reads is never UNKNOWN: it is UNREACHABLE instead, and so is an instance that is opened.
 *   - READ_ONLY and FULL strike only what writes: create, end, set, join, quit, a check that repairs, and an instance
 *     that is opened. What only reads is not even counted, and has such a code only in a batch that failed with it.
 *   - Of a batch, what comes before a struck operation has been applied and keeps its answer (unless its scope is the
 *     batch), and what comes behind one that ends the batch is not applied.
 *   - The store works again as soon as the fault is over.
 *
 * Threads. Every function may be called from any thread, also while calls are running on the store, and from
 * its callbacks. Which of several threads is struck is a matter of who comes first; how many are is not.
 */
#ifndef LESSONSTORE_FAULT_H
#define LESSONSTORE_FAULT_H

#include <lessonstore/lessonstore.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LESSON_STORE_FAULT_DELAY_MAX_MS 600000

/* What a fault watches: bits 1 << lesson_store_operation_kind, and these. */
enum {
    LESSON_STORE_FAULT_ON_MEMBERS = 1 << 16,
    LESSON_STORE_FAULT_ON_LESSONS = 1 << 17,
    LESSON_STORE_FAULT_ON_USERS = 1 << 18,
    LESSON_STORE_FAULT_ON_CHECK = 1 << 19,
    LESSON_STORE_FAULT_ON_OPEN = 1 << 20, /* an instance is opened: by lesson_store_open, or later for the pool */

    LESSON_STORE_FAULT_ON_OPERATIONS = 0xff,
    LESSON_STORE_FAULT_ON_CALLS = 0xf00ff /* everything but opening */
};

/* What else of a batch fails when an operation is struck. The operations that are told UNKNOWN with a scope are those
 * that write; what only reads is UNREACHABLE. */
typedef enum lesson_store_fault_scope {
    /* As the engines do: OPERATION for NO_MEMORY, MALFORMED, DENIED, READ_ONLY and FULL, else REST. */
    LESSON_STORE_FAULT_SCOPE_DEFAULT = 0,
    /* That operation alone. The batch returns OK. Not for UNREACHABLE and UNKNOWN, which are of a connection. */
    LESSON_STORE_FAULT_SCOPE_OPERATION = 1,
    /* It and those behind it, which were not sent: after UNKNOWN they are UNREACHABLE. The batch returns the code. */
    LESSON_STORE_FAULT_SCOPE_REST = 2,
    /* The whole batch, as where it is one transaction that is rolled back, or one request whose reply is lost. */
    LESSON_STORE_FAULT_SCOPE_BATCH = 3
} lesson_store_fault_scope;

/* Begin with LESSON_STORE_FAULT_INIT(code): every call but opening fails from now on, for good. */
typedef struct lesson_store_fault {
    size_t size;    /* sizeof(lesson_store_fault) */
    int32_t code;   /* UNREACHABLE, DENIED, READ_ONLY, FULL, BUSY, UNKNOWN, MALFORMED, FAILED or NO_MEMORY; OK for a
                     * fault that only slows */
    uint32_t on;    /* LESSON_STORE_FAULT_ON_..., and bits 1 << lesson_store_operation_kind */
    uint32_t scope; /* lesson_store_fault_scope */
    bool after_applying; /* UNKNOWN only: strikes after the operation was applied, and its answer is lost */
    uint64_t at;         /* the first call that may be struck, of those it watches: 1 for the next one */
    uint64_t times;      /* how many it strikes before it is over; 0: for good */
    uint64_t one_in;     /* strikes each with a chance of one in so many; 1: each */
    uint64_t seed;       /* of that chance: the same seed strikes the same ones of a sequence */
    uint64_t items;      /* the items that a struck stream gives before it fails; MALFORMED gives all, as it promises */
    int64_t delay_ms; /* how long a struck call waits first, once for a batch; up to LESSON_STORE_FAULT_DELAY_MAX_MS */
} lesson_store_fault;

#define LESSON_STORE_FAULT_INIT(code) \
    { sizeof(lesson_store_fault), (code), LESSON_STORE_FAULT_ON_CALLS, 0, false, 1, 0, 1, 0, 0, 0 }

/* Sets the fault, in the place of the one that was set, whose delays end as if it were cleared; it counts from here on.
 * `fault` is copied. INVALID: no store, a code or value not listed above, neither code nor delay, or READ_ONLY or FULL
 * on nothing that writes; the fault that was set stays. UNSUPPORTED: the store was not opened at fault+LOCATION. */
LESSON_STORE_API int lesson_store_fault_set(lesson_store *store, const lesson_store_fault *fault);

/* Takes the fault away, and ends the delays that are under way; their calls are answered as they were going to be.
 * (So a long delay is a store that hangs until the test lets it go.) OK also if none is set. INVALID, UNSUPPORTED. */
LESSON_STORE_API int lesson_store_fault_clear(lesson_store *store);

/* How many the fault that was set last has struck until now; a call counts before it waits and fails. Clearing the
 * fault does not change it; 0 if there never was one. INVALID, UNSUPPORTED, and then `*struck` is untouched. */
LESSON_STORE_API int lesson_store_fault_struck(lesson_store *store, uint64_t *struck);

#ifdef __cplusplus
}
#endif

#endif
