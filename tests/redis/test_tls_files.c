/* Certificate files that are replaced while a store is open, and handshakes that fail again and again. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"
#include "tls_place.h"

#include <lessonstore/backend.h>

/* ---- Rotation. Each test works with copies of the files. */

#define ROTATED "tls_ca=@/my-ca.crt&tls_cert=@/my.crt&tls_key=@/my.key&pool=1"

static lesson_store *open_rotated(const tls_place *place) {
    char location[TLS_LOCATION_SIZE];
    lesson_store *store;
    tls_replace(place, "ca.crt", "my-ca.crt");
    tls_replace(place, "client.crt", "my.crt");
    tls_replace(place, "client.key", "my.key");
    tls_locate(location, place, "localhost", redis_server_tls_port(place->raw.server), ROTATED);
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

/* The next call needs a new connection, and is not on a fresh one. */
static void break_connection(tls_place *place) {
    int64_t began_us = lesson_store_monotonic_us();
    raw_do(&place->raw, "CLIENT KILL TYPE normal SKIPME yes");
    while (lesson_store_monotonic_us() - began_us < 2000)
        ;
}

static int join_anew(tls_place *place, lesson_store *store) {
    break_connection(place);
    return lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL);
}

/* The old certificate would be refused: that the new one is shown is seen by the refusal of one of another CA, also
 * where a session could be resumed, in which the server does not ask. */
static void test_new_files_are_read(void **state) {
    tls_place *place = *state;
    lesson_store *store = open_rotated(place);
    assert_code(join_anew(place, store), OK);
    assert_string_equal(tls_fact(store, "tls_resumed"), "1");
    tls_replace(place, "other-client.crt", "my.crt");
    tls_replace(place, "other-client.key", "my.key");
    assert_code(join_anew(place, store), DENIED);
    raw_assert_message("the server does not accept the client certificate");
    tls_replace(place, "client-2.crt", "my.crt");
    tls_replace(place, "client-2.key", "my.key");
    assert_code(join_anew(place, store), OK);
    assert_string_equal(tls_fact(store, "tls_resumed"), "1");
    assert_code(join_anew(place, store), OK);
    assert_string_equal(tls_fact(store, "tls_resumed"), "2");
    lesson_store_close(store);
}

static void test_a_new_ca_is_read(void **state) {
    tls_place *place = *state;
    lesson_store *store = open_rotated(place);
    tls_replace(place, "other-ca.crt", "my-ca.crt");
    assert_code(join_anew(place, store), DENIED);
    raw_assert_message("localhost is not accepted");
    tls_replace(place, "ca.crt", "my-ca.crt");
    assert_code(join_anew(place, store), OK);
    lesson_store_close(store);
}

/* A connection that is there already goes on. Whole files are read when they are there. */
static void test_files_that_are_being_replaced(void **state) {
    tls_place *place = *state;
    char command[256], key[128];
    lesson_store *store = open_rotated(place);
    snprintf(command, sizeof command, "head -c 100 %s/client.crt >%s/my.crt", place->made.directory,
             place->made.directory);
    assert_int_equal(system(command), 0);
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    assert_code(join_anew(place, store), UNREACHABLE);
    raw_assert_message("tls_cert: ");
    tls_replace(place, "client-2.crt", "my.crt"); /* its key is not there yet */
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), UNREACHABLE);
    raw_assert_message("tls_key: ");
    snprintf(key, sizeof key, "%s/my.key", place->made.directory);
    assert_int_equal(unlink(key), 0);
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), UNREACHABLE);
    raw_assert_message("No such file");
    tls_replace(place, "client-2.key", "my.key");
    assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    lesson_store_close(store);
}

/* ---- Failures in a row */

enum { FAILURES = 1000, WARM_UP = 50, SLACK = 256 * 1024 };

/* Half of them are refused by us, and half by the server after its handshake. */
static void fail_handshakes(const tls_place *place, int count) {
    char ours[TLS_LOCATION_SIZE], theirs[TLS_LOCATION_SIZE];
    tls_locate(ours, place, "localhost", redis_server_tls_port(place->raw.server), TLS_CLIENT "&tls_name=nobody.test");
    tls_locate(theirs, place, "localhost", redis_server_tls_port(place->raw.server), "tls_ca=@/ca.crt");
    for (int i = 0; i < count; i++)
        raw_refuse(i % 2 ? ours : theirs, LESSON_STORE_DENIED, "certificate");
}

static void test_failures_leave_nothing(void **state) {
    const tls_place *place = *state;
    fail_handshakes(place, WARM_UP);
    int files = descriptors_open();
    size_t bytes = mallinfo2().uordblks;
    fail_handshakes(place, FAILURES);
    assert_int_equal(descriptors_open(), files);
    size_t now = mallinfo2().uordblks;
    if (now > bytes + SLACK)
        fail_msg("%zu bytes were allocated before %d failures, and %zu after them", bytes, FAILURES, now);
}

/* The same for an open store, whose context lives on. */
static void test_reconnecting_leaves_nothing(void **state) {
    tls_place *place = *state;
    lesson_store *store = open_rotated(place);
    int files = 0;
    size_t bytes = 0;
    for (int i = 0; i < 400; i++) {
        if (i == 100) {
            files = descriptors_open();
            bytes = mallinfo2().uordblks;
        }
        bool is_refused = i % 2;
        tls_replace(place, is_refused ? "other-ca.crt" : "ca.crt", "my-ca.crt");
        int code = join_anew(place, store);
        assert_int_equal(code, is_refused ? LESSON_STORE_DENIED : LESSON_STORE_OK);
    }
    assert_in_range(descriptors_open(), files - 1, files + 1); /* with or without a connection */
    size_t now = mallinfo2().uordblks;
    if (now > bytes + SLACK)
        fail_msg("%zu bytes were allocated before, and %zu are now", bytes, now);
    lesson_store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_files_are_read),
        cmocka_unit_test(test_a_new_ca_is_read),
        cmocka_unit_test(test_files_that_are_being_replaced),
        cmocka_unit_test(test_failures_leave_nothing),
        cmocka_unit_test(test_reconnecting_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, tls_place_start, tls_place_stop);
}
