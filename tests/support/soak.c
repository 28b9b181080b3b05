#include "soak.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FIRST_SEED 1

static int64_t now_ms(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t number_of(const char *variable) {
    const char *text = getenv(variable);
    return text ? strtoull(text, NULL, 10) : 0;
}

static uint64_t first_seed(bool is_long) {
    uint64_t wanted = number_of("LESSONSTORE_SEED");
    if (wanted)
        return wanted;
    return is_long ? (uint64_t)now_ms(CLOCK_REALTIME) * 1000 : FIRST_SEED;
}

soak_run soak_begin(const char *part, const char *engine, uint64_t rounds) {
    int64_t duration_s = (int64_t)number_of("LESSONSTORE_SOAK_S");
    soak_run soak = {.part = part, .engine = engine, .is_long = duration_s > 0, .rounds_left = rounds};
    soak.seed = first_seed(soak.is_long) - 1;
    soak.began_at_ms = now_ms(CLOCK_MONOTONIC);
    soak.ends_at_ms = soak.began_at_ms + duration_s * 1000;
    return soak;
}

bool soak_next(soak_run *soak) {
    bool goes_on = soak->is_long ? now_ms(CLOCK_MONOTONIC) < soak->ends_at_ms : soak->rounds_left-- > 0;
    if (!goes_on)
        return false;
    soak->seed++;
    soak->rounds++;
    return true;
}

void soak_end(const soak_run *soak) {
    int64_t took_ms = now_ms(CLOCK_MONOTONIC) - soak->began_at_ms;
    printf("soak\t%s\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRId64 "\n", soak->part,
           soak->engine, soak->rounds, soak->histories, soak->operations, soak->kills, soak->faults, took_ms);
    fflush(stdout);
}
