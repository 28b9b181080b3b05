/*
 * A disk that loses what was not synced when the power fails. It receives every change that SQLite makes to a database
 * and its logs (shim.h). For each file it records what is certainly on the disk and what may be. At any moment it can
 * make files as they may be after a power loss: each unsynced sector was written or not, in any order, and an unsynced
 * file creation or removal happened or not.
 *
 * Synced content is certain, and a sector that was not being written keeps its content. SQLite relies on that by
 * default (SQLITE_IOCAP_POWERSAFE_OVERWRITE).
 */
#ifndef LESSON_STORE_TESTS_DISK_H
#define LESSON_STORE_TESTS_DISK_H

#include "dice.h"
#include "shim.h"
#include "sqlite_files.h"

/* Begins with a database that does not exist yet. One disk at a time. */
void disk_begin(const sqlite_files *files);
void disk_end(void);

/* The callback is called after each change of what is, or may be, on the disk. */
void disk_on_change(void (*callback)(void *context), void *context);

/* Returns how often the write-ahead log was synced. */
uint64_t disk_log_syncs(void);

/* Writes into `image` the files that may be found after a power loss now. */
void disk_lose_power(const sqlite_files *image, dice_state *dice);

#endif
