/*
 * Commands of lessonctl, run within this process on a store of its own, with their input and output in memory.
 *
 * They reach no file: the target wraps fopen, which then finds only what fuzz_offer_file offers, and
 * interrupt_make_file, which makes the file of an export and then always fails. It also wraps the clock of leases:
 * every look at it is half a second after the one before, so a script has the same result each time.
 */
#ifndef LESSON_STORE_FUZZ_COMMANDS_H
#define LESSON_STORE_FUZZ_COMMANDS_H

#include "fuzz.h"

typedef struct fuzz_run {
    int status;
    char *out; /* fuzz_end_run frees it */
    char *err;
} fuzz_run;

lesson_store *fuzz_open_memory(void);

/* Runs a command. `arguments` are ended by NULL. Standard input is these bytes. */
fuzz_run fuzz_run_command(lesson_store *store, const char *const *arguments, const void *input, size_t size);
void fuzz_end_run(fuzz_run *run);

/* Checks what every command must leave: a valid exit status, and messages that cannot control a terminal. */
void fuzz_require_run(const fuzz_run *run);

/* Any file name that is opened for reading gives these bytes. NULL: there is no file. Borrowed. */
void fuzz_offer_file(const void *bytes, size_t size);

/* Returns the lines of a text in byte order. The caller frees it. */
char *fuzz_sorted_lines(const char *text);

/* Returns a store's export with its lines in byte order. The caller frees it. */
char *fuzz_export(lesson_store *store);

#endif
