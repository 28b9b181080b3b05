/* A progress bar on stderr, where a person watches and the data does not go to the same terminal. */
#ifndef LESSONCTL_PROGRESS_H
#define LESSONCTL_PROGRESS_H

#include <time.h>

#include "lessonctl.h"

struct progress {
    bool shown;
    const char *unit; /* what is counted: "events" */
    uint64_t total;   /* of what `done` is a part, as bytes; 0 if nobody knows */
    struct timespec drawn_at;
};

/* Draws the bar at once, so that also work that reports nothing is seen to go on. */
void progress_begin(struct progress *progress, const struct call *call, const char *unit, uint64_t total);

/* Draws it again, at most ten times a second. */
void progress_update(struct progress *progress, uint64_t done, uint64_t count);

/* Wipes it. */
void progress_end(struct progress *progress);

#endif
