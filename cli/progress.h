/* A progress bar on stderr, where a person watches. */
#ifndef LESSONCTL_PROGRESS_H
#define LESSONCTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

struct progress {
    bool shown;
    bool gives_way;   /* what is counted are rows on the same terminal */
    const char *unit; /* what is counted: "events" */
    uint64_t total;   /* of what `done` is a part, as bytes; 0 if nobody knows */
    struct timespec drawn_at;
};

/* Draws the bar at once, so that also work that reports nothing is seen to go on. `rows` is where rows are written
 * meanwhile, or NULL. */
void progress_begin(struct progress *progress, FILE *rows, const char *unit, uint64_t total);

/* Draws it again, at most ten times a second; where rows begin to come on the same terminal, wipes it instead. */
void progress_update(struct progress *progress, uint64_t done, uint64_t count);

/* Wipes it. */
void progress_end(struct progress *progress);

#endif
