/* A progress bar on stderr, if a person watches. */
#ifndef LESSONCTL_PROGRESS_H
#define LESSONCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct progress {
    bool shown;
    bool gives_way;   /* the counted things are rows on the same terminal */
    const char *unit; /* what is counted, such as "events" */
    uint64_t total;   /* the whole that `done` is a part of, such as bytes; 0 if unknown */
    struct timespec drawn_at;
};

/* Draws the bar at once, so that work which reports nothing is also visible. `rows` is the stream that receives rows
 * meanwhile, or NULL. */
void progress_begin(struct progress *progress, FILE *rows, const char *unit, uint64_t total);

/* Draws it again, at most ten times a second. If rows begin to appear on the same terminal, clears it instead. */
void progress_update(struct progress *progress, uint64_t done, uint64_t count);

/* Clears it. */
void progress_end(struct progress *progress);

#endif
