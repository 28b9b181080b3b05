/* Durations, counted in buckets that are exact below 64 ns and within 1.6 % above. */
#ifndef LESSON_STORE_BENCH_HISTOGRAM_H
#define LESSON_STORE_BENCH_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 3776 /* 64, and 64 for each further power of two up to 2^64 */

/* Zero it to begin. */
typedef struct histogram {
    uint64_t count;
    uint64_t longest;
    uint64_t counts[HISTOGRAM_BUCKETS];
} histogram;

void histogram_record(histogram *times, uint64_t ns);
void histogram_add(histogram *into, const histogram *from);

/* Returns the time within which this percentage was done; 100 gives exactly the longest. 0 for an empty histogram. */
uint64_t histogram_percentile(const histogram *times, double percent);

#endif
