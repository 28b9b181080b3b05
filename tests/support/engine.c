#include "engine.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cmocka_all.h"

enum engine_kind { MEMORY, SQLITE, REDIS };

static const struct {
    const char *name;
    enum engine_kind kind;
    bool over_tls;
} engines[] = {
    {"memory", MEMORY, false}, {"sqlite", SQLITE, false}, {"redis", REDIS, false}, {"redis-tls", REDIS, true}};

static struct {
    const char *name;
    enum engine_kind kind;
    const char *redis_location; /* of the socket */
    const char *tls_location;   /* NULL: the socket is used */
    char directory[256];
    char location[640]; /* a cluster's names all its nodes */
    bool has_prefix;    /* the location ends with one of its own */
} engine;

bool engine_choose(const char *name) {
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        if (strcmp(name, engines[i].name) != 0)
            continue;
        engine.name = engines[i].name;
        engine.kind = engines[i].kind;
        engine.redis_location = getenv("LESSONSTORE_TEST_REDIS");
        engine.tls_location = engines[i].over_tls ? getenv("LESSONSTORE_TEST_REDIS_TLS") : NULL;
        if (engine.kind != REDIS || (engine.redis_location && (engine.tls_location || !engines[i].over_tls)))
            return true;
    }
    fprintf(stderr, "the argument is memory or sqlite, or redis or redis-tls where with_redis runs this\n");
    return false;
}

const char *engine_name(void) {
    return engine.name;
}

bool engine_is_shared(void) {
    return engine.kind != MEMORY;
}

/* In memory if possible, because these tests are not about the disk and would only wait for it. */
static const char *parent_directory(void) {
    const char *wanted = getenv("TMPDIR");
    if (wanted && *wanted)
        return wanted;
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static void make_directory(void) {
    snprintf(engine.directory, sizeof engine.directory, "%s/lessonstore-engine.XXXXXX", parent_directory());
    assert_non_null(mkdtemp(engine.directory));
}

static void remove_directory(void) {
    static const char *const files[] = {"lessons.db", "lessons.db-wal", "lessons.db-shm"};
    char path[300];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", engine.directory, files[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(engine.directory), 0);
}

static bool is_single_server(void) {
    return strncmp(engine.redis_location, "redis+unix://", strlen("redis+unix://")) == 0;
}

/* Behind Sentinels and in a cluster, no single command empties everything. A new prefix is empty too, and the servers
 * end with the program that uses them. So nothing is removed. Where keys are spread over several nodes, a tag in braces
 * keeps a store's keys on one of them. */
static void take_new_prefix(void) {
    unsigned char random[8];
    engine.has_prefix = true;
    bool has_tag = getenv("LESSONSTORE_TEST_PREFIX_TAG") != NULL;
    assert_int_equal(getrandom(random, sizeof random, 0), sizeof random);
    uint64_t number;
    memcpy(&number, random, sizeof number);
    const char *joint = strchr(engine.redis_location, '?') ? "&" : "?"; /* over TLS it has options */
    int size = snprintf(engine.location, sizeof engine.location, "%s%sprefix=%s%016" PRIx64 "%s", engine.redis_location,
                        joint, has_tag ? "%7B" : "", number, has_tag ? "%7D" : "");
    assert_in_range(size, 1, sizeof engine.location - 1);
}

/* A raw command, because the library does not reach everything that a damaged store holds. */
static void empty_redis(void) {
    static const char command[] = "FLUSHALL\r\n", expected[] = "+OK\r\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char reply[sizeof expected] = "";
    snprintf(address.sun_path, sizeof address.sun_path, "%s", strchr(engine.redis_location, '/') + 2);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, command, sizeof command - 1), sizeof command - 1);
    for (size_t got = 0; got < sizeof expected - 1;) {
        ssize_t count = read(fd, reply + got, sizeof expected - 1 - got);
        assert_true(count > 0);
        got += (size_t)count;
    }
    close(fd);
    assert_string_equal(reply, expected);
}

const char *engine_make(void) {
    engine.has_prefix = false;
    snprintf(engine.location, sizeof engine.location, "memory:");
    if (engine.kind == SQLITE) {
        make_directory();
        snprintf(engine.location, sizeof engine.location, "sqlite:%s/lessons.db", engine.directory);
    } else if (engine.kind == REDIS && !is_single_server()) {
        take_new_prefix();
    } else if (engine.kind == REDIS) {
        empty_redis();
        snprintf(engine.location, sizeof engine.location, "%s",
                 engine.tls_location ? engine.tls_location : engine.redis_location);
    }
    return engine.location;
}

const char *engine_location(void) {
    return engine.location;
}

void engine_remove(void) {
    if (engine.kind == SQLITE)
        remove_directory();
}

void engine_add_options(char *out, size_t size, const char *location, const char *options) {
    static const char prefix[] = "?prefix=";
    size_t replaced = 0;
    const char *joint = "";
    if (*options && strchr(location, '?')) {
        bool is_continued = engine.has_prefix && strncmp(options, prefix, strlen(prefix)) == 0;
        replaced = is_continued ? strlen(prefix) : 1;
        joint = is_continued ? "" : "&";
    }
    int written = snprintf(out, size, "%s%s%s", location, joint, options + replaced);
    assert_in_range(written, 1, size - 1);
}

lesson_store *engine_open_store(const char *options) {
    char location[1024];
    lesson_store *store;
    engine_add_options(location, sizeof location, engine.location, options);
    if (lesson_store_open(&store, location) != LESSON_STORE_OK)
        fail_msg("%s: %s", location, lesson_store_message());
    return store;
}

uint64_t engine_exceptions(void) {
    lesson_store_abilities abilities = LESSON_STORE_ABILITIES_INIT;
    lesson_store *store = engine_open_store("");
    assert_int_equal(lesson_store_read_abilities(store, &abilities), LESSON_STORE_OK);
    lesson_store_close(store);
    return abilities.exceptions;
}

lesson_store *engine_open(void) {
    engine_make();
    return engine_open_store("");
}

void engine_close(lesson_store *store) {
    lesson_store_close(store);
    engine_remove();
}
