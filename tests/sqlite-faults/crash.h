/* Processes that run histories on one file, one of which is killed, and what the file may contain afterwards. */
#ifndef LESSON_STORE_TESTS_CRASH_H
#define LESSON_STORE_TESTS_CRASH_H

#include "history.h"
#include "shim.h"
#include "sqlite_files.h"

enum { CRASH_PROCESSES = 3 };

typedef struct crash_plan {
    const lesson_store_backend *backend; /* of the victim; NULL: the library's own */
    const char *options;                 /* "?option=value" or "" */
    size_t processes;                    /* 1 to CRASH_PROCESSES; process 0 is the victim */
    size_t step;                         /* the step in which it is killed: 0 is opening, then come the batches, then
                                          * closing */
    shim_fault kill;                     /* where in that step */
    int64_t after_us;                    /* not 0: instead, the parent kills it this long after the step began */
} crash_plan;

typedef struct crash_outcome {
    bool was_killed;
    size_t announced; /* batches */
    size_t acknowledged;
    uint64_t operations;
} crash_outcome;

/* Draws where a victim with this number of batches is killed. */
void crash_draw(crash_plan *plan, dice_state *dice, size_t batches);

/* Runs histories[i] in process i. Each process checks its own answers. Those that are not killed must finish, and half
 * of their work comes after the death of the victim. Then the file must be sound, with every acknowledged batch in it,
 * and the batch under way whole or not at all. Otherwise false, and `text` explains what is wrong. */
bool crash_run(const crash_plan *plan, const drawn_history histories[], const sqlite_files *files,
               crash_outcome *outcome, char text[VOCABULARY_TEXT_SIZE]);

/* Runs `work` in processes that are killed at the first, second, ... call that changes the disk, until one finishes.
 * `begin` makes the file before each of them, and `judge` checks it afterwards. Returns the number of killed processes.
 */
typedef void (*crash_work)(const sqlite_files *files);
uint64_t crash_walk(const sqlite_files *files, crash_work begin, crash_work work, crash_work judge);

#endif
