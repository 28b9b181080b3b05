/* Which certificates are accepted, by us and by the server, and what a refusal says. */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tls_place.h"

typedef int (*look_up)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* Stands before that of the C library: names that end in .test have the address of this machine. */
LESSON_STORE_API int getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted,
                                 struct addrinfo **addresses) {
    look_up next;
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&next, &found, sizeof next);
    size_t size = strlen(host);
    bool is_ours = size > 5 && strcmp(host + size - 5, ".test") == 0;
    return next(is_ours ? "127.0.0.1" : host, port, wanted, addresses);
}

/* ---- Trials. An OK one also joins a lesson. */

struct trial {
    const char *host;
    const char *options;
    int code;
    const char *says; /* part of the message */
};

static void play(const tls_place *place, const redis_server *server, const struct trial *trial) {
    char location[TLS_LOCATION_SIZE];
    lesson_store *store = NULL;
    tls_locate(location, place, trial->host, redis_server_tls_port(server), trial->options);
    int code = lesson_store_open(&store, location);
    if (code != trial->code || (code && !strstr(lesson_store_message(), trial->says)))
        fail_msg("%s: %s: %s", location, lesson_store_code_name(code), code ? lesson_store_message() : "");
    if (code == LESSON_STORE_OK)
        assert_code(lesson_store_join(store, "ann", "C", "L", NULL, 0, NULL), OK);
    lesson_store_close(store);
}

static void play_all(const tls_place *place, const redis_server *server, const struct trial *trials, size_t count) {
    for (size_t i = 0; i < count; i++)
        play(place, server, &trials[i]);
}

#define PLAY(place, server, trials) play_all(place, server, trials, sizeof(trials) / sizeof *(trials))

static void test_names(void **state) {
    const tls_place *place = *state;
    static const struct trial trials[] = {
        {"redis.test", "tls_ca=@/ca.crt", LESSON_STORE_OK, ""},
        {"localhost", "tls_ca=@/ca.crt", LESSON_STORE_OK, ""},
        {"127.0.0.1", "tls_ca=@/ca.crt", LESSON_STORE_OK, ""},
        {"unnamed.test", "tls_ca=@/ca.crt", LESSON_STORE_DENIED, "unnamed.test is not accepted: hostname mismatch"},
        {"127.0.0.2", "tls_ca=@/ca.crt", LESSON_STORE_DENIED, "127.0.0.2 is not accepted: IP address mismatch"},
        {"unnamed.test", "tls_ca=@/ca.crt&tls_name=redis.test", LESSON_STORE_OK, ""},
        {"127.0.0.2", "tls_ca=@/ca.crt&tls_name=127.0.0.1", LESSON_STORE_OK, ""},
        {"localhost", "tls_ca=@/ca.crt&tls_name=unnamed.test", LESSON_STORE_DENIED, "unnamed.test is not accepted"},
        {"localhost", "tls_ca=@/ca.crt&tls_name=::1", LESSON_STORE_DENIED, "::1 is not accepted: IP address mismatch"},
        {"unnamed.test", "tls_ca=@/ca.crt&tls_verify=ca", LESSON_STORE_OK, ""},
        {"unnamed.test", "tls_verify=none", LESSON_STORE_OK, ""},
        {"unnamed.test", "tls_ca=@/ca.crt&tls_verify=full", LESSON_STORE_DENIED, "unnamed.test"},
    };
    PLAY(place, place->open, trials);
}

static void test_authorities(void **state) {
    const tls_place *place = *state;
    static const struct trial trials[] = {
        {"localhost", "tls_ca=@/other-ca.crt", LESSON_STORE_DENIED, "localhost is not accepted: "},
        {"localhost", "tls_ca=@/other-ca.crt&tls_verify=ca", LESSON_STORE_DENIED, "is not accepted: "},
        {"localhost", "tls_ca=@/other-ca.crt&tls_verify=none", LESSON_STORE_OK, ""},
        {"localhost", "", LESSON_STORE_DENIED, "is not accepted: "}, /* the CAs of the system */
    };
    PLAY(place, place->open, trials);
    char file[128];
    snprintf(file, sizeof file, "%s/ca.crt", place->made.directory);
    setenv("SSL_CERT_FILE", file, 1); /* of OpenSSL: where the system's are */
    play(place, place->open, &(struct trial){"localhost", "", LESSON_STORE_OK, ""});
    unsetenv("SSL_CERT_FILE");
}

/* A certificate of a server that is not this one, of a client, and one with a wildcard within a part of the name. */
static void test_certificates_of_servers(void **state) {
    const tls_place *place = *state;
    static const char *const names[] = {"elsewhere", "client"};
    static const char *const says[] = {"hostname mismatch", "purpose"};
    static const char *const clients[] = {"--tls-auth-clients", "no", NULL};
    for (size_t i = 0; i < 2; i++) {
        redis_server *server = redis_server_start_tls(&place->made, names[i], clients);
        assert_non_null(server);
        play(place, server, &(struct trial){"localhost", "tls_ca=@/ca.crt", LESSON_STORE_DENIED, says[i]});
        play(place, server, &(struct trial){"localhost", "tls_verify=none", LESSON_STORE_OK, ""});
        redis_server_stop(server);
    }
    redis_server *server = redis_server_start_tls(&place->made, "partial", clients);
    assert_non_null(server);
    play(place, server,
         &(struct trial){"local.redis.test", "tls_ca=@/ca.crt", LESSON_STORE_DENIED, "hostname mismatch"});
    redis_server_stop(server);
}

static const struct trial client_trials[] = {
    {"localhost", TLS_CLIENT, LESSON_STORE_OK, ""},
    {"localhost", "tls_ca=@/ca.crt&tls_cert=@/together.pem", LESSON_STORE_OK, ""},
    {"localhost", "tls_ca=@/ca.crt&tls_cert=@/client-2.crt&tls_key=@/client-2.key", LESSON_STORE_OK, ""},
    {"localhost", "tls_ca=@/ca.crt", LESSON_STORE_DENIED,
     "the server wants a client certificate (the option tls_cert)"},
    {"localhost", "tls_ca=@/ca.crt&tls_cert=@/other-client.crt&tls_key=@/other-client.key", LESSON_STORE_DENIED,
     "the server does not accept the client certificate"},
};

/* In TLS 1.3 the refusal arrives after the handshake, and in TLS 1.2 in it. */
static void test_client_certificates(void **state) {
    const tls_place *place = *state;
    static const char *const old[] = {"--tls-protocols", "TLSv1.2", NULL};
    for (int i = 0; i < 20; i++) /* the alert races with our first request */
        PLAY(place, place->raw.server, client_trials);
    redis_server *server = redis_server_start_tls(&place->made, NULL, old);
    assert_non_null(server);
    PLAY(place, server, client_trials);
    redis_server_stop(server);
}

/* It is not taken for a server that does not know HELLO, which would be greeted again. The false server may lose an
 * alert when the real one resets the connection. */
static void test_a_refusal_is_final(void **state) {
    const tls_place *place = *state;
    char location[TLS_LOCATION_SIZE];
    false_server *between = false_server_start(redis_server_tls_port_text(place->raw.server));
    tls_locate(location, place, "127.0.0.1", false_server_port(between), "tls_ca=@/ca.crt");
    for (int i = 0; i < 20; i++) {
        lesson_store *store;
        int code = lesson_store_open(&store, location);
        assert_true(code == LESSON_STORE_DENIED || code == LESSON_STORE_UNREACHABLE);
        raw_assert_message("client certificate");
    }
    assert_in_range(false_server_connections(between), 20, 39);
    false_server_stop(between);
}

/* ---- Our own files */

static void test_files(void **state) {
    const tls_place *place = *state;
    static const struct trial trials[] = {
        {"localhost", "tls_ca=/nowhere", LESSON_STORE_INVALID, "tls_ca: /nowhere: No such file"},
        {"localhost", "tls_cert=/nowhere", LESSON_STORE_INVALID, "tls_cert: /nowhere: No such file"},
        {"localhost", "tls_cert=@/client.crt&tls_key=/nowhere", LESSON_STORE_INVALID,
         "tls_key: /nowhere: No such file"},
        {"localhost", "tls_ca=@/request", LESSON_STORE_INVALID, "tls_ca: "},
        {"localhost", "tls_ca=@/client.key", LESSON_STORE_INVALID, "tls_ca: "},
        {"localhost", "tls_ca=/", LESSON_STORE_INVALID, "tls_ca: "},
        {"localhost", "tls_cert=@/client.key", LESSON_STORE_INVALID, "tls_cert: "},
        {"localhost", "tls_cert=@/client.crt", LESSON_STORE_INVALID, "has no key"},
        {"localhost", "tls_cert=@/client.crt&tls_key=@/client-2.key", LESSON_STORE_INVALID, "key values mismatch"},
        {"localhost", "tls_cert=@/client.crt&tls_key=@/encrypted.key", LESSON_STORE_INVALID, "the key is encrypted"},
        {"localhost", "tls_cert=@/client.crt&tls_key=@/old-encrypted.key", LESSON_STORE_INVALID,
         "the key is encrypted"},
        {"localhost", "tls_key=@/client.key", LESSON_STORE_INVALID, "a tls_key without a tls_cert"},
        {"localhost", "tls_ca=", LESSON_STORE_INVALID, "tls_ca is empty"},
        {"localhost", "tls_name=", LESSON_STORE_INVALID, "tls_name has not 1 to 255 bytes"},
        {"localhost", "tls_verify=maybe", LESSON_STORE_INVALID, "tls_verify"},
    };
    PLAY(place, place->raw.server, trials);
}

static void test_options_in_the_clear(void **state) {
    (void)state;
    raw_refuse("redis://localhost?tls_ca=/nowhere", LESSON_STORE_INVALID, "tls_ca needs the scheme rediss");
    raw_refuse("redis://localhost?tls_verify=full", LESSON_STORE_INVALID, "tls_verify needs the scheme rediss");
    raw_refuse("redis+unix:///x?tls_name=a", LESSON_STORE_INVALID, "tls_name needs the scheme rediss");
    raw_refuse("rediss://", LESSON_STORE_INVALID, "there is no host after rediss://");
}

/* A key that only its owner may read. Root may read everything, so a child gives its rights up. */
static void test_a_file_without_the_right_to_it(void **state) {
    const tls_place *place = *state;
    char location[TLS_LOCATION_SIZE], file[128];
    snprintf(file, sizeof file, "%s/private.key", place->made.directory);
    tls_replace(place, "client.key", "private.key");
    assert_int_equal(chmod(file, 0), 0);
    assert_int_equal(chmod(place->made.directory, 0755), 0);
    tls_locate(location, place, "localhost", redis_server_tls_port(place->raw.server),
               "tls_cert=@/client.crt&tls_key=@/private.key");
    pid_t child = fork();
    if (child == 0) {
        lesson_store *store;
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(2);
        int code = lesson_store_open(&store, location);
        _exit(code == LESSON_STORE_DENIED && strstr(lesson_store_message(), "tls_key: ") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A relative name is relative to the directory in which the store was opened, also for later connections. */
static void test_relative_names(void **state) {
    const tls_place *place = *state;
    char location[TLS_LOCATION_SIZE], before[512];
    lesson_store *store;
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(place->made.directory), 0);
    tls_locate(location, place, "localhost", redis_server_tls_port(place->raw.server),
               "tls_ca=ca.crt&tls_cert=together.pem&pool=1");
    assert_code(lesson_store_open(&store, location), OK);
    assert_int_equal(chdir("/"), 0);
    tls_replace(place, "together.pem", "together.pem"); /* so that it is read again */
    raw_do(&((tls_place *)*state)->raw, "CLIENT KILL TYPE normal SKIPME yes");
    assert_code(lesson_store_where(store, "nobody", NULL), NOT_FOUND);
    lesson_store_close(store);
    assert_int_equal(chdir(before), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_authorities),
        cmocka_unit_test(test_certificates_of_servers),
        cmocka_unit_test(test_client_certificates),
        cmocka_unit_test(test_a_refusal_is_final),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_options_in_the_clear),
        cmocka_unit_test(test_a_file_without_the_right_to_it),
        cmocka_unit_test(test_relative_names),
    };
    return cmocka_run_group_tests(tests, tls_place_start, tls_place_stop);
}
