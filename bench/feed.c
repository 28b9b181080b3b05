/* The feed: what it costs those who write, in Redis; how fast one reader gets events, on each engine, beside a bare
 * loop of XREAD; and what a thousand followers cost those who write. Reading has a thread of its own, so nothing is
 * pinned there. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>
#include <lessonstore/feed.h>

#include "redis_server.h"
#include "sides.h"

#define LESSONS 1000
#define FOLLOWERS 1000
#define ENTRIES_AT_A_TIME "512"

/* ---- Writing */

static void compare_joins(const benchmark *bench, const char *location, workload *load) {
    side sides[] = {
        {.name = "feed", .store = sides_open_store(location, "?pool=1&prefix=FED&feed=100000"), .load = load},
        {.name = "no-feed", .store = sides_open_store(location, "?pool=1&prefix=PLAIN"), .load = load}};
    workload_join *joins = workload_fill(load);
    for (int i = 0; i < 2; i++)
        workload_put(sides[i].store, joins, load->user_count);
    sides_compare(bench, sides, "join", measure_size(bench, 10000, 50), 1);
    sides_compare(bench, sides, "join-64", measure_size(bench, 32768, 1024), 64);
    sides_compare(bench, sides, "join-256", measure_size(bench, 32768, 1024), 256);
    for (int i = 0; i < 2; i++)
        lesson_store_close(sides[i].store);
    free(joins);
}

/* The followers follow lessons in which nothing happens. */
static void compare_followers(const benchmark *bench, const char *location, workload *load) {
    static lesson_store_feed *feeds[FOLLOWERS];
    size_t count = measure_size(bench, FOLLOWERS, 20);
    side sides[] = {
        {.name = "followers", .store = sides_open_store(location, "?pool=1&prefix=HEARD&feed=100000"), .load = load},
        {.name = "no-followers",
         .store = sides_open_store(location, "?pool=1&prefix=UNHEARD&feed=100000"),
         .load = load}};
    workload_join *joins = workload_fill(load);
    for (int i = 0; i < 2; i++)
        workload_put(sides[i].store, joins, load->user_count);
    for (size_t i = 0; i < count; i++) {
        char lesson_id[32];
        snprintf(lesson_id, sizeof lesson_id, "quiet-%zu", i);
        int code = lesson_store_feed_open(&feeds[i], sides[0].store, lesson_id, NULL);
        measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
    }
    sides_compare(bench, sides, "join-beside", measure_size(bench, 10000, 50), 1);
    sides_compare(bench, sides, "join-64-beside", measure_size(bench, 32768, 1024), 64);
    for (size_t i = 0; i < count; i++)
        lesson_store_feed_close(feeds[i]);
    for (int i = 0; i < 2; i++)
        lesson_store_close(sides[i].store);
    free(joins);
}

/* ---- Reading */

struct reading {
    lesson_store *store;
    redisContext *commands; /* of the bare loop */
    size_t count;
};

static bool count_event(const lesson_store_event *event, void *context) {
    (void)event;
    ++*(size_t *)context;
    return true;
}

static void read_feed(void *context) {
    struct reading *reading = context;
    lesson_store_feed *feed;
    size_t count = 0;
    int code = lesson_store_feed_open(&feed, reading->store, NULL, LESSON_STORE_POSITION_OLDEST);
    while (!code && count < reading->count) {
        struct pollfd ready = {.fd = lesson_store_feed_descriptor(feed), .events = POLLIN};
        poll(&ready, 1, 1000);
        code = lesson_store_feed_drain(feed, 0, count_event, &count, NULL);
    }
    measure_must(code == LESSON_STORE_OK && count == reading->count, "%zu events: %s", count, lesson_store_message());
    lesson_store_feed_close(feed);
}

static void read_stream(void *context) {
    struct reading *reading = context;
    char from[64] = "0-0";
    size_t count = 0;
    while (count < reading->count + 1) { /* the first entry is of no event */
        redisReply *reply =
            redisCommand(reading->commands, "XREAD COUNT " ENTRIES_AT_A_TIME " STREAMS READ:EVENTS %s", from);
        measure_must(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 1, "no entries behind %s", from);
        const redisReply *entries = reply->element[0]->element[1];
        for (size_t i = 0; i < entries->elements; i++)
            count += entries->element[i]->element[1]->elements / 2;
        snprintf(from, sizeof from, "%s", entries->element[entries->elements - 1]->element[0]->str);
        freeReplyObject(reply);
    }
}

/* Each event is that of a step of its own. */
static void fill(lesson_store *store, const workload *load, size_t count) {
    workload_join *joins = workload_moves(load, count, 7);
    for (size_t i = 0; i < count; i++) {
        int code = lesson_store_join(store, joins[i].uid.data, "course", joins[i].lesson_id.data, NULL, 0, NULL);
        measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
    }
    free(joins);
}

static size_t count_events(lesson_store *store) {
    lesson_store_feed *feed;
    size_t count = 0;
    int code = lesson_store_feed_open(&feed, store, NULL, LESSON_STORE_POSITION_OLDEST);
    while (!code && !lesson_store_feed_is_current(feed))
        code = lesson_store_feed_drain(feed, 0, count_event, &count, NULL);
    measure_must(code == LESSON_STORE_OK, "%s", lesson_store_message());
    lesson_store_feed_close(feed);
    return count;
}

static void measure_reading(const benchmark *bench, const char *work, const char *location, const workload *load,
                            size_t count) {
    struct reading reading = {.store = sides_open_store(location, "")};
    const measure_variant variants[] = {{"lessonstore", NULL, read_feed, &reading, NULL}};
    fill(reading.store, load, count);
    reading.count = count_events(reading.store);
    measure_compare(bench, work, reading.count, reading.count, variants, 1);
    lesson_store_close(reading.store);
}

static void compare_reading(const benchmark *bench, const redis_server *server, const workload *load, size_t count) {
    struct reading reading = {
        .store = sides_open_store(redis_server_unix_location(server), "?pool=1&prefix=READ&feed=1000000")};
    reading.commands = redisConnectUnix(redis_server_socket(server));
    measure_must(reading.commands && reading.commands->err == 0, "no connection");
    const measure_variant variants[] = {{"lessonstore", NULL, read_feed, &reading, NULL},
                                        {"bare-xread", NULL, read_stream, &reading, NULL}};
    fill(reading.store, load, count);
    reading.count = count_events(reading.store);
    measure_compare(bench, "read-redis", reading.count, reading.count, variants, 2);
    redisFree(reading.commands);
    lesson_store_close(reading.store);
}

int main(int argc, char **argv) {
    static const char *const arguments[] = {NULL};
    benchmark bench = measure_begin("feed", argc, argv);
    char directory[MEASURE_DIRECTORY_SIZE], sqlite[MEASURE_DIRECTORY_SIZE + 64], command[MEASURE_DIRECTORY_SIZE + 16];
    redis_server *server = redis_server_start(arguments);
    measure_must(server, "no Redis server");
    workload load = workload_make(measure_size(&bench, 100000, 2000), LESSONS);
    size_t events = measure_size(&bench, 100000, 1000);
    measure_make_directory(directory);
    snprintf(sqlite, sizeof sqlite, "sqlite:%s/lessons.db?feed=1000000&synchronous=off", directory);
    measure_reading(&bench, "read-memory", "memory:?feed=1000000", &load, events);
    measure_reading(&bench, "read-sqlite", sqlite, &load, events);
    measure_watch(&bench, redis_server_pid(server));
    compare_reading(&bench, server, &load, events);
    measure_pin();
    compare_joins(&bench, redis_server_unix_location(server), &load);
    compare_followers(&bench, redis_server_unix_location(server), &load);
    workload_free(&load);
    redis_server_stop(server);
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    measure_must(system(command) == 0, "%s stays", directory);
    return 0;
}
