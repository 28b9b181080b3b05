/*
 * Measuring, for the benchmarks: bench_NAME [--short].
 *
 * A benchmark compares our library with a reference, in one process and in turns: each round runs every variant once.
 * So a machine that is slow for a while is slow for all variants. The printed value is the median of the rounds, with
 * the lowest and the highest. For the same reason, ratios are taken within each round.
 *
 *   int main(int argc, char **argv) {
 *       benchmark bench = measure_begin("name", argc, argv);
 *       measure_pin();
 *       size_t users = measure_size(&bench, 1000000, 1000);
 *       ... fill both sides with the same users ...
 *       const measure_variant variants[] = {{"lessonstore", NULL, run_ours, &ours, NULL},
 *                                           {"raw", NULL, run_raw, &raw, NULL}};
 *       measure_compare(&bench, "join-move", users, operations, variants, 2);
 *   }
 *
 * The first variant is the one that is judged. All variants do the same work and are written with the same care. Inputs
 * are made before and not measured (workload.h). Any failure ends the program: measure_must.
 *
 * Every figure is one line on stdout, with columns separated by tabs. Nothing else is printed there:
 *
 *   bench work variant size metric value unit low high
 *
 * `size` is the number that the work grows with: users, members, operations in a batch or under way. measure_compare
 * explains `low` and `high`; both are the value if there was one measurement.
 */
#ifndef LESSON_STORE_BENCH_MEASURE_H
#define LESSON_STORE_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "histogram.h"

#define MEASURE_ROUNDS_MAX 16

typedef struct benchmark {
    const char *name;
    bool brief; /* --short: tiny sizes, only to check that the program works */
    int rounds; /* of each comparison; may be changed, up to MEASURE_ROUNDS_MAX */
    pid_t server;
    pid_t helper;
} benchmark;

/* Reads the arguments. If they are wrong, prints the usage and ends the program. */
benchmark measure_begin(const char *name, int argc, char **argv);

/* Returns `full`, or `brief` with --short. */
size_t measure_size(const benchmark *bench, size_t full, size_t brief);

/* Also measures the CPU time of this server from now on. */
void measure_watch(benchmark *bench, pid_t server);

/* Counts the CPU time of this process as ours from now on: it does the work of a variant. */
void measure_add_helper(benchmark *bench, pid_t helper);

/* Pins the calling thread to one vCPU, with the threads and processes that it starts from now on, because waking
 * another vCPU costs more than most of the measured work. measure_unpin lets those that are started later run
 * everywhere. */
void measure_pin(void);
void measure_unpin(void);

/* Ends the program with this text (printf style) unless `condition` holds. */
#define measure_must(condition, ...) ((condition) ? (void)0 : measure_fail(__FILE__, __LINE__, __VA_ARGS__))
_Noreturn void measure_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Prints on stderr, for the person who waits, what is being done now. */
void measure_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes a directory for files of this run, on a disk: in $TMPDIR, or in /var/tmp. The caller removes it. */
#define MEASURE_DIRECTORY_SIZE 128
void measure_make_directory(char directory[MEASURE_DIRECTORY_SIZE]);

/* ---- Comparing */

typedef struct measure_variant {
    const char *name;
    void (*prepare)(void *context); /* called before each round, not measured; NULL: nothing to do */
    void (*run)(void *context);     /* called once in each round */
    void *context;
    const double *wall_ns; /* the time that `run` reports itself; NULL: it is timed from outside */
} measure_variant;

/* Runs the variants in turns. Each round begins with another variant. `operations` is the number of operations of each
 * `run`. Prints one line for each variant and each of these metrics, in nanoseconds per operation:
 *
 *   ns          the process's CPU time: all its threads, its helper, and children that `run` waits for
 *   server-ns   the watched server's CPU time     (only after measure_watch)
 *   both-ns     the sum of the two                (only after measure_watch)
 *   wall-ns     wall-clock time
 *
 * For every variant but the first it also prints each metric with the suffix "-ratio": the first variant's time as a
 * multiple of this one's. Below 1, the first is faster. */
void measure_compare(const benchmark *bench, const char *work, uint64_t size, uint64_t operations,
                     const measure_variant *variants, size_t variant_count);

/* ---- Printing figures that were measured by other means */

void measure_print(const benchmark *bench, const char *work, const char *variant, uint64_t size, const char *metric,
                   double value, const char *unit);

/* The median of some values, with the lowest and the highest. Sorts them. */
void measure_print_median(const benchmark *bench, const char *work, const char *variant, uint64_t size,
                          const char *metric, double *values, size_t value_count, const char *unit);

/* The metrics p50, p99, p99.9 and longest, in microseconds. */
void measure_print_latency(const benchmark *bench, const char *work, const char *variant, uint64_t size,
                           const histogram *latency);

/* ---- Reading clocks and memory */

uint64_t measure_wall_ns(void);
uint64_t measure_cpu_ns(const benchmark *bench);        /* of this process, its helper and its reaped children */
uint64_t measure_server_cpu_ns(const benchmark *bench); /* of the watched server; 0 if there is none */
uint64_t measure_resident_bytes(void);                  /* of this process, currently in memory */
uint64_t measure_heap_bytes(void);                      /* allocated by malloc and not freed */

#endif
