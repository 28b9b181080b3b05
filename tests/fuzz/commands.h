/*
 * Commands of lessonctl, run within this process on a store of its own, with what they read and print in memory.
 *
 * They can reach no file: whoever links this wraps fopen, which then finds only what fuzz_offer_file offers, and
 * interrupt_make_file, by which an export makes its file, and which then always fails.
 */
#ifndef LESSON_STORE_FUZZ_COMMANDS_H
#define LESSON_STORE_FUZZ_COMMANDS_H

#include "fuzz.h"

typedef struct fuzz_run {
    int status;
    char *out; /* to be freed by fuzz_end_run */
    char *err;
} fuzz_run;

lesson_store *fuzz_open_memory(void);

/* Runs a command; `arguments` are closed by NULL. Standard input is these bytes. */
fuzz_run fuzz_run_command(lesson_store *store, const char *const *arguments, const void *input, size_t size);
void fuzz_end_run(fuzz_run *run);

/* What any command may leave behind: an exit status, and messages that cannot command a terminal. */
void fuzz_require_run(const fuzz_run *run);

/* The bytes under any name that is opened for reading; NULL: there is no file. Borrowed. */
void fuzz_offer_file(const void *bytes, size_t size);

/* The lines of a text in byte order; to be freed. */
char *fuzz_sorted_lines(const char *text);

/* A store as its export in byte order of the lines; to be freed. */
char *fuzz_export(lesson_store *store);

#endif
