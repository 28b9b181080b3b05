#include "tls_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tls_place_start(void **state) {
    const char *const open[] = {"--tls-auth-clients", "no", "--bind", "127.0.0.1", "127.0.0.2", NULL};
    tls_place *place = calloc(1, sizeof *place);
    assert_non_null(place);
    assert_int_equal(certificates_make(&place->made), 0);
    place->raw.server = redis_server_start_tls(&place->made, NULL, NULL);
    place->open = redis_server_start_tls(&place->made, NULL, open);
    assert_non_null(place->raw.server);
    assert_non_null(place->open);
    raw_reconnect(&place->raw);
    *state = place;
    return 0;
}

int tls_place_stop(void **state) {
    tls_place *place = *state;
    redisFree(place->raw.commands);
    redis_server_stop(place->raw.server);
    redis_server_stop(place->open);
    certificates_remove(&place->made);
    free(place);
    return 0;
}

void tls_locate(char out[TLS_LOCATION_SIZE], const tls_place *place, const char *host, int port, const char *options) {
    size_t used = (size_t)snprintf(out, TLS_LOCATION_SIZE, "rediss://%s:%d%s", host, port, options[0] ? "?" : "");
    for (const char *next = options; *next; next++) {
        int size = *next == '@' ? snprintf(out + used, TLS_LOCATION_SIZE - used, "%s", place->made.directory)
                                : snprintf(out + used, TLS_LOCATION_SIZE - used, "%c", *next);
        used += (size_t)size;
        assert_true(used < TLS_LOCATION_SIZE);
    }
}

lesson_store *tls_open(const tls_place *place, const char *options) {
    char location[TLS_LOCATION_SIZE], all[512];
    lesson_store *store;
    snprintf(all, sizeof all, TLS_CLIENT "%s", options);
    tls_locate(location, place, "localhost", redis_server_tls_port(place->raw.server), all);
    if (lesson_store_open(&store, location) != LESSON_STORE_OK)
        fail_msg("%s: %s", location, lesson_store_message());
    return store;
}

struct fact {
    const char *name;
    char *value;
    size_t size;
};

static bool keep_fact(const char *name, const char *value, void *context) {
    const struct fact *fact = context;
    if (strcmp(name, fact->name) == 0)
        snprintf(fact->value, fact->size, "%s", value);
    return true;
}

const char *tls_fact(lesson_store *store, const char *name) {
    static char value[256];
    struct fact fact = {name, value, sizeof value};
    value[0] = '\0';
    assert_code(lesson_store_info(store, keep_fact, &fact), OK);
    return value;
}

long long tls_connections(tls_place *place) {
    static const char field[] = "total_connections_received:";
    redisReply *reply = redisCommand(place->raw.commands, "INFO stats");
    const char *found = reply ? strstr(reply->str, field) : NULL;
    assert_non_null(found);
    long long count = atoll(found + strlen(field));
    freeReplyObject(reply);
    return count;
}

void tls_replace(const tls_place *place, const char *from, const char *to) {
    char command[512], old[128], new[128];
    snprintf(old, sizeof old, "%s/%s", place->made.directory, to);
    snprintf(new, sizeof new, "%s/new", place->made.directory);
    snprintf(command, sizeof command, "cp %s/%s %s", place->made.directory, from, new);
    assert_int_equal(system(command), 0);
    assert_int_equal(rename(new, old), 0);
}
