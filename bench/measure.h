/*
 * Measuring, for the benchmarks: bench_NAME [--short].
 *
 * A benchmark runs our library beside the thing that it is judged by, in one process, in turns: each round runs every
 * variant once, so that a machine which is slow for a while is slow for all of them, and what is printed is the median
 * of the rounds, with the lowest and the highest. Ratios are taken within each round for the same reason.
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
 * The first variant is the one that is judged. Each does the same work and is written with the same care; inputs are
 * made before and not measured (workload.h). Whatever fails ends the program: measure_must.
 *
 * Every figure is one line on stdout, its columns separated by tabs, and nothing else is printed there:
 *
 *   bench work variant size metric value unit low high
 *
 * `size` is what the work grows with: users, members, operations in a batch or under way. For `low` and `high` see
 * measure_compare; both are the value where there was one measurement.
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
    bool brief; /* --short: tiny sizes, to see that the program works */
    int rounds; /* of each comparison; may be changed, up to MEASURE_ROUNDS_MAX */
    pid_t server;
    pid_t helper;
} benchmark;

/* Reads the arguments; ends the program with a usage if they are wrong. */
benchmark measure_begin(const char *name, int argc, char **argv);

/* `full`, or with --short `brief`. */
size_t measure_size(const benchmark *bench, size_t full, size_t brief);

/* Measures from now on also the CPU time of this server. */
void measure_watch(benchmark *bench, pid_t server);

/* Takes the CPU time of this process as our own from now on: it does the work of a variant. */
void measure_add_helper(benchmark *bench, pid_t helper);

/* Pins the calling thread, and the threads and processes that it starts from now on, to one vCPU: waking another one
 * costs more than most of what is measured. Unpinning lets what is started later run everywhere. */
void measure_pin(void);
void measure_unpin(void);

/* Ends the program with this text (printf style) unless `condition` holds. */
#define measure_must(condition, ...) ((condition) ? (void)0 : measure_fail(__FILE__, __LINE__, __VA_ARGS__))
_Noreturn void measure_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Tells the person who waits what is being done now, on stderr. */
void measure_tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Makes a folder for files of this run, on a disk: in $TMPDIR, or in /var/tmp. Who asks for it removes it. */
#define MEASURE_FOLDER_SIZE 128
void measure_make_folder(char folder[MEASURE_FOLDER_SIZE]);

/* ---- Comparing */

typedef struct measure_variant {
    const char *name;
    void (*prepare)(void *context); /* called before each round and not measured; NULL: nothing */
    void (*run)(void *context);     /* called once in each round */
    void *context;
    const double *wall_ns; /* where `run` puts what it took by its own account; NULL: it is timed from outside */
} measure_variant;

/* Runs the variants in turns, each round beginning with another one. `operations` is how many each `run` does. For
 * each variant a line of each of these metrics, in nanoseconds an operation:
 *
 *   ns          the process's CPU time, of all its threads, its helper, and children that `run` waits for
 *   server-ns   the same of the watched server    (only after measure_watch)
 *   both-ns     the sum of the two                (only after measure_watch)
 *   wall-ns     as the clock on the wall has it
 *
 * and for each variant but the first the same with "-ratio" behind it: the first variant's time as a multiple of this
 * one's, below 1 where we are faster. */
void measure_compare(const benchmark *bench, const char *work, uint64_t size, uint64_t operations,
                     const measure_variant *variants, size_t variant_count);

/* ---- Printing what was found by other means */

void measure_print(const benchmark *bench, const char *work, const char *variant, uint64_t size, const char *metric,
                   double value, const char *unit);

/* The median of some values, with the lowest and the highest; sorts them. */
void measure_print_median(const benchmark *bench, const char *work, const char *variant, uint64_t size,
                          const char *metric, double *values, size_t value_count, const char *unit);

/* The metrics p50, p99, p99.9 and longest, in microseconds. */
void measure_print_latency(const benchmark *bench, const char *work, const char *variant, uint64_t size,
                           const histogram *latency);

/* ---- Reading clocks and memory */

uint64_t measure_wall_ns(void);
uint64_t measure_cpu_ns(const benchmark *bench);        /* this process, its helper, and children it has waited for */
uint64_t measure_server_cpu_ns(const benchmark *bench); /* of the watched one; 0 if there is none */
uint64_t measure_resident_bytes(void);                  /* of this process, in memory now */
uint64_t measure_heap_bytes(void);                      /* handed out by malloc and not yet given back */

#endif
