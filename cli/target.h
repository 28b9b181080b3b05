/* The file that an export writes. */
#ifndef LESSONCTL_TARGET_H
#define LESSONCTL_TARGET_H

#include <limits.h>
#include <stdio.h>

#include "lessonctl.h"

struct target {
    FILE *stream;
    const char *name;         /* as given, for messages */
    bool replaces;            /* a file appears when it is complete; others are written into directly */
    char path[PATH_MAX];      /* where the links lead */
    char temporary[PATH_MAX]; /* "" while the new file has no name */
};

/* Opens it. Returns an exit status, with a message if this is no place for an export. */
int target_open(struct target *target, const struct call *call, const char *path);

/* Closes it. If `status` is EXIT_YES, a new file replaces the old one; otherwise it is removed. Returns `status`, or
 * another one with a message. */
int target_close(struct target *target, const struct call *call, int status);

/* Prints why it cannot be written. Returns an exit status. */
int target_failed(const struct target *target, const struct call *call, int error);

#endif
