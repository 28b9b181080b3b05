#include "measure.h"

#include <malloc.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 7
#define ROUNDS_SHORT 2
#define VARIANTS_MAX 8

/* ---- Beginning and failing */

benchmark measure_begin(const char *name, int argc, char **argv) {
    bool brief = argc == 2 && strcmp(argv[1], "--short") == 0;
    if (argc > 1 && !brief) {
        fprintf(stderr, "usage: bench_%s [--short]\n", name);
        exit(2);
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    return (benchmark){.name = name, .brief = brief, .rounds = brief ? ROUNDS_SHORT : ROUNDS};
}

size_t measure_size(const benchmark *bench, size_t full, size_t brief) {
    return bench->brief ? brief : full;
}

__attribute__((format(printf, 1, 0))) static void print_line(const char *format, va_list arguments) {
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void measure_fail(const char *file, int line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s:%d: ", file, line);
    print_line(format, arguments);
    va_end(arguments);
    exit(1);
}

void measure_log(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    print_line(format, arguments);
    va_end(arguments);
}

void measure_make_directory(char directory[MEASURE_DIRECTORY_SIZE]) {
    const char *parent = getenv("TMPDIR");
    int size = snprintf(directory, MEASURE_DIRECTORY_SIZE, "%s/lessonstore-bench.XXXXXX",
                        parent && *parent ? parent : "/var/tmp");
    measure_must(size > 0 && size < MEASURE_DIRECTORY_SIZE && mkdtemp(directory),
                 "no directory for the files can be made");
}

/* ---- vCPUs */

/* The last vCPU, because the system's own work tends to be on the first. */
static int last_cpu(const cpu_set_t *allowed) {
    int cpu = CPU_SETSIZE - 1;
    while (cpu > 0 && !CPU_ISSET((size_t)cpu, allowed))
        cpu--;
    return cpu;
}

void measure_pin(void) {
    cpu_set_t allowed, one;
    measure_must(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "the vCPUs cannot be asked for");
    CPU_ZERO(&one);
    CPU_SET((size_t)last_cpu(&allowed), &one);
    measure_must(sched_setaffinity(0, sizeof one, &one) == 0, "the thread cannot be pinned");
}

/* The kernel ignores vCPUs that the process may not use. */
void measure_unpin(void) {
    cpu_set_t all;
    memset(&all, 0xff, sizeof all);
    measure_must(sched_setaffinity(0, sizeof all, &all) == 0, "the thread cannot be unpinned");
}

/* ---- Clocks and memory */

static uint64_t read_clock(clockid_t clock) {
    struct timespec time;
    measure_must(clock_gettime(clock, &time) == 0, "a clock cannot be read");
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t measure_wall_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

void measure_watch(benchmark *bench, pid_t server) {
    bench->server = server;
}

void measure_add_helper(benchmark *bench, pid_t helper) {
    bench->helper = helper;
}

/* 0 if there is no such process. */
static uint64_t cpu_ns_of(pid_t pid) {
    clockid_t clock;
    if (pid <= 0)
        return 0;
    measure_must(clock_getcpuclockid(pid, &clock) == 0, "a process that is measured is gone");
    return read_clock(clock);
}

static uint64_t ns_of(struct timeval time) {
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_usec * 1000;
}

uint64_t measure_cpu_ns(const benchmark *bench) {
    struct rusage children;
    getrusage(RUSAGE_CHILDREN, &children);
    return read_clock(CLOCK_PROCESS_CPUTIME_ID) + cpu_ns_of(bench->helper) + ns_of(children.ru_utime) +
           ns_of(children.ru_stime);
}

uint64_t measure_server_cpu_ns(const benchmark *bench) {
    return cpu_ns_of(bench->server);
}

uint64_t measure_resident_bytes(void) {
    unsigned long long total, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    measure_must(file, "/proc/self/statm cannot be read");
    int found = fscanf(file, "%llu %llu", &total, &resident);
    fclose(file);
    measure_must(found == 2, "/proc/self/statm has another form");
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t measure_heap_bytes(void) {
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

/* ---- Printing */

static void print_figure(const benchmark *bench, const char *work, const char *variant, uint64_t size,
                         const char *metric, double value, const char *unit, double low, double high) {
    printf("%s\t%s\t%s\t%llu\t%s\t%.6g\t%s\t%.6g\t%.6g\n", bench->name, work, variant, (unsigned long long)size, metric,
           value, unit, low, high);
}

void measure_print(const benchmark *bench, const char *work, const char *variant, uint64_t size, const char *metric,
                   double value, const char *unit) {
    print_figure(bench, work, variant, size, metric, value, unit, value, value);
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

void measure_print_median(const benchmark *bench, const char *work, const char *variant, uint64_t size,
                          const char *metric, double *values, size_t value_count, const char *unit) {
    measure_must(value_count > 0, "nothing was measured");
    qsort(values, value_count, sizeof *values, compare_doubles);
    double median = (values[(value_count - 1) / 2] + values[value_count / 2]) / 2;
    print_figure(bench, work, variant, size, metric, median, unit, values[0], values[value_count - 1]);
}

void measure_print_latency(const benchmark *bench, const char *work, const char *variant, uint64_t size,
                           const histogram *latency) {
    static const struct {
        const char *metric;
        double percent;
    } percentiles[] = {{"p50", 50}, {"p99", 99}, {"p99.9", 99.9}, {"longest", 100}};
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++) {
        double ns = (double)histogram_percentile(latency, percentiles[i].percent);
        measure_print(bench, work, variant, size, percentiles[i].metric, ns / 1000, "us");
    }
}

/* ---- Comparing */

typedef enum clock_kind { CLOCK_CPU, CLOCK_SERVER, CLOCK_BOTH, CLOCK_WALL, CLOCK_COUNT } clock_kind;

static const struct {
    const char *metric;
    const char *ratio;
} clocks[CLOCK_COUNT] = {
    [CLOCK_CPU] = {"ns", "ns-ratio"},
    [CLOCK_SERVER] = {"server-ns", "server-ns-ratio"},
    [CLOCK_BOTH] = {"both-ns", "both-ns-ratio"},
    [CLOCK_WALL] = {"wall-ns", "wall-ns-ratio"},
};

/* Nanoseconds per operation. */
typedef double sample_table[CLOCK_COUNT][VARIANTS_MAX][MEASURE_ROUNDS_MAX];

typedef struct instant {
    uint64_t cpu, server, wall;
} instant;

static instant read_instant(const benchmark *bench) {
    return (instant){.cpu = measure_cpu_ns(bench), .server = measure_server_cpu_ns(bench), .wall = measure_wall_ns()};
}

static void run_variant(const benchmark *bench, const measure_variant *variant, double operations,
                        sample_table *samples, size_t index, int round) {
    if (variant->prepare)
        variant->prepare(variant->context);
    instant before = read_instant(bench);
    variant->run(variant->context);
    instant after = read_instant(bench);
    (*samples)[CLOCK_CPU][index][round] = (double)(after.cpu - before.cpu) / operations;
    (*samples)[CLOCK_SERVER][index][round] = (double)(after.server - before.server) / operations;
    (*samples)[CLOCK_BOTH][index][round] = (double)(after.cpu - before.cpu + after.server - before.server) / operations;
    (*samples)[CLOCK_WALL][index][round] =
        (variant->wall_ns ? *variant->wall_ns : (double)(after.wall - before.wall)) / operations;
}

static void print_ratio(const benchmark *bench, const char *work, const char *variant, uint64_t size,
                        const char *metric, const double *judged, const double *reference) {
    double ratios[MEASURE_ROUNDS_MAX];
    for (int round = 0; round < bench->rounds; round++)
        ratios[round] = judged[round] / reference[round];
    measure_print_median(bench, work, variant, size, metric, ratios, (size_t)bench->rounds, "x");
}

/* Ratios come first: printing a median sorts the samples, and afterwards they are no longer in pairs. */
static void print_samples(const benchmark *bench, const char *work, uint64_t size, const measure_variant *variants,
                          size_t variant_count, sample_table *samples, clock_kind clock) {
    for (size_t i = 1; i < variant_count; i++)
        print_ratio(bench, work, variants[i].name, size, clocks[clock].ratio, (*samples)[clock][0],
                    (*samples)[clock][i]);
    for (size_t i = 0; i < variant_count; i++)
        measure_print_median(bench, work, variants[i].name, size, clocks[clock].metric, (*samples)[clock][i],
                             (size_t)bench->rounds, "ns");
}

void measure_compare(const benchmark *bench, const char *work, uint64_t size, uint64_t operations,
                     const measure_variant *variants, size_t variant_count) {
    sample_table samples;
    measure_must(variant_count <= VARIANTS_MAX && bench->rounds <= MEASURE_ROUNDS_MAX, "%s: too much at once", work);
    measure_log("%s: %s, size %llu", bench->name, work, (unsigned long long)size);
    for (int round = 0; round < bench->rounds; round++) {
        for (size_t i = 0; i < variant_count; i++) {
            size_t index = (i + (size_t)round) % variant_count;
            run_variant(bench, &variants[index], (double)operations, &samples, index, round);
        }
    }
    for (clock_kind clock = 0; clock < CLOCK_COUNT; clock++) {
        bool measured = bench->server > 0 || (clock != CLOCK_SERVER && clock != CLOCK_BOTH);
        if (measured)
            print_samples(bench, work, size, variants, variant_count, &samples, clock);
    }
}
