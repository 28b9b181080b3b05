/*
 * A SQLite VFS in front of the real one. Once installed, it is the default VFS of this process. It fails the n-th call
 * of some methods, or kills the process there. It reports to an observer what reaches the disk. Syncs are not passed
 * on: the observer decides what a power loss leaves (disk.h), and syncs would take most of the time.
 *
 * For one thread. A fork copies it, with its own count from then on.
 */
#ifndef LESSON_STORE_TESTS_SHIM_H
#define LESSON_STORE_TESTS_SHIM_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

typedef enum shim_method {
    SHIM_OPEN,
    SHIM_DELETE,
    SHIM_ACCESS,
    SHIM_READ,
    SHIM_WRITE,
    SHIM_TRUNCATE,
    SHIM_SYNC,
    SHIM_FILE_SIZE,
    SHIM_LOCK,
    SHIM_UNLOCK,
    SHIM_CHECK_LOCK,
    SHIM_FILE_CONTROL,
    SHIM_MAP_SHARED,
    SHIM_LOCK_SHARED,
    SHIM_ALLOCATE,
    SHIM_METHODS
} shim_method;

/* Bits. Calls without a file are SHIM_OTHER. */
enum { SHIM_DATABASE = 1, SHIM_LOG = 2, SHIM_JOURNAL = 4, SHIM_OTHER = 8, SHIM_ANY_FILE = 15 };

/* The calls of every method that changes the disk. */
#define SHIM_CHANGES (1u << SHIM_OPEN | 1u << SHIM_DELETE | 1u << SHIM_WRITE | 1u << SHIM_TRUNCATE | 1u << SHIM_SYNC)

/* What a call does before it fails. */
typedef enum shim_effect {
    SHIM_NOTHING, /* a read gives zeros */
    SHIM_HALF,    /* a write writes its first half, a read reads it */
    SHIM_WHOLE    /* all of it, but it reports a failure */
} shim_effect;

enum { SHIM_KILL = -1 }; /* instead of a result: SIGKILL */

typedef struct shim_fault {
    uint32_t methods; /* bits 1 << shim_method */
    uint32_t files;
    uint64_t at;   /* the first call that fails, from 1 */
    bool for_good; /* and every later one */
    shim_effect effect;
    int result; /* the result of a failing call */
    int error;  /* and its errno */
} shim_fault;

/* Call it before the first use of SQLite in the process. */
void shim_install(void);

/* Calls are counted from here on. */
void shim_arm(const shim_fault *fault);
void shim_disarm(void);

/* Between the two, calls are neither counted nor failed. */
void shim_pause(void);
void shim_resume(void);

/* The number of calls that have failed since the shim was armed. */
uint64_t shim_failed(void);

/* Receives what was done, not what failed without effect. */
typedef struct shim_observer {
    void (*opened)(const char *path);
    void (*written)(const char *path, const void *bytes, int64_t size, int64_t offset);
    void (*truncated)(const char *path, int64_t size);
    void (*synced)(const char *path);
    void (*deleted)(const char *path, bool is_synced);
} shim_observer;

void shim_observe(const shim_observer *observer); /* NULL: none */

#endif
