#include "spy.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

spy the_spy;

typedef struct spy_instance {
    lesson_store_instance base;
    atomic_flag busy;
} spy_instance;

void spy_reset(void) {
    memset(&the_spy, 0, sizeof the_spy);
    the_spy.capabilities = LESSON_STORE_CAN_SHARE | LESSON_STORE_CAN_KEEP_SESSIONS;
}

static void keep(char *out, size_t size, const char *text) {
    snprintf(out, size, "%s", text ? text : "(none)");
}

static bool has_host_at(const lesson_store_location *location, int index) {
    int port = 1;
    return lesson_store_location_host_at(location, index, &port) || port != 0;
}

static void remember_hosts(const lesson_store_location *location) {
    size_t size = 0;
    the_spy.hosts[0] = '\0';
    the_spy.host_count = lesson_store_location_host_count(location);
    for (int i = 0; i < the_spy.host_count && size < sizeof the_spy.hosts; i++) {
        int port;
        const char *host = lesson_store_location_host_at(location, i, &port);
        size += (size_t)snprintf(the_spy.hosts + size, sizeof the_spy.hosts - size, "%s %d;", host, port);
    }
    int beyond = the_spy.host_count > 0 ? the_spy.host_count : 1; /* without a host, the name of the first is empty */
    the_spy.has_host_beyond = has_host_at(location, -1) || has_host_at(location, beyond) || has_host_at(location, 1000);
}

static void remember_location(const lesson_store_location *location) {
    remember_hosts(location);
    keep(the_spy.user, sizeof the_spy.user, lesson_store_location_user(location));
    keep(the_spy.password, sizeof the_spy.password, lesson_store_location_password(location));
    keep(the_spy.host, sizeof the_spy.host, lesson_store_location_host(location));
    keep(the_spy.path, sizeof the_spy.path, lesson_store_location_path(location));
    keep(the_spy.text, sizeof the_spy.text, lesson_store_location_text(location, "text"));
    keep(the_spy.shown, sizeof the_spy.shown, lesson_store_location_shown(location));
    the_spy.first_reported = lesson_store_location_first(location);
    the_spy.port = lesson_store_location_port(location);
    the_spy.number = lesson_store_location_number(location, "number");
}

/* Several threads may grow a pool at the same time. */
static void remember_location_alone(const lesson_store_location *location) {
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&mutex);
    remember_location(location);
    pthread_mutex_unlock(&mutex);
}

static int hang(const lesson_store_location *location) {
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    while (!lesson_store_location_gives_up(location))
        nanosleep(&pause, NULL);
    return lesson_store_fail(LESSON_STORE_UNREACHABLE, "the spy hangs");
}

static int spy_open(lesson_store_instance **out, const lesson_store_location *location) {
    int opened = atomic_fetch_add(&the_spy.opens, 1);
    remember_location_alone(location);
    if (the_spy.on_open)
        the_spy.on_open();
    if (the_spy.open_code && opened >= the_spy.open_fails_from) {
        *out = (lesson_store_instance *)&the_spy; /* core must not use it */
        return lesson_store_fail(the_spy.open_code, "the spy does not open");
    }
    if (opened && the_spy.open_hangs)
        return hang(location);
    spy_instance *instance = calloc(1, sizeof *instance);
    if (!instance)
        return lesson_store_fail(LESSON_STORE_NO_MEMORY, "no memory for a spy");
    atomic_flag_clear(&instance->busy);
    instance->base.capabilities = the_spy.capabilities;
    instance->base.call_timeout_ms = the_spy.call_timeout_ms;
    instance->base.reserved[0] = the_spy.leave_reserved;
    instance->base.exceptions = the_spy.exceptions;
    if (!opened)
        the_spy.first_opened = &instance->base;
    *out = &instance->base;
    return LESSON_STORE_OK;
}

static void spy_close(lesson_store_instance *instance) {
    atomic_fetch_add(&the_spy.closes, 1);
    free(instance);
}

static void enter(lesson_store_instance *instance) {
    if (atomic_flag_test_and_set(&((spy_instance *)instance)->busy))
        atomic_store(&the_spy.two_in_one, true);
    int inside = atomic_fetch_add(&the_spy.inside, 1) + 1;
    if (inside > atomic_load(&the_spy.most_inside))
        atomic_store(&the_spy.most_inside, inside);
}

static void leave(lesson_store_instance *instance) {
    atomic_fetch_sub(&the_spy.inside, 1);
    atomic_flag_clear(&((spy_instance *)instance)->busy);
}

static int spy_run(lesson_store_instance *instance, lesson_store_operation *operations, size_t count) {
    enter(instance);
    int run = atomic_fetch_add(&the_spy.runs, 1);
    if (run < (int)(sizeof the_spy.run_sizes / sizeof *the_spy.run_sizes))
        the_spy.run_sizes[run] = count;
    atomic_store(&the_spy.deadline_us, instance->deadline_us);
    if (the_spy.on_run)
        the_spy.on_run();
    for (size_t i = 0; i < count && !the_spy.leave_unanswered; i++)
        operations[i].code = LESSON_STORE_OK;
    leave(instance);
    return the_spy.run_code ? lesson_store_fail(the_spy.run_code, "the spy fails") : LESSON_STORE_OK;
}

static int spy_members(lesson_store_instance *instance, const lesson_store_id *lesson_id,
                       lesson_store_member_callback callback, void *context) {
    enter(instance);
    atomic_fetch_add(&the_spy.streams, 1);
    callback(lesson_id, context);
    leave(instance);
    return the_spy.run_code;
}

static const lesson_store_option spy_options[] = {
    {.name = "text", .summary = "one of two words", .choices = "one|two", .text_default = "one"},
    {.name = "any", .summary = "any text"},
    {.name = "token", .summary = "a secret", .choices = "gold|silver", .flags = LESSON_STORE_OPTION_SECRET},
    {.name = "number", .summary = "a number", .number_default = 5, .minimum = 1, .maximum = 10},
    {.name = NULL},
};

const lesson_store_backend spy_backend = {
    .size = sizeof(lesson_store_backend),
    .schemes = "spy|spy+unix|spy+list",
    .summary = "remembers what it is asked",
    .operations = LESSON_STORE_OPERATIONS_0_1,
    .flags = LESSON_STORE_FLAGS_0_1,
    .options = spy_options,
    .default_pool = 4,
    .open = spy_open,
    .close = spy_close,
    .run = spy_run,
    .members = spy_members,
    .host_list_schemes = "spy+list",
};
