#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "interrupt.h"
#include "progress.h"

#define REDRAW_MS 100
#define BAR_WIDTH 30

static void draw(const struct progress *progress, uint64_t done, uint64_t count) {
    if (progress->total == 0) {
        fprintf(stderr, "\r%" PRIu64 " %s\033[K", count, progress->unit);
        return;
    }
    uint64_t part = done < progress->total ? done : progress->total;
    double share = (double)part / (double)progress->total;
    char bar[BAR_WIDTH + 1];
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < (int)(share * BAR_WIDTH) ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    fprintf(stderr, "\r[%s] %3d %%  %" PRIu64 " %s\033[K", bar, (int)(share * 100), count, progress->unit);
}

void progress_begin(struct progress *progress, FILE *rows, const char *unit, uint64_t total) {
    *progress = (struct progress){.unit = unit, .total = total, .shown = isatty(STDERR_FILENO)};
    progress->gives_way = rows && isatty(fileno(rows));
    if (!progress->shown)
        return;
    clock_gettime(CLOCK_MONOTONIC, &progress->drawn_at);
    interrupt_wipes_bar(true);
    draw(progress, 0, 0);
}

void progress_update(struct progress *progress, uint64_t done, uint64_t count) {
    if (progress->gives_way)
        progress_end(progress);
    if (!progress->shown)
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t passed_ms =
        (now.tv_sec - progress->drawn_at.tv_sec) * 1000 + (now.tv_nsec - progress->drawn_at.tv_nsec) / 1000000;
    if (passed_ms < REDRAW_MS)
        return;
    progress->drawn_at = now;
    draw(progress, done, count);
}

void progress_end(struct progress *progress) {
    if (progress->shown)
        fputs(CLEAR_LINE, stderr);
    progress->shown = false;
    interrupt_wipes_bar(false);
}
