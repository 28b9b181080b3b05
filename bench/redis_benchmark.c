#include "redis_benchmark.h"

#include <stdio.h>
#include <stdlib.h>

#include "measure.h"
#include "raw_redis.h"

#define ID_SIZE 40

/* "user-" and two numbers; "lesson-" and one number. */
static size_t make_user(char id[ID_SIZE], size_t index, size_t range) {
    return (size_t)snprintf(id, ID_SIZE, "user-%012zu%012zu", index / range, index % range);
}

static size_t make_lesson(char id[ID_SIZE], size_t index, size_t range) {
    (void)range;
    return (size_t)snprintf(id, ID_SIZE, "lesson-%012zu", index);
}

/* The texts are stored behind the array, in the same block, as in workload_ids. */
static lesson_store_id *make_ids(size_t (*make)(char *, size_t, size_t), size_t count, size_t range) {
    lesson_store_id *ids = malloc(count * (sizeof *ids + ID_SIZE));
    measure_must(ids, "no memory for %zu ids", count);
    char *text = (char *)(ids + count);
    for (size_t i = 0; i < count; i++, text += ID_SIZE)
        ids[i] = (lesson_store_id){text, make(text, i, range)};
    return ids;
}

workload redis_benchmark_workload(size_t range) {
    size_t users = range * range;
    return workload_of(make_ids(make_user, users, range), users, make_ids(make_lesson, range, range), range);
}

/* Reads the last line that the tool prints: the command, and its rate per second. */
static double read_rate(FILE *output) {
    char line[512];
    double rate = 0;
    while (fgets(line, sizeof line, output)) {
        const char *behind = strstr(line, "\",\"");
        if (behind)
            rate = strtod(behind + 3, NULL);
    }
    return rate;
}

double redis_benchmark_run(const char *socket, int database, const char *hash, size_t range, size_t count) {
    char command[512];
    int size = snprintf(command, sizeof command,
                        "redis-benchmark -s %s --dbnum %d -c 50 -P 64 -n %zu -r %zu --csv EVALSHA %s 2 " RAW_USER_PREFIX
                        "user-__rand_int____rand_int__ " RAW_MEMBERS_PREFIX "lesson-__rand_int__ course-1",
                        socket, database, count, range, hash);
    measure_must(size > 0 && (size_t)size < sizeof command, "a command too long");
    FILE *output = popen(command, "r");
    measure_must(output, "redis-benchmark cannot be started");
    double rate = read_rate(output);
    measure_must(pclose(output) == 0 && rate > 0, "redis-benchmark failed");
    return (double)count * 1e9 / rate;
}
