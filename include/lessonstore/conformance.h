/*
 * The conformance suite: every promise of lessonstore.h and backend.h as a test, for authors of backends.
 *
 * A program of yours describes a backend by one structure and calls lesson_store_conformance_run from its main. Link
 * with lessonstore::conformance (CMake) or -llessonstore-conformance; cmocka runs the tests underneath.
 * docs/promises.md numbers the promises ("clauses"), and the name of every test begins with the clauses that it tests.
 * docs/backends.md leads through a first run.
 *
 * Modes. The same tests run over *single* calls; over *batch*es, where the steps of a test travel as one batch; and,
 * for a backend that declares LESSON_STORE_CAN_SHARE, over *two-stores* open on the same data, the steps alternating
 * between them.
 *
 * The description. Before the first test it is compared with a store that is opened for that purpose. If the
 * description declares what the store lacks, or the store has what the description does not declare, the run ends with
 * a line for each difference.
 *
 * Gates. A test that needs what the description does not declare is skipped and says why. If what is declared does not
 * work, the test fails. What is not declared must be answered UNSUPPORTED, and that is tested too. A test of a promise
 * that the store excepts (`exceptions`) is skipped in the same way. All else is tested of such a store too: with
 * LESSON_STORE_EXCEPT_ORDER the steps of a test travel as several batches, none of which needs another order than the
 * one that is left.
 *
 * The suite destroys what is in the store: `prepare` must name or make a place that holds nothing of value.
 *
 * Threads. The thread that called run calls the hooks, one at a time. The suite starts threads of its own, but they
 * only use stores that are open already. With LESSON_STORE_CAN_SHARE, `open` is also called in child processes, which
 * are forked while no store is open, so that a backend that hangs there fails a test and does not hang the run.
 */
#ifndef LESSONSTORE_CONFORMANCE_H
#define LESSONSTORE_CONFORMANCE_H

#include <lessonstore/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A backend as its author describes it. Begin with LESSON_STORE_CONFORMANCE_BACKEND_INIT or
 * lesson_store_conformance_backend_init. Everything stays the caller's and must be valid until run returns. */
typedef struct lesson_store_conformance_backend {
    size_t size;      /* sizeof(lesson_store_conformance_backend), always */
    const char *name; /* what the output calls the backend; not NULL */

    /* What the backend declares to do, as lesson_store_read_abilities returns it. A backend that has all of this
     * version can say LESSON_STORE_OPERATIONS_0_1, LESSON_STORE_FLAGS_0_1 and LESSON_STORE_CALLS_0_1. */
    uint64_t operations;
    uint64_t flags;
    uint64_t calls;
    uint64_t capabilities;

    void *context; /* passed to every hook */

    /* Makes the data empty before each test, and before the comparison; no store of the suite's is open then. NULL if a
     * freshly opened store is always empty. Returns 0, else the test fails. */
    int (*prepare)(void *context);

    /* Opens a store on the current data, as lesson_store_open would; the suite closes it. With LESSON_STORE_CAN_SHARE a
     * second store is opened while the first is open, with LESSON_STORE_CAN_PERSIST one after the first was closed. A
     * pool larger than 1 is welcome. Returns LESSON_STORE_OK or a negative code, which fails the test. */
    int (*open)(lesson_store **out, void *context);

    /* Frees what prepare made: after each test for which prepare returned 0, passed or failed, and after the
     * comparison, with no store open. May be NULL. */
    void (*clean_up)(void *context);

    /* Makes the engine fail under the open store, and restores it, with or without the data that it had. Between the
     * two every call must fail, and never return an answer. NULL if that is impossible: the tests of it are skipped.
     * Each returns 0, else the test fails. */
    int (*break_engine)(void *context);
    int (*restore_engine)(void *context);

    /* The seconds after which a callback that uses another store counts as hung; 0: 60. */
    uint32_t patience_s;
    uint32_t reserved; /* 0 */

    /* The promises that the store does not keep, as lesson_store_read_abilities returns them. */
    uint64_t exceptions;
} lesson_store_conformance_backend;

#define LESSON_STORE_CONFORMANCE_BACKEND_INIT \
    { sizeof(lesson_store_conformance_backend), "", 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0 }

LESSON_STORE_API void lesson_store_conformance_backend_init(lesson_store_conformance_backend *backend, size_t size);

/* Runs the suite with the arguments of main:
 *
 *   PROGRAM [--list] [TEXT ...]
 *
 * Only tests whose "MODE: CLAUSES what is tested" contains every TEXT are run; a TEXT that ends with a digit does not
 * match inside a longer number, so JOIN-1 does not select JOIN-10. --list prints the names of the selected tests that
 * the backend's modes have, one a line, and runs none.
 *
 * Results are printed as cmocka prints them; two lines on stdout close the run:
 *   NAME: 270 passed, 12 skipped, 2 failed
 *   NAME: failed clauses: JOIN-2 MEMBERS-1        ("none" where there is none)
 *
 * Returns the number of tests that failed; -1 for a wrong argument, a description that is incomplete or not that of the
 * store, or no memory; and 1 if no test was selected (a run that tested nothing must not pass). At most one thread may
 * call it at a time. */
LESSON_STORE_API int lesson_store_conformance_run(const lesson_store_conformance_backend *backend, int argc,
                                                  char **argv);

#ifdef __cplusplus
}
#endif

#endif
