/* Making connections: queues that are full, signals, rights, several addresses, and servers that hang. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count_requests.h"
#include "raw.h"

#include <lessonstore/backend.h>

/* ---- A listener whose queue is full */

enum { FILLERS_MAX = 16 };

struct listener {
    char directory[64];
    struct sockaddr_un address;
    int socket;
    int fillers[FILLERS_MAX];
    int count;
};

static void fill_queue(struct listener *listener) {
    int connected = 0;
    while (connected == 0 && listener->count < FILLERS_MAX) {
        int filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(filler >= 0);
        listener->fillers[listener->count++] = filler;
        connected = connect(filler, (struct sockaddr *)&listener->address, sizeof listener->address);
    }
    assert_int_equal(connected, -1);
    assert_int_equal(errno, EAGAIN);
}

static void start_listener(struct listener *listener) {
    *listener = (struct listener){.address = {.sun_family = AF_UNIX}};
    strcpy(listener->directory, "/tmp/lessonstore-dialing-XXXXXX");
    assert_non_null(mkdtemp(listener->directory));
    snprintf(listener->address.sun_path, sizeof listener->address.sun_path, "%.60s/socket", listener->directory);
    listener->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener->socket, (struct sockaddr *)&listener->address, sizeof listener->address), 0);
    assert_int_equal(listen(listener->socket, 1), 0);
    fill_queue(listener);
}

static void stop_listener(struct listener *listener) {
    for (int i = 0; i < listener->count; i++)
        close(listener->fillers[i]);
    close(listener->socket);
    unlink(listener->address.sun_path);
    rmdir(listener->directory);
}

struct opener {
    char location[256];
    lesson_store *store;
    atomic_bool began;
    atomic_bool ended;
    int code;
    char message[LESSON_STORE_MESSAGE_SIZE];
};

static void *open_store(void *context) {
    struct opener *opener = context;
    opener->began = true;
    opener->code = lesson_store_open(&opener->store, opener->location);
    snprintf(opener->message, sizeof opener->message, "%s", lesson_store_message());
    opener->ended = true;
    return NULL;
}

/* Accepts everybody, and greets those who send something so. "": closes the connection instead. */
static void serve_until_open(const struct listener *listener, const struct opener *opener, const char *greeting) {
    struct pollfd clients[FILLERS_MAX + 2] = {{.fd = listener->socket, .events = POLLIN}};
    nfds_t count = 1;
    while (!opener->ended) {
        poll(clients, count, 10);
        if (clients[0].revents && count < FILLERS_MAX + 2)
            clients[count++] = (struct pollfd){.fd = accept(listener->socket, NULL, NULL), .events = POLLIN};
        for (nfds_t i = 1; i < count; i++) {
            char bytes[1024];
            ssize_t size = clients[i].revents & POLLIN ? recv(clients[i].fd, bytes, sizeof bytes, 0) : 0;
            if (size <= 0)
                continue;
            if (!greeting[0])
                shutdown(clients[i].fd, SHUT_RDWR);
            for (int left = count_requests(bytes, (size_t)size); greeting[0] && left > 0; left--)
                send(clients[i].fd, greeting, strlen(greeting), MSG_NOSIGNAL);
        }
    }
    for (nfds_t i = 1; i < count; i++)
        close(clients[i].fd);
}

static void note_nothing(int number) {
    (void)number;
}

/* After a restart more clients connect than the queue of a unix socket holds. Over TCP they wait, and here too; also if
 * signals come all the while. */
static void test_a_full_queue_is_waited_for(void **state) {
    (void)state;
    struct listener listener;
    struct opener opener = {.began = false};
    struct sigaction noted = {.sa_handler = note_nothing}, before;
    pthread_t thread;
    sigaction(SIGUSR1, &noted, &before);
    start_listener(&listener);
    snprintf(opener.location, sizeof opener.location, "redis+unix://%s?connect_timeout_ms=60000&timeout_ms=60000",
             listener.address.sun_path);
    assert_int_equal(pthread_create(&thread, NULL, open_store, &opener), 0);
    while (!opener.began)
        poll(NULL, 0, 1);
    for (int i = 0; i < 50 && !opener.ended; i++) {
        pthread_kill(thread, SIGUSR1);
        poll(NULL, 0, 2);
    }
    assert_false(opener.ended); /* it waits */
    serve_until_open(&listener, &opener, "-ERR unknown command\r\n");
    pthread_join(thread, NULL);
    if (opener.code)
        fail_msg("%s", opener.message);
    lesson_store_close(opener.store);
    stop_listener(&listener);
    sigaction(SIGUSR1, &before, NULL);
}

static void test_a_full_queue_is_not_waited_for_without_end(void **state) {
    (void)state;
    struct listener listener;
    char location[256];
    start_listener(&listener);
    snprintf(location, sizeof location, "redis+unix://%s?connect_timeout_ms=50", listener.address.sun_path);
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "no connection within 50 ms");
    stop_listener(&listener);
}

/* ---- Proxies that do not know HELLO say so in their own words, or close the connection */

static void test_words_for_an_unknown_hello(void **state) {
    (void)state;
    static const char *const greetings[] = {"-ERR invalid command\r\n",
                                            "-DENIED by proxy\r\n",
                                            "-ERR AUTH needed for HELLO\r\n",
                                            "-NOPERM no\r\n",
                                            "+OK\r\n",
                                            "*0\r\n",
                                            "$-1\r\n",
                                            ""};
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        struct listener listener;
        struct opener opener = {.began = false};
        pthread_t thread;
        start_listener(&listener);
        snprintf(opener.location, sizeof opener.location, "redis+unix://%s?pool=1", listener.address.sun_path);
        assert_int_equal(pthread_create(&thread, NULL, open_store, &opener), 0);
        serve_until_open(&listener, &opener, greetings[i]);
        pthread_join(thread, NULL);
        if (opener.code)
            fail_msg("%s: %s", greetings[i], opener.message);
        lesson_store_close(opener.store);
        stop_listener(&listener);
    }
}

/* ---- Rights. Root may open everything, so a child gives its rights up. */

static void test_a_socket_without_the_right_to_it(void **state) {
    raw_server *raw = *state;
    char location[256];
    snprintf(location, sizeof location, "%s", redis_server_unix_location(raw->server));
    assert_int_equal(chmod(redis_server_socket(raw->server), 0), 0);
    pid_t child = fork();
    if (child == 0) {
        lesson_store *store;
        if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
            _exit(2);
        _exit(lesson_store_open(&store, location) == LESSON_STORE_DENIED ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(redis_server_socket(raw->server), 0700), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- Addresses */

enum { FOUND_AT_ONCE, FOUND_SLOWLY, NOT_FOUND_YET };
enum { SLOW_MS = 100 };

/* How named.test is looked up, and what was done meanwhile. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int way;
    int hanging;
    int given; /* lists of addresses */
    int freed;
} names = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void look_names_up(int way) {
    pthread_mutex_lock(&names.mutex);
    names.way = way;
    pthread_cond_broadcast(&names.changed);
    pthread_mutex_unlock(&names.mutex);
}

static void wait_for_name(void) {
    pthread_mutex_lock(&names.mutex);
    int way = names.way;
    names.hanging++;
    while (names.way == NOT_FOUND_YET)
        pthread_cond_wait(&names.changed, &names.mutex);
    names.hanging--;
    pthread_mutex_unlock(&names.mutex);
    if (way == FOUND_SLOWLY)
        poll(NULL, 0, SLOW_MS);
}

typedef int (*look_up)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static int look_up_further(const char *host, const char *port, const struct addrinfo *wanted,
                           struct addrinfo **addresses) {
    look_up next;
    void *found = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&next, &found, sizeof next);
    if (strcmp(host, "named.test") == 0 && !(wanted->ai_flags & AI_NUMERICHOST)) {
        wait_for_name();
        return next("127.0.0.1", port, wanted, addresses);
    }
    if (strcmp(host, "two.test") != 0)
        return next(host, port, wanted, addresses);
    int error = next("127.0.0.2", port, wanted, addresses);
    return error ? error : next("127.0.0.1", port, wanted, &(*addresses)->ai_next);
}

/* These two stand before those of the C library. The name two.test has two addresses, which freeaddrinfo frees one by
 * one. */
LESSON_STORE_API int getaddrinfo(const char *host, const char *port, const struct addrinfo *wanted,
                                 struct addrinfo **addresses) {
    int error = look_up_further(host, port, wanted, addresses);
    pthread_mutex_lock(&names.mutex);
    names.given += error == 0;
    pthread_mutex_unlock(&names.mutex);
    return error;
}

LESSON_STORE_API void freeaddrinfo(struct addrinfo *addresses) {
    void (*next)(struct addrinfo *);
    void *found = dlsym(RTLD_NEXT, "freeaddrinfo");
    memcpy(&next, &found, sizeof next);
    pthread_mutex_lock(&names.mutex);
    names.freed++;
    pthread_mutex_unlock(&names.mutex);
    next(addresses);
}

/* The server listens on 127.0.0.1 only. */
static void test_each_address_of_a_name(void **state) {
    raw_server *raw = *state;
    char location[64];
    lesson_store *store;
    snprintf(location, sizeof location, "redis://two.test:%d", redis_server_port(raw->server));
    assert_code(lesson_store_open(&store, location), OK);
    lesson_store_close(store);
}

static void test_a_name_without_an_address(void **state) {
    (void)state;
    raw_refuse("redis://name.invalid:1", LESSON_STORE_UNREACHABLE, "the host name.invalid has no address");
}

/* A program that is executed at any moment inherits no connection. */
static void test_sockets_are_closed_on_exec(void **state) {
    (void)state;
    int sockets = 0;
    for (int descriptor = 3; descriptor < 256; descriptor++) {
        struct stat facts;
        if (fstat(descriptor, &facts) == 0 && S_ISSOCK(facts.st_mode))
            sockets += (fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0;
    }
    assert_true(sockets >= 1); /* of the store; the raw commands have one that is not */
}

/* ---- A server that hangs */

enum { THREADS = 8, TIMEOUT_MS = 400 };

static void *ask(void *context) {
    int code = lesson_store_where(context, "ann", NULL);
    return code == LESSON_STORE_UNREACHABLE || code == LESSON_STORE_BUSY ? NULL : context;
}

static void join_thread(pthread_t thread) {
    void *failed;
    pthread_join(thread, &failed);
    assert_null(failed);
}

/* A pool that has not grown yet: each thread makes its connection at the same time, or waits for one. */
static void test_threads_do_not_queue_before_a_server_that_hangs(void **state) {
    raw_server *raw = *state;
    static const char *const options[] = {"?pool=8&timeout_ms=400&connect_timeout_ms=400", "?pool=1&timeout_ms=400"};
    for (int i = 0; i < 2; i++) {
        pthread_t threads[THREADS];
        lesson_store *store = raw_open_store(raw, options[i]);
        assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
        kill(redis_server_pid(raw->server), SIGSTOP);
        int64_t began_us = lesson_store_monotonic_us();
        for (int t = 0; t < THREADS; t++)
            assert_int_equal(pthread_create(&threads[t], NULL, ask, store), 0);
        for (int t = 0; t < THREADS; t++)
            join_thread(threads[t]);
        int64_t took_ms = (lesson_store_monotonic_us() - began_us) / 1000;
        kill(redis_server_pid(raw->server), SIGCONT);
        /* One after the other it would be THREADS * TIMEOUT_MS. */
        assert_in_range(took_ms, TIMEOUT_MS / 2, THREADS * TIMEOUT_MS / 2);
        lesson_store_close(store);
    }
}

/* ---- Names whose look-up takes long */

static int count_threads(void) {
    char line[128];
    int count = 0;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status)) {
        if (strncmp(line, "Threads:", 8) == 0)
            count = (int)strtol(line + 8, NULL, 10);
    }
    fclose(status);
    return count;
}

static int count_kept_addresses(void) {
    pthread_mutex_lock(&names.mutex);
    int count = names.given - names.freed;
    pthread_mutex_unlock(&names.mutex);
    return count;
}

static int count_hanging(void) {
    pthread_mutex_lock(&names.mutex);
    int count = names.hanging;
    pthread_mutex_unlock(&names.mutex);
    return count;
}

/* Look-ups that nobody waits for any more end when they can, and leave nothing behind. */
static void let_names_go(int threads) {
    look_names_up(FOUND_AT_ONCE);
    for (int i = 0; i < 10000 && (count_threads() > threads || count_kept_addresses() > 0); i++)
        poll(NULL, 0, 1);
    assert_true(count_threads() <= threads); /* one that was done already may have been counted before */
    assert_int_equal(count_kept_addresses(), 0);
}

static void name_location(const raw_server *raw, char location[128], const char *options) {
    snprintf(location, 128, "redis://named.test:%d%s", redis_server_port(raw->server), options);
}

static lesson_store *open_named(const raw_server *raw, const char *options) {
    char location[128];
    lesson_store *store;
    name_location(raw, location, options);
    assert_code(lesson_store_open(&store, location), OK);
    return store;
}

static void test_opening_does_not_wait_for_a_name_without_end(void **state) {
    raw_server *raw = *state;
    char location[128];
    int threads = count_threads();
    name_location(raw, location, "?connect_timeout_ms=200");
    look_names_up(NOT_FOUND_YET);
    int64_t began_us = lesson_store_monotonic_us();
    raw_refuse(location, LESSON_STORE_UNREACHABLE, "the address of the host named.test was not found within 200 ms");
    assert_in_range((lesson_store_monotonic_us() - began_us) / 1000, 150, 1000);
    assert_int_equal(count_hanging(), 1);
    let_names_go(threads);
}

static void test_a_call_does_not_wait_for_a_name_without_end(void **state) {
    raw_server *raw = *state;
    int threads = count_threads();
    lesson_store *store = open_named(raw, "?pool=1&timeout_ms=200");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    look_names_up(NOT_FOUND_YET);
    int64_t began_us = lesson_store_monotonic_us();
    assert_code(lesson_store_where(store, "ann", NULL), UNREACHABLE);
    raw_assert_message("named.test was not found within");
    assert_code(lesson_store_join(store, "ann", "C1", "L1", NULL, 0, NULL), UNREACHABLE); /* certainly not executed */
    assert_in_range((lesson_store_monotonic_us() - began_us) / 1000, 300, 2000);
    let_names_go(threads);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    lesson_store_close(store);
}

/* The store is closed before the name is found. */
static void test_a_store_that_is_closed_meanwhile(void **state) {
    raw_server *raw = *state;
    int threads = count_threads();
    lesson_store *store = open_named(raw, "?pool=1&timeout_ms=50");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    look_names_up(NOT_FOUND_YET);
    for (int i = 0; i < 5; i++)
        assert_code(lesson_store_where(store, "ann", NULL), UNREACHABLE);
    lesson_store_close(store);
    for (int i = 0; i < 10000 && count_hanging() < 5; i++)
        poll(NULL, 0, 1);
    assert_int_equal(count_hanging(), 5);
    let_names_go(threads);
}

static void test_a_name_that_is_found_slowly(void **state) {
    raw_server *raw = *state;
    int threads = count_threads();
    look_names_up(FOUND_SLOWLY);
    int64_t began_us = lesson_store_monotonic_us();
    lesson_store *store = open_named(raw, "?pool=1&timeout_ms=60000&connect_timeout_ms=60000");
    assert_true(lesson_store_monotonic_us() - began_us >= SLOW_MS * 1000);
    assert_code(lesson_store_where(store, "ann", NULL), NOT_FOUND);
    lesson_store_close(store);
    let_names_go(threads);
}

enum { CROWD = 64 };

struct caller {
    pthread_t thread;
    lesson_store *store;
    int code;
    int64_t took_ms;
};

static void *call(void *context) {
    struct caller *caller = context;
    int64_t began_us = lesson_store_monotonic_us();
    caller->code = lesson_store_where(caller->store, "ann", NULL);
    caller->took_ms = (lesson_store_monotonic_us() - began_us) / 1000;
    return NULL;
}

/* Returns how many calls of the crowd found an answer. Each must return within so many milliseconds. */
static int call_together(lesson_store *store, int most_ms) {
    struct caller crowd[CROWD];
    int answered = 0;
    for (int i = 0; i < CROWD; i++) {
        crowd[i].store = store;
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, call, &crowd[i]), 0);
    }
    for (int i = 0; i < CROWD; i++)
        pthread_join(crowd[i].thread, NULL);
    for (int i = 0; i < CROWD; i++) {
        answered += crowd[i].code == LESSON_STORE_NOT_FOUND;
        assert_true(crowd[i].code == LESSON_STORE_NOT_FOUND || crowd[i].code == LESSON_STORE_UNREACHABLE ||
                    crowd[i].code == LESSON_STORE_BUSY);
        assert_in_range(crowd[i].took_ms, 0, most_ms);
    }
    return answered;
}

/* One after the other it would be CROWD times the time of one. */
static void test_threads_do_not_queue_before_a_name(void **state) {
    raw_server *raw = *state;
    static const char *const options[] = {"?pool=64&timeout_ms=400&connect_timeout_ms=400", "?pool=4&timeout_ms=400"};
    int threads = count_threads();
    for (int i = 0; i < 2; i++) {
        lesson_store *store = open_named(raw, options[i]);
        raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
        look_names_up(NOT_FOUND_YET);
        assert_int_equal(call_together(store, 4 * TIMEOUT_MS), 0);
        lesson_store_close(store);
        let_names_go(threads);
    }
    lesson_store *store = open_named(raw, "?pool=64&timeout_ms=60000&connect_timeout_ms=60000");
    raw_do(raw, "CLIENT KILL TYPE normal SKIPME yes");
    look_names_up(FOUND_SLOWLY);
    assert_int_equal(call_together(store, CROWD * SLOW_MS / 2), CROWD);
    lesson_store_close(store);
    let_names_go(threads);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_full_queue_is_waited_for),
        TEST(a_full_queue_is_not_waited_for_without_end),
        TEST(words_for_an_unknown_hello),
        TEST(a_socket_without_the_right_to_it),
        TEST(each_address_of_a_name),
        TEST(a_name_without_an_address),
        TEST(sockets_are_closed_on_exec),
        TEST(threads_do_not_queue_before_a_server_that_hangs),
        TEST(opening_does_not_wait_for_a_name_without_end),
        TEST(a_call_does_not_wait_for_a_name_without_end),
        TEST(a_store_that_is_closed_meanwhile),
        TEST(a_name_that_is_found_slowly),
        TEST(threads_do_not_queue_before_a_name),
    };
    return cmocka_run_group_tests(tests, raw_start, raw_stop);
}
