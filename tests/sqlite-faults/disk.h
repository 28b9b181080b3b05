/*
 * A disk that loses what was not synced when the power fails. It hears of all that SQLite does to a database and its
 * logs (shim.h), keeps for each file what is certain to be on the disk and what may be, and makes at any moment files
 * as they may be found after a power loss: of what was not synced, each sector may have been written or not, in any
 * order, and a file that was made or removed may be there or not.
 *
 * What is synced is certain, and a sector that was not being written keeps its content: what SQLite relies on by
 * default (SQLITE_IOCAP_POWERSAFE_OVERWRITE).
 */
#ifndef LESSON_STORE_TESTS_DISK_H
#define LESSON_STORE_TESTS_DISK_H

#include "dice.h"
#include "shim.h"
#include "sqlite_files.h"

/* Begins with a database that is not there yet. One disk at a time. */
void disk_begin(const sqlite_files *files);
void disk_end(void);

/* Called after each change of what is on the disk, or may be. */
void disk_on_change(void (*callback)(void *context), void *context);

/* How often the write-ahead log was synced. */
uint64_t disk_log_syncs(void);

/* Makes `image` what may be found after a power loss at this moment. */
void disk_lose_power(const sqlite_files *image, dice_state *dice);

#endif
