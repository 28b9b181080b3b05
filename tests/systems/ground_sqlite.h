/*
 * The files of a round:
 *
 *   DIRECTORY/current         a symbolic link to "first", through which the store finds its file
 *   DIRECTORY/first           a directory with lessons.db, its log and its index
 *   DIRECTORY/second          another directory
 */
#ifndef LESSON_STORE_TESTS_GROUND_SQLITE_H
#define LESSON_STORE_TESTS_GROUND_SQLITE_H

#include "ground.h"

enum { GROUND_PATH_SIZE = 320 };

/* Writes DIRECTORY/name to `out`, and returns it. */
const char *ground_path(char out[GROUND_PATH_SIZE], const char *name);

/* The three files of the store, with the ending "", "-wal" or "-shm". */
const char *ground_file(char out[GROUND_PATH_SIZE], const char *ending);

/* Renames DIRECTORY/from; links current to this directory. Failures are reported. */
void ground_rename(trouble_stage *stage, const char *from, const char *to);
void ground_turn_link(trouble_stage *stage, const char *to);

/* Small disks: mounts one at "first", for this process alone. It is unmounted when the ground is cleared. */
const char *ground_cannot_mount(void);
void ground_mount(trouble_stage *stage, unsigned kib);

#endif
