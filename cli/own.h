/*
 * Which files belong to the open store.
 *
 * No command may replace one of them. Nor may one be read: SQLite's locks are POSIX locks, and a process loses all its
 * locks of a file when it closes any descriptor of that file.
 */
#ifndef LESSONCTL_OWN_H
#define LESSONCTL_OWN_H

#include "lessonctl.h"

/* True if the path leads to a file of the store, also by a link or by another path, or if a new file of that name would
 * be taken for one. */
bool own_path(const struct call *call, const char *path);

/* True if the descriptor leads to a file that the store has open. */
bool own_descriptor(int descriptor);

/* Prints that the path belongs to the store. Returns EXIT_USAGE. */
int own_refuse(const struct call *call, const char *path);

#endif
