/* Connections over TLS whose send buffers are so small that records are sent in parts. */
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tls_place.h"

typedef int (*socket_maker)(int, int, int);

/* Stands before that of the C library. */
LESSON_STORE_API int socket(int domain, int type, int protocol) {
    const int size = 4096;
    socket_maker next;
    void *found = dlsym(RTLD_NEXT, "socket");
    memcpy(&next, &found, sizeof next);
    int made = next(domain, type, protocol);
    if (made >= 0 && domain != AF_UNIX)
        setsockopt(made, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return made;
}

enum { COUNT = 2048 };

static lesson_store_operation operations[COUNT];
static lesson_store_place places[COUNT];
static char long_id[2][LESSON_STORE_ID_MAX + 1];

/* Joins with the longest ids: a request of 256 of them has some 290,000 bytes. */
static void make_joins(void) {
    memset(long_id[0], 'a', LESSON_STORE_ID_MAX);
    memset(long_id[1], 'b', LESSON_STORE_ID_MAX);
    for (int i = 0; i < COUNT; i++) {
        operations[i] = raw_operation(LESSON_STORE_OPERATION_JOIN, long_id[0], long_id[i % 2]);
        operations[i].course_id = operations[i].session = lesson_store_id_of(long_id[0]);
        operations[i].place = &places[i];
    }
}

static void test_records_in_parts(void **state) {
    tls_place *place = *state;
    make_joins();
    lesson_store *store = tls_open(place, "&pool=1&timeout_ms=60000");
    for (int round = 0; round < 2; round++)
        assert_code(lesson_store_batch(store, operations, COUNT), OK);
    for (int i = 1; i < COUNT; i++)
        assert_string_equal(places[i].lesson_id, long_id[(i - 1) % 2]);
    lesson_store_close(store);
    raw_do(&place->raw, "FLUSHALL");
}

/* A server that takes a part of the request. It is not executed, also when the server goes on and reads what it has;
 * the goodbye of the connection would complete the record that was sent in part. */
static void test_a_request_that_is_not_taken(void **state) {
    tls_place *place = *state;
    make_joins();
    lesson_store *store = tls_open(place, "&pool=1&timeout_ms=300");
    for (int i = 0; i < 5; i++) {
        kill(redis_server_pid(place->raw.server), SIGSTOP);
        int code = lesson_store_batch(store, operations, 256);
        kill(redis_server_pid(place->raw.server), SIGCONT);
        assert_int_equal(code, LESSON_STORE_UNREACHABLE);
        if (i == 0)
            raw_assert_within("the server did not take the request", 100, 300);
        assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
        raw_expect(&place->raw, "");
    }
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_in_parts),
        cmocka_unit_test(test_a_request_that_is_not_taken),
    };
    return cmocka_run_group_tests(tests, tls_place_start, tls_place_stop);
}
