/*
 * One fault in the life of a file: it is opened, written, read, checked and closed, while some call of the operating
 * system fails, and after each call of the library that fails for it, and at the end, it is looked at what is there.
 */
#ifndef LESSON_STORE_TESTS_TRIAL_H
#define LESSON_STORE_TESTS_TRIAL_H

#include "history.h"
#include "shim.h"
#include "sqlite_files.h"

typedef struct trial_plan {
    const lesson_store_backend *backend; /* NULL: the library's own */
    const char *options;
    shim_fault fault;
    bool from_new;  /* it may fall while the file is made */
    uint32_t codes; /* what a call may answer to it: bits TRIAL_CODE */
} trial_plan;

#define TRIAL_CODE(name) (1u << -LESSON_STORE_##name)

typedef struct trial_outcome {
    uint64_t faults; /* calls of the operating system that failed */
    uint64_t failed; /* calls of the library that failed for it */
    uint64_t unknown;
    uint64_t operations;
} trial_outcome;

/* The promises: every call of the library has an answer, which is right, or a code that fits and a message that names
 * the file; what was acknowledged is there, what failed is not, UNKNOWN is either and whole, for this store, for
 * another one, and for who finds the file after a crash at that moment; the store works again as soon as the fault is
 * gone; nothing leaks. True if all of that held, else `text` says what did not. */
bool trial_run(const trial_plan *plan, dice_state dice, const sqlite_files *files, trial_outcome *outcome,
               char text[VOCABULARY_TEXT_SIZE]);

#endif
