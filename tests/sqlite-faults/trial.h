/*
 * One fault in the life of a file. The file is opened, written, read, checked and closed while some call of the
 * operating system fails. The content is examined at the end, and after each call of the library that fails because of
 * the fault.
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
    bool from_new;  /* it may strike while the file is created */
    uint32_t codes; /* the codes that it may cause: bits TRIAL_CODE */
} trial_plan;

#define TRIAL_CODE(name) (1u << -LESSON_STORE_##name)

typedef struct trial_outcome {
    uint64_t faults; /* calls of the operating system that failed */
    uint64_t failed; /* calls of the library that failed because of it */
    uint64_t unknown;
    uint64_t operations;
} trial_outcome;

/* Checks the promises. Every call of the library has a correct answer, or an allowed code and a message that names the
 * file. Acknowledged changes are there, failed ones are not, and UNKNOWN ones are there whole or not at all: for this
 * store, for another one, and for a process that finds the file after a crash at that moment. The store works again as
 * soon as the fault is gone, and nothing leaks. True if all of that holds; otherwise `text` explains what does not. */
bool trial_run(const trial_plan *plan, dice_state dice, const sqlite_files *files, trial_outcome *outcome,
               char text[VOCABULARY_TEXT_SIZE]);

#endif
