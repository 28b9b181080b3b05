/* Processes that run histories on one file, of which one is killed, and what may be found there afterwards. */
#ifndef LESSON_STORE_TESTS_CRASH_H
#define LESSON_STORE_TESTS_CRASH_H

#include "history.h"
#include "shim.h"
#include "sqlite_files.h"

enum { CRASH_PROCESSES = 3 };

typedef struct crash_plan {
    const lesson_store_backend *backend; /* of the victim; NULL: the library's own */
    const char *options;                 /* "?option=value" or "" */
    size_t processes;                    /* 1 to CRASH_PROCESSES; number 0 is the victim */
    size_t step;                         /* in which it is killed: 0 is opening, then the batches, then closing */
    shim_fault kill;                     /* where in that step */
    int64_t after_us;                    /* not 0: instead, so long after the step began, by the parent */
} crash_plan;

typedef struct crash_outcome {
    bool was_killed;
    size_t announced; /* batches */
    size_t acknowledged;
    uint64_t operations;
} crash_outcome;

/* Draws where a victim with so many batches is killed. */
void crash_draw(crash_plan *plan, dice_state *dice, size_t batches);

/* Runs histories[i] in process i. Each process checks its own answers; those that are not killed must come to their
 * end, of which half is after the death of the victim. Then the file must be sound, every batch that was acknowledged
 * in it, and the one under way wholly or not at all. Else false, and `text` says what is wrong. */
bool crash_run(const crash_plan *plan, const drawn_history histories[], const sqlite_files *files,
               crash_outcome *outcome, char text[VOCABULARY_TEXT_SIZE]);

/* Runs `work` in processes that are killed at the first, second, ... call that changes something on the disk, until one
 * comes to its end. `begin` makes the file before each of them and `judge` looks at it afterwards. Returns how many
 * were killed. */
typedef void (*crash_work)(const sqlite_files *files);
uint64_t crash_walk(const sqlite_files *files, crash_work begin, crash_work work, crash_work judge);

#endif
