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
 * The description. Before the first test it is compared with a store that is opened for that. Where the description
 * declares what the store lacks, or the store has what the description does not declare, the run ends with a line for
 * each difference.
 *
 * Gates. A test that needs what the description does not declare is skipped and says why; what is declared
 * and does not work is a failure. What is not declared must be answered UNSUPPORTED, and that is tested too.
 *
 * The suite destroys what is in the store: `prepare` must name or make a place that holds nothing of worth.
 *
 * Threads: the hooks are called from the thread that called run, one at a time. The suite starts threads of its own,
 * but they only use stores that are open already. With LESSON_STORE_CAN_SHARE, `open` is also called in child
 * processes, forked while no store is open, so that a backend that hangs there fails a test and does not hang the run.
 */
#ifndef LESSONSTORE_CONFORMANCE_H
#define LESSONSTORE_CONFORMANCE_H

#include <lessonstore/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The calls beside operations that a backend may have. */
enum {
    LESSON_STORE_CONFORMANCE_MEMBERS = 1 << 0,
    LESSON_STORE_CONFORMANCE_LESSONS = 1 << 1,
    LESSON_STORE_CONFORMANCE_USERS = 1 << 2,
    LESSON_STORE_CONFORMANCE_CHECK = 1 << 3,
    LESSON_STORE_CONFORMANCE_ALL_CALLS = 0xf
};

/* A backend as its author describes it. Members are only ever appended; what an older program does not know is
 * taken as zero. Begin with LESSON_STORE_CONFORMANCE_BACKEND_INIT. Everything stays the caller's and must be valid
 * until run returns. */
typedef struct lesson_store_conformance_backend {
    size_t size;      /* sizeof(lesson_store_conformance_backend), always */
    const char *name; /* what the output calls the backend; not NULL */

    /* What the backend declares to do. */
    uint32_t operations;   /* bits 1 << lesson_store_operation_kind, as in the backend's table */
    uint32_t flags;        /* flags of operations, as in the backend's table */
    uint32_t capabilities; /* LESSON_STORE_CAN_..., as its instances declare them */
    uint32_t calls;        /* LESSON_STORE_CONFORMANCE_..., the functions of its table that are not NULL */

    void *context; /* handed to every hook */

    /* Makes the data empty before each test, and before the comparison; no store of the suite's is open then. NULL
     * where a freshly opened store is always empty. Returns 0, else the test fails. */
    int (*prepare)(void *context);

    /* Opens a store on the present data, as lesson_store_open would; the suite closes it. With LESSON_STORE_CAN_SHARE a
     * second store is opened while the first is open, with LESSON_STORE_CAN_PERSIST one after the first was
     * closed. A pool larger than 1 is welcome. Returns LESSON_STORE_OK or a negative code, which fails the test. */
    int (*open)(lesson_store **out, void *context);

    /* Frees what prepare made, after each test for which prepare returned 0, passed or failed, and after the
     * comparison, with no store open. May be NULL. */
    void (*clean_up)(void *context);

    /* Makes the engine fail under the open store, and makes it well again, with or without the data that it had.
     * Between the two every call must end with a failure, and never with an answer. NULL where that cannot be arranged:
     * the tests of it are skipped. Each returns 0, else the test fails. */
    int (*break_engine)(void *context);
    int (*mend_engine)(void *context);

    /* The seconds after which a callback that uses another store counts as hung; 0: 60. */
    uint32_t patience_s;
} lesson_store_conformance_backend;

/* A backend that declares all operations, flags and calls, and no capabilities. What yours lacks must be taken out:
 * with INIT alone a backend without `check` is told that the description declares CHECK. */
#define LESSON_STORE_CONFORMANCE_BACKEND_INIT                                                                 \
    {                                                                                                         \
        sizeof(lesson_store_conformance_backend), "", LESSON_STORE_ALL_OPERATIONS, LESSON_STORE_ALL_FLAGS, 0, \
            LESSON_STORE_CONFORMANCE_ALL_CALLS, NULL, NULL, NULL, NULL, NULL, NULL, 0                         \
    }

/* Runs the suite as `main` would, with main's arguments:
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
 * store, or no memory; and 1 if no test was selected (a run that tested nothing must not pass). Not to be called by two
 * threads at a time. */
LESSON_STORE_API int lesson_store_conformance_run(const lesson_store_conformance_backend *backend, int argc,
                                                  char **argv);

#ifdef __cplusplus
}
#endif

#endif
