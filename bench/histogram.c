#include "histogram.h"

#include <stddef.h>

#define BITS 6 /* bits below the highest one that a bucket keeps of a time */
#define STEPS (1u << BITS)

/* Times below STEPS have one bucket each. A longer time keeps its highest bit and the BITS bits below it. */
static size_t bucket_of(uint64_t ns) {
    if (ns < STEPS)
        return (size_t)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - BITS;
    return (size_t)shift * STEPS + (size_t)(ns >> shift);
}

/* Returns the longest time of a bucket. */
static uint64_t end_of(size_t bucket) {
    if (bucket < STEPS)
        return bucket;
    unsigned shift = (unsigned)(bucket / STEPS) - 1;
    return ((bucket - (uint64_t)shift * STEPS + 1) << shift) - 1;
}

_Static_assert(HISTOGRAM_BUCKETS == (63 - BITS + 2) * STEPS, "a bucket for every time");

void histogram_record(histogram *times, uint64_t ns) {
    times->counts[bucket_of(ns)]++;
    times->count++;
    if (ns > times->longest)
        times->longest = ns;
}

void histogram_add(histogram *into, const histogram *from) {
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    if (from->longest > into->longest)
        into->longest = from->longest;
}

uint64_t histogram_percentile(const histogram *times, double percent) {
    double wanted = (double)times->count * percent / 100;
    uint64_t seen = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += times->counts[i];
        if (times->counts[i] && (double)seen >= wanted)
            return end_of(i) < times->longest ? end_of(i) : times->longest;
    }
    return times->longest;
}
